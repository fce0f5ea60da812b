"""From the matrix language to the index form.

Axes of literal size 1 vanish: a row and a column both have order 1. A sub-expression under a bound index carries that
index as a leading axis, so that Σᵢ f(xᵢ) needs no node of its own.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import sympy as sp

from symml.calculus import elementwise
from symml.calculus.construct import (
    apply_map,
    broadcast,
    delta,
    dimension,
    ein,
    identity,
    ones,
    operator,
    own_sizes,
    power,
    times,
    total,
    zero,
)  # fmt: skip
from symml.calculus.nodes import Leaf, Node, leaf
from symml.errors import NotSupportedError, ShapeError
from symml.forms.batches import Lowered, no_batch, own_axes, product, real_axes, spread, union
from symml.forms.function_lowering import CALLS
from symml.forms.scalars import lower_scalar
from symml.language.expressions import (
    Add,
    Apply,
    BoundSum,
    Call,
    Einstein,
    Element,
    ElemPow,
    Expression,
    Eye,
    Hadamard,
    Index,
    Indicator,
    Literal,
    Mul,
    Ones,
    Pow,
    Scalar,
    Symbol,
    Transpose,
    Zeros,
    postorder,
)  # fmt: skip
from symml.language.function import function
from symml.language.operators import symbol, two_axes
from symml.language.where import expand_names


def lower(expression: Expression) -> Node:
    """Return the index form of an expression.

    Raises
    ------
    NotSupportedError
        If a node has no index form; names it.
    """
    known: dict[Expression, Lowered] = {}
    expression = expand_names(expression)
    for node in postorder(expression):
        handler = _HANDLERS.get(type(node))
        if handler is None:
            raise NotSupportedError(f"{type(node).__name__} {node} has no index form")
        known[node] = handler(node, [known[a] for a in node.args])
    result = known[expression]
    if result.batch:
        raise ShapeError(f"the index {result.batch[0].name} is used outside its sum in {expression}")
    return result.node


def leaf_of(e: Symbol | sp.Symbol) -> Leaf:
    """Return the leaf of a declared symbol: a Symbol, or a SymPy scalar or dimension."""
    if isinstance(e, Symbol):
        facts = e.facts
        return leaf(e, e.name, tuple(d for d in e.shape if d != 1), facts)
    found = lower_scalar(e)
    assert isinstance(found, Leaf)
    return found


def _symbol(e: Symbol, _: list[Lowered]) -> Lowered:
    return Lowered(leaf_of(e))


def _scalar(e: Scalar, _: list[Lowered]) -> Lowered:
    return Lowered(lower_scalar(e.value))


def _literal(e: Literal, _: list[Lowered]) -> Lowered:
    facts = {"symmetric"} if e.value.shape[0] == e.value.shape[1] and e.value.is_symmetric() else set()
    return Lowered(leaf(e, str(e.value.tolist()), real_axes(e), frozenset(facts)))


def _eye(e: Eye, _: list[Lowered]) -> Lowered:
    return Lowered(delta(e.shape[:1]))


def _ones(e: Ones, _: list[Lowered]) -> Lowered:
    return Lowered(ones(real_axes(e)))


def _zeros(e: Zeros, _: list[Lowered]) -> Lowered:
    return Lowered(zero(real_axes(e)))


def _add(e: Add, parts: list[Lowered]) -> Lowered:
    batch, axes = union(parts), real_axes(e)
    terms = [spread(p, batch, axes) for p in parts]
    return Lowered(total(terms, (*(i.size for i in batch), *axes)), batch)


def _mul(e: Mul, parts: list[Lowered]) -> Lowered:
    sizes: dict[int, Any] = {}
    idx: list[tuple[int, ...]] = []
    label, first, column, fresh = None, None, None, 100
    seen = False
    for factor in e.args:
        if factor.shape == ():
            idx.append(())
            continue
        rows, columns = two_axes(factor.shape)
        own: list[int] = []
        if rows != 1:
            if seen and label is not None:
                own.append(label)
            else:
                own.append(fresh)
                sizes[fresh] = rows
                first = fresh if not seen else first
                fresh += 1
        label = None
        if columns != 1:
            own.append(fresh)
            sizes[fresh] = columns
            label = column = fresh
            fresh += 1
        else:
            column = None
        seen = True
        idx.append(tuple(own))
    out = tuple(i for i in (first, column) if i is not None)
    coefficient = Lowered(lower_scalar(e.coefficient))
    return product([coefficient, *parts], [(), *idx], out, sizes)


def _hadamard(e: Hadamard, parts: list[Lowered]) -> Lowered:
    own, sizes = own_axes(parts[0])
    return product(parts, [own] * len(parts), own, sizes)


def _raised(part: Lowered, q: sp.Expr) -> Lowered:
    if q.is_Rational:
        return Lowered(power(part.node, Fraction(int(q.p), int(q.q))), part.batch)
    exponent = lower_scalar(q)
    logarithm = apply_map("log", part.node)
    axes = identity(logarithm)
    return Lowered(
        apply_map("exp", ein(1, [(exponent, ()), (logarithm, axes)], axes, own_sizes(logarithm))), part.batch
    )


def _elem_pow(e: ElemPow, parts: list[Lowered]) -> Lowered:
    return _raised(parts[0], e.exponent)


def _pow(e: Pow, parts: list[Lowered]) -> Lowered:
    (part,) = parts
    if e.shape == ():
        return _raised(part, e.exponent)
    if not e.exponent.is_Integer:
        raise NotSupportedError(f"the symbolic matrix power {e} has no index form; use a number as exponent")
    no_batch(part, e)
    base = part.node if e.exponent > 0 else operator("inv", (part.node,), part.node.shape)
    count = abs(int(e.exponent))
    if count > 64:
        raise NotSupportedError(f"the matrix power {e} is larger than 64")
    d = base.shape[0]
    chain = [(base, (k, k + 1)) for k in range(count)]
    return Lowered(ein(1, chain, (0, count), dict.fromkeys(range(count + 1), d)))


def _transpose(e: Transpose, parts: list[Lowered]) -> Lowered:
    (part,) = parts
    if len(part.axes) < 2:
        return part
    return product([part], [(100, 101)], (101, 100), {100: part.axes[0], 101: part.axes[1]})


def _apply(e: Apply, parts: list[Lowered]) -> Lowered:
    (variable,) = e.function.variables
    return Lowered(lower_scalar(e.function.expr, {variable: parts[0].node}), parts[0].batch)


def _indicator(e: Indicator, parts: list[Lowered]) -> Lowered:
    left, right = parts
    batch = union(parts)
    axes = left.axes or right.axes
    shape = (*(i.size for i in batch), *axes)
    a, b = spread(left, batch, axes), spread(right, batch, axes)
    sides = {">": (a, b), "<": (b, a)}
    if e.relation not in sides:
        low, high = (a, b) if e.relation == "<=" else (b, a)
        if e.relation == "==":
            raise NotSupportedError(f"{e}: an indicator of equality has no index form")
        strict = apply_map("step", total([low, times(-1, high)], shape))
        return Lowered(total([ones(shape), times(-1, strict)], shape), batch)
    high, low = sides[e.relation]
    return Lowered(apply_map("step", total([high, times(-1, low)], shape)), batch)


def _element(e: Element, parts: list[Lowered]) -> Lowered:
    base = parts[0]
    label: dict[Index, int] = {}
    if base.batch:
        raise NotSupportedError(f"{e}: index the array itself, not an expression of a bound index")
    own, out, selectors = [], [], []
    sizes: dict[int, Any] = {}
    batch: list[Index] = []
    used = iter(e.args[1:])
    for axis, position in enumerate(e.positions):
        size = base.node.shape[axis]
        if position == "index":
            index = next(used)
            assert isinstance(index, Index)
            if index not in label:
                label[index] = len(batch)
                batch.append(index)
            own.append(label[index])
            sizes[label[index]] = size
            continue
        own.append(100 + axis)
        sizes[100 + axis] = size
        if position is None:
            out.append(100 + axis)
        else:
            unit = leaf(
                ("unit", size, position), f"e{position}", (size,), frozenset({"mask", "nonnegative", "sums to one"})
            )
            selectors.append((unit, (100 + axis,)))
    node = ein(1, [(base.node, tuple(own)), *selectors], (*range(len(batch)), *out), sizes)
    return Lowered(node, tuple(batch))


def _bound_sum(e: BoundSum, parts: list[Lowered]) -> Lowered:
    index, body = e.args[0], parts[1]
    assert isinstance(index, Index)
    own, sizes = own_axes(body)
    if index not in body.batch:
        return product([body, Lowered(dimension(index.size))], [own, ()], own, sizes)
    return product([body], [own], own, sizes, drop=index)


def _index(e: Index, _: list[Lowered]) -> Lowered:
    return Lowered(leaf(e, e.name, (e.size,), frozenset({"positive", "integer"})), (e,))


def _einstein(e: Einstein, parts: list[Lowered]) -> Lowered:
    inputs, out = e.fields[0], e.fields[1]
    letters = sorted({c for word in (*inputs, out) for c in word})
    place = {c: 100 + k for k, c in enumerate(letters)}
    sizes = {place[c]: d for p, word in zip(parts, inputs, strict=True) for c, d in zip(word, p.axes, strict=True)}
    if len(e.fields) > 2:
        sizes |= {place[c]: d for c, d in zip(out, e.shape, strict=True)}
    return product(parts, [tuple(place[c] for c in word) for word in inputs], tuple(place[c] for c in out), sizes)


def _call(e: Call, parts: list[Lowered]) -> Lowered:
    record = function(e.function)
    handler = CALLS.get(e.function)
    if handler is not None:
        return handler(e, parts)
    if record.kind == "elementwise":
        return Lowered(apply_map(record.name, parts[0].node), parts[0].batch)
    if record.definition is not None:
        places = [symbol(f"_{k}", a.shape) for k, a in enumerate(e.args)]
        return _with_arguments(record.definition(*places), dict(zip(places, parts, strict=True)))
    raise NotSupportedError(f"{e.function} has no index form yet")


def _with_arguments(expression: Expression, given: Mapping[Expression, Lowered]) -> Lowered:
    known: dict[Expression, Lowered] = dict(given)
    for node in postorder(expression):
        if node not in known:
            known[node] = _HANDLERS[type(node)](node, [known[a] for a in node.args])
    return known[expression]


_HANDLERS: dict[type[Expression], Callable[..., Lowered]] = {
    Symbol: _symbol, Scalar: _scalar, Literal: _literal, Eye: _eye, Ones: _ones, Zeros: _zeros, Add: _add, Mul: _mul,
    Hadamard: _hadamard, ElemPow: _elem_pow, Pow: _pow, Transpose: _transpose, Call: _call, Apply: _apply,
    Indicator: _indicator, Element: _element, BoundSum: _bound_sum, Index: _index, Einstein: _einstein,
}  # fmt: skip


def _derivative(name: Any, x: Node) -> Node | None:
    """The derivative of a registered function at x, from its record; of a SymPy Lambda, from SymPy."""
    key = f"derivative {name}"
    known = x.memo.get(key)
    found = known() if known is not None else None
    if found is None:
        if isinstance(name, sp.Lambda):
            (variable,) = name.variables
            found = lower_scalar(sp.diff(name.expr, variable), {variable: x})
        else:
            record = function(name)
            place = symbol("_0", x.shape)
            if record.derivative is not None:
                slope = record.derivative(place)
            elif record.definition is not None:
                body = _with_arguments(record.definition(place), {place: Lowered(x)}).node
                return _slope_of_definition(body, x)
            else:
                return None
            found = _with_arguments(slope, {place: Lowered(x)}).node
            if found.shape != x.shape:
                found = broadcast(found, x.shape)
        x.memo[key] = weakref.ref(found)  # the intern table keeps x alive as long as its derivative lives
    return found


def _slope_of_definition(body: Node, x: Node) -> Node | None:
    raise NotSupportedError("a function record with a definition needs a derivative as well")


elementwise.provide(_derivative)
