"""The inner product: x'y of vectors, the sum of x ⊙ y of matrices."""

import numpy as np

from symml.errors import ShapeError
from symml.language.expressions import Expression, Shape
from symml.language.function import Function, node
from symml.language.operators import call, elementwise_product, multiply_any, name_of, show_shape, transpose


def _shape(a: Shape, b: Shape) -> Shape:
    if a != b:
        raise ShapeError(f"dot needs two arrays of one shape, found {show_shape(a)} and {show_shape(b)}")
    return ()


def _build(x: Expression, y: Expression) -> Expression:
    if x.shape != y.shape:
        raise ShapeError(f"dot needs two arrays of one shape, found {name_of(x)} and {name_of(y)}")
    if len(x.shape) == 1:
        return multiply_any(transpose(x), y)
    return node("dot", _shape, x, y) if x.shape else multiply_any(x, y)


DOT = Function(
    name="dot",
    kind="array",
    statement="d ⟨x, y⟩ = ⟨dx, y⟩ + ⟨x, dy⟩",
    source="Magnus & Neudecker, Matrix Differential Calculus, 3rd ed., ch. 8",
    shape=_shape,
    build=_build,
    definition=lambda x, y: call("sum", elementwise_product(x, y)),
    numpy=lambda x, y: np.sum(x * y),
    arity=(2, 2),
    latex=r"\operatorname{dot}",
)
