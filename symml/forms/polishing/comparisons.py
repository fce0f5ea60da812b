"""Indicators as comparisons: [X w > y] for [X w − y > 0], [m < 1] for [1 − m > 0]; ones of two axes as 𝟏 𝟏ᵀ."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symml.forms.polishing.signs import is_negative
from symml.language.expressions import Add, Call, Expression, Indicator, Mul, Ones, Scalar, make, postorder
from symml.language.operators import call, multiply_any, ones, rebuild, scalar, transpose


def compare(e: Expression) -> Expression:
    """Return the expression with every indicator of a difference as a comparison of its two sides."""
    if not any(type(node) in _RULES for node in postorder(e)):
        return e
    done: dict[Expression, Expression] = {}
    for node in postorder(e):
        new = rebuild(node, [done[a] for a in node.args]) if any(done[a] is not a for a in node.args) else node
        rule = _RULES.get(type(new))
        done[node] = rule(new) if rule else new
    return done[e]


def _step(e: Call) -> Expression:
    if e.function != "step":
        return e
    (z,) = e.args
    if isinstance(z, Mul) and z.coefficient.is_positive:
        z = multiply_any(*z.args)
    terms = z.args if isinstance(z, Add) else (z,)
    below = [t for t in terms if is_negative(t)]
    above = [t for t in terms if t not in below]
    if len(below) != 1 or len(above) > 1:
        return call("step", z)
    right = multiply_any(-1, below[0])
    if not above:
        return make(Indicator, (right, scalar(0)), ("<",), e.shape)
    (left,) = above
    if isinstance(left, Scalar) or left.shape != right.shape:
        left, right = right, left
        return make(Indicator, (left, right), ("<",), e.shape) if left.shape == e.shape else e
    return make(Indicator, (left, right), (">",), e.shape)


def _ones(e: Ones) -> Expression:
    return multiply_any(ones(e.shape[0]), transpose(ones(e.shape[1]))) if len(e.shape) == 2 else e


_RULES: dict[type[Expression], Callable[[Any], Expression]] = {Call: _step, Ones: _ones}
