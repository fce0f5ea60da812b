"""Which critical points of a function of numbers are global: by growth in every direction, squares, or periods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from symml.derivation.points.polynomial_systems import number
from symml.language.names import unicode_name
from symml.language.operators import scalar

Expr = Any
Place = tuple[Expr, ...]
NEAR = 1e-20
LONG = 6  # operations of a number that is written exactly
WORDS = ((1, "minimum"), (-1, "maximum"))


def global_extremes(f: Expr, variables: Sequence[sp.Symbol], places: Sequence[Place], complete: bool) -> dict[str, str]:
    """Return "minimum" and "maximum" with a sentence for each that is global among isolated critical points."""
    if not places or f.free_symbols - set(variables) or any(x.has(*variables) for p in places for x in p):
        return {}
    values = [f.subs(dict(zip(variables, p, strict=True)), simultaneous=True) for p in places]
    numbers = [sp.re(number(value)) for value in values]
    found = {}
    for sign, word in WORDS:
        best = min(numbers, key=lambda n: sign * float(n))
        where = [k for k, n in enumerate(numbers) if abs(n - best) < NEAR]
        shortest = min((values[k] for k in where), key=sp.count_ops)
        why = _why(sign * f, variables, sign * best, complete)
        if why:
            tuples = " and ".join(_shown(places[k]) for k in where)
            found[word] = f"{_value(shortest)} at {tuples} is the global {word}: {why}"
    return found


def _shown(place: Place) -> str:
    inner = ", ".join(_value(x) for x in place)
    return f"({inner})" if len(place) > 1 else inner


def _value(x: Expr) -> str:
    if x.has(sp.CRootOf):
        return str(number(x, 6)).replace("-", "−")
    exact = sp.simplify(x)
    return str(scalar(exact)) if sp.count_ops(exact) <= LONG else str(number(exact, 6)).replace("-", "−")


def _why(f: Expr, variables: Sequence[sp.Symbol], best: Expr, complete: bool) -> str:
    """Why the least value at the critical points is the least of all."""
    if any(getattr(v, "domain", None) is not None or v.is_positive or v.is_nonnegative for v in variables):
        return ""
    if _is_least_of_squares(f, best):
        return "the squares in it cannot get less"
    if not complete:
        return ""
    leading = _leading(f, variables)
    if leading is not None:
        return f"{scalar(leading)} leads, so the values grow in every direction"
    if all(sp.simplify(f.subs(v, v + 2 * sp.pi) - f) == 0 for v in variables):
        names = " and ".join(unicode_name(v.name) for v in variables)
        return f"the function has the period 2 π in {names}, so it attains its extreme values"
    return ""


def _is_least_of_squares(f: Expr, best: Expr) -> bool:
    """Whether f is best plus even powers with positive factors."""
    rest, squares = f.as_independent(*f.free_symbols, as_Add=True)
    if not rest.is_number or abs(number(rest) - best) > NEAR:
        return False
    for term in sp.Add.make_args(squares):
        factor, power = term.as_coeff_Mul()
        exponent = power.as_base_exp()[1]
        if not (factor.is_positive and exponent.is_Integer and exponent > 0 and exponent % 2 == 0):
            return False
    return True


def _leading(f: Expr, variables: Sequence[sp.Symbol]) -> Expr | None:
    """The terms of highest degree of a polynomial, if they are positive away from zero."""
    if not f.is_polynomial(*variables):
        return None
    poly = sp.Poly(f, *variables)
    degree = poly.total_degree()
    top = [(m, c) for m, c in poly.terms() if sum(m) == degree]
    form = sp.Add(*(c * sp.prod(v**k for v, k in zip(variables, m, strict=True)) for m, c in top))
    if degree % 2 or not all(c.is_Rational for _, c in top):
        return None
    pure = {m for m, c in top if c > 0 and max(m) == degree}
    if len(pure) == len(variables) and all(c > 0 and all(k % 2 == 0 for k in m) for m, c in top):
        return form
    if len(variables) != 2 or len(pure) != 2:
        return None
    x, y = variables
    return form if sp.Poly(form.subs(y, 1), x).count_roots() == 0 else None
