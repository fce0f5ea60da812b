"""Fused arrays in matrix notation: vec, Kronecker products and sums of them."""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp

from symml.calculus.construct import BUILD, ein
from symml.calculus.fusing import fuse
from symml.calculus.nodes import Apply, Ein, Factor, Node, Sum
from symml.errors import NotSupportedError
from symml.forms.flipping import flip
from symml.language.expressions import Expression, Mul, Transpose
from symml.language.operators import add, call, multiply_any, scalar

Run = Callable[[Node], Expression]


def raise_fused(node: Apply, run: Run) -> Expression:
    """Return the matrix form of a fused node: vec(M), kron(u, v), A ⊗ B."""
    inner, groups = node.children[0], node.param
    if isinstance(inner, Sum) and groups != (2,):
        return add(*(raise_fused(_like(node, t), run) for t in inner.terms))
    if groups == (2,):
        return _vec(run(inner))
    if len(groups) != 2 or max(groups) > 2 or not isinstance(inner, Ein):
        raise NotSupportedError("a product of more than two Kronecker factors has no notation here")
    left, right = _axes(groups)
    for a_axes, b_axes in _assignments(left, right, groups):
        parts = _separate(inner, a_axes, b_axes)
        if parts is not None:
            a, b = parts
            product = call("kron", run(a), run(b))
            return multiply_any(
                scalar(sp.Rational(inner.coefficient.numerator, inner.coefficient.denominator)), product
            )
    raise NotSupportedError("this rearranged array is no Kronecker product")


def _like(node: Apply, inner: Node) -> Apply:
    found = fuse(BUILD, inner, node.param)
    assert isinstance(found, Apply)
    return found


def _vec(matrix: Expression) -> Expression:
    """The rows of a matrix, one after another: kron(u, v) of an outer product, else vec of the transpose."""
    if isinstance(matrix, Mul) and isinstance(matrix.args[-1], Transpose) and len(matrix.args[-1].args[0].shape) == 1:
        chain = [a for a in matrix.args if a.shape != ()]
        if len(chain) == 2 and len(chain[0].shape) == 1:
            front = [a for a in matrix.args if a.shape == ()]
            product = call("kron", chain[0], chain[1].args[0])
            return multiply_any(scalar(matrix.coefficient), *front, product)
    return call("vec", flip(matrix))


def _axes(groups: tuple[int, ...]) -> tuple[list[int], list[int]]:
    """Inner axes of the first and of the second member of each pair; a single axis belongs to neither yet."""
    first, second, k = [], [], 0
    for g in groups:
        if g == 2:
            first.append(k)
            second.append(k + 1)
        k += g
    return first, second


def _assignments(
    left: list[int], right: list[int], groups: tuple[int, ...]
) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    single = [k for k in range(sum(groups)) if k not in left and k not in right]
    if not single:
        return [(tuple(left), tuple(right))]
    return [(tuple(sorted([*left, *single])), tuple(right)), (tuple(left), tuple(sorted([*right, *single])))]


def _separate(node: Ein, a_axes: tuple[int, ...], b_axes: tuple[int, ...]) -> tuple[Node, Node] | None:
    """Split a product into one part that carries the axes `a_axes` and one that carries `b_axes`."""
    side = {node.out[k]: 0 for k in a_axes}
    for k in b_axes:
        if side.get(node.out[k]) == 0:
            return None
        side[node.out[k]] = 1
    waiting = list(node.factors)
    parts: tuple[list[Factor], list[Factor]] = ([], [])
    while waiting:
        ready = next((f for f in waiting if any(i in side for i in f[1]) or not f[1]), None)
        if ready is None:
            parts[0].extend(waiting)
            side.update({i: 0 for _, idx in waiting for i in idx})
            break
        sides = {side[i] for i in ready[1] if i in side} or {0}
        if len(sides) > 1:
            return None
        (which,) = sides
        side.update(dict.fromkeys(ready[1], which))
        parts[which].append(ready)
        waiting.remove(ready)
    built = []
    for axes, factors in zip((a_axes, b_axes), parts, strict=True):
        out = tuple(node.out[k] for k in axes)
        used = {i for _, idx in factors for i in idx} | set(out)
        built.append(ein(1, factors, out, {i: node.sizes[i] for i in used}))
    return built[0], built[1]
