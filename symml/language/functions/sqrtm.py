"""The principal square root of a matrix."""

import numpy as np

from symml.language.function import Function
from symml.language.function_shapes import array_or, square_to_square
from symml.language.operators import call
from symml.language.spectral import spectral
from symml.libraries import linalg

SQRTM = Function(
    name="sqrtm",
    kind="array",
    statement="d √A is the solution L of √A L + L √A = dA",
    source="Higham, Functions of Matrices, eq. 6.5",
    shape=square_to_square("sqrtm"),
    build=array_or("sqrtm", square_to_square("sqrtm"), lambda x: call("sqrt", x)),
    numpy=spectral("sqrtm", np.sqrt, linalg.sqrtm, zero=True),
    latex=r"\operatorname{sqrtm}",
)
