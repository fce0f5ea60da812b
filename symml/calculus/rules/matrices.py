"""Differentials of the inverse, the determinant and its logarithm."""

from __future__ import annotations

from collections.abc import Sequence

from symml.calculus.construct import ein, operator
from symml.calculus.nodes import Apply, Node
from symml.calculus.rule import Rule

MAGNUS = "Magnus & Neudecker, Matrix Differential Calculus, 3rd ed., ch. 8"


def _inverse(node: Apply, d: Sequence[Node | None]) -> Node:
    (da,) = d
    assert da is not None
    n = node.shape[0]
    return ein(-1, [(node, (0, 2)), (da, (2, 3)), (node, (3, 1))], (0, 1), dict.fromkeys(range(4), n))


def _log_determinant(node: Apply, d: Sequence[Node | None]) -> Node:
    (a,), (da,) = node.children, d
    assert da is not None
    n = a.shape[0]
    return ein(1, [(operator("inv", (a,), a.shape), (1, 0)), (da, (0, 1))], (), {0: n, 1: n})


def _determinant(node: Apply, d: Sequence[Node | None]) -> Node:
    return ein(1, [(node, ()), (_log_determinant(node, d), ())], (), {})


RULES = (
    Rule("inv", "d_inverse", "inverse rule: d(A⁻¹) = −A⁻¹ dA A⁻¹", MAGNUS, _inverse),
    Rule("logdet", "d_log_det", "log-determinant rule: d log det A = tr(A⁻¹ dA)", MAGNUS, _log_determinant),
    Rule("det", "d_det", "determinant rule (Jacobi): d det A = det(A) tr(A⁻¹ dA)", MAGNUS, _determinant),
)
