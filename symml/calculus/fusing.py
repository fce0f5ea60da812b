"""Fused axes: vec and the Kronecker product as a change of axes that always moves outwards.

``fuse(x, groups)`` joins runs of neighbouring axes, the last one fastest: kron(A, B) is the fused A_ij B_kl with axes
(ik, jl), and vec(A) the fused Aᵀ. Sums, products and elementwise functions act inside; what meets a fused axis from
outside is split to match, and pairs of fused axes cancel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import prod
from typing import Any

from symml.calculus.nodes import Apply, Ein, Factor, Indices, Node, Sum
from symml.calculus.rewriting import Build
from symml.errors import NotSupportedError

Plan = Mapping[int, tuple[Any, ...]]  # axis -> sizes it splits into


def is_fused(node: Node) -> bool:
    """Whether a node is a fused one."""
    return isinstance(node, Apply) and node.op == "fuse"


def fuse(build: Build, x: Node, groups: Sequence[int]) -> Node:
    """Return x with runs of axes joined; `groups` holds the number of axes of each run."""
    if all(g == 1 for g in groups):
        return x
    if is_fused(x):
        inner, assert_groups = x.children[0], x.param  # type: ignore[attr-defined]
        joined, k = [], 0
        for g in groups:
            joined.append(sum(assert_groups[k : k + g]))
            k += g
        return fuse(build, inner, joined)
    shape, k = [], 0
    for g in groups:
        shape.append(prod(x.shape[k : k + g]))
        k += g
    return build.operator("fuse", (x,), tuple(shape), tuple(groups))


def plan_of(node: Apply) -> dict[int, tuple[Any, ...]]:
    """Return how the axes of a fused node split."""
    plan, k = {}, 0
    for axis, g in enumerate(node.param):
        if g > 1:
            plan[axis] = node.children[0].shape[k : k + g]
        k += g
    return plan


def groups_of(order: int, plan: Plan) -> tuple[int, ...]:
    """Return the groups that undo a plan."""
    return tuple(len(plan.get(axis, (0,))) for axis in range(order))


def split(build: Build, node: Node, plan: Plan) -> Node:
    """Return the node with the axes of the plan split."""
    if not plan:
        return node
    if isinstance(node, Apply):
        if node.op == "fuse":
            own = plan_of(node)
            if all(own.get(axis) == sizes for axis, sizes in plan.items()):
                rest = {axis: sizes for axis, sizes in own.items() if axis not in plan}
                groups = [
                    g if axis in rest else 1
                    for axis, g in enumerate(node.param)
                    for _ in range(1 if axis in rest else g)
                ]
                return fuse(build, node.children[0], groups)
        if node.op == "map":
            return build.apply_map(node.param, split(build, node.children[0], plan))
        if node.op == "pow":
            return build.power(split(build, node.children[0], plan), node.param)
    shape = tuple(s for axis, size in enumerate(node.shape) for s in plan.get(axis, (size,)))
    if isinstance(node, Sum):
        return build.total([split(build, t, plan) for t in node.terms], shape)
    if isinstance(node, Ein):
        return _split_product(build, node, plan)
    return build.operator("split", (node,), shape, tuple(sorted(plan.items())))


def _split_product(build: Build, node: Ein, plan: Plan) -> Node:
    labels = {node.out[axis]: sizes for axis, sizes in plan.items()}
    for axis, o in enumerate(node.out):
        if o in labels and plan.get(axis) != labels[o]:
            raise NotSupportedError("one of two tied fused axes cannot be split alone")
    factors, sizes, names = _split_labels(build, list(node.factors), dict(enumerate(node.sizes)), labels)
    return build.ein(node.coefficient, factors, _expanded(node.out, names), sizes)


def _split_labels(
    build: Build, factors: Sequence[Factor], sizes: Mapping[int, Any], labels: Mapping[int, tuple[Any, ...]]
) -> tuple[list[Factor], dict[int, Any], dict[int, Indices]]:
    """Replace each label by one label for each of its parts, splitting the factors that carry it."""
    fresh = max(sizes, default=-1) + 1
    all_sizes = {i: s for i, s in sizes.items() if i not in labels}
    names: dict[int, Indices] = {}
    for label, parts in labels.items():
        names[label] = tuple(range(fresh, fresh + len(parts)))
        all_sizes.update(zip(names[label], parts, strict=True))
        fresh += len(parts)
    done = []
    for f, idx in factors:
        plan = {axis: labels[i] for axis, i in enumerate(idx) if i in labels}
        done.append((split(build, f, plan), _expanded(idx, names)))
    return done, all_sizes, names


def _expanded(idx: Indices, names: Mapping[int, Indices]) -> Indices:
    return tuple(j for i in idx for j in names.get(i, (i,)))


def fused_product(
    build: Build, coefficient: Fraction, factors: Sequence[Factor], out: Indices, sizes: Mapping[int, Any]
) -> Node:
    """Return a product that has a fused factor, with the fused axes pulled outside."""
    labels: dict[int, tuple[Any, ...]] = {}
    for f, idx in factors:
        if is_fused(f):
            for axis, parts in plan_of(f).items():  # type: ignore[arg-type]
                if labels.setdefault(idx[axis], parts) != parts:
                    raise NotSupportedError("two different Kronecker structures meet on one axis")
    done, all_sizes, names = _split_labels(build, factors, sizes, labels)
    inner = build.ein(coefficient, done, _expanded(out, names), all_sizes)
    return fuse(build, inner, [len(names.get(o, (0,))) for o in out])


def fused_sum(build: Build, terms: Sequence[Node], shape: Sequence[Any]) -> Node:
    """Return a sum that has a fused term: fused outside, the other terms split to match."""
    plan: dict[int, tuple[Any, ...]] = {}
    for t in terms:
        if is_fused(t):
            for axis, parts in plan_of(t).items():  # type: ignore[arg-type]
                if plan.setdefault(axis, parts) != parts:
                    raise NotSupportedError("two different Kronecker structures are added")
    inner_shape = tuple(s for axis, size in enumerate(shape) for s in plan.get(axis, (size,)))
    inner = build.total([split(build, t, plan) for t in terms], inner_shape)
    return fuse(build, inner, groups_of(len(shape), plan))
