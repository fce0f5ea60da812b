"""One argument for functions that are related: σ(−z) is written 1 − σ(z) where σ(z) occurs too."""

from __future__ import annotations

from symml.calculus.construct import apply_map, is_zero, ones, times, total
from symml.calculus.nodes import Apply, Node, walk
from symml.calculus.transform import substitute


def align_sigmoids(node: Node) -> Node:
    """Return the node with σ(−z) replaced by 1 − σ(z) wherever both occur."""
    found = [n for n in walk(node) if isinstance(n, Apply) and n.op == "map" and n.param == "sigmoid"]
    swap: dict[Node, Node] = {}
    for k, one in enumerate(found):
        for other in found[k + 1 :]:
            z, u = one.children[0], other.children[0]
            if one in swap or other in swap or z.shape != u.shape or not is_zero(total([z, u], z.shape)):
                continue
            minus, plus = (one, other) if _is_negative(z) else (other, one)
            swap[minus] = total([ones(minus.shape), times(-1, apply_map("sigmoid", plus.children[0]))], minus.shape)
    return substitute(node, swap) if swap else node


def _is_negative(z: Node) -> bool:
    return getattr(z, "coefficient", 1) < 0
