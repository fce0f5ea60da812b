"""What every likelihood model offers; `sample_model` and `array_model` are the two kinds.

A model of scalars lives in its sufficient statistics; a model with vectors and matrices lives in the matrix language.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from symml.language.expressions import Expression
from symml.notation.layout import align
from symml.records import Step
from symml.statistics.records import Condition, ModelWarning
from symml.statistics.results import LikelihoodFit


class Model(ABC):
    """A log-likelihood and what follows from it.

    Attributes
    ----------
    text : str
        The model as written.
    readings : tuple of str
        Choices made while it was read.
    parameters : tuple of symbols
        In the order of `params`.
    """

    text: str
    readings: tuple[str, ...]
    parameters: tuple[Any, ...]

    @property
    @abstractmethod
    def loglike(self) -> Expression:
        """The log-likelihood of the whole sample."""

    @property
    @abstractmethod
    def score(self) -> Any:
        """Its gradient: a SymPy column for scalar parameters of a sample, else an expression or a mapping by name."""

    @property
    @abstractmethod
    def hessian(self) -> Any:
        """Its second derivative, shaped like `score`."""

    @property
    @abstractmethod
    def information(self) -> Any:
        """Expected information: of one observation for scalar parameters (a SymPy Matrix), else of the sample."""

    @property
    @abstractmethod
    def sufficient_statistics(self) -> Mapping[str, Expression]:
        """Sufficient statistics by name, as expressions of the data; empty when only the data themselves are."""

    @property
    @abstractmethod
    def estimator(self) -> Mapping[str, Any]:
        """Closed form of each parameter, or None."""

    @property
    @abstractmethod
    def profile(self) -> Any:
        """The equation in one variable that is left when only part is closed, or None."""

    @property
    @abstractmethod
    def conditions(self) -> tuple[Condition, ...]:
        """When the maximum exists and is unique."""

    @property
    @abstractmethod
    def warnings(self) -> tuple[ModelWarning, ...]:
        """What can go wrong, by code."""

    @property
    @abstractmethod
    def steps(self) -> tuple[Step, ...]:
        """The derivation line by line."""

    @abstractmethod
    def estimate(self, data: Any = None, /, **values: Any) -> dict[str, Any]:
        """Return the estimates by name, from closed forms alone."""

    @abstractmethod
    def fit(
        self, data: Any = None, /, *, start: Any = None, cov_type: str = "observed", **values: Any
    ) -> LikelihoodFit:
        """Return estimates with standard errors."""

    def latex(self) -> str:
        r"""Return an ``align*`` environment with every step."""
        return align((s.latex, s.statement) for s in self.steps)

    def _repr_latex_(self) -> str:
        return self.latex()

    def to_dict(self) -> dict[str, Any]:
        """Return the model as plain data."""
        return {
            "model": self.text, "loglike": str(self.loglike),
            "estimator": {k: str(v) for k, v in self.estimator.items()},
            "steps": [str(s) for s in self.steps], "warnings": [str(w) for w in self.warnings],
        }  # fmt: skip

    def to_html(self) -> str:
        """Return the derivation as an HTML fragment."""
        items = "".join(rf"<li>\({s.latex.replace('&', '')}\) <span>{s.statement}</span></li>" for s in self.steps)
        return f'<div class="symml-likelihood"><p>{self.text}</p><ol>{items}</ol></div>'

    def __repr__(self) -> str:
        closed = "; ".join(f"{k}: {v if v is not None else 'no closed form'}" for k, v in self.estimator.items())
        return f"likelihood of {self.text}; {closed}"
