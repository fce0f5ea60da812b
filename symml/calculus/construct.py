"""Constructors of the index form: flatten, merge powers, collect like terms, apply the canonical rules.

Products are not distributed over sums; `expand` does that on request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import gcd, lcm
from typing import Any

from symml.calculus import fusing, rewriting
from symml.calculus.certificate import certificate
from symml.calculus.linear import runs_along
from symml.calculus.nodes import Apply, Const, Ein, Factor, Indices, Leaf, Node, Sum, const, fingerprint, intern, leaf

DIMENSION_FACTS = frozenset({"positive", "nonnegative", "nonzero", "integer", "dimension"})


# -- helpers ------------------------------------------------------------------------------------------------------
def dimension(size: Any) -> Node:
    """Return a dimension as a number: an exact constant, or the leaf of its symbol."""
    if isinstance(size, int) or getattr(size, "is_Integer", False):
        return const(int(size))
    return leaf(size, str(size), (), DIMENSION_FACTS)


def identity(node: Node) -> Indices:
    """Indices 0, 1, ... of a node's own axes."""
    return tuple(range(len(node.shape)))


def own_sizes(node: Node) -> dict[int, Any]:
    """Sizes of a node's own axes by position."""
    return dict(enumerate(node.shape))


def zero(shape: Sequence[Any]) -> Node:
    """Return the zero of a shape."""
    if not shape:
        return const(0)
    return _make_ein(Fraction(0), (), tuple(range(len(shape))), tuple(shape))


def is_zero(node: Node) -> bool:
    """Whether a node is the zero of its shape."""
    return (isinstance(node, Const) and node.value == 0) or (isinstance(node, Ein) and node.coefficient == 0)


def broadcast(value: Node, shape: Sequence[Any]) -> Node:
    """Return the order-0 node `value` in every entry of an array."""
    if not shape:
        return value
    out = tuple(range(len(shape)))
    return ein(1, [(value, ())], out, dict(enumerate(shape)))


def ones(shape: Sequence[Any]) -> Node:
    """Return the array of ones."""
    return broadcast(const(1), shape)


def delta(shape: Sequence[Any]) -> Node:
    """Return the identity map on arrays of a shape: order 2·len(shape)."""
    axes = tuple(range(len(shape)))
    return ein(1, [], axes + axes, dict(enumerate(shape)))


def times(value: Fraction | int, node: Node) -> Node:
    """Return a rational multiple."""
    return node if value == 1 else ein(value, [(node, identity(node))], identity(node), own_sizes(node))


def scaled(factor: Node, node: Node) -> Node:
    """Return an order-0 node times a node."""
    return ein(1, [(factor, ()), (node, identity(node))], identity(node), own_sizes(node))


def transposed(node: Node) -> Node:
    """Return the transpose of a node of order 2."""
    return ein(1, [(node, (1, 0))], (0, 1), {0: node.shape[1], 1: node.shape[0]})


def is_symmetric(node: Node) -> bool:
    """Whether a node of order 2 equals its transpose, by structure and declared facts."""
    if len(node.shape) != 2 or node.shape[0] != node.shape[1]:
        return False
    known = node.memo.get("symmetric")
    if known is None:
        if isinstance(node, Leaf):
            known = "symmetric" in node.facts
        elif isinstance(node, Apply):
            kept = rewriting.keeps_symmetry(node.op) and all(is_symmetric(c) for c in node.children if c.shape)
            known = kept or node.op in ("eigmaxprojector", "toeplitz")
        elif isinstance(node, Ein):
            flipped = ein(node.coefficient, list(node.factors), node.out[::-1], dict(enumerate(node.sizes)))
            known = flipped.digest == node.digest
        elif isinstance(node, Sum):
            known = all(is_symmetric(t) for t in node.terms)
            if not known:
                known = total([transposed(t) for t in node.terms], node.shape).digest == node.digest
        node.memo["symmetric"] = known
    return bool(known)


def monomial(node: Node) -> tuple[bytes, Fraction]:
    """Return the digest of a term without its rational coefficient, and that coefficient."""
    if isinstance(node, Ein):
        return node.memo["monomial"], node.coefficient * node.memo["parity"]
    if isinstance(node, Const):
        return b"1", node.value
    return node.unsigned, Fraction(node.sign)


# -- sums ---------------------------------------------------------------------------------------------------------
def total(parts: Sequence[Node], shape: Sequence[Any]) -> Node:
    """Return the sum of terms of one shape, like terms collected, in the order they come."""
    flat: list[Node] = []
    stack = list(reversed(parts))
    while stack:
        term = stack.pop()
        inner = _inner_sum(term)
        if inner is not None and abs(inner[0]) == 1:
            stack.extend(times(inner[0], t) for t in reversed(inner[1].terms))
        elif not is_zero(term):
            flat.append(term)
    if any(fusing.is_fused(t) for t in flat):
        return fusing.fused_sum(BUILD, flat, shape)
    flat = _opened(flat)
    order: list[bytes] = []
    first: dict[bytes, Node] = {}
    value: dict[bytes, Fraction] = {}
    for term in flat:
        key, factor = monomial(term)
        if key not in first:
            order.append(key)
            first[key], value[key] = term, factor
        else:
            value[key] += factor
    kept = [times(value[key] / monomial(first[key])[1], first[key]) for key in order if value[key]]
    if not kept:
        return zero(shape)
    if len(kept) == 1:
        return kept[0]
    rows = sorted(monomial(t) for t in kept)
    plus, minus = fingerprint("sum", rows), fingerprint("sum", [(k, -v) for k, v in rows])
    unsigned, sign = (plus, 1) if plus <= minus else (minus, -1)
    terms = tuple(kept)
    node = intern(Sum, terms, tuple(shape), terms, terms=terms, digest=plus, unsigned=unsigned, sign=sign)
    if "content" not in node.memo:
        node.memo["content"] = _content([v for _, v in rows])
    return node  # type: ignore[no-any-return]


def _opened(terms: list[Node]) -> list[Node]:
    """Terms with multiples of sums, such as 1/2 (A + B), taken apart where they share a term with the rest."""
    inner = [_inner_sum(t) for t in terms]
    if not any(inner):
        return terms
    plain = {monomial(t)[0] for t, s in zip(terms, inner, strict=True) if s is None}
    found: list[Node] = []
    for term, multiple in zip(terms, inner, strict=True):
        shares = multiple is not None and any(monomial(t)[0] in plain for t in multiple[1].terms)
        found += [times(multiple[0], t) for t in multiple[1].terms] if multiple and shares else [term]
    return found


def _inner_sum(term: Node) -> tuple[Fraction, Sum] | None:
    """Return (c, S) of a term that is a rational multiple c of a sum S."""
    if isinstance(term, Sum):
        return Fraction(1), term
    if isinstance(term, Ein) and len(term.factors) == 1:
        (inner, idx), out = term.factors[0], term.out
        if isinstance(inner, Sum) and idx == out and len(set(out)) == len(out):
            return term.coefficient, inner
    return None


def _content(values: Sequence[Fraction]) -> Fraction:
    top, bottom = 0, 1
    for v in values:
        top, bottom = gcd(top, abs(v.numerator)), lcm(bottom, v.denominator)
    return Fraction(top, bottom)


# -- products -----------------------------------------------------------------------------------------------------
def ein(coefficient: Fraction | int, factors: Sequence[Factor], out: Sequence[int], sizes: Mapping[int, Any]) -> Node:
    """Return coefficient · Σ Π factors with axes `out`; labels are arbitrary ints, `sizes` has exactly those in use."""
    all_sizes = dict(sizes)
    flat, union, coefficient = _flatten(Fraction(coefficient), factors, all_sizes)
    if coefficient == 0:
        return zero([all_sizes[o] for o in out])
    untouched = len(flat) == 1 and coefficient == 1 and not union and len(all_sizes) == len(out)
    if untouched and flat[0][1] == tuple(out) and len(set(out)) == len(out):
        return flat[0][0]
    labels = tuple(_find(union, o) for o in out)
    live = {i: size for i, size in all_sizes.items() if i not in union}
    renamed = [(f, tuple(_find(union, i) for i in idx)) for f, idx in flat]
    if any(fusing.is_fused(f) for f, _ in renamed):
        return fusing.fused_product(BUILD, coefficient, renamed, labels, live)
    merged, coefficient = _merge(renamed, coefficient, live)
    coefficient, merged, labels = rewriting.simplify_product(BUILD, coefficient, merged, labels, live)
    if coefficient == 0:
        return zero([live[o] for o in labels])
    if any(isinstance(f, (Ein, Const)) for f, _ in merged):  # a rule put a product in the place of a factor
        return ein(coefficient, merged, labels, live)
    spread = next((k for k, (f, i) in enumerate(merged) if isinstance(f, Sum) and (len(i) > 2 or f.batched)), None)
    if spread is not None and not set(merged[spread][1]) <= set(labels):
        big, idx = merged[spread]  # a sum of arrays of order 3: contract it term by term
        rest = merged[:spread], merged[spread + 1 :]
        parts = [ein(coefficient, [*rest[0], (t, idx), *rest[1]], labels, live) for t in big.children]
        return total(parts, [live[o] for o in labels])
    used = {i for _, idx in merged for i in idx} | set(labels)
    missing = [i for i in live if i not in used]
    if missing:
        counted = [*merged, *((dimension(live[i]), ()) for i in missing)]
        return ein(coefficient, counted, labels, {i: live[i] for i in used})
    return _finish(coefficient, merged, labels, live)


def _flatten(
    coefficient: Fraction, factors: Sequence[Factor], sizes: dict[int, Any]
) -> tuple[list[Factor], dict[int, int], Fraction]:
    fresh = max(sizes, default=-1) + 1
    union: dict[int, int] = {}
    flat: list[Factor] = []
    stack = list(reversed(factors))
    while stack:
        node, idx = stack.pop()
        if isinstance(node, Const):
            coefficient *= node.value
        elif isinstance(node, Ein):
            coefficient *= node.coefficient
            names: dict[int, int] = {}
            for o, label in zip(node.out, idx, strict=True):
                if o in names:
                    a, b = _find(union, names[o]), _find(union, label)
                    if a != b:
                        union[b] = a
                else:
                    names[o] = label
            for k, size in enumerate(node.sizes):
                if k not in names:
                    names[k] = fresh
                    sizes[fresh] = size
                    fresh += 1
            stack.extend((f, tuple(names[i] for i in fi)) for f, fi in reversed(node.factors))
        else:
            if isinstance(node, Sum) and node.memo["content"] != 1:
                content = node.memo["content"]
                coefficient *= content
                node = total([times(1 / content, t) for t in node.terms], node.shape)
            flat.append((node, idx))
    return flat, union, coefficient


def _find(union: dict[int, int], label: int) -> int:
    while label in union:
        label = union[label]
    return label


def base_and_exponent(node: Node) -> tuple[Node, Fraction]:
    """Return (x, q) of a factor x^q."""
    if isinstance(node, Apply) and node.op == "pow":
        return node.children[0], node.param
    return node, Fraction(1)


def _merge(factors: Sequence[Factor], coefficient: Fraction, sizes: dict[int, Any]) -> tuple[list[Factor], Fraction]:
    """Merge factors with one base and one set of indices into powers; use what is known of the base."""
    found: dict[tuple[bytes, Indices], tuple[Node, Fraction]] = {}
    plain = True
    for node, idx in factors:
        base, q = base_and_exponent(node)
        if len(idx) == 2 and idx[0] > idx[1] and is_symmetric(base):
            idx = idx[::-1]
        key = (base.unsigned, idx)
        if key in found and found[key][0].sign != base.sign:
            if q.denominator == 1:
                coefficient *= (-1) ** int(q)
            else:
                key = (base.digest + b"-", idx)
        kept, exponent = found.get(key, (base, Fraction(0)))
        plain = plain and exponent == 0
        found[key] = (kept, exponent + q)
    merged: list[Factor] = []
    for (_, idx), (base, q) in found.items():
        q = rewriting.reduced_exponent(base, q)
        if q != 0:
            merged.append((base if q == 1 else power(base, q), idx))
    if not plain and any(isinstance(f, (Ein, Const)) for f, _ in merged):
        merged, _, coefficient = _flatten(coefficient, merged, sizes)
    return merged, coefficient


def _finish(coefficient: Fraction, factors: Sequence[Factor], out: Indices, sizes: Mapping[int, Any]) -> Node:
    if not factors and not out:
        return const(coefficient)
    if len(factors) == 1 and coefficient == 1 and len(set(out)) == len(out):
        ((only, idx),) = factors
        if idx == out or (idx == out[::-1] and is_symmetric(only)):
            return only
    names: dict[int, int] = {}
    for i in (*out, *(i for _, idx in factors for i in idx)):
        names.setdefault(i, len(names))
    renamed = tuple((f, _sorted_if_symmetric(f, tuple(names[i] for i in idx))) for f, idx in factors)
    return _make_ein(coefficient, renamed, tuple(names[o] for o in out), tuple(sizes[i] for i in names))


def _sorted_if_symmetric(node: Node, idx: Indices) -> Indices:
    return idx[::-1] if len(idx) == 2 and idx[0] > idx[1] and is_symmetric(node) else idx


def _make_ein(coefficient: Fraction, factors: tuple[Factor, ...], out: Indices, sizes: tuple[Any, ...]) -> Node:
    shape = tuple(sizes[o] for o in out)
    node = intern(
        Ein, (coefficient, factors, out, sizes), shape, tuple(dict.fromkeys(f for f, _ in factors)),
        coefficient=coefficient, factors=factors, out=out, sizes=sizes,
    )  # fmt: skip
    if "monomial" not in node.memo:
        parity = 1
        items = []
        for f, idx in factors:
            parity *= f.sign
            items.append((f.unsigned, idx, is_symmetric(f)))
        multiple = len(factors) == 1 and factors[0][1] == out and len(set(out)) == len(out)
        key = factors[0][0].unsigned if multiple else certificate(items, out, sizes)  # 2 z is collected with z
        scale = coefficient * parity
        plain = multiple and abs(scale) == 1
        node.unsigned = key if plain else fingerprint("term", key, abs(scale).numerator, scale.denominator)
        node.sign = -1 if scale < 0 else 1
        node.digest = fingerprint("term", key, scale.numerator, scale.denominator)
        node.memo["parity"] = parity
        node.memo["monomial"] = key
    return node  # type: ignore[no-any-return]


# -- primitives ---------------------------------------------------------------------------------------------------
def power(x: Node, q: Fraction | int) -> Node:
    """Return the elementwise rational power."""
    q = rewriting.reduced_exponent(x, Fraction(q))
    if q == 1:
        return x
    if q == 0:
        return ones(x.shape)
    if isinstance(x, Const) and q.denominator == 1 and (x.value or q > 0):
        return const(x.value ** int(q))
    if q > 0 and is_zero(x):
        return x
    simpler = rewriting.simplify_power(BUILD, x, q)
    if simpler is not None:
        return simpler
    even = q.denominator == 1 and q.numerator % 2 == 0
    inner = x.unsigned if even else x.digest
    odd = q.denominator == 1 and q.numerator % 2 == 1
    return primitive("pow", (x,), q, x.shape, inner, x.sign if odd else 1, x.unsigned if odd else inner)


def apply_map(name: str, x: Node) -> Node:
    """Return a registered function applied to every entry."""
    simpler = rewriting.simplify_map(BUILD, name, x)
    if simpler is not None:
        return simpler
    parity = rewriting.parity(name)
    if parity == "odd":
        return primitive("map", (x,), name, x.shape, x.digest, x.sign, x.unsigned)
    inner = x.unsigned if parity == "even" else x.digest
    return primitive("map", (x,), name, x.shape, inner, 1, inner)


def operator(op: str, args: tuple[Node, ...], shape: Sequence[Any], param: Any = None) -> Node:
    """Return another primitive (inverse, determinant, softmax, ...) after its canonical rules."""
    simpler = rewriting.simplify_operator(BUILD, op, args, param)
    if simpler is not None:
        return simpler
    inner = b"".join(a.digest for a in args)
    return primitive(op, args, param, tuple(shape), inner, 1, inner)


def primitive(
    op: str, args: tuple[Node, ...], param: Any, shape: Sequence[Any], inner: bytes, sign: int, unsigned: bytes
) -> Node:
    """Return the Apply node; `inner` and `unsigned` are the digests of its arguments, up to sign for odd functions."""
    label = str(param)
    bare = fingerprint(op, label, unsigned)
    return intern(  # type: ignore[no-any-return]
        Apply, (op, args, param), tuple(shape), args, op=op, param=param, batched=runs_along(op, args),
        digest=bare if sign == 1 else fingerprint(op, label, inner, "minus"), unsigned=bare, sign=sign,
    )  # fmt: skip


BUILD = rewriting.Build(
    ein=ein, total=total, power=power, apply_map=apply_map, operator=operator, is_symmetric=is_symmetric,
    base_and_exponent=base_and_exponent,
)  # fmt: skip
