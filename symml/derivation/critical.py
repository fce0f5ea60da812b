"""Critical points of a function of scalars: SymPy solves for all real ones, the Hessian says what each is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from symml.derivation.roots import KINKED, allowed
from symml.errors import NoClosedFormError
from symml.language.expressions import Expression, Scalar
from symml.language.names import unicode_name
from symml.language.operators import scalar

DIGITS = 6
MAX_ORDER = 12


@dataclass(frozen=True)
class Point:
    """One stationary point.

    Attributes
    ----------
    values : mapping
        Value by name of the variable.
    kind : str
        minimum, maximum, saddle, inflection or degenerate for functions of scalars; else as `StationaryPoint.kind`.
    eigenvalues : tuple
        Of the Hessian at the point, in ascending order; empty where they have no closed form.
    """

    values: Mapping[str, Expression]
    kind: str
    eigenvalues: tuple[Any, ...] = ()
    _widths: tuple[int, ...] = field(default=(), compare=False, repr=False)

    def __str__(self) -> str:
        shown = [_text(v) for v in self.values.values()]
        if not all(isinstance(v, Scalar) for v in self.values.values()):
            return ", ".join(f"{unicode_name(k)} = {v}" for k, v in self.values.items()) + f"  {self.kind}"
        widths = self._widths or (0,) * (len(shown) + 1)
        inner = ", ".join(s.rjust(w) for s, w in zip(shown, widths, strict=False))
        text = f"({inner})  {self.kind.ljust(widths[-1])}"
        if self.eigenvalues:
            text += "  Hessian eigenvalues " + ", ".join(_text(e) for e in self.eigenvalues)
        return text.rstrip()

    def to_dict(self) -> dict[str, Any]:
        """Return the point as plain data."""
        return {
            "values": {k: str(v) for k, v in self.values.items()},
            "kind": self.kind,
            "eigenvalues": [str(e) for e in self.eigenvalues],
        }


def _text(value: Any) -> str:
    inner = getattr(value, "value", value)
    if not isinstance(inner, sp.Expr):
        return str(value)
    if inner.is_number and not inner.is_Rational and (sp.count_ops(inner) > 6 or inner.has(sp.CRootOf)):
        return str(sp.N(inner, DIGITS))
    return str(sp.sstr(inner))


@dataclass(frozen=True)
class Critical:
    """All real critical points found, and whether they are known to be all."""

    points: tuple[Point, ...]
    complete: bool
    convex: str  # "minimum" or "maximum" if the Hessian has one sign everywhere
    exact: bool  # whether the gradient is exactly zero at every point
    notes: tuple[str, ...]


def critical_points(f: sp.Expr, own: Sequence[sp.Symbol], multipliers: Sequence[sp.Symbol] = ()) -> Critical:
    """Return the real critical points of f inside the declared ranges.

    Parameters
    ----------
    f : sympy.Expr
        A function, or a Lagrangian.
    own : sequence of sympy.Symbol
    multipliers : sequence of sympy.Symbol, optional
        Of a Lagrangian: the kind is that of the function on the constraints.

    Raises
    ------
    NoClosedFormError
        If SymPy cannot solve the equations, or they have no real solution.
    """
    variables = [*own, *multipliers]
    gradient = [sp.diff(f, v) for v in variables]
    if any(g.has(*KINKED) for g in gradient):
        shown = ", ".join(f"{scalar(g)} = 0" for g in gradient)
        raise NoClosedFormError(
            f"{shown} is not smooth: its solutions depend on the side of the kink; call .fit(...) for numbers"
        )
    polynomial = all(sp.numer(sp.together(g)).is_polynomial(*variables) for g in gradient)
    found = [s for s in _solve(gradient, variables, polynomial) if _real(s, variables)]
    if not found:
        shown = ", ".join(f"{scalar(g)} = 0" for g in gradient)
        raise NoClosedFormError(f"{shown} has no real solution: there is no stationary point")
    places = list(dict.fromkeys(tuple(s.get(v, v) for v in variables) for s in found))
    places.sort(key=lambda p: [(float(x) if x.is_number else 0.0, sp.default_sort_key(x)) for x in p])
    hessian = sp.hessian(f, list(own))
    tied = sp.Matrix([[sp.diff(f, m, v) for v in own] for m in multipliers]) if multipliers else None
    points: list[Point] = []
    notes: list[str] = []
    for values in places:
        at = dict(zip(variables, values, strict=True))
        kind, eigenvalues = _classify(f, hessian, at) if tied is None else _on_constraint(hessian, tied, at)
        points.append(Point({v.name: scalar(x) for v, x in zip(variables, values, strict=True)}, kind, eigenvalues))
        for v, x in zip(variables, values, strict=True):
            notes.extend(_notes(x, v))
    exact = all(sp.simplify(g.subs(dict(zip(variables, p, strict=True)))) == 0 for p in places for g in gradient)
    return Critical(
        _aligned(points),
        polynomial,
        one_sign(hessian) if not multipliers else _convex_lagrangian(hessian, points),
        exact,
        tuple(dict.fromkeys(notes)),
    )


def _solve(
    gradient: Sequence[sp.Expr], variables: Sequence[sp.Symbol], polynomial: bool
) -> list[dict[sp.Symbol, sp.Expr]]:
    if len(variables) == 1 and polynomial:
        top = sp.numer(sp.together(gradient[0]))
        if top.free_symbols <= set(variables) and top.has(variables[0]):
            poly = sp.Poly(top, variables[0])
            if poly.domain.is_QQ or poly.domain.is_ZZ:
                return [{variables[0]: r} for r in dict.fromkeys(sp.real_roots(poly))]
    try:
        return list(sp.solve(list(gradient), list(variables), dict=True))
    except NotImplementedError:
        shown = ", ".join(f"{scalar(g)} = 0" for g in gradient)
        raise NoClosedFormError(f"{shown} has no closed form; call .fit(...) for numbers") from None


def _real(solution: Mapping[sp.Symbol, sp.Expr], variables: Sequence[sp.Symbol]) -> bool:
    for v in variables:
        x = solution.get(v, v)
        if x.has(sp.LambertW) and not x.is_number:
            return False
        if x.is_number and abs(complex(x.evalf(30)).imag) > 1e-20:
            return False
        if not allowed(x, v):
            return False
    return True


def _notes(x: sp.Expr, v: sp.Symbol) -> list[str]:
    """What the parameters must satisfy for a value to exist inside the declared range."""
    below = sp.denom(sp.together(x))
    found = [] if below.is_nonzero or not below.free_symbols else [f"{scalar(below)} must not be 0"]
    words = ("positive", "nonnegative", "negative")
    rooted = any(p.exp.is_integer is not True for p in x.atoms(sp.Pow)) or x.has(sp.log)
    doubtful = any(getattr(v, f"is_{w}") and getattr(x, f"is_{w}") is None for w in words)
    if not x.is_number and (doubtful or (rooted and x.is_real is None)):
        found.append(f"{scalar(x)} must be {_range(v)}")
    return found


def _range(v: sp.Symbol) -> str:
    return "> 0" if v.is_positive else ">= 0" if v.is_nonnegative else "< 0" if v.is_negative else "real"


def _classify(f: sp.Expr, hessian: Any, at: Mapping[sp.Symbol, sp.Expr]) -> tuple[str, tuple[Any, ...]]:
    here = hessian.subs(at).applyfunc(sp.simplify)
    if any(x in at.values() for x in at):  # a free variable is left: not an isolated point
        return "not isolated", ()
    if not here.free_symbols:
        eigenvalues = _eigenvalues(here)
        kind = _by_signs(eigenvalues)
        return (_higher_order(f, at) if kind == "degenerate" and len(at) == 1 else kind), eigenvalues
    if here.is_diagonal():
        entries = [here[k, k] for k in range(here.rows)]
        return _by_assumptions(entries), tuple(entries)
    minors = [here[:k, :k].det() for k in range(1, here.rows + 1)]
    if all(sp.simplify(m).is_positive for m in minors):
        return "minimum", ()
    if all(sp.simplify((-1) ** k * m).is_positive for k, m in enumerate(minors, 1)):
        return "maximum", ()
    return ("saddle" if sp.simplify(minors[1]).is_negative and len(minors) == 2 else "depends on the parameters"), ()


def _convex_lagrangian(hessian: Any, points: Sequence[Point]) -> str:
    """Whether the Lagrangian has one sign of curvature at the multipliers of the only point."""
    if len(points) != 1:
        return ""
    by_name = {s.name: s for s in hessian.free_symbols}
    return one_sign(hessian.subs({by_name[k]: e.value for k, e in points[0].values.items() if k in by_name}))  # type: ignore[attr-defined]


def _on_constraint(hessian: Any, tied: Any, at: Mapping[sp.Symbol, sp.Expr]) -> tuple[str, tuple[Any, ...]]:
    """The Hessian on the directions along which the constraints stay zero, in an orthonormal basis."""
    directions = tied.subs(at).nullspace()
    if not directions:
        return "fixed by the constraint", ()
    basis = sp.Matrix.hstack(*sp.GramSchmidt(directions, orthonormal=True))
    reduced = (basis.T * hessian.subs(at) * basis).applyfunc(sp.simplify)
    if reduced.free_symbols:
        return _by_assumptions(
            [reduced[k, k] for k in range(reduced.rows)]
        ) if reduced.is_diagonal() else "depends on the parameters", ()
    eigenvalues = _eigenvalues(reduced)
    return _by_signs(eigenvalues), eigenvalues


def _eigenvalues(matrix: Any) -> tuple[Any, ...]:
    if matrix.rows <= 2 or matrix.is_diagonal():
        exact = [e for e, k in matrix.eigenvals().items() for _ in range(k)]
    else:
        exact = [sp.re(sp.N(e, 20)) for e, k in matrix.eigenvals().items() for _ in range(k)]
        exact = [sp.S.Zero if abs(e) < 1e-15 else sp.nsimplify(e) if sp.nsimplify(e).is_Integer else e for e in exact]
    return tuple(sorted((sp.nsimplify(e) if e.is_Rational else e for e in exact), key=lambda e: float(sp.re(e))))


def _by_signs(eigenvalues: Sequence[Any]) -> str:
    signs = {
        (-1 if float(e) < 0 else 1) if e != 0 else 0
        for e in (sp.nsimplify(sp.re(e)) if e == 0 else sp.re(e) for e in eigenvalues)
    }
    if {-1, 1} <= signs:
        return "saddle"
    if 0 in signs:
        return "degenerate"
    return "minimum" if 1 in signs else "maximum"


def _by_assumptions(entries: Sequence[sp.Expr]) -> str:
    positive, negative = ([bool(getattr(e, f"is_{w}")) for e in entries] for w in ("positive", "negative"))
    if all(positive):
        return "minimum"
    if all(negative):
        return "maximum"
    return "saddle" if any(positive) and any(negative) else "depends on the parameters"


def _higher_order(f: sp.Expr, at: Mapping[sp.Symbol, sp.Expr]) -> str:
    """The first derivative that is not zero: even order, an extremum; odd, an inflection."""
    ((x, value),) = at.items()
    slope = sp.diff(f, x, 2)
    for order in range(3, MAX_ORDER):
        slope = sp.diff(slope, x)
        here = sp.simplify(slope.subs(x, value))
        if here != 0 and here.is_number:
            return "inflection" if order % 2 else "minimum" if here > 0 else "maximum"
    return "degenerate"


def one_sign(hessian: Any) -> str:
    """Return "minimum" or "maximum" if a Hessian is positive or negative definite everywhere, else ""."""
    minors = [sp.simplify(hessian[:k, :k].det()) for k in range(1, hessian.rows + 1)] if hessian.rows <= 3 else []
    if minors and all(m.is_positive for m in minors):
        return "minimum"
    return "maximum" if minors and all(((-1) ** k * m).is_positive for k, m in enumerate(minors, 1)) else ""


def _aligned(points: Sequence[Point]) -> tuple[Point, ...]:
    columns = list(zip(*([_text(v) for v in p.values.values()] for p in points), strict=True))
    widths = (*(max(map(len, c)) for c in columns), max(len(p.kind) for p in points))
    return tuple(Point(p.values, p.kind, p.eigenvalues, widths) for p in points)
