"""All real solutions of a system of polynomials with rational coefficients, exactly: Gröbner bases and isolated roots.

Coordinates are roots of eliminants; tuples of roots that do not solve the system are sorted out with many digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import mpmath
import sympy as sp

Expr = Any
DIGITS = 60
NEAR = 40  # digits to which a polynomial must vanish
SIMPLE = 12  # operations of a root that is still written with radicals
LARGEST = 200  # product of the degrees, the bound of Bézout
Point = tuple[Expr, ...]


class Root(NamedTuple):
    """A real number, exactly and with many digits."""

    exact: Expr
    number: Any


def number(value: Expr, digits: int = 30) -> Expr:
    """Return a number with digits; real roots of polynomials all at once, where SymPy's evalf may take minutes."""
    roots = {r: sp.Float(_numbers(r.poly)[r.index], DIGITS) for r in value.atoms(sp.CRootOf) if r.is_real}
    return value.xreplace(roots).evalf(digits, maxn=4 * digits + 100)


def is_rational_system(equations: Sequence[Expr], variables: Sequence[sp.Symbol]) -> bool:
    """Whether all equations are polynomials in the variables with rational coefficients."""
    if not all(e.is_polynomial(*variables) and e.free_symbols <= set(variables) for e in equations):
        return False
    return all(c.is_Rational for e in equations for c in sp.Poly(e, *variables).coeffs())


def solve_polynomials(equations: Sequence[Expr], variables: Sequence[sp.Symbol]) -> tuple[Point, ...] | None:
    """Return all real solutions; None when there are infinitely many complex ones, or the system is too large."""
    if len(variables) == 1:
        return _one_variable(equations, variables[0])
    if sp.prod([max(1, sp.Poly(e, *variables).total_degree()) for e in equations]) > LARGEST:
        return None
    bases = []
    for v in variables:  # one lexicographic basis for each variable, that variable last
        order = [u for u in variables if u != v] + [v]
        basis = sp.groebner(list(equations), *order, order="grevlex")
        if basis.exprs == [1]:
            return ()
        if not basis.is_zero_dimensional:
            return None
        bases.append(basis.fglm("lex"))
    choices = [_roots(basis.exprs[-1], v) for basis, v in zip(bases, variables, strict=True)]
    return _tuples(bases[-1].exprs, list(variables), choices)


def _one_variable(equations: Sequence[Expr], x: sp.Symbol) -> tuple[Point, ...] | None:
    common = sp.S.Zero
    for e in equations:
        common = sp.gcd(common, e)
    return None if common == 0 else tuple((r.exact,) for r in _roots(common, x))


def _roots(eliminant: Expr, x: sp.Symbol) -> list[Root]:
    """Distinct real roots: numbers, square roots, simple radicals, else roots of their polynomial."""
    found: list[Root] = []
    for factor, _ in sp.factor_list(sp.Poly(eliminant, x))[1] if eliminant.has(x) else ():
        exact = list(dict.fromkeys(sp.real_roots(factor)))
        radicals = _radicals(factor) if factor.degree() > 2 else {}
        for root, near in zip(exact, _numbers(factor), strict=True):
            simple = next((e for e, n in radicals.items() if abs(n - near) < mpmath.mpf(10) ** -20), root)
            found.append(Root(simple, near))
    return sorted(found, key=lambda r: r.number)


@cache
def _numbers(poly: Any) -> list[Any]:
    """The real roots of an irreducible polynomial with many digits, in ascending order."""
    with mpmath.workdps(DIGITS):
        coefficients = [mpmath.mpf(c.p) / c.q for c in poly.all_coeffs()]
        roots = mpmath.polyroots(coefficients, maxsteps=500, extraprec=4 * DIGITS)
        real = sorted(mpmath.re(r) for r in roots if abs(mpmath.im(r)) < mpmath.mpf(10) ** (-NEAR))
    assert len(real) == poly.count_roots(), f"{poly}: {len(real)} real roots were found, {poly.count_roots()} exist"
    return real


def _radicals(factor: Any) -> dict[Expr, Any]:
    """Short real roots of a polynomial in a power of x, such as x⁶ − 2, with their numbers."""
    if sp.gcd_list([m for (m,), _ in factor.terms()]) == 1:
        return {}
    short = [e for e in sp.roots(factor) if sp.count_ops(e) <= SIMPLE]
    numbers = {e: complex(e.evalf(30)) for e in short}
    return {e: mpmath.mpf(str(e.evalf(30))) for e, n in numbers.items() if abs(n.imag) < 1e-20}


def _tuples(
    basis: Sequence[Expr], variables: Sequence[sp.Symbol], choices: Sequence[Sequence[Root]]
) -> tuple[Point, ...]:
    """Tuples of roots that solve the system; the last variable is chosen first, for its eliminant stands alone."""
    with mpmath.workdps(DIGITS):
        numbers = [[r.number for r in row] for row in choices]
        partial: list[tuple[int, ...]] = [()]
        for k in range(len(variables) - 1, -1, -1):
            known = list(variables[k:])
            tests = [sp.lambdify(known, e, "mpmath") for e in basis if e.free_symbols <= set(known) and e.has(known[0])]
            extended = [(place, *rest) for rest in partial for place in range(len(choices[k]))]
            partial = [p for p in extended if all(_vanishes(t, numbers[k:], p) for t in tests)]
    return tuple(tuple(choices[k][place].exact for k, place in enumerate(p)) for p in partial)


def _vanishes(test: Any, numbers: Sequence[Sequence[Any]], places: Sequence[int]) -> bool:
    at = [row[place] for row, place in zip(numbers, places, strict=True)]
    scale = 1 + sum(abs(x) for x in at) ** 4
    return bool(abs(test(*at)) < scale * mpmath.mpf(10) ** (-NEAR))
