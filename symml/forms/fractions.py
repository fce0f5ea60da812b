"""Scalar factors around a body: numbers in front, divisors where people write them, means."""

from __future__ import annotations

from collections.abc import Sequence

from symml.language.expressions import (
    Call,
    Expression,
    Pow,
    Scalar,
)  # fmt: skip
from symml.language.operators import (
    call,
    multiply_any,
    scalar,
)  # fmt: skip


def attach(scalars: Sequence[Expression], body: Expression | None) -> Expression:
    """Put scalar factors around a body: numbers in front, divisors in front when a number stands there, else behind."""
    pure = [s for s in scalars if isinstance(s, Scalar)]
    inverse = [s for s in scalars if _is_inverse(s)]
    others = [s for s in scalars if not isinstance(s, Scalar) and s not in inverse]
    coefficient: Expression = scalar(1)
    for s in pure:
        coefficient = multiply_any(coefficient, s)
    coefficient, others = _with_means(coefficient, others)
    numerator = abs(coefficient.value.as_numer_denom()[0]) if isinstance(coefficient, Scalar) else 1
    front = numerator != 1 and body is not None
    parts = [coefficient, *others, *(inverse if front else [])]
    if body is not None:
        parts.append(body)
    return multiply_any(*parts, *([] if front else inverse))


def _with_means(coefficient: Expression, factors: list[Expression]) -> tuple[Expression, list[Expression]]:
    """sum(x)/n is mean(x) for a vector of length n."""
    assert isinstance(coefficient, Scalar)
    found = []
    for s in factors:
        if isinstance(s, Call) and s.function == "sum" and len(s.args[0].shape) == 1:
            size = s.args[0].shape[0]
            if coefficient.value.as_numer_denom()[1].has(size) and not isinstance(size, int):
                coefficient, s = scalar(coefficient.value * size), call("mean", s.args[0])
        found.append(s)
    return coefficient, found


def _is_inverse(e: Expression) -> bool:
    return isinstance(e, Pow) and e.shape == () and e.exponent.is_negative is True
