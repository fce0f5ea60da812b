"""The path of a minimisation: parameters, values and gradient norms of every step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from symml.derivation.mappings import ByName
from symml.language import hooks


@dataclass(frozen=True, repr=False)
class Trace:
    """Result of `Derivation.minimize`.

    Attributes
    ----------
    params : tuple of mappings
        Parameters by name, before the first step and after each one.
    values, gradient_norms : ndarray
        Objective and Euclidean norm of its gradient at these parameters.
    method : str
    rate : float or None
        Step size used.
    converged : bool
        Whether the gradient vanished, relative to its size at the start.
    warnings : tuple of str
        What went wrong on the way: a rising loss, divergence.
    names : tuple of str
        Names of the columns of `path`.
    path : ndarray
        The parameters as rows of numbers.
    """

    params: tuple[ByName, ...]
    values: Any
    gradient_norms: Any
    method: str
    rate: float | None
    converged: bool
    warnings: tuple[str, ...]
    names: tuple[str, ...]
    path: Any
    objective: Callable[[Any], float] = field(compare=False)

    def __len__(self) -> int:
        return len(self.params)

    @property
    def steps(self) -> int:
        """Number of steps taken."""
        return len(self.params) - 1

    def summary(self) -> str:
        """Return method, steps, first and last values, and warnings."""
        rate = f"   rate {self.rate:.3g}" if self.rate is not None else ""
        lines = [
            f"{self.method}   {self.steps} steps{rate}   {'converged' if self.converged else 'not converged'}",
            f"value {self.values[0]:.6g} → {self.values[-1]:.6g}   "
            f"gradient norm {self.gradient_norms[0]:.3g} → {self.gradient_norms[-1]:.3g}",
        ]
        return "\n".join([*lines, *(f"warning: {w}" for w in self.warnings)])

    def __repr__(self) -> str:
        return self.summary()

    def plot(self, kind: str | None = None, ax: Any = None) -> Any:
        """Draw the trace and return the Axes.

        Parameters
        ----------
        kind : {None, "convergence", "path"}
            Gradient norm and value against steps, or the path over contours of the objective (in the plane that holds
            most of it when there are more than two parameters).
        ax : matplotlib Axes, optional
        """
        return hooks.call("plot_trace", self, kind, ax)

    def to_dict(self) -> dict[str, Any]:
        """Return the trace as plain data."""
        return {
            "method": self.method, "rate": self.rate, "converged": self.converged, "warnings": list(self.warnings),
            "names": list(self.names), "values": np.asarray(self.values).tolist(),
            "gradient_norms": np.asarray(self.gradient_norms).tolist(), "path": np.asarray(self.path).tolist(),
        }  # fmt: skip
