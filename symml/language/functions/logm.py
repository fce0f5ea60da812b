"""The principal matrix logarithm."""

import numpy as np

from symml.language.function import Function
from symml.language.function_shapes import array_or, square_to_square
from symml.language.operators import call
from symml.language.spectral import spectral
from symml.libraries import linalg

LOGM = Function(
    name="logm",
    kind="array",
    statement="d log(A) is the solution L of Dexp(log A)[L] = dA",
    source="Higham, Functions of Matrices, section 11.8",
    shape=square_to_square("logm"),
    build=array_or("logm", square_to_square("logm"), lambda x: call("log", x)),
    numpy=spectral("logm", np.log, linalg.logm, zero=False),
    latex=r"\operatorname{logm}",
)
