"""Sums over an index as array operations: the index becomes a leading axis; what has no such form stays a loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from symml.codegen import algebra, arrays
from symml.codegen.graph import Graph, Node, depends, postorder, scoped
from symml.language.expressions import Shape


@dataclass(frozen=True)
class Batched:
    """A value for every index: a node with the index as leading axis, or one that does not depend on the index."""

    node: Node
    each: bool


class NoBatch(Exception):  # noqa: N818
    """The body has no form with a leading axis."""


def loop_or_batch(g: Graph, variable: Node, body: Node, times: Node) -> Node:
    """Return the sum of `body` over the index `variable`."""
    inside = depends(body, variable)
    if body not in inside:
        return arrays.scale(g, times, body)
    try:
        return _sum(g, variable, body, inside, times)
    except NoBatch:
        return scoped(g, "loop", variable, body, (times,), body.shape)


def _sum(g: Graph, variable: Node, body: Node, inside: set[Node], times: Node) -> Node:
    if body.op == "add" and all(t.shape == body.shape for t in body.args):
        parts = [_sum(g, variable, t, inside, times) if t in inside else arrays.scale(g, times, t) for t in body.args]
        signed = [p if s > 0 else arrays.scale(g, g.scalar(-1), p) for p, s in zip(parts, body.attrs[0], strict=True)]
        return arrays.add(g, signed, body.shape)
    weight, core = arrays.split(body)
    if core.op == "outer":
        u, v = (_batched(g, variable, a, inside) for a in core.args)
        if not (u.each and v.each):
            raise NoBatch
        x = u.node
        if weight is not None:
            w = _batched(g, variable, weight, inside)
            if not w.each:
                return arrays.scale(g, w.node, algebra.matmul(g, arrays.transposed(g, x), v.node))
            if x is v.node:
                return algebra.weighted_gram(g, x, w.node)
            x = arrays.multiply(g, [(x, 1), (g.make("cols", (w.node,), (), x.shape), 1)], x.shape)
        return algebra.matmul(g, arrays.transposed(g, x), v.node)
    if body.ndim == 1 and weight is not None and weight in inside:
        w, x1 = _batched(g, variable, weight, inside), _batched(g, variable, core, inside)
        if x1.each:
            return algebra.matmul(g, arrays.transposed(g, x1.node), w.node)
        return arrays.scale(g, algebra.total(g, w.node), x1.node)
    if body.ndim > 1:
        raise NoBatch
    whole = _batched(g, variable, body, inside).node
    return algebra.total(g, whole) if body.ndim == 0 else algebra.sums(g, whole, 0)


def _batched(g: Graph, variable: Node, body: Node, inside: set[Node]) -> Batched:
    done: dict[Node, Batched] = {}
    for node in postorder([body]):
        if node not in inside:
            done[node] = Batched(node, False)
        elif node is not variable:
            row = _ROWS.get(node.op)
            if row is None:
                raise NoBatch
            done[node] = Batched(row(g, node, [done.get(a) for a in node.args]), True)
    return done[body]


Parts = list[Batched | None]


def _element(g: Graph, node: Node, parts: Parts) -> Node:
    base, positions = parts[0], node.attrs[0]
    if base is None or base.each or positions.count("index") != 1 or any(isinstance(p, int) for p in positions):
        raise NoBatch
    return base.node if positions[0] == "index" else arrays.transposed(g, base.node)


def _elementwise(g: Graph, node: Node, parts: Parts) -> Node:
    if any(p is None for p in parts) or node.ndim > 1:
        raise NoBatch
    known = [p for p in parts if p is not None]
    count = next(p.node.shape[0] for p in known if p.each)
    if node.ndim == 0:
        return arrays.elementwise(g, node.op, [p.node for p in known], node.attrs, (count,))
    shape = (count, *node.shape)
    args = [_spread(g, p, a, shape) for p, a in zip(known, node.args, strict=True)]
    if node.op == "mul":
        return arrays.multiply(g, list(zip(args, node.attrs[0], strict=True)), shape)
    return arrays.elementwise(g, node.op, args, node.attrs, shape)


def _spread(g: Graph, part: Batched, original: Node, shape: Shape) -> Node:
    if part.each:
        return part.node if original.ndim else g.make("cols", (part.node,), (), shape)
    return g.make("rows", (part.node,), (), shape) if original.ndim else part.node


def _scale(g: Graph, node: Node, parts: Parts) -> Node:
    c, x = parts
    if c is None or x is None or node.ndim > 1:
        raise NoBatch
    if not c.each:
        return arrays.scale(g, c.node, x.node)
    if node.ndim == 0:
        return (
            arrays.multiply(g, [(c.node, 1), (x.node, 1)], c.node.shape) if x.each else arrays.scale(g, x.node, c.node)
        )
    if not x.each:
        return arrays.outer(g, c.node, x.node)
    shape = x.node.shape
    return arrays.multiply(g, [(x.node, 1), (g.make("cols", (c.node,), (), shape), 1)], shape)


def _dot(g: Graph, node: Node, parts: Parts) -> Node:
    x, y = parts
    if x is None or y is None or node.args[0].ndim != 1:
        raise NoBatch
    if x.each and y.each:
        return g.make("sums_of_product", (x.node, y.node), (1,), x.node.shape[:1])
    return algebra.matmul(g, x.node, y.node) if x.each else algebra.matmul(g, y.node, x.node)


def _mm(g: Graph, node: Node, parts: Parts) -> Node:
    a, x = parts
    if a is None or x is None or a.each or node.ndim != 1:
        raise NoBatch
    return algebra.matmul(g, x.node, arrays.transposed(g, a.node))


def _reduce(g: Graph, node: Node, parts: Parts) -> Node:
    (x,) = parts
    if x is None or node.args[0].ndim != 1 or node.attrs[0] != "sum":
        raise NoBatch
    return algebra.sums(g, x.node, 1)


_ROWS: dict[str, Callable[[Graph, Node, Parts], Node]] = {
    "element": _element, "add": _elementwise, "mul": _elementwise, "pow": _elementwise, "call": _elementwise,
    "compare": _elementwise, "lambda": _elementwise, "scale": _scale, "dot": _dot, "mm": _mm, "reduce": _reduce,
}  # fmt: skip
