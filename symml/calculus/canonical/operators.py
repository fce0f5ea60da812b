"""Inverse, determinant, log-determinant, softmax and log-sum-exp: views and scalar factors move outside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symml.calculus.nodes import Apply, Ein, Factor, Indices, Leaf, Node, Sum
from symml.calculus.rewriting import Build, Rewrite, facts_of, is_transpose, transposed


def _inverse(build: Build, args: Sequence[Node], op: str, param: Any) -> Node | None:
    (x,) = args
    sizes = {0: x.shape[0], 1: x.shape[1]}
    if isinstance(x, Apply) and x.op == "inv":
        return x.children[0]
    if isinstance(x, Leaf) and "orthogonal" in x.facts:
        return transposed(build, x)
    if isinstance(x, Sum) and x.memo["content"] != 1:
        c = x.memo["content"]
        inner = build.total([build.ein(1 / c, [(t, (0, 1))], (0, 1), sizes) for t in x.terms], x.shape)
        return build.ein(1 / c, [(build.operator("inv", (inner,), x.shape), (0, 1))], (0, 1), sizes)
    if not isinstance(x, Ein) or x.coefficient == 0:
        return None
    if x.out[0] == x.out[1] and len(x.sizes) == 1:  # diagonal
        entries = [(build.power(f, -1), idx) for f, idx in x.factors]
        return build.ein(1 / x.coefficient, entries, (0, 0), {0: x.sizes[0]})
    if is_transpose(x):
        return transposed(build, build.operator("inv", (x.factors[0][0],), x.shape))
    scalars = [f for f, idx in x.factors if idx == ()]
    if x.coefficient == 1 and not scalars:
        return _inverse_of_chain(build, x)
    rest = build.ein(1, [(f, idx) for f, idx in x.factors if idx != ()], x.out, dict(enumerate(x.sizes)))
    factors = [(build.power(f, -1), ()) for f in scalars] + [(build.operator("inv", (rest,), x.shape), (0, 1))]
    return build.ein(1 / x.coefficient, factors, (0, 1), sizes)


def _inverse_of_chain(build: Build, x: Ein) -> Node | None:
    """(A B)⁻¹ = B⁻¹ A⁻¹ for square factors: if the product is invertible, so is each of them."""
    n = x.sizes[x.out[0]]
    if len(x.factors) < 2 or any(s != n for s in x.sizes) or not is_chain(x.factors, x.out):
        return None
    factors = [(build.operator("inv", (f,), f.shape), idx[::-1]) for f, idx in reversed(x.factors)]
    return build.ein(1, factors, x.out[::-1], dict(enumerate(x.sizes)))


def is_chain(factors: Sequence[Factor], out: Indices) -> bool:
    """Whether a product is one chain of matrices between the two axes; tr(A C) B is not."""
    here, rest, seen = out[0], list(factors), {out[0]}
    while rest:
        meeting = [f for f in rest if here in f[1]]
        if len(meeting) != 1 or len(meeting[0][1]) != 2:
            return False
        (a, b) = meeting[0][1]
        here = b if here == a else a
        if here in seen:
            return False
        seen.add(here)
        rest.remove(meeting[0])
    return here == out[1]


def _is_positive_diagonal(x: Ein) -> bool:
    diagonal = x.out == (0, 0) and len(x.sizes) == 1 and x.coefficient == 1
    return diagonal and all("positive" in facts_of(f) for f, _ in x.factors)


def _determinant(build: Build, args: Sequence[Node], op: str, param: Any) -> Node | None:
    (x,) = args
    if is_transpose(x):
        return build.operator(op, (x.factors[0][0],), (), param)
    if isinstance(x, Ein) and not x.factors and x.coefficient == 1:
        return build.ein(1 if op == "det" else 0, [], (), {})
    if op == "logdet" and isinstance(x, Ein) and _is_positive_diagonal(x):
        entries = build.ein(1, list(x.factors), (0,), {0: x.sizes[0]})
        return build.ein(1, [(build.apply_map("log", entries), (0,))], (), {0: x.sizes[0]})
    return None


RULES = (
    Rewrite("inverse_of_view", "operator", "inv", "(A⁻¹)⁻¹ = A, (cA)⁻¹ = A⁻¹/c, (Aᵀ)⁻¹ = (A⁻¹)ᵀ, "
            "diag(v)⁻¹ = diag(1/v), Q⁻¹ = Qᵀ",
            "size under the inverse", _inverse),
    Rewrite("determinant_of_view", "operator", "det", "det Aᵀ = det A, det I = 1", "size under det", _determinant),
    Rewrite("log_determinant_of_view", "operator", "logdet",
            "log det Aᵀ = log det A, log det diag(v) = Σ log v for v > 0",
            "size under log det", _determinant),
)  # fmt: skip
