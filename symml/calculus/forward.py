"""Forward mode: the differential of a node along given directions, from the same rule table as reverse mode."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symml.calculus.construct import ein, total
from symml.calculus.nodes import Apply, Ein, Node, Sum, walk
from symml.calculus.rule import rule


def differential(f: Node, moves: Mapping[Any, Node]) -> Node | None:
    """Return df along the directions of `moves`; None when f does not depend on any of them."""
    return differentials(f, moves).get(f)


def differentials(f: Node, moves: Mapping[Any, Node]) -> dict[Node, Node]:
    """Return the differential of every node below f that moves; a node of `moves` keeps the one given."""
    found: dict[Node, Node] = {**moves}
    for node in walk(f):
        if node in found or not any(c in found for c in node.children):
            continue
        found[node] = _local(node, found)
    return found


def _local(node: Node, found: Mapping[Node, Node]) -> Node:
    if isinstance(node, Sum):
        return total([found[t] for t in node.terms if t in found], node.shape)
    if isinstance(node, Ein):
        return total(product_terms(node, found), node.shape)
    assert isinstance(node, Apply)
    moved = [found.get(c) for c in node.children]
    return total([rule(node).differential(node, [m if j == k else None for j in range(len(moved))])
                  for k, m in enumerate(moved) if m is not None], node.shape)  # fmt: skip


def product_terms(node: Ein, found: Mapping[Node, Node]) -> list[Node]:
    """Return one term for each factor that moves: the product rule."""
    terms = []
    for k, (child, idx) in enumerate(node.factors):
        if child in found:
            factors = [(found[child] if m == k else g, jdx) for m, (g, jdx) in enumerate(node.factors)]
            terms.append(ein(node.coefficient, [(g, jdx if m != k else idx) for m, (g, jdx) in enumerate(factors)],
                             node.out, dict(enumerate(node.sizes))))  # fmt: skip
    return terms
