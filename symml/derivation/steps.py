"""The story of a derivation: definitions with their differentials, df, back-substitution, identification.

Results come from reverse mode, the story from forward mode; the two are compared every time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from symml.calculus.forward import differential
from symml.calculus.nodes import Apply, Const, Ein, Leaf, Node, Sum, walk
from symml.calculus.proving import proved_equal
from symml.calculus.reverse import derivative
from symml.calculus.transform import rebuild, substitute
from symml.checking.equality import sampled
from symml.derivation.backpropagation import backpropagate
from symml.derivation.labels import labels
from symml.derivation.lines import line
from symml.derivation.objective import untied_symbol
from symml.derivation.results import direction_of, show
from symml.errors import InternalError
from symml.forms.lowering import leaf_of
from symml.forms.polishing.naming import name_for
from symml.forms.raising import Raising, act
from symml.language.expressions import Action, Expression, Symbol
from symml.language.names import latex_name, unicode_name
from symml.language.operators import symbol
from symml.records import Step, Verdict, verdict

if TYPE_CHECKING:
    from symml.derivation.derivation import Derivation

MAX_CUTS = 12


@dataclass(frozen=True)
class Target:
    """What is narrated: a node, the variable, the true derivative and how things are called."""

    root: Node
    x: Leaf
    variable: Any
    truth: Node
    final: Expression
    taken: tuple[str, ...]
    name: str = "f"
    result: tuple[str, str] = ("∇f", r"\nabla f")
    tie: Any = None
    note: str = ""


@dataclass
class _Story:
    """State of one narration: the cut points, their names, and the lines so far."""

    target: Target
    named: dict[Node, Leaf] = field(default_factory=dict)
    bodies: list[tuple[Leaf, Node, Node]] = field(default_factory=list)  # name, short body, full node
    lines: list[Step] = field(default_factory=list)

    @property
    def x(self) -> Leaf:
        return self.target.x

    @property
    def dx(self) -> Symbol:
        return direction_of(self.target.variable, frozenset())


def narrate(derivation: Derivation, what: str = "gradient") -> tuple[Step, ...]:
    """Return the steps of a derivation: of the gradient or Jacobian for each variable, or of a Hessian."""
    if what == "hessian":
        return tuple(s for v in derivation.wrt for s in tell(_second(derivation, v)))
    if derivation.source.definitions and derivation.objective.shape == ():
        return tuple(backpropagate(derivation))
    return tuple(s for v in derivation.wrt for s in tell(_first(derivation, v)))


def _first(derivation: Derivation, v: Any) -> Target:
    scalar_valued = derivation.objective.shape == ()
    result = ("J", "J") if not scalar_valued else ("∇f", r"\nabla f") if getattr(v, "shape", ()) else ("f′", "f'")
    if scalar_valued and not derivation.single:
        tex = latex_name(v.name)
        result = (f"∂f/∂{unicode_name(v.name)}", rf"\frac{{\partial f}}{{\partial {tex}}}")
    structured = "symmetric" in getattr(v, "facts", ()) and untied_symbol(v) is not v
    note = "; the entries of the symmetric variable are taken as independent" if structured else ""
    direction = direction_of(v, frozenset()).name
    return Target(derivation._node, derivation._leaf(v), v, derivation._derivative_node(v), _shown(derivation, v),
                  (*derivation._taken, direction), "f", result, derivation._tied, note)  # fmt: skip


def _second(derivation: Derivation, v: Any) -> Target:
    """The Hessian as the Jacobian of the gradient."""
    direction = direction_of(v, frozenset()).name
    gradient = derivative(derivation._node, derivation._leaf(v))
    final = derivation.hessian if derivation.single else derivation.hessian[v.name, v.name]
    return Target(gradient, derivation._leaf(v), v, derivation._derivative_node(v, v), final,
                  (*derivation._taken, direction), "g", ("H", "H"), derivation._tied)  # fmt: skip


def tell(target: Target) -> list[Step]:
    """Return the story of one target."""
    story = _Story(target)
    root = target.root
    label, tex = target.result
    if story.x not in root.leaves:
        words, final = f"nothing here depends on {unicode_name(target.variable.name)}", target.final
        sure = verdict("proved", "no occurrence")
        return [Step("constant", words, None, final, f"{label} = {final}", rf"{tex} &= {final.latex()}", sure)]
    if target.name == "g":
        shown = Raising().run(target.root) if len(root.shape) <= 2 else None
        if shown is not None:
            words, sure = "the gradient, to be differentiated once more", verdict("proved", "checked as the gradient")
            text, latex = f"g = ∇f = {shown}", rf"g = \nabla f &= {shown.latex()}"
            story.lines.append(Step("gradient", words, None, shown, text, latex, sure))
    _cut(story, root, list(target.taken))
    short = substitute(root, dict(story.named))
    for name, body, full in story.bodies:
        _definition(story, name, body, full)
    df = _first_line(story, short)
    df = _back_substitute(story, df)
    _identify(story, df)
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
    found: set[Node] = set()
    for node, above in parents.items():
        if x not in node.leaves or node is x or isinstance(node, (Leaf, Const)):
            continue
        if isinstance(node, Sum):
            if any(not isinstance(p, Sum) for p in above):
                found.add(node)
        elif isinstance(node, Ein):
            if any(isinstance(p, Apply) and p.op != "pow" for p in above) and node.children:
                found.add(node)
        elif (
            isinstance(node, Apply)
            and node.op in ("map", "softmax", "inv")
            and any(isinstance(p, (Ein, Apply)) for p in above)
            and (node.children[0] is not x or len(above) > 1 or node.op != "map")
        ):
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
    label, statement, source = labels(body, _moves(story, body))
    left, d_left = name.payload, _d(name)
    text = f"{left} = {shown},  {d_left} = {change}"
    latex = rf"{left.latex()} &= {shown.latex()}, \quad {d_left.latex()} = {change.latex()}"
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
    label, statement, source = labels(short, _moves(story, short))
    full = substitute(short, {leaf: n for n, leaf in story.named.items()})
    full = _put_back(story, full)
    story.lines.append(Step(label, statement, before, after, f"d{story.target.name} = {after}",
                            rf"\mathrm{{d}}{story.target.name} &= {after.latex()}",
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


def _identify(story: _Story, df: Node) -> None:
    """Read the derivative off the differential, which is linear in the direction; put the names back."""
    target = story.target
    named = derivative(df, leaf_of(story.dx))
    agreed = _agree(target.tie(_put_back(story, named)), target.truth)
    if agreed == "wrong":
        raise InternalError(f"the steps disagree with reverse mode for {target.final}: {agreed.counterexample}")
    label, tex = target.result
    final = target.final
    if len(named.shape) <= 2:
        read = Raising().run(_renamed(story, named))
        statement = f"identification: the coefficient of {story.dx} in d{target.name}"
        story.lines.append(Step("identification", statement, _shown_line(story, df), read, f"{label} = {read}",
                                rf"{tex} &= {read.latex()}", agreed))  # fmt: skip
        if str(read) == str(final):
            return
    action = isinstance(final, Action)
    text = str(final) if action else f"{label} = {final}"
    latex = final.latex() if action else rf"{tex} &= {final.latex()}"
    story.lines.append(Step("definitions", "put the definitions back" + target.note, None, final, text, latex, agreed))


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
    return line(_renamed(story, node), {story.dx, *(_d(leaf) for leaf, _, _ in story.bodies)})
