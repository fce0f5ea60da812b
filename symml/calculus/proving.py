"""Proof that a node is zero: distribution, relations between functions, and elimination of inverses of sums.

Every step is an equivalence, so zero at the end proves zero at the start; anything else proves nothing.
"""

from __future__ import annotations

from typing import Any

from symml.calculus import fusing
from symml.calculus.canonical.operators import is_chain
from symml.calculus.canonical.products import match_factors
from symml.calculus.construct import (
    BUILD,
    apply_map,
    dimension,
    ein,
    identity,
    is_symmetric,
    is_zero,
    ones,
    operator,
    own_sizes,
    power,
    times,
    total,
    transposed,
)  # fmt: skip
from symml.calculus.expand import expand
from symml.calculus.nodes import Apply, Const, Ein, Node, Sum, const, walk
from symml.calculus.transform import rebuild, substitute

ROUNDS = 4  # inverses cleared one after another
REWRITES = 40
SIZE_LIMIT = 600  # nodes


def proved_equal(a: Node, b: Node) -> bool:
    """Whether a and b are proved to be equal. False means: not proved."""
    if a.shape != b.shape:
        return False
    if a.digest == b.digest:
        return True
    return proved_zero(total([a, times(-1, b)], a.shape))


def proved_zero(node: Node) -> bool:
    """Whether a node is proved to be zero."""
    if is_zero(node) or is_zero(expand(expand(node))):
        return True
    node = normal(node)
    if is_zero(node):
        return True
    return _zero_after_clearing(node, ROUNDS)


def normal(node: Node) -> Node:
    """Return the node with related functions written alike, determinants in one orientation, sums distributed."""
    node = _oriented_determinants(_related(node))
    for _ in range(REWRITES):
        spread = expand(expand(node))
        if sum(1 for _ in walk(spread)) > SIZE_LIMIT:
            return node
        reduced = _reduce_inverses(spread)
        if reduced.digest == node.digest:
            return reduced
        node = reduced
    return node


# -- functions ----------------------------------------------------------------------------------------------------
def _related(node: Node) -> Node:
    """Tanh by the logistic function; σ(−z), softplus(−z) by σ(z), softplus(z) where both occur."""
    swap: dict[Node, Node] = {}
    for n in walk(node):
        if isinstance(n, Apply) and n.op == "map" and n.param == "tanh":
            z, axes = n.children[0], identity(n)
            sigma = apply_map("sigmoid", times(2, z))
            swap[n] = total([times(2, sigma), times(-1, ones(n.shape))], n.shape)
            assert axes == identity(z)
    node = substitute(node, swap) if swap else node
    found = [n for n in walk(node) if isinstance(n, Apply) and n.op == "map" and n.param in ("sigmoid", "softplus")]
    swap = {}
    for k, one in enumerate(found):
        for other in found[k + 1 :]:
            z, u = one.children[0], other.children[0]
            if one.param != other.param or one in swap or other in swap or z.shape != u.shape:
                continue
            if not is_zero(expand(total([z, u], z.shape))):
                continue
            if one.param == "sigmoid":
                swap[other] = total([ones(z.shape), times(-1, one)], z.shape)
            else:  # softplus(−z) = softplus(z) − z
                swap[other] = total([one, times(-1, z)], z.shape)
    node = substitute(node, swap) if swap else node
    return _shifted(node)


def _shifted(node: Node) -> Node:
    """softmax(z + c 1) = softmax(z), logsumexp(z + c 1) = logsumexp(z) + c."""
    done: dict[Node, Node] = {}
    for part in walk(node):
        new = rebuild(part, [done[c] for c in part.children])
        if isinstance(new, Apply) and new.op in ("softmax", "lse") and isinstance(new.children[0], Sum):
            new = _without_shift(new, new.children[0])
        done[part] = new
    return done[node]


def _without_shift(node: Apply, z: Sum) -> Node:
    last = len(z.shape) - 1
    still = [t for t in z.terms if isinstance(t, Ein) and t.out[last] not in {i for _, idx in t.factors for i in idx}
             and t.out.count(t.out[last]) == 1]  # fmt: skip
    if not still or len(still) == len(z.terms):
        return node
    rest = total([t for t in z.terms if t not in still], z.shape)
    inner = operator(node.op, (rest,), node.shape)
    if node.op == "softmax":
        return inner
    levels = [
        ein(t.coefficient, list(t.factors), t.out[:last], {i: s for i, s in enumerate(t.sizes) if i != t.out[last]})
        for t in still
    ]
    return total([inner, *levels], node.shape)


# -- determinants -------------------------------------------------------------------------------------------------
def _oriented_determinants(node: Node) -> Node:
    """det(I + A B) = det(I + B A): of all rotations the one with the smallest digest."""
    done: dict[Node, Node] = {}
    for part in walk(node):
        new = rebuild(part, [done[c] for c in part.children])
        if isinstance(new, Apply) and new.op in ("det", "logdet"):
            new = _determinant(new)
        done[part] = new
    return done[node]


def _determinant(node: Apply) -> Node:
    argument = node.children[0]
    if node.op == "logdet" and argument.sign < 0:  # the logarithm of the absolute determinant
        argument = times(-1, argument)
        node = operator("logdet", (argument,), ())  # type: ignore[assignment]
        if not isinstance(node, Apply) or node.op != "logdet":
            return node
    if isinstance(argument, Sum):
        options = _rank_one(node.op, argument) or [node, *(operator(node.op, (r,), ()) for r in _rotations(argument))]
        return min(options, key=lambda n: n.digest)
    if isinstance(argument, Apply) and argument.op == "inv":
        inner = operator(node.op, (argument.children[0],), ())
        return times(-1, inner) if node.op == "logdet" else power(inner, -1)
    factors = _square_factors(argument, node.op == "logdet")
    if not factors:
        return node
    parts = [(operator(node.op, (f,), ()), k) for f, k in factors]
    if node.op == "logdet":
        return total([ein(1, [(p, ()), (k, ())], (), {}) for p, k in parts], ())
    if any(not isinstance(k, Const) for _, k in parts):
        return node
    return ein(1, [(p, ()) for p, _ in parts], (), {})


def _square_factors(argument: Node, absolute: bool) -> list[tuple[Node, Node]]:
    """Square factors of a product or of a Kronecker product, each with the power of its determinant."""
    one = const(1)
    if isinstance(argument, Apply) and fusing.is_fused(argument) and argument.param == (2, 2):
        inner = argument.children[0]
        unit = isinstance(inner, Ein) and (inner.coefficient == 1 or (absolute and inner.coefficient == -1))
        if isinstance(inner, Ein) and unit and len(inner.factors) == 2:
            n, m = inner.shape[:2]
            places = {tuple(inner.out.index(i) for i in idx if i in inner.out): f for f, idx in inner.factors}
            if set(places) == {(0, 2), (1, 3)} and inner.shape[2:] == (n, m):
                return [(places[0, 2], dimension(m)), (places[1, 3], dimension(n))]
        return []
    if not isinstance(argument, Ein) or argument.coefficient != 1 or len(argument.factors) < 2:
        return []
    square = all(s == argument.sizes[0] for s in argument.sizes)
    return [(f, one) for f, _ in argument.factors] if square and is_chain(argument.factors, argument.out) else []


def _rank_one(op: str, argument: Sum) -> list[Node]:
    """det(I + c u vᵀ) = 1 + c vᵀu."""
    unit, rest = _unit_and_rest(argument)
    if unit is None or rest is None:
        return []
    a, b = rest.out
    linked = {a}
    while True:
        more = {i for _, idx in rest.factors if set(idx) & linked for i in idx} - linked
        if not more:
            break
        linked |= more
    if b in linked or a == b:
        return []
    closed = ein(rest.coefficient, [(f, tuple(a if i == b else i for i in idx)) for f, idx in rest.factors], (),
                 {i: s for i, s in enumerate(rest.sizes) if i != b})  # fmt: skip
    value = total([const(1), closed], ())
    return [value if op == "det" else apply_map("log", value)]


def _unit_and_rest(argument: Sum) -> tuple[Node | None, Ein | None]:
    unit = [
        t
        for t in argument.terms
        if isinstance(t, Ein) and not t.factors and t.out[0] == t.out[1] and t.coefficient == 1
    ]
    rest = [t for t in argument.terms if t not in unit]
    if len(unit) != 1 or len(rest) != 1 or not isinstance(rest[0], Ein):
        return None, None
    return unit[0], rest[0]


def _rotations(argument: Sum) -> list[Node]:
    _, term = _unit_and_rest(argument)
    if term is None:
        return []
    if not is_chain([f for f in term.factors if f[1]], term.out):
        return []
    found = [total([transposed(t) for t in argument.terms], argument.shape)]
    a, b = term.out
    for cut in dict.fromkeys(i for _, idx in term.factors for i in idx if i not in term.out):
        # close the chain at its ends, open it at the cut
        seen = 0
        factors = []
        fresh = len(term.sizes)
        for f, idx in term.factors:
            moved = []
            for i in idx:
                i = a if i == b else i
                if i == cut:
                    seen += 1
                    i = cut if seen == 1 else fresh
                moved.append(i)
            factors.append((f, tuple(moved)))
        n = term.sizes[cut]
        sizes: dict[int, Any] = {i: s for i, s in enumerate(term.sizes) if i != b} | {fresh: n}
        turned = ein(term.coefficient, factors, (cut, fresh), sizes)
        found += [total([ein(1, [], (0, 0), {0: n}), t], (n, n)) for t in (turned, transposed(turned))]
    return found


# -- inverses of sums ---------------------------------------------------------------------------------------------
def _reduce_inverses(node: Node) -> Node:
    """T S⁻¹ = I − (S − T) S⁻¹ for the largest term T of a sum S, wherever T meets S⁻¹."""
    terms = node.terms if isinstance(node, Sum) else (node,)
    done = []
    for t in terms:
        done.append(_reduced_term(t) if isinstance(t, Ein) else t)
    return total(done, node.shape)


def _reduced_term(term: Ein) -> Node:
    for k, (f, idx) in enumerate(term.factors):
        if not (isinstance(f, Apply) and f.op == "inv" and isinstance(f.children[0], Sum)):
            continue
        base = f.children[0]
        lead = _leading(base)
        if lead is None:
            continue
        for slot in (0, 1):
            meet = idx[slot]
            if meet in term.out:
                continue
            found = match_factors(lead, {lead.out[1 - slot]: meet}, list(term.factors), k, term.out, BUILD)
            if found is None:
                continue
            used, inner, names = found
            if lead.out[slot] not in names:  # an axis of ones
                continue
            other = names[lead.out[slot]]
            left = [x for n, x in enumerate(term.factors) if n not in used and n != k]
            if other in inner or any(meet in i for _, i in left):
                continue
            rest = total([t for t in base.terms if t is not lead], base.shape)
            sizes = {i: s for i, s in enumerate(term.sizes) if i not in inner}
            scale = term.coefficient / lead.coefficient
            closed = _unified(
                scale, left, term.out, {i: s for i, s in sizes.items() if i != meet}, other, idx[1 - slot]
            )
            pair = (other, meet) if slot == 0 else (meet, other)
            minus = ein(-scale, [*left, (rest, pair), (f, idx)], term.out, sizes)
            return total([closed, minus], term.shape)
    return term


def _unified(scale: Any, factors: list[Any], out: tuple[int, ...], sizes: dict[int, Any], old: int, new: int) -> Node:
    def swap(idx: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(new if i == old else i for i in idx)

    kept = {i: s for i, s in sizes.items() if i != old or old == new}
    return ein(scale, [(f, swap(idx)) for f, idx in factors], swap(out), kept)


def _leading(base: Sum) -> Ein | None:
    """The term to eliminate: the one with most factors; the same for equal sums."""
    products = [t for t in base.terms if isinstance(t, Ein) and t.out[0] != t.out[1] and _joins(t)]
    return max(products, key=lambda t: (len(t.factors), t.digest), default=None)


def _joins(term: Ein) -> bool:
    """Whether both axes stand on factors, so that none is broadcast."""
    return set(term.out) <= {i for _, idx in term.factors for i in idx}


def _zero_after_clearing(node: Node, rounds: int) -> bool:
    """Multiply by a matrix whose inverse stands at the rim, and try again: M D = 0 proves D = 0 for invertible M."""
    if rounds == 0 or len(node.shape) > 2:
        return False
    terms = node.terms if isinstance(node, Sum) else (node,)
    for divisor, places in dict.fromkeys(d for t in terms for d in _divisors(t)):
        cleared = normal(_times_divisor(node, divisor, places))
        if is_zero(cleared) or _zero_after_clearing(cleared, rounds - 1):
            return True
    for axis in range(len(node.shape)):
        bases = dict.fromkeys(b for t in terms for b in _rim_inverses(t, axis))
        for base in bases:
            cleared = normal(_times_base(node, base, axis))
            if is_zero(cleared) or _zero_after_clearing(cleared, rounds - 1):
                return True
    return False


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


def _times_divisor(node: Node, divisor: Node, places: tuple[int, ...]) -> Node:
    axes = identity(node)
    spread = ein(1, [(divisor, places), (node, axes)], axes, own_sizes(node))
    if not isinstance(node, Sum):
        return spread
    return total([ein(1, [(divisor, places), (t, axes)], axes, own_sizes(node)) for t in node.terms], node.shape)


def _rim_inverses(term: Node, axis: int) -> list[Node]:
    """Matrices M whose inverse carries an axis of a term."""
    if isinstance(term, Apply) and term.op == "inv":
        return [term.children[0]]
    if not isinstance(term, Ein):
        return []
    index = term.out[axis]
    return [f.children[0] for f, idx in term.factors if isinstance(f, Apply) and f.op == "inv" and index in idx]


def _times_base(node: Node, base: Node, axis: int) -> Node:
    order = len(node.shape)
    axes = list(range(order))
    out = list(axes)
    out[axis] = order
    pair = (order, axis) if axis == 0 or is_symmetric(base) else (axis, order)
    sizes = own_sizes(node) | {order: node.shape[axis]}
    return ein(1, [(base, pair), (node, tuple(axes))], tuple(out), sizes)
