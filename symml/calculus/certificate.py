"""Canonical labelling of the index graph of a product: equal products get equal certificates.

Colour refinement on the indices, ties broken by trying every index of the smallest tied class (McKay). The search is
capped; beyond the cap equality may be missed, never wrongly claimed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from symml.calculus.nodes import fingerprint

SEARCH_LIMIT = 240

Item = tuple[bytes, tuple[int, ...], bool]  # digest of the factor, its indices, whether the two indices may swap


def certificate(items: Sequence[Item], out: tuple[int, ...], sizes: Sequence[Any]) -> bytes:
    """Return a digest of Σ Π items that does not depend on the order of factors or the names of indices."""
    count = len(sizes)
    kinds = {d: k for k, d in enumerate(sorted({i[0] for i in items}))}
    edges = [(kinds[d], idx, swap) for d, idx, swap in items]
    first = [(str(sizes[v]), tuple(k for k, o in enumerate(out) if o == v)) for v in range(count)]
    colours = _ranks(first)
    budget = [SEARCH_LIMIT]
    best = _search(edges, colours, out, budget)
    digests = sorted(kinds)
    return fingerprint("ein", digests, best, tuple(sorted(str(s) for s in sizes)))


def _ranks(signatures: Sequence[Any]) -> list[int]:
    order = {s: k for k, s in enumerate(sorted(set(signatures)))}
    return [order[s] for s in signatures]


def _refine(edges: Sequence[tuple[int, tuple[int, ...], bool]], colours: list[int]) -> list[int]:
    classes = len(set(colours))
    while classes < len(colours):
        around: list[list[Any]] = [[] for _ in colours]
        for kind, idx, swap in edges:
            seen = tuple(colours[v] for v in idx)
            if swap and len(idx) == 2:
                around[idx[0]].append((kind, 0, (seen[1],)))
                around[idx[1]].append((kind, 0, (seen[0],)))
                continue
            for slot, v in enumerate(idx):
                around[v].append((kind, slot, seen))
        colours = _ranks([(c, tuple(sorted(a))) for c, a in zip(colours, around, strict=True)])
        now = len(set(colours))
        if now == classes:
            break
        classes = now
    return colours


def _search(edges: Any, colours: list[int], out: tuple[int, ...], budget: list[int]) -> Any:
    colours = _refine(edges, colours)
    counts = Counter(colours)
    tied = [c for c, k in counts.items() if k > 1]
    if not tied:
        rows = []
        for kind, idx, swap in edges:
            named = tuple(colours[v] for v in idx)
            rows.append((kind, tuple(sorted(named)) if swap else named))
        return (tuple(sorted(rows)), tuple(colours[o] for o in out), len(colours))
    target = min(tied, key=lambda c: (counts[c], c))
    best = None
    for v, colour in enumerate(colours):
        if colour != target:
            continue
        budget[0] -= 1
        if budget[0] < 0 and best is not None:
            break
        split = [2 * c + 1 for c in colours]
        split[v] -= 1
        found = _search(edges, split, out, budget)
        if best is None or found < best:
            best = found
    return best
