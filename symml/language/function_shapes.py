"""Shapes of functions of arrays: what they take, what comes out, and the message when it does not fit.

Each helper returns a function of shapes for the `shape` field of a record; a scalar stands for a 1×1 matrix.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symml.errors import ShapeError
from symml.language.expressions import Expression, Shape
from symml.language.function import node
from symml.language.operators import show_shape

ShapeRule = Callable[[Shape], Shape]


def whole(name: str) -> ShapeRule:
    """Return the rule of an array of any shape that gives a scalar."""

    def rule(a: Shape) -> Shape:
        return ()

    return rule


def square_to_scalar(name: str) -> ShapeRule:
    """Return the rule of a square matrix that gives a scalar."""

    def rule(a: Shape) -> Shape:
        _square(name, a)
        return ()

    return rule


def square_to_square(name: str) -> ShapeRule:
    """Return the rule of a square matrix that gives one of the same size."""

    def rule(a: Shape) -> Shape:
        _square(name, a)
        return a

    return rule


def matrix(name: str, out: Callable[[Any, Any], Shape]) -> ShapeRule:
    """Return the rule of a matrix of r rows and c columns that gives the shape `out(r, c)`."""

    def rule(a: Shape) -> Shape:
        if len(a) != 2:
            raise ShapeError(f"{name} needs a matrix, found {show_shape(a)}")
        return out(a[0], a[1])

    return rule


def array_or(
    name: str, rule: Callable[..., Shape], on_scalar: Callable[[Expression], Expression]
) -> Callable[..., Expression]:
    """Return the `build` of a function of one array that means something simpler of a scalar."""

    def build(x: Expression) -> Expression:
        return on_scalar(x) if x.shape == () else node(name, rule, x)

    return build


def same(x: Expression) -> Expression:
    """Return the argument: what the trace, the sum or the mean of a scalar is."""
    return x


def _square(name: str, a: Shape) -> None:
    if len(a) != 2 or a[0] != a[1]:
        hint = " Use diag(v) for the diagonal matrix of a vector." if len(a) == 1 else ""
        raise ShapeError(f"{name} needs a square matrix, found {show_shape(a)}.{hint}")
