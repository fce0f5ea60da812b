"""Elementwise functions act inside a fused array; a split undoes a fuse."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from symml.calculus.fusing import fuse, is_fused
from symml.calculus.nodes import Apply, Ein, Node
from symml.calculus.rewriting import Build, Rewrite


def _map(build: Build, x: Node, name: str) -> Node | None:
    return fuse(build, build.apply_map(name, x.children[0]), x.param) if isinstance(x, Apply) and is_fused(x) else None


def _power(build: Build, x: Node, q: Fraction) -> Node | None:
    return fuse(build, build.power(x.children[0], q), x.param) if isinstance(x, Apply) and is_fused(x) else None


def _inverse(build: Build, args: Sequence[Node], op: str, param: Any) -> Node | None:
    """(A ⊗ B)⁻¹ = A⁻¹ ⊗ B⁻¹ for square A and B."""
    (x,) = args
    if not (isinstance(x, Apply) and is_fused(x) and x.param == (2, 2)):
        return None
    inner = x.children[0]
    n, p, m, q = inner.shape
    if not isinstance(inner, Ein) or n != m or p != q or len(inner.sizes) != 4 or inner.coefficient == 0:
        return None
    places = [(f, tuple(inner.out.index(i) for i in idx)) for f, idx in inner.factors]
    if sorted(tuple(sorted(idx)) for _, idx in places if idx) != [(0, 2), (1, 3)]:
        return None
    inverses = [
        (build.operator("inv", (f,), f.shape) if idx else build.power(f, -1), idx) for f, idx in places
    ]
    product = build.ein(1 / inner.coefficient, inverses, (0, 1, 2, 3), {0: n, 1: p, 2: m, 3: q})
    return fuse(build, product, (2, 2))


RULES = (
    Rewrite("map_of_fused", "map", "", "f(vec A) = vec f(A)", "size under the function", _map),
    Rewrite("power_of_fused", "power", "", "(vec A)^q = vec A^q, entry by entry", "size under the power", _power),
    Rewrite("inverse_of_kron", "operator", "inv", "(A ⊗ B)⁻¹ = A⁻¹ ⊗ B⁻¹", "size under the inverse", _inverse),
)
