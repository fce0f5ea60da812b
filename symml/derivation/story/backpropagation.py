"""The layer-by-layer story of a program: the forward lines, then backwards one δ a line and the gradients it gives.

A definition that is an elementwise function of another one has no δ of its own: its factor f′(z) enters the δ below it.
A function whose value goes straight into a number is taken together with it: softmax and cross-entropy give p − y.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from symml.calculus.construct import is_symmetric, power, total
from symml.calculus.forward import differential
from symml.calculus.nodes import Apply, Const, Leaf, Node, const, walk
from symml.calculus.nodes import leaf as make_leaf
from symml.calculus.proving import proved_equal
from symml.calculus.reverse import derivative, pull_back
from symml.calculus.rewriting import facts_of
from symml.calculus.transform import rebuild, substitute
from symml.checking.equality import sampled
from symml.derivation.results import direction_of
from symml.derivation.story.labels import labels
from symml.derivation.story.lines import line as shown_line
from symml.derivation.story.program_lines import Line, read_lines
from symml.errors import InternalError
from symml.forms.cost import cost
from symml.forms.lowering import leaf_of
from symml.forms.raising import Raising
from symml.forms.textbook import present
from symml.language.expressions import Expression, Symbol, Where
from symml.language.names import latex_name, unicode_name
from symml.language.operators import show_shape, symbol
from symml.records import Step, Verdict, verdict

if TYPE_CHECKING:
    from symml.derivation.derivation import Derivation

PATHS = 2  # differentials told in a statement


@dataclass
class _Story:
    """State of one narration: the lines, what leads back to each of them, and the names of the derivatives."""

    derivation: Derivation
    lines: list[Line]
    last: Node
    opened: list[Node]  # bodies with the functions that go straight into a number put in; the last line at the end
    names: Mapping[Leaf, Symbol]
    seeds: dict[Leaf, Node] = field(default_factory=dict)  # ∂L/∂name: a δ, or an expression where it has none
    whole: dict[Node, Node] = field(default_factory=dict)  # what each name and each δ stands for, without names
    told: set[Leaf] = field(default_factory=set)  # the δ

    @property
    def moving(self) -> set[Leaf]:
        """Leaves of the variables."""
        return {self.derivation._leaf(v) for v in self.derivation.wrt}

    def users(self, leaf: Leaf) -> list[tuple[int, Node]]:
        """Lines that use a name, each with the derivative that comes back through it; the objective is the last."""
        found = []
        for m, body in enumerate(self.opened):
            if leaf in body.leaves:
                seed = const(1) if m == len(self.lines) else self.seeds.get(self.lines[m].leaf)
                if seed is not None:
                    found.append((m, seed))
        return found

    def first_use(self, leaf: Leaf) -> int:
        """The first line that uses a name; the number of the objective where none does."""
        return next((m for m, body in enumerate(self.opened) if leaf in body.leaves), len(self.lines))

    def adjoint(self, leaf: Leaf) -> Node | None:
        """∂L/∂(name), from the lines that use it; None where L does not depend on it."""
        parts = [pull_back(self.opened[m], leaf, seed, 0) for m, seed in reversed(self.users(leaf))]
        return total(parts, leaf.shape) if parts else None


def backpropagate(derivation: Derivation) -> list[Step]:
    """Return the steps of a program's gradients in the order of backpropagation."""
    lines, shown, last = read_lines(derivation)
    steps = [_forward(line) for line in lines]
    words, sure = "the objective, in terms of the names", verdict("proved", "by definition")
    steps.append(Step("objective", words, None, shown, f"L = {shown}", rf"L &= {shown.latex()}", sure))
    story = _begun(derivation, lines, last)
    first = {v: story.first_use(derivation._leaf(v)) for v in derivation.wrt}
    for k in range(len(lines), -1, -1):
        if k < len(lines):
            steps.extend(_backward(story, k))
        steps.extend(_gradient(story, v) for v in derivation.wrt if first[v] == k)
    return steps


def _begun(derivation: Derivation, lines: list[Line], last: Node) -> _Story:
    """A story before its first line; a function whose values enter numbers alone is put into these.

    Of softmax only where that is shorter than a δ of its own: p − y for cross-entropy.
    """
    bodies = [*(m.body for m in lines), last]
    story = _Story(derivation, lines, last, bodies, _deltas(derivation, lines))
    for m in lines:
        story.whole[m.leaf] = substitute(m.body, story.whole)
        if m.is_activation and all(b.shape == () for b in bodies if m.leaf in b.leaves) and _is_shorter(story, m):
            story.opened = [substitute(b, {m.leaf: m.body}) if b.shape == () else b for b in story.opened]
    return story


def _is_shorter(story: _Story, line: Line) -> bool:
    """Whether the derivative by the argument of a function is shorter in one piece than through its value."""
    if _is_map(line):
        return True
    (argument,) = line.body.children
    assert isinstance(argument, Leaf)
    outer = [pull_back(b, line.leaf, const(1), 0) for b in story.opened if line.leaf in b.leaves]
    whole = [pull_back(substitute(b, {line.leaf: line.body}), argument, const(1), 0) for b in story.opened
             if line.leaf in b.leaves]  # fmt: skip
    through = pull_back(line.body, argument, leaf_of(story.names[line.leaf]), 0)
    together = sum(cost(_shown(story, node)) for node in whole)
    return together < sum(cost(_shown(story, node)) for node in (*outer, through))


def _is_map(line: Line) -> bool:
    return line.is_activation and isinstance(line.body, Apply) and line.body.op == "map"


# -- forwards -----------------------------------------------------------------------------------------------------
def _forward(line: Line) -> Step:
    shape = show_shape(line.name.shape)
    text, latex = f"{line.name} = {line.shown}", rf"{line.name.latex()} &= {line.shown.latex()}"
    words = f"forward: {line.name} has shape {shape}"
    if line.argument_of:
        words = f"forward: a name for the argument of {line.argument_of}; shape {shape}"
    return Step("definition", words, line.shown, line.shown, text, latex, verdict("proved", "by definition"))


# -- backwards ----------------------------------------------------------------------------------------------------
def _backward(story: _Story, k: int) -> list[Step]:
    """The δ of a line; an elementwise function, and a number that L only adds, have none."""
    line = story.lines[k]
    leaf = line.leaf
    adjoint = story.adjoint(leaf) if not story.moving.isdisjoint(story.whole[leaf].leaves) else None
    if adjoint is None:
        return []
    agreed = _checked(story, adjoint, derivative(_after(story, k), leaf))
    if _is_map(line) or isinstance(adjoint, Const):
        story.seeds[leaf] = adjoint
        return []
    delta = story.names[leaf]
    story.seeds[leaf] = leaf_of(delta)
    story.told.add(leaf_of(delta))
    story.whole[leaf_of(delta)] = substitute(adjoint, story.whole)
    shown = _shown(story, adjoint)
    text = f"{delta} = ∂L/∂{line.name} = {shown}"
    tex = rf"{delta.latex()} = \frac{{\partial L}}{{\partial {line.name.latex()}}} &= {shown.latex()}"
    words = f"{_through(story, leaf, line.name)}; shape {show_shape(line.name.shape)}"
    return [Step("backpropagate", words, None, shown, text, tex, agreed)]


def _gradient(story: _Story, v: Any) -> Step:
    derivation = story.derivation
    leaf = derivation._leaf(v)
    name, tex = unicode_name(v.name), v.latex() if isinstance(v, Symbol) else latex_name(v.name)
    found = story.adjoint(leaf)
    if found is None:
        shown = derivation._result("gradient", v)
        words, agreed = f"nothing here depends on {name}", verdict("proved", "no occurrence")
    else:
        agreed = _agree(derivation._tied(substitute(found, story.whole)), derivation._derivative_node(v))
        _refuse(agreed, derivation)
        shown = _shown(story, found)
        words = f"{_through(story, leaf, v)}; shape {show_shape(getattr(v, 'shape', ()))}"
        if len(story.users(leaf)) > 1:
            words = f"the parts of all uses of {name} are added: {words}"
    return Step("gradient", words, None, shown, f"∂L/∂{name} = {shown}",
                rf"\frac{{\partial L}}{{\partial {tex}}} &= {shown.latex()}", agreed)  # fmt: skip


def _through(story: _Story, leaf: Leaf, name: Any) -> str:
    """How a change of a name reaches L: the differentials on the way to the next δ, the outermost first."""
    told: list[str] = []
    waiting: list[tuple[Leaf, Any]] = [(leaf, name)]
    while waiting:
        below, inner = waiting.pop(0)
        for m, seed in story.users(below):
            if story.opened[m].shape == ():
                told.append(labels(story.opened[m], {below})[1])
                continue
            line = story.lines[m]
            told.append(_differential(story, line, below, inner))
            if seed not in story.told:
                waiting.append((line.leaf, line.name))
    told = list(dict.fromkeys(reversed(told)))
    if len(told) <= PATHS:
        return "; ".join(told)
    return f"chain rule through {', '.join(str(story.lines[m].name) for m, _ in story.users(leaf))}"


def _differential(story: _Story, line: Line, below: Leaf, name: Any) -> str:
    direction = direction_of(name, frozenset())
    moved = differential(line.body, {below: leaf_of(direction)})
    assert moved is not None
    shown = f"{direction_of(line.name, frozenset())} = {shown_line(_named(story, moved), {direction})}"
    return re.sub("𝟏[ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ]", "𝟏", shown)


# -- names --------------------------------------------------------------------------------------------------------
def _deltas(derivation: Derivation, lines: Sequence[Line]) -> dict[Leaf, Symbol]:
    """δ₂ for z₂ where it is the only 2, δ where there is one line, else δ with the name of the line."""
    numbers = {line.leaf: "".join(c for c in line.name.name if c.isdigit()) for line in lines}
    arrays = [m for m in lines if m.name.shape != ()]
    told = [m for m in arrays or lines if not _is_map(m)]
    taken = {*derivation._taken, *(m.name.name for m in lines)}
    found: dict[Leaf, Symbol] = {}
    for line in lines:
        same = [m for m in told if numbers[m.leaf] == numbers[line.leaf]]
        short = f"delta{numbers[line.leaf]}"
        alone = line in told and len(same) == 1 and (numbers[line.leaf] or len(told) == 1) and short not in taken
        name = short if alone else f"delta_{line.name.name}"
        while name in taken:
            name += "_prime"
        taken.add(name)
        found[line.leaf] = symbol(name, line.name.shape)
    return found


def _named(story: _Story, node: Node) -> Node:
    """Use the name of a line wherever its value occurs, with what is known of the value.

    sqrt(u) named s makes u a square of s; a softmax named P has rows that sum to one.
    """
    bodies = {m.body.digest: m.leaf for m in story.lines if not isinstance(m.body, (Leaf, Const))}
    roots = {
        m.body.children[0].digest: m.leaf
        for m in story.lines
        if isinstance(m.body, Apply) and m.body.op == "pow" and m.body.param == Fraction(1, 2)
    }
    done: dict[Node, Node] = {}
    for part in walk(node):
        name = bodies.get(part.digest)
        if name is not None:
            done[part] = name
            continue
        under_root = isinstance(part, Apply) and part.op == "pow" and part.children[0].digest in roots
        done[part] = (
            power(roots[part.children[0].digest], 2 * part.param)  # type: ignore[attr-defined]
            if under_root
            else rebuild(part, [done[c] for c in part.children])
        )
    found = done[node]
    return substitute(found, {m.leaf: _twin(m) for m in story.lines if m.leaf in found.leaves})


def _twin(line: Line) -> Node:
    """A name with the facts of its value: it may be shown so, but not differentiated."""
    known = {"symmetric"} if is_symmetric(line.body) else set()
    facts = frozenset(line.leaf.facts | facts_of(line.body) | known)
    return make_leaf(line.leaf.payload, line.leaf.name, line.leaf.shape, facts)


def _shown(story: _Story, node: Node) -> Expression:
    """Textbook form in terms of the program's names, without repeating what they stand for."""
    derivation = story.derivation
    names = {m.name for m in story.lines}
    given = [(m.name, Raising().run(m.body)) for m in story.lines if not m.body.leaves.isdisjoint(node.leaves)]
    taken = [*derivation._taken, *(s.name for s in (*names, *story.names.values()))]
    found = [present(_named(story, node), taken), present(node, taken, True, given)]
    bare = [e.args[0] if isinstance(e, Where) and set(e.names) <= names else e for e in found]
    return min(bare, key=cost)


# -- the check ----------------------------------------------------------------------------------------------------
def _checked(story: _Story, adjoint: Node, truth: Node) -> Verdict:
    agreed = _agree(substitute(adjoint, story.whole), substitute(truth, story.whole))
    _refuse(agreed, story.derivation)
    return agreed


def _after(story: _Story, k: int) -> Node:
    """The objective as a function of the k-th name and those before it."""
    swap: dict[Node, Node] = {}
    for line in story.lines[k + 1 :]:
        swap[line.leaf] = substitute(line.body, swap)
    return substitute(story.last, swap)


def _agree(a: Node, b: Node) -> Verdict:
    if proved_equal(a, b):
        return verdict("proved", "equal to reverse mode on the whole objective")
    return sampled(Raising(False).run(a), Raising(False).run(b))


def _refuse(agreed: Verdict, derivation: Derivation) -> None:
    if agreed == "wrong":
        raise InternalError(
            f"backpropagation disagrees with reverse mode for {derivation.objective}: {agreed.counterexample}"
        )
