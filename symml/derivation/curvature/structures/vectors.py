"""Structures of the Hessian of a vector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from symml.calculus.construct import is_zero, times, total
from symml.calculus.nodes import Ein, Leaf, Node, const
from symml.derivation.curvature.structures.claims import (
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
from symml.derivation.curvature.structures.terms import Term, is_diagonal, outer, peel, rest_of
from symml.language.expressions import Expression
from symml.language.operators import add, multiply_any, transpose, zeros

MOST = 3  # outer products


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


def _low_rank(terms: Sequence[Term], x: Leaf) -> Claim | None:
    """Σ c u uᵀ with a diagonal, or with a matrix in front that has no such form: what Woodbury's identity inverts."""
    straight = [t for t in terms if is_diagonal(t)]
    rest = [(t, outer(t, t.out[:1], t.out[1:])) for t in terms if not is_diagonal(t)]
    crossed = [o for _, o in rest if o is not None]
    whole = [t for t, o in rest if o is None]
    if not 0 < len(crossed) <= MOST or (len(crossed) == 1 and not whole):
        return None
    parts: dict[str, Node] = beside(straight, 1)
    if whole:
        parts["S"] = total([t.node() for t in whole], x.shape * 2)
    for k, o in enumerate(crossed, 1):
        parts |= {f"c{k}": o.scale, f"u{k}": o.vector}

    def act(values: Mapping[str, Array], step: Array) -> Array:
        found = values.get("D", 0.0) * step + (values["S"] @ step if "S" in values else 0.0)
        for k in range(1, len(crossed) + 1):
            found = found + values[f"c{k}"] * values[f"u{k}"] * np.sum(values[f"u{k}"] * step)
        return np.asarray(found)

    def formula(shown: Shown) -> Expression:
        outers = [
            multiply_any(shown[f"c{k}"], shown[f"u{k}"], transpose(shown[f"u{k}"])) for k in range(1, len(crossed) + 1)
        ]
        front = [shown["S"]] if "S" in shown else []
        return with_diagonal(add(*front, *outers), shown, x.shape[0])

    rank = {1: "one", 2: "two", 3: "three"}[len(crossed)]
    start = "a matrix plus" if whole else "diagonal plus" if straight else "at most"
    return Claim(f"{start} rank {rank}", parts, act, formula, inline=("S", *parts))


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
    Kind("low rank", 4, 1, _low_rank, "functions of a few inner products beside a diagonal or a quadratic form"),
    Kind("product", 3, 1, _product, "the variable enters through a matrix: H = Lᵀ M L"),
)
