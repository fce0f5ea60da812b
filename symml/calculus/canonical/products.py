"""Products: what contracts away by a declared fact, an inverse, or a relation between two functions of one argument."""

from __future__ import annotations

from collections import Counter
from typing import Any

from symml.calculus.nodes import Apply, Factor, Leaf
from symml.calculus.rewriting import Build, Rewrite, State, facts_of


def _counts(factors: list[Factor], out: tuple[int, ...]) -> Counter[int]:
    return Counter([i for _, idx in factors for i in idx] + list(out))


def _unify(factors: list[Factor], out: tuple[int, ...], old: int, new: int) -> tuple[list[Factor], tuple[int, ...]]:
    swap = {old: new}
    renamed = [(f, tuple(swap.get(i, i) for i in idx)) for f, idx in factors]
    return renamed, tuple(swap.get(o, o) for o in out)


def _inverse_pair(build: Build, state: State, sizes: dict[int, Any]) -> State | None:
    """A_ij (A⁻¹)_jk summed over j is δ_ik."""
    coefficient, factors, out = state
    inverses = [k for k, (f, _) in enumerate(factors) if isinstance(f, Apply) and f.op == "inv"]
    if not inverses:
        return None
    counts = _counts(factors, out)
    for k in inverses:
        inv, inv_idx = factors[k]
        base = inv.children[0]
        for m, (f, idx) in enumerate(factors):
            if m == k or len(idx) != 2 or f.unsigned != base.unsigned:
                continue
            for a, b in ((0, 1), (1, 0)):  # slot of f and of inv that meet
                for straight in (True, False):
                    if not straight and not build.is_symmetric(base):
                        continue
                    slot = b if straight else a
                    if idx[a] == inv_idx[slot] and counts[idx[a]] == 2 and idx[a] not in out and idx[0] != idx[1]:
                        return _contract(state, sizes, (k, m), idx[a], idx[1 - a], inv_idx[1 - slot], f.sign * base.sign)
    return None


def _contract(
    state: State, sizes: dict[int, Any], gone: tuple[int, int], index: int, left: int, right: int, sign: int
) -> State:
    coefficient, factors, out = state
    rest = [f for k, f in enumerate(factors) if k not in gone]
    sizes.pop(index)
    if left != right:
        rest, out = _unify(rest, out, right, left)
        sizes.pop(right)
    return coefficient * sign, rest, out


def _orthonormal(build: Build, state: State, sizes: dict[int, Any]) -> State | None:
    """Q_ij Q_ik summed over i is δ_jk; for an orthogonal Q also over the second index."""
    coefficient, factors, out = state
    known = [
        (k, f) for k, (f, idx) in enumerate(factors) if isinstance(f, Leaf) and "orthonormal columns" in f.facts and len(idx) == 2
    ]
    if len(known) < 2:
        return None
    counts = _counts(factors, out)
    for k, f in known:
        for m, g in known:
            if m <= k or g is not f:
                continue
            for slot in (0, 1) if "orthogonal" in f.facts else (0,):
                i = factors[k][1][slot]
                if i == factors[m][1][slot] and counts[i] == 2 and i not in out:
                    return _contract(state, sizes, (k, m), i, factors[k][1][1 - slot], factors[m][1][1 - slot], 1)
    return None


def _idempotent(build: Build, state: State, sizes: dict[int, Any]) -> State | None:
    """P_ij P_jk summed over j is P_ik."""
    coefficient, factors, out = state
    known = [(k, f) for k, (f, _) in enumerate(factors) if isinstance(f, Leaf) and "idempotent" in f.facts]
    counts = _counts(factors, out)
    for k, f in known:
        for m, g in known:
            if m == k or g is not f:
                continue
            a, b = factors[k][1], factors[m][1]
            slots = [(1, 0)] + ([(1, 1), (0, 0)] if "symmetric" in f.facts else [])
            for s, t in slots:
                if a[s] == b[t] and counts[a[s]] == 2 and a[s] not in out:
                    index = a[s]
                    rest = [x for n, x in enumerate(factors) if n not in (k, m)]
                    sizes.pop(index)
                    return coefficient, [*rest, (f, (a[1 - s], b[1 - t]))], out
    return None


def _sums_to_one(build: Build, state: State, sizes: dict[int, Any]) -> State | None:
    """Rows of a softmax, of one-hot labels, of responsibilities, and simplex vectors sum to 1."""
    coefficient, factors, out = state
    counts = None
    for k, (f, idx) in enumerate(factors):
        facts = facts_of(f)
        rows = "rows sum to one" in facts and idx
        if not rows and not ("sums to one" in facts and len(idx) == 1):
            continue
        counts = counts or _counts(factors, out)
        last = idx[-1]
        if counts[last] == 1 and last not in out:
            sizes.pop(last)
            return coefficient, factors[:k] + factors[k + 1 :], out
    return None


_PAIRS = {("relu", "step"): "relu", ("sign", "abs"): "", ("step", "step"): "step"}


def _pairs(build: Build, state: State, sizes: dict[int, Any]) -> State | None:
    """relu(z) [z > 0] = relu(z), |z| sign(z) = z, at one position."""
    coefficient, factors, out = state
    maps = [(k, *build.base_and_exponent(f), idx) for k, (f, idx) in enumerate(factors)]
    maps = [(k, f, q, idx) for k, f, q, idx in maps if isinstance(f, Apply) and f.op == "map"]
    for k, f, q, idx in maps:
        for m, g, r, jdx in maps:
            if k == m or idx != jdx or r != 1 or f.children != g.children or (f.param, g.param) not in _PAIRS:
                continue
            name = _PAIRS[f.param, g.param]
            if not name:
                if q != 1:
                    continue
                rest = [x for n, x in enumerate(factors) if n not in (k, m)]
                return coefficient, [*rest, (f.children[0], idx)], out
            return coefficient, [x for n, x in enumerate(factors) if n != m], out
    return None


RULES = (
    Rewrite("inverse_times_itself", "product", "", "A A⁻¹ = I", "factors", _inverse_pair),
    Rewrite("orthonormal_columns", "product", "", "QᵀQ = I", "factors", _orthonormal),
    Rewrite("idempotent", "product", "", "P P = P", "factors", _idempotent),
    Rewrite("sums_to_one", "product", "", "a probability vector sums to 1", "factors", _sums_to_one),
    Rewrite("related_functions", "product", "", "relu(z) ⊙ [z > 0] = relu(z), |z| ⊙ sign(z) = z", "factors", _pairs),
)
