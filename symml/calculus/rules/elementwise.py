"""Differentials of elementwise functions and powers."""

from __future__ import annotations

from collections.abc import Sequence

from symml.calculus import elementwise
from symml.calculus.construct import ein, identity, own_sizes, power
from symml.calculus.nodes import Apply, Node
from symml.calculus.rule import Rule

MAGNUS = "Magnus & Neudecker, Matrix Differential Calculus, 3rd ed., ch. 5 and 8"


def _map(node: Apply, d: Sequence[Node | None]) -> Node:
    (x,), (dx,) = node.children, d
    assert dx is not None
    axes = identity(x)
    return ein(1, [(elementwise.derivative(node.param, x), axes), (dx, axes)], axes, own_sizes(x))


def _pow(node: Apply, d: Sequence[Node | None]) -> Node:
    (x,), (dx,), q = node.children, d, node.param
    assert dx is not None
    axes = identity(x)
    return ein(q, [(power(x, q - 1), axes), (dx, axes)], axes, own_sizes(x))


RULES = (
    Rule("map", "d_elementwise", "chain rule, entry by entry: d f(x) = f′(x) ⊙ dx", MAGNUS, _map),
    Rule("pow", "d_power", "power rule, entry by entry: d x^q = q x^(q−1) ⊙ dx", MAGNUS, _pow),
)
