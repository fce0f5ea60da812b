"""Differentials of softmax and log-sum-exp over the last axis."""

from __future__ import annotations

from collections.abc import Sequence

from symml.calculus.construct import ein, identity, operator, own_sizes, times, total
from symml.calculus.nodes import Apply, Node
from symml.calculus.rule import Rule

BOYD = "Boyd & Vandenberghe, Convex Optimization, section 3.1.5"


def _lse(node: Apply, d: Sequence[Node | None]) -> Node:
    (z,), (dz,) = node.children, d
    assert dz is not None
    axes = identity(z)
    return ein(1, [(operator("softmax", (z,), z.shape), axes), (dz, axes)], axes[:-1], own_sizes(z))


def _softmax(node: Apply, d: Sequence[Node | None]) -> Node:
    (z,), (dz,) = node.children, d
    assert dz is not None
    axes, sizes = identity(z), own_sizes(z)
    mean = ein(1, [(node, axes), (dz, axes)], axes[:-1], sizes)
    spread = times(-1, ein(1, [(mean, axes[:-1])], axes, sizes))
    return ein(1, [(node, axes), (total([dz, spread], z.shape), axes)], axes, sizes)


RULES = (
    Rule("lse", "d_logsumexp", "log-sum-exp rule: d logsumexp(z) = softmax(z)ᵀ dz", BOYD, _lse),
    Rule("softmax", "d_softmax", "softmax rule: dp = p ⊙ (dz − (pᵀ dz) 𝟏)", BOYD, _softmax),
)
