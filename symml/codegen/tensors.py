"""Dense arrays of linear maps: the body of an action, linear in its direction, as sums of products of entries.

An index that the result and the direction share stands for equality; it is written as a factor identity. What is not
recognised as linear here is computed one basis direction at a time instead.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from symml.codegen import arrays
from symml.codegen.graph import Graph, Node, depends, postorder
from symml.language.expressions import Shape

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
Indices = tuple[int, ...]


class NotLinear(Exception):  # noqa: N818
    """The body has no form as a sum of products of entries."""


@dataclass(frozen=True)
class Term:
    """coefficients * sum of products of entries: factors with indices, indices of the result and of the direction."""

    out: Indices
    direction: Indices
    factors: tuple[tuple[Node, Indices], ...] = ()
    coefficients: tuple[Node, ...] = ()

    def times(self, *factors: tuple[Node, Indices], out: Indices) -> Term:
        """Return the term with more factors and other indices of the result."""
        return replace(self, factors=(*self.factors, *factors), out=out)


@dataclass
class Walk:
    """The state of one walk: the terms of every node that depends on the direction."""

    graph: Graph
    terms: dict[Node, list[Term]] = field(default_factory=dict)
    fresh: itertools.count[int] = field(default_factory=itertools.count)

    def new(self, count: int) -> Indices:
        """Return new indices."""
        return tuple(next(self.fresh) for _ in range(count))


def dense(g: Graph, direction: Node, body: Node) -> Node:
    """Return the array with the axes of the body, then those of the direction.

    Raises
    ------
    NotLinear
        If the body is not recognised as linear in the direction.
    """
    inside = depends(body, direction)
    walk = Walk(g)
    axes = walk.new(direction.ndim)
    for node in postorder([body]):
        if node is direction:
            walk.terms[node] = [Term(axes, axes)]
        elif node in inside:
            row = _ROWS.get(node.op)
            if row is None:
                raise NotLinear
            walk.terms[node] = row(walk, node)
    if body not in inside:
        raise NotLinear
    shape = (*body.shape, *direction.shape)
    return arrays.add(g, [_written(walk, t, body.shape, direction.shape) for t in walk.terms[body]], shape)


def _written(walk: Walk, term: Term, body: Shape, direction: Shape) -> Node:
    """One term as an index formula, put where equal indices meet."""
    g, factors = walk.graph, _needed(term)
    full = (*term.out, *term.direction)
    order = dict.fromkeys(i for _, indices in factors for i in indices)
    known = tuple(dict.fromkeys(i for i in full if i in order))
    letters = dict(zip(dict.fromkeys((*order, *full)), LETTERS, strict=False))
    if len({*order, *full}) > len(LETTERS):
        raise NotLinear
    sizes = dict(zip(full, (*body, *direction), strict=True))
    target = "".join(letters[i] for i in known)
    found = _product(g, factors, letters, target, tuple(sizes[i] for i in known))
    if known != full:
        missing = "".join(letters[i] for i in dict.fromkeys(full) if i not in order)
        formula = f"{''.join(letters[i] for i in full)}->{missing}{target}"
        found = g.make("embed", (found,), (formula,), (*body, *direction))
    for c in term.coefficients:
        found = arrays.scale(g, c, found)
    return found


def _needed(term: Term) -> list[tuple[Node, Indices]]:
    """Return the factors, transposes read the other way, without ones that another factor spreads anyway."""
    factors = [(f.args[0], indices[::-1]) if f.op == "t" else (f, indices) for f, indices in term.factors]
    elsewhere = {i for f, indices in factors if f.op != "ones" for i in indices}
    shared = {*term.out, *term.direction}
    return [(f, i) for f, i in factors if f.op != "ones" or not (set(i) <= elsewhere or set(i) <= shared)]


def _product(g: Graph, factors: list[tuple[Node, Indices]], letters: dict[int, str], target: str, shape: Shape) -> Node:
    words = ["".join(letters[i] for i in indices) for _, indices in factors]
    if not words:
        return g.scalar(1)
    if words == [target]:
        return factors[0][0]
    return g.make("einsum", tuple(f for f, _ in factors), (f"{','.join(words)}->{target}",), shape)


# -- one row an operation -------------------------------------------------------------------------------------------
def _one(walk: Walk, node: Node) -> int:
    """Position of the one operand that depends on the direction."""
    places = [k for k, a in enumerate(node.args) if a in walk.terms]
    if len(places) != 1:
        raise NotLinear
    return places[0]


def _scale(walk: Walk, node: Node) -> list[Term]:
    c, x = node.args
    if _one(walk, node) == 1:
        return [replace(t, coefficients=(*t.coefficients, c)) for t in walk.terms[x]]
    new = walk.new(x.ndim)
    if not new:
        return [replace(t, coefficients=(*t.coefficients, x)) for t in walk.terms[c]]
    return [t.times((x, new), out=new) for t in walk.terms[c]]


def _spread(walk: Walk, term: Term, operand: Node, shape: Shape) -> Term:
    """Return a term broadcast to a shape: a row, a column or a scalar repeated."""
    out = term.out
    if len(shape) == 2 and operand.shape != shape and operand.ndim == 2 and operand.op != "column":
        raise NotLinear
    if operand.op == "column":
        new = walk.new(1)
        ones = walk.graph.make("ones", (), (), shape[1:])
        return term.times((ones, new), out=(out[0], *new))
    missing = len(shape) - len(out)
    if missing:
        new = walk.new(missing)
        extra = [(walk.graph.make("ones", (), (), (shape[k],)), new[k : k + 1]) for k in range(missing)]
        return term.times(*extra, out=(*new, *out))
    return term


def _add(walk: Walk, node: Node) -> list[Term]:
    found: list[Term] = []
    minus = walk.graph.scalar(-1)
    for operand, sign in zip(node.args, node.attrs[0], strict=True):
        if operand not in walk.terms:
            raise NotLinear
        for term in walk.terms[operand]:
            spread = _spread(walk, term, operand, node.shape)
            found.append(spread if sign > 0 else replace(spread, coefficients=(*spread.coefficients, minus)))
    return found


def _mul(walk: Walk, node: Node) -> list[Term]:
    k = _one(walk, node)
    if node.attrs[0][k] < 0:
        raise NotLinear
    found = []
    for term in walk.terms[node.args[k]]:
        spread = _spread(walk, term, node.args[k], node.shape)
        for j, (other, p) in enumerate(zip(node.args, node.attrs[0], strict=True)):
            if j != k:
                spread = _with(walk, spread, other, p)
        found.append(spread)
    return found


def _with(walk: Walk, term: Term, other: Node, p: int) -> Term:
    """Return a term times one more array, entry by entry."""
    column = other.op == "column"
    base = other.args[0] if column else other
    factor = base if p > 0 else arrays.reciprocal(walk.graph, base)
    if base.ndim == 0:
        return replace(term, coefficients=(*term.coefficients, factor))
    indices = term.out[:1] if column else term.out[len(term.out) - base.ndim :]
    return term.times((factor, indices), out=term.out)


def _matmul(walk: Walk, node: Node) -> list[Term]:
    a, b = node.args
    if _one(walk, node) == 0:
        new = walk.new(b.ndim - 1)
        return [t.times((b, (t.out[1], *new)), out=(t.out[0], *new)) for t in walk.terms[a]]
    (new_row,) = walk.new(1)
    return [t.times((a, (new_row, t.out[0])), out=(new_row, *t.out[1:])) for t in walk.terms[b]]


def _solve(walk: Walk, node: Node) -> list[Term]:
    factor, b = node.args
    if factor in walk.terms:
        raise NotLinear
    method = "cholesky" if factor.op == "cholesky" else "lu"
    inverse = walk.graph.make("inverse", (factor,), (method,), factor.shape)
    (new_row,) = walk.new(1)
    turned = node.attrs[0]
    found = []
    for t in walk.terms[b]:
        indices = (t.out[0], new_row) if turned else (new_row, t.out[0])
        found.append(t.times((inverse, indices), out=(new_row, *t.out[1:])))
    return found


def _dot(walk: Walk, node: Node) -> list[Term]:
    k = _one(walk, node)
    return [t.times((node.args[1 - k], t.out), out=()) for t in walk.terms[node.args[k]]]


def _outer(walk: Walk, node: Node) -> list[Term]:
    k = _one(walk, node)
    new = walk.new(1)
    return [
        t.times((node.args[1 - k], new), out=(*t.out, *new) if k == 0 else (*new, *t.out))
        for t in walk.terms[node.args[k]]
    ]


def _kept(out: Indices, axis: int | None) -> Indices:
    return () if axis is None else (out[1 - axis],)


def _reduce(walk: Walk, node: Node) -> list[Term]:
    kind, axis = node.attrs
    if kind != "sum":
        raise NotLinear
    return [replace(t, out=_kept(t.out, axis)) for t in walk.terms[node.args[0]]]


def _sums_of_product(walk: Walk, node: Node) -> list[Term]:
    k = _one(walk, node)
    axis = node.attrs[0]
    return [t.times((node.args[1 - k], t.out), out=_kept(t.out, axis)) for t in walk.terms[node.args[k]]]


def _weighted_gram(walk: Walk, node: Node) -> list[Term]:
    x, s = node.args
    if _one(walk, node) == 0:
        raise NotLinear
    new = walk.new(2)
    return [t.times((x, (t.out[0], new[0])), (x, (t.out[0], new[1])), out=new) for t in walk.terms[s]]


def _repeated(walk: Walk, node: Node) -> list[Term]:
    new = walk.new(1)
    rows = node.op == "rows"
    ones = walk.graph.make("ones", (), (), node.shape[:1] if rows else node.shape[1:])
    return [t.times((ones, new), out=(*new, *t.out) if rows else (*t.out, *new)) for t in walk.terms[node.args[0]]]


def _diag(walk: Walk, node: Node) -> list[Term]:
    if node.args[0].ndim != 1:
        raise NotLinear
    return [replace(t, out=(t.out[0], t.out[0])) for t in walk.terms[node.args[0]]]


def _diagonal(walk: Walk, node: Node) -> list[Term]:
    found = []
    for t in walk.terms[node.args[0]]:
        kept, lost = t.out
        swap = {lost: kept}
        factors = tuple((f, tuple(swap.get(i, i) for i in indices)) for f, indices in t.factors)
        found.append(Term((kept,), tuple(swap.get(i, i) for i in t.direction), factors, t.coefficients))
    return found


def _turned(walk: Walk, node: Node) -> list[Term]:
    return [replace(t, out=t.out[::-1]) for t in walk.terms[node.args[0]]]


def _same(walk: Walk, node: Node) -> list[Term]:
    return walk.terms[node.args[0]]


def _add_diagonal(walk: Walk, node: Node) -> list[Term]:
    matrix, entries = node.args
    if matrix not in walk.terms or entries not in walk.terms or entries.ndim != 1:
        raise NotLinear
    return [*walk.terms[matrix], *(replace(t, out=(t.out[0], t.out[0])) for t in walk.terms[entries])]


_ROWS: dict[str, Callable[[Walk, Node], list[Term]]] = {
    "scale": _scale, "add": _add, "structured": _add, "mul": _mul, "mm": _matmul, "solve": _solve, "dot": _dot,
    "outer": _outer, "reduce": _reduce, "sums_of_product": _sums_of_product, "weighted_gram": _weighted_gram,
    "rows": _repeated, "cols": _repeated, "diag": _diag, "diagonal": _diagonal, "t": _turned, "column": _same,
    "add_diagonal": _add_diagonal,
}  # fmt: skip
