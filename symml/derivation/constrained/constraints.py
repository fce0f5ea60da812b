"""Constraints read from text, equations and inequalities, their multipliers, and the Lagrangian."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sympy as sp

from symml.calculus.nodes import Node
from symml.codegen.structure import is_nonnegative
from symml.derivation.curvature.convexity import convex_or_concave
from symml.derivation.objective import OPEN_FACTS, Objective
from symml.derivation.stationary.elimination import tidied
from symml.errors import NotationError
from symml.forms.flipping import is_symmetric
from symml.forms.lowering import lower
from symml.language.expressions import Add, Call, Expression, Scalar, Symbol, Zeros
from symml.language.names import canonical
from symml.language.operators import (
    add,
    as_expression,
    call,
    multiply_any,
    power,
    scalar,
    subtract,
    symbol,
    transpose,
)
from symml.language.operators import substitute as substitute_expression
from symml.language.tables import symbol_table
from symml.notation.reader import parse

if TYPE_CHECKING:
    from symml.derivation.derivation import Derivation

KEPT_FACTS = OPEN_FACTS | {"symmetric", "spd", "psd"}
RELATION_TEX = {"=": "=", "<=": r"\leq", ">=": r"\geq"}
RELATIONAL = {sp.Eq: "=", sp.Le: "<=", sp.Ge: ">="}
_RELATION = re.compile(r"<=|>=|==|≤|≥|\\leq?(?![a-zA-Z])|\\geq?(?![a-zA-Z])|=|<|>")
_SPELLINGS = {"==": "=", "≤": "<=", "≥": ">=", r"\le": "<=", r"\leq": "<=", r"\ge": ">=", r"\geq": ">="}


@dataclass(frozen=True)
class Constraint:
    """left = right, left >= right or left <= right, with difference = left − right and its multiplier.

    The multiplier stands in the Lagrangian with the `sign`: of an inequality it is then never negative.
    """

    left: Expression
    right: Expression
    difference: Expression
    multiplier: Any
    relation: str = "="
    sign: int = 1
    squared: bool = False

    @property
    def term(self) -> Expression:
        """The multiplier times the difference, a scalar."""
        return paired(self.multiplier, self.difference)

    @property
    def slack(self) -> Expression:
        """What is never negative where an inequality holds."""
        return self.difference if self.relation == ">=" else subtract(self.right, self.left)

    @property
    def equality(self) -> bool:
        """Whether it is an equation."""
        return self.relation == "="

    def __str__(self) -> str:
        return f"{self.left} {self.relation} {'0' if isinstance(self.right, Zeros) else self.right}"

    def latex(self) -> str:
        """Return LaTeX without delimiters."""
        right = "0" if isinstance(self.right, Zeros) else self.right.latex()
        return f"{self.left.latex()} {RELATION_TEX[self.relation]} {right}"


def paired(nu: Any, value: Expression) -> Expression:
    """Return the inner product of a multiplier and what it belongs to."""
    e = as_expression(nu)
    if e.shape == ():
        return multiply_any(e, value)
    if len(e.shape) == 1:
        return multiply_any(transpose(e), value)
    return call("trace", multiply_any(transpose(e), value))


@dataclass(frozen=True)
class Problem:
    """An objective with constraints, in variables freed of the facts that the constraints replace.

    `original` is the objective before it was simplified by a constraint.
    """

    derivation: Derivation
    variables: tuple[Any, ...]
    objective: Expression
    constraints: tuple[Constraint, ...]
    lagrangian: Expression
    gradients: tuple[tuple[Any, Node], ...]
    taken: tuple[str, ...]
    symbols: dict[str, Any]
    original: Expression | None = None

    @property
    def equations(self) -> list[tuple[Any, Node]]:
        """Gradients of the Lagrangian, then the constraints with their multipliers."""
        return [*self.gradients, *((c.multiplier, lower(c.difference)) for c in self.constraints)]


def read_problem(derivation: Derivation, subject_to: Any) -> Problem:
    """Return the problem that a derivation and its constraints state.

    Raises
    ------
    NotationError
        If a constraint is neither an equation nor an inequality ``<=`` or ``>=``.
    """
    texts = (
        [subject_to]
        if isinstance(subject_to, (str, Expression)) or not hasattr(subject_to, "__iter__")
        else list(subject_to)
    )
    free: dict[Any, Any] = {v: _freed(v) for v in derivation.wrt}
    rows = [row for t in texts for row in _rows(derivation, t)]
    symbols = dict(derivation.source.symbols)
    for left, _, right in rows:
        for e in (left, right):
            symbols.update({k: s for k, s in symbol_table(e).items() if k not in symbols})
    taken = [*derivation._taken, *symbols]
    objective = _with(derivation.objective, free)
    variables = tuple(free.values())
    concave = any(r != "=" for _, r, _ in rows) and convex_or_concave(lower(objective), variables)[0] == "concave"
    equations = sum(r == "=" for _, r, _ in rows)
    constraints = []
    for left, relation, right in rows:
        left, right, squared = _without_root(_with(left, free), _with(right, free))
        difference = _difference(left, right)
        count = equations if relation == "=" else len(rows) - equations
        nu = _multiplier(difference, taken, count > 1, relation == "=")
        taken.append(nu.name)
        sign = -1 if relation != "=" and (relation == "<=") is not concave else 1
        constraints.append(Constraint(left, right, difference, nu, relation, sign, squared))
    symbols.update({v.name: v for v in variables})
    return pose(derivation, variables, objective, constraints, taken, symbols)


def pose(
    derivation: Derivation,
    variables: tuple[Any, ...],
    objective: Expression,
    constraints: Sequence[Constraint],
    taken: Sequence[str],
    symbols: dict[str, Any],
) -> Problem:
    """Return a problem with its Lagrangian and the gradients of that."""
    terms = (multiply_any(c.sign, c.term) for c in constraints)
    lagrangian = subtract(objective, add(*terms)) if constraints else objective
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


def _rows(derivation: Derivation, text: Any) -> list[tuple[Expression, str, Expression]]:
    """The constraints of one text: left, relation, right; a chain 0 <= x <= 1 states two."""
    if isinstance(text, Expression):
        return [(text, "=", scalar(0))]
    if type(text) in RELATIONAL:
        return [(as_expression(text.lhs), RELATIONAL[type(text)], as_expression(text.rhs))]
    pieces, relations = _pieces(str(text))
    if not relations or not all(p.strip() for p in pieces):
        raise NotationError(f"{text!r} is not a constraint: write left = right, left <= right or left >= right.")
    if any(r in ("<", ">") for r in relations):
        raise NotationError(
            f"{text!r} is a strict inequality: at its boundary there is no point that satisfies it. Write <= or >=."
        )
    if len(relations) > 1 and (len(relations) > 2 or "=" in relations):
        raise NotationError(f"{text!r} is neither an equation left = right nor a chain of two inequalities.")
    known = list(derivation.source.symbols.values())
    if len(relations) > 1:
        first, middle, last = pieces
        turned = "<=" if relations[0] == ">=" else ">="
        return [_both(middle, first, known, turned), _both(middle, last, known, relations[1])]
    return [_both(pieces[0], pieces[1], known, relations[0])]


def _pieces(text: str) -> tuple[list[str], list[str]]:
    """The text cut at the relations that stand outside brackets."""
    pieces, relations, start = [], [], 0
    for found in _RELATION.finditer(text):
        before = text[: found.start()]
        if any(before.count(o) > before.count(c) for o, c in ("()", "[]", "{}")):
            continue
        pieces.append(text[start : found.start()])
        relations.append(_SPELLINGS.get(found.group(), found.group()))
        start = found.end()
    return [*pieces, text[start:]], relations


def _both(left: str, right: str, known: Sequence[Any], relation: str) -> tuple[Expression, str, Expression]:
    whole = parse(f"{left} - ({right})", where=known)
    one = parse(left, where=known)
    terms = whole.args if isinstance(whole, Add) else (whole,)
    return one, relation, add(one, *(multiply_any(-1, t) for t in terms))


def _without_root(left: Expression, right: Expression) -> tuple[Expression, Expression, bool]:
    """‖w‖ = r is ‖w‖² = r² for r >= 0: smooth, and quadratic."""
    rooted = isinstance(left, Call) and left.function == "norm" and isinstance(right, Scalar)
    if not rooted or is_nonnegative(right) != "yes":
        return left, right, False
    return power(left, 2), power(right, 2), True


def _difference(left: Expression, right: Expression) -> Expression:
    return add(left, *(multiply_any(-1, t) for t in (right.args if isinstance(right, Add) else (right,))))


def _multiplier(difference: Expression, taken: Sequence[str], many: bool, equality: bool) -> Any:
    matrix = len(difference.shape) == 2
    base = ("N" if matrix else "nu") if equality else ("M" if matrix else "a")
    names = [] if many else [base] if equality else [base, "alpha"]
    name = next(n for n in [*names, *(f"{base}{k}" for k in range(1, 100))] if canonical(n) not in taken)
    if difference.shape == ():
        return sp.Symbol(name, real=True) if equality else sp.Symbol(name, nonnegative=True)
    facts = ["symmetric"] if matrix and is_symmetric(difference) else []
    return symbol(name, difference.shape, facts if equality else ["nonnegative"])
