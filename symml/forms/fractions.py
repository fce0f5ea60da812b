"""Scalar factors around a body: numbers in front, divisors where people write them, means."""

from __future__ import annotations

from collections.abc import Sequence

from symml.language.expressions import (
    Call,
    Expression,
    Mul,
    Ones,
    Pow,
    Scalar,
    Transpose,
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
    """sum(x)/n and 𝟏ᵀ A v/n are mean(x) and mean(A v) for a vector of length n."""
    assert isinstance(coefficient, Scalar)
    found = []
    for s in factors:
        vector = _summed(s)
        if vector is not None:
            size = vector.shape[0]
            if coefficient.value.as_numer_denom()[1].has(size) and not isinstance(size, int):
                coefficient, s = scalar(coefficient.value * size), call("mean", vector)
        found.append(s)
    return coefficient, found


def _summed(s: Expression) -> Expression | None:
    """The vector v of sum(v) or of 𝟏ᵀ v; None for anything else."""
    if isinstance(s, Call) and s.function == "sum" and len(s.args[0].shape) == 1:
        return s.args[0]
    if not (isinstance(s, Mul) and s.coefficient == 1 and len(s.args) > 1 and isinstance(s.args[0], Transpose)):
        return None
    row = s.args[0]
    return multiply_any(*s.args[1:]) if isinstance(row.args[0], Ones) and row.shape[0] == 1 else None


def _is_inverse(e: Expression) -> bool:
    return isinstance(e, Pow) and e.shape == () and e.exponent.is_negative is True
