"""The smallest entry of an array, or the minimum of two arrays, entry by entry."""

from typing import Any

import numpy as np
import sympy as sp

from symml.errors import MissingRuleError, ShapeError
from symml.language.expressions import Expression, Scalar, Shape
from symml.language.function import Function, node, of_scalars
from symml.language.operators import add, call, multiply_any, show_shape


def _shape(a: Shape, b: Shape | None = None) -> Shape:
    if b is None:
        return ()
    if a and b and a != b:
        raise ShapeError(f"min needs two arrays of one shape, found {show_shape(a)} and {show_shape(b)}")
    return a or b


def _build(a: Expression, b: Expression | None = None) -> Expression:
    if b is None:
        return node("min", _shape, a) if a.shape else a
    if isinstance(a, Scalar) and isinstance(b, Scalar):
        return of_scalars(MIN, a, b)
    return node("min", _shape, a, b)


def _definition(a: Expression, b: Expression | None = None) -> Expression:
    if b is None:
        raise MissingRuleError(
            "min over the entries of an array has no derivative rule; use logsumexp as a smooth minimum"
        )
    return add(b, multiply_any(-1, call("relu", add(b, multiply_any(-1, a)))))


def _minimum(a: Any, b: Any = None) -> Any:
    return np.min(a) if b is None else np.minimum(a, b)


MIN = Function(
    name="min",
    kind="array",
    statement="d min(a, b) = da where a is the smaller, db elsewhere; not where a = b",
    source="Boyd & Vandenberghe, Convex Optimization, section 3.2.3",
    shape=_shape,
    build=_build,
    definition=_definition,
    numpy=_minimum,
    sympy=sp.Min,
    arity=(1, 2),
    subgradient="min({a}, {b}) has no derivative where {a} = {b}; "
    "the derivative there lies between those of {a} and {b}.",
    latex=r"\min",
)
