"""Least squares with affine residuals: the rows of all squares, stacked and solved by QR.

A ridge penalty is rows of its own, never a term added to X'X.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symml.fitting.binding import Bound
from symml.fitting.linear import solve
from symml.fitting.parameters import Parameters
from symml.fitting.squares import Rows, Square, design_name, rows_of


@dataclass(frozen=True)
class LeastSquares:
    """A solved least-squares problem.

    Attributes
    ----------
    theta : ndarray
        The solution, along the free entries.
    inverse_root : ndarray
        C with C C' = (J'J)⁻¹, of the weighted rows.
    sum_of_squares : float
        Of the weighted residuals, one common factor of all weights left out.
    rows, blocks : int
        Number of rows, and of squares they come from.
    gradient_scale : float
        Size of the terms that cancel in the gradient of the objective.
    """

    theta: Any
    inverse_root: Any
    sum_of_squares: float
    rows: int
    blocks: int
    gradient_scale: float


def least_squares(squares: Sequence[Square], parameters: Parameters, bound: Bound,
                  at: Mapping[str, Any] | None = None) -> LeastSquares | None:  # fmt: skip
    """Return the solution of affine squares, or one Gauss-Newton step from `at`; None when a weight is negative.

    Raises
    ------
    DataError
        If the stacked rows have dependent columns.
    """
    origin = parameters.expand(np.zeros(parameters.size)) if at is None else at
    common = len(squares) == 1
    parts: list[Rows] = []
    for square in squares:
        rows = rows_of(square, parameters, bound, origin, common)
        if rows is None:
            return None
        parts.append(rows)
    design = np.concatenate([p.design for p in parts])
    target = -np.concatenate([p.residual for p in parts])
    solved = solve(design, target, *_names(squares, parameters, bound))
    theta = solved.x if at is None else parameters.flatten(dict(at))
    left = solved.residual if at is None else np.asarray(target, float)
    absolute = np.abs(np.asarray(design, float))
    terms = absolute.T @ (absolute @ np.abs(solved.x) + np.abs(np.asarray(target, float)))
    scale = 2 * float(np.linalg.norm(terms)) * max(p.factor for p in parts)
    return LeastSquares(theta, solved.inverse_root, float(left @ left), len(target), len(parts), scale)


def _names(squares: Sequence[Square], parameters: Parameters, bound: Bound) -> tuple[str, tuple[str, ...]]:
    name = design_name(squares)
    if name == "the design":
        return name, tuple(f"the column of {label}" for label in parameters.labels)
    labels = [label for labels in bound.columns.values() for label in labels]
    return name, tuple(f'column "{c}"' for c in labels) if len(labels) == parameters.size else ()
