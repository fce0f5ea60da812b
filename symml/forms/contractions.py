"""Closed contractions in matrix notation: sums, dot products, traces in all their rotations, elementwise products."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import sympy as sp

from symml.forms.flipping import flip
from symml.language.expressions import (
    Call,
    ElemPow,
    Expression,
    Hadamard,
    Mul,
    Ones,
    Symbol,
    Transpose,
    postorder,
)  # fmt: skip
from symml.language.operators import (
    call,
    elementwise_power,
    elementwise_product,
    multiply_any,
    power,
    rebuild,
    scalar,
    transpose,
)  # fmt: skip


def hadamard(parts: Sequence[tuple[int, Expression]]) -> Expression:
    """Elementwise product: plain symbols first, quotients last, else as the factors stood."""

    def rank(part: tuple[int, Expression]) -> tuple[int, int]:
        place, e = part
        inverse = isinstance(e, ElemPow) and e.exponent.is_negative is True
        return (2 if inverse else 0 if isinstance(e, Symbol) else 1, place)

    ordered = [e for _, e in sorted(parts, key=rank)]
    return elementwise_product(*(elementwise_power(e, ordered.count(e)) for e in dict.fromkeys(ordered)))


def dot(a: Expression, b: Expression, symmetric: set[Expression]) -> Expression:
    """aᵀ b, the transpose written the shorter way."""
    return multiply_any(flip(a, symmetric), b)


def total(e: Expression) -> Expression:
    """Sum of the entries; of squares the squared norm."""
    if isinstance(e, Ones):
        return scalar(sp.prod(sp.sympify(d) for d in e.shape))
    if isinstance(e, ElemPow) and e.exponent.is_Integer and e.exponent == 2:
        return power(call("norm", e.args[0]), 2)
    if isinstance(e, Call) and e.function == "abs":
        return call("norm1", e.args[0])
    if isinstance(e, Call) and e.function == "diag" and len(e.shape) == 1:
        return call("trace", e.args[0])
    if isinstance(e, Mul):
        if e.coefficient != 1:
            return multiply_any(scalar(e.coefficient), total(multiply_any(*e.args)))
        if len(e.shape) == 1 and isinstance(e.args[-1], Ones):
            rest = multiply_any(*e.args[:-1])
            return total(rest) if rest.shape else multiply_any(scalar(e.shape[0]), rest)
    if isinstance(e, Hadamard) and len(e.shape) == 2:
        turned = [a for a in e.args if isinstance(a, Transpose) and len(a.args[0].shape) == 2]
        if len(turned) == 1:  # sum(Aᵀ ⊙ B ⊙ C) = tr(A (B ⊙ C))
            rest = elementwise_product(*(a for a in e.args if a is not turned[0]))
            return call("trace", multiply_any(turned[0].args[0], rest))
    return call("sum", e)


def chain_of(e: Expression) -> tuple[Expression, ...]:
    """Return the factors of a product."""
    return e.args if isinstance(e, Mul) else (e,)


def traces(product: Expression, symmetric: set[Expression]) -> list[Expression]:
    """All rotations of a trace and of its mirror image, the given order first."""
    if product.shape == ():
        return [product]
    found = []
    chain = list(product.args) if isinstance(product, Mul) else [product]
    coefficient = product.coefficient if isinstance(product, Mul) else 1
    scalars, arrays = [c for c in chain if c.shape == ()], [c for c in chain if c.shape != ()]
    for direction in (arrays, [flip(a, symmetric) for a in reversed(arrays)]):
        for k in range(len(direction)):
            inner = multiply_any(*direction[k:], *direction[:k])
            found.append(
                multiply_any(scalar(coefficient), *scalars, inner if inner.shape == () else call("trace", inner))
            )
    return found


def data_first(e: Expression, moving: Collection[Any]) -> Expression:
    """Return the expression with bᵀ ν for νᵀ b where ν moves and b is data."""
    done: dict[Expression, Expression] = {}
    for node in postorder(e):
        new = rebuild(node, [done[a] for a in node.args]) if any(done[a] is not a for a in node.args) else node
        done[node] = _turned(new, moving) if isinstance(new, Mul) and new.shape == () else new
    return done[e]


def _turned(e: Mul, moving: Collection[Any]) -> Expression:
    arrays = [a for a in e.args if a.shape != ()]
    if len(arrays) != 2 or not (isinstance(arrays[0], Transpose) and isinstance(arrays[1], Symbol)):
        return e
    first, last = arrays[0].args[0], arrays[1]
    if first not in moving or last in moving:
        return e
    return multiply_any(scalar(e.coefficient), *(a for a in e.args if a.shape == ()), transpose(last), first)
