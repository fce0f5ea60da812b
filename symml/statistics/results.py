"""What a maximum-likelihood fit found: estimates, standard errors, intervals, the log-likelihood and AIC."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from symml.derivation.mappings import ByName
from symml.fitting.results import FitResult
from symml.statistics.records import ModelWarning

OBSERVED, EXPECTED = "observed", "expected"


@dataclass(frozen=True)
class Table:
    """A plain table of results: column names and rows; ``str`` is CSV, ``DataFrame(t.to_dict())`` a frame."""

    columns: tuple[str, ...]
    index: tuple[str, ...]
    rows: tuple[tuple[float, ...], ...]

    def __getitem__(self, column: str) -> Any:
        return np.array([row[self.columns.index(column)] for row in self.rows])

    def to_dict(self) -> dict[str, dict[str, float]]:
        """Return the table as a mapping of columns, each a mapping by name of the row."""
        return {
            c: {name: row[k] for name, row in zip(self.index, self.rows, strict=True)}
            for k, c in enumerate(self.columns)
        }

    def __str__(self) -> str:
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["", *self.columns])
        writer.writerows([name, *row] for name, row in zip(self.index, self.rows, strict=True))
        return out.getvalue()


@dataclass(frozen=True, repr=False)
class LikelihoodFit:
    """Result of `fit` of a likelihood.

    Attributes
    ----------
    params : mapping
        float or ndarray by name, in the order of the parameters.
    bse : mapping
        Standard errors with the same keys; from the observed information unless ``cov_type="expected"``.
    loglike : float
        Maximum of the log-likelihood.
    n : int or None
        Number of observations.
    method : str
        How the maximum was found.
    cov_type : str
        ``observed`` or ``expected``.
    warnings : tuple of ModelWarning
    """

    model: str
    cov_type: str
    warnings: tuple[ModelWarning, ...]
    _fit: FitResult = field(repr=False)

    @property
    def params(self) -> Mapping[str, Any]:
        """Estimates by name."""
        return self._fit.params

    @property
    def bse(self) -> Mapping[str, Any]:
        """Standard errors by name."""
        return self._fit.bse

    @property
    def tvalues(self) -> Mapping[str, Any]:
        """Estimates over their standard errors."""
        return self._fit.tvalues

    @property
    def pvalues(self) -> Mapping[str, Any]:
        """Two-sided normal p-values of each entry being zero."""
        return self._fit.pvalues

    def conf_int(self, level: float = 0.95) -> ByName:
        """Return Wald intervals by name; the last axis holds the lower and the upper end."""
        return self._fit.conf_int(level)

    def cov_params(self) -> Any:
        """Return the covariance matrix of the estimates, in the order of `names`."""
        return self._fit.cov_params()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the entries, as in the summary."""
        return self._fit.names

    @property
    def loglike(self) -> float:
        """The log-likelihood at the estimate."""
        return -self._fit.value

    @property
    def aic(self) -> float:
        """Akaike's information criterion, 2 k − 2 log L."""
        return 2 * len(self.names) - 2 * self.loglike

    @property
    def bic(self) -> float:
        """Schwarz's criterion, k log n − 2 log L."""
        return float(len(self.names) * np.log(self.n)) - 2 * self.loglike if self.n else float("nan")

    @property
    def n(self) -> int | None:
        """Number of observations."""
        return self._fit.n

    @property
    def method(self) -> str:
        """How the maximum was found."""
        return self._fit.method

    @property
    def converged(self) -> bool:
        """Whether the gradient vanishes at the estimate."""
        return self._fit.converged

    def summary(self, level: float = 0.95) -> str:
        """Return a table of estimates, standard errors, z, p-values and Wald intervals."""
        head = f"{self.model}   n = {self.n}   log-likelihood {self.loglike:.3f}   AIC {self.aic:.3f}   {self.method}"
        table = self._fit.summary(level).splitlines()[1:-1]
        foot = f"standard errors: inverse of the {self.cov_type} information; normal intervals"
        return "\n".join([head, *table, *(str(w) for w in self.warnings), foot])

    __repr__ = summary

    def to_frame(self, level: float = 0.95) -> Any:
        """Return the estimates as a table with columns coef, std err, z, p and the interval.

        Returns
        -------
        pandas.DataFrame, or Table where pandas is not installed
        """
        ends = self._fit.conf_int(level)
        columns = (
            self.params,
            self.bse,
            self.tvalues,
            self.pvalues,
            {k: v[..., 0] for k, v in ends.items()},
            {k: v[..., 1] for k, v in ends.items()},
        )
        flat = [np.concatenate([np.ravel(column[name]) for name in self.params]) for column in columns]
        rows = tuple(tuple(float(v) for v in row) for row in zip(*flat, strict=True))
        table = Table(("coef", "std err", "z", "P>|z|", "lower", "upper"), self.names, rows)
        try:
            import pandas
        except ImportError:
            return table
        return pandas.DataFrame(table.to_dict(), index=list(self.names))

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain data."""
        return self._fit.to_dict() | {
            "model": self.model,
            "loglike": self.loglike,
            "aic": self.aic,
            "cov_type": self.cov_type,
        }

    def to_html(self) -> str:
        """Return the summary as an HTML table."""
        return self._fit.to_html()

    def _repr_html_(self) -> str:
        return self.to_html()
