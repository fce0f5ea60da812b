"""Proof that a node is zero: distribution, relations between functions, and elimination of inverses of sums.

Every step is an equivalence, so zero at the end proves zero at the start; anything else proves nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from heapq import heappop, heappush

from symml.calculus import determinants, fusing, inverses
from symml.calculus.construct import ein, identity, is_zero, own_sizes, power, times, total
from symml.calculus.expand import expand
from symml.calculus.nodes import Apply, Ein, Factor, Leaf, Node, Sum, walk
from symml.calculus.related import related
from symml.calculus.reverse import derivative

REWRITES = 40
SIZE_LIMIT = 600  # nodes
STATES = 20  # equations equivalent to the one to prove that are looked at
WORK = 1500  # nodes of all of them together


def proved_equal(a: Node, b: Node) -> bool:
    """Whether a and b are proved to be equal. False means: not proved."""
    if a.shape != b.shape:
        return False
    if a.digest == b.digest:
        return True
    return proved_zero(total([a, times(-1, b)], a.shape))


def proved_zero(node: Node) -> bool:
    """Whether a node is proved to be zero."""
    while isinstance(node, Apply) and fusing.is_fused(node):
        node = node.children[0]
    if is_zero(node) or is_zero(expand(expand(node))):
        return True
    node = normal(node)
    if is_zero(node):
        return True
    parts = _parts(node)
    return (len(parts) > 1 and all(_searched(p) for p in parts)) or _searched(node)


def normal(node: Node) -> Node:
    """Return the node with related functions and determinants written alike, sums distributed, inverses reduced."""
    if _size(node) > SIZE_LIMIT:
        return node
    node = determinants.oriented(inverses.taken_apart(related(node)))
    for _ in range(REWRITES):
        spread = expand(expand(node))
        if _size(spread) > SIZE_LIMIT:
            return node
        reduced = inverses.reduced(spread)
        if reduced.digest == node.digest:
            return reduced
        node = reduced
    return node


def _size(node: Node) -> int:
    return sum(1 for _ in walk(node))


# -- search -------------------------------------------------------------------------------------------------------
def _searched(node: Node) -> bool:
    """Go through equations equivalent to node = 0, those with the fewest inverses first, until one is 0 = 0."""
    waiting = [(_weight(node), 0, node)]
    seen = {node.digest}
    work, count = WORK, 0
    while waiting and count < STATES:
        _, _, here = heappop(waiting)
        for move in _MOVES:
            for equivalent in move(here):
                work -= _size(equivalent)
                found = normal(equivalent)
                work -= _size(found)
                if is_zero(found):
                    return True
                if work < 0:
                    return False
                if found.digest not in seen:
                    seen.add(found.digest)
                    count += 1
                    heappush(waiting, (_weight(found), count, found))
    return False


def _weight(node: Node) -> tuple[int, int]:
    terms = _terms(node)
    inverses_left = sum(sum(_is_inverse(f) for f, _ in t.factors) for t in terms if isinstance(t, Ein))
    inverses_left += sum(_is_inverse(t) for t in terms)
    return inverses_left, _size(node)


def _is_inverse(f: Node) -> bool:
    return isinstance(f, Apply) and (f.op == "inv" or (f.op == "pow" and f.param < 0))


def _terms(node: Node) -> tuple[Node, ...]:
    return node.terms if isinstance(node, Sum) else (node,)


def _divided(node: Node) -> Iterator[Node]:
    """The equation times a sum that a term is divided by, entry by entry."""
    if len(node.shape) > 2:
        return
    for divisor, places in dict.fromkeys(d for t in _terms(node) for d in _divisors(t)):
        axes = identity(node)
        yield total([ein(1, [(divisor, places), (t, axes)], axes, own_sizes(node)) for t in _terms(node)], node.shape)


def _divisors(term: Node) -> list[tuple[Node, tuple[int, ...]]]:
    """(x^k, axes) of the sums that a term is divided by, entry by entry."""
    if isinstance(term, Apply) and term.op == "pow" and term.param < 0:
        return [(power(term.children[0], -term.param), identity(term))]
    if not isinstance(term, Ein):
        return []
    found = []
    for f, idx in term.factors:
        if not isinstance(f, Apply) or f.op != "pow" or not isinstance(f.children[0], (Sum, Ein)):
            continue
        if f.param < 0 and all(i in term.out for i in idx):
            found.append((power(f.children[0], -f.param), tuple(term.out.index(i) for i in idx)))
    return found


def _cleared(node: Node) -> Iterator[Node]:
    """The equation times an invertible matrix whose inverse stands at the rim: M D = 0 means D = 0."""
    if len(node.shape) > 2:
        return
    for axis in range(len(node.shape)):
        for matrix, slot in dict.fromkeys(b for t in _terms(node) for b in _rim(t, axis)):
            yield _times_matrix(node, matrix, axis, slot)


def _rim(term: Node, axis: int) -> list[tuple[Node, int]]:
    """Matrices M whose inverse carries an axis of a term, and which of its axes that is; an orthogonal Q is (Qᵀ)⁻¹."""
    factors = term.factors if isinstance(term, Ein) else ((term, identity(term)),)
    index = term.out[axis] if isinstance(term, Ein) else axis
    found = []
    for f, idx in factors:
        if len(idx) != 2 or index not in idx or idx[0] == idx[1]:
            continue
        slot = idx.index(index)
        if isinstance(f, Apply) and f.op == "inv":
            found.append((f.children[0], slot))
        elif isinstance(f, Leaf) and "orthogonal" in f.facts:
            found.append((f, 1 - slot))
    return found


def _times_matrix(node: Node, matrix: Node, axis: int, slot: int) -> Node:
    """M D, or D M, along an axis that carries axis `slot` of the inverse of M."""
    order = len(node.shape)
    axes = tuple(range(order))
    out = tuple(order if k == axis else k for k in axes)
    pair = (order, axis) if slot == 0 else (axis, order)
    sizes = own_sizes(node) | {order: node.shape[axis]}
    return total([ein(1, [(matrix, pair), (t, axes)], out, sizes) for t in _terms(node)], node.shape)


def _opened(node: Node) -> Iterator[Node]:
    """The derivative by a leaf of which every term is a product of one degree k > 0: k D = ⟨x, ∂D/∂x⟩."""
    degrees = [_degrees(t) for t in _terms(node)]
    for x in _free(node):
        k = {d.get(x, 0) for d in degrees}
        if len(k) == 1 and k != {0} and 0 < len(x.shape) <= 2 - len(node.shape):
            yield derivative(node, x)


def _free(node: Node) -> list[Leaf]:
    """Leaves that stand in products only, never under a function or an inverse."""
    bases = {_base(f)[0] for t in _terms(node) for f, _ in _factors(t)}
    inside = {x for f in bases if not isinstance(f, Leaf) for x in f.leaves}
    return sorted((f for f in bases if isinstance(f, Leaf) and f not in inside), key=lambda x: x.digest)


def _factors(term: Node) -> tuple[Factor, ...]:
    return term.factors if isinstance(term, Ein) else ((term, identity(term)),)


def _base(f: Node) -> tuple[Node, int]:
    if isinstance(f, Apply) and f.op == "pow" and isinstance(f.children[0], Leaf) and f.param.denominator == 1:
        return (f.children[0], int(f.param)) if f.param > 0 else (f, 1)
    return f, 1


def _degrees(term: Node) -> Counter[Node]:
    found: Counter[Node] = Counter()
    for f, _ in _factors(term):
        base, k = _base(f)
        found[base] += k
    return found


def _parts(node: Node) -> list[Node]:
    """The terms of an equation apart by their degrees in the free leaves: if every part is zero, so is the sum."""
    free = _free(node)
    groups: dict[tuple[int, ...], list[Node]] = {}
    for t in _terms(node):
        degrees = _degrees(t)
        groups.setdefault(tuple(degrees.get(x, 0) for x in free), []).append(t)
    return [total(g, node.shape) for g in groups.values()]


_MOVES: tuple[Callable[[Node], Iterator[Node]], ...] = (_divided, _cleared, _opened)
