"""Entrywise quotients over one denominator: 1/r − x/r² with r = 1 + x is 1/r²; 1/(1 + x²/a) is a/(a + x²).

The answer is offered as one more form; it is kept where it prints shorter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from symml.calculus.construct import ein, power, total
from symml.calculus.nodes import Apply, Ein, Factor, Indices, Node, Sum, walk
from symml.calculus.transform import rebuild

LARGEST_POWER = 2  # of a denominator that is multiplied out


@dataclass(frozen=True)
class Term:
    """A term of a sum: its factors with the axes of the sum as indices 0, 1, …; summed indices come after them."""

    coefficient: Fraction
    factors: tuple[Factor, ...]
    sizes: dict[int, Any]

    def times(self, factors: Sequence[Factor]) -> Term:
        """The term with more factors."""
        return replace(self, factors=(*self.factors, *factors))

    def without(self, factors: Sequence[Factor]) -> Term:
        """The term with factors taken away."""
        kept = list(self.factors)
        for f in factors:
            kept.remove(f)
        return replace(self, factors=tuple(kept))


def join_quotients(node: Node) -> Node:
    """Return the node with the quotients of each sum over a common denominator, where no term is added by that."""
    if not any(_denominator(n) is not None for n in walk(node)):
        return node
    done: dict[Node, Node] = {}
    for part in walk(node):
        new = rebuild(part, [done[c] for c in part.children])
        if isinstance(new, Sum):
            new = _joined(new)
        elif isinstance(new, Apply) and new.op == "pow" and isinstance(new.children[0], Sum):
            new = _cleared(new)
        done[part] = new
    return done[node]


def _denominator(node: Node) -> Sum | None:
    """The sum a power divides by."""
    if isinstance(node, Apply) and node.op == "pow" and node.param < 0 and isinstance(node.children[0], Sum):
        return node.children[0]
    return None


def _cleared(node: Apply) -> Node:
    """(1 + x²/a)^−q → a^q (a + x²)^−q for scalars a that the terms of the sum are divided by."""
    base, q = node.children[0], node.param
    if q > 0 or q.denominator != 1 or len(base.shape) > 1:  # a number in every entry of a matrix is long
        return node
    below: dict[Node, Fraction] = {}
    for term in base.children:
        for f, idx in term.factors if isinstance(term, Ein) else ():
            if not idx and isinstance(f, Apply) and f.op == "pow" and f.param < 0:
                below[f.children[0]] = max(below.get(f.children[0], Fraction(0)), -f.param)
    if not below:
        return node
    axes, sizes = tuple(range(len(base.shape))), dict(enumerate(base.shape))
    scale: list[Factor] = [(power(s, k), ()) for s, k in below.items()]
    whole = total([ein(1, [(t, axes), *scale], axes, sizes) for t in base.children], base.shape)
    return ein(1, [(power(whole, q), axes), *((power(s, -k * q), ()) for s, k in below.items())], axes, sizes)


def _joined(node: Sum) -> Node:
    diagonal = all(isinstance(t, Ein) and t.out == (0, 0) for t in node.terms)
    shape = node.shape[:1] if diagonal else node.shape
    terms = [_term(t, diagonal) for t in node.terms]
    if any(t is None for t in terms):
        return node
    found = [t for t in terms if t is not None]
    common = _common(found)
    rest = [t.without(common) for t in found]
    shared: list[Factor] = []
    for base, idx in _denominators(rest, len(shape)):
        over = _over(rest, base, idx, shape)
        if over is not None:
            rest, exponent = over
            shared.append((power(base, exponent), idx))
    if not shared:
        return node
    used = tuple(sorted({i for t in rest for _, idx in t.factors for i in idx if i < len(shape)}))
    inner = total([_built(t, used, shape) for t in rest], [shape[i] for i in used])
    out = (0, 0) if diagonal else tuple(range(len(shape)))
    return ein(1, [*common, (inner, used), *shared], out, dict(enumerate(shape)))


def _term(node: Node, diagonal: bool) -> Term | None:
    if not isinstance(node, Ein):
        axes = tuple(range(len(node.shape)))
        return Term(Fraction(1), ((node, axes),), {})
    out = node.out[:1] if diagonal else node.out
    if len(set(out)) < len(out):
        return None
    names = {label: k for k, label in enumerate(out)}
    sizes: dict[int, Any] = {}
    for i, size in enumerate(node.sizes):
        if i not in names:
            names[i] = len(out) + len(sizes)
            sizes[names[i]] = size
    factors = tuple((f, tuple(names[i] for i in idx)) for f, idx in node.factors)
    return Term(node.coefficient, factors, sizes)


def _built(term: Term, used: Indices, shape: Sequence[Any]) -> Node:
    return ein(term.coefficient, term.factors, used, {**{i: shape[i] for i in used}, **term.sizes})


def _common(terms: Sequence[Term]) -> list[Factor]:
    """Factors of all terms, without summed indices."""
    summed = [set(t.sizes) for t in terms]
    return [
        f
        for f in dict.fromkeys(terms[0].factors)
        if all(f in t.factors and not s & set(f[1]) for t, s in zip(terms, summed, strict=True))
    ]


def _denominators(terms: Sequence[Term], order: int) -> list[tuple[Sum, Indices]]:
    found: dict[tuple[Sum, Indices], None] = {}
    for t in terms:
        for f, idx in t.factors:
            base = _denominator(f)
            if base is not None and all(i < order for i in idx):
                found[base, idx] = None
    return list(found)


def _over(
    terms: Sequence[Term], base: Sum, idx: Indices, shape: Sequence[Any]
) -> tuple[list[Term], Fraction] | None:  # fmt: skip
    """The terms over one power of a denominator, multiplied out; None when that makes more terms."""
    below = [[f for f in t.factors if f[1] == idx and _denominator(f[0]) is base] for t in terms]
    exponents = [sum((f.param for f, _ in own), Fraction(0)) for own in below]  # type: ignore[attr-defined]
    least = min(exponents)
    found: list[Term] = []
    for t, own, e in zip(terms, below, exponents, strict=True):
        whole = (e - least).__floor__()
        if whole > LARGEST_POWER:
            return None
        rest = t.without(own).times([(power(base, e - least - whole), idx)])
        found += _multiplied(rest, base, idx, whole)
    axes = tuple(range(len(shape)))
    numerator = total([_built(t, axes, shape) for t in found], shape)
    collected = numerator.terms if isinstance(numerator, Sum) else (numerator,)
    again = [_term(t, False) for t in collected]
    if len(collected) > len(terms) or any(t is None for t in again):
        return None
    return [t for t in again if t is not None], least


def _multiplied(term: Term, base: Sum, idx: Indices, times: int) -> list[Term]:
    """A term times a power of a sum, multiplied out."""
    terms = [term]
    for _ in range(times):
        terms = [t.times([(b, idx)]) for t in terms for b in base.terms]
    return terms
