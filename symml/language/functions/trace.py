"""The trace of a square matrix."""

import numpy as np

from symml.errors import ShapeError
from symml.language.expressions import Shape
from symml.language.function import Function
from symml.language.operators import show_shape


def _shape(a: Shape) -> Shape:
    if len(a) != 2 or a[0] != a[1]:
        raise ShapeError(f"trace needs a square matrix, found {show_shape(a)}")
    return ()


TRACE = Function(
    name="trace",
    kind="array",
    statement="the trace is linear: d tr(A) = tr(dA)",
    source="Magnus & Neudecker, Matrix Differential Calculus, 3rd ed., ch. 8",
    shape=_shape,
    numpy=np.trace,
    unicode="tr",
    latex=r"\operatorname{tr}",
    aliases=("tr",),
)
