"""The lines of a program as backpropagation needs them: a function of a longer expression gets a line for its argument.

``h = tanh(U x + b)`` becomes ``z = U x + b; h = tanh(z)``: the derivative by z is what every weight in it needs.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from symml.calculus.nodes import Apply, Leaf, Node
from symml.derivation.objective import untied
from symml.forms.lowering import leaf_of, lower
from symml.forms.polishing.naming import name_for
from symml.language.expressions import Call, Expression, Mul, Symbol, postorder
from symml.language.operators import substitute, symbol

if TYPE_CHECKING:
    from symml.derivation.derivation import Derivation

ENTRYWISE = ("map", "softmax")
ROW_WISE = ("lse",)
LETTERS = ("z", "s", "u", "v")


@dataclass(frozen=True)
class Line:
    """One line: its name, its value as it is shown, and in the index form in terms of the names before it."""

    name: Symbol
    shown: Expression
    body: Node
    argument_of: str = ""  # the function whose argument the line names; "" for a line of the user

    @property
    def leaf(self) -> Leaf:
        """The name in the index form."""
        return leaf_of(self.name)

    @property
    def is_activation(self) -> bool:
        """Whether the line is an elementwise function or softmax of a name."""
        body = self.body
        return isinstance(body, Apply) and body.op in ENTRYWISE and isinstance(body.children[0], Leaf)


def read_lines(derivation: Derivation) -> tuple[list[Line], Expression, Node]:
    """Return the lines of a derivation's program, then its last line as it is shown and in the index form."""
    taken = set(derivation._taken)
    moving: set[Any] = set(derivation.wrt)
    lines: list[Line] = []
    assert derivation.source.last is not None
    for name, value in (*derivation.source.definitions, (None, derivation.source.last)):
        call = _call(value, moving, name is None)
        while call is not None:
            (argument,) = call.args
            new = _name(argument, name, taken)
            taken.add(new.name)
            moving.add(new)
            lines.append(Line(new, argument, lower(untied(argument, derivation.wrt)), call.function))
            value = substitute(value, {argument: new})
            call = _call(value, moving, name is None)
        body = lower(untied(value, derivation.wrt))
        if name is None:
            return lines, value, body
        lines.append(Line(name, value, body))
        if not moving.isdisjoint(value.free_symbols):
            moving.add(name)
    raise AssertionError("a program ends with its objective")


def _call(value: Expression, moving: Collection[Any], last: bool) -> Call | None:
    """The innermost function, entry by entry or row by row, of a longer expression that moves."""
    for node in postorder(value):
        if not isinstance(node, Call) or len(node.args) != 1 or set(moving).isdisjoint(node.free_symbols):
            continue
        argument = node.args[0]
        if argument.shape == () or isinstance(argument, Symbol) or _is_scaled(argument):
            continue
        if _is(node, ENTRYWISE if not last else (*ENTRYWISE, *ROW_WISE)) and (not last or _has_product(argument)):
            return node
    return None


def _has_product(argument: Expression) -> bool:
    """Whether arrays are multiplied in an expression: log(1 − p) of the loss needs no name for 1 − p."""
    return any(isinstance(n, Mul) and sum(a.shape != () for a in n.args) > 1 for n in postorder(argument))


def _is_scaled(argument: Expression) -> bool:
    arrays = [a for a in argument.args if a.shape != ()] if isinstance(argument, Mul) else []
    return len(arrays) == 1 and isinstance(arrays[0], Symbol)


def _is(call: Call, operations: Collection[str]) -> bool:
    node = lower(call)
    return isinstance(node, Apply) and node.op in operations and node.children[0].digest == lower(call.args[0]).digest


def _name(argument: Expression, line: Symbol | None, taken: Collection[str]) -> Symbol:
    """z₁ for the argument of the function in the line of h₁; a capital letter where the line has one."""
    number = "".join(c for c in line.name if c.isdigit()) if line is not None else ""
    capital = line.name[0].isupper() if line is not None else len(argument.shape) == 2
    for letter in LETTERS:
        name = (letter.upper() if capital else letter) + number
        if name not in taken:
            return symbol(name, argument.shape)
    return name_for(argument, taken)
