"""Equality constraints read from text, their multipliers, and the Lagrangian."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sympy as sp

from symml.calculus.nodes import Node
from symml.derivation.elimination import tidied
from symml.derivation.objective import OPEN_FACTS, Objective
from symml.errors import NotationError
from symml.forms.flipping import is_symmetric
from symml.forms.lowering import lower
from symml.language.expressions import Add, Expression, Symbol
from symml.language.names import canonical
from symml.language.operators import add, as_expression, call, multiply_any, scalar, subtract, symbol, transpose
from symml.language.operators import substitute as substitute_expression
from symml.language.tables import symbol_table
from symml.notation.reader import parse

if TYPE_CHECKING:
    from symml.derivation.derivation import Derivation

KEPT_FACTS = OPEN_FACTS | {"symmetric", "spd", "psd"}


@dataclass(frozen=True)
class Constraint:
    """left = right, as difference = 0, with its multiplier."""

    left: Expression
    right: Expression
    difference: Expression
    multiplier: Any

    @property
    def term(self) -> Expression:
        """The multiplier times the difference, a scalar."""
        nu = as_expression(self.multiplier)
        if nu.shape == ():
            return multiply_any(nu, self.difference)
        if len(nu.shape) == 1:
            return multiply_any(transpose(nu), self.difference)
        return call("trace", multiply_any(transpose(nu), self.difference))

    def __str__(self) -> str:
        return f"{self.left} = {self.right}"


@dataclass(frozen=True)
class Problem:
    """An objective with constraints, in variables freed of the facts that the constraints replace."""

    derivation: Derivation
    variables: tuple[Any, ...]
    objective: Expression
    constraints: tuple[Constraint, ...]
    lagrangian: Expression
    gradients: tuple[tuple[Any, Node], ...]
    taken: tuple[str, ...]
    symbols: dict[str, Any]

    @property
    def equations(self) -> list[tuple[Any, Node]]:
        """Gradients of the Lagrangian, then the constraints with their multipliers."""
        return [*self.gradients, *((c.multiplier, lower(c.difference)) for c in self.constraints)]


def read_problem(derivation: Derivation, subject_to: Any) -> Problem:
    """Return the problem that a derivation and its constraints state.

    Raises
    ------
    NotationError
        If a constraint is not an equation.
    """
    texts = (
        [subject_to]
        if isinstance(subject_to, (str, Expression)) or not hasattr(subject_to, "__iter__")
        else list(subject_to)
    )
    free: dict[Any, Any] = {v: _freed(v) for v in derivation.wrt}
    sides = [_sides(derivation, t) for t in texts]
    symbols = dict(derivation.source.symbols)
    for left, right in sides:
        for e in (left, right):
            symbols.update({k: s for k, s in symbol_table(e).items() if k not in symbols})
    taken = [*derivation._taken, *symbols]
    constraints = []
    for left, right in sides:
        left, right, difference = (_with(e, free) for e in (left, right, _difference(left, right)))
        nu = _multiplier(difference, taken, many=len(sides) > 1)
        taken.append(nu.name)
        constraints.append(Constraint(left, right, difference, nu))
    objective = _with(derivation.objective, free)
    lagrangian = subtract(objective, add(*(c.term for c in constraints)))
    variables = tuple(free.values())
    symbols.update({v.name: v for v in variables})
    twin = type(derivation)(
        Objective(expression=lagrangian, last=lagrangian, definitions=(), symbols=symbols), variables, False
    )
    gradients = tuple((v, tidied(twin._derivative_node(v), v)) for v in variables)
    return Problem(derivation, variables, objective, tuple(constraints), lagrangian, gradients, tuple(taken), symbols)


def _freed(v: Any) -> Any:
    """The variable without the facts that a constraint states: unit norm, simplex, orthonormal columns."""
    return symbol(v.name, v.shape, v.facts & KEPT_FACTS, v.domain) if isinstance(v, Symbol) else v


def _with(e: Expression, free: dict[Any, Any]) -> Expression:
    arrays: dict[Expression, Expression] = {
        v: twin for v, twin in free.items() if isinstance(v, Symbol) and v is not twin
    }
    return substitute_expression(e, arrays) if arrays else e


def _sides(derivation: Derivation, text: Any) -> tuple[Expression, Expression]:
    if isinstance(text, Expression):
        return text, scalar(0)
    if isinstance(text, sp.Eq):
        return as_expression(text.lhs), as_expression(text.rhs)
    pieces = str(text).replace("==", "=").split("=")
    if len(pieces) != 2 or any(c in str(text) for c in "<>≤≥"):
        raise NotationError(
            f"{text!r} is not an equation left = right. Only equality constraints are solved in closed form."
        )
    known = list(derivation.source.symbols.values())
    whole = parse(f"{pieces[0]} - ({pieces[1]})", where=known)
    left = parse(pieces[0], where=known)
    terms = whole.args if isinstance(whole, Add) else (whole,)
    return left, add(left, *(multiply_any(-1, t) for t in terms))


def _difference(left: Expression, right: Expression) -> Expression:
    return add(left, *(multiply_any(-1, t) for t in (right.args if isinstance(right, Add) else (right,))))


def _multiplier(difference: Expression, taken: Sequence[str], many: bool) -> Any:
    matrix = len(difference.shape) == 2
    base = "N" if matrix else "nu"
    names = [] if many else [base]
    name = next(n for n in [*names, *(f"{base}{k}" for k in range(1, 100))] if canonical(n) not in taken)
    if difference.shape == ():
        return sp.Symbol(name, real=True)
    return symbol(name, difference.shape, ["symmetric"] if matrix and is_symmetric(difference) else [])
