"""Fitting an objective to data: least squares by QR, constant Hessian by Cholesky, a derived closed form, or Newton.

The order is fixed and the method is named in the result. Whatever the method, the derived gradient is evaluated at the
answer, so that a closed form that does not solve the problem is refused. Where Newton steps end at a kink of a convex
objective, its convex program is solved instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from symml.derivation.kinks import has_kinks
from symml.derivation.mappings import ByName
from symml.errors import DataError, DomainError, InternalError, NoClosedFormError, NotSupportedError
from symml.fitting.diagnosis import Case, failure
from symml.fitting.least_squares import least_squares
from symml.fitting.newton import Outcome, Point, minimise
from symml.fitting.problem import Problem, observations, prepare_problem
from symml.fitting.results import Errors, FitResult
from symml.fitting.squares import rows_of
from symml.fitting.standard_errors import COVARIANCES, standard_errors
from symml.language import hooks
from symml.libraries import linalg

if TYPE_CHECKING:
    from symml.derivation.derivation import Derivation

RESIDUAL_GRADIENT = 1e-6  # relative gradient at the answer of a closed form, above which it is refused


def fit(derivation: Derivation, data: Mapping[Any, Any] | None, values: Mapping[str, Any], start: Any = None,
        covariance: str | None = None) -> FitResult:  # fmt: skip
    """Fit the variables of a derivation to data; see `Derivation.fit`."""
    if covariance is not None and covariance not in COVARIANCES:
        raise NotSupportedError(f"covariance={covariance!r} is not known; choose {' or '.join(map(repr, COVARIANCES))}")
    problem = prepare_problem(derivation, data, values, start)
    return _by_least_squares(problem, covariance) or _by_formula(problem, covariance) or _by_newton(problem, covariance)


# -- three ways ---------------------------------------------------------------------------------------------------
def _by_least_squares(problem: Problem, covariance: str | None) -> FitResult | None:
    squares = problem.plan.squares
    if squares is None or not all(s.affine for s in squares):
        return None
    solved = least_squares(squares, problem.parameters, problem.bound)
    if solved is None or not problem.region().holds(solved.theta):
        return None
    point = problem.point(solved.theta, 2 if covariance == "loglike" else 1)
    if not point.norm <= RESIDUAL_GRADIENT * solved.gradient_scale:
        raise InternalError(
            f"the least-squares solution has a gradient of {point.norm:.2g} where {solved.gradient_scale:.2g} cancels. "
            "Please report this with the objective."
        )
    errors = standard_errors(problem, point, covariance, solved)
    return _result(problem, point, "least squares by pivoted QR", 0, errors)


def _by_formula(problem: Problem, covariance: str | None) -> FitResult | None:
    """Return the solution of a constant Hessian, or of stationary(), if it is a minimum inside the domain."""
    if problem.plan.quadratic:
        candidates, method = _solve_quadratic(problem), "Cholesky factor of the constant Hessian"
    else:
        candidates, method = _closed(problem), "closed form"
    points = [problem.point(theta) for theta in candidates if problem.region().holds(theta)]
    points = sorted((p for p in points if p.finite), key=lambda p: p.value)
    if not points:
        return None
    outcome = minimise(problem.joint(), points[0].theta, problem.region(), 1)
    if outcome.status != "minimum" or not _same(points[0].theta, outcome.point.theta):
        return None
    best = min((points[0], outcome.point), key=lambda p: p.norm)
    return _result(problem, best, method, 0, standard_errors(problem, best, covariance, None))


def _same(a: Any, b: Any) -> bool:
    return bool(np.linalg.norm(a - b) <= 1e-5 * (np.linalg.norm(a) + np.linalg.norm(b)) + 1e-12)


def _solve_quadratic(problem: Problem) -> list[Any]:
    at = problem.point(problem.start)
    scale = np.sqrt(np.where(np.diag(at.hessian) > 0, np.diag(at.hessian), 1.0))
    try:
        factor = linalg.cho_factor(at.hessian / np.outer(scale, scale))
    except np.linalg.LinAlgError:
        return []
    theta = problem.start - linalg.cho_solve(factor, at.gradient / scale) / scale
    again = problem.point(theta)
    return [theta - linalg.cho_solve(factor, again.gradient / scale) / scale]


def _closed(problem: Problem) -> list[Any]:
    """Return the stationary points at these data, those that have a value."""
    found = problem.plan.closed
    if found is None:
        return []
    values = {**problem.bound.values, **problem.bound.sizes}
    names = [block.name for block in problem.parameters.blocks]
    several = isinstance(found.expr, tuple)
    results = [_point(p.values, names, values) for p in found.points] if several else [_point(found, names, values)]
    blocks = problem.parameters.blocks
    fitting = [r for r in results if r and all(np.shape(r[b.name]) == b.shape for b in blocks)]
    return [theta for theta in map(problem.parameters.flatten, fitting) if np.all(np.isfinite(theta))]


def _point(found: Any, names: Sequence[str], values: Mapping[str, Any]) -> dict[str, Any]:
    """One stationary point by name; empty where its formula has no real value at these data."""
    try:
        value = {n: found[n].evaluate(values) for n in names} if isinstance(found, Mapping) else found.evaluate(values)
    except (DataError, DomainError, NoClosedFormError):
        return {}
    return dict(value) if isinstance(value, Mapping) else {names[0]: value}


def _by_newton(problem: Problem, covariance: str | None) -> FitResult:
    method, outcome = "Newton with the derived Hessian", minimise(problem.joint(), problem.start, problem.region())
    second = _by_gauss_newton(problem) if outcome.status != "minimum" else None
    if second is not None:
        method, outcome = "Gauss-Newton, then Newton with the derived Hessian", second
    if outcome.status != "minimum":
        at_kink = _by_convex_program(problem, covariance, outcome.point.value)
        if at_kink is not None:
            return at_kink
        objective = problem.plan.derivation.objective
        raise failure(Case(objective, problem.parameters, problem.bound, problem.table, outcome))
    errors = standard_errors(problem, outcome.point, covariance, None, outcome)
    return _result(problem, outcome.point, method, outcome.iterations, errors, outcome.fixed)


def _by_convex_program(problem: Problem, covariance: str | None, reached: float) -> FitResult | None:
    """Return the minimum of a convex objective with kinks, where Newton steps end at a kink."""
    found = problem.plan.closed if has_kinks(problem.plan.derivation) else None
    if found is None or not found.kind.endswith("global minimum"):
        return None
    points = [problem.point(theta, 1) for theta in _closed(problem) if problem.region().holds(theta)]
    if not points or not points[0].value <= reached + 1e-8 * abs(reached):
        return None
    if covariance is not None:
        raise NotSupportedError(
            "the objective has a kink at its minimum: standard errors need a second derivative there"
        )
    point = replace(points[0], gradient=np.full_like(points[0].gradient, np.nan))
    return _result(problem, point, "convex program of stationary()", 0, None)


def _by_gauss_newton(problem: Problem) -> Outcome | None:
    """Return the minimum that Gauss-Newton steps lead to, when the objective is a sum of squares and they do."""
    squares = problem.plan.squares
    if squares is None or not problem.point(problem.start, 1).finite:
        return None
    first = problem.joint(1)

    def approximate(theta: Any) -> tuple[float, Any, Any]:
        value, gradient, _ = first(theta)
        rows = [rows_of(s, problem.parameters, problem.bound, problem.parameters.expand(theta), False) for s in squares]
        designs = [np.asarray(r.design, float) for r in rows if r is not None]
        return value, gradient, 2 * sum(d.T @ d for d in designs)

    near = minimise(approximate, problem.start, problem.region())
    found = minimise(problem.joint(), near.point.theta, problem.region())
    return replace(found, iterations=near.iterations + found.iterations) if found.status == "minimum" else None


def _result(
    problem: Problem, point: Point, method: str, iterations: int, errors: Errors | None, fixed: Any = None
) -> FitResult:
    labels = problem.parameters.labels
    held = tuple(label for label, at_end in zip(labels, fixed, strict=True) if at_end) if fixed is not None else ()
    norm = point.norm if fixed is None else float(np.linalg.norm(point.gradient[~fixed]))
    params = ByName(problem.parameters.expand(point.theta))
    return FitResult(
        params, point.value, norm, iterations, method, True, observations(problem), held, labels, point.theta,
        problem.parameters, errors,
    )  # fmt: skip


hooks.provide("fit", fit)
