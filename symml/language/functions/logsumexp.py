"""log Σ exp(x) of a vector, or of each row of a matrix."""

from typing import Any

import numpy as np

from symml.errors import ShapeError
from symml.language.expressions import Expression, Shape
from symml.language.function import Function
from symml.language.operators import call, from_axes, show_shape


def _shape(a: Shape) -> Shape:
    if len(a) not in (1, 2):
        raise ShapeError(f"logsumexp needs a vector or a matrix, found {show_shape(a)}")
    return from_axes(a[0], 1) if len(a) == 2 else ()


def _definition(x: Expression) -> Expression:
    return call("log", call("sum" if len(x.shape) == 1 else "rowsum", call("exp", x)))


def _logsumexp(x: Any) -> Any:
    top = np.max(x, axis=-1, keepdims=True)
    return np.log(np.sum(np.exp(x - top), axis=-1)) + top[..., 0]


LOGSUMEXP = Function(
    name="logsumexp",
    kind="array",
    statement="d logsumexp(z) = softmax(z)ᵀ dz, row by row",
    source="Boyd & Vandenberghe, Convex Optimization, section 3.1.5",
    shape=_shape,
    definition=_definition,
    numpy=_logsumexp,
    latex=r"\operatorname{logsumexp}",
)
