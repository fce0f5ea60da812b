"""Structures of the Hessian of a matrix, vec stacking columns: diagonal, rank one, Kronecker products."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from symml.calculus.construct import total
from symml.calculus.nodes import Leaf, Node
from symml.derivation.curvature.structures.claims import (
    Array,
    Claim,
    Kind,
    Parts,
    Shown,
    beside,
    outer_parts,
    with_diagonal,
)
from symml.derivation.curvature.structures.terms import Term, constant, diagonal, is_diagonal, outer
from symml.derivation.stationary.separating import merged, split
from symml.language.expressions import Expression
from symml.language.operators import add, call, eye, multiply_any, symbol, transpose

LONGEST_SUM = 4  # Kronecker products; a longer sum says no more than the action does


def _diagonal(terms: Sequence[Term], x: Leaf) -> Claim | None:
    if not all(is_diagonal(t) for t in terms):
        return None
    entries = diagonal(terms, 2)
    assert entries is not None
    scalar = constant(entries)
    parts: Parts = {"S": entries} if scalar is None else {"t": scalar}

    def formula(shown: Shown) -> Expression:
        if "t" in shown:
            return multiply_any(shown["t"], eye(x.shape[0] * x.shape[1]))
        return call("diag", call("vec", shown["S"]))

    return Claim("diagonal", parts, lambda values, step: np.asarray(next(iter(values.values())) * step), formula)


def _rank_one(terms: Sequence[Term], x: Leaf) -> Claim | None:
    straight = [t for t in terms if is_diagonal(t)]
    rest = [t for t in terms if not is_diagonal(t)]
    crossed = outer(rest[0], rest[0].out[:2], rest[0].out[2:]) if len(rest) == 1 else None
    if crossed is None:
        return None

    def act(values: Mapping[str, Array], step: Array) -> Array:
        along = values["c"] * values["u"] * np.sum(values["u"] * step)
        return np.asarray(values.get("D", 0.0) * step + along)

    def formula(shown: Shown) -> Expression:
        u = call("vec", shown["u"])
        return with_diagonal(multiply_any(shown["c"], u, transpose(u)), shown, x.shape[0] * x.shape[1])

    title = "diagonal plus rank one" if straight else "rank one"
    return Claim(title, {**beside(straight, 2), **outer_parts(crossed)}, act, formula)


def _kronecker(terms: Sequence[Term], x: Leaf) -> Claim | None:
    """Σ Q ⊗ P, from H[dX] = Σ P dX Qᵀ; a term in dXᵀ has the commutation matrix behind it."""
    found = split(total([t.node() for t in terms], x.shape * 2), "symmetric" in x.facts)
    if found is None:
        return None
    pairs = [(p, turned) for turned in (False, True) for p in merged([p for p in found if p.flipped == turned])]
    if len(pairs) > LONGEST_SUM:
        return None
    parts: dict[str, Node] = {}
    for number, (p, _) in enumerate(pairs):
        left, right = _names(number, len(pairs))
        parts |= {left: p.right, right: p.left}

    def act(values: Mapping[str, Array], step: Array) -> Array:
        done = np.zeros_like(step)
        for number, (_, turned) in enumerate(pairs):
            left, right = (values[k] for k in _names(number, len(pairs)))
            done = done + right @ (step.T if turned else step) @ left.T
        return np.asarray(done)

    name = next(k for k in ("K", "T", "Com") if k not in {leaf.name for part in parts.values() for leaf in part.leaves})

    def formula(shown: Shown) -> Expression:
        commutation = symbol(name, (x.shape[0] * x.shape[1],) * 2)
        written = []
        for number, (_, turned) in enumerate(pairs):
            product = call("kron", *(shown[k] for k in _names(number, len(pairs))))
            written.append(multiply_any(product, commutation) if turned else product)
        return add(*written)

    title = "Kronecker: {formula}" if len(pairs) == 1 else "sum of Kronecker products: {formula}"
    if not any(turned for _, turned in pairs):
        lead = "on symmetric directions, H = " if "symmetric" in x.facts else "H = "
        return Claim(title, parts, act, formula, lead, inline=tuple(parts))
    lead = f"with {name} vec(d{x.name}) = vec(d{x.name}ᵀ), H = "
    latex = rf"{name} \operatorname{{vec}}(d{x.name}) = \operatorname{{vec}}(d{x.name}^{{\top}}),\ H = "
    return Claim(title, parts, act, formula, lead, latex, tuple(parts))


def _names(number: int, count: int) -> tuple[str, str]:
    return ("left", "right") if count == 1 else (f"left{number + 1}", f"right{number + 1}")


ROWS = (
    Kind("diagonal", 1, 2, _diagonal, "every entry of the variable enters a term of its own"),
    Kind("Kronecker", 2, 2, _kronecker, "H[dX] = P dX Qᵀ, so H = Q ⊗ P"),
    Kind("rank one", 5, 2, _rank_one, "a function of one inner product, or a norm"),
)
