"""The story of a derivation: definitions with their differentials, df, back-substitution, identification.

Results come from reverse mode, the story from forward mode; the two are compared every time. Several variables move
together: one differential, and one coefficient to read off for each of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from symml.calculus.construct import is_symmetric, times, total
from symml.calculus.forward import differential
from symml.calculus.nodes import Leaf, Node, walk
from symml.calculus.proving import proved_equal
from symml.calculus.reverse import derivative
from symml.calculus.transform import rebuild, substitute
from symml.checking.equality import sampled
from symml.derivation.objective import OPEN_FACTS
from symml.derivation.story.backpropagation import backpropagate
from symml.derivation.story.cutting import absorbed, cut_points, distributed, gathered, opened, unsigned
from symml.derivation.story.labels import labels
from symml.derivation.story.lines import line
from symml.derivation.story.notes import fact_note
from symml.derivation.story.scalar_steps import narrate_scalar, narrate_second
from symml.derivation.story.targets import Target, Wanted, given_names, wanted_first
from symml.errors import InternalError, NotSupportedError
from symml.forms.lowering import leaf_of, lower
from symml.forms.polishing.naming import name_for
from symml.forms.raising import Raising, act
from symml.language.expressions import Action, Add, Expression, Hadamard, Scalar, Symbol, Where, postorder
from symml.language.names import latex_name, unicode_name
from symml.language.operators import substitute as substitute_expression
from symml.language.operators import symbol
from symml.records import Step, Verdict, verdict

if TYPE_CHECKING:
    from symml.derivation.derivation import Derivation

MAX_CUTS = 12
USED = "; used: "
_UNCHECKED = verdict("unchecked", reason="told for comparison only")
_LAST = ("definitions", "collect", "free entries")  # lines after the derivative is read off


@dataclass
class _Story:
    """State of one narration: the cut points, their names, and the lines so far."""

    target: Target
    named: dict[Node, Leaf] = field(default_factory=dict)
    bodies: list[tuple[Leaf, Node, Node]] = field(default_factory=list)  # name, short body, full node
    twins: dict[Leaf, Node] = field(default_factory=dict)  # names of symmetric values, for display
    told: int = 0  # how many of them have a line
    lines: list[Step] = field(default_factory=list)

    @property
    def directions(self) -> dict[Leaf, Symbol]:
        """Directions of the variables and of the named parts."""
        found = {w.x: w.dx for w in self.target.wanted}
        return found | {leaf: _d(leaf) for leaf in self.named.values()}

    def moves(self, node: Node) -> dict[Leaf, Node]:
        """Directions of the leaves below a node."""
        return {leaf: leaf_of(d) for leaf, d in self.directions.items() if leaf in node.leaves}


def narrate(derivation: Derivation, what: str = "gradient") -> tuple[Step, ...]:
    """Return the steps of a derivation: of the gradient or Jacobian, or of the blocks of a Hessian."""
    numbers = isinstance(derivation.objective, Scalar)
    if what == "hessian":
        pairs = [(a, b) for k, a in enumerate(derivation.wrt) for b in derivation.wrt[k:]]
        tell_pair = narrate_second if numbers else _second
        return tuple(dict.fromkeys(s for a, b in pairs for s in tell_pair(derivation, a, b)))
    if derivation.source.definitions and derivation.objective.shape == ():
        return tuple(backpropagate(derivation))
    if numbers:
        return tuple(narrate_scalar(derivation))
    wanted = tuple(wanted_first(derivation, v) for v in derivation.wrt)
    target = Target(derivation._node, wanted, (*derivation._taken, *(w.dx.name for w in wanted)), derivation._tied)
    return tuple(_with_facts(derivation, target))


# -- what is wanted -----------------------------------------------------------------------------------------------
def _second(derivation: Derivation, a: Any, b: Any) -> list[Step]:
    """The block of a Hessian as the derivative of ∂f/∂a by b."""
    first, of_b = wanted_first(derivation, a), latex_name(b.name)
    label = ("H", "H") if getattr(b, "shape", ()) else ("f″", "f''")
    if not derivation.single:
        names = f"∂{unicode_name(a.name)}²" if a == b else f"∂{unicode_name(a.name)}∂{unicode_name(b.name)}"
        below = rf"\partial {of_b}^{{2}}" if a == b else rf"\partial {latex_name(a.name)} \, \partial {of_b}"
        label = (f"∂²f/{names}", rf"\frac{{\partial^{{2}} f}}{{{below}}}")
    root = derivative(derivation._node, derivation._leaf(a))
    final = derivation._result("hessian", a, b)
    wanted = Wanted(b, derivation._leaf(b), derivation._derivative_node(a, b), final, label)
    target = Target(root, (wanted,), (*derivation._taken, wanted.dx.name), derivation._tied, "g")
    told = _with_facts(derivation, target, a)
    if len(root.shape) > 2:
        return told
    shown = Raising().run(root)
    words, sure = "the gradient, to be differentiated once more", verdict("proved", "checked as the gradient")
    text, latex = f"g = {first.label[0]} = {shown}", rf"g = {first.label[1]} &= {shown.latex()}"
    return [Step("gradient", words, None, shown, text, latex, sure), *told]


# -- facts of constants -------------------------------------------------------------------------------------------
def _with_facts(derivation: Derivation, target: Target, by: Any = None) -> list[Step]:
    """The story, with what was used of a constant said at the first line that is another one without it."""
    target = replace(target, given=given_names(target))
    steps = tell(target)
    for constant in derivation.source.symbols.values():
        note = fact_note(constant) if isinstance(constant, Symbol) and constant not in derivation.wrt else ""
        if not note or constant not in derivation.objective.free_symbols:
            continue
        free = symbol(constant.name, constant.shape, constant.facts & OPEN_FACTS)
        root = lower(substitute_expression(derivation._free, {constant: free}))
        root = root if by is None else derivative(root, derivation._leaf(by))
        given = {substitute(k, {leaf_of(constant): leaf_of(free)}): name for k, name in target.given.items()}
        other = [s.text for s in tell(replace(target, root=root, checked=False, given=given))]
        place = next((k for k, s in enumerate(steps) if s.rule not in _LAST and other[k : k + 1] != [s.text]), None)
        if place is not None:
            said = steps[place].statement
            steps[place] = replace(steps[place], statement=f"{said}{', ' if USED in said else USED}{note}")
    return steps


def tell(target: Target) -> list[Step]:
    """Return the story of one target."""
    moving = [w for w in target.wanted if w.x in target.root.leaves]
    still = [_constant(w) for w in target.wanted if w not in moving]
    if not moving:
        return still
    story = _Story(replace(target, root=distributed(target.root), wanted=tuple(moving)))
    short = _cut(story)
    for name, body, full in story.bodies:
        story.told += 1
        _definition(story, name, body, full)
    df = _back_substitute(story, _first_line(story, short))
    for wanted in moving:
        _identify(story, df, wanted)
        if wanted.last is not None:
            story.lines.append(wanted.last([*target.given.values(), *(name.name for name in story.named.values())]))
    return story.lines + still


def _constant(wanted: Wanted) -> Step:
    words, final = f"nothing here depends on {unicode_name(wanted.variable.name)}", wanted.final
    text, latex = f"{wanted.label[0]} = {final}", rf"{wanted.label[1]} &= {final.latex()}"
    if isinstance(final, Action):
        text, latex = str(final), final.latex()
    return Step("constant", words, None, final, text, latex, verdict("proved", "no occurrence"))


# -- cut points ---------------------------------------------------------------------------------------------------
def _cut(story: _Story) -> Node:
    """Name the sums, function arguments and function values that move, innermost first; return what is left."""
    root, given = story.target.root, story.target.given
    taken = [*story.target.taken, *given.values()]
    points = cut_points(root, [w.x for w in story.target.wanted])
    raising = Raising()
    done: dict[Node, Node] = {}
    for node in walk(root):
        children = [done[c] for c in node.children]
        done[node] = rebuild(node, children) if tuple(children) != node.children else node
        point = unsigned(node)
        if point not in points or len(node.shape) > 2 or (len(story.named) >= MAX_CUTS and point not in story.named):
            continue
        if point not in story.named:
            body = done[node] if point is node else times(-1, done[node])
            known = given.get(story.target.tie(point))
            free = name_for(raising.run(body), frozenset(taken), raising.symmetric)
            name = symbol(known, free.shape, free.facts) if known else free
            taken.append(name.name)
            story.named[point] = leaf_of(name)
            story.bodies.append((leaf_of(name), body, point))
            if is_symmetric(story.target.tie(point)) and not is_symmetric(leaf_of(name)):
                story.twins[leaf_of(name)] = leaf_of(symbol(name.name, name.shape, {"symmetric"}))
        done[node] = story.named[point] if point is node else times(-1, story.named[point])
    short = done[root]
    for leaf, body, _ in reversed(story.bodies):
        short = absorbed(short, leaf, body)
    return short


# -- lines --------------------------------------------------------------------------------------------------------
def _d(leaf: Leaf) -> Symbol:
    return symbol(f"d{leaf.name}", leaf.payload.shape, {"symmetric"} & leaf.facts)


def _moved(story: _Story, node: Node) -> Node:
    found = differential(node, story.moves(node))
    assert found is not None
    return found


def _opened(story: _Story, df: Node) -> Node:
    """A differential term by term, one term for each named part that changes."""
    found = opened(df, [leaf_of(d) for d in story.directions.values()])
    return gathered(found, [leaf_of(_d(name)) for name, _, _ in story.bodies])


def _definition(story: _Story, name: Leaf, body: Node, full: Node) -> None:
    shown, moved = Raising().run(body), _moved(story, body)
    change = _shown_line(story, moved)
    label, statement, source = labels(body, story.moves(body))
    left, d_left = name.payload, _d(name)
    text = f"{left} = {shown},  {d_left} = {change}"
    latex = rf"{left.latex()} &= {shown.latex()}, \quad {d_left.latex()} = {change.latex()}"
    story.lines.append(Step(label, statement, shown, change, text, latex, _same(story, full, moved), source))


def _same(story: _Story, full: Node, moved: Node) -> Verdict:
    """Compare a differential, with all names put back, with the one from reverse mode."""
    if not story.target.checked:
        return _UNCHECKED
    parts = [
        act(derivative(full, w.x), leaf_of(w.dx), len(full.shape)) for w in story.target.wanted if w.x in full.leaves
    ]
    return _agree(_put_back(story, moved), total(parts, full.shape))


def _put_back(story: _Story, node: Node) -> Node:
    """Replace names by what they stand for, and their differentials by theirs."""
    swap: dict[Node, Node] = {}
    for name, body, full in story.bodies:
        swap[name] = full
        swap[leaf_of(_d(name))] = substitute(_moved(story, body), dict(swap))
    return substitute(node, swap)


def _agree(a: Node, b: Node) -> Verdict:
    if proved_equal(a, b):
        return verdict("proved", "forward and reverse mode have one canonical form")
    if len(a.shape) > 2:
        return verdict("unchecked", reason="a tensor of order 3 or more")
    try:
        left, right = (Raising(False).run(n) for n in (a, b))
    except NotSupportedError as error:
        return verdict("unchecked", reason=str(error))
    return sampled(left, right)


def _first_line(story: _Story, short: Node) -> Node:
    moved = _opened(story, _moved(story, short))
    before, after = Raising().run(short), _shown_line(story, moved)
    label, statement, source = labels(short, story.moves(short))
    statement += _used(story, moved)
    story.lines.append(Step(label, statement, before, after, f"d{story.target.name} = {after}",
                            rf"\mathrm{{d}}{story.target.name} &= {after.latex()}",
                            _same(story, story.target.root, moved), source))  # fmt: skip
    return moved


def _back_substitute(story: _Story, df: Node) -> Node:
    """Put in the differentials of the names, in one line those that do not lead to each other."""
    waiting = list(reversed(story.bodies))
    while waiting:
        ready = [b for b in waiting if not any(b[0] in body.leaves for _, body, _ in waiting)]
        waiting = [b for b in waiting if b not in ready]
        changes: dict[Node, Node] = {leaf_of(_d(n)): _moved(story, b) for n, b, _ in ready}
        if df.leaves.isdisjoint(changes):
            continue
        before, after_node = _shown_line(story, df), _opened(story, substitute(df, changes))
        after = _shown_line(story, after_node)
        names = [str(_d(n)) for n, _, _ in ready if leaf_of(_d(n)) in df.leaves]
        statement = f"substitute {', '.join(reversed(names))}"
        agreed = _agree(_put_back(story, df), _put_back(story, after_node)) if story.target.checked else _UNCHECKED
        story.lines.append(
            Step("substitute", statement, before, after, f"   = {after}", rf"&= {after.latex()}", agreed)
        )
        df = after_node
    return df


def _identify(story: _Story, df: Node, wanted: Wanted) -> None:
    """Read a derivative off the differential, which is linear in the direction; put the names back."""
    target = story.target
    coefficient = derivative(df, leaf_of(wanted.dx))
    agreed = _agree(target.tie(_put_back(story, coefficient)), wanted.truth) if target.checked else _UNCHECKED
    if agreed == "wrong":
        raise InternalError(f"the steps disagree with reverse mode for {wanted.final}: {agreed.counterexample}")
    (label, tex), final = wanted.label, wanted.final
    note = f"; {wanted.note}" if wanted.note else ""
    if len(coefficient.shape) <= 2 and not isinstance(final, Action):
        read = Raising().run(_tied(story, coefficient))
        done = _unordered(read) == _unordered(final.args[0] if isinstance(final, Where) else final)
        read = final if done else read
        statement = f"identification: the coefficient of {wanted.dx} in d{target.name}{note if done else ''}"
        story.lines.append(Step("identification", statement, _shown_line(story, df), read, f"{label} = {read}",
                                rf"{tex} &= {read.latex()}", agreed))  # fmt: skip
        if done:
            return
    action = isinstance(final, Action)
    text = str(final) if action else f"{label} = {final}"
    latex = final.latex() if action else rf"{tex} &= {final.latex()}"
    told = ("definitions", "put the definitions back") if story.bodies else ("collect", "collect terms")
    if action and not story.bodies:
        told = ("identification", f"identification: d{target.name} is linear in {wanted.dx}")
    story.lines.append(Step(told[0], f"{told[1]}{note}", None, final, text, latex, agreed))


def _unordered(e: Expression) -> str:
    """A text that is the same whatever the order of terms and of entrywise factors."""
    done: dict[Expression, str] = {}
    for node in postorder(e):
        children = [done[a] for a in node.args]
        if not children:
            done[node] = str(node)
        else:
            parts = sorted(children) if isinstance(node, (Add, Hadamard)) else children
            done[node] = f"{type(node).__name__}{node.fields}({'; '.join(parts)})"
    return done[e]


def _renamed(story: _Story, node: Node) -> Node:
    """Use a name wherever its value occurs: dH = dE ⊙ (1 − H^∘2)."""
    swap: dict[Node, Node] = {body: name for name, body, _ in story.bodies[: story.told] if body is not node}
    while swap and (found := substitute(node, swap)) is not node:
        node = found
    return node


def _shown_line(story: _Story, node: Node) -> Expression:
    """A differential as people write it: term by term, the direction last."""
    return line(_tied(story, node), set(story.directions.values()))


def _tied(story: _Story, node: Node) -> Node:
    """A line in its names, with what was declared of their values: Cᵀ = C where C = S⁻¹ and S is symmetric."""
    swap: dict[Node, Node] = dict(story.twins.items())
    return substitute(story.target.tie(_renamed(story, node)), swap)


def _used(story: _Story, node: Node) -> str:
    """Say which of the names a line takes as symmetric."""
    found, moving = story.target.tie(_renamed(story, node)), set(story.directions.values())
    known: dict[Leaf, dict[Node, Node]] = {
        name: {name: twin} for name, twin in story.twins.items() if name in found.leaves
    }
    plain = str(line(found, moving)) if known else ""
    used = [
        unicode_name(name.name) for name, swap in known.items() if str(line(substitute(found, swap), moving)) != plain
    ]
    return USED + ", ".join(f"{c}ᵀ = {c}" for c in used) if used else ""
