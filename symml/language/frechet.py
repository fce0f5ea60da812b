"""The record of a Fréchet derivative L(A, E) of a function of a matrix: the term of f(A + E) linear in E."""

from __future__ import annotations

from typing import Any

import numpy as np

from symml.errors import ShapeError
from symml.language.expressions import Shape
from symml.language.function import Function
from symml.language.operators import show_shape

SUFFIX = "_frechet"
MATRIX_FUNCTIONS = ("expm", "logm", "sqrtm", "sinm", "cosm")


def block(f: Any) -> Any:
    """Return (A, E) -> the upper right block of f([[A, E], [0, A]])."""

    def frechet(a: Any, e: Any) -> Any:
        n = len(a)
        return f(np.block([[a, e], [np.zeros_like(a), a]]))[:n, n:]

    return frechet


def frechet_record(f: str, numpy: Any, statement: str, source: str) -> Function:
    """Return the record of the Fréchet derivative of the function of a matrix `f`."""
    name = f + SUFFIX

    def shape(a: Shape, e: Shape) -> Shape:
        if len(a) != 2 or a[0] != a[1] or e != a:
            raise ShapeError(
                f"{name} needs two square matrices of one size, found {show_shape(a)} and {show_shape(e)}"
            )
        return a

    return Function(
        name=name, kind="array", statement=statement, source=source, shape=shape, numpy=numpy, arity=(2, 2),
        latex=rf"L_{{\operatorname{{{f}}}}}",
    )  # fmt: skip
