"""Linear least squares by column-scaled pivoted QR, refined with residuals in extended precision.

Never normal equations: they have half the digits (Longley 7 against 14). A rank deficiency is an error that names the
dependent column and what it is made of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symml.errors import DataError
from symml.libraries import linalg

REFINEMENTS = 8
RANK_TOLERANCE = 20.0  # times the machine precision and the larger size, on columns of length one
SETTLED = 1e-17  # relative correction after which x is right to double precision
LONG = np.longdouble


@dataclass(frozen=True)
class LinearSolution:
    """Solution of min ‖A x − b‖².

    Attributes
    ----------
    x : ndarray, shape (p,)
    residual : ndarray, shape (n,)
        b − A x.
    inverse_root : ndarray, shape (p, p)
        C with C C' = (A'A)⁻¹.
    """

    x: Any
    residual: Any
    inverse_root: Any

    @property
    def sum_of_squares(self) -> float:
        """‖A x − b‖²."""
        return float(self.residual @ self.residual)


def solve(design: Any, target: Any, name: str = "X", labels: Sequence[str] = ()) -> LinearSolution:
    """Solve min ‖A x − b‖² by pivoted QR with unit columns, refined until the corrections stop shrinking.

    Parameters
    ----------
    design : ndarray, shape (n, p), full column rank
        May be in extended precision; it is factored in double precision and refined as given.
    target : ndarray, shape (n,)
    name : str
        What messages call the design.
    labels : sequence of str
        What messages call its columns; ``column 1``, ... by default.

    Raises
    ------
    DataError
        If columns depend on each other, or there are fewer rows than columns.

    Notes
    -----
    Björck, Numerical Methods for Least Squares Problems, 1996, section 2.9.3: refinement of residual and solution
    together, which also converges when the residual is large.
    """
    exact, wanted = np.asarray(design, LONG), np.asarray(target, LONG)
    matrix = np.asarray(design, float)
    rows, columns = matrix.shape
    scale = np.linalg.norm(matrix, axis=0)
    if rows < columns or not np.all(scale > 0):
        raise DataError(dependence(matrix, name, labels))
    q, r, order = linalg.qr(matrix / scale, mode="economic", pivoting=True)
    if np.min(np.abs(np.diag(r))) <= tolerance(rows, columns):
        raise DataError(dependence(matrix, name, labels))
    x, residual = np.zeros(columns, LONG), np.zeros(rows, LONG)
    last = np.inf
    for _ in range(REFINEMENTS):
        top = np.asarray(wanted - residual - exact @ x, float)
        bottom = np.asarray(-(exact.T @ residual), float)
        low = linalg.solve_triangular(r, (bottom / scale)[order], trans="T")
        inner = q.T @ top
        step = np.empty(columns)
        step[order] = linalg.solve_triangular(r, inner - low)
        step /= scale
        change = float(np.linalg.norm(step * scale))
        if not change < last:
            break
        x += step
        residual += top - q @ (inner - low)
        last = change
        if change <= SETTLED * float(np.linalg.norm(np.asarray(x * scale, float))):
            break
    inverse = np.empty((columns, columns))
    inverse[order] = linalg.solve_triangular(r, np.eye(columns))
    residual = np.asarray(wanted - exact @ x, float)
    return LinearSolution(np.asarray(x, float), residual, inverse / scale[:, None])


def tolerance(rows: int, columns: int) -> float:
    """Return the diagonal of R, for unit columns, below which a column counts as dependent."""
    return float(RANK_TOLERANCE * max(rows, columns) * np.finfo(float).eps)


def dependence(design: Any, name: str = "X", labels: Sequence[str] = ()) -> str:
    """Return the message about the first column that depends on those before it; empty if none does."""
    rows, columns = design.shape
    called = [str(label) for label in labels] or [f"column {k + 1}" for k in range(columns)]
    scale = np.linalg.norm(design, axis=0)
    unit = design / np.where(scale > 0, scale, 1.0)
    rank = int(np.sum(np.linalg.svd(unit, compute_uv=False) > tolerance(rows, columns)))
    if rank == columns:
        return ""
    if rank == rows < columns:
        return f"{name} has {rows} rows and {columns} columns: its rank is at most {rows}. Add rows, or a ridge term."
    first, why = _first_dependent(unit, scale, called)
    return f"{name} has rank {rank} of {columns}: {called[first]} {why}. Drop it or add a ridge term."


def _first_dependent(unit: Any, scale: Any, called: Sequence[str]) -> tuple[int, str]:
    limit = 1e3 * tolerance(*unit.shape)
    for k in range(unit.shape[1]):
        if scale[k] == 0:
            return k, "is zero in every row"
        weights = np.linalg.lstsq(unit[:, :k], unit[:, k], rcond=None)[0] if k else np.zeros(0)
        if k and np.linalg.norm(unit[:, k] - unit[:, :k] @ weights) <= limit:
            return k, f"= {_combination(weights * scale[k] / scale[:k], np.abs(weights) > limit, called)}"
    return unit.shape[1] - 1, "depends on the others"


def _combination(weights: Any, keep: Any, called: Sequence[str]) -> str:
    text = ""
    for k in np.flatnonzero(keep)[:6]:
        size = abs(float(weights[k]))
        sign = "-" if weights[k] < 0 else "+"
        text += f" {sign} " if text else "-" if sign == "-" else ""
        text += called[k] if abs(size - 1) < 1e-9 else f"{_short(size)} × {called[k]}"
    return text + (" + ..." if np.sum(keep) > 6 else "")


def _short(value: float) -> str:
    return f"{value:.6g}"
