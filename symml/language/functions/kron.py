"""The Kronecker product; vectors are columns."""

from typing import Any

import numpy as np

from symml.errors import ShapeError
from symml.language.expressions import Dim, Expression, Shape
from symml.language.function import Function, node
from symml.language.operators import from_axes, multiply_any, show_shape, two_axes


def _times(a: Dim, b: Dim) -> Dim:
    return b if a == 1 else a if b == 1 else a * b


def _shape(a: Shape, b: Shape) -> Shape:
    if len(a) > 2 or len(b) > 2:
        raise ShapeError(f"kron needs vectors or matrices, found {show_shape(a)} and {show_shape(b)}")
    (rows, columns), (more_rows, more_columns) = two_axes(a), two_axes(b)
    return from_axes(_times(rows, more_rows), _times(columns, more_columns))


def _build(x: Expression, y: Expression) -> Expression:
    return node("kron", _shape, x, y) if x.shape and y.shape else multiply_any(x, y)


def _kron(a: Any, b: Any) -> Any:
    if a.ndim == b.ndim:
        return np.kron(a, b)
    return np.kron(a.reshape(a.shape[0], -1), b.reshape(b.shape[0], -1))


KRON = Function(
    name="kron",
    kind="array",
    statement="d (A ⊗ B) = dA ⊗ B + A ⊗ dB",
    source="Magnus & Neudecker, Matrix Differential Calculus, 3rd ed., ch. 2",
    shape=_shape,
    build=_build,
    numpy=_kron,
    arity=(2, 2),
    unicode="⊗",
    latex=r"\otimes",
)
