"""The layer-by-layer story of a program: the forward lines, then one δ for each of them, backwards, then the gradients.

A definition that is an elementwise function of another one has no δ of its own: its factor f′(z) enters the δ below it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from symml.calculus.construct import total
from symml.calculus.nodes import Apply, Leaf, Node, const
from symml.calculus.proving import proved_equal
from symml.calculus.reverse import derivative, pull_back
from symml.calculus.transform import substitute
from symml.checking.equality import sampled
from symml.derivation.objective import untied
from symml.errors import InternalError
from symml.forms.lowering import leaf_of, lower
from symml.forms.raising import Raising
from symml.forms.textbook import present
from symml.language.expressions import Expression, Symbol, Where
from symml.language.names import latex_name, unicode_name
from symml.language.operators import show_shape, symbol
from symml.records import Step, Verdict, verdict

if TYPE_CHECKING:
    from symml.derivation.derivation import Derivation


@dataclass(frozen=True)
class _Line:
    """One line of the program: its name, its body in terms of the names before it, and in full."""

    name: Symbol
    shown: Expression
    body: Node
    full: Node


def backpropagate(derivation: Derivation) -> list[Step]:
    """Return the steps of a program's gradients in the order of backpropagation."""
    lines, last = _program(derivation)
    steps = [_forward(line) for line in lines]
    shown = derivation.source.last
    assert shown is not None
    words, sure = "the objective, in terms of the names", verdict("proved", "by definition")
    steps.append(Step("objective", words, None, shown, f"L = {shown}", rf"L &= {shown.latex()}", sure))
    # a probability goes into the loss with its logits: δ = p − y comes from the two together
    ends = [line for line in lines if _is_activation(line) and leaf_of(line.name) in last.leaves]
    given = [(line.name, Raising().run(line.body)) for line in ends]
    last = substitute(last, {leaf_of(line.name): line.body for line in ends})
    lines = [line for line in lines if line not in ends or any(leaf_of(line.name) in m.body.leaves for m in lines)]
    show = _Shower(derivation, given)
    full = {leaf_of(line.name): line.full for line in (*lines, *ends)}
    adjoints: dict[Leaf, Node] = {}
    values: dict[Node, Node] = {}
    names: set[str] = {line.name.name for line in lines} | set(derivation._taken)
    for k in range(len(lines) - 1, -1, -1):
        leaf = leaf_of(lines[k].name)
        adjoint = _adjoint(leaf, lines[k + 1 :], last, adjoints)
        truth = derivative(_with_leaf(derivation, lines, k, last), leaf)
        agreed = _agree(_full(adjoint, values, full), _full(truth, {}, full))
        _refuse(agreed, derivation)
        if _is_activation(lines[k]):
            adjoints[leaf] = adjoint
            continue
        delta = _delta(lines[k].name, names)
        names.add(delta.name)
        steps.append(_backward(delta, lines[k].name, show(adjoint), agreed))
        adjoints[leaf] = leaf_of(delta)
        values[leaf_of(delta)] = adjoint
    for v in derivation.wrt:
        steps.extend(_gradient(derivation, v, lines, last, adjoints, values, full, show))
    return steps


def _program(derivation: Derivation) -> tuple[list[_Line], Node]:
    lines = []
    full: dict[Node, Node] = {}
    for name, value in derivation.source.definitions:
        body = lower(untied(value, derivation.wrt))
        whole = substitute(body, full)
        lines.append(_Line(name, value, body, whole))
        full[leaf_of(name)] = whole
    assert derivation.source.last is not None
    return lines, lower(untied(derivation.source.last, derivation.wrt))


def _forward(line: _Line) -> Step:
    shape = show_shape(line.name.shape)
    text, latex = f"{line.name} = {line.shown}", rf"{line.name.latex()} &= {line.shown.latex()}"
    words, sure = f"forward: {line.name} has shape {shape}", verdict("proved", "by definition")
    return Step("definition", words, line.shown, line.shown, text, latex, sure)


def _adjoint(leaf: Leaf, later: list[_Line], last: Node, adjoints: Mapping[Leaf, Node]) -> Node:
    """∂L/∂(name) from the lines that use the name."""
    parts = []
    if leaf in last.leaves:
        parts.append(pull_back(last, leaf, const(1), 0))
    for line in later:
        seed = adjoints.get(leaf_of(line.name))
        if seed is not None and leaf in line.body.leaves:
            parts.append(pull_back(line.body, leaf, seed, 0))
    return total(parts, leaf.shape)


def _is_activation(line: _Line) -> bool:
    """Whether a line is an elementwise function or softmax of an earlier name: its δ stays in the next one."""
    return (
        isinstance(line.body, Apply) and line.body.op in ("map", "softmax") and isinstance(line.body.children[0], Leaf)
    )


def _with_leaf(derivation: Derivation, lines: list[_Line], k: int, last: Node) -> Node:
    """The objective as a function of the k-th name."""
    swap: dict[Node, Node] = {}
    for line in lines[k + 1 :]:
        swap[leaf_of(line.name)] = substitute(line.body, swap)
    return substitute(last, swap)


def _full(node: Node, values: Mapping[Node, Node], full: Mapping[Any, Node]) -> Node:
    """Replace every δ and every name by what it stands for."""
    for _ in range(len(values) + 1):
        swapped = substitute(node, dict(values))
        if swapped is node:
            break
        node = swapped
    return substitute(node, full)


def _delta(name: Symbol, taken: set[str]) -> Symbol:
    number = "".join(c for c in name.name if c.isdigit())
    options = [f"delta{number}", f"delta_{name.name}", f"delta{number}_prime"]
    return symbol(next(o for o in options if o not in taken), name.shape)


def _backward(delta: Symbol, name: Symbol, shown: Expression, agreed: Verdict) -> Step:
    text = f"{delta} = ∂L/∂{name} = {shown}"
    tex = rf"{delta.latex()} = \frac{{\partial L}}{{\partial {name.latex()}}} &= {shown.latex()}"
    shape = show_shape(delta.shape)
    return Step("backpropagate", f"chain rule backwards through {name}; shape {shape}", None, shown, text, tex, agreed)


def _gradient(
    derivation: Derivation, v: Any, lines: list[_Line], last: Node, adjoints: Mapping[Leaf, Node],
    values: Mapping[Node, Node], full: Mapping[Any, Node], show: _Shower,
) -> list[Step]:  # fmt: skip
    leaf = derivation._leaf(v)
    found = _adjoint(leaf, lines, last, adjoints)
    agreed = _agree(derivation._tied(_full(found, values, full)), derivation._derivative_node(v))
    _refuse(agreed, derivation)
    shown = show(found)
    name = unicode_name(v.name)
    tex = v.latex() if isinstance(v, Symbol) else latex_name(v.name)
    shape = show_shape(getattr(v, "shape", ()))
    return [Step("gradient", f"collect what {name} touches; shape {shape}", None, shown, f"∂L/∂{name} = {shown}",
                 rf"\frac{{\partial L}}{{\partial {tex}}} &= {shown.latex()}", agreed)]  # fmt: skip


@dataclass(frozen=True)
class _Shower:
    """Textbook form in terms of the program's names, without repeating what they stand for."""

    derivation: Derivation
    given: list[tuple[Symbol, Expression]]

    def __call__(self, node: Node) -> Expression:
        shown = present(node, self.derivation._taken, True, self.given)
        names = {name for name, _ in self.given}
        return shown.args[0] if isinstance(shown, Where) and set(shown.names) <= names else shown


def _agree(a: Node, b: Node) -> Verdict:
    if proved_equal(a, b):
        return verdict("proved", "equal to reverse mode on the whole objective")
    return sampled(Raising(False).run(a), Raising(False).run(b))


def _refuse(agreed: Verdict, derivation: Derivation) -> None:
    if agreed == "wrong":
        raise InternalError(
            f"backpropagation disagrees with reverse mode for {derivation.objective}: {agreed.counterexample}"
        )
