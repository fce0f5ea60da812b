"""Inverses written alike: T S⁻¹ = I − (S − T) S⁻¹ for one term T of a sum S, inverses of products taken apart.

For proofs only, nothing here is shown. Each rewriting is an equality wherever the inverses exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from symml.calculus.canonical.products import match_factors
from symml.calculus.construct import BUILD, ein, operator, power, total
from symml.calculus.determinants import conjugated, diagonal_entries, square_factors
from symml.calculus.nodes import Apply, Ein, Factor, Indices, Node, Sum, walk
from symml.calculus.rewriting import facts_of
from symml.calculus.transform import rebuild


def taken_apart(node: Node) -> Node:
    """Return the node with (A B)⁻¹ = B⁻¹ A⁻¹ wherever A and B are square, whatever their own factors are."""
    done: dict[Node, Node] = {}
    for part in walk(node):
        new = rebuild(part, [done[c] for c in part.children])
        if isinstance(new, Apply) and new.op == "inv":
            new = _apart(new, new.children[0])
        done[part] = new
    return done[node]


def _apart(inverse: Node, x: Node) -> Node:
    if isinstance(x, Ein):
        runs = square_factors(x) if x.out[0] != x.out[1] and x.coefficient == 1 else []
        return (
            _chain([operator("inv", (r,), r.shape) for r in reversed(runs)], x.shape[0]) if len(runs) > 1 else inverse
        )
    if not isinstance(x, Sum):
        return inverse
    turned = conjugated(x)
    if turned is not None:  # S⁻¹ = Q (Qᵀ S Q)⁻¹ Qᵀ
        (q, axis), inner = turned
        middle = _apart(operator("inv", (inner,), x.shape), inner)
        pairs = ((0, 2), (1, 3)) if axis == 0 else ((2, 0), (3, 1))
        return ein(1, [(q, pairs[0]), (middle, (2, 3)), (q, pairs[1])], (0, 1), dict.fromkeys(range(4), x.shape[0]))
    entries = diagonal_entries(x)
    if entries is None:
        return inverse
    return ein(1, [(power(entries, -1), (0,))], (0, 0), {0: x.shape[0]})


def _chain(matrices: list[Node], n: Any) -> Node:
    places = range(len(matrices) + 1)
    factors = [(m, (k, k + 1)) for k, m in enumerate(matrices)]
    return ein(1, factors, (0, len(matrices)), dict.fromkeys(places, n))


def reduced(node: Node) -> Node:
    """Return the node with T S⁻¹ = I − (S − T) S⁻¹ for the leading term T of a sum S, wherever T meets S⁻¹."""
    terms = node.terms if isinstance(node, Sum) else (node,)
    return total([_reduced_term(t) if isinstance(t, Ein) else t for t in terms], node.shape)


@dataclass(frozen=True)
class _Pattern:
    """A term of a sum as a product of what has axes; numbers apart."""

    term: Node
    factors: tuple[Factor, ...]
    out: Indices
    sizes: tuple[Any, ...]
    numbers: tuple[Factor, ...]
    coefficient: Fraction

    @property
    def leads(self) -> bool:
        """Whether both axes stand on factors, and its numbers may be divided by."""
        joined = set(self.out) <= {i for _, idx in self.factors for i in idx}
        return joined and self.out[0] != self.out[1] and all(_nonzero(f) for f, _ in self.numbers)


def _nonzero(number: Node) -> bool:
    """Whether a number is not zero wherever it is defined."""
    reciprocal = isinstance(number, Apply) and number.op == "pow" and number.param < 0
    return reciprocal or "nonzero" in facts_of(number)


def _pattern(term: Node) -> _Pattern:
    if not isinstance(term, Ein):
        return _Pattern(term, ((term, (0, 1)),), (0, 1), term.shape, (), Fraction(1))
    numbers = tuple((f, idx) for f, idx in term.factors if not idx)
    factors = tuple((f, idx) for f, idx in term.factors if idx)
    return _Pattern(term, factors, term.out, term.sizes, numbers, term.coefficient)


def _leading(base: Sum) -> _Pattern | None:
    """The term to eliminate: the one with most factors; the same for equal sums."""
    options = [p for p in map(_pattern, base.terms) if p.leads]
    return max(options, key=lambda p: (len(p.factors), p.term.digest), default=None)


def _reduced_term(term: Ein) -> Node:
    for k, (f, idx) in enumerate(term.factors):
        if not (isinstance(f, Apply) and f.op == "inv" and isinstance(f.children[0], Sum)) or idx[0] == idx[1]:
            continue
        base = f.children[0]
        lead = _leading(base)
        if lead is None:
            continue
        for slot in (0, 1):
            meet = idx[slot]
            if meet in term.out:
                continue
            given = {lead.out[1 - slot]: meet}
            found = match_factors(lead, given, list(term.factors), k, term.out, BUILD)  # type: ignore[arg-type]
            if found is None:
                continue
            used, inner, names = found
            other = names[lead.out[slot]]
            left = [x for n, x in enumerate(term.factors) if n not in used and n != k]
            if other in inner or any(meet in i for _, i in left):
                continue
            left += [(power(f, -1), ()) for f, _ in lead.numbers]
            rest = total([t for t in base.terms if t is not lead.term], base.shape)
            sizes = {i: s for i, s in enumerate(term.sizes) if i not in inner}
            scale = term.coefficient / lead.coefficient
            closed = _unified(
                scale, left, term.out, {i: s for i, s in sizes.items() if i != meet}, other, idx[1 - slot]
            )
            pair = (other, meet) if slot == 0 else (meet, other)
            minus = ein(-scale, [*left, (rest, pair), (f, idx)], term.out, sizes)
            return total([closed, minus], term.shape)
    return term


def _unified(scale: Any, factors: list[Factor], out: Indices, sizes: dict[int, Any], old: int, new: int) -> Node:
    def swap(idx: Indices) -> Indices:
        return tuple(new if i == old else i for i in idx)

    kept = {i: s for i, s in sizes.items() if i != old or old == new}
    return ein(scale, [(f, swap(idx)) for f, idx in factors], swap(out), kept)
