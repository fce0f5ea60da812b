"""Singular value problems: a bilinear objective in two variables, each of fixed length: A v = σ M u, Aᵀ u = σ N v."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy  # scipy.linalg is loaded by scipy itself when it is first used
import sympy as sp

from symml.calculus.construct import is_symmetric, is_zero, transposed, zero
from symml.calculus.nodes import Node
from symml.calculus.proving import proved_equal
from symml.calculus.reverse import derivative
from symml.calculus.transform import substitute
from symml.checking.sampling import draw
from symml.codegen.evaluate import prepare
from symml.codegen.interpreter import size_of
from symml.codegen.structure import definiteness
from symml.derivation.constrained.constraints import Constraint, Problem
from symml.derivation.constrained.eigenproblem import TOLERANCE, bounded, form_of, level_of, operator_of, to_level
from symml.derivation.curvature.definiteness import shown
from symml.derivation.mappings import ByName
from symml.derivation.points.critical import Point
from symml.derivation.stationary.equations import Equation
from symml.derivation.stationary.separating import chain
from symml.derivation.stationary.stationary_point import StationaryPoint
from symml.errors import DataError
from symml.forms.lowering import leaf_of, lower
from symml.forms.raising import Raising
from symml.language.expressions import Expression, Symbol
from symml.language.names import canonical
from symml.language.operators import as_expression, call, multiply_any, power, scalar, symbol, transpose
from symml.language.tables import symbol_table
from symml.notation.wording import words
from symml.records import Step, Verdict, verdict

SOURCE = "G. H. Golub and C. F. Van Loan, Matrix Computations, 4th ed., section 2.4; canonical correlations: 6.4.3"


@dataclass(frozen=True)
class SingularValues:
    """All singular values in descending order, left and right vectors as columns, by name; u' M u = v' N v = level."""

    matrix: Expression
    forms: tuple[Expression, Expression]
    level: Expression
    names: tuple[str, str, str]

    def __call__(self, given: Mapping[Any, Any]) -> ByName:
        """Return singular values and vectors at the values given."""
        a = self.matrix.evaluate(given)
        roots = [_whitening(f, given) for f in self.forms]
        left, values, right = np.linalg.svd(_white(a, roots), full_matrices=False)
        columns = [_unwhitened(root, c) for root, c in zip(roots, (left, right.T), strict=True)]
        u, v = (to_level(c, f, self.level, given) for c, f in zip(columns, self.forms, strict=True))
        return ByName(dict(zip(self.names, (values, u, v), strict=True)))


def _whitening(form: Expression, given: Mapping[Any, Any]) -> Any:
    """The Cholesky factor of a form, or the root of the number that stands for a multiple of the identity."""
    value = form.evaluate(given)
    if np.ndim(value) == 0:
        return np.sqrt(value)
    try:
        return np.linalg.cholesky(value)
    except np.linalg.LinAlgError:
        raise DataError(f"{form} is not positive definite: the constraint does not bound the vector.") from None


def _white(a: Any, roots: Sequence[Any]) -> Any:
    """L⁻¹ A R⁻ᵀ for the forms L Lᵀ and R Rᵀ."""
    left, right = roots
    half = scipy.linalg.solve_triangular(left, a, lower=True) if np.ndim(left) else a / left
    return scipy.linalg.solve_triangular(right, half.T, lower=True).T if np.ndim(right) else half / right


def _unwhitened(root: Any, columns: Any) -> Any:
    return scipy.linalg.solve_triangular(root, columns, lower=True, trans=1) if np.ndim(root) else columns / root


@dataclass(frozen=True)
class _Side:
    """One variable: its multiplier, and its constraint x' M x = level."""

    v: Symbol
    constraint: Constraint
    form: Node
    level: Node

    @property
    def plain(self) -> bool:
        """Whether M is a multiple of the identity."""
        return self.form.shape == ()


def singular(problem: Problem, opening: Sequence[Step]) -> StationaryPoint | None:
    """Return the singular value problem that the multiplier equations are, or None."""
    if len(problem.gradients) != 2 or len(problem.constraints) != 2:
        return None
    if not all(isinstance(v, Symbol) and not bounded(v) for v in problem.variables):
        return None
    sides = _sides(problem)
    if sides is None or not proved_equal(sides[0].level, sides[1].level):
        return None
    a = _matrix(lower(problem.objective), sides)
    if a is None:
        return None
    sigma = _sigma(problem, sides)
    sure = _tested(problem, sides, a)
    return None if sure == "wrong" else _told(problem, sides, a, sigma, sure, opening)


def _sides(problem: Problem) -> tuple[_Side, _Side] | None:
    """Each variable with the one constraint that is on it alone."""
    found = []
    for v in problem.variables:
        own = [c for c in problem.constraints if leaf_of(v) in lower(c.difference).leaves]
        if len(own) != 1 or not own[0].equality:
            return None
        difference = lower(own[0].difference)
        form, level = form_of(own[0].difference, v), level_of(difference, v)
        if form is None or level is None or any(leaf_of(u) in form.leaves for u in problem.variables):
            return None
        if form.shape and not is_symmetric(form):
            return None
        found.append(_Side(v, own[0], form, level))
    return found[0], found[1]


def _matrix(objective: Node, sides: Sequence[_Side]) -> Node | None:
    """A of an objective u' A v, or tr(U' A V)."""
    (u, v) = (s.v for s in sides)
    x = leaf_of(u)
    gradient = derivative(objective, x)
    if not is_zero(substitute(objective, {x: zero(x.shape)})):
        return None
    a = operator_of(gradient, v)
    if a is None or any(leaf_of(s.v) in a.leaves for s in sides):
        return None
    return a if proved_equal(chain(a, leaf_of(v)), gradient) else None


def _sigma(problem: Problem, sides: Sequence[_Side]) -> Any:
    matrix = len(sides[0].v.shape) == 2
    base = "Sigma" if matrix else "sigma"
    name = next(n for n in (base, *(f"{base}{k}" for k in range(1, 100))) if canonical(n) not in problem.taken)
    return symbol(name, (sides[0].v.shape[1],) * 2, ["diagonal"]) if matrix else sp.Symbol(name, real=True)


def _equation(a: Node, left: _Side, right: _Side, sigma: Any) -> Equation:
    """A v = σ M u, with the number of M where it is one."""
    level = shown(left.form)
    name = left.v if left.plain else multiply_any(level, left.v)
    number = level if left.plain else scalar(1)
    s = as_expression(sigma)
    value = multiply_any(number, s, name) if s.shape == () else multiply_any(number, name, s)
    return Equation(multiply_any(shown(a), right.v), value)


def _told(
    problem: Problem, sides: tuple[_Side, _Side], a: Node, sigma: Any, sure: Verdict, opening: Sequence[Step]
) -> StationaryPoint:
    left, right = sides
    plain = left.plain and right.plain
    kind = "singular value problem" if plain else "generalised singular value problem"
    equations = [_equation(a, left, right, sigma), _equation(transposed(a), right, left, sigma)]
    reasons = _reasons(sides, a, sigma)
    conditions = [_definite(shown(s.form)) for s in sides if not s.plain]
    half = multiply_any(sp.Rational(1, 2), as_expression(sigma))
    multipliers = {c.multiplier.name: half for c in problem.constraints}
    told = [*_steps(equations, kind, sides, sigma, sure), _second(sides, a, sigma, sure), *_closing(kind, reasons)]
    return StationaryPoint(
        equation=ByName({s.v.name: e for s, e in zip(sides, equations, strict=True)}),
        expr=None,
        kind=kind,
        reasons=tuple(reasons),
        conditions=tuple(conditions),
        points=_points(sides, a, sigma),
        steps=(*opening, *told),
        verdict=sure,
        multipliers=ByName(multipliers),
        names=tuple(v.name for v in problem.variables),
        _solver=SingularValues(
            shown(a), (shown(left.form), shown(right.form)), shown(left.level), (sigma.name, left.v.name, right.v.name)
        ),
    )


def _definite(m: Expression) -> str:
    kind, _ = definiteness(m)
    return f"{m} {'is' if kind == 'positive definite' else 'must be'} positive definite"


def _reasons(sides: tuple[_Side, _Side], a: Node, sigma: Any) -> list[str]:
    left, right = sides
    s, matrix = as_expression(sigma), shown(a)
    whitened = "" if left.plain and right.plain else f" relative to {_name(left)} and {_name(right)}"
    if s.shape == ():
        value = multiply_any(shown(left.level), s)
        return [
            f"{s} are the singular values of {matrix}{whitened}, {left.v} and {right.v} the left and right singular "
            f"vectors; the objective there is {value}",
            f"maximum at the largest singular value; minimum at minus it, where one of {left.v}, {right.v} is turned "
            "round; saddle points at those between",
            f"{left.v} and {right.v} are unique up to their common sign exactly where their singular value is simple",
        ]
    k = left.v.shape[1]
    return [
        f"the multipliers are symmetric and equal; turned to a diagonal {s}, the columns of {left.v} and {right.v} are "
        f"{k} pairs of singular vectors of {matrix}{whitened}",
        f"maximum at the {k} largest singular values, minimum at minus these",
    ]


def _name(side: _Side) -> str:
    return "I" if side.plain and shown(side.form) == scalar(1) else f"{shown(side.form)}{' I' if side.plain else ''}"


def _points(sides: tuple[_Side, _Side], a: Node, sigma: Any) -> tuple[Point, ...]:
    if as_expression(sigma).shape != () or not all(s.plain and shown(s.form) == scalar(1) for s in sides):
        return ()
    largest = call("normspec", shown(a))
    return (
        Point({sigma.name: largest}, "global maximum"),
        Point({sigma.name: multiply_any(-1, largest)}, "global minimum"),
    )


def _steps(
    equations: Sequence[Equation], kind: str, sides: tuple[_Side, _Side], sigma: Any, sure: Verdict
) -> list[Step]:
    left, right = sides
    names = ", ".join(str(as_expression(s.constraint.multiplier)) for s in sides)
    s = as_expression(sigma)
    products = f"{left.v}ᵀ and {right.v}ᵀ"
    text = f"multiply by {products}: both give the objective, so the multipliers {names} are equal; call them {s}/2"
    first = Step("multipliers", "the multipliers are equal", None, None, text, rf"& \text{{{words(text)}}}", sure)
    return [
        first,
        *(
            Step("collect terms", f"{kind}: collect the terms", e.lhs, e.rhs, str(e), e.latex("&="), sure)
            for e in equations
        ),
    ]


def _second(sides: tuple[_Side, _Side], a: Node, sigma: Any, sure: Verdict) -> Step:
    """One variable put into the equation of the other: an eigenproblem with the squares of the singular values."""
    left, right = sides
    s, matrix = as_expression(sigma), shown(a)
    inner = matrix if left.plain else multiply_any(power(shown(left.form), -1), matrix)
    before = multiply_any(transpose(matrix), inner, right.v)
    number = multiply_any(*(shown(x.form) for x in sides if x.plain)) if any(x.plain for x in sides) else scalar(1)
    name = right.v if right.plain else multiply_any(shown(right.form), right.v)
    square = power(s, 2)
    after = multiply_any(number, square, name) if s.shape == () else multiply_any(number, name, square)
    e = Equation(before, after)
    statement = f"put {left.v} of the first equation into the second: an eigenproblem for {right.v}"
    return Step("substitute", statement, e.lhs, e.rhs, str(e), e.latex("&="), sure)


def _closing(kind: str, reasons: Sequence[str]) -> list[Step]:
    sure = verdict("proved", f"singular value decomposition; {SOURCE}")
    return [Step("second-order", kind, None, None, r, rf"& \text{{{words(r)}}}", sure) for r in reasons]


def _tested(problem: Problem, sides: tuple[_Side, _Side], a: Node) -> Verdict:
    """Singular vectors by SciPy put into the gradients and the constraints at random data."""
    rows = [Raising(False).run(g) for _, g in problem.gradients]
    rows += [Raising(False).run(lower(c.difference)) for c in problem.constraints]
    solver = [Raising(False).run(n) for n in (a, sides[0].form, sides[1].form, sides[0].level)]
    own = {*(v.name for v in problem.variables), *(c.multiplier.name for c in problem.constraints)}
    table: dict[str, Any] = {}
    for e in (*rows, *solver):
        table.update(symbol_table(e))
    table = {k: problem.symbols.get(k, s) for k, s in table.items() if k not in own}
    rng = np.random.default_rng(0)
    worst, done = 0.0, 0
    for _ in range(3):
        try:
            values, sizes = draw(table, rng, None)
            at = _solution(solver, sides, values, sizes)
        except (np.linalg.LinAlgError, DataError, ValueError):
            continue
        scale = max(float(np.max(np.abs(prepare(solver[0])(values, sizes)))), 1.0)
        for row in rows:
            here = np.asarray(prepare(row)({**values, **at}, sizes), float)
            worst = max(worst, float(np.max(np.abs(here))) / scale)
        done += 1
    if worst > TOLERANCE:
        return verdict("wrong", reason="the singular vectors do not solve the multiplier equations")
    if not done:
        return verdict("unchecked", reason="no random point was found at which the singular vectors exist")
    return verdict("holds", f"singular vectors at random data solve the multiplier equations to {worst:.0e}")


def _solution(
    solver: Sequence[Expression], sides: tuple[_Side, _Side], values: Mapping[str, Any], sizes: Mapping[str, int]
) -> dict[str, Any]:
    a, *forms, level = (prepare(e)(values, sizes) for e in solver)
    roots = [np.sqrt(f) if np.ndim(f) == 0 else np.linalg.cholesky(f) for f in forms]
    if not level > 0:
        raise ValueError("no such length")
    left, singular_values, right = np.linalg.svd(_white(a, roots), full_matrices=False)
    columns = [np.sqrt(level) * _unwhitened(r, c) for r, c in zip(roots, (left, right.T), strict=True)]
    at: dict[str, Any] = {}
    for side, c in zip(sides, columns, strict=True):
        if len(side.v.shape) == 1:
            at |= {side.v.name: c[:, 0], side.constraint.multiplier.name: singular_values[0] / 2}
            continue
        k = side.v.shape[1] if isinstance(side.v.shape[1], int) else size_of(side.v.shape[1])(sizes)
        if k > len(singular_values):
            raise ValueError("more columns than singular values")
        at |= {side.v.name: c[:, :k], side.constraint.multiplier.name: np.diag(singular_values[:k] / 2)}
    return at
