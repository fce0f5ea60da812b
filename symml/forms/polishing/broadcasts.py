"""Sums pushed into a difference with a broadcast term: (X − 1 μᵀ)ᵀ 1 → Xᵀ 1 − n μ."""

from __future__ import annotations

from collections import Counter

from symml.calculus.construct import ein, is_zero, total
from symml.calculus.nodes import Apply, Ein, Node, Sum, walk
from symml.calculus.transform import rebuild

TERMS = 12  # of a sum whose parts may vanish


def push_sums(node: Node) -> Node:
    """Return the node with every private summed index of a sum pushed into it, where a term does not move with it."""
    done: dict[Node, Node] = {}
    for part in walk(node):
        new = rebuild(part, [done[c] for c in part.children])
        done[part] = _pushed(new) if isinstance(new, Ein) else new
    return done[node]


def _pushed(node: Ein) -> Node:
    counts = Counter([i for _, idx in node.factors for i in idx] + list(node.out))
    for k, (factor, idx) in enumerate(node.factors):
        if not isinstance(factor, Sum):
            continue
        private = [i for i in dict.fromkeys(idx) if counts[i] == 1 and i not in node.out]
        if not private or not any(_still(t, idx.index(private[0])) for t in factor.terms) or not _raw(factor):
            continue
        i = private[0]
        slot = idx.index(i)
        axes = tuple(range(len(idx)))
        kept = tuple(a for a in axes if a != slot)
        sizes = dict(enumerate(factor.shape))
        terms = [ein(1, [(t, axes)], kept, sizes) for t in factor.terms]
        inner = total(terms, [factor.shape[a] for a in kept])
        rest = [f if m != k else (inner, tuple(idx[a] for a in kept)) for m, f in enumerate(node.factors)]
        all_sizes = {j: d for j, d in enumerate(node.sizes) if j != i}
        found = ein(node.coefficient, rest, node.out, all_sizes)
        return _pushed(found) if isinstance(found, Ein) else found
    return node


def _raw(node: Sum) -> bool:
    """Whether a sum is made of data: inside a network residual the sum Eᵀ 1 is what people write."""
    return not any(isinstance(n, Apply) for n in walk(node))


def _still(term: Node, slot: int) -> bool:
    """Whether a term of a sum is constant along an axis."""
    return isinstance(term, Ein) and term.out[slot] not in {i for _, idx in term.factors for i in idx}


def drop_zero_sums(node: Node) -> Node:
    """Return the node without sums that vanish: Σᵢ rᵢ of centred r = x − mean(x) 1 is 0, alone or inside a sum."""
    done: dict[Node, Node] = {}
    for part in walk(node):
        new = rebuild(part, [done[c] for c in part.children])
        done[part] = _dropped(new) if isinstance(new, Ein) else new
    return done[node]


def _dropped(node: Ein) -> Node:
    """A product whose summed factor is taken term by term, where some term is zero; else the product."""
    for k in range(len(node.factors)):
        found = _summed_inside(node, k)
        if found is not None and found[1]:
            return found[0]
    return node


def _summed_inside(node: Ein, k: int) -> tuple[Node, bool] | None:
    """A product with the sum over a private index of factor k pushed into it, and whether a term vanished by that."""
    factor, idx = node.factors[k]
    if not isinstance(factor, Sum) or len(factor.terms) > TERMS:
        return None
    counts = Counter([i for _, own in node.factors for i in own] + list(node.out))
    private = [i for i in dict.fromkeys(idx) if counts[i] == 1 and i not in node.out]
    if not private:
        return None
    axes = tuple(range(len(idx)))
    slots = {idx.index(i) for i in private[:1]}
    kept = tuple(a for a in axes if a not in slots)
    sizes = dict(enumerate(factor.shape))
    parts = [ein(1, [(t, axes)], kept, sizes) for t in factor.terms]
    inner = [_dropped(p) if isinstance(p, Ein) else p for p in parts]
    whole = total(inner, [factor.shape[a] for a in kept])
    count = len(whole.terms) if isinstance(whole, Sum) else 0 if is_zero(whole) else 1
    rest = [f if m != k else (whole, tuple(idx[a] for a in kept)) for m, f in enumerate(node.factors)]
    found = ein(node.coefficient, rest, node.out, {j: d for j, d in enumerate(node.sizes) if j != private[0]})
    return found, count < len(factor.terms)
