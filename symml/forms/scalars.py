"""SymPy scalars in the index form: sums, products, powers and known functions; the rest as a Lambda."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from typing import Any

import sympy as sp

from symml.calculus.construct import apply_map, broadcast, dimension, ein, power, times, total
from symml.calculus.nodes import Node, const, leaf
from symml.errors import NotSupportedError
from symml.language.function import functions
from symml.language.properties import closure, domain_facts
from symml.language.scalar_functions import step
from symml.language.symbols import ScalarSymbol, is_dimension


@cache
def _names() -> dict[Any, str]:
    """Function records by their SymPy class."""
    return {f.sympy: f.name for f in functions().values() if isinstance(f.sympy, type) and f.kind == "elementwise"}


def scalar_facts(symbol: sp.Symbol) -> frozenset[str]:
    """Property words of a SymPy symbol."""
    words = {
        w for w in ("positive", "nonnegative", "negative", "nonzero", "integer") if getattr(symbol, f"is_{w}") is True
    }
    if isinstance(symbol, ScalarSymbol):
        words |= domain_facts(symbol.domain)
    return closure(frozenset(words))


def lower_scalar(value: sp.Expr, env: Mapping[sp.Symbol, Node] | None = None) -> Node:
    """Return the index form of a SymPy scalar; symbols of `env` stand for arrays, taken entry by entry."""
    value = sp.sympify(value)
    env = env or {}
    shape: tuple[Any, ...] = max((n.shape for n in env.values()), key=len, default=())
    known: dict[sp.Expr, Node] = {}
    for e in sp.postorder_traversal(value):
        if e not in known and isinstance(e, sp.Expr):
            known[e] = _lower_one(e, env, known, shape)
    node = known[value]
    return node if node.shape == shape or not env else broadcast(node, shape)


def _lower_one(
    e: sp.Expr, env: Mapping[sp.Symbol, Node], known: Mapping[sp.Expr, Node], shape: tuple[Any, ...]
) -> Node:
    if e in env:
        return env[e]
    if e.is_Rational:
        return const(Fraction(int(e.p), int(e.q)))
    if e.is_Float:
        return const(Fraction(str(e)))
    if e.is_Symbol:
        return dimension(e) if is_dimension(e) else leaf(e, e.name, (), scalar_facts(e))
    if e.is_NumberSymbol:
        return leaf(e, str(e), (), frozenset({"positive", "nonnegative", "nonzero"}))
    if e.is_Add:
        terms = [_spread(known[a], shape) for a in _ordered(e.args)]
        if not any(known[a].shape for a in e.args):
            return total([known[a] for a in _ordered(e.args)], ())
        return total(terms, shape)
    if e.is_Mul:
        parts = [known[a] for a in _ordered(e.args)]
        whole = shape if any(p.shape for p in parts) else ()
        axes = tuple(range(len(whole)))
        return ein(1, [(p, axes if p.shape else ()) for p in parts], axes, dict(enumerate(whole)))
    if e.is_Pow:
        return _power(e, known, shape)
    if isinstance(e, (sp.Max, sp.Min)):
        return _extreme(e, known, shape)
    name = _names().get(e.func)
    if name is not None and len(e.args) == 1:
        return apply_map(name, known[e.args[0]])
    return _opaque(e, known)


def _ordered(args: tuple[sp.Expr, ...]) -> list[sp.Expr]:
    return sorted(args, key=sp.default_sort_key)


def _spread(node: Node, shape: tuple[Any, ...]) -> Node:
    return node if node.shape or not shape else broadcast(node, shape)


def _power(e: sp.Expr, known: Mapping[sp.Expr, Node], shape: tuple[Any, ...]) -> Node:
    base, q = e.base, e.exp
    if q.is_Rational:
        return power(known[base], Fraction(int(q.p), int(q.q)))
    if base == sp.E:
        return apply_map("exp", known[q])
    logarithm, exponent = apply_map("log", known[base]), known[q]
    whole = shape if logarithm.shape or exponent.shape else ()
    axes = tuple(range(len(whole)))
    product = ein(1, [(n, axes if n.shape else ()) for n in (exponent, logarithm)], axes, dict(enumerate(whole)))
    return apply_map("exp", product)


def _extreme(e: sp.Expr, known: Mapping[sp.Expr, Node], shape: tuple[Any, ...]) -> Node:
    """max(a, b) = b + relu(a − b), min(a, b) = b − relu(b − a)."""
    first, *others = _ordered(e.args)
    whole = shape if any(known[a].shape for a in e.args) else ()
    found = _spread(known[first], whole)
    sign = 1 if isinstance(e, sp.Max) else -1
    for a in others:
        b = _spread(known[a], whole)
        gap = total([times(sign, found), times(-sign, b)], whole)
        found = total([b, times(sign, apply_map("relu", gap))], whole)
    return found


def differentiated(value: sp.Expr, *variables: sp.Symbol) -> sp.Expr:
    """Return the derivative away from kinks: [u > 0] for SymPy's Heaviside, 0 for its impulses."""
    found = sp.diff(value, *variables)
    if found.has(sp.DiracDelta):
        found = found.replace(sp.DiracDelta, lambda *_: sp.S.Zero)
    return found.replace(sp.Heaviside, lambda u, *_: step(u)) if found.has(sp.Heaviside) else found


def _opaque(e: sp.Expr, known: Mapping[sp.Expr, Node]) -> Node:
    """A SymPy function symml has no record of, of one moving argument: differentiated by SymPy."""
    moving = [a for a in e.args if not a.is_number]
    if len(moving) != 1 or not isinstance(e, sp.Function):
        raise NotSupportedError(f"{e} ({type(e).__name__}) has no index form; give it as a Lambda of one variable")
    z = sp.Dummy("z", real=True)
    return apply_map(sp.Lambda(z, e.func(*(z if a is moving[0] else a for a in e.args))), known[moving[0]])


TIDY_LIMIT = 200  # operations; longer scalars are shown as SymPy returns them


def tidy(value: sp.Expr) -> sp.Expr:
    """Return a SymPy scalar in its shortest form among a few cheap ones; the value stays."""
    if value.count_ops() > TIDY_LIMIT:
        return value
    options = [value, sp.factor_terms(value), sp.powsimp(value)]
    if value.is_rational_function():
        options += [sp.cancel(value), sp.factor(value)]
    return min(options, key=lambda e: (_symbols_written(e), e.count_ops(), len(str(e))))


def _symbols_written(value: sp.Expr) -> int:
    return sum(1 for e in sp.preorder_traversal(value) if e.is_Symbol)
