"""The square root."""

import numpy as np
import sympy as sp

from symml.errors import DomainError
from symml.language.expressions import Expression, Scalar
from symml.language.function import Function, node
from symml.language.operators import call, elementwise_power, multiply_any, power
from symml.language.properties import Domain


def _build(x: Expression) -> Expression:
    """The root of a scalar is its power 1/2; of an array a function of its own."""
    if isinstance(x, Scalar) and x.value.is_negative:
        raise DomainError(f"sqrt({x}) is not a real number: sqrt needs an argument >= 0")
    return power(x, sp.S.Half) if x.shape == () else node("sqrt", lambda shape: shape, x)


SQRT = Function(
    name="sqrt",
    kind="elementwise",
    statement="d √x = dx ⊘ (2 √x)",
    source="Magnus & Neudecker, Matrix Differential Calculus, 3rd ed., ch. 5",
    build=_build,
    definition=lambda x: elementwise_power(x, sp.S.Half),
    derivative=lambda x: multiply_any(sp.S.Half, elementwise_power(call("sqrt", x), -1)),
    numpy=np.sqrt,
    sympy=sp.sqrt,
    domain=Domain(low=0, low_open=False),
    typical=(0.2, 3.0),
    properties=frozenset({"nonnegative"}),
    latex=r"\sqrt",
)
