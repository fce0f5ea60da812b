"""All real solutions of a system of equations between numbers, and whether they are known to be all.

Factors are set to zero one after the other; a polynomial system is solved by Gröbner bases, sines, cosines and
exponentials count as unknowns of one; an equation in one unknown is solved first. SymPy's `solve` has the last word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp

from symml.derivation.points.polynomial_systems import is_rational_system, number, solve_polynomials

Expr = Any
Solution = dict[sp.Symbol, Expr]
DEPTH = 12  # factors set to zero in a row
TURN = 2 * sp.pi


@dataclass(frozen=True)
class Solutions:
    """Solutions by variable; a variable that is missing in one of them is free."""

    found: tuple[Solution, ...]
    complete: bool
    periodic: tuple[sp.Symbol, ...] = ()  # variables that are given up to multiples of 2π


def real_solutions(equations: Sequence[Expr], variables: Sequence[sp.Symbol]) -> Solutions | None:
    """Return the real solutions; None when no method knows any.

    Parameters
    ----------
    equations : sequence of sympy.Expr
        Each is to be zero.
    variables : sequence of sympy.Symbol
        The unknowns; other symbols are parameters.
    """
    return _solve([sp.sympify(e) for e in equations], tuple(variables), DEPTH)


def _solve(equations: list[Expr], variables: tuple[sp.Symbol, ...], depth: int) -> Solutions | None:
    reduced = _reduced(equations, variables)
    if reduced is None:
        return Solutions((), True)
    if not reduced:
        return Solutions(({},), True)
    unknowns = tuple(v for v in variables if any(e.has(v) for e in reduced))
    for method in (_polynomials, _generators, _factors, _first_unknown, _one_left, _sympy):
        found = method(reduced, unknowns, depth)
        if found is not None:
            return found
    return None


def _reduced(equations: Iterable[Expr], variables: Sequence[sp.Symbol]) -> list[Expr] | None:
    """Numerators without the factors that are never zero; None if an equation cannot hold."""
    kept: list[Expr] = []
    for e in equations:
        top = sp.numer(sp.together(e))
        factors = [f for f in _factors_of(top, variables) if f.free_symbols & set(variables)]
        if not factors:
            if sp.simplify(top) != 0:
                return None
            continue
        product = sp.Mul(*factors)
        if product.has(*variables) and sp.expand(product) != 0:
            kept.append(product)
    return list(dict.fromkeys(kept))


def _factors_of(top: Expr, variables: Sequence[sp.Symbol]) -> list[Expr]:
    """Distinct factors that may be zero: no exponentials, no powers."""
    top = sp.factor(top) if top.count_ops() < 400 else top
    if top == 0:
        return [sp.S.Zero]
    found = []
    for f in sp.Mul.make_args(top):
        base, exponent = f.as_base_exp()
        never = isinstance(f, sp.exp) or base == sp.E or f.is_positive or f.is_negative
        if not never and exponent.is_negative is not True:
            found.append(base)
    return list(dict.fromkeys(found))


# -- polynomials, also of sines, cosines and exponentials ---------------------------------------------------------
def _polynomials(equations: list[Expr], unknowns: tuple[sp.Symbol, ...], depth: int) -> Solutions | None:
    if not is_rational_system(equations, unknowns):
        return None
    points = solve_polynomials(equations, unknowns)
    if points is None:
        return None
    return Solutions(tuple(dict(zip(unknowns, p, strict=True)) for p in points), True)


def _generators(equations: list[Expr], unknowns: tuple[sp.Symbol, ...], depth: int) -> Solutions | None:
    """Unknowns that occur only in sines and cosines, only in exponentials, or only in logarithms."""
    kinds = {v: _kind(equations, v) for v in unknowns}
    if "" in kinds.values() or set(kinds.values()) == {"itself"}:
        return None
    swapped = [_expanded(e) for e in equations]
    relations: list[Expr] = []
    symbols: list[sp.Symbol] = []
    back: dict[sp.Symbol, Any] = {}
    for v, kind in kinds.items():
        new, relation, changed, inverse = _KINDS[kind](swapped, v)
        if changed is None:
            return None
        swapped, symbols, back[v] = changed, [*symbols, *new], inverse
        relations += relation
    system = [sp.numer(sp.together(e)) for e in swapped] + relations
    if not is_rational_system(system, symbols):
        return None
    points = solve_polynomials(system, symbols)
    if points is None:
        return None
    found = []
    for p in points:
        values = dict(zip(symbols, p, strict=True))
        images = {v: inverse(values) for v, inverse in back.items()}
        if all(x is not None for x in images.values()):
            found.append(images)
    turning = tuple(v for v, kind in kinds.items() if kind == "angle")
    return Solutions(tuple(found), True, turning)


def in_exponentials(e: Expr) -> Expr:
    """Return hyperbolic and sigmoid functions in terms of exponentials."""
    swap = {}
    for f in e.atoms(sp.Function):
        written = f.rewrite(sp.exp)
        if written != f and not written.has(sp.I):
            swap[f] = written
    return e.xreplace(swap)


def _expanded(e: Expr) -> Expr:
    """Sums of angles and exponents taken apart, what is made of exponentials written with them."""
    return sp.expand(sp.expand_trig(in_exponentials(e)), power_exp=True, log=True, force=True)


def _kind(equations: Sequence[Expr], v: sp.Symbol) -> str:
    """In what a variable occurs: itself, an angle, an exponent, a logarithm; "" for a mixture."""
    found = set()
    for e in equations:
        for node in sp.preorder_traversal(_expanded(e)):
            if isinstance(node, (sp.sin, sp.cos, sp.tan)) and node.has(v):
                found.add("angle")
            elif (isinstance(node, sp.exp) or (node.is_Pow and node.exp.has(v))) and node.has(v):
                found.add("exponent")
            elif isinstance(node, sp.log) and node.has(v):
                found.add("logarithm")
        inner = _expanded(e).replace(lambda n: _is_head(n, v), lambda _: sp.S.One)
        if inner.has(v):
            found.add("itself")
    return next(iter(found)) if len(found) == 1 else ""


def _is_head(n: Expr, v: sp.Symbol) -> bool:
    functions = isinstance(n, (sp.sin, sp.cos, sp.tan, sp.exp, sp.log))
    return bool((functions or (n.is_Pow and n.exp.has(v))) and n.has(v))


def _as_itself(equations: list[Expr], v: sp.Symbol) -> tuple[Any, ...]:
    return [v], [], equations, lambda values: values[v]


def _as_angle(equations: list[Expr], v: sp.Symbol) -> tuple[Any, ...]:
    """Cosine and sine as unknowns whose squares sum to one; arguments are whole multiples of v."""
    c, s = sp.Dummy(f"cos_{v.name}", real=True), sp.Dummy(f"sin_{v.name}", real=True)
    changed = [
        sp.expand_trig(e.rewrite(sp.tan, sp.cos)).subs({sp.cos(v): c, sp.sin(v): s, sp.tan(v): s / c})
        for e in equations
    ]
    if any(e.has(v) for e in changed):
        return [], [], None, None
    return [c, s], [c**2 + s**2 - 1], changed, lambda values: _angle(values[c], values[s])


def _angle(c: Expr, s: Expr) -> Expr:
    """The angle in [0, 2π) of a point of the circle, the shorter of its two forms."""
    by_cosine = sp.acos(c) if number(s) >= 0 else TURN - sp.acos(c)
    by_sine = sp.asin(s) if number(c) >= 0 else sp.pi - sp.asin(s)
    by_sine = by_sine + TURN if number(by_sine) < -1e-20 else by_sine
    angle = min((by_cosine, by_sine), key=lambda e: (e.has(sp.acos, sp.asin), sp.count_ops(e)))
    return sp.S.Zero if angle == TURN else angle


def _as_exponent(equations: list[Expr], v: sp.Symbol) -> tuple[Any, ...]:
    """exp(v/q) as a positive unknown, where all exponents are whole multiples of v/q."""
    slopes = set()
    for e in equations:
        for node in e.atoms(sp.exp, sp.Pow):
            exponent = node.exp
            if exponent.has(v):
                base, slope = node.as_base_exp()[0], exponent.coeff(v)
                rest = sp.expand(exponent - slope * v)
                if base != sp.E or rest != 0 or not slope.is_Rational:
                    return [], [], None, None
                slopes.add(slope)
    scale = sp.ilcm(1, *(s.q for s in slopes))
    E = sp.Dummy(f"exp_{v.name}", positive=True)
    changed = [
        e.replace(lambda n: n.is_Pow or isinstance(n, sp.exp), lambda n: _power(n, v, E, scale)) for e in equations
    ]
    if any(e.has(v) for e in changed):
        return [], [], None, None
    return [E], [], changed, lambda values: _logarithm(scale, values[E])


def _logarithm(scale: int, value: Expr) -> Expr | None:
    return sp.expand_log(scale * sp.log(value), force=True) if number(value) > 0 else None


def _power(n: Expr, v: sp.Symbol, E: sp.Symbol, scale: int) -> Expr:
    return E ** (n.exp.coeff(v) * scale) if n.exp.has(v) else n


def _as_logarithm(equations: list[Expr], v: sp.Symbol) -> tuple[Any, ...]:
    t = sp.Dummy(f"log_{v.name}", real=True)
    changed = [e.subs(sp.log(v), t) for e in equations]
    if any(e.has(v) for e in changed):
        return [], [], None, None
    return [t], [], changed, lambda values: sp.exp(values[t])


_KINDS = {"itself": _as_itself, "angle": _as_angle, "exponent": _as_exponent, "logarithm": _as_logarithm}


# -- branches -----------------------------------------------------------------------------------------------------
def _factors(equations: list[Expr], unknowns: tuple[sp.Symbol, ...], depth: int) -> Solutions | None:
    """One factor of a product after the other is zero."""
    if depth == 0:
        return None
    for k, e in enumerate(equations):
        factors = _factors_of(e, unknowns)
        if len(factors) > 1:
            branches = []
            for f in factors:
                others = [g for m, g in enumerate(equations) if m != k and f not in _factors_of(g, unknowns)]
                branches.append(_solve([f, *others], unknowns, depth - 1))
            return _union(branches)
    return None


def _first_unknown(equations: list[Expr], unknowns: tuple[sp.Symbol, ...], depth: int) -> Solutions | None:
    """An equation in one unknown is solved, its roots are put into the others."""
    if depth == 0 or len(unknowns) < 2:
        return None
    for e in equations:
        own = [v for v in unknowns if e.has(v)]
        if len(own) != 1:
            continue
        roots = _solve([e], (own[0],), depth - 1)
        if roots is None:
            continue
        branches: list[Solutions | None] = []
        others = tuple(v for v in unknowns if v != own[0])
        for root in roots.found:
            rest = _solve([g.subs(root) for g in equations if g is not e], others, depth - 1)
            joined = None if rest is None else tuple({**root, **r} for r in rest.found)
            branches.append(None if joined is None or rest is None else Solutions(joined, rest.complete, rest.periodic))
        found = _union(branches) if branches else Solutions((), True)
        if found is not None:
            return Solutions(found.found, found.complete and roots.complete, (*roots.periodic, *found.periodic))
    return None


def _union(branches: Sequence[Solutions | None]) -> Solutions | None:
    if any(b is None for b in branches):
        return None
    found = [s for b in branches for s in b.found]  # type: ignore[union-attr]
    complete = all(b.complete for b in branches)  # type: ignore[union-attr]
    periodic = tuple(dict.fromkeys(v for b in branches for v in b.periodic))  # type: ignore[union-attr]
    return Solutions(tuple(s for k, s in enumerate(found) if s not in found[:k]), complete, periodic)


# -- one equation -------------------------------------------------------------------------------------------------
def _one_left(equations: list[Expr], unknowns: tuple[sp.Symbol, ...], depth: int) -> Solutions | None:
    """One polynomial equation for several unknowns: a curve, solved for the unknown of lowest degree."""
    if len(equations) != 1 or len(unknowns) < 2 or not equations[0].is_polynomial(*unknowns):
        return None
    degrees = {v: sp.degree(equations[0], v) for v in unknowns}
    v = min(unknowns, key=lambda u: (degrees[u], -unknowns.index(u)))
    if degrees[v] > 2:
        return None
    return Solutions(tuple({v: r} for r in sp.solve(equations[0], v)), True)


def _sympy(equations: list[Expr], unknowns: tuple[sp.Symbol, ...], depth: int) -> Solutions | None:
    """What SymPy's solve finds; all of it for polynomials, and for one equation whose left side is monotonic."""
    try:
        found = sp.solve(equations, list(unknowns), dict=True)
    except (NotImplementedError, TypeError, ValueError):
        return None
    polynomial = all(e.is_polynomial(*unknowns) for e in equations)
    if len(unknowns) == 1 and len(equations) == 1 and found and not polynomial:
        slope = sp.simplify(sp.diff(equations[0], unknowns[0]))
        return Solutions(tuple(found), bool(slope.is_positive or slope.is_negative))
    return Solutions(tuple(found), polynomial)


def missing(solution: Mapping[sp.Symbol, Expr], variables: Sequence[sp.Symbol]) -> tuple[sp.Symbol, ...]:
    """Return the variables that are free in a solution."""
    return tuple(v for v in variables if solution.get(v, v) == v)
