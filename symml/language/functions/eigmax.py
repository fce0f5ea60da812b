"""The largest eigenvalue of the symmetric part of a square matrix."""

from typing import Any

import numpy as np

from symml.language.function import Function
from symml.language.function_shapes import array_or, same, square_to_scalar


def _eigmax(a: Any) -> Any:
    return np.linalg.eigvalsh((a + a.T) / 2)[-1]


EIGMAX = Function(
    name="eigmax",
    kind="array",
    statement="d λ₁(S) = v₁ᵀ dS v₁ where the largest eigenvalue is simple",
    source="Magnus & Neudecker, Matrix Differential Calculus, 3rd ed., ch. 9, theorem 7",
    shape=square_to_scalar("eigmax"),
    build=array_or("eigmax", square_to_scalar("eigmax"), same),
    numpy=_eigmax,
    subgradient="eigmax({x}) has no derivative where its largest eigenvalue is repeated; "
    "the subgradient there is the convex hull of v vᵀ over the leading unit eigenvectors.",
    latex=r"\lambda_{\max}",
)
