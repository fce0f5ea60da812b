"""Standard errors under a stated assumption: a negative log-likelihood, or least squares with one variance."""

from __future__ import annotations

from typing import Any

import numpy as np

from symml.calculus.nodes import Ein, Sum
from symml.errors import DataError, NotSupportedError
from symml.fitting.least_squares import LeastSquares, least_squares
from symml.fitting.newton import Outcome, Point
from symml.fitting.problem import Problem
from symml.fitting.results import Errors

COVARIANCES = ("loglike", "least-squares")


def standard_errors(problem: Problem, point: Point, covariance: str | None, solved: LeastSquares | None,
                    outcome: Outcome | None = None) -> Errors | None:  # fmt: skip
    """Return the covariance at a point under the stated assumption; None when none was stated.

    Raises
    ------
    NotSupportedError
        If the objective cannot be what was stated: a mean, a penalised sum, an estimate at the end of its range.
    DataError
        If the Hessian is not positive definite, or no degrees of freedom are left.
    """
    if covariance is None:
        return None
    if outcome is not None and np.any(outcome.fixed):
        raise NotSupportedError("an estimate lies at the end of its range: standard errors do not hold there")
    if covariance == "loglike":
        return _from_likelihood(problem, point)
    squares = problem.plan.squares
    if solved is None and squares is not None:
        solved = least_squares(squares, problem.parameters, problem.bound, problem.parameters.expand(point.theta))
    if solved is None:
        raise NotSupportedError('covariance="least-squares" needs a sum of squares; the objective is not one')
    return _from_squares(problem, solved)


def _from_likelihood(problem: Problem, point: Point) -> Errors:
    if _is_mean(problem):
        raise NotSupportedError(
            'covariance="loglike" needs the negative log-likelihood of the whole sample; the objective is a mean: '
            "write it with sum, without the factor 1/n"
        )
    scale = np.sqrt(np.abs(np.diag(point.hessian)))
    values, vectors = np.linalg.eigh(point.hessian / np.outer(scale, scale))
    if not values[0] > 0:
        raise DataError("the Hessian is not positive definite at the estimate: there are no standard errors")
    inverse = (vectors / values) @ vectors.T / np.outer(scale, scale)
    return Errors("loglike", (inverse + inverse.T) / 2)


def _is_mean(problem: Problem) -> bool:
    """Whether every part that holds a parameter is divided by a number of rows."""
    d = problem.plan.derivation
    node, moving = d._node, {d._leaf(v) for v in d.wrt}
    terms = [t for t in (node.terms if isinstance(node, Sum) else (node,)) if t.leaves & moving]
    return bool(terms) and all(isinstance(t, Ein) and any(_one_over_size(f) for f, _ in t.factors) for t in terms)


def _one_over_size(factor: Any) -> bool:
    if getattr(factor, "op", "") != "pow" or factor.param != -1:
        return False
    return "dimension" in getattr(factor.children[0], "facts", ())


def _from_squares(problem: Problem, solved: LeastSquares) -> Errors:
    rows, columns = solved.rows, len(solved.theta)
    if solved.blocks > 1:
        raise NotSupportedError(
            'covariance="least-squares" needs one plain sum of squares; the objective has several terms, such as a '
            "penalty, for which σ² (JᵀJ)⁻¹ does not hold"
        )
    if rows <= columns:
        raise DataError(f"{rows} rows for {columns} parameters leave no degrees of freedom for standard errors")
    variance = solved.sum_of_squares / (rows - columns)
    return Errors("least-squares", variance * (solved.inverse_root @ solved.inverse_root.T), rows - columns, variance)
