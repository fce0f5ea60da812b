"""Constructors of the matrix language in one place, and the Python operators of expressions.

They check shapes, flatten, and merge scalars into one SymPy expression; the order of terms and factors that hold a
vector or matrix is the user's. A shape error names both operands and both shapes and says what would fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from symml.errors import ShapeError
from symml.language import hooks
from symml.language.agreement import (
    agree,
    complete,
    symbols_of,
)
from symml.language.expressions import (
    Expression,
    Scalar,
)  # fmt: skip
from symml.language.leaves import (
    as_dim,
    as_expression,
    exact,
    eye,
    from_axes,
    is_scalar,
    is_zero,
    literal,
    name_of,
    number,
    ones,
    scalar,
    show_shape,
    symbol,
    two_axes,
    zeros,
)
from symml.language.products import (
    apply_lambda,
    call,
    chain_shape,
    divide,
    element,
    elementwise_division,
    elementwise_power,
    elementwise_product,
    inverse,
    multiply_any,
    power,
    scale,
    split_coefficient,
    transpose,
)
from symml.language.rebuilding import (
    rebuild,
    replace_scalars,
    substitute,
)
from symml.language.sums import (
    add,
    check_scalar_plus_square,
    subtract,
)

__all__ = [
    "add",
    "agree",
    "apply_lambda",
    "as_dim",
    "as_expression",
    "call",
    "chain_shape",
    "check_scalar_plus_square",
    "complete",
    "divide",
    "element",
    "elementwise_division",
    "elementwise_power",
    "elementwise_product",
    "exact",
    "eye",
    "from_axes",
    "inverse",
    "is_scalar",
    "is_zero",
    "literal",
    "multiply_any",
    "name_of",
    "number",
    "ones",
    "power",
    "rebuild",
    "replace_scalars",
    "scalar",
    "scale",
    "show_shape",
    "split_coefficient",
    "substitute",
    "subtract",
    "symbol",
    "transpose",
    "two_axes",
    "zeros",
]


def _lift(operands: Sequence[Any]) -> list[Expression] | None:
    try:
        return [as_expression(o) for o in operands]
    except TypeError:
        return None


def _public(build: Any, check: Any = None) -> Any:
    def operator(*operands: Any) -> Any:
        lifted = _lift(operands)
        if lifted is None:
            return NotImplemented
        foreign = [isinstance(o, sp.Basic) for o in operands]
        if any(foreign) and not all(foreign):
            known = symbols_of([e for e, other in zip(lifted, foreign, strict=True) if not other])
            lifted = [complete(e, known) if other else e for e, other in zip(lifted, foreign, strict=True)]
        lifted = agree(lifted)
        if check:
            check(lifted)
        return build(*lifted)

    return operator


def _check_power(operands: Sequence[Expression]) -> None:
    base, exponent = operands
    if base.shape == () and exponent.shape != ():
        raise ShapeError(f"the exponent {name_of(exponent)} must be a scalar; use sml.power for elementwise powers")


def _applyfunc(e: Expression, function: Any) -> Expression:
    if not isinstance(function, sp.Lambda):
        z = sp.Dummy("z", real=True)
        function = sp.Lambda(z, sp.sympify(function(z)))
    if len(function.variables) != 1:
        raise ShapeError(f"{function} takes {len(function.variables)} arguments; applyfunc needs a function of one")
    return apply_lambda(function, e)


hooks.provide("applyfunc", _applyfunc)
hooks.provide("add", _public(add, check_scalar_plus_square))
hooks.provide("subtract", _public(subtract, check_scalar_plus_square))
hooks.provide("multiply", _public(multiply_any))
hooks.provide("divide", _public(divide))
hooks.provide("power", _public(power, _check_power))
hooks.provide("absolute", _public(lambda e: call("abs", e)))
hooks.provide("transpose", transpose)
hooks.provide("getitem", element)
hooks.provide("equals", lambda a, b: isinstance(a, Scalar) and a.value == b)
