"""Powers: numbers, powers of powers, products of independent parts."""

from __future__ import annotations

from fractions import Fraction
from math import isqrt
from typing import Any

from symml.calculus.nodes import Apply, Const, Ein, Node, Sum
from symml.calculus.rewriting import Build, Rewrite, facts_of


def _power_of_power(build: Build, x: Node, q: Fraction) -> Node | None:
    if not (isinstance(x, Apply) and x.op == "pow"):
        return None
    inner, p = x.children[0], x.param
    if (q.denominator == 1 and p.denominator == 1) or "nonnegative" in facts_of(inner) or q.denominator == 1:
        return build.power(inner, p * q)
    return None


def _power_of_product(build: Build, x: Node, q: Fraction) -> Node | None:
    """(c · a · b)^q = c^q a^q b^q for parts that share no summed index."""
    if not isinstance(x, Ein) or len(set(x.out)) != len(x.out):
        return None
    parts = _parts(x)
    if len(parts) == 1 and x.coefficient == 1 and not _is_view(x):
        return None
    root = _rational_power(x.coefficient, q)
    if root is None:
        return None
    if (
        q.denominator != 1
        and not all("nonnegative" in facts_of(f) for group in parts[1:] for f, _ in (x.factors[k] for k in group))
        and len(parts) > 1
    ):
        return None
    if len(parts) == 1 and not _is_view(x):
        rest = build.ein(1, list(x.factors), x.out, dict(enumerate(x.sizes)))
        return build.ein(root, [(build.power(rest, q), x.out)], x.out, {o: x.sizes[o] for o in x.out})
    factors = []
    for group in parts:
        members = [x.factors[k] for k in group]
        used = {i for _, idx in members for i in idx}
        axes = tuple(o for o in x.out if o in used)
        if len(members) == 1 and len(set(members[0][1])) == len(members[0][1]) and set(members[0][1]) <= set(x.out):
            factors.append((build.power(members[0][0], q), members[0][1]))
            continue
        part = build.ein(1, members, axes, {i: x.sizes[i] for i in used})
        if isinstance(part, Ein) and part is x:
            return None
        factors.append((build.power(part, q), axes))
    return build.ein(root, factors, x.out, {o: x.sizes[o] for o in x.out})


def _is_view(x: Ein) -> bool:
    """A transposed or broadcast node, without sum or diagonal."""
    return (
        x.coefficient == 1
        and len(x.factors) <= 1
        and all(i in x.out for _, idx in x.factors for i in idx)
        and all(len(set(idx)) == len(idx) for _, idx in x.factors)
    )


def _parts(x: Ein) -> list[list[int]]:
    """Group the factors that share a summed index."""
    groups: list[tuple[set[int], list[int]]] = []
    for k, (_, idx) in enumerate(x.factors):
        inner = {i for i in idx if i not in x.out}
        joined, members = set(inner), [k]
        rest = []
        for seen, group in groups:
            if inner & seen:
                joined |= seen
                members = group + members
            else:
                rest.append((seen, group))
        groups = [*rest, (joined, sorted(members))]
    return sorted((g for _, g in groups), key=lambda g: g[0])


def _rational_power(c: Fraction, q: Fraction) -> Fraction | None:
    if q.denominator == 1:
        return c ** int(q) if c else None
    if c < 0 or q.denominator != 2:
        return Fraction(1) if c == 1 else None
    top, bottom = isqrt(c.numerator), isqrt(c.denominator)
    if top * top != c.numerator or bottom * bottom != c.denominator:
        return None
    return Fraction(top, bottom) ** q.numerator


def _content_of_sum(build: Build, x: Node, q: Fraction) -> Node | None:
    if not isinstance(x, Sum) or x.memo["content"] == 1:
        return None
    content = x.memo["content"]
    root = _rational_power(content, q)
    if root is None:
        return None
    axes = tuple(range(len(x.shape)))
    sizes: dict[int, Any] = dict(enumerate(x.shape))
    primitive = build.total([build.ein(1 / content, [(t, axes)], axes, sizes) for t in x.terms], x.shape)
    return build.ein(root, [(build.power(primitive, q), axes)], axes, sizes)


def _square_of_data(build: Build, x: Node, q: Fraction) -> Node | None:
    """(a − b)² = a² − 2 a b + b² for data of order 3 or more: ‖xᵢ − xⱼ‖² then needs matrices only."""
    if not isinstance(x, Sum) or len(x.shape) < 3 or q != 2 or len(x.terms) > 4:
        return None
    axes = tuple(range(len(x.shape)))
    sizes: dict[int, Any] = dict(enumerate(x.shape))
    terms = []
    for k, a in enumerate(x.terms):
        terms.append(build.ein(1, [(a, axes), (a, axes)], axes, sizes))
        terms.extend(build.ein(2, [(a, axes), (b, axes)], axes, sizes) for b in x.terms[k + 1 :])
    return build.total(terms, x.shape)


def _number(build: Build, x: Node, q: Fraction) -> Node | None:
    if not isinstance(x, Const) or x.value <= 0:
        return None
    root = _rational_power(x.value, q)
    return None if root is None else build.ein(root, [], (), {})


RULES = (
    Rewrite("power_of_number", "power", "", "a rational power of a rational number", "nodes", _number),
    Rewrite(
        "square_of_data", "power", "", "(a − b)² = a² − 2ab + b² for arrays of order >= 3", "order", _square_of_data
    ),
    Rewrite("power_of_power", "power", "", "(x^p)^q = x^(pq), q an integer or x >= 0", "nodes", _power_of_power),
    Rewrite("power_of_product", "power", "", "(ab)^q = a^q b^q elementwise", "size under powers", _power_of_product),
    Rewrite(
        "power_of_multiple", "power", "", "(cS)^q = c^q S^q for the content c of a sum", "content", _content_of_sum
    ),
)
