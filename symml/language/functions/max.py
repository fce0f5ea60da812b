"""The largest entry of an array, or the maximum of two arrays, entry by entry."""

from typing import Any

import numpy as np
import sympy as sp

from symml.errors import MissingRuleError, ShapeError
from symml.language.expressions import Expression, Scalar, Shape
from symml.language.function import Function, node, of_scalars
from symml.language.operators import add, call, is_zero, multiply_any, show_shape


def _shape(a: Shape, b: Shape | None = None) -> Shape:
    if b is None:
        return ()
    if a and b and a != b:
        raise ShapeError(f"max needs two arrays of one shape, found {show_shape(a)} and {show_shape(b)}")
    return a or b


def _build(a: Expression, b: Expression | None = None) -> Expression:
    if b is None:
        return node("max", _shape, a) if a.shape else a
    if isinstance(a, Scalar) and isinstance(b, Scalar):
        return of_scalars(MAX, a, b)
    if is_zero(a) or is_zero(b):  # max(0, z) is the function relu
        return call("relu", b if is_zero(a) else a)
    return node("max", _shape, a, b)


def _definition(a: Expression, b: Expression | None = None) -> Expression:
    if b is None:
        raise MissingRuleError(
            "max over the entries of an array has no derivative rule; use logsumexp as a smooth maximum"
        )
    return add(b, call("relu", add(a, multiply_any(-1, b))))


def _maximum(a: Any, b: Any = None) -> Any:
    return np.max(a) if b is None else np.maximum(a, b)


MAX = Function(
    name="max",
    kind="array",
    statement="d max(a, b) = da where a is the larger, db elsewhere; not where a = b",
    source="Boyd & Vandenberghe, Convex Optimization, section 3.2.3",
    shape=_shape,
    build=_build,
    definition=_definition,
    numpy=_maximum,
    sympy=sp.Max,
    arity=(1, 2),
    subgradient="max({a}, {b}) has no derivative where {a} = {b}; "
    "the subgradient there lies between those of {a} and {b}.",
    latex=r"\max",
)
