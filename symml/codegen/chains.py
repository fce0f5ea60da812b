"""The cheapest order of a chain of matrix products, by dynamic programming over nominal sizes.

A part of a chain that is computed anyway costs nothing, and a part that several chains hold costs its share; this is
what turns y'X w beside X w into a reuse of X w.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from symml.codegen import algebra, arrays
from symml.codegen.graph import Graph, Node
from symml.codegen.products import Factor, flipped
from symml.language.expressions import Call, Dim, Expression, Pow, Symbol

Key = tuple[Factor, ...]
NAMED = {
    "n": 10_000,
    "N": 10_000,
    "m": 3_000,
    "T": 2_000,
    "d": 60,
    "p": 50,
    "k": 20,
    "r": 20,
    "q": 20,
    "h": 40,
    "c": 10,
}
LONG, SHORT = 5_000, 70
LONGEST = 24


def nominal_sizes(symbols: Sequence[Symbol]) -> dict[sp.Symbol, int]:
    """Return a typical size of each dimension: by its name, else long when it only ever counts rows."""
    rows = {s.shape[0] for s in symbols if len(s.shape) == 2 and s.shape[0] != s.shape[1]}
    columns = {s.shape[1] for s in symbols if len(s.shape) == 2}
    found = {}
    for dim in sorted({d for s in symbols for d in s.shape if isinstance(d, sp.Symbol)}, key=str):
        found[dim] = NAMED.get(dim.name, LONG if dim in rows - columns else SHORT)
    return found


@dataclass(frozen=True)
class Gram:
    """A' diag(weights) A with A in the order `half`."""

    half: Any
    weights: Factor


Tree = Any  # a Factor, a Gram, or a pair of trees


@dataclass(frozen=True)
class Piece:
    """Value of a part of a chain: its node, and whether it is a single row or a single column."""

    node: Node
    row: bool
    column: bool


@dataclass
class Orders:
    """What is known of all chains of one function: sizes, and how often each part occurs."""

    sizes: dict[sp.Symbol, int]
    whole: set[frozenset[Key]] = field(default_factory=set)
    shared: Counter[frozenset[Key]] = field(default_factory=Counter)
    memo: dict[frozenset[Key], tuple[Key, float, Tree]] = field(default_factory=dict)

    def note(self, chain: Key) -> None:
        """Count the parts of one chain."""
        self.whole.add(canonical(chain))
        parts = {canonical(chain[i:j]) for i in range(len(chain)) for j in range(i + 2, len(chain) + 1)}
        self.shared.update(parts)

    def nominal(self, dim: Dim) -> float:
        """Return the typical size of a dimension or of an expression in dimensions."""
        if isinstance(dim, int):
            return dim
        value = sp.sympify(dim).subs({s: self.sizes.get(s, SHORT) for s in sp.sympify(dim).free_symbols})
        return max(1.0, float(value))


def canonical(chain: Key) -> frozenset[Key]:
    """Return one key for a chain and its transpose."""
    return frozenset((chain, flipped(chain)))


# -- orders -------------------------------------------------------------------------------------------------------
def mirrored(tree: Tree) -> Tree:
    """Return the order of the transposed chain."""
    if isinstance(tree, Factor):
        return tree.flipped()
    if isinstance(tree, Gram):
        return tree
    return mirrored(tree[1]), mirrored(tree[0])


def best(orders: Orders, chain: Key) -> tuple[float, Tree]:
    """Return the cost of a chain and its cheapest order."""
    if len(chain) == 1:
        return 0.0, chain[0]
    if len(chain) > LONGEST:
        return _in_pieces(orders, chain)
    key = canonical(chain)
    known = orders.memo.get(key)
    if known is None:
        cost, tree = min((_split(orders, chain, k) for k in range(1, len(chain))), key=lambda option: option[0])
        gram = _gram(orders, chain)
        if gram is not None and gram[0] < cost:
            cost, tree = gram
        known = orders.memo[key] = (chain, cost, tree)
    told, cost, tree = known
    return cost, tree if told == chain else mirrored(tree)


def _in_pieces(orders: Orders, chain: Key) -> tuple[float, Tree]:
    pieces = [best(orders, chain[i : i + LONGEST]) for i in range(0, len(chain), LONGEST)]
    tree = pieces[-1][1]
    for _, piece in reversed(pieces[:-1]):
        tree = (piece, tree)
    return sum(cost for cost, _ in pieces), tree


def _part(orders: Orders, chain: Key) -> tuple[float, Tree]:
    """Cost of a part within a larger chain: nothing when it is computed anyway, its share when others hold it too."""
    cost, tree = best(orders, chain)
    if len(chain) == 1:
        return cost, tree
    key = canonical(chain)
    return (0.0 if key in orders.whole else cost / max(1, orders.shared[key])), tree


def _split(orders: Orders, chain: Key, k: int) -> tuple[float, Tree]:
    left, right = chain[:k], chain[k:]
    (cost_left, tree_left), (cost_right, tree_right) = _part(orders, left), _part(orders, right)
    return cost_left + cost_right + _product_cost(orders, left, right), (tree_left, tree_right)


def _product_cost(orders: Orders, left: Key, right: Key) -> float:
    rows, columns = orders.nominal(left[0].axes[0]), orders.nominal(right[-1].axes[1])
    inner = orders.nominal(right[0].axes[0])
    diagonal = [all(_is_diagonal(f) for f in part) for part in (left, right)]
    if all(diagonal):
        return rows
    if any(diagonal):
        inverse_beside = any(len(part) == 1 and _is_inverse(part[0]) for part in (left, right))
        return 2 * inner**3 if inverse_beside else rows * columns
    if len(left) == 1 and _is_inverse(left[0]):
        return 2 * inner * inner * columns
    if len(right) == 1 and _is_inverse(right[0]):
        return 2 * inner * inner * rows
    return rows * inner * columns + rows * columns


def _gram(orders: Orders, chain: Key) -> tuple[float, Tree] | None:
    """Return A' diag(s) A as one weighted Gram product, half the work."""
    middle = len(chain) // 2
    if len(chain) % 2 == 0 or chain != flipped(chain) or not _is_diagonal(chain[middle]):
        return None
    half = chain[middle + 1 :]
    cost, tree = _part(orders, half)
    rows, columns = (orders.nominal(a) for a in (half[0].axes[0], half[-1].axes[1]))
    return (cost + rows * columns * columns / 2, Gram(tree, chain[middle])) if half[-1].axes[1] != 1 else None


def _is_diagonal(factor: Factor) -> bool:
    return isinstance(factor.base, Call) and factor.base.function == "diag" and len(factor.base.shape) == 2


def _is_inverse(factor: Factor) -> bool:
    return isinstance(factor.base, Pow) and bool(factor.base.exponent.is_negative)


# -- building -----------------------------------------------------------------------------------------------------
def build(g: Graph, tree: Tree, nodes: dict[Expression, Node]) -> Piece:
    """Return the value of a chain in the given order."""
    if isinstance(tree, Factor):
        rows, columns = tree.axes
        node = nodes[tree.base]
        return Piece(arrays.transposed(g, node) if tree.transposed else node, rows == 1, columns == 1)
    if isinstance(tree, Gram):
        half = build(g, tree.half, nodes)
        return Piece(algebra.weighted_gram(g, half.node, nodes[tree.weights.base].args[0]), False, False)
    return combine(g, build(g, tree[0], nodes), build(g, tree[1], nodes))


def combine(g: Graph, left: Piece, right: Piece) -> Piece:
    """Return the product of two neighbouring pieces."""
    a, b = left.node, right.node
    row, column = left.row, right.column
    if left.column:
        if left.row or right.column:
            scalar, other = (a, b) if left.row else (b, a)
            return Piece(arrays.scale(g, scalar, other), row, column)
        return Piece(arrays.outer(g, a, b), row, column)
    if left.row and right.column:
        return Piece(algebra.dot(g, a, b), True, True)
    if left.row:
        return Piece(algebra.matmul(g, arrays.transposed(g, b), a), True, False)
    return Piece(algebra.matmul(g, a, b), row, column)


def trace(g: Graph, orders: Orders, chain: Key, nodes: dict[Expression, Node]) -> Node:
    """Return the trace of a chain: the cheapest pair of arcs of the cycle, multiplied entrywise and summed."""
    if len(chain) == 1:
        return algebra.total(g, arrays.diagonal(g, build(g, chain[0], nodes).node))
    arcs = [(chain[i:j], chain[j:] + chain[:i]) for i in range(len(chain)) for j in range(i + 1, len(chain) + (i > 0))]
    options = [
        (sum(_part(orders, arc)[0] for arc in pair) + _entries(orders, pair[0]), k) for k, pair in enumerate(arcs)
    ]
    first, second = arcs[min(options)[1]]
    left, right = (build(g, best(orders, arc)[1], nodes) for arc in (first, second))
    if any(algebra.is_inverse(p.node) for p in (left, right)):
        return algebra.total(g, arrays.diagonal(g, combine(g, left, right).node))
    return algebra.dot(g, arrays.transposed(g, left.node), right.node)


def _entries(orders: Orders, arc: Key) -> float:
    return orders.nominal(arc[0].axes[0]) * orders.nominal(arc[-1].axes[1])
