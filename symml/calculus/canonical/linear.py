"""Linear rearrangements of the last axes of an array: what does not touch these axes moves outside.

The axes before them only run along: the derivative of toeplitz(c) b, say, holds diagsums of one matrix for each row.
Contracted with a direction, such an array is its transpose at work on the direction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from symml.calculus.linear import LINEAR, Linear
from symml.calculus.nodes import Apply, Ein, Factor, Indices, Node
from symml.calculus.rewriting import Build, Rewrite, State


def _apply(build: Build, row: Linear, others: tuple[Node, ...], x: Node, param: Any) -> Node:
    return build.operator(row.op, (*others, x), row.shape(x), param)


def _outside(build: Build, args: Sequence[Node], op: str, param: Any) -> Node | None:
    """Coefficients and factors that touch none of the axes at work move outside."""
    *others, x = args
    row = LINEAR[op]
    if not isinstance(x, Ein) or x.coefficient == 0:
        return None
    lead, own = x.out[: -row.takes], x.out[-row.takes :]
    free = set(lead) - set(own)
    summed = {i for _, idx in x.factors for i in idx} - set(x.out)
    moved = [(f, idx) for f, idx in x.factors if set(idx) <= free and not summed & set(idx)]
    if x.coefficient == 1 and not moved:
        return None
    rest = [f for f in x.factors if f not in moved]
    sizes = dict(enumerate(x.sizes))
    used = {i for _, idx in rest for i in idx} | set(own)
    kept = tuple(i for i in dict.fromkeys(lead) if i in used)
    within = build.ein(1, rest, (*kept, *own), {i: sizes[i] for i in sorted(used)})
    inner = _apply(build, row, tuple(others), within, param)
    fresh = tuple(range(len(x.sizes), len(x.sizes) + row.gives))
    sizes = {i: sizes[i] for i in lead} | dict(zip(fresh, inner.shape[len(kept) :], strict=True))
    return build.ein(x.coefficient, [*moved, (inner, (*kept, *fresh))], (*lead, *fresh), sizes)


def _running(factors: Sequence[Factor]) -> Iterator[tuple[int, Apply, Linear, Indices, Indices]]:
    """Factors that are linear primitives along further axes: place, node, its row, further axes, axes at work."""
    for k, (node, idx) in enumerate(factors):
        if isinstance(node, Apply) and node.op in LINEAR:
            row = LINEAR[node.op]
            lead, own = idx[: -row.gives], idx[-row.gives :]
            if lead:
                yield k, node, row, lead, own


def _transposes(build: Build, state: State, sizes: dict[int, Any]) -> State | None:
    """Σ T(G)[f, o] r[o] = Σ G[f, i] Tᵀ(r)[i], for axes f that run along."""
    coefficient, factors, out = state
    for k, node, row, lead, own in _running(factors):
        if set(own) & (set(out) | set(lead)):
            continue
        inside = _closed(factors, k, set(own), set(out) | set(lead))
        if inside is None:
            continue
        *others, x = node.children
        touching = [factors[m] for m in inside]
        gone = {*own, *(i for _, jdx in touching for i in jdx)}
        r = build.ein(1, touching, own, {i: sizes[i] for i in sorted(gone)})
        turned = _apply(build, LINEAR[row.transpose], row.others(build, tuple(others)), r, node.param)
        fresh = tuple(range(max(sizes) + 1, max(sizes) + 1 + row.takes))
        sizes.update(zip(fresh, x.shape[-row.takes :], strict=True))
        for i in gone:
            sizes.pop(i)
        left = [f for m, f in enumerate(factors) if m != k and m not in inside]
        return coefficient, [*left, (x, (*lead, *fresh)), (turned, fresh)], out
    return None


def _closed(factors: Sequence[Factor], k: int, own: set[int], barred: set[int]) -> list[int] | None:
    """Factors connected to the axes `own` of factor k; None when they reach a barred index."""
    reached, found = set(own), set[int]()
    while True:
        more = {m for m, (_, idx) in enumerate(factors) if m != k and m not in found and reached & set(idx)}
        if not more:
            return sorted(found)
        found |= more
        reached |= {i for m in more for i in factors[m][1]}
        if reached & barred:
            return None


def _contracted(build: Build, state: State, sizes: dict[int, Any]) -> State | None:
    """Σ_f T(G)[f, o] r[f] = T(Σ_f G[f] r[f])[o]."""
    coefficient, factors, out = state
    for k, node, row, lead, own in _running(factors):
        if set(lead) & set(own):
            continue
        summed = set(lead) - set(out)
        inside = [m for m, (_, jdx) in enumerate(factors) if m != k and set(jdx) & summed]
        if not summed or any(not set(factors[m][1]) <= set(lead) for m in inside):
            continue
        *others, x = node.children
        fresh = tuple(range(max(sizes) + 1, max(sizes) + 1 + row.takes))
        kept = tuple(i for i in dict.fromkeys(lead) if i not in summed)
        all_sizes = sizes | dict(zip(fresh, x.shape[-row.takes :], strict=True))
        parts = [(x, (*lead, *fresh)), *(factors[m] for m in inside)]
        used = {i for _, jdx in parts for i in jdx}
        inner = build.ein(1, parts, (*kept, *fresh), {i: all_sizes[i] for i in sorted(used)})
        made = _apply(build, row, tuple(others), inner, node.param)
        for i in summed:
            sizes.pop(i)
        left: list[Factor] = [f for m, f in enumerate(factors) if m != k and m not in inside]
        return coefficient, [*left, (made, (*kept, *own))], out
    return None


RULES = (
    *(
        Rewrite(f"{op}_of_multiple", "operator", op, f"{op}(c x) = c {op}(x)", "size under the operator", _outside)
        for op in LINEAR
    ),
    Rewrite("transposed_operator", "product", "", "⟨T(G), r⟩ = ⟨G, Tᵀ(r)⟩", "axes under operators", _transposes),
    Rewrite("contracted_operator", "product", "", "Σ r_f T(G_f) = T(Σ r_f G_f)", "axes under operators", _contracted),
)
