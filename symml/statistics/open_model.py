"""A model whose names are told apart by how they look until data with column names decide.

It behaves as the model read that way; `fit` with columns reads it again where the columns say otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from typing import Any, final

from symml.errors import DataError, DeclarationError
from symml.language.expressions import Expression
from symml.records import Step
from symml.statistics.frames import read_data
from symml.statistics.model import Model
from symml.statistics.records import Condition, ModelWarning
from symml.statistics.results import LikelihoodFit

Build = Callable[[Container[str] | None], Model]


@final
class OpenModel(Model):
    """Likelihood of a model with covariates named by their columns; see `Model`."""

    def __init__(self, text: str, build: Build, doubt: DeclarationError | None, first: Model | None = None) -> None:
        self.text = text
        self._build, self._doubt, self._first = build, doubt, first

    @property
    def _model(self) -> Model:
        if self._first is None:
            assert self._doubt is not None
            raise self._doubt
        return self._first

    @property
    def readings(self) -> tuple[str, ...]:  # type: ignore[override]
        """Choices made while the model was read."""
        return self._model.readings

    @property
    def parameters(self) -> tuple[Any, ...]:  # type: ignore[override]
        """Parameters in order."""
        return self._model.parameters

    @property
    def loglike(self) -> Expression:
        """The log-likelihood of the whole sample."""
        return self._model.loglike

    @property
    def score(self) -> Any:
        """Gradient of the log-likelihood."""
        return self._model.score

    @property
    def hessian(self) -> Any:
        """Second derivative of the log-likelihood."""
        return self._model.hessian

    @property
    def information(self) -> Any:
        """Expected information."""
        return self._model.information

    @property
    def sufficient_statistics(self) -> Mapping[str, Expression]:
        """Sufficient statistics by name."""
        return self._model.sufficient_statistics

    @property
    def estimator(self) -> Mapping[str, Any]:
        """Closed form of each parameter, or None."""
        return self._model.estimator

    @property
    def profile(self) -> Any:
        """The equation that is left when only part is closed, or None."""
        return self._model.profile

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """When the maximum exists and is unique."""
        return self._model.conditions

    @property
    def warnings(self) -> tuple[ModelWarning, ...]:
        """What can go wrong, by code."""
        return self._model.warnings

    @property
    def steps(self) -> tuple[Step, ...]:
        """The derivation line by line."""
        return self._model.steps

    def _read_with(self, data: Any, values: Mapping[str, Any]) -> tuple[Model, dict[str, Any]]:
        found = read_data(data, values)
        model = self._build(found)
        if self._first is not None:
            known = {str(p) for p in self._first.parameters}
            missing = [str(p) for p in model.parameters if str(p) not in known]
            if missing:
                columns = ", ".join(str(name) for name in found)
                raise DataError(
                    f"there is no column {missing[0]!r}, which the model {self.text!r} reads as a covariate; "
                    f"columns: {columns}. Rename the column, or declare {missing[0]!r} as a parameter in where=."
                )
        return model, found

    def estimate(self, data: Any = None, /, **values: Any) -> dict[str, Any]:
        """Return the estimates by name, from closed forms alone."""
        model, found = self._read_with(data, values)
        return model.estimate(found)

    def fit(
        self, data: Any = None, /, *, start: Any = None, cov_type: str = "observed", **values: Any
    ) -> LikelihoodFit:
        """Return estimates with standard errors; names that are columns of the data are covariates."""
        model, found = self._read_with(data, values)
        return model.fit(found, start=start, cov_type=cov_type)
