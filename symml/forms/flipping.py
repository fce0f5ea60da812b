"""Transposition with the fewest transposes: inside a product or around it, whichever prints shorter."""

from __future__ import annotations

from functools import lru_cache

from symml.forms.cost import cost
from symml.language.expressions import (
    Add,
    Call,
    ElemPow,
    Expression,
    Eye,
    Hadamard,
    Mul,
    Pow,
    Scalar,
    Symbol,
    Transpose,
)  # fmt: skip
from symml.language.operators import add, elementwise_power, elementwise_product, multiply_any, power, scalar, transpose


def is_symmetric(e: Expression, known: frozenset[Expression] | set[Expression] = frozenset()) -> bool:
    """Whether an expression equals its transpose, as far as its structure shows."""
    if e in known or isinstance(e, Eye) or e.shape == ():
        return True
    if len(e.shape) != 2 or e.shape[0] != e.shape[1]:
        return False
    if isinstance(e, Symbol):
        return "symmetric" in e.facts
    if isinstance(e, (Pow, ElemPow)):
        return is_symmetric(e.args[0], known)
    if isinstance(e, (Add, Hadamard)):
        return all(is_symmetric(a, known) for a in e.args)
    if isinstance(e, Call) and e.function == "diag":
        return True
    if isinstance(e, Mul):
        arrays = [a for a in e.args if a.shape != ()]
        return all(mirrors(a, b, known) for a, b in zip(arrays, reversed(arrays), strict=True))
    return False


def mirrors(a: Expression, b: Expression, known: frozenset[Expression] | set[Expression] = frozenset()) -> bool:
    """Whether b is the transpose of a, by structure."""
    if isinstance(a, Transpose) or isinstance(b, Transpose):
        return (isinstance(a, Transpose) and a.args[0] is b) or (isinstance(b, Transpose) and b.args[0] is a)
    return a is b and is_symmetric(a, known)


def flip(e: Expression, known: frozenset[Expression] | set[Expression] = frozenset()) -> Expression:
    """Return the transpose of e in its shortest form."""
    return _remembered(e, known) if isinstance(known, frozenset) else _flip(e, known)


@lru_cache(maxsize=8192)
def _remembered(e: Expression, known: frozenset[Expression]) -> Expression:
    return _flip(e, known)


def _flip(e: Expression, known: frozenset[Expression] | set[Expression]) -> Expression:
    if e.shape == () or is_symmetric(e, known):
        return e
    outer = transpose(e)
    if isinstance(e, Mul):
        first = next(k for k, a in enumerate(e.args) if a.shape != ())
        last = len(e.args) - next(k for k, a in enumerate(reversed(e.args)) if a.shape != ())
        between = [a for a in e.args[first:last] if a.shape == ()]
        arrays = [flip(a, known) for a in reversed(e.args[first:last]) if a.shape != ()]
        inner = multiply_any(scalar(e.coefficient), *e.args[:first], *between, *arrays, *e.args[last:])
    elif isinstance(e, Hadamard):
        inner = elementwise_product(*(flip(a, known) for a in e.args))
        return inner if cost(inner) + 2 < cost(outer) else outer
    elif isinstance(e, Add):
        inner = add(*(flip(a, known) for a in e.args))
        return inner if cost(inner) + 2 < cost(outer) else outer  # a sum inside a product needs brackets
    elif isinstance(e, ElemPow):
        inner = elementwise_power(flip(e.args[0], known), scalar(e.exponent))
        return inner if cost(inner) < cost(outer) else outer  # (A^∘2)ᵀ, not (Aᵀ)^∘2
    elif isinstance(e, Pow) and isinstance(e.args[0], Transpose):
        inner = power(flip(e.args[0], known), scalar(e.exponent))
    else:
        return outer
    return inner if cost(inner) <= cost(outer) else outer


def is_number(e: Expression) -> bool:
    """Whether e is a pure scalar without symbols."""
    return isinstance(e, Scalar) and not e.value.free_symbols
