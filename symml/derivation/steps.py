"""The story of a derivation: definitions with their differentials, df, back-substitution, identification.

Results come from reverse mode, the story from forward mode; the two are compared every time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from symml.calculus.forward import differential
from symml.calculus.nodes import Apply, Const, Ein, Leaf, Node, Sum, walk
from symml.calculus.proving import proved_equal
from symml.calculus.reverse import derivative
from symml.calculus.rule import rule
from symml.calculus.transform import rebuild, substitute
from symml.checking.equality import sampled
from symml.derivation.objective import untied_symbol
from symml.derivation.results import direction_of, show
from symml.errors import InternalError
from symml.forms.flipping import flip
from symml.forms.lowering import leaf_of
from symml.forms.polishing.naming import name_for
from symml.forms.raising import Raising, act
from symml.language.expressions import Action, Call, Expression, Mul, Symbol, Transpose
from symml.language.function import function
from symml.language.names import unicode_name
from symml.language.operators import add, call, multiply_any, scalar, symbol
from symml.records import Step, Verdict, verdict

if TYPE_CHECKING:
    from symml.derivation.derivation import Derivation

MAX_CUTS = 12


@dataclass
class _Story:
    """State of one narration: the cut points, their names, and the lines so far."""

    x: Leaf
    dx: Symbol
    named: dict[Node, Leaf] = field(default_factory=dict)
    bodies: list[tuple[Leaf, Node, Node]] = field(default_factory=list)  # name, short body, full node
    lines: list[Step] = field(default_factory=list)


def narrate(derivation: Derivation) -> tuple[Step, ...]:
    """Return the steps of a derivation, for each of its variables."""
    lines: list[Step] = []
    for v in derivation.wrt:
        lines.extend(_narrate(derivation, v))
    return tuple(lines)


def _narrate(derivation: Derivation, v: Any) -> list[Step]:
    x = derivation._leaf(v)
    story = _Story(x, direction_of(v, frozenset()))
    root = derivation._node
    taken = [*derivation._taken, story.dx.name]
    if x not in root.leaves:
        gradient = _shown(derivation, v)
        return [Step("constant", f"the objective does not depend on {unicode_name(v.name)}", derivation.objective, gradient,
                     f"∇f = {gradient}", rf"\nabla f = {gradient.latex()}", verdict("proved", "no occurrence"))]  # fmt: skip
    _cut(story, root, taken)
    short = substitute(root, {n: leaf for n, leaf in story.named.items()})
    for name, body, full in story.bodies:
        _definition(story, name, body, full)
    df = _first_line(story, short)
    df = _back_substitute(story, df)
    _identify(story, derivation, v, df)
    return story.lines


# -- cut points ---------------------------------------------------------------------------------------------------
def _cut(story: _Story, root: Node, taken: list[str]) -> None:
    """Name the sums, function arguments and function values that move with x, innermost first."""
    points = _cut_points(root, story.x)
    raising = Raising()
    done: dict[Node, Node] = {}
    for node in walk(root):
        children = [done[c] for c in node.children]
        short = rebuild(node, children) if tuple(children) != node.children else node
        done[node] = short
        if node in points and len(story.named) < MAX_CUTS and len(node.shape) <= 2:
            shown = raising.run(short)
            name = name_for(shown, frozenset(taken), raising.symmetric)
            taken.append(name.name)
            leaf = leaf_of(name)
            done[node] = leaf
            story.named[node] = leaf
            story.bodies.append((leaf, short, node))


def _cut_points(root: Node, x: Leaf) -> set[Node]:
    parents: dict[Node, list[Node]] = {}
    for node in walk(root):
        for child in node.children:
            parents.setdefault(child, []).append(node)
    found = set()
    for node, above in parents.items():
        if x not in node.leaves or node is x or isinstance(node, (Leaf, Const)):
            continue
        if isinstance(node, Sum):
            if any(not isinstance(p, Sum) for p in above):
                found.add(node)
        elif isinstance(node, Ein):
            if any(isinstance(p, Apply) and p.op != "pow" for p in above) and node.children:
                found.add(node)
        elif isinstance(node, Apply) and node.op in ("map", "softmax", "inv") and any(isinstance(p, (Ein, Apply)) for p in above):
            if node.children[0] is not x or len(above) > 1 or node.op != "map":
                found.add(node)
    return found


# -- lines --------------------------------------------------------------------------------------------------------
def _moves(story: _Story, node: Node) -> dict[Leaf, Node]:
    """Directions of x and of the named leaves below a node."""
    moves: dict[Leaf, Node] = {}
    if story.x in node.leaves:
        moves[story.x] = leaf_of(story.dx)
    for leaf in story.named.values():
        if leaf in node.leaves:
            moves[leaf] = leaf_of(_d(leaf))
    return moves


def _d(leaf: Leaf) -> Symbol:
    facts = {"symmetric"} & leaf.facts
    return symbol(f"d{leaf.name}", leaf.payload.shape, facts)


def _definition(story: _Story, name: Leaf, body: Node, full: Node) -> None:
    raising = Raising()
    shown = raising.run(body)
    moved = differential(body, _moves(story, body))
    assert moved is not None
    change = _shown_line(story, moved)
    label, statement, source = _labels(body, story)
    left, d_left = name.payload, _d(name)
    text = f"{left} = {shown},  {d_left} = {change}"
    latex = rf"{left.latex()} &= {shown.latex()}, \qquad {d_left.latex()} = {change.latex()}"
    story.lines.append(Step(label, statement, shown, change, text, latex, _same(story, full, moved), source))


def _same(story: _Story, full: Node, moved: Node) -> Verdict:
    """Compare a differential, with all names put back, with the one from reverse mode."""
    direction = leaf_of(story.dx)
    reverse = _along(derivative(full, story.x), direction, len(full.shape))
    return _agree(_put_back(story, moved), reverse)


def _along(jacobian: Node, direction: Node, lead: int) -> Node:
    return act(jacobian, direction, lead)


def _put_back(story: _Story, node: Node) -> Node:
    """Replace names by what they stand for, and their differentials by theirs."""
    swap: dict[Node, Node] = {}
    for name, body, full in story.bodies:
        swap[name] = full
        moved = differential(body, _moves(story, body))
        assert moved is not None
        swap[leaf_of(_d(name))] = substitute(moved, dict(swap))
    return substitute(node, swap)


def _agree(a: Node, b: Node) -> Verdict:
    if proved_equal(a, b):
        return verdict("proved", "forward and reverse mode have one canonical form")
    if len(a.shape) > 2:
        return verdict("unchecked", reason="a tensor of order 3 or more")
    return sampled(Raising(False).run(a), Raising(False).run(b))


def _first_line(story: _Story, short: Node) -> Node:
    moved = differential(short, _moves(story, short))
    assert moved is not None
    before, after = Raising().run(short), _shown_line(story, moved)
    label, statement, source = _labels(short, story)
    full = substitute(short, {leaf: n for n, leaf in story.named.items()})
    full = _put_back(story, full)
    story.lines.append(Step(label, statement, before, after, f"df = {after}", rf"df &= {after.latex()}",
                            _same(story, full, moved), source))  # fmt: skip
    return moved


def _back_substitute(story: _Story, df: Node) -> Node:
    for name, body, _ in reversed(story.bodies):
        d_name = leaf_of(_d(name))
        if d_name not in df.leaves:
            continue
        before = _shown_line(story, df)
        moved = differential(body, _moves(story, body))
        assert moved is not None
        after_node = substitute(df, {d_name: moved})
        after = _shown_line(story, after_node)
        statement = f"substitute {_d(name)}"
        step = Step("substitute", statement, before, after, f"   = {after}", rf"&= {after.latex()}",
                    _agree(_put_back(story, df), _put_back(story, after_node)))  # fmt: skip
        story.lines.append(step)
        df = after_node
    return df


def _identify(story: _Story, derivation: Derivation, v: Any, df: Node) -> None:
    """Read the derivative off the differential, which is linear in the direction; put the names back."""
    named = derivative(df, leaf_of(story.dx))
    full = derivation._tied(_put_back(story, named))
    truth = derivation._derivative_node(v)
    agreed = _agree(full, truth)
    if agreed == "wrong":
        raise InternalError(f"the steps disagree with reverse mode for {derivation.objective}: {agreed.counterexample}")
    final = _shown(derivation, v)
    label = "J" if derivation.objective.shape != () else "∇f" if getattr(v, "shape", ()) else "f′"
    tex = {"∇f": r"\nabla f", "f′": "f'", "J": "J"}[label]
    if len(named.shape) <= 2:
        read = Raising().run(_renamed(story, named))
        statement = "identification: df is linear in " + f"{story.dx}; its coefficient is the derivative"
        story.lines.append(Step("identification", statement, _shown_line(story, df), read,
                                f"{label} = {read}", rf"{tex} &= {read.latex()}", agreed))  # fmt: skip
        if str(read) == str(final):
            return
    text = str(final) if isinstance(final, Action) else f"{label} = {final}"
    latex = final.latex() if isinstance(final, Action) else rf"{tex} &= {final.latex()}"
    structured = "symmetric" in getattr(v, "facts", ()) and untied_symbol(v) is not v
    note = "; the entries of the symmetric variable are taken as independent" if structured else ""
    story.lines.append(Step("definitions", "put the definitions back" + note, None, final, text, latex, agreed))


def _shown(derivation: Derivation, v: Any) -> Expression:
    what = "gradient" if derivation.objective.shape == () else "jacobian"
    if what == "gradient" and derivation.layout == "symmetric":
        return show(derivation._derivative_node(v), derivation._taken, v, "J", derivation._polish, derivation._given)
    return derivation._result(what, v)


def _renamed(story: _Story, node: Node) -> Node:
    """Use a name wherever its value occurs: dH = dE ⊙ (1 − H^∘2)."""
    swap: dict[Node, Node] = {body: name for name, body, _ in story.bodies}
    return substitute(node, {b: n for b, n in swap.items() if b is not node})


def _shown_line(story: _Story, node: Node) -> Expression:
    """A differential as people write it: term by term, the direction last."""
    node = _renamed(story, node)
    moving = {story.dx, *(_d(leaf) for leaf, _, _ in story.bodies)}
    if isinstance(node, Sum) and node.shape == ():
        raising = Raising()
        return add(*(_turned(raising.run(t), moving) for t in node.terms))
    return _turned(Raising().run(node), moving)


def _turned(e: Expression, moving: set[Symbol]) -> Expression:
    """A trace or a product with the direction at its end: tr(A dX B) → tr(B A dX), dxᵀ a → aᵀ dx."""
    coefficient, scalars, chain = (e.coefficient, list(e.args), []) if isinstance(e, Mul) and e.shape == () else (1, [e], [])
    if isinstance(e, Mul) and e.shape == ():
        chain = [a for a in e.args if a.shape != ()]
        scalars = [a for a in e.args if a.shape == ()]
    if chain and isinstance(chain[0], Transpose) and chain[0].args[0] in moving:
        return multiply_any(scalar(coefficient), *scalars, *(flip(a) for a in reversed(chain)))
    turned = [_rotated(s, moving) for s in scalars]
    return multiply_any(scalar(coefficient), *turned, *chain)


def _rotated(e: Expression, moving: set[Symbol]) -> Expression:
    if not (isinstance(e, Call) and e.function == "trace" and isinstance(e.args[0], Mul)):
        return e
    chain = list(e.args[0].args)
    arrays = [a for a in chain if a.shape != ()]
    places = [k for k, a in enumerate(arrays) if a in moving]
    if len(places) != 1:
        return e
    k = places[0]
    front = [a for a in chain if a.shape == ()]
    product = multiply_any(scalar(e.args[0].coefficient), *front, *arrays[k + 1 :], *arrays[: k + 1])
    return call("trace", product) if product.shape != () else product


# -- labels -------------------------------------------------------------------------------------------------------
def _labels(node: Node, story: _Story) -> tuple[str, str, str]:
    """Name, statement and source of the rules that differentiate a short expression."""
    found: dict[str, tuple[str, str]] = {}
    moving = set(_moves(story, node))
    for part in walk(node):
        if not part.leaves & moving or isinstance(part, (Leaf, Const)):
            continue
        name, statement, source = _rule_of(part, moving)
        found.setdefault(name, (statement, source))
    if not found:
        found["linearity"] = LINEAR
    if len(found) > 1:
        found.pop("linearity", None)
    names = list(found)
    return names[-1], "; ".join(s for s, _ in found.values()), "; ".join(dict.fromkeys(s for _, s in found.values() if s))


LINEAR = ("the differential is linear: constants stay, d(a + b) = da + db", "Magnus & Neudecker, ch. 5")


def _rule_of(part: Node, moving: Sequence[Any] | set[Any]) -> tuple[str, str, str]:
    if isinstance(part, Sum):
        return "linearity", *LINEAR
    if isinstance(part, Ein):
        moved = sum(1 for f, _ in part.factors if f.leaves & set(moving))
        if moved > 1:
            return "product_rule", "product rule: d(A B) = dA B + A dB", "Magnus & Neudecker, ch. 5"
        return "linearity", *LINEAR
    assert isinstance(part, Apply)
    if part.op == "map" and isinstance(part.param, str):
        record = function(part.param)
        return f"d_{record.name}", record.statement or rule(part).statement, record.source
    if part.op == "pow" and part.param == 2:
        return "d_square", "square: d(r²) = 2 r dr, entry by entry, so d‖r‖² = 2 rᵀ dr", rule(part).source
    return rule(part).name, rule(part).statement, rule(part).source
