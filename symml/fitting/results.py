"""What a fit found: parameters by name, how it was reached, and standard errors when an assumption was stated."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from symml.derivation.mappings import ByName
from symml.errors import DataError, NotSupportedError
from symml.fitting.parameters import Parameters
from symml.libraries import special

ASSUMPTIONS = {
    "loglike": 'covariance="loglike" if the objective is the negative log-likelihood of the whole sample',
    "least-squares": 'covariance="least-squares" if it is a sum of squares with independent errors of one variance',
}


@dataclass(frozen=True)
class Errors:
    """Covariance of the free entries, the reference distribution, and what was assumed."""

    assumption: str
    matrix: Any
    degrees: int | None = None
    scale: float | None = None


@dataclass(frozen=True, repr=False)
class FitResult:
    """Result of `Derivation.fit`.

    Attributes
    ----------
    params : mapping
        float or ndarray by name, in any spelling.
    value : float
        The objective.
    gradient_norm : float
        Euclidean norm of its gradient along the free entries of the parameters; nan at a kink.
    iterations : int
        Newton steps, polish included; 0 for a closed form.
    method : str
        How the parameters were found.
    converged : bool
    n : int or None
        Number of observations, when the data have rows.
    boundary : tuple of str
        Entries that lie at an included end of their range.
    names : tuple of str
        Names of the free entries, as in `summary` and in the order of `cov_params`.
    """

    params: Mapping[str, Any]
    value: float
    gradient_norm: float
    iterations: int
    method: str
    converged: bool
    n: int | None
    boundary: tuple[str, ...]
    names: tuple[str, ...]
    _theta: Any = field(repr=False, compare=False)
    _parameters: Parameters = field(repr=False, compare=False)
    _errors: Errors | None = field(default=None, repr=False, compare=False)

    # -- standard errors --------------------------------------------------------------------------------------
    def _stated(self, what: str) -> Errors:
        if self._errors is None:
            raise NotSupportedError(
                f"{what} needs an assumption that a bare objective does not contain: fit again with "
                f"{ASSUMPTIONS['loglike']}, or with {ASSUMPTIONS['least-squares']}"
            )
        return self._errors

    def cov_params(self) -> Any:
        """Return the covariance matrix of the free entries, in the order of `names`.

        Raises
        ------
        NotSupportedError
            If the fit was made without ``covariance=``.
        """
        return np.array(self._stated("cov_params()").matrix)

    @property
    def scale(self) -> float | None:
        """Residual variance, with ``covariance="least-squares"``."""
        return self._stated("scale").scale

    @property
    def bse(self) -> ByName:
        """Standard errors by name, of the shapes of the parameters."""
        return self._by_name(np.sqrt(np.diag(self._stated("bse").matrix)))

    @property
    def tvalues(self) -> ByName:
        """Estimates over their standard errors."""
        return self._by_name(self._ratios("tvalues"))

    @property
    def pvalues(self) -> ByName:
        """Two-sided p-values of each entry being zero: normal for ``loglike``, t for ``least-squares``."""
        return self._by_name(self._pvalues("pvalues"))

    def conf_int(self, level: float = 0.95) -> ByName:
        """Return Wald intervals by name; the last axis holds the lower and the upper end.

        Parameters
        ----------
        level : float
            Coverage, between 0 and 1.
        """
        if not 0 < level < 1:
            raise DataError(f"level = {level} is not between 0 and 1; 0.95 is usual")
        low, high = self._interval(level)
        ends = (self._by_name(low), self._by_name(high))
        return ByName({name: np.stack([ends[0][name], ends[1][name]], axis=-1) for name in self.params})

    def _by_name(self, flat: Any) -> ByName:
        return ByName(self._parameters.expand(np.asarray(flat, float)))

    def _ratios(self, what: str) -> Any:
        deviations = np.sqrt(np.diag(self._stated(what).matrix))
        with np.errstate(divide="ignore", invalid="ignore"):
            return self._theta / deviations

    def _pvalues(self, what: str) -> Any:
        below = -np.abs(self._ratios(what))
        degrees = self._errors.degrees if self._errors else None
        return 2 * (special.ndtr(below) if degrees is None else special.stdtr(degrees, below))

    def _interval(self, level: float) -> tuple[Any, Any]:
        errors = self._stated("conf_int()")
        upper = 0.5 + level / 2
        quantile = special.ndtri(upper) if errors.degrees is None else special.stdtrit(errors.degrees, upper)
        reach = float(quantile) * np.sqrt(np.diag(errors.matrix))
        return self._theta - reach, self._theta + reach

    # -- showing ----------------------------------------------------------------------------------------------
    def summary(self, level: float = 0.95) -> str:
        """Return a table of the estimates, with standard errors and intervals when an assumption was stated."""
        lines = [self._headline(), *_table(self._columns(level), self.names)]
        if self.boundary:
            lines.append(f"at the end of its range: {', '.join(self.boundary)}")
        if self._errors is not None:
            lines.append(f"standard errors: {self._basis()}")
        return "\n".join(lines)

    def _headline(self) -> str:
        parts = [self.method, f"value {self.value:.10g}", self._flatness()]
        parts.insert(1, f"n = {self.n}" if self.n is not None else "")
        parts.append(f"{self.iterations} step{'s' if self.iterations != 1 else ''}" if self.iterations else "")
        return "   ".join(p for p in parts if p)

    def _flatness(self) -> str:
        if np.isnan(self.gradient_norm):
            return "no gradient there: a kink"
        return f"gradient norm {self.gradient_norm:.1e}"

    def _basis(self) -> str:
        assert self._errors is not None
        if self._errors.degrees is None:
            return "inverse Hessian of the objective, taken as the negative log-likelihood; normal intervals"
        variance, degrees = self._errors.scale, self._errors.degrees
        return f"σ² (JᵀJ)⁻¹ with σ² = {variance:.6g} on {degrees} degrees of freedom; t intervals"

    def _columns(self, level: float) -> dict[str, list[str]]:
        columns = {"estimate": [f"{v:.6g}" for v in self._theta]}
        if self._errors is None:
            return columns
        letter = "z" if self._errors.degrees is None else "t"
        low, high = self._interval(level)
        columns["std err"] = [f"{v:.5g}" for v in np.sqrt(np.diag(self._errors.matrix))]
        columns[letter] = [f"{v:.3f}" for v in self._ratios("summary")]
        columns[f"P>|{letter}|"] = [f"{v:.3f}" for v in self._pvalues("summary")]
        columns[f"{100 * level:g}% CI"] = [f"[{a:.6g}, {b:.6g}]" for a, b in zip(low, high, strict=True)]
        return columns

    def __repr__(self) -> str:
        return self.summary()

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain data."""
        norm = None if np.isnan(self.gradient_norm) else self.gradient_norm
        found: dict[str, Any] = {
            "params": {k: _plain(v) for k, v in self.params.items()}, "value": self.value,
            "gradient_norm": norm, "iterations": self.iterations, "method": self.method,
            "converged": self.converged, "n": self.n, "names": list(self.names), "boundary": list(self.boundary),
        }  # fmt: skip
        if self._errors is not None:
            found |= {
                "covariance": self._errors.assumption, "bse": {k: _plain(v) for k, v in self.bse.items()},
                "pvalues": {k: _plain(v) for k, v in self.pvalues.items()}, "cov_params": self.cov_params().tolist(),
                "scale": self._errors.scale, "degrees_of_freedom": self._errors.degrees,
            }  # fmt: skip
        return found

    def to_html(self) -> str:
        """Return the summary as an HTML table."""
        columns = self._columns(0.95)
        head = "".join(f"<th>{html.escape(name)}</th>" for name in ("", *columns))
        cells = [[html.escape(column[k]) for column in columns.values()] for k in range(len(self.names))]
        rows = (
            f"<tr><th>{html.escape(name)}</th>{''.join(f'<td>{c}</td>' for c in row)}</tr>"
            for name, row in zip(self.names, cells, strict=True)
        )
        return f"<table><caption>{html.escape(self._headline())}</caption><tr>{head}</tr>{''.join(rows)}</table>"

    def _repr_html_(self) -> str:
        return self.to_html()


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else float(value)


def _table(columns: Mapping[str, list[str]], names: tuple[str, ...]) -> list[str]:
    left = max((len(n) for n in names), default=0)
    widths = {head: max(len(head), *(len(cell) for cell in cells)) for head, cells in columns.items()}
    lines = [" " * left + "".join(f"  {head:>{widths[head]}}" for head in columns)]
    for k, name in enumerate(names):
        lines.append(f"{name:<{left}}" + "".join(f"  {cells[k]:>{widths[head]}}" for head, cells in columns.items()))
    return [line.rstrip() for line in lines]
