"""Rebuilding of nodes with other children, and substitution of leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symml.calculus.construct import apply_map, ein, operator, power, total
from symml.calculus.nodes import Apply, Ein, Node, Sum, walk


def rebuild(node: Node, children: Sequence[Node]) -> Node:
    """Return a node of the same kind with other children, through the constructors."""
    if tuple(children) == node.children:
        return node
    swap = dict(zip(node.children, children, strict=True))
    if isinstance(node, Sum):
        return total([swap[t] for t in node.terms], node.shape)
    if isinstance(node, Ein):
        return ein(node.coefficient, [(swap[f], i) for f, i in node.factors], node.out, dict(enumerate(node.sizes)))
    assert isinstance(node, Apply)
    if node.op == "pow":
        return power(swap[node.children[0]], node.param)
    if node.op == "map":
        return apply_map(node.param, swap[node.children[0]])
    return operator(node.op, tuple(swap[c] for c in node.children), node.shape, node.param)


def substitute(node: Node, replacements: Mapping[Node, Node]) -> Node:
    """Return the node with nodes (usually leaves) replaced."""
    done: dict[Node, Node] = dict(replacements)
    for part in walk(node):
        if part not in done:
            done[part] = rebuild(part, [done[c] for c in part.children])
    return done[node]
