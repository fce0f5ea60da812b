"""Sums: shapes agree, a scalar is added to every entry, equal terms are collected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from symml.errors import ShapeError
from symml.language.expressions import (
    Add,
    Expression,
    Eye,
    Mul,
    Scalar,
    Shape,
    make,
)  # fmt: skip
from symml.language.leaves import as_expression, is_zero, name_of, ones, scalar, zeros
from symml.language.products import multiply_any, scale, split_coefficient

ZERO, ONE, MINUS_ONE = sp.S.Zero, sp.S.One, sp.S.NegativeOne


def add(*terms: Any) -> Expression:
    """Return the sum; shapes must agree, a scalar is added to every entry of an array."""
    flat: list[Expression] = []
    for term in (as_expression(t) for t in terms):
        flat.extend(term.args if isinstance(term, Add) else (term,))
    shape: Shape = ()
    model: Expression | None = None
    for term in flat:
        if term.shape != ():
            if model is None:
                shape, model = term.shape, term
            elif term.shape != shape:
                raise ShapeError(_cannot_add(model, term))
    order: list[Expression | None] = []
    coefficients: dict[Expression | None, sp.Expr] = {}
    for term in flat:
        if is_zero(term):
            continue
        value, rest = split_coefficient(term)
        if rest not in coefficients:
            order.append(rest)
            coefficients[rest] = value
        else:
            coefficients[rest] = coefficients[rest] + value
    kept = [
        scalar(coefficients[rest]) if rest is None else scale(coefficients[rest], _factors(rest))
        for rest in order
        if coefficients[rest] != 0
    ]
    if any(isinstance(t, Add) for t in kept):
        return add(*kept)
    if model is not None and not any(t.shape == shape for t in kept):
        total = kept[0] if len(kept) == 1 else make(Add, tuple(kept), (), ()) if kept else scalar(0)
        return zeros(*shape) if not kept else multiply_any(total, ones(*shape))
    if not kept:
        return scalar(0)
    return kept[0] if len(kept) == 1 else make(Add, tuple(kept), (), shape)


def _factors(e: Expression) -> tuple[Expression, ...]:
    return e.args if isinstance(e, Mul) else (e,)


def _cannot_add(a: Expression, b: Expression) -> str:
    if len(a.shape) == len(b.shape) == 2 and a.shape == b.shape[::-1]:
        hint = f"Did you mean ({b})'?"
    elif {len(a.shape), len(b.shape)} == {1, 2}:
        v, m = (a, b) if len(a.shape) == 1 else (b, a)
        if v.shape[0] == m.shape[0]:
            hint = f"To add the vector to every column write {v} ones({m.shape[1]})'."
        elif v.shape[0] == m.shape[1]:
            hint = f"To add the vector to every row write ones({m.shape[0]}) ({v})'."
        else:
            hint = "Check the declarations."
    else:
        hint = "Check the declarations."
    return f"cannot add {name_of(a)} and {name_of(b)}: the shapes differ. {hint}"


def check_scalar_plus_square(terms: Sequence[Expression]) -> None:
    """Refuse a scalar symbol plus a square matrix, which people write for lam*I or for lam in every entry."""
    squares = [t for t in terms if len(t.shape) == 2 and t.shape[0] == t.shape[1] and not isinstance(t, Eye)]
    scalars = [t for t in terms if isinstance(t, Scalar) and t.value.free_symbols]
    if squares and scalars:
        d = squares[0].shape[0]
        raise ShapeError(
            f"cannot add the scalar {scalars[0]} and the square matrix {name_of(squares[0])}: "
            f"write {scalars[0]}*eye({d}) for the diagonal or {scalars[0]}*ones({d},{d}) for every entry"
        )


def subtract(a: Any, b: Any) -> Expression:
    """Return a - b."""
    return add(a, multiply_any(MINUS_ONE, b))
