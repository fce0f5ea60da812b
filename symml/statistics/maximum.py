"""The maximum of a log-likelihood of scalars at numbers of its statistics: at a closed form, or by damped Newton."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp

from symml.codegen.interpreter import prepare
from symml.derivation.mappings import ByName
from symml.errors import DataError
from symml.fitting.binding import Bound
from symml.fitting.diagnosis import Case, failure
from symml.fitting.newton import Point, Region, evaluate, minimise
from symml.fitting.parameters import Parameters, default_start, named_start, parameters_of
from symml.fitting.results import Errors, FitResult
from symml.language.expressions import Expression
from symml.language.operators import scalar


class Joint:
    """The negative log-likelihood with its derivatives as numbers; made once for a model."""

    def __init__(self, loglike: sp.Expr, parameters: Sequence[sp.Symbol]) -> None:
        self.objective: Expression = scalar(-loglike)
        self.parameters = tuple(parameters)
        slopes = [sp.diff(-loglike, p) for p in parameters]
        self._value = prepare(self.objective)
        self._slopes = [prepare(scalar(g)) for g in slopes]
        self._bends = [[prepare(scalar(sp.diff(g, p))) for p in parameters] for g in slopes]

    def at(self, parameters: Parameters, bound: Bound) -> Any:
        """Return theta -> value, gradient, Hessian for given statistics."""

        def joint(theta: Any) -> tuple[float, Any, Any]:
            values = {**bound.values, **parameters.expand(theta)}
            gradient = np.array([float(g(values, bound.sizes)) for g in self._slopes])
            hessian = np.array([[float(h(values, bound.sizes)) for h in row] for row in self._bends])
            return float(self._value(values, bound.sizes)), gradient, hessian

        return joint


def maximum(
    joint: Joint, bound: Bound, closed: Mapping[str, float] | None, start: Any, n: int, table: Mapping[str, Any]
) -> FitResult:
    """Return the maximum, with standard errors from the observed information.

    Raises
    ------
    DataError
        If there is no maximum inside the domain, or the observed information is not positive definite.
    """
    parameters = parameters_of(joint.parameters, bound)
    run = joint.at(parameters, bound)
    if closed is not None:
        point, iterations, method = evaluate(run, parameters.flatten(closed)), 0, "closed form"
    else:
        first = default_start(parameters, named_start(start, joint.parameters))
        outcome = minimise(run, first, Region(*parameters.bounds(), parameters.definite))
        if outcome.status != "minimum":
            raise failure(Case(joint.objective, parameters, bound, table, outcome))
        point, iterations, method = outcome.point, outcome.iterations, "Newton with the derived Hessian"
    params = ByName(parameters.expand(point.theta))
    errors = Errors("loglike", _covariance(point))
    return FitResult(
        params,
        point.value,
        point.norm,
        iterations,
        method,
        True,
        n,
        (),
        parameters.labels,
        point.theta,
        parameters,
        errors,
    )


def _covariance(point: Point) -> Any:
    scale = np.sqrt(np.abs(np.diag(point.hessian)))
    if not (np.all(np.isfinite(scale)) and np.all(scale > 0)):
        raise DataError("the observed information is singular at the estimate: there are no standard errors")
    values, vectors = np.linalg.eigh(point.hessian / np.outer(scale, scale))
    if not values[0] > 0:
        raise DataError(
            "the observed information is not positive definite at the estimate: there are no standard errors"
        )
    inverse = (vectors / values) @ vectors.T / np.outer(scale, scale)
    return (inverse + inverse.T) / 2
