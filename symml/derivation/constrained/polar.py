"""Linear objectives on the orthogonal matrices: orthogonal Procrustes, solved by a polar factor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import sympy as sp

from symml.calculus.construct import times
from symml.calculus.nodes import Ein, Node
from symml.calculus.reverse import derivative
from symml.derivation.constrained.constraints import Constraint, Problem
from symml.derivation.constrained.eigenproblem import bounded
from symml.derivation.curvature.convexity import affine, convex_or_concave
from symml.derivation.curvature.definiteness import shown
from symml.derivation.mappings import ByName
from symml.derivation.points.critical import Point
from symml.derivation.stationary.equations import Equation
from symml.derivation.stationary.reducing import orthonormal
from symml.derivation.stationary.separating import cleared, flat_terms
from symml.derivation.stationary.stationary_point import StationaryPoint
from symml.derivation.stationary.trials import substitute_back
from symml.errors import InternalError
from symml.forms.lowering import leaf_of, lower
from symml.forms.textbook import present
from symml.language.expressions import Expression, Symbol, Where, make
from symml.language.names import canonical
from symml.language.operators import call, eye, multiply_any, power, subtract, symbol, transpose
from symml.language.where import expand_names
from symml.notation.wording import words
from symml.records import Step, Verdict, verdict

SOURCE = "P. H. Schönemann (1966), A generalized solution of the orthogonal Procrustes problem, Psychometrika 31, 1–10"


@dataclass(frozen=True)
class PolarFactor:
    """± U Vᵀ of the singular value decomposition M = U S Vᵀ; a solution also where M has no full rank."""

    matrix: Expression
    sign: int

    def __call__(self, given: Mapping[Any, Any]) -> Any:
        """Return the polar factor at the values given."""
        left, _, right = np.linalg.svd(self.matrix.evaluate(given), full_matrices=False)
        return self.sign * (left @ right)


def polar(problem: Problem, opening: Sequence[Step]) -> StationaryPoint | None:
    """Return the polar factor at which a linear function of an orthogonal matrix is extreme, or None."""
    if len(problem.variables) != 1 or len(problem.constraints) != 1:
        return None
    (v,), (c,) = problem.variables, problem.constraints
    if not isinstance(v, Symbol) or len(v.shape) != 2 or not c.equality or bounded(v):
        return None
    fact = orthonormal(lower(c.difference), v)
    x, objective = leaf_of(v), lower(problem.objective)
    if fact not in ("orthogonal", "orthonormal columns") or not affine(objective, [x]):
        return None
    gradient = derivative(objective, x)
    if not gradient.leaves:
        return None
    slope, number = _without_number(gradient)
    return _told(problem, _named(problem, slope), number, opening)


def first_order(problem: Problem) -> str | None:
    """Return what holds at a stationary point with orthonormal columns, as a refusal says it; None elsewhere."""
    if len(problem.variables) != 1 or len(problem.constraints) != 1:
        return None
    (v,), (c,) = problem.variables, problem.constraints
    if not isinstance(v, Symbol) or len(v.shape) != 2 or not orthonormal(lower(c.difference), v):
        return None
    gradient = present(cleared(derivative(lower(problem.objective), leaf_of(v))), problem.taken)
    body, *clause = str(gradient).split(", where ", 1)
    named = f", where {clause[0]}" if clause else ""
    return (
        f"{problem.objective} where {c} has no closed form in general: at a stationary point G = {v} {v}ᵀ G and "
        f"{v}ᵀ G is symmetric, with G = {body}{named}. There is a closed form for an objective linear in {v}, "
        f"tr({v}ᵀ M), which ‖A {v} − B‖² is where {v} is square or A has orthonormal columns (declare it); "
        f"for numbers follow .gradient_on('stiefel')"
    )


def _without_number(node: Node) -> tuple[Node, Fraction]:
    """A matrix without its numeric factor, and the factor, negative where every term is."""
    coefficients = [t.coefficient if isinstance(t, Ein) else Fraction(1) for t in flat_terms(node)]
    number = min(map(abs, coefficients)) * (-1 if max(coefficients) < 0 else 1)
    return times(1 / number, node), number


@dataclass(frozen=True)
class _Slope:
    """M, by the name it has in the answer, with its definition if it needs one."""

    name: Expression
    value: Expression

    def within(self, body: Expression) -> Expression:
        """Return an expression in the name, with its definition."""
        if self.name is self.value:
            return body
        return make(Where, (body, self.value), ((self.name,),), body.shape)


def _named(problem: Problem, slope: Node) -> _Slope:
    value = shown(slope)
    if isinstance(value, Symbol):
        return _Slope(value, value)
    name = next(n for n in ("M", *(f"M{k}" for k in range(1, 100))) if canonical(n) not in problem.taken)
    return _Slope(symbol(name, value.shape), value)


def _told(problem: Problem, m: _Slope, number: Fraction, opening: Sequence[Step]) -> StationaryPoint:
    (v,), (c,) = problem.variables, problem.constraints
    wanted = _wanted(problem)
    columns = c.difference.shape[0] == v.shape[1] and orthonormal_columns(c, v)
    gram = multiply_any(transpose(m.name), m.name) if columns else multiply_any(m.name, transpose(m.name))
    root = call("sqrtm", gram)
    inverse = power(call("sqrtm", multiply_any(transpose(m.name), m.name)), -1)
    points, multipliers, sure = [], {}, verdict("unchecked")
    for which in ("minimum", "maximum"):
        sign = _sign(which, number)
        value = m.within(multiply_any(sign, m.name, inverse))
        nu = m.within(multiply_any(sp.Rational(number, 2) * sign * c.sign, root))
        sure = _checked(problem, [(v, value), (c.multiplier, nu)], m)
        points.append(Point({v.name: value}, f"unique global {which}"))
        multipliers[which] = nu
    chosen = [p for p in points if not wanted or p.kind.endswith(wanted)]
    values = [p.values[v.name] for p in chosen]
    kind = chosen[0].kind if wanted else "2 stationary points: " + ", ".join(p.kind for p in points)
    equation = _equation(v, c, m, number, columns)
    reasons = _reasons(v, m, wanted, number)
    condition = (
        f"{m.value} must have full column rank; else the {wanted or 'extremum'} is not unique, and U Vᵀ of "
        f"{m.value} = U S Vᵀ is one"
    )
    steps = [*opening, *_steps(v, c, equation, chosen, reasons, condition, sure)]
    return StationaryPoint(
        equation=equation,
        expr=values[0] if wanted else tuple(values),
        kind=kind,
        reasons=tuple(reasons),
        conditions=(condition,),
        points=tuple(points),
        steps=tuple(steps),
        verdict=sure,
        multipliers=ByName({c.multiplier.name: multipliers[wanted] if wanted else tuple(multipliers.values())}),
        names=(v.name,),
        _solver=PolarFactor(m.value, _sign(wanted, number)) if wanted else None,
    )


def _sign(which: str, number: Fraction) -> int:
    """The sign of the polar factor at the minimum or maximum of a constant plus number times tr(Q' M)."""
    return 1 if (which == "minimum") is (number < 0) else -1


def _wanted(problem: Problem) -> str:
    """The minimum of a convex objective, the maximum of a concave one, both of a linear one."""
    original = lower(problem.objective if problem.original is None else problem.original)
    if affine(original, [leaf_of(v) for v in problem.variables]):
        return ""
    return {"convex": "minimum", "concave": "maximum"}.get(convex_or_concave(original, problem.variables)[0], "")


def orthonormal_columns(c: Constraint, v: Symbol) -> bool:
    """Whether the constraint is Q' Q = I, not Q Q' = I."""
    product = multiply_any(transpose(v), v)
    return lower(subtract(product, eye(product.shape[0]))).digest == lower(c.difference).digest


def _equation(v: Symbol, c: Constraint, m: _Slope, number: Fraction, columns: bool) -> Equation:
    """The gradient of the Lagrangian set to zero: 2 Q N = number M."""
    factors = (v, c.multiplier) if columns else (c.multiplier, v)
    return Equation(multiply_any(*factors), multiply_any(sp.Rational(number, 2) * c.sign, m.value))


def _reasons(v: Symbol, m: _Slope, wanted: str, number: Fraction) -> list[str]:
    named = "" if m.name is m.value else f" with {m.name} = {m.value}"
    word = "minus" if number < 0 else "plus"
    text = (
        f"the objective is a constant {word} a positive multiple of tr({v}ᵀ {m.name}){named}, and that trace is at "
        f"most the sum of the singular values of {m.name}, reached at the polar factor"
    )
    rest = "" if wanted else "; it is least at minus the polar factor"
    sign = "−" if wanted and _sign(wanted, number) < 0 else "± " if not wanted else ""
    return [text + rest, f"{v} = {sign}U Vᵀ for the singular value decomposition {m.name} = U S Vᵀ"]


def _checked(problem: Problem, answer: Sequence[tuple[Any, Expression]], m: _Slope) -> Verdict:
    checks = [*(g for _, g in problem.gradients), *(lower(c.difference) for c in problem.constraints)]
    gram = multiply_any(transpose(m.value), m.value)
    trials = substitute_back([(v, expand_names(e)) for v, e in answer], checks, problem.symbols, [gram])
    if trials.verdict == "wrong":
        raise InternalError(f"the polar factor failed its own check: {trials.verdict.counterexample}")
    return trials.verdict


def _steps(
    v: Symbol, c: Constraint, equation: Equation, points: Sequence[Point], reasons: Sequence[str], condition: str,
    sure: Verdict,
) -> list[Step]:  # fmt: skip
    turn = f"{c.multiplier} is symmetric, so its square is the product of {equation.rhs} with its transpose"
    found = [
        Step("collect terms", "collect the terms; " + turn, equation.lhs, equation.rhs, str(equation),
             equation.latex("&="), sure)
    ]  # fmt: skip
    for p in points:
        e = p.values[v.name]
        found.append(
            Step(
                "solve",
                f"solve: {p.kind} ({sure.certificate or sure.reason})",
                v,
                e,
                f"{v} = {e}",
                f"{v.latex()} &= {e.latex()}",
                sure,
            )
        )
    proved = verdict("proved", SOURCE)
    found.append(
        Step("condition", "the solution is unique under this condition", None, None, condition,
             rf"& \text{{{words(condition)}}}", verdict("unchecked", reason="an assumption on the data"))
    )  # fmt: skip
    found += [Step("second-order", points[0].kind, None, None, r, rf"& \text{{{words(r)}}}", proved) for r in reasons]
    return found
