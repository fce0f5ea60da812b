"""A likelihood whose log-density separates: everything in the parameters and the sufficient statistics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np
import sympy as sp

from symml.derivation.mappings import ByName
from symml.errors import DataError, NoClosedFormError, NotSupportedError
from symml.fitting.binding import Bound, bind
from symml.language.expressions import Scalar, Symbol
from symml.language.names import unicode_name
from symml.language.operators import scalar
from symml.language.properties import Domain
from symml.records import Step
from symml.statistics import narration
from symml.statistics.estimators import Estimators, Problem, estimators, in_domain, value_at
from symml.statistics.frames import lengths, read_data
from symml.statistics.information import expected_terms, information
from symml.statistics.maximum import Joint, maximum
from symml.statistics.model import Model
from symml.statistics.records import Condition, ModelWarning
from symml.statistics.results import LikelihoodFit
from symml.statistics.standard_errors import with_covariance
from symml.statistics.sufficient import Split, Statistic, arranged, presented, statistics


@dataclass(frozen=True)
class Observation:
    """One observation: its log-density as one SymPy expression, and what each symbol in it is.

    Attributes
    ----------
    logpdf : sympy.Expr
    parameters : tuple of sympy.Symbol
    random : mapping
        Range of each random data symbol.
    given : tuple of sympy.Symbol
        Covariates.
    known : tuple of sympy.Symbol
        Symbols that are neither data nor fitted.
    arrays : mapping
        The vector of the sample for each data symbol.
    size : sympy.Symbol
        The number of observations.
    """

    logpdf: sp.Expr
    parameters: tuple[sp.Symbol, ...]
    random: Mapping[sp.Symbol, Domain | None]
    given: tuple[sp.Symbol, ...]
    known: tuple[sp.Symbol, ...]
    arrays: Mapping[sp.Symbol, Symbol]
    size: sp.Symbol

    @property
    def data(self) -> tuple[sp.Symbol, ...]:
        """Random symbols, then covariates."""
        return (*self.random, *self.given)


@final
class SampleModel(Model):
    """Likelihood of independent observations with scalar parameters and sufficient statistics; see `Model`."""

    def __init__(self, text: str, observation: Observation, split: Split, readings: tuple[str, ...] = ()) -> None:
        self.text, self.readings = text, readings
        self.observation = observation
        self.parameters = observation.parameters
        self._split = split
        taken = [s.name for s in (*observation.parameters, *observation.known, observation.size, *observation.data)]
        self._statistics: tuple[Statistic, ...]
        self._statistics, self._means = statistics(split, observation.arrays, taken)

    # -- the likelihood ---------------------------------------------------------------------------------------
    @cached_property
    def _mean_loglike(self) -> sp.Expr:
        return sp.Add(*(c * self._means[t] for c, t in self._split.terms))

    @cached_property
    def loglike(self) -> Scalar:
        """The log-likelihood of the whole sample, in the parameters and the sufficient statistics."""
        return scalar(arranged(self._mean_loglike, self._statistics, self.observation.size))

    @cached_property
    def score(self) -> sp.Matrix:
        """Gradient of the log-likelihood: a SymPy column in the order of the parameters."""
        return sp.Matrix([self._presented(sp.diff(self._mean_loglike, p)) for p in self.parameters])

    def _presented(self, mean: sp.Expr) -> sp.Expr:
        return presented(self.observation.size * mean, self._statistics)

    @cached_property
    def hessian(self) -> sp.Matrix:
        """Second derivatives of the log-likelihood, in the order of the parameters."""
        return sp.hessian(self._mean_loglike, self.parameters).applyfunc(self._presented)

    @cached_property
    def information(self) -> sp.Matrix:
        """Expected information of one observation, in the order of the parameters."""
        o = self.observation
        moments = expected_terms(self._split, o.parameters, o.given)
        return information(o.logpdf, o.parameters, tuple(o.random), o.given, moments)

    @cached_property
    def sufficient_statistics(self) -> ByName:
        """The statistics in the log-likelihood by name, as expressions of the data."""
        return ByName({s.symbol.name: s.expression for s in self._statistics})

    @property
    def _sufficient(self) -> list[Statistic]:
        """Statistics the score depends on; the others only move the log-likelihood up and down."""
        used = set().union(*(e.free_symbols for e in self.score)) if self.parameters else set()
        return [s for s in self._statistics if s.symbol in used]

    # -- estimates --------------------------------------------------------------------------------------------
    @cached_property
    def _estimators(self) -> Estimators:
        o = self.observation
        ranges = {x: o.random.get(x) for x in o.data}
        return estimators(Problem(self._mean_loglike, o.parameters, self._statistics, ranges, o.known))

    @property
    def estimator(self) -> ByName:
        """Closed form of each parameter in the sufficient statistics, or None."""
        return ByName(self._estimators.closed)

    @property
    def profile(self) -> Any:
        """The equation in one variable that is left when only part is closed, or None."""
        return self._estimators.profile

    @cached_property
    def _ends(self) -> tuple[tuple[Condition, ModelWarning], ...]:
        return narration.ends(
            self._estimators, self._mean_loglike, self.parameters, [s.symbol for s in self._sufficient]
        )

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """When the maximum exists inside the domain."""
        return tuple(c for c, _ in self._ends)

    @property
    def warnings(self) -> tuple[ModelWarning, ...]:
        """What happens where a condition fails."""
        return tuple(w for _, w in self._ends)

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The derivation: density, log-likelihood, statistics, scores, roots, second order, information."""
        o = self.observation
        story = narration.Story(o.logpdf, self.loglike, self._statistics, self.parameters, o.size, self._estimators)
        return narration.narrate(story, self.information if self._knows_information else None)

    @property
    def _knows_information(self) -> bool:
        try:
            return bool(self.information.rows)
        except NotSupportedError:
            return False

    # -- numbers ----------------------------------------------------------------------------------------------
    def _numbers(self, source: Any, values: Mapping[str, Any]) -> tuple[dict[sp.Symbol, float], int]:
        """Values of the statistics and of known symbols, and the number of observations."""
        o = self.observation
        data = read_data(source, values)
        table: dict[str, Any] = (
            {s.name: s for s in o.arrays.values()} | {k.name: k for k in o.known} | {o.size.name: o.size}
        )
        lengths(data, [s.name for s in o.arrays.values()])
        bound = bind(
            table,
            {k: np.ravel(v) if k in table and np.ndim(v) > 1 and 1 in np.shape(v) else v for k, v in data.items()},
        )
        n = bound.sizes[o.size.name]
        found = {s.symbol: _value(s, {**bound.values, o.size.name: n}) for s in self._statistics}
        return found | {k: float(bound.values[k.name]) for k in o.known}, n

    def estimate(self, data: Any = None, /, **values: Any) -> dict[str, Any]:
        """Return the estimates by name, from the closed forms alone.

        Raises
        ------
        NoClosedFormError
            If a parameter has none; names the equation that is left.
        DataError
            If the data leave no finite estimate.
        """
        at, _ = self._numbers(data, values)
        return self._closed_values(at)

    def _closed_values(self, at: Mapping[sp.Symbol, float]) -> dict[str, Any]:
        found = {}
        for name, e in self._estimators.closed.items():
            if e is None:
                left = f"; profile equation: {self.profile}" if self.profile is not None else ""
                raise NoClosedFormError(f"no closed form for {unicode_name(name)}{left}. Call .fit(...) for numbers.")
            found[name] = value_at(e, at)
            if not np.isfinite(found[name]):
                raise DataError(
                    f"no finite estimate of {unicode_name(name)}: {scalar(e)} is not a finite number for these data"
                )
        return found

    def fit(
        self, data: Any = None, /, *, start: Any = None, cov_type: str = "observed", **values: Any
    ) -> LikelihoodFit:
        """Return estimates with standard errors: the closed form where there is one, else Newton.

        Parameters
        ----------
        data : mapping, data frame or path of a CSV file, optional
            Columns by name.
        start : mapping, optional
            Where Newton starts.
        cov_type : {"observed", "expected"}
            Information the standard errors come from.
        **values : array_like
            Data by name.

        Raises
        ------
        DataError, DomainError
            If the data do not fit the model, or the likelihood has no maximum inside the domain.
        """
        at, n = self._numbers(data, values)
        closed = None
        if None not in self._estimators.closed.values():
            closed = self._closed_values(at)
            self._check_inside(closed, at)
        values = {s.name: v for s, v in at.items()}
        bound = Bound(values, {self.observation.size.name: n}, {}, {})
        result = maximum(self._joint, bound, closed, start, n, {s.name: s for s in (*self.parameters, *at)})
        return with_covariance(self.text, result, cov_type, lambda: self._expected(at, n, result.params))

    @cached_property
    def _joint(self) -> Joint:
        return Joint(self.observation.size * self._mean_loglike, self.parameters)

    def _check_inside(self, found: Mapping[str, float], at: Mapping[sp.Symbol, float]) -> None:
        for condition, warning in self._ends:
            if condition.test is not None and not condition.test({s.name: v for s, v in at.items()}):
                raise DataError(f"no maximum inside the domain: {warning.message}. Standard errors do not exist there.")
        for p in self.parameters:
            if not in_domain(p, found[p.name]):
                raise DataError(f"the estimate {unicode_name(p.name)} = {found[p.name]:g} is not inside its domain")

    def _expected(self, at: Mapping[sp.Symbol, float], n: int, params: Mapping[str, float]) -> Any:
        if self.observation.given:
            raise NoClosedFormError(
                "the expected information of a model with covariates is summed over the sample; use cov_type='observed'"
            )
        point = dict(at) | {p: float(params[p.name]) for p in self.parameters}
        return n * np.array([[value_at(e, point) for e in row] for row in self.information.tolist()])


def _value(s: Statistic, data: Mapping[str, Any]) -> float:
    """The number of a statistic; a centred moment that is rounding error is zero."""
    found = float(s.expression.evaluate(data))
    if s.centred:
        sizes = {x: float(np.max(np.abs(data[str(x.name)]))) for x in s.term.free_symbols}
        return 0.0 if abs(found) <= (8 * np.finfo(float).eps) ** 2 * abs(float(s.term.subs(sizes))) else found
    return found
