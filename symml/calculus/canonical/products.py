"""Products: what contracts away by a declared fact, an inverse, or a relation between two functions of one argument."""

from __future__ import annotations

from collections import Counter
from typing import Any

from symml.calculus.nodes import Apply, Ein, Factor, Indices, Leaf, Node
from symml.calculus.rewriting import Build, Rewrite, State, facts_of


def _counts(factors: list[Factor], out: tuple[int, ...]) -> Counter[int]:
    return Counter([i for _, idx in factors for i in idx] + list(out))


def _unify(factors: list[Factor], out: tuple[int, ...], old: int, new: int) -> tuple[list[Factor], tuple[int, ...]]:
    swap = {old: new}
    renamed = [(f, tuple(swap.get(i, i) for i in idx)) for f, idx in factors]
    return renamed, tuple(swap.get(o, o) for o in out)


def _inverse_pair(build: Build, state: State, sizes: dict[int, Any]) -> State | None:
    """A_ij (A⁻¹)_jk summed over j is δ_ik."""
    _, factors, out = state
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
                        return _contract(
                            state, sizes, (k, m), idx[a], idx[1 - a], inv_idx[1 - slot], f.sign * base.sign
                        )
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


def _cancel(build: Build, state: State, sizes: dict[int, Any]) -> State | None:
    """A product times its own inverse, or over itself entry by entry, when its factors stand apart in the product."""
    coefficient, factors, out = state
    for k, (f, idx) in enumerate(factors):
        base, q = build.base_and_exponent(f)
        if isinstance(base, Ein) and q.denominator == 1 and q < 0 and base.factors:
            found = match_factors(base, dict(zip(base.out, idx, strict=True)), factors, k, out, build)
            if found is not None:
                rest = [x for n, x in enumerate(factors) if n not in found[0] and n != k]
                for i in found[1]:
                    sizes.pop(i)
                extra = [] if q == -1 else [(build.power(base, q + 1), idx)]
                return coefficient, rest + extra, out
        if isinstance(f, Apply) and f.op == "inv" and isinstance(f.children[0], Ein):
            simpler = _cancel_inverse(build, state, sizes, k)
            if simpler is not None:
                return simpler
    return None


def _cancel_inverse(build: Build, state: State, sizes: dict[int, Any], k: int) -> State | None:
    coefficient, factors, out = state
    inverse, idx = factors[k]
    base = inverse.children[0]
    assert isinstance(base, Ein)
    if base.out[0] == base.out[1]:
        return None
    for slot in (0, 1):
        meet = idx[slot]
        if meet in out:
            continue
        given = {base.out[1 - slot]: meet}
        found = match_factors(base, given, factors, k, out, build)
        if found is None:
            continue
        used, inner, names = found
        if base.out[slot] not in names:  # an axis of ones
            continue
        other = names[base.out[slot]]
        if other in inner or _counts([x for n, x in enumerate(factors) if n not in used and n != k], out)[meet]:
            continue
        rest = [x for n, x in enumerate(factors) if n not in used and n != k]
        for i in (*inner, meet):
            sizes.pop(i)
        if other != idx[1 - slot]:
            rest, out = _unify(rest, out, other, idx[1 - slot])
            sizes.pop(other)
        return coefficient, rest, out
    return None


def match_factors(
    base: Ein, given: dict[int, int], factors: list[Factor], skip: int, out: tuple[int, ...], build: Build
) -> tuple[set[int], list[int], dict[int, int]] | None:  # fmt: skip
    """Return places, inner indices and names of the factors of `base` among `factors`.

    Summed indices of `base` must occur nowhere else.
    """
    counts = _counts(factors, out)
    stack: list[tuple[int, frozenset[int], dict[int, int]]] = [(0, frozenset(), given)]
    budget = 200
    while stack and budget:
        budget -= 1
        level, used, names = stack.pop()
        if level == len(base.factors):
            inner = [names[i] for i in range(len(base.sizes)) if i not in base.out]
            own = _counts([factors[n] for n in used], ())
            if all(counts[i] == own[i] and i not in out for i in inner) and len(set(inner)) == len(inner):
                return set(used), inner, names
            continue
        node, pattern = base.factors[level]
        for n, (g, idx) in enumerate(factors):
            if n == skip or n in used or g is not node:
                continue
            for view in (idx, idx[::-1]) if len(idx) == 2 and build.is_symmetric(g) else (idx,):
                trial = dict(names)
                if all(trial.setdefault(p, i) == i for p, i in zip(pattern, view, strict=True)):
                    stack.append((level + 1, used | {n}, trial))
    return None


def _orthonormal(build: Build, state: State, sizes: dict[int, Any]) -> State | None:
    """Q_ij Q_ik summed over i is δ_jk; for an orthogonal Q also over the second index."""
    _, factors, out = state
    known = [
        (k, f)
        for k, (f, idx) in enumerate(factors)
        if isinstance(f, Leaf) and "orthonormal columns" in f.facts and len(idx) == 2
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


def _unit_columns(build: Build, state: State, sizes: dict[int, Any]) -> State | None:
    """Q_ij² summed over i is 1; for an orthogonal Q also over the second index."""
    coefficient, factors, out = state
    counts = None
    for k, (f, idx) in enumerate(factors):
        base, q = build.base_and_exponent(f)
        if q != 2 or not isinstance(base, Leaf) or "orthonormal columns" not in base.facts or idx[0] == idx[1]:
            continue
        counts = counts or _counts(factors, out)
        for slot in (0, 1) if "orthogonal" in base.facts else (0,):
            if counts[idx[slot]] == 1:
                sizes.pop(idx[slot])
                return coefficient, factors[:k] + factors[k + 1 :], out
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


_QUOTIENTS = {("sinh", "cosh"): "tanh", ("sin", "cos"): "tan"}


def _quotients(build: Build, state: State, sizes: dict[int, Any]) -> State | None:
    """sinh(z)/cosh(z) = tanh(z), sin(z)/cos(z) = tan(z), at one position."""
    coefficient, factors, out = state
    found = _functions(build, factors)
    for (upper, lower), name in _QUOTIENTS.items():
        for idx, z, k, q in found.get(upper, {}).values():
            other = found.get(lower, {}).get((idx, z)) if q == 1 else None
            if other is not None and other[3] == -1:
                rest = [x for n, x in enumerate(factors) if n not in (k, other[2])]
                return coefficient, [*rest, (build.apply_map(name, z), idx)], out
    return None


_Place = tuple[Indices, Node, int, Any]  # indices, argument, which factor, exponent


def _functions(build: Build, factors: list[Factor]) -> dict[str, dict[tuple[Indices, Node], _Place]]:
    """Factors that are powers of elementwise functions, by name, then by place and argument."""
    found: dict[str, dict[tuple[Indices, Node], _Place]] = {}
    for k, (node, idx) in enumerate(factors):
        f, q = build.base_and_exponent(node)
        if isinstance(f, Apply) and f.op == "map" and isinstance(f.param, str):
            found.setdefault(f.param, {})[idx, f.children[0]] = (idx, f.children[0], k, q)
    return found


def _softmax(build: Build, state: State, sizes: dict[int, Any]) -> State | None:
    """exp(z_ij) over Σ_j exp(z_ij), along the last axis, is a softmax."""
    coefficient, factors, out = state
    exponentials = _functions(build, factors).get("exp", {})
    for idx, z, k, q in exponentials.values():
        for m, (node, lead) in enumerate(factors):
            base, p = build.base_and_exponent(node)
            if not idx or q < 1 or p > -1 or _total_places(base, z, lead) != idx[:-1]:
                continue
            left = [x for n, x in enumerate(factors) if n not in (k, m)]
            powers = [(build.power(build.apply_map("exp", z), q - 1), idx), (build.power(base, p + 1), lead)]
            kept = [f for f, e in zip(powers, (q - 1, p + 1), strict=True) if e != 0]
            return coefficient, [*left, (build.operator("softmax", (z,), z.shape), idx), *kept], out
    return None


def _total_places(node: Node, z: Node, places: Indices) -> Indices | None:
    """The indices i of Σ_j exp(z_ij), a node at the given places, along other axes perhaps; None for another node."""
    if not isinstance(node, Ein) or node.coefficient != 1 or len(node.factors) != 1:
        return None
    ((f, idx),) = node.factors
    at = dict(zip(node.out, places, strict=True))
    whole = len(set(idx)) == len(idx) and idx[-1:] and idx[-1] not in at and all(i in at for i in idx[:-1])
    if not whole or not (isinstance(f, Apply) and f.op == "map" and f.param == "exp" and f.children[0] is z):
        return None
    return tuple(at[i] for i in idx[:-1])


_PAIRS = {("relu", "step"): "relu", ("sign", "abs"): ""}


def _pairs(build: Build, state: State, sizes: dict[int, Any]) -> State | None:
    """relu(z) [z > 0] = relu(z), |z| sign(z) = z, at one position."""
    coefficient, factors, out = state
    found = _functions(build, factors)
    for (first, second), name in _PAIRS.items():
        for idx, z, k, q in found.get(first, {}).values():
            other = found.get(second, {}).get((idx, z))
            if other is None or other[3] != 1 or not (name or q == 1):
                continue
            if name:
                return coefficient, [x for n, x in enumerate(factors) if n != other[2]], out
            rest = [x for n, x in enumerate(factors) if n not in (k, other[2])]
            return coefficient, [*rest, (z, idx)], out
    return None


RULES = (
    Rewrite("inverse_times_itself", "product", "", "A A⁻¹ = I", "factors", _inverse_pair),
    Rewrite("orthonormal_columns", "product", "", "QᵀQ = I", "factors", _orthonormal),
    Rewrite("unit_columns", "product", "", "Σ_i q_ij² = 1", "factors", _unit_columns),
    Rewrite("idempotent", "product", "", "P P = P", "factors", _idempotent),
    Rewrite("sums_to_one", "product", "", "a probability vector sums to 1", "factors", _sums_to_one),
    Rewrite(
        "product_over_itself", "product", "", "A B (A B)⁻¹ = I, and (a b)/(a b) = 1 entry by entry", "factors", _cancel
    ),
    Rewrite("softmax_spelled_out", "product", "", "exp(z)/Σ exp(z) = softmax(z)", "exponentials", _softmax),
    Rewrite("quotient_of_functions", "product", "", "sinh(z)/cosh(z) = tanh(z)", "factors", _quotients),
    Rewrite("related_functions", "product", "", "relu(z) ⊙ [z > 0] = relu(z), |z| ⊙ sign(z) = z", "factors", _pairs),
)
