"""Constructors of graph nodes: sums, dot products, matrix products, inverses, each in its cheapest form.

Products with ones are sums, products with diagonals are scalings, products with inverses are solves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sympy as sp

from symml.codegen.arrays import (
    BROADCAST,
    add,
    dense_sum,
    diagonal,
    diagonal_matrix,
    multiply,
    outer,
    parts,
    power,
    reciprocal,
    scale,
    size,
    split,
    transposed,
    unscaled,
)  # fmt: skip
from symml.codegen.graph import Graph, Node, postorder, scoped


# -- sums over axes -----------------------------------------------------------------------------------------------
def total(g: Graph, x: Node) -> Node:
    """Return the sum of all entries."""
    if x.shape == ():
        return x
    row = _TOTAL.get(x.op)
    found = row(g, x) if row else None
    return found if found is not None else g.make("reduce", (x,), ("sum", None), ())


def _total_of_sum(g: Graph, x: Node) -> Node | None:
    """Sum term by term when a term is a dot product, which then needs no array of its own."""
    if not any(split(t)[1].op == "mul" for t in x.args) or any(t.shape != x.shape for t in x.args):
        return None
    parts = [
        total(g, t) if s > 0 else scale(g, g.scalar(-1), total(g, t)) for t, s in zip(x.args, x.attrs[0], strict=True)
    ]
    return add(g, parts, ())


def _total_of_product(g: Graph, x: Node) -> Node | None:
    if any(a.shape != x.shape for a in x.args) or x.attrs[0][0] < 0 or len(x.args) < 2:
        return None
    if x.attrs[0][-1] < 0:
        return None
    rest = multiply(g, list(zip(x.args[:-1], x.attrs[0][:-1], strict=True)), x.shape)
    return dot(g, rest, x.args[-1])


_TOTAL: dict[str, Callable[[Graph, Node], Node | None]] = {
    "scale": lambda g, x: scale(g, x.args[0], total(g, x.args[1])),
    "ones": lambda g, x: size(g, x.shape),
    "zeros": lambda g, x: g.scalar(0),
    "t": lambda g, x: total(g, x.args[0]),
    "rows": lambda g, x: scale(g, size(g, x.shape[:1]), total(g, x.args[0])),
    "cols": lambda g, x: scale(g, size(g, x.shape[1:]), total(g, x.args[0])),
    "diag": lambda g, x: total(g, x.args[0]) if x.args[0].shape else scale(g, size(g, x.shape[:1]), x.args[0]),
    "outer": lambda g, x: scale(g, total(g, x.args[0]), total(g, x.args[1])),
    "pow": lambda g, x: dot(g, x.args[0], x.args[0]) if x.attrs[0] == 2 else None,
    "add": _total_of_sum,
    "structured": lambda g, x: add(g, parts(g, x, total), ()),
    "mul": _total_of_product,
    "mm": lambda g, x: dot(g, sums(g, x.args[0], 0), sums(g, x.args[1], 1)) if x.ndim == 2 else None,
}


def sums(g: Graph, x: Node, axis: int) -> Node:
    """Return the sums along an axis of a matrix: 1 for row sums, 0 for column sums."""
    if x.op == "scale":
        return scale(g, x.args[0], sums(g, x.args[1], axis))
    if x.op == "t":
        return sums(g, x.args[0], 1 - axis)
    if x.op == "ones":
        return scale(g, size(g, (x.shape[axis],)), g.make("ones", (), (), (x.shape[1 - axis],)))
    if x.op in BROADCAST:
        along = (x.op == "cols") == (axis == 1)
        if along:
            return scale(g, size(g, (x.shape[axis],)), x.args[0])
        return scale(g, total(g, x.args[0]), g.make("ones", (), (), (x.shape[1 - axis],)))
    if x.op == "outer":
        return scale(g, total(g, x.args[axis]), x.args[1 - axis])
    if x.op == "diag" and x.args[0].shape:
        return x.args[0]
    if x.op == "structured":
        return add(g, parts(g, x, lambda g, t: sums(g, t, axis)), (x.shape[1 - axis],))
    if x.op == "mm":
        a, b = x.args
        return matmul(g, a, sums(g, b, 1)) if axis == 1 else matmul(g, transposed(g, b), sums(g, a, 0))
    weighted = _weighted_sums(g, x, axis) if x.op == "mul" else None
    if weighted is not None:
        return weighted
    if x.op == "mul" and len(x.args) == 2 and x.attrs[0] == (1, 1) and all(a.shape == x.shape for a in x.args):
        return g.make("sums_of_product", x.args, (axis,), (x.shape[1 - axis],))
    return g.make("reduce", (x,), ("sum", axis), (x.shape[1 - axis],))


def _weighted_sums(g: Graph, x: Node, axis: int) -> Node | None:
    """Return sums of a matrix with scaled rows along the columns, or the reverse, as a product with the weights."""
    for k, (factor, p) in enumerate(zip(x.args, x.attrs[0], strict=True)):
        weights = factor.args[0] if factor.op == "column" else factor
        along = (factor.op == "column" and axis == 0) or (factor.ndim == 1 and axis == 1)
        rest = [(a, q) for j, (a, q) in enumerate(zip(x.args, x.attrs[0], strict=True)) if j != k]
        if along and p > 0 and any(a.shape == x.shape for a, _ in rest):
            matrix = multiply(g, rest, x.shape)
            return matmul(g, matrix if axis == 1 else transposed(g, matrix), weights)
    return None


def dot(g: Graph, x: Node, y: Node) -> Node:
    """Return the sum of the entrywise products of two arrays of one shape."""
    if "scale" in (x.op, y.op):
        return unscaled(g, dot, x, y)
    for a, b in ((x, y), (y, x)):
        if a.op == "structured":
            return add(g, [_dot_with(g, t, s, b) for t, s in zip(a.args, a.attrs[0], strict=True)], ())
        if a.op == "ones":
            return total(g, b)
        if a.op == "diag":
            inner = diagonal(g, b)
            return dot(g, a.args[0], inner) if a.args[0].shape else scale(g, a.args[0], total(g, inner))
        if a.op == "outer":
            return dot(g, matmul(g, transposed(g, b), a.args[0]), a.args[1])
        if a.op == "rows":
            return dot(g, sums(g, b, 0), a.args[0])
        if a.op == "cols":
            return dot(g, sums(g, b, 1), a.args[0])
    if x.op == y.op == "t":
        return dot(g, x.args[0], y.args[0])
    if y.op == "t" or g.find("dot", (y, x), (), ()) is not None:
        x, y = y, x
    return g.make("dot", (x, y), (), ())


# -- products -----------------------------------------------------------------------------------------------------
def _dot_with(g: Graph, term: Node, sign: int, other: Node) -> Node:
    found = dot(g, term, other)
    return found if sign > 0 else scale(g, g.scalar(-1), found)


def matmul(g: Graph, a: Node, b: Node) -> Node:
    """Return the matrix product a @ b; a is a matrix, b a matrix or a vector."""
    if "scale" in (a.op, b.op):
        return unscaled(g, matmul, a, b)
    shape = (a.shape[0], *b.shape[1:])
    if a.op == "structured":
        return add(g, parts(g, a, lambda g, t: matmul(g, t, b)), shape)
    if b.op == "structured":
        return add(g, parts(g, b, lambda g, t: matmul(g, a, t)), shape)
    if a.op == "diag":
        v = a.args[0]
        if v.shape == ():
            return scale(g, v, b)
        if b.op == "diag":
            w = b.args[0]
            return diagonal_matrix(g, multiply(g, [(v, 1), (w, 1)], v.shape) if w.shape else scale(g, w, v), v.shape[0])
        weights = v if b.ndim == 1 else g.make("cols", (v,), (), shape)
        return multiply(g, [(weights, 1), (b, 1)] if b.ndim == 1 else [(b, 1), (weights, 1)], shape)
    if b.op == "diag":
        v = b.args[0]
        return scale(g, v, a) if v.shape == () else multiply(g, [(a, 1), (g.make("rows", (v,), (), shape), 1)], shape)
    if is_inverse(a):
        return solve(g, a, b)
    if is_inverse(b):
        return transposed(g, solve(g, transposed(g, b), transposed(g, a)))
    if b.op == "ones":
        return sums(g, a, 1) if b.ndim == 1 else g.make("cols", (sums(g, a, 1),), (), shape)
    if a.op == "ones":
        column_sums = total(g, b) if b.ndim == 1 else sums(g, b, 0)
        return (
            scale(g, column_sums, g.make("ones", (), (), shape))
            if b.ndim == 1
            else g.make("rows", (column_sums,), (), shape)
        )
    special = _rank_one_product(g, a, b)
    if special is not None:
        return special
    if b.ndim == 2:
        mirrored = g.find("mm", (transposed(g, b), transposed(g, a)), (), shape[::-1])
        if mirrored is not None and mirrored.args != (a, b):
            return transposed(g, mirrored)
    return g.make("mm", (a, b), (), shape)


def _rank_one_product(g: Graph, a: Node, b: Node) -> Node | None:
    if a.op == "outer":
        u, v = a.args
        return scale(g, dot(g, v, b), u) if b.ndim == 1 else outer(g, u, matmul(g, transposed(g, b), v))
    if a.op == "rows":
        ones = g.make("ones", (), (), a.shape[:1])
        inner = dot(g, a.args[0], b) if b.ndim == 1 else matmul(g, transposed(g, b), a.args[0])
        return scale(g, inner, ones) if b.ndim == 1 else outer(g, ones, inner)
    if a.op == "cols":
        return scale(g, total(g, b), a.args[0]) if b.ndim == 1 else outer(g, a.args[0], sums(g, b, 0))
    if b.op == "outer":
        return outer(g, matmul(g, a, b.args[0]), b.args[1])
    if b.op == "rows":
        return outer(g, sums(g, a, 1), b.args[0])
    if b.op == "cols":
        return outer(g, matmul(g, a, b.args[0]), g.make("ones", (), (), b.shape[1:]))
    return None


def weighted_gram(g: Graph, x: Node, weights: Node) -> Node:
    """Return x' diag(weights) x."""
    c, w = split(weights)
    if w.shape == ():
        return scale(g, weights, matmul(g, transposed(g, x), x))
    out = g.make("weighted_gram", (x, w), (), (x.shape[1], x.shape[1]))
    return out if c is None else scale(g, c, out)


# -- inverses -----------------------------------------------------------------------------------------------------
def is_inverse(x: Node) -> bool:
    """Whether a node is an inverse or the transpose of one."""
    return x.op == "inverse" or (x.op == "t" and x.args[0].op == "inverse")


def inverse(g: Graph, a: Node, method: str) -> Node:
    """Return the inverse, used by products as a solve; `method` is cholesky or lu."""
    if a.op == "diag":
        return diagonal_matrix(
            g, reciprocal(g, a.args[0]) if a.args[0].shape == () else power(g, a.args[0], sp.S.NegativeOne), a.shape[0]
        )
    if a.op == "scale":
        return scale(g, reciprocal(g, a.args[0]), inverse(g, a.args[1], method))
    if a.op == "t":
        return transposed(g, inverse(g, a.args[0], method))
    return g.make("inverse", (factorised(g, a, method),), (method,), a.shape)


def factorised(g: Graph, a: Node, method: str) -> Node:
    """Return the factorisation of a matrix, shared by its solves and its determinant."""
    return g.make(method, (a,), (), a.shape)


def solve(g: Graph, inverted: Node, b: Node) -> Node:
    """Return inverted @ b by a solve."""
    if inverted.op == "t":
        factor = inverted.args[0].args[0]
        return g.make("solve", (factor, b), (True,), b.shape)
    return g.make("solve", (inverted.args[0], b), (False,), b.shape)


def reuse_products(g: Graph, roots: Sequence[Node]) -> list[Node]:
    """Return the roots with sums over entrywise products taken of these products where they are computed anyway.

    What is left of diagonal plus rank one is written out.
    """
    order = postorder(roots)
    products = {frozenset(n.args): n for n in order if n.op == "mul" and len(n.args) == 2 and n.attrs[0] == (1, 1)}
    done: dict[Node, Node] = {}
    for node in order:
        args = tuple(done[a] for a in node.args)
        product = products.get(frozenset(node.args)) if node.op == "sums_of_product" else None
        if product is not None and product.shape == node.args[0].shape:
            done[node] = g.make(
                "reduce", (done[product],) if product in done else (product,), ("sum", node.attrs[0]), node.shape
            )
        elif node.op in ("action", "loop"):
            variable, body, *attrs = node.attrs
            (inner,) = reuse_products(g, [body])
            done[node] = scoped(g, node.op, variable, inner, tuple(attrs), node.shape)
        elif node.op == "structured":
            terms = [a if s > 0 else scale(g, g.scalar(-1), a) for a, s in zip(args, node.attrs[0], strict=True)]
            done[node] = dense_sum(g, terms, node.shape)
        else:
            done[node] = node if args == node.args else g.make(node.op, args, node.attrs, node.shape)
    return [done[r] for r in roots]
