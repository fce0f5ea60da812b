"""Structures of a matrix whose rows or columns do not meet: block diagonal, and the same through the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from symml.calculus.nodes import Leaf, Node
from symml.derivation.curvature.structures.claims import (
    Array,
    Claim,
    Kind,
    Parts,
    Shown,
    beside,
    common,
    through,
    with_diagonal,
)
from symml.derivation.curvature.structures.terms import (
    Term,
    constant,
    diagonal,
    flipped,
    is_diagonal,
    outer,
    peel,
    piece,
    rest_of,
    scalars,
)
from symml.language.expressions import Expression, Index
from symml.language.indices import index, sum_over
from symml.language.operators import add, call, eye, multiply_any, transpose
from symml.language.tables import symbol_table


# -- one block ----------------------------------------------------------------------------------------------------
def _block(terms: Sequence[Term]) -> Parts | None:
    """The parts of terms with axes (r, j, r, l), at most one of each kind.

    diag(dᵣ) or t I, c uᵣ uᵣᵀ, c Vᵀ diag(wᵣ) V, diag(wᵣ) M diag(wᵣ).
    """
    found: dict[str, Node] = {}
    entries = diagonal([t for t in terms if is_diagonal(t)], 2)
    if entries is not None:
        scalar = constant(entries)
        found["t" if scalar is not None else "d"] = scalar if scalar is not None else entries
    for t in terms:
        if is_diagonal(t):
            continue
        parts = _crossed(t)
        if parts is None or parts.keys() & found.keys():
            return None
        found |= parts
    return found


def _crossed(term: Term) -> dict[str, Node] | None:
    r, j, _, m = term.out
    across = outer(term, (j,), (m,), (r,))
    if across is not None:
        return {"c": across.scale, "u": across.vector}
    weighted = _weighted(term)
    if weighted is not None:
        return weighted
    peeled = peel(term, j, m)
    if peeled is None or peeled.inner[0] != peeled.inner[1]:
        return None
    scale, rest = scalars(term, peeled.rest)
    if not rest or any(r not in idx and peeled.inner[0] not in idx for _, idx in rest):
        return None
    if {i for _, idx in rest for i in idx} - {r, peeled.inner[0]}:
        return None
    return {"a": scale, "V": peeled.side, "w": piece(term, 1, rest, (r, peeled.inner[0]))}


def _weighted(term: Term) -> dict[str, Node] | None:
    """The parts of diag(uᵣ) S diag(uᵣ): weights of the entries of the variable around one matrix."""
    r, j, _, m = term.out
    first = [(f, idx) for f, idx in term.factors if set(idx) == {r, j}]
    second = [(f, idx) for f, idx in term.factors if set(idx) == {r, m}]
    rest = [(f, idx) for f, idx in term.factors if (f, idx) not in first and (f, idx) not in second]
    if not first or not second or any(r in idx for _, idx in rest) or not any(idx for _, idx in rest):
        return None
    u, v = piece(term, 1, first, (r, j)), piece(term, 1, second, (r, m))
    if u.digest != v.digest:
        return None
    return {"W": u, "M": piece(term, term.coefficient, rest, (j, m))}


def _act_block(values: Mapping[str, Array], z: Array) -> Array:
    found = values.get("t", values.get("d", 0.0)) * z
    if "u" in values:
        scale = np.reshape(values["c"], (-1, 1))
        found = found + scale * values["u"] * np.sum(values["u"] * z, axis=1, keepdims=True)
    if "w" in values:
        found = found + values["a"] * (values["w"] * (z @ values["V"].T)) @ values["V"]
    if "W" in values:
        found = found + values["W"] * ((values["W"] * z) @ values["M"].T)
    return np.asarray(found)


def _show_block(shown: Shown, i: Index, size: Any) -> Expression:
    found = []
    if "w" in shown:
        found.append(multiply_any(shown["a"], transpose(shown["V"]), call("diag", shown["w"][i]), shown["V"]))
    if "W" in shown:
        weights = call("diag", shown["W"][i])
        found.append(multiply_any(weights, shown["M"], weights))
    if "d" in shown:
        found.append(call("diag", shown["d"][i]))
    if "t" in shown:
        found.append(multiply_any(shown["t"], eye(size)))
    if "u" in shown:
        u = shown["u"][i]
        scale = shown["c"][i] if shown["c"].shape else shown["c"]
        found.append(multiply_any(scale, u, transpose(u)))
    return add(*found)


def _counter(shown: Shown, size: Any) -> Index:
    used = {name for e in shown.values() for name in symbol_table(e)}
    return index(next(k for k in ("i", "m", "r", "q") if k not in used), size)


# -- rows that do not meet ----------------------------------------------------------------------------------------
def _rows(terms: Sequence[Term], x: Leaf, by_columns: bool = False) -> Claim | None:
    terms = [flipped(t) for t in terms] if by_columns else terms
    if not all(t.out[0] == t.out[2] for t in terms):
        return None
    parts = _block(terms)
    if parts is None:
        return None
    count, size = x.shape[::-1] if by_columns else x.shape

    def act(values: Mapping[str, Array], step: Array) -> Array:
        return _act_block(values, step.T).T if by_columns else _act_block(values, step)

    def formula(shown: Shown) -> Expression:
        return _show_block(shown, _counter(shown, count), size)

    side = "column" if by_columns else "row"
    lead = f"one block for each {side} i of {x.name}: H[i] = "
    return Claim(f"block diagonal: {count} blocks {size}×{size}", parts, act, formula, lead, "H_{i} = ", ("V",))


def _columns(terms: Sequence[Term], x: Leaf) -> Claim | None:
    return _rows(terms, x, True)


# -- rows that do not meet after a product with the data ----------------------------------------------------------
def _through_rows(terms: Sequence[Term], x: Leaf, by_columns: bool = False) -> Claim | None:
    terms = [flipped(t) for t in terms] if by_columns else terms
    straight = [t for t in terms if is_diagonal(t)]
    crossed = [t for t in terms if not is_diagonal(t)]
    peeled = [peel(t, t.out[0], t.out[2]) if t.out[0] != t.out[2] else None for t in crossed]
    side = common(peeled)
    if side is None or any(p is None or p.inner[0] != p.inner[1] for p in peeled):
        return None
    inner = []
    for t, p in zip(crossed, peeled, strict=True):
        assert p is not None
        inner.append(rest_of(t, p, (p.inner[0], t.out[1], p.inner[1], t.out[3])))
    block = _block(inner)
    if block is None:
        return None
    parts = {"L": side, **block, **beside([flipped(t) for t in straight] if by_columns else straight, 2)}
    count, size = side.shape[0], x.shape[0 if by_columns else 1]

    def act(values: Mapping[str, Array], step: Array) -> Array:
        z = step.T if by_columns else step
        found = values["L"].T @ _act_block(values, values["L"] @ z)
        return np.asarray((found.T if by_columns else found) + values.get("D", 0.0) * step)

    def formula(shown: Shown) -> Expression:
        i = _counter(shown, count)
        row, inside = shown["L"][i], _show_block(shown, i, size)
        square = multiply_any(row, transpose(row))
        whole = sum_over(i, call("kron", square, inside) if by_columns else call("kron", inside, square))
        return with_diagonal(whole, shown, x.shape[0] * x.shape[1])

    return Claim(through(x, side, bool(straight)), parts, act, formula)


def _through_columns(terms: Sequence[Term], x: Leaf) -> Claim | None:
    return _through_rows(terms, x, True)


ROWS = (
    Kind("blocks of rows", 3, 2, _rows, "the rows of the variable enter separate terms"),
    Kind("blocks of columns", 4, 2, _columns, "the columns of the variable enter separate terms"),
    Kind("product of blocks", 6, 2, _through_rows, "the rows of X W enter separate terms"),
    Kind("product of blocks, from the right", 7, 2, _through_columns, "the columns of W X enter separate terms"),
)
