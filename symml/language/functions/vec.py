"""The columns of a matrix, stacked."""

import math
from typing import Any

from symml.errors import ShapeError
from symml.language.expressions import Expression, Shape
from symml.language.function import Function, node
from symml.language.operators import show_shape, transpose


def _shape(a: Shape) -> Shape:
    if len(a) != 2:
        raise ShapeError(f"vec needs a matrix, found {show_shape(a)}")
    return (math.prod(a),)


def _build(x: Expression) -> Expression:
    if len(x.shape) < 2:
        return x
    return transpose(x) if x.shape[0] == 1 else node("vec", _shape, x)


def _vec(a: Any) -> Any:
    return a.reshape(-1, order="F")


VEC = Function(
    name="vec",
    kind="array",
    statement="vec is linear: d vec(A) = vec(dA)",
    source="Magnus & Neudecker, Matrix Differential Calculus, 3rd ed., ch. 2",
    shape=_shape,
    build=_build,
    numpy=_vec,
    latex=r"\operatorname{vec}",
)
