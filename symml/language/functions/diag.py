"""The diagonal matrix of a vector, or the diagonal of a square matrix."""

import numpy as np

from symml.errors import ShapeError
from symml.language.expressions import Call, Expression, Eye, Ones, Shape
from symml.language.function import Function, node
from symml.language.operators import eye, ones, show_shape


def _shape(a: Shape) -> Shape:
    if len(a) == 1:
        return (a[0], a[0])
    if len(a) == 2 and a[0] == a[1]:
        return (a[0],)
    raise ShapeError(f"diag needs a vector or a square matrix, found {show_shape(a)}")


def _build(x: Expression) -> Expression:
    if isinstance(x, Ones) and len(x.shape) == 1:
        return eye(x.shape[0])
    if isinstance(x, Eye):
        return ones(x.shape[0])
    if isinstance(x, Call) and x.function == "diag" and len(x.shape) == 2:
        return x.args[0]
    return node("diag", _shape, x)


DIAG = Function(
    name="diag",
    kind="array",
    statement="diag is linear: d diag(x) = diag(dx)",
    source="Magnus & Neudecker, Matrix Differential Calculus, 3rd ed., ch. 2",
    shape=_shape,
    build=_build,
    numpy=np.diag,
    latex=r"\operatorname{diag}",
)
