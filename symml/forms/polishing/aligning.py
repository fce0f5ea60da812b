"""Sigmoids as people write them: 1 − σ(z) for σ(−z) where σ(z) occurs too, and σ ⊙ (1 − σ) for σ − σ^∘2."""

from __future__ import annotations

from symml.calculus.construct import apply_map, is_zero, ones, times, total
from symml.calculus.nodes import Apply, Node, walk
from symml.calculus.transform import substitute
from symml.forms.polishing.sums import combine
from symml.language.expressions import Add, Call, ElemPow, Expression, postorder
from symml.language.operators import (
    add,
    elementwise_product,
    multiply_any,
    rebuild,
    scalar,
    split_coefficient,
)  # fmt: skip


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


def write_variances(e: Expression) -> Expression:
    """Return the expression with σ(z) ⊙ (1 − σ(z)) for σ(z) − σ(z)^∘2, the variance of a label."""
    done: dict[Expression, Expression] = {}
    for node in postorder(e):
        new = rebuild(node, [done[a] for a in node.args]) if any(done[a] is not a for a in node.args) else node
        done[node] = _with_variance(new) if isinstance(new, Add) else new
    return done[e]


def _with_variance(e: Add) -> Expression:
    known = {rest: value for value, rest in map(split_coefficient, e.args)}
    for s, value in known.items():
        if isinstance(s, Call) and s.function == "sigmoid" and s.shape != ():
            square = next((r for r in known if isinstance(r, ElemPow) and r.args[0] is s and r.exponent == 2), None)
            if square is not None and known[square] == -value:
                others = [t for t in e.args if split_coefficient(t)[1] not in (s, square)]
                variance = elementwise_product(s, add(1, multiply_any(-1, s)))
                return combine([multiply_any(scalar(value), variance), *others])
    return e
