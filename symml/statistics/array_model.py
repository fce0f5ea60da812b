"""A likelihood in the matrix language: regressions, and samples whose log-density does not separate.

The log-density of one observation is a function of the response, of scalar parameters and of linear predictors;
summed over the sample it is an expression that the matrix calculus differentiates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np
import sympy as sp

from symml.derivation.derivation import Derivation
from symml.derivation.mappings import ByName
from symml.derivation.objective import Objective, read_objective
from symml.errors import NoClosedFormError, NotSupportedError
from symml.fitting.fit import fit as fit_objective
from symml.language.expressions import Expression, Symbol
from symml.language.names import canonical, latex_name, unicode_name
from symml.language.operators import call, elementwise_product, is_zero, multiply_any, ones, scalar, transpose, zeros
from symml.language.tables import symbol_table
from symml.records import Step, verdict
from symml.statistics.distribution import Distribution, check_support
from symml.statistics.elementwise import expand_links, lift, sum_over_sample
from symml.statistics.frames import read_data
from symml.statistics.information import family_information, link_information
from symml.statistics.model import Model
from symml.statistics.records import Condition, ModelWarning
from symml.statistics.results import LikelihoodFit
from symml.statistics.standard_errors import with_covariance


@dataclass(frozen=True)
class Regression:
    """One observation of a model with arrays.

    Attributes
    ----------
    logpdf : sympy.Expr
        Log-density in the response, the scalar parameters and the predictors.
    arrays : mapping
        The vector of the sample for the response, covariates and predictors.
    predictors : mapping
        The vector expression of each predictor.
    parameters : tuple
        Scalars, vectors or matrices that are fitted.
    size : dimension
        The number of observations.
    distribution, own : Distribution and tuple of sympy.Expr, or None and ()
        The family and its own parameters in terms of scalars and predictors.
    scalar_own : tuple of sympy.Expr
        The same with covariates as scalars, where the model was written with scalars only.
    declared : mapping
        Symbols declared beside the model.
    """

    logpdf: sp.Expr
    arrays: Mapping[sp.Symbol, Expression]
    predictors: Mapping[sp.Symbol, Expression]
    parameters: tuple[Any, ...]
    size: Any
    distribution: Distribution | None = None
    own: tuple[sp.Expr, ...] = ()
    scalar_own: tuple[sp.Expr, ...] = ()
    declared: Mapping[str, Any] | None = None


@final
class ArrayModel(Model):
    """Likelihood of independent observations with arrays of parameters or data; see `Model`."""

    def __init__(self, text: str, regression: Regression, readings: tuple[str, ...] = ()) -> None:
        self.text, self.readings = text, readings
        self.regression = regression
        self.parameters = regression.parameters
        self._slopes: dict[tuple[Any, Any], Expression] = {}

    # -- the likelihood ---------------------------------------------------------------------------------------
    @cached_property
    def loglike(self) -> Expression:
        """The log-likelihood of the whole sample."""
        r = self.regression
        return sum_over_sample(expand_links(r.logpdf), r.arrays, r.size)

    def _derivation(self, objective: Expression, variables: Sequence[Any]) -> Derivation:
        read = read_objective(objective)
        table = dict(read.symbols) | {canonical(p.name): p for p in self.parameters}
        return Derivation(Objective(read.expression, (), table), tuple(variables), len(variables) == 1)

    @cached_property
    def _derived(self) -> Derivation:
        return self._derivation(self.loglike, self.parameters)

    @cached_property
    def score(self) -> Any:
        """Gradient of the log-likelihood; several parameters: a mapping by name."""
        if len(self.parameters) == 1:
            return self._derived.gradient
        return ByName({p.name: self._derived._result("gradient", p) for p in self.parameters})

    @cached_property
    def hessian(self) -> Any:
        """Second derivative of the log-likelihood; several parameters: a mapping by pairs of names."""
        if len(self.parameters) == 1:
            return self._derived.hessian
        return ByName(
            {(a.name, b.name): self._derived._result("hessian", a, b) for a in self.parameters for b in self.parameters}
        )

    @property
    def sufficient_statistics(self) -> ByName:
        """Sums of response times design where the score is linear in the response; else empty."""
        return ByName({})

    # -- information ------------------------------------------------------------------------------------------
    @cached_property
    def information(self) -> Any:
        """Expected information: of one observation for scalar parameters (SymPy), else an expression of the sample."""
        r = self.regression
        if r.distribution is None:
            raise NotSupportedError(
                "the expected information of a log-density without sufficient statistics is not known"
            )
        if r.scalar_own:
            return link_information(family_information(r.distribution), r.scalar_own, r.parameters)
        if len(self.parameters) == 1:
            return self._information(self.parameters[0], self.parameters[0])
        return ByName({(a.name, b.name): self._information(a, b) for a in self.parameters for b in self.parameters})

    def _information(self, a: Any, b: Any) -> Expression:
        r = self.regression
        assert r.distribution is not None
        wheels = (*r.predictors, *(p for p in self.parameters if isinstance(p, sp.Symbol)))
        weights = link_information(family_information(r.distribution), r.own, wheels)
        found: Expression | None = None
        for j, left in enumerate(wheels):
            for k, right in enumerate(wheels):
                by_a, by_b = self._slope(left, a), self._slope(right, b)
                if weights[j, k] == 0 or by_a is None or by_b is None:
                    continue
                term = _sandwich(by_a, lift(weights[j, k], r.arrays), by_b, r.size)
                found = term if found is None else found + term
        return found if found is not None else zeros(*getattr(a, "shape", ()), *getattr(b, "shape", ()))

    def _slope(self, wheel: sp.Symbol, parameter: Any) -> Expression | None:
        """Derivative of a predictor, or of a scalar parameter itself, by a parameter."""
        predictor = self.regression.predictors.get(wheel)
        if predictor is None:
            return scalar(1) if wheel == parameter else None
        if canonical(parameter.name) not in symbol_table(predictor):
            return None
        if (wheel, parameter) not in self._slopes:
            derivation = self._derivation(predictor, (parameter,))
            found = derivation.jacobian if isinstance(parameter, Symbol) else derivation.derivative
            self._slopes[wheel, parameter] = found
        return self._slopes[wheel, parameter]

    # -- estimates --------------------------------------------------------------------------------------------
    @property
    def estimator(self) -> ByName:
        """Closed form of each parameter: None, these models are solved by Newton."""
        return ByName({p.name: None for p in self.parameters})

    @property
    def profile(self) -> None:
        """Nothing: no parameter is eliminated in closed form."""

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """When the maximum is unique."""
        designs = [
            e for p in self.parameters if isinstance(p, Symbol) for w in self.regression.predictors
            if (e := self._slope(w, p)) is not None and len(e.shape) == 2
        ]  # fmt: skip
        return tuple(Condition(f"{e} has full column rank") for e in dict.fromkeys(designs))

    @property
    def warnings(self) -> tuple[ModelWarning, ...]:
        """Separation, for a response with finitely many values."""
        d = self.regression.distribution
        if d is None or not d.support.values or not self.regression.predictors:
            return ()
        return (
            ModelWarning("separation", "if a linear predictor separates the classes, the maximum lies at infinity"),
        )

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """Log-density, log-likelihood, then the derivation of each score and Hessian."""
        told = verdict("proved", certificate="a definition")
        density, whole = scalar(self.regression.logpdf), self.loglike
        named = ", ".join(f"{unicode_name(z.name)} = {e}" for z, e in self.regression.predictors.items())
        statement = "the log-density of one observation" + (f", with {named} for its row" if named else "")
        found = [
            Step("density", statement, None, density, f"log f = {density}", rf"\log f &= {density.latex()}", told),
            Step("loglike", "the observations are independent: sum over the sample", density, whole, f"ℓ = {whole}",
                 rf"\ell &= {whole.latex()}", told),
        ]  # fmt: skip
        for p in self.parameters:
            gradient = self._derived._result("gradient", p)
            held = verdict("holds", certificate="checked against finite differences")
            name, tex = unicode_name(p.name), latex_name(p.name)
            found.append(Step("score", f"the derivative by {name}", whole, gradient, f"∇_{name} ℓ = {gradient}",
                              rf"\nabla_{{{tex}}} \ell &= {gradient.latex()}", held))  # fmt: skip
        return tuple(found)

    def estimate(self, data: Any = None, /, **values: Any) -> dict[str, Any]:
        """Raise: there is no closed form.

        Raises
        ------
        NoClosedFormError
            Always; names the equation that is left.
        """
        name = unicode_name(self.parameters[0].name)
        equation = self._derived._result("gradient", self.parameters[0])
        raise NoClosedFormError(f"no closed form for {name}; equation: {equation} = 0. Call .fit(...) for numbers.")

    def fit(
        self, data: Any = None, /, *, start: Any = None, cov_type: str = "observed", **values: Any
    ) -> LikelihoodFit:
        """Return estimates with standard errors, by Newton with the derived score and Hessian.

        Parameters
        ----------
        data : mapping, data frame or path of a CSV file, optional
            Columns by name; a list of column names gives a matrix, as in ``X=["1", "temp"]``.
        start : mapping, optional
            Where Newton starts.
        cov_type : {"observed", "expected"}
            Information the standard errors come from.
        **values : array_like
            Data by name.

        Raises
        ------
        DataError, DomainError
            If the data do not fit the model, or the likelihood has no finite maximum.
        """
        found = read_data(data, values)
        derivation = self._fitted
        known = {name: v for name, v in found.items() if name in derivation.source.symbols}
        self._check_response(known)
        result = fit_objective(derivation, known, {}, start, "loglike")
        return with_covariance(self.text, result, cov_type, lambda: self._expected(known, result.params))

    @cached_property
    def _fitted(self) -> Derivation:
        negative = multiply_any(scalar(-1), self.loglike)
        return self._derivation(negative, self.parameters)

    def _check_response(self, data: Mapping[str, Any]) -> None:
        """Refuse a response outside the support of the family."""
        d = self.regression.distribution
        for x, array in self.regression.arrays.items():
            if (
                d is not None
                and x not in self.regression.predictors
                and isinstance(array, Symbol)
                and array.name in data
            ):
                check_support(array.name, d, data[array.name])
                return

    def _expected(self, data: Mapping[str, Any], params: Mapping[str, Any]) -> Any:
        if self.regression.scalar_own:
            return self._expected_of_scalars(data, params)
        values = {**data, **params, str(self.regression.size): self._count(data)}
        if len(self.parameters) == 1:
            return np.atleast_2d(self.information.evaluate(values))
        sizes = {p.name: int(np.size(params[p.name])) for p in self.parameters}

        def block(a: Any, b: Any) -> Any:
            found, shape = self._information(a, b), (sizes[a.name], sizes[b.name])
            return np.zeros(shape) if is_zero(found) else np.reshape(found.evaluate(values), shape)

        return np.block([[block(a, b) for b in self.parameters] for a in self.parameters])

    def _count(self, data: Mapping[str, Any]) -> int:
        """Number of observations."""
        names = [e.name for e in self.regression.arrays.values() if isinstance(e, Symbol)]
        return len(next(data[name] for name in names if name in data))

    def _expected_of_scalars(self, data: Mapping[str, Any], params: Mapping[str, Any]) -> Any:
        values = {**data, **params}
        size = self._count(data)
        sums = self.information.applyfunc(
            lambda e: sp.Float(sum_over_sample(e, self.regression.arrays, sp.Integer(size)).evaluate(values))
        )
        return np.array(sums.tolist(), float)


def _sandwich(left: Expression, weight: Expression, right: Expression, size: Any) -> Expression:
    """Σ over the observations of weight · left · right, with slopes that are scalars, vectors or matrices."""
    if len(right.shape) == 2 and len(left.shape) < 2:
        return transpose(_sandwich(right, weight, left, size))
    if len(left.shape) == 2:
        if len(right.shape) == 2:
            middle = call("diag", weight) if weight.shape else weight
            return multiply_any(transpose(left), middle, right)
        column = elementwise_product(weight, right)
        return multiply_any(transpose(left), column if column.shape else multiply_any(column, ones(size)))
    product = elementwise_product(left, weight, right)
    return call("sum", product) if product.shape else multiply_any(scalar(size), product)
