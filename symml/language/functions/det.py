"""The determinant of a square matrix."""

import numpy as np

from symml.language.function import Function
from symml.language.function_shapes import array_or, same, square_to_scalar

DET = Function(
    name="det",
    kind="array",
    statement="d det(A) = det(A) tr(A⁻¹ dA)",
    source="Magnus & Neudecker, Matrix Differential Calculus, 3rd ed., ch. 8, theorem 1",
    shape=square_to_scalar("det"),
    build=array_or("det", square_to_scalar("det"), same),
    numpy=np.linalg.det,
    latex=r"\det",
)
