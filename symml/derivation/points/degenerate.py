"""What a critical point is where the Hessian does not say it: the first form of higher order that is not zero."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import sympy as sp

Expr = Any
MAX_ORDER = 12
PROBES = (-2, -1, 0, 1, 2)  # directions in which a form of several variables is tried


def beyond(f: Expr, variables: Sequence[sp.Symbol], at: Mapping[sp.Symbol, Expr]) -> str:
    """Return minimum, maximum, saddle or inflection of a degenerate critical point; "degenerate" if it stays open.

    With one null direction of the Hessian the other directions are eliminated by a power series (the splitting lemma);
    with a zero Hessian the first form that is not zero decides, if it has one sign or both.
    """
    if len(variables) == 1:
        return _of_one(f, variables[0], at[variables[0]])
    hessian = sp.hessian(f, list(variables)).subs(at).applyfunc(sp.simplify)
    if hessian.is_zero_matrix:
        return _of_forms(f, variables, at)
    null = hessian.nullspace()
    return _split(f, variables, at, hessian, null[0]) if len(null) == 1 else "degenerate"


def _of_one(f: Expr, x: sp.Symbol, value: Expr) -> str:
    """The first derivative that is not zero: even order, an extremum; odd, an inflection."""
    slope = sp.diff(f, x, 2)
    for order in range(3, MAX_ORDER):
        slope = sp.diff(slope, x)
        here = sp.simplify(slope.subs(x, value))
        if here != 0 and here.is_number:
            return "inflection" if order % 2 else "minimum" if here > 0 else "maximum"
    return "degenerate"


def _of_forms(f: Expr, variables: Sequence[sp.Symbol], at: Mapping[sp.Symbol, Expr]) -> str:
    t = sp.Dummy("t")
    steps = [sp.Dummy(v.name, real=True) for v in variables]
    along = f.subs({v: at[v] + t * h for v, h in zip(variables, steps, strict=True)}, simultaneous=True)
    for order in range(3, MAX_ORDER):
        form = sp.expand(sp.diff(along, t, order).subs(t, 0))
        if form == 0:
            continue
        if order % 2:
            return "saddle"
        signs = {_sign(form.subs(dict(zip(steps, place, strict=True)))) for place in product(PROBES, repeat=len(steps))}
        if {-1, 1} <= signs:
            return "saddle"
        return _definite(form, steps)
    return "degenerate"


def _sign(value: Expr) -> int:
    return 1 if value.is_positive else -1 if value.is_negative else 0


def _definite(form: Expr, steps: Sequence[sp.Symbol]) -> str:
    """A form in two variables has one sign if it has no real root on either axis line."""
    if len(steps) != 2 or not form.is_polynomial(*steps):
        return "degenerate"
    x, y = steps
    line, end = sp.Poly(form.subs(y, 1), x), form.subs({x: 1, y: 0})
    if not all(c.is_Rational for c in line.coeffs()) or end == 0 or line.count_roots() > 0:
        return "degenerate"
    return "minimum" if end > 0 else "maximum"


def _split(f: Expr, variables: Sequence[sp.Symbol], at: Mapping[sp.Symbol, Expr], hessian: Any, null: Any) -> str:
    """The function along the curve on which its slopes across the null direction vanish, as a power series."""
    if not all(x.is_Rational for x in (*hessian, *null)):
        return "degenerate"
    s = sp.Dummy("s")
    across = sp.Matrix([list(null)]).nullspace()
    sizes = [sp.Dummy(f"u{k}") for k in range(len(across))]
    place = sp.Matrix([at[v] for v in variables]) + s * null
    for u, b in zip(sizes, across, strict=True):
        place += u * b
    local = _taylor(f.subs(dict(zip(variables, place, strict=True)), simultaneous=True), [s, *sizes])
    if local is None:
        return "degenerate"
    block = sp.hessian(local, sizes).subs(dict.fromkeys((s, *sizes), 0))
    inverse = block.inv()
    curve = sp.zeros(len(sizes), 1)
    slopes = sp.Matrix([sp.diff(local, u) for u in sizes])
    for _ in range(MAX_ORDER // 2):
        here = slopes.subs(dict(zip(sizes, curve, strict=True)), simultaneous=True)
        curve = (curve - inverse * here).applyfunc(lambda e: _truncated(e, s))
    left = sp.Poly(_truncated(local.subs(dict(zip(sizes, curve, strict=True)), simultaneous=True), s), s)
    terms = sorted((m, c) for (m,), c in left.terms() if m > 1 and c != 0)
    if not terms or terms[0][0] > MAX_ORDER // 2:
        return "degenerate"
    order, coefficient = terms[0]
    signs = {1 if e > 0 else -1 for e in (sp.re(x) for x in block.eigenvals())}
    if order % 2 or len(signs) == 2 or (1 if coefficient > 0 else -1) not in signs:
        return "saddle"
    return "minimum" if coefficient > 0 else "maximum"


def _taylor(value: Expr, symbols: Sequence[sp.Symbol]) -> Expr | None:
    """The Taylor polynomial of degree MAX_ORDER/2 at zero; None where a coefficient is not rational."""
    t = sp.Dummy("t")
    ray = value.subs({v: t * v for v in symbols}, simultaneous=True)
    total = sp.S.Zero
    for order in range(2, MAX_ORDER // 2 + 1):
        term = sp.expand(sp.diff(ray, t, order).subs(t, 0) / sp.factorial(order))
        if not term.is_polynomial(*symbols) or (
            term != 0 and any(not c.is_Rational for c in sp.Poly(term, *symbols).coeffs())
        ):
            return None
        total += term
    return total


def _truncated(e: Expr, s: sp.Symbol) -> Expr:
    poly = sp.Poly(sp.expand(e), s)
    return sp.Add(*(c * s**m for (m,), c in poly.terms() if m <= MAX_ORDER // 2))
