"""An equation affine in its unknown brought into the form J x = b: linear part, common factors, signs."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from math import gcd, prod
from typing import Any

from symml.calculus.construct import ein, is_zero, operator, times, total, transposed, zero
from symml.calculus.nodes import Apply, Ein, Leaf, Node, Sum, walk
from symml.calculus.reverse import derivative
from symml.calculus.transform import substitute
from symml.derivation.stationary.separating import chain, divided, expand_in, flat_terms, nonzero_scalars
from symml.forms.cost import cost
from symml.forms.lowering import leaf_of
from symml.forms.raising import Raising

INVERTIBLE = frozenset({"invertible", "spd"})


def collected(equation: Node, x: Leaf) -> tuple[Node, Node] | None:
    """Return J and b of an equation that says J x = b; None where it is not affine in x or does not hold x."""
    parted = _linear_part(equation, x)
    if parted is None or is_zero(parted[1]):
        return None
    equation, jacobian = _stripped(*_normalised(*parted), x)
    target = substitute(equation, {x: zero(x.shape)})
    common = _common(_content(jacobian), _content(target))
    if common != 1:
        jacobian, target = (times(1 / common, n) for n in (jacobian, target))
    if _leading_sign(jacobian) < 0:
        return negated(jacobian), target
    return jacobian, negated(target)


def _content(node: Node) -> Fraction:
    """The number that all terms of a node have in common; 0 for zero."""
    if is_zero(node):
        return Fraction(0)
    if isinstance(node, Sum):
        return Fraction(node.memo["content"])
    return abs(node.coefficient) if isinstance(node, Ein) else Fraction(1)


def _common(a: Fraction, b: Fraction) -> Fraction:
    return Fraction(gcd(a.numerator * b.denominator, b.numerator * a.denominator), a.denominator * b.denominator)


def is_linear(equation: Node, v: Any) -> bool:
    """Whether an equation is affine in a variable."""
    return _linear_part(equation, leaf_of(v)) is not None


def _linear_part(equation: Node, x: Leaf) -> tuple[Node, Node] | None:
    for candidate in (equation, expand_in(equation, x)):
        if any(isinstance(n, Apply) and x in n.leaves for n in walk(candidate)):
            continue  # sign(x) and step(x) have derivative 0 and are not constant
        jacobian = derivative(candidate, x)
        if x not in jacobian.leaves:
            return candidate, jacobian
    return None


def _normalised(equation: Node, jacobian: Node) -> tuple[Node, Node]:
    """Divide by the scalars of the longest term of the Jacobian, where they stand in a denominator."""
    terms = flat_terms(jacobian)
    main = max(terms, key=lambda t: sum(1 for _, idx in t.factors if idx) if isinstance(t, Ein) else 1)
    scalars = list(nonzero_scalars(main).values())
    if len(terms) < 2 or not any(q < 0 for _, q in scalars):
        return equation, jacobian
    return tuple(total([divided(t, scalars) for t in flat_terms(n)], n.shape) for n in (equation, jacobian))  # type: ignore[return-value]


def negated(node: Node) -> Node:
    """Return −node, the sign taken into the terms of a sum: −Xᵀ (b − y) is Xᵀ (y − b)."""
    return total([_sign_inside(times(-1, t)) for t in flat_terms(node)], node.shape)


def _sign_inside(node: Node) -> Node:
    if not isinstance(node, Ein) or node.coefficient >= 0:
        return node
    for k, (f, idx) in enumerate(node.factors):
        if isinstance(f, Sum):
            turned = total([times(-1, t) for t in f.terms], f.shape)
            factors = [*node.factors[:k], (turned, idx), *node.factors[k + 1 :]]
            return ein(-node.coefficient, factors, node.out, dict(enumerate(node.sizes)))
    return node


def _leading_sign(node: Node) -> int:
    first = flat_terms(node)[0]
    if not isinstance(first, Ein):
        return 1
    sign = -1 if first.coefficient < 0 else 1
    return sign * prod(-1 for f, idx in first.factors if idx == () and isinstance(f, Sum) and _falls(f))


def _falls(f: Sum) -> bool:
    """Whether every term has a minus: −n − ν."""
    return all(isinstance(t, Ein) and t.coefficient < 0 for t in f.terms)


def _stripped(equation: Node, jacobian: Node, x: Leaf) -> tuple[Node, Node]:
    """Cancel an invertible matrix that stands on the left or right of the whole equation."""
    for side in range(len(equation.shape)):
        for factor in _outer_factors(equation, side, x):
            inverted = operator("inv", (factor,), factor.shape)
            trial = total([_times_side(t, inverted, side) for t in flat_terms(equation)], equation.shape)
            new = set(walk(trial)) - set(walk(equation))
            if inverted not in new and cost(Raising().run(trial)) < cost(Raising().run(equation)):
                return _stripped(trial, derivative(trial, x), x)
    return equation, jacobian


def _times_side(term: Node, factor: Node, side: int) -> Node:
    if len(term.shape) == 1 or side == 0:
        return chain(factor, term)
    return chain(term, factor)


def _outer_factors(equation: Node, side: int, x: Leaf) -> list[Node]:
    """Invertible matrices that stand at one axis of every term, read towards the inside."""
    found: dict[bytes, Node] = {}
    seen: Counter[bytes] = Counter()
    terms = flat_terms(equation)
    for term in terms:
        if not isinstance(term, Ein):
            continue
        label = term.out[side]
        for f, idx in term.factors:
            known = (isinstance(f, Leaf) and bool(f.facts & INVERTIBLE)) or (isinstance(f, Apply) and f.op == "inv")
            if known and x not in f.leaves and idx.count(label) == 1:
                inward = f if (idx[0] == label) == (side == 0) else transposed(f)
                found.setdefault(inward.digest, inward)
                seen[inward.digest] += 1
    return [f for digest, f in found.items() if seen[digest] == len(terms)]
