"""Sums along the diagonals of a square matrix: entry k is the sum of all A_ij with |i − j| = k."""

from typing import Any

import numpy as np

from symml.errors import ShapeError
from symml.language.expressions import Shape
from symml.language.function import Function
from symml.language.operators import show_shape


def _shape(a: Shape) -> Shape:
    if len(a) != 2 or a[0] != a[1]:
        raise ShapeError(f"diagsums needs a square matrix, found {show_shape(a)}")
    return a[:1]


def _sums(a: Any) -> Any:
    size = len(a)
    both = [np.trace(a, k) + (np.trace(a, -k) if k else 0.0) for k in range(size)]
    return np.array(both)


DIAGSUMS = Function(
    name="diagsums",
    kind="array",
    statement="diagsums is linear, the transpose of toeplitz: ⟨G, toeplitz(c)⟩ = diagsums(G)ᵀ c",
    source="Golub & Van Loan, Matrix Computations, 4th ed., section 4.7",
    shape=_shape,
    numpy=_sums,
    latex=r"\operatorname{diagsums}",
)
