"""Reverse mode: the derivative of a node by a leaf, of any order, in one pass over the graph.

The adjoint of a node v has shape f.shape + v.shape, so gradient, Jacobian and Hessian are the same pass.
"""

from __future__ import annotations

from symml.calculus import fusing
from symml.calculus.construct import BUILD, delta, ein, total, zero
from symml.calculus.nodes import Apply, Ein, Leaf, Node, Sum, leaf, walk
from symml.calculus.rule import rule

DIRECTION = "∂"


def derivative(f: Node, x: Leaf) -> Node:
    """Return ∂f/∂x with axes f.shape + x.shape."""
    if isinstance(f, Apply) and fusing.is_fused(f):
        inner = derivative(f.children[0], x)
        return fusing.fuse(BUILD, inner, (*f.param, *(1 for _ in x.shape)))
    return pull_back(f, x, delta(f.shape), len(f.shape))


def pull_back(f: Node, x: Leaf, seed: Node, lead: int) -> Node:
    """Return Σ seed[F, axes of f] ∂f/∂x; the first `lead` axes of the seed stay."""
    shape = (*seed.shape[:lead], *x.shape)
    if x not in f.leaves:
        return zero(shape)
    adjoints: dict[Node, list[Node]] = {f: [seed]}
    order = [n for n in walk(f, right_to_left=True) if x in n.leaves]
    for node in reversed(order):
        found = adjoints.pop(node, None)
        if not found:
            continue
        adjoint = found[0] if len(found) == 1 else total(found, found[0].shape)
        if node is x:
            return adjoint
        for child, part in _parts(node, x, adjoint, lead):
            adjoints.setdefault(child, []).append(part)
    return zero(shape)


def _parts(node: Node, x: Leaf, adjoint: Node, lead: int) -> list[tuple[Node, Node]]:
    if isinstance(node, Sum):
        return [(t, adjoint) for t in node.terms if x in t.leaves]
    if isinstance(node, Ein):
        return _ein_parts(node, x, adjoint, lead)
    assert isinstance(node, Apply)
    parts = []
    for k, child in enumerate(node.children):
        if x not in child.leaves:
            continue
        row = rule(node)
        if row.pull_back is not None:
            parts.append((child, row.pull_back(node, k, adjoint, lead)))
            continue
        # the rule's differential is linear in this direction: its transpose is its own pull-back
        direction = leaf(DIRECTION, DIRECTION, child.shape, frozenset())
        moves = [direction if m == k else None for m in range(len(node.children))]
        differential = row.differential(node, moves)
        parts.append((child, pull_back(differential, direction, adjoint, lead)))
    return parts


def _ein_parts(node: Ein, x: Leaf, adjoint: Node, lead: int) -> list[tuple[Node, Node]]:
    shift = len(node.sizes)
    extra = tuple(range(shift, shift + lead))
    sizes = dict(enumerate(node.sizes)) | {shift + k: adjoint.shape[k] for k in range(lead)}
    parts = []
    for k, (child, idx) in enumerate(node.factors):
        if x not in child.leaves:
            continue
        others = [f for m, f in enumerate(node.factors) if m != k]
        used = {i for _, other in others for i in other} | set(node.out) | set(idx)
        lost = [i for i in range(len(node.sizes)) if i not in used]
        assert not lost, "an index of a product vanished"
        factors = [(adjoint, (*extra, *node.out)), *others]
        if not extra and adjoint.shape == ():
            factors = [*others, (adjoint, ())]
        parts.append((child, ein(node.coefficient, factors, (*extra, *idx), sizes)))
    return parts
