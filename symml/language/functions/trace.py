"""The trace of a square matrix."""

import numpy as np

from symml.language.function import Function
from symml.language.function_shapes import array_or, same, square_to_scalar

TRACE = Function(
    name="trace",
    kind="array",
    statement="the trace is linear: d tr(A) = tr(dA)",
    source="Magnus & Neudecker, Matrix Differential Calculus, 3rd ed., ch. 8",
    shape=square_to_scalar("trace"),
    build=array_or("trace", square_to_scalar("trace"), same),
    numpy=np.trace,
    unicode="tr",
    latex=r"\operatorname{tr}",
    aliases=("tr",),
)
