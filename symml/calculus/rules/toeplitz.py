"""Differentials of the symmetric Toeplitz matrix of a vector and of its transpose, the sums along diagonals.

Both work on the last axes of an adjoint; axes before these run along.
"""

from __future__ import annotations

from collections.abc import Sequence

from symml.calculus.construct import operator
from symml.calculus.nodes import Apply, Node
from symml.calculus.rule import Rule

GOLUB = "Golub & Van Loan, Matrix Computations, 4th ed., section 4.7"


def _toeplitz(node: Apply, d: Sequence[Node | None]) -> Node:
    (dc,) = d
    assert dc is not None
    return operator("toeplitz", (dc,), node.shape)


def _toeplitz_back(node: Apply, place: int, adjoint: Node, lead: int) -> Node:
    return operator("diagsums", (adjoint,), adjoint.shape[:-1])


def _diagsums(node: Apply, d: Sequence[Node | None]) -> Node:
    (da,) = d
    assert da is not None
    return operator("diagsums", (da,), node.shape)


def _diagsums_back(node: Apply, place: int, adjoint: Node, lead: int) -> Node:
    return operator("toeplitz", (adjoint,), (*adjoint.shape, adjoint.shape[-1]))


RULES = (
    Rule(
        "toeplitz", "d_toeplitz", "toeplitz is linear: d toeplitz(c) = toeplitz(dc)", GOLUB, _toeplitz, _toeplitz_back
    ),
    Rule(
        "diagsums",
        "d_diagsums",
        "sums along diagonals are linear: d diagsums(A) = diagsums(dA)",
        GOLUB,
        _diagsums,
        _diagsums_back,
    ),
)
