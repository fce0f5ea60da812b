"""NumPy functions applied to expressions: ``np.exp(e)`` means our own `exp`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from symml.errors import NotSupportedError
from symml.language import hooks
from symml.language.expressions import Expression
from symml.language.operators import (
    agree,
    as_expression,
    call,
    elementwise_division,
    elementwise_power,
    elementwise_product,
)

OPERATORS = {"add": "add", "subtract": "subtract", "matmul": "multiply"}
ELEMENTWISE = {
    "multiply": ("multiply", elementwise_product), "divide": ("divide", elementwise_division),
    "true_divide": ("divide", elementwise_division), "power": ("power", elementwise_power),
    "float_power": ("power", elementwise_power),
}  # fmt: skip
FUNCTIONS = {
    "exp": "exp", "log": "log", "sqrt": "sqrt", "absolute": "abs", "fabs": "abs", "sign": "sign", "sin": "sin",
    "cos": "cos", "tan": "tan", "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "arctan": "arctan",
    "maximum": "max", "minimum": "min",
}  # fmt: skip


def array_ufunc(ufunc: Any, method: str, inputs: Sequence[Any], options: Mapping[str, Any]) -> Any:
    """Return our own function or operator for a NumPy ufunc; `np.multiply(A, B)` stays elementwise.

    Raises
    ------
    NotSupportedError
        If symml has no counterpart.
    DataError
        If an array of numbers is an operand.
    """
    name = ufunc.__name__
    if method != "__call__" or any(v is not None for v in options.values()):
        raise NotSupportedError(f"np.{name}.{method} of an expression is not supported; evaluate the expression first")
    lifted = [as_expression(value) for value in inputs]
    if name in OPERATORS:
        return hooks.operate(OPERATORS[name], *lifted)
    if name in ELEMENTWISE:
        operator, build = ELEMENTWISE[name]
        if not isinstance(inputs[0], Expression):  # a NumPy number before our operator, such as np.float64(2) * X
            return hooks.operate(operator, *lifted)
        return build(*agree(lifted))
    if name in FUNCTIONS:
        return call(FUNCTIONS[name], *lifted)
    if name == "negative":
        return -lifted[0]
    if name == "positive":
        return lifted[0]
    if name in ("square", "reciprocal"):
        return elementwise_power(lifted[0], 2 if name == "square" else -1)
    known = ", ".join(sorted({*OPERATORS, *ELEMENTWISE, *FUNCTIONS}))
    raise NotSupportedError(f"np.{name} of an expression is not supported; symml has {known}")


hooks.provide("array_ufunc", array_ufunc)
