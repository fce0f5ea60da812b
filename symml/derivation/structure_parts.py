"""The terms of a Hessian taken apart by the connectivity of their index graphs: diagonals, outer products, factors in common.

Axes of a vector's Hessian are (i, k), of a matrix's (i, j, k, l). Nothing here multiplies sums out except `spread`, and
only where a factor itself is a sum of matrices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from symml.calculus.construct import ein, total
from symml.calculus.nodes import Const, Ein, Factor, Indices, Leaf, Node, Sum
from symml.derivation.separating import flat_terms

TERM_LIMIT = 60


# -- terms --------------------------------------------------------------------------------------------------------
def terms_of(hessian: Node) -> list[Ein] | None:
    """Return the terms of a Hessian as products, diagonal matrices by their diagonal; None when one is no product."""
    found = [_product(t) for t in flat_terms(hessian)]
    return None if any(t is None for t in found) else [t for t in found if t is not None]


def _product(term: Node) -> Ein | None:
    if not isinstance(term, Ein):
        axes = tuple(range(len(term.shape)))
        if isinstance(term, Leaf) and "diagonal" in term.facts:
            term = ein(1, [(term, (0, 0))], (0, 0), {0: term.shape[0]})
        else:
            return _raw(term, axes)
    assert isinstance(term, Ein)
    ties = {max(idx): min(idx) for f, idx in term.factors if isinstance(f, Leaf) and "diagonal" in f.facts and idx[0] != idx[1]}
    if not ties:
        return term
    factors = [(f, tuple(ties.get(i, i) for i in idx)) for f, idx in term.factors]
    sizes = {i: s for i, s in enumerate(term.sizes) if i not in ties}
    found = ein(term.coefficient, factors, tuple(ties.get(o, o) for o in term.out), sizes)
    return found if isinstance(found, Ein) else None


def _raw(node: Node, axes: Indices) -> Ein:
    """A bare node as a product of one factor; it is read here and never interned."""
    found = object.__new__(Ein)
    found.coefficient, found.factors, found.out, found.sizes = Fraction(1), ((node, axes),), axes, node.shape
    found.shape, found.leaves = node.shape, node.leaves
    return found


def spread(terms: Sequence[Ein]) -> list[Ein]:
    """Return the terms with products distributed over sums of matrices; elementwise sums stay whole."""
    waiting, found = list(reversed(terms)), []
    while waiting and len(waiting) + len(found) < TERM_LIMIT:
        term = waiting.pop()
        place = next((k for k, (f, _) in enumerate(term.factors) if _opens(f)), None)
        if place is None:
            found.append(term)
            continue
        f, idx = term.factors[place]
        assert isinstance(f, Sum)
        rest = [*term.factors[:place], *term.factors[place + 1 :]]
        sizes = dict(enumerate(term.sizes))
        parts = [ein(term.coefficient, [*rest, (t, idx)], term.out, sizes) for t in f.terms]
        waiting.extend(p for p in reversed([_product(p) for p in parts]) if p is not None)
    return [*found, *reversed(waiting)]


def _opens(f: Node) -> bool:
    return isinstance(f, Sum) and len(f.shape) >= 2 and not all(_elementwise(t) for t in f.terms)


def _elementwise(term: Node) -> bool:
    if not isinstance(term, Ein):
        return True
    return len(set(term.out)) == len(term.out) and all(idx in (term.out, ()) for _, idx in term.factors)


def piece(term: Ein, coefficient: Fraction | int, factors: Sequence[Factor], out: Indices) -> Node:
    """Return a product of some factors of a term."""
    used = {i for _, idx in factors for i in idx} | set(out)
    return ein(coefficient, list(factors), out, {i: term.sizes[i] for i in used})


def flipped(term: Ein) -> Ein:
    """Return a term of a matrix's Hessian with rows and columns of the matrix exchanged."""
    i, j, k, m = term.out
    found = object.__new__(Ein)
    found.coefficient, found.factors, found.sizes, found.leaves = term.coefficient, term.factors, term.sizes, term.leaves
    found.out = (j, i, m, k)
    found.shape = tuple(term.sizes[o] for o in found.out)
    return found


# -- diagonals and outer products ---------------------------------------------------------------------------------
def diagonal(terms: Sequence[Ein], count: int) -> Node | None:
    """Return the entries on the diagonal of a sum of diagonal terms; None when there is no term."""
    if not terms:
        return None
    entries = [piece(t, t.coefficient, t.factors, t.out[:count]) for t in terms]
    return total(entries, entries[0].shape)


def is_diagonal(term: Ein) -> bool:
    """Whether a term is zero off the diagonal."""
    count = len(term.out) // 2
    return term.out[:count] == term.out[count:]


def constant(node: Node) -> Node | None:
    """Return the scalar that stands in every entry; None when entries differ."""
    if isinstance(node, Ein) and len(set(node.out)) == len(node.out) and all(idx == () for _, idx in node.factors):
        return ein(node.coefficient, list(node.factors), (), {})
    return None


def components(term: Ein, without: Indices = ()) -> dict[int, int]:
    """Return a representative of the connected component of every label; labels in `without` join nothing."""
    group = {label: label for label in range(len(term.sizes))}

    def root(label: int) -> int:
        while group[label] != label:
            label = group[label]
        return label

    for _, idx in term.factors:
        joined = [i for i in idx if i not in without]
        for label in joined[1:]:
            group[root(label)] = root(joined[0])
    return {label: root(label) for label in group}


@dataclass(frozen=True)
class Outer:
    """c u uᵀ, for each row of `u` when it has one more axis than the block."""

    scale: Node
    vector: Node


def outer(term: Ein, one: Indices, two: Indices, row: Indices = ()) -> Outer | None:
    """Return a term as c u uᵀ between the axes `one` and `two`, for each index in `row`; None when it is not."""
    if set(one) & set(two):
        return None
    group = components(term, row)
    first, second = {group[i] for i in one}, {group[i] for i in two}
    if first & second:
        return None
    sides: dict[int, list[Factor]] = {0: [], 1: [], 2: []}
    for f, idx in term.factors:
        roots = {group[i] for i in idx if i not in row}
        sides[0 if roots & first else 1 if roots & second else 2].append((f, idx))
    loose = {i for _, idx in sides[2] for i in idx} - set(row)
    if loose:
        return None
    u, v = piece(term, 1, sides[0], (*row, *one)), piece(term, 1, sides[1], (*row, *two))
    if u.unsigned != v.unsigned:
        return None
    rows = row if any(idx for _, idx in sides[2]) else ()
    return Outer(piece(term, term.coefficient * u.sign * v.sign, sides[2], rows), u)


# -- factors in common --------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Peeled:
    """A term seen through a matrix: L at the axis i and at the axis k, and what is left between."""

    side: Node
    inner: tuple[int, int]
    rest: tuple[Factor, ...]


def peel(term: Ein, i: int, k: int) -> Peeled | None:
    """Return the matrix that stands at both axes of a term; None when there is none."""
    sides = []
    for axis in (i, k):
        touching = [(f, idx) for f, idx in term.factors if axis in idx]
        labels = {label for _, idx in touching for label in idx} - {axis}
        if len(labels) != 1 or labels & set(term.out):
            return None
        (m,) = labels
        sides.append((m, piece(term, 1, touching, (m, axis))))
    (m, left), (n, right) = sides
    if left.unsigned != right.unsigned or left.sign != right.sign:
        return None
    return Peeled(left, (m, n), tuple((f, idx) for f, idx in term.factors if i not in idx and k not in idx))


def scalars(term: Ein, factors: Sequence[Factor]) -> tuple[Node, list[Factor]]:
    """Return the scalar in front of some factors of a term, with its coefficient, and the factors that have axes."""
    loose = [(f, idx) for f, idx in factors if not idx]
    return piece(term, term.coefficient, loose, ()), [(f, idx) for f, idx in factors if idx]


def is_one(node: Node) -> bool:
    """Whether a scalar is the number one."""
    return isinstance(node, Const) and node.value == 1


def inner_term(term: Ein, coefficient: Any, factors: Sequence[Factor], out: Indices) -> Ein:
    """Return some factors of a term over other axes, as a product."""
    found = piece(term, coefficient, factors, out)
    return found if isinstance(found, Ein) else _raw(found, tuple(range(len(found.shape))))
