"""Differentials of vec, the Kronecker product and their inverse: changes of axes, linear in their argument."""

from __future__ import annotations

from collections.abc import Sequence

from symml.calculus.construct import BUILD
from symml.calculus.fusing import fuse, groups_of, plan_of, split
from symml.calculus.nodes import Apply, Node
from symml.calculus.rule import Rule

MAGNUS = "Magnus & Neudecker, Matrix Differential Calculus, 3rd ed., ch. 2"


def _fuse(node: Apply, d: Sequence[Node | None]) -> Node:
    (dx,) = d
    assert dx is not None
    return fuse(BUILD, dx, node.param)


def _fuse_back(node: Apply, place: int, adjoint: Node, lead: int) -> Node:
    return split(BUILD, adjoint, {lead + axis: sizes for axis, sizes in plan_of(node).items()})


def _split(node: Apply, d: Sequence[Node | None]) -> Node:
    (dx,) = d
    assert dx is not None
    return split(BUILD, dx, dict(node.param))


def _split_back(node: Apply, place: int, adjoint: Node, lead: int) -> Node:
    own = groups_of(len(node.children[0].shape), dict(node.param))
    return fuse(BUILD, adjoint, (*(1 for _ in range(lead)), *own))


RULES = (
    Rule(
        "fuse",
        "d_vec",
        "vec and ⊗ rearrange entries: d vec A = vec dA, d(A ⊗ B) = dA ⊗ B + A ⊗ dB",
        MAGNUS,
        _fuse,
        _fuse_back,
    ),
    Rule("split", "d_unvec", "rearranging entries is linear", MAGNUS, _split, _split_back),
)
