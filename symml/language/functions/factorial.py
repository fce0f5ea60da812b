"""The factorial: Γ(x + 1)."""

import sympy as sp

from symml.language.expressions import Expression, Scalar
from symml.language.function import Function
from symml.language.operators import add, call, scalar


def _build(x: Expression) -> Expression:
    return scalar(sp.factorial(x.value)) if isinstance(x, Scalar) else call("gamma", add(x, 1))


FACTORIAL = Function(
    name="factorial",
    kind="spelling",
    statement="factorial(x) = Γ(x + 1)",
    source="Abramowitz & Stegun, Handbook of Mathematical Functions, 6.1.5",
    build=_build,
)
