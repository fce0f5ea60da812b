"""Distribution of products over sums."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from symml.calculus.construct import apply_map, ein, operator, power, total
from symml.calculus.nodes import Apply, Const, Ein, Factor, Indices, Leaf, Node, Sum, walk

TERM_LIMIT = 400


def expand(f: Node) -> Node:
    """Return f with products distributed over sums, everywhere; gives up on a product of more than TERM_LIMIT terms."""
    done: dict[Node, Node] = {}
    for node in walk(f):
        done[node] = _expanded(node, done)
    return done[f]


def _expanded(node: Node, done: dict[Node, Node]) -> Node:
    if isinstance(node, (Leaf, Const)):
        return node
    if isinstance(node, Sum):
        return total([done[t] for t in node.terms], node.shape)
    if isinstance(node, Ein):
        return _distribute(
            ein(node.coefficient, [(done[f], i) for f, i in node.factors], node.out, dict(enumerate(node.sizes)))
        )
    assert isinstance(node, Apply)
    args = tuple(done[c] for c in node.children)
    if node.op == "pow":
        q = node.param
        if q.denominator == 1 and 2 <= q <= 4 and isinstance(args[0], Sum):
            axes = tuple(range(len(node.shape)))
            return _distribute_factors(1, [(args[0], axes)] * int(q), axes, dict(enumerate(node.shape)))
        if q in (2, 3) and isinstance(args[0], Ein) and len(args[0].sizes) > len(set(args[0].out)):
            axes = tuple(range(len(node.shape)))  # (Σ x)² is a double sum
            return ein(1, [(args[0], axes)] * int(q), axes, dict(enumerate(node.shape)))
        return power(args[0], q)
    return apply_map(node.param, args[0]) if node.op == "map" else operator(node.op, args, node.shape, node.param)


def _distribute(node: Node) -> Node:
    if not isinstance(node, Ein):
        return node
    return _distribute_factors(node.coefficient, list(node.factors), node.out, dict(enumerate(node.sizes)))


def _distribute_factors(
    coefficient: Fraction | int, factors: list[Factor], out: Indices, sizes: dict[int, Any]
) -> Node:
    plain: list[list[Factor]] = [[]]
    count = 1
    for f, idx in factors:
        base, repeats = f, 1
        if isinstance(f, Apply) and f.op == "pow" and isinstance(f.children[0], Sum) and f.param in (2, 3):
            base, repeats = f.children[0], int(f.param)
        if not isinstance(base, Sum):
            plain = [[*p, (f, idx)] for p in plain]
            continue
        for _ in range(repeats):
            count *= len(base.terms)
            if count > TERM_LIMIT:
                return ein(coefficient, factors, out, sizes)
            plain = [[*p, (t, idx)] for p in plain for t in base.terms]
    shape = [sizes[o] for o in out]
    if count == 1:
        return ein(coefficient, factors, out, sizes)
    return total([ein(coefficient, p, out, sizes) for p in plain], shape)
