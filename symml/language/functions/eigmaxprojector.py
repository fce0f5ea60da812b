"""The projector vv' on the eigenvector of the largest eigenvalue of the symmetric part of a square matrix."""

from typing import Any

import numpy as np

from symml.language.function import Function
from symml.language.function_shapes import array_or, square_to_square
from symml.language.operators import scalar


def _projector(a: Any) -> Any:
    v = np.linalg.eigh((a + a.T) / 2)[1][:, -1]
    return np.outer(v, v)


EIGMAXPROJECTOR = Function(
    name="eigmaxprojector",
    kind="array",
    statement="d (v vᵀ) = R dS v vᵀ + v vᵀ dS R, R = (λ₁ I − S)⁺, where the largest eigenvalue is simple",
    source="Magnus & Neudecker, Matrix Differential Calculus, 3rd ed., ch. 9, theorem 7",
    shape=square_to_square("eigmaxprojector"),
    build=array_or("eigmaxprojector", square_to_square("eigmaxprojector"), lambda x: scalar(1)),
    numpy=_projector,
    latex=r"\operatorname{eigmaxprojector}",
)
