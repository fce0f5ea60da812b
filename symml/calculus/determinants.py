"""Determinants written alike: factors outside, det(T + R) = det(T) det(I + T⁻¹R), one rotation of I + A B.

For proofs only, nothing here is shown. Each rewriting is an equality of polynomials wherever T is invertible.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from symml.calculus import fusing
from symml.calculus.canonical.operators import is_chain
from symml.calculus.construct import apply_map, dimension, ein, operator, power, times, total, transposed
from symml.calculus.nodes import Apply, Const, Ein, Factor, Leaf, Node, Sum, const, walk
from symml.calculus.related import positive
from symml.calculus.rewriting import facts_of
from symml.calculus.signs import sign, whole_power
from symml.calculus.transform import rebuild

SIZE_LIMIT = 12  # factors of a product under a determinant


def oriented(node: Node) -> Node:
    """Return the node with every determinant in one of its equal forms, the same for all of them."""
    if not any(isinstance(n, Apply) and n.op in _OPS for n in walk(node)):
        return node
    inverted = {n.children[0].digest: n.children[0] for n in walk(node) if isinstance(n, Apply) and n.op == "inv"}
    bases = [inverted[d] for d in sorted(inverted)]
    done: dict[Node, Node] = {}
    for part in walk(node):
        new = rebuild(part, [done[c] for c in part.children])
        if isinstance(new, Apply) and new.op in _OPS:
            new = _Value(new.op, bases).of(new.children[0])
        done[part] = new
    return done[node]


_OPS = ("det", "logdet")


class _Value:
    """A determinant, or the logarithm of its absolute value, in parts that are multiplied or added."""

    def __init__(self, op: str, inverted: Sequence[Node]) -> None:
        self.op, self.log = op, op == "logdet"
        self.inverted = inverted

    def of(self, argument: Node) -> Node:
        """Return the value of a matrix."""
        parts: list[Node] = []
        waiting = [argument]
        while waiting:
            found = self._split(waiting.pop())
            if isinstance(found, Node):
                parts.append(found)
            else:
                value, matrices = found
                parts += value
                waiting += matrices[::-1]
        return self._joined([(p, const(1)) for p in parts])

    def _joined(self, parts: Sequence[tuple[Node, Node]]) -> Node:
        if self.log:
            return total([ein(1, [(p, ()), (k, ())], (), {}) for p, k in parts], ())
        return ein(1, [(_to_the(p, k), ()) for p, k in parts], (), {})

    def _split(self, x: Node) -> Node | tuple[list[Node], list[Node]]:
        """The value of a matrix, or values and matrices whose values are multiplied."""
        for rule in (self._leaf, self._inverse, self._kron, self._diagonal, self._product, self._sum):
            found = rule(x)
            if found is not None:
                return found
        return self._plain(x)

    def _plain(self, x: Node) -> Node:
        """The operator itself; the logarithm of the absolute determinant does not see a sign."""
        turned = total([times(-1, t) for t in x.terms], x.shape) if self.log and isinstance(x, Sum) else x
        return operator(self.op, (min(x, turned, key=lambda n: n.digest),), ())

    def _leaf(self, x: Node) -> Node | None:
        if not isinstance(x, Leaf):
            return None
        if "orthonormal columns" in x.facts:
            return const(0) if self.log else sign(f"det {x.name}")
        if self.log and {"lower triangular", "upper triangular"} & x.facts:
            entries = apply_map("log", apply_map("abs", ein(1, [(x, (0, 0))], (0,), {0: x.shape[0]})))
            return ein(1, [(entries, (0,))], (), {0: x.shape[0]})
        return None

    def _inverse(self, x: Node) -> Node | None:
        if not isinstance(x, Apply) or x.op != "inv":
            return None
        inner = _Value(self.op, self.inverted).of(x.children[0])
        return times(-1, inner) if self.log else power(inner, -1)

    def _kron(self, x: Node) -> Node | None:
        """det(A ⊗ B) = det(A)^m det(B)^n."""
        if not (isinstance(x, Apply) and fusing.is_fused(x) and x.param == (2, 2)):
            return None
        inner = x.children[0]
        if not isinstance(inner, Ein) or len(inner.factors) != 2 or abs(inner.coefficient) != 1:
            return None
        n, m = inner.shape[:2]
        places = {frozenset(inner.out.index(i) for i in idx if i in inner.out): f for f, idx in inner.factors}
        signed = inner.coefficient != 1 and not self.log
        if set(places) != {frozenset((0, 2)), frozenset((1, 3))} or inner.shape[2:] != (n, m) or signed:
            return None
        pair = ((places[frozenset((0, 2))], dimension(m)), (places[frozenset((1, 3))], dimension(n)))
        return self._joined([(_Value(self.op, self.inverted).of(f), k) for f, k in pair])

    def _diagonal(self, x: Node) -> Node | tuple[list[Node], list[Node]] | None:
        """The product of a diagonal, for positive entries."""
        if not isinstance(x, Ein) or x.out[0] != x.out[1] or len(x.sizes) > 1 or x.coefficient == 0:
            return None
        if all(not idx for _, idx in x.factors):
            return self._scale(ein(x.coefficient, list(x.factors), (), {}), x.sizes[0])
        n = x.sizes[0]
        entries = ein(x.coefficient, list(x.factors), (0,), {0: n})
        if not self.log and x.coefficient < 0:
            return [self._scale(const(-1), n)], [times(-1, x)]
        return self._of_entries(entries, n)

    def _product(self, x: Node) -> tuple[list[Node], list[Node]] | None:
        """Numbers outside, square factors apart."""
        if not isinstance(x, Ein) or x.out[0] == x.out[1] or not 0 < len(x.factors) <= SIZE_LIMIT:
            return None
        if x.coefficient == 1 and len(x.factors) == 1 and x.factors[0][1] == x.out[::-1]:
            return [], [x.factors[0][0]]  # a transpose
        values, bare = self._numbers(x)
        matrices = square_factors(bare) if isinstance(bare, Ein) else []
        if values or len(matrices) > 1:
            return values, matrices or [bare]
        return None

    def _numbers(self, x: Ein) -> tuple[list[Node], Node]:
        """det(c A) = c^n det(A)."""
        n = x.sizes[x.out[0]]
        scalars = [(f, ()) for f, idx in x.factors if idx == ()]
        if x.coefficient == 1 and not scalars:
            return [], x
        rest = ein(1, [(f, idx) for f, idx in x.factors if idx], x.out, dict(enumerate(x.sizes)))
        return [self._scale(ein(x.coefficient, scalars, (), {}), n)], rest

    def _scale(self, c: Node, n: Any) -> Node:
        if isinstance(c, Const):
            c = const(abs(c.value)) if self.log else c
        if self.log:
            size = c if positive(c) else apply_map("abs", c)
            if isinstance(size, Const) and size.value == 1:
                return const(0)
            return ein(1, [(dimension(n), ()), (apply_map("log", size), ())], (), {})
        return _to_the(c, dimension(n))

    # -- sums -----------------------------------------------------------------------------------------------------
    def _sum(self, x: Node) -> Node | tuple[list[Node], list[Node]] | None:
        if not isinstance(x, Sum):
            return None
        turned = conjugated(x)
        if turned is not None:
            return [], [turned[1]]
        entries = diagonal_entries(x)
        if entries is not None:
            return self._of_entries(entries, x.shape[0])
        unit, rest = unit_and_rest(x)
        if unit is None or rest is None:
            return self._without_term(x)
        value = _rank_one(rest)
        if value is not None:
            return apply_map("log", apply_map("abs", value)) if self.log else value
        options = [x, *rotations(x, unit, rest)]
        flat = [n for n in options if isinstance(n, Sum) and diagonal_entries(n) is not None]
        return ([], [flat[0]]) if flat else self._plain(min(options, key=lambda n: n.digest))

    def _of_entries(self, entries: Node, n: Any) -> Node | None:
        """The product of a diagonal: an exponential for positive entries only."""
        if not self.log and not positive(entries):
            return None
        size = entries if positive(entries) else apply_map("abs", entries)
        logarithm = ein(1, [(apply_map("log", size), (0,))], (), {0: n})
        return logarithm if self.log else apply_map("exp", logarithm)

    def _without_term(self, x: Sum) -> tuple[list[Node], list[Node]] | None:
        """det(T + R) = det(T) det(I + T⁻¹ R) for one invertible T, the same one for equal sums."""
        content: Fraction = x.memo["content"]
        if content != 1:
            inner = total([times(1 / content, t) for t in x.terms], x.shape)
            return [self._scale(const(content), x.shape[0])], [inner]
        first = self._first(x)
        if first is None:
            return None
        gone = {t.digest for t in (first.terms if isinstance(first, Sum) else (first,))}
        inverse = operator("inv", (first,), first.shape)
        n = x.shape[0]
        one = ein(1, [], (0, 0), {0: n})
        rest = [
            ein(1, [(inverse, (0, 2)), (t, (2, 1))], (0, 1), {0: n, 1: n, 2: n})
            for t in x.terms
            if t.digest not in gone
        ]
        if isinstance(first, Ein) and first.out[0] == first.out[1]:
            c = ein(first.coefficient, list(first.factors), (), {})
            return [self._scale(c, n)], [total([one, *rest], x.shape)]
        return [], [first, total([one, *rest], x.shape)]

    def _first(self, x: Sum) -> Node | None:
        """The invertible term: a sum whose inverse occurs, else a number times I, else the first by digest."""
        own = {t.digest for t in x.terms}
        sums = [b for b in self.inverted if isinstance(b, Sum) and len(b.terms) < len(own)]
        for options in (
            [b for b in sums if {t.digest for t in b.terms} <= own],
            [t for t in x.terms if isinstance(t, Ein) and t.out[0] == t.out[1] and _nonzero_number(t)],
            [t for t in x.terms if self._invertible(t)],
        ):
            if options:
                found = min(options, key=lambda t: t.digest)
                unit = isinstance(found, Ein) and not found.factors and found.coefficient == 1
                return None if unit else found
        return None

    def _invertible(self, t: Node) -> bool:
        if isinstance(t, Ein):
            square = len(square_factors(t)) == len(t.factors) and t.coefficient != 0
            return square and all(self._invertible(f) for f, _ in t.factors)
        declared = isinstance(t, Leaf) and bool({"invertible", "orthogonal"} & t.facts)
        return declared or (isinstance(t, Apply) and t.op == "inv") or t in self.inverted


def _to_the(x: Node, k: Node) -> Node:
    """x^k, in the form that lowering gives a power with a symbol in its exponent."""
    if isinstance(k, Const):
        return power(x, k.value)
    found = apply_map("exp", ein(1, [(k, ()), (apply_map("log", x), ())], (), {}))
    return whole_power(found) if isinstance(found, Apply) and found.param == "exp" else found


def diagonal_entries(x: Sum) -> Node | None:
    """Return d of a sum that is diag(d)."""
    entries = []
    for t in x.terms:
        if not isinstance(t, Ein) or t.out[0] != t.out[1]:
            return None
        entries.append(ein(t.coefficient, list(t.factors), t.out[:1], dict(enumerate(t.sizes))))
    return total(entries, x.shape[:1])


def conjugated(x: Sum) -> tuple[tuple[Node, int], Node] | None:
    """Return (Q, axis) and Qᵀ S Q (axis 0; Q S Qᵀ for axis 1) for an orthogonal Q that this takes out of S."""
    for q, axis in dict.fromkeys(found for t in x.terms for found in _orthogonal_rim(t)):
        n = x.shape[0]
        pairs = ((2, 0), (3, 1)) if axis == 0 else ((0, 2), (1, 3))
        terms = [
            ein(1, [(q, pairs[0]), (t, (2, 3)), (q, pairs[1])], (0, 1), dict.fromkeys(range(4), n)) for t in x.terms
        ]
        if sum(_count(t) for t in terms) < sum(_count(t) for t in x.terms):
            return (q, axis), total(terms, x.shape)
    return None


def _orthogonal_rim(t: Node) -> list[tuple[Node, int]]:
    """Orthogonal matrices that carry the first axis of a term, and which of their axes does."""
    if not isinstance(t, Ein) or t.out[0] == t.out[1]:
        return []
    return [
        (f, idx.index(t.out[0]))
        for f, idx in t.factors
        if isinstance(f, Leaf) and "orthogonal" in f.facts and t.out[0] in idx and idx[0] != idx[1]
    ]


def _count(t: Node) -> int:
    return len(t.factors) if isinstance(t, Ein) else 1


def _nonzero_number(t: Ein) -> bool:
    """Whether a term is c I for a number c that cannot be zero."""
    return t.coefficient != 0 and len(t.sizes) == 1 and all(not i and "nonzero" in facts_of(f) for f, i in t.factors)


def square_factors(argument: Ein) -> list[Node]:
    """Square factors of a chain between the two axes, each a run of its matrices; weights on the way are diagonal."""
    weights: dict[int, list[Factor]] = {}
    left: list[Factor] = []
    for f, idx in argument.factors:
        if len(idx) == 1:
            weights.setdefault(idx[0], []).append((f, idx))
        else:
            left.append((f, idx))
    path = {i for _, idx in left for i in idx} | set(argument.out)
    if not is_chain(left, argument.out) or not set(weights) <= path:
        return []
    sizes, n = argument.sizes, argument.sizes[argument.out[0]]
    start = here = argument.out[0]
    runs: list[Node] = _diagonal(weights.get(here, []), n)
    run: list[Factor] = []
    while left:
        step = next(x for x in left if here in x[1])
        left.remove(step)
        run.append(step)
        a, b = step[1]
        here = b if here == a else a
        if sizes[here] == n:
            used = {i for _, idx in run for i in idx}
            runs += [ein(1, run, (start, here), {i: sizes[i] for i in used}), *_diagonal(weights.get(here, []), n)]
            start, run = here, []
        else:
            run += weights.get(here, [])
    return runs


def _diagonal(weights: list[Factor], n: Any) -> list[Node]:
    return [ein(1, [(f, (0,)) for f, _ in weights], (0, 0), {0: n})] if weights else []


# -- I + A B ------------------------------------------------------------------------------------------------------
def _rank_one(rest: Ein) -> Node | None:
    """det(I + c u vᵀ) = 1 + c vᵀu."""
    a, b = rest.out
    linked = {a}
    while True:
        more = {i for _, idx in rest.factors if set(idx) & linked for i in idx} - linked
        if not more:
            break
        linked |= more
    if b in linked or a == b:
        return None
    closed = ein(rest.coefficient, [(f, tuple(a if i == b else i for i in idx)) for f, idx in rest.factors], (),
                 {i: s for i, s in enumerate(rest.sizes) if i != b})  # fmt: skip
    return total([const(1), closed], ())


def unit_and_rest(argument: Sum) -> tuple[Node | None, Ein | None]:
    """Return the identity among the terms of a sum, and the other term when there is one product only."""
    unit = [
        t
        for t in argument.terms
        if isinstance(t, Ein) and not t.factors and t.out[0] == t.out[1] and t.coefficient == 1
    ]
    if len(unit) != 1:
        return None, None
    rest = [t for t in argument.terms if t is not unit[0]]
    return unit[0], rest[0] if len(rest) == 1 and isinstance(rest[0], Ein) else None


def rotations(argument: Sum, unit: Node, term: Ein) -> list[Node]:
    """Return I + B A for every cut of A B, and the transposes."""
    if not is_chain([(f, idx) for f, idx in term.factors if len(idx) > 1], term.out):
        return []
    found = [total([transposed(t) for t in argument.terms], argument.shape)]
    a, b = term.out
    for cut in dict.fromkeys(i for _, idx in term.factors for i in idx if len(idx) > 1 and i not in term.out):
        # close the chain at its ends, open it at the cut
        seen = 0
        factors = []
        fresh = len(term.sizes)
        for f, idx in term.factors:
            moved = []
            for i in idx:
                i = a if i == b else i
                if i == cut and len(idx) > 1:  # a weight goes with the second matrix
                    seen += 1
                    i = cut if seen == 1 else fresh
                elif i == cut:
                    i = fresh
                moved.append(i)
            factors.append((f, tuple(moved)))
        n = term.sizes[cut]
        sizes: dict[int, Any] = {i: s for i, s in enumerate(term.sizes) if i != b} | {fresh: n}
        turned = ein(term.coefficient, factors, (cut, fresh), sizes)
        found += [total([ein(1, [], (0, 0), {0: n}), t], (n, n)) for t in (turned, transposed(turned))]
    return found
