"""The terms of a Hessian taken apart by the connectivity of their index graphs: diagonals, products, common factors.

Axes of a vector's Hessian are (i, k), of a matrix's (i, j, k, l). Nothing here multiplies sums out except `spread`, and
only where a factor itself is a sum of matrices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from symml.calculus.construct import ein, total
from symml.calculus.nodes import Ein, Factor, Indices, Leaf, Node, Sum
from symml.derivation.stationary.separating import flat_terms

TERM_LIMIT = 60


# -- terms --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Term:
    """One product of factors with the axes of a Hessian; labels are positions in `sizes`."""

    coefficient: Fraction
    factors: tuple[Factor, ...]
    out: Indices
    sizes: tuple[Any, ...]

    def node(self) -> Node:
        """Return the term in the index form."""
        return piece(self, self.coefficient, self.factors, self.out)


def terms_of(hessian: Node) -> list[Term]:
    """Return the terms of a Hessian as products, diagonal matrices by their diagonal."""
    return [as_term(t) for t in flat_terms(hessian)]


def as_term(node: Node) -> Term:
    """Return a node as one product."""
    if not isinstance(node, Ein):
        axes = tuple(range(len(node.shape)))
        return _tied(Term(Fraction(1), ((node, axes),), axes, node.shape))
    return _tied(Term(node.coefficient, node.factors, node.out, node.sizes))


def _tied(term: Term) -> Term:
    """A term with the two axes of each diagonal matrix in it made one."""
    pairs = [idx for f, idx in term.factors if isinstance(f, Leaf) and "diagonal" in f.facts and idx[0] != idx[1]]
    if not pairs:
        return term
    old, new = max(pairs[0]), min(pairs[0])
    factors = tuple((f, tuple(new if i == old else i for i in idx)) for f, idx in term.factors)
    return _tied(Term(term.coefficient, factors, tuple(new if o == old else o for o in term.out), term.sizes))


def spread(terms: Sequence[Term]) -> list[Term]:
    """Return the terms with products distributed over sums of matrices; elementwise sums stay whole."""
    waiting = list(reversed(terms))
    found: list[Term] = []
    while waiting and len(waiting) + len(found) < TERM_LIMIT:
        term = waiting.pop()
        place = next((k for k, (f, _) in enumerate(term.factors) if _opens(f)), None)
        if place is None:
            found.append(term)
            continue
        f, idx = term.factors[place]
        assert isinstance(f, Sum)
        rest = (*term.factors[:place], *term.factors[place + 1 :])
        waiting.extend(as_term(piece(term, term.coefficient, (*rest, (t, idx)), term.out)) for t in reversed(f.terms))
    done = [t.node() for t in (*found, *reversed(waiting))]
    return terms_of(total(done, done[0].shape)) if done else []


def _opens(f: Node) -> bool:
    return isinstance(f, Sum) and len(f.shape) >= 2 and not all(_elementwise(t) for t in f.terms)


def _elementwise(term: Node) -> bool:
    if not isinstance(term, Ein):
        return True
    return len(set(term.out)) == len(term.out) and all(idx in (term.out, ()) for _, idx in term.factors)


def piece(term: Term, coefficient: Fraction | int, factors: Sequence[Factor], out: Indices) -> Node:
    """Return a product of some factors of a term."""
    used = {i for _, idx in factors for i in idx} | set(out)
    return ein(coefficient, list(factors), out, {i: term.sizes[i] for i in used})


def flipped(term: Term) -> Term:
    """Return a term of a matrix's Hessian with rows and columns of the matrix exchanged."""
    i, j, k, m = term.out
    return Term(term.coefficient, term.factors, (j, i, m, k), term.sizes)


# -- diagonals and outer products ---------------------------------------------------------------------------------
def diagonal(terms: Sequence[Term], count: int) -> Node | None:
    """Return the entries on the diagonal of a sum of diagonal terms; None when there is no term."""
    if not terms:
        return None
    entries = [piece(t, t.coefficient, t.factors, t.out[:count]) for t in terms]
    return total(entries, entries[0].shape)


def is_diagonal(term: Term) -> bool:
    """Whether a term is zero off the diagonal."""
    count = len(term.out) // 2
    return term.out[:count] == term.out[count:]


def constant(node: Node) -> Node | None:
    """Return the scalar that stands in every entry; None when entries differ."""
    if not isinstance(node, Ein) or len(set(node.out)) < len(node.out):
        return None
    used = {i for _, idx in node.factors for i in idx}
    if used & set(node.out):
        return None
    return ein(node.coefficient, list(node.factors), (), {i: node.sizes[i] for i in used})


def components(term: Term, without: Indices = ()) -> dict[int, int]:
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


def outer(term: Term, one: Indices, two: Indices, row: Indices = ()) -> Outer | None:
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


def peel(term: Term, i: int, k: int) -> Peeled | None:
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


def scalars(term: Term, factors: Sequence[Factor]) -> tuple[Node, list[Factor]]:
    """Return the scalar in front of some factors of a term, with its coefficient, and the factors that have axes."""
    loose = [(f, idx) for f, idx in factors if not idx]
    return piece(term, term.coefficient, loose, ()), [(f, idx) for f, idx in factors if idx]


def rest_of(term: Term, peeled: Peeled, out: Indices) -> Term:
    """Return what is left between of a peeled term, over other axes."""
    return as_term(piece(term, term.coefficient, peeled.rest, out))
