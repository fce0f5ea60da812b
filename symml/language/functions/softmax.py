"""The softmax of a vector, or of each row of a matrix."""

from typing import Any

import numpy as np

from symml.errors import ShapeError
from symml.language.expressions import Expression, Shape
from symml.language.function import Function
from symml.language.operators import call, divide, elementwise_division, multiply_any, ones, show_shape, transpose


def _shape(a: Shape) -> Shape:
    if len(a) not in (1, 2):
        raise ShapeError(f"softmax needs a vector or a matrix, found {show_shape(a)}")
    return a


def _definition(x: Expression) -> Expression:
    e = call("exp", x)
    if len(x.shape) == 1:
        return divide(e, call("sum", e))
    return elementwise_division(e, multiply_any(call("rowsum", e), transpose(ones(x.shape[1]))))


def _softmax(x: Any) -> Any:
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


SOFTMAX = Function(
    name="softmax",
    kind="array",
    statement="d softmax(z) = p ⊙ (dz − pᵀ dz), p = softmax(z), row by row",
    source="Bishop, Pattern Recognition and Machine Learning, eq. 4.106",
    shape=_shape,
    definition=_definition,
    numpy=_softmax,
    latex=r"\operatorname{softmax}",
    properties=frozenset({"positive", "nonnegative", "nonzero"}),
)
