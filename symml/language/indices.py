"""Indices, sums over an index, and directions: ``sum_over(i, (X[i].T*w - y[i])**2)``."""

from __future__ import annotations

from typing import Any

from symml.errors import ShapeError
from symml.language.expressions import BoundSum, Expression, Index, Symbol, make
from symml.language.names import canonical
from symml.language.operators import agree, as_dim, as_expression, symbol, zeros
from symml.language.operators import is_zero as _is_zero

_KEPT = ("symmetric", "diagonal", "lower triangular", "upper triangular")


def index(name: str, size: Any) -> Index:
    """Return an index that runs over a dimension.

    As a position, ``X[i]``, it means the i-th row; as a number it runs from 1 to `size`, as the printed sum does.
    """
    return make(Index, (), (canonical(name), as_dim(size)), ())  # type: ignore[return-value]


def sum_over(i: Index, body: Any) -> Expression:
    """Return the sum of `body` over the index `i`; the shape is that of `body`.

    Raises
    ------
    ShapeError
        If `i` is not an index.
    """
    if not isinstance(i, Index):
        raise ShapeError(f"sum_over needs an index, made by i = index('i', n); found {i}")
    _, inner = agree([i, as_expression(body)])
    if _is_zero(inner):
        return zeros(*inner.shape)
    return make(BoundSum, (i, inner), (), inner.shape)


def differential_of(variable: Symbol) -> Symbol:
    """Return the direction of a symbol: `dw` for `w`, of the same shape.

    It keeps what is linear in the variable's properties: symmetric, diagonal, triangular.
    """
    facts = variable.facts
    kept = [word for word in _KEPT if word in facts]
    if "diagonal" in kept:
        kept = ["diagonal"]
    return symbol("d" + variable.name, variable.shape, kept)
