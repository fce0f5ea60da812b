"""Structures of the Hessian of a vector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from symml.calculus.construct import is_zero, times
from symml.calculus.nodes import Ein, Leaf, const
from symml.derivation.structures.claims import (
    Array,
    Claim,
    Kind,
    Parts,
    Shown,
    act_middle,
    beside,
    common,
    middle,
    show_middle,
    through,
    with_diagonal,
)
from symml.derivation.structures.terms import Term, is_diagonal, peel, rest_of
from symml.language.expressions import Expression
from symml.language.operators import multiply_any, transpose, zeros


def _zero(terms: Sequence[Term], x: Leaf) -> Claim | None:
    if not all(is_zero(t.node()) for t in terms):
        return None
    size = x.shape[0] * x.shape[1] if len(x.shape) == 2 else x.shape[0]
    return Claim("zero", {}, lambda values, step: 0.0 * step, lambda shown: zeros(size, size))


def _diagonal(terms: Sequence[Term], x: Leaf) -> Claim | None:
    if not all(is_diagonal(t) for t in terms):
        return None
    return Claim("diagonal", middle(terms), act_middle, lambda shown: show_middle(shown, x.shape[0]))


def _rank_one(terms: Sequence[Term], x: Leaf) -> Claim | None:
    parts = middle(terms)
    if "u" not in parts:
        return None
    title = "diagonal plus rank one" if len(parts) > 2 else "rank one"
    return Claim(title, parts, act_middle, lambda shown: show_middle(shown, x.shape[0]))


def _product(terms: Sequence[Term], x: Leaf) -> Claim | None:
    """Lᵀ M L, with what stands on the diagonal besides."""
    straight = [t for t in terms if is_diagonal(t)]
    crossed = [t for t in terms if not is_diagonal(t)]
    peeled = [peel(t, *t.out) for t in crossed]
    side = common(peeled)
    if side is None:
        return None
    between = middle([rest_of(t, p, p.inner) for t, p in zip(crossed, peeled, strict=True) if p is not None])
    between = _in_front(between)
    parts = {"L": side, **between, **beside(straight, 1)}

    def act(values: Mapping[str, Array], step: Array) -> Array:
        found = values["L"].T @ act_middle(values, values["L"] @ step)
        return np.asarray(values.get("a", 1.0) * found + values.get("D", 0.0) * step)

    def formula(shown: Shown) -> Expression:
        left = transpose(shown["L"])
        if set(between) == {"t"}:
            whole = multiply_any(shown["t"], left, shown["L"])
        else:
            whole = multiply_any(shown.get("a", 1), left, show_middle(shown, side.shape[0]), shown["L"])
        return with_diagonal(whole, shown, x.shape[0])

    return Claim(through(x, side, bool(straight)), parts, act, formula, inline=("L",))


def _in_front(parts: Parts) -> Parts:
    """The parts of a middle with the number of its only factor in front."""
    if len(parts) != 1:
        return parts
    ((role, node),) = parts.items()
    if role not in ("s", "S") or not isinstance(node, Ein) or node.coefficient == 1:
        return parts
    return {"a": const(node.coefficient), role: times(1 / node.coefficient, node)}


ROWS = (
    Kind("zero", 0, 1, _zero, "the objective is linear in the variable"),
    Kind("zero", 0, 2, _zero, "the objective is linear in the variable"),
    Kind("diagonal", 1, 1, _diagonal, "every entry of the variable enters a term of its own"),
    Kind("rank one", 2, 1, _rank_one, "a function of one inner product, or a norm"),
    Kind("product", 3, 1, _product, "the variable enters through a matrix: H = Lᵀ M L"),
)
