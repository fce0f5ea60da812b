"""Functions that are related to each other, written alike: for proofs only, nothing here is shown.

Each rewriting is an equivalence wherever both sides are defined.
"""

from __future__ import annotations

from fractions import Fraction

from symml.calculus.construct import apply_map, ein, identity, is_zero, ones, operator, times, total
from symml.calculus.expand import expand
from symml.calculus.nodes import Apply, Const, Ein, Node, Sum, const, walk
from symml.calculus.rewriting import facts_of
from symml.calculus.signs import whole_power
from symml.calculus.transform import rebuild, substitute


def related(node: Node) -> Node:
    """Return the node with tanh, σ, softplus, logarithms, softmax and logsumexp in forms that meet."""
    node = _tanh_by_sigmoid(node)
    node = _with_rules(_one_orientation(node))
    absolute = _absolute_logs(node)
    return node if absolute is node else _with_rules(absolute)


def _with_rules(node: Node) -> Node:
    done: dict[Node, Node] = {}
    for part in walk(node):
        new = rebuild(part, [done[c] for c in part.children])
        if isinstance(new, Apply) and new.op in _RULES:
            new = _RULES[new.op](new)
        elif isinstance(new, Ein):
            new = _one_exponential(new)
        done[part] = new
    return done[node]


def _tanh_by_sigmoid(node: Node) -> Node:
    """Write tanh(z) as 2σ(2z) − 1."""
    swap: dict[Node, Node] = {}
    for n in walk(node):
        if isinstance(n, Apply) and n.op == "map" and n.param == "tanh":
            sigma = apply_map("sigmoid", times(2, n.children[0]))
            swap[n] = total([times(2, sigma), times(-1, ones(n.shape))], n.shape)
    return substitute(node, swap) if swap else node


def _one_orientation(node: Node) -> Node:
    """σ(−z), softplus(−z) by σ(z), softplus(z) where both occur."""
    found = [n for n in walk(node) if isinstance(n, Apply) and n.op == "map" and n.param in ("sigmoid", "softplus")]
    swap: dict[Node, Node] = {}
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
    return substitute(node, swap) if swap else node


# -- softmax and logsumexp ----------------------------------------------------------------------------------------
def _shifted(node: Apply) -> Node:
    """softmax(z + c 1) = softmax(z), logsumexp(z + c 1) = logsumexp(z) + c, logsumexp(log x) = log Σ x."""
    (z,) = node.children
    if node.op == "lse" and isinstance(z, Apply) and z.op == "map" and z.param == "log":
        (x,) = z.children
        axes = identity(x)
        return apply_map("log", ein(1, [(x, axes)], axes[:-1], dict(enumerate(x.shape))))
    return _without_shift(node, z) if isinstance(z, Sum) else node


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


# -- logarithms ---------------------------------------------------------------------------------------------------
def _absolute_logs(node: Node) -> Node:
    """Write log x as log |x| where x may be negative: a proof for all x is one for x > 0.

    Not below exp, where exp(m log x) stands for a power x^m that negative x have too.
    """
    order: list[Node] = []
    seen: set[Node] = set()
    waiting = [(node, False)]
    while waiting:
        part, below = waiting.pop()
        if below:
            order.append(part)
        elif part not in seen:
            seen.add(part)
            waiting.append((part, True))
            if not _is_map(part, "exp"):
                waiting.extend((c, False) for c in part.children)
    done: dict[Node, Node] = {}
    for part in order:
        if _is_map(part, "exp"):
            done[part] = part
            continue
        new = rebuild(part, [done[c] for c in part.children])
        if _is_map(new, "log") and not positive(new.children[0]):
            new = apply_map("log", apply_map("abs", new.children[0]))
        done[part] = new
    return done[node]


def _is_map(node: Node, name: str) -> bool:
    return isinstance(node, Apply) and node.op == "map" and node.param == name


def positive(x: Node) -> bool:
    """Whether every entry is known to be above zero."""
    if isinstance(x, Const):
        return x.value > 0
    if isinstance(x, Sum):
        return all(positive(t) for t in x.terms)
    if isinstance(x, Ein):
        return x.coefficient > 0 and len(set(x.out)) == len(x.out) and all(positive(f) for f, _ in x.factors)
    return "positive" in facts_of(x)


def _log(node: Apply) -> Node:
    """Log |a b^k| = log |a| + k log |b| entry by entry, log |det A| = logdet A; without the bars where a, b > 0."""
    x = node.children[0]
    y = x.children[0] if _is_map(x, "abs") else x
    absolute = y is not x or "nonnegative" in facts_of(x)
    if isinstance(y, Apply) and y.op == "det" and absolute:
        return operator("logdet", y.children, ())
    if isinstance(y, Apply) and y.op == "pow" and (absolute or positive(y.children[0])):
        return times(y.param, _log_of(y.children[0]))
    if isinstance(y, Const) and y.value > 0 and y.value != 1:
        return _log_of_number(y.value)
    if not isinstance(y, Ein) or not y.factors or (len(y.factors) == 1 and y.coefficient == 1):
        return node
    plain = len(set(y.out)) == len(y.out) == len(y.sizes) and all(set(idx) <= set(y.out) for _, idx in y.factors)
    if not plain or not (absolute or (y.coefficient > 0 and all(positive(f) for f, _ in y.factors))):
        return node
    sizes = {o: y.sizes[o] for o in y.out}
    parts = [ein(1, [(_log_of(f), idx)], y.out, sizes) for f, idx in y.factors]
    number = ein(1, [(_log_of_number(abs(y.coefficient)), ())], y.out, sizes)
    return total([*parts, number], y.shape)


def _log_of(x: Node) -> Node:
    if isinstance(x, Apply) and x.op == "pow":
        return times(x.param, _log_of(x.children[0]))
    return apply_map("log", x if positive(x) else apply_map("abs", x))


def _log_of_number(value: Fraction) -> Node:
    """The logarithm of a positive number, by the logarithms of its small prime factors."""
    terms = []
    for sign, left in ((1, value.numerator), (-1, value.denominator)):
        p = 2
        while left > 1 and p < PRIMES:
            while left % p == 0:
                terms.append(times(sign, apply_map("log", const(p))))
                left //= p
            p += 1
        if left > 1:
            terms.append(times(sign, apply_map("log", const(left))))
    return total(terms, ())


# -- exponentials -------------------------------------------------------------------------------------------------
def _power(node: Apply) -> Node:
    """(eᶻ)^q = e^{qz}."""
    (x,) = node.children
    return apply_map("exp", times(node.param, x.children[0])) if _is_map(x, "exp") else node


def _one_exponential(node: Ein) -> Node:
    """eᵃ eᵇ = e^{a + b}, entry by entry at one place."""
    places: dict[tuple[int, ...], list[Node]] = {}
    for f, idx in node.factors:
        if _is_map(f, "exp"):
            places.setdefault(idx, []).append(f)
    if all(len(found) == 1 for found in places.values()):
        return node
    rest = [(f, idx) for f, idx in node.factors if not _is_map(f, "exp")]
    joined = [
        (apply_map("exp", total([f.children[0] for f in found], found[0].shape)), idx) for idx, found in places.items()
    ]
    return ein(node.coefficient, [*rest, *joined], node.out, dict(enumerate(node.sizes)))


def _map(node: Apply) -> Node:
    return whole_power(node) if node.param == "exp" else _log(node) if node.param == "log" else node


_RULES = {"pow": _power, "softmax": _shifted, "lse": _shifted, "map": _map}
PRIMES = 100
