"""An equation in the index form taken apart: common factors cleared, sums opened at the unknown, affine maps split.

An affine map of a matrix X is a sum of terms P X Qᵀ; each term is found by the connectivity of its index graph, one
term at a time, never by trying sides on the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from symml.calculus.construct import apply_map, base_and_exponent, delta, ein, is_zero, power, times, total
from symml.calculus.nodes import Apply, Const, Ein, Factor, Indices, Leaf, Node, Sum, walk
from symml.calculus.rewriting import facts_of
from symml.calculus.transform import rebuild

TERM_LIMIT = 200


# -- sums opened --------------------------------------------------------------------------------------------------
def expand_in(f: Node, x: Leaf) -> Node:
    """Return f with products distributed over the sums that hold x; data without x stay as they are."""
    done: dict[Node, Node] = {}
    for node in walk(f):
        if x not in node.leaves:
            done[node] = node
            continue
        new = rebuild(node, [done[c] for c in node.children])
        done[node] = _opened(new, x)
    return done[f]


def _opened(node: Node, x: Leaf) -> Node:
    axes = tuple(range(len(node.shape)))
    base, q = base_and_exponent(node)
    if base is not node and isinstance(base, Sum) and x in base.leaves and q in (2, 3):
        return _spread(Fraction(1), [(node, axes)], axes, dict(enumerate(node.shape)), x)
    if isinstance(node, Ein):
        return _spread(node.coefficient, list(node.factors), node.out, dict(enumerate(node.sizes)), x)
    return _split_exponential(node, x)


def _split_exponential(node: Node, x: Leaf) -> Node:
    """exp(z + s 𝟏) = exp(s) exp(z) for a scalar s that holds x."""
    if not (isinstance(node, Apply) and node.op == "map" and node.param == "exp" and isinstance(node.children[0], Sum)):
        return node
    inner = node.children[0]
    apart = [t for t in inner.terms if isinstance(t, Ein) and x in t.leaves and all(idx == () for _, idx in t.factors)]
    if not apart or not node.shape:
        return node
    axes = tuple(range(len(node.shape)))
    scalars = [apply_map("exp", ein(t.coefficient, t.factors, (), {})) for t in apart]
    rest = apply_map("exp", total([t for t in inner.terms if t not in apart], inner.shape))
    return ein(1, [*((s, ()) for s in scalars), (rest, axes)], axes, dict(enumerate(node.shape)))


def _spread(coefficient: Fraction, factors: list[Factor], out: Indices, sizes: dict[int, Any], x: Leaf) -> Node:
    products: list[list[Factor]] = [[]]
    for f, idx in factors:
        base, q = base_and_exponent(f)
        repeats = int(q) if isinstance(base, Sum) and q in (1, 2, 3) else 0
        if not repeats or x not in base.leaves:
            products = [[*p, (f, idx)] for p in products]
            continue
        assert isinstance(base, Sum)
        for _ in range(repeats):
            products = [[*p, (t, idx)] for p in products for t in _grouped(base, x)]
        if len(products) > TERM_LIMIT:
            return ein(coefficient, factors, out, sizes)
    return total([ein(coefficient, p, out, sizes) for p in products], [sizes[o] for o in out])


def _grouped(f: Sum, x: Leaf) -> list[Node]:
    """Terms with x one by one, the rest as one term."""
    rest = [t for t in f.terms if x not in t.leaves]
    return [*(t for t in f.terms if x in t.leaves), *([total(rest, f.shape)] if rest else [])]


def flat_terms(node: Node) -> list[Node]:
    """Return the terms of a sum, also of a multiple of a sum."""
    waiting, found = [node], []
    while waiting:
        term = waiting.pop()
        if isinstance(term, Sum):
            waiting.extend(reversed(term.terms))
            continue
        parts = _multiple_of_sum(term)
        if parts is None:
            found.append(term)
        else:
            waiting.extend(reversed(parts))
    return found


def _multiple_of_sum(term: Node) -> list[Node] | None:
    if not isinstance(term, Ein):
        return None
    for k, (f, idx) in enumerate(term.factors):
        others = [g for m, g in enumerate(term.factors) if m != k]
        whole = len(f.shape) > 2 or (idx == term.out and len(set(idx)) == len(idx) and all(j == () for _, j in others))
        if isinstance(f, Sum) and idx and whole:
            sizes = dict(enumerate(term.sizes))
            return [ein(term.coefficient, [*others, (t, idx)], term.out, sizes) for t in f.terms]
    return None


# -- common factors -----------------------------------------------------------------------------------------------
def cleared(equation: Node) -> Node:
    """Return the equation without the number and the nonzero scalars that all its terms have in common."""
    terms = flat_terms(equation)
    if not terms or is_zero(equation):
        return equation
    shared = nonzero_scalars(terms[0])
    for t in terms[1:]:
        own = nonzero_scalars(t)
        shared = {k: (n, min(q, own[k][1], key=abs)) for k, (n, q) in shared.items() if k in own and q * own[k][1] > 0}
    parted = [divided(t, [(n, q) for n, q in shared.values()]) for t in terms]
    found = total(parted, equation.shape)
    content = found.memo["content"] if isinstance(found, Sum) else abs(_coefficient(found))
    found = times(1 / content, found) if content not in (0, 1) else found
    return found if found is equation or not shared else cleared(found)


def _coefficient(node: Node) -> Fraction:
    return node.value if isinstance(node, Const) else node.coefficient if isinstance(node, Ein) else Fraction(1)


def nonzero_scalars(term: Node) -> dict[bytes, tuple[Node, Fraction]]:
    """Nonzero scalar factors of a term, with their powers."""
    factors = term.factors if isinstance(term, Ein) else ((term, ()),) if term.shape == () else ()
    found = {}
    for f, idx in factors:
        base, q = base_and_exponent(f)
        if idx == () and not isinstance(f, Const) and {"positive", "nonzero", "negative"} & facts_of(base):
            found[base.digest] = (base, q)
    return found


def divided(term: Node, scalars: Sequence[tuple[Node, Fraction]]) -> Node:
    """Return a term over powers of scalars."""
    axes = tuple(range(len(term.shape)))
    return ein(1, [*((power(n, -q), ()) for n, q in scalars), (term, axes)], axes, dict(enumerate(term.shape)))


# -- affine maps --------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Part:
    """One term P X Qᵀ of a linear map of a matrix, or of Xᵀ when `flipped`."""

    left: Node
    right: Node
    flipped: bool = False


def split(jacobian: Node, symmetric: bool) -> list[Part] | None:
    """Return the terms P X Qᵀ of a map with axes (i, j, k, l); None when a term has no such form.

    For a symmetric X the terms in Xᵀ are terms in X.
    """
    parts = []
    for term in flat_terms(jacobian):
        part = _part(term, symmetric)
        if part is None:
            return None
        parts.append(part)
    return parts


def _part(term: Node, symmetric: bool) -> Part | None:
    if not isinstance(term, Ein) or len(term.out) != 4:
        return None
    i, j, k, l = term.out
    straight = _separate(term, (i, k), (j, l))
    if straight is not None:
        return Part(*straight)
    crossed = _separate(term, (i, l), (j, k))
    return None if crossed is None else Part(*crossed, flipped=not symmetric)


def _separate(term: Ein, one: Indices, two: Indices) -> tuple[Node, Node] | None:
    """The two halves of a product whose index graph falls apart between the axes `one` and `two`."""
    if set(one) & set(two):
        return None
    group = {label: label for label in range(len(term.sizes))}

    def root(label: int) -> int:
        while group[label] != label:
            label = group[label]
        return label

    for _, idx in term.factors:
        for label in idx[1:]:
            group[root(label)] = root(idx[0])
    if {root(o) for o in one} & {root(o) for o in two}:
        return None
    second = {root(o) for o in two}
    left = [(f, idx) for f, idx in term.factors if not idx or root(idx[0]) not in second]
    right = [(f, idx) for f, idx in term.factors if idx and root(idx[0]) in second]
    return _half(term, term.coefficient, left, one), _half(term, Fraction(1), right, two)


def _half(term: Ein, coefficient: Fraction, factors: Sequence[Factor], out: Indices) -> Node:
    used = {i for _, idx in factors for i in idx} | set(out)
    return ein(coefficient, factors, out, {i: term.sizes[i] for i in used})


def identity_multiple(node: Node) -> Node | None:
    """Return s of a matrix s I; None for any other."""
    if isinstance(node, Sum):
        parts = [identity_multiple(t) for t in node.terms]
        return None if None in parts else total([p for p in parts if p is not None], ())
    if isinstance(node, Ein) and len(node.out) == 2 and node.out[0] == node.out[1]:
        if any(node.out[0] in idx for _, idx in node.factors):
            return None
        kept = {i: size for i, size in enumerate(node.sizes) if i != node.out[0]}
        return ein(node.coefficient, list(node.factors), (), kept)
    return None


def diagonal(node: Node) -> Node | None:
    """Return v of a matrix diag(v); None for any other."""
    if isinstance(node, Sum):
        parts = [diagonal(t) for t in node.terms]
        return None if None in parts else total([p for p in parts if p is not None], node.shape[:1])
    if isinstance(node, Ein) and len(node.out) == 2 and node.out[0] == node.out[1]:
        return ein(node.coefficient, list(node.factors), node.out[:1], dict(enumerate(node.sizes)))
    return None


def is_identity(node: Node) -> bool:
    """Whether a node is the identity matrix."""
    return len(node.shape) == 2 and node.digest == delta(node.shape[:1]).digest


def merged(parts: Sequence[Part]) -> list[Part]:
    """Return the parts with those of one right or one left factor added up; scalars stand on the left."""
    found = [_scalar_left(p) for p in parts]
    if not any(is_identity(p.right) and identity_multiple(p.left) is None for p in found):
        found = [_scalar_right(p) for p in found]
    for side in ("right", "left", "right"):
        groups: dict[bytes, list[Part]] = {}
        for p in found:
            groups.setdefault(getattr(p, side).digest, []).append(p)
        found = [_sum_of(g, side) for g in groups.values()]
    return found


def _scalar_left(p: Part) -> Part:
    s = identity_multiple(p.right)
    if s is not None:
        return Part(_scaled(s, p.left), delta(p.right.shape[:1]), p.flipped)
    s = identity_multiple(p.left)
    if s is not None:
        return Part(delta(p.left.shape[:1]), _scaled(s, p.right), p.flipped)
    return p


def _scalar_right(p: Part) -> Part:
    s = identity_multiple(p.left)
    if s is None:
        return p
    return Part(delta(p.left.shape[:1]), _scaled(s, p.right), p.flipped)


def _scaled(s: Node, m: Node) -> Node:
    return ein(1, [(s, ()), (m, (0, 1))], (0, 1), dict(enumerate(m.shape)))


def _sum_of(group: Sequence[Part], side: str) -> Part:
    if len(group) == 1:
        return group[0]
    if side == "right":
        return Part(total([p.left for p in group], group[0].left.shape), group[0].right, group[0].flipped)
    return Part(group[0].left, total([p.right for p in group], group[0].right.shape), group[0].flipped)


def chain(*factors: Node) -> Node:
    """Return the matrix product of nodes of order 2; the last may be a vector."""
    idx: list[Indices] = [(k, k + 1) for k in range(len(factors))]
    sizes = {k: f.shape[0] for k, f in enumerate(factors)}
    if len(factors[-1].shape) == 1:
        idx[-1] = (len(factors) - 1,)
        return ein(1, list(zip(factors, idx, strict=True)), (0,), sizes)
    sizes[len(factors)] = factors[-1].shape[1]
    return ein(1, list(zip(factors, idx, strict=True)), (0, len(factors)), sizes)
