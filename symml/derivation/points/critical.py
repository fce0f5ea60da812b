"""Critical points of a function of scalars: SymPy solves for all real ones, the Hessian says what each is."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import sympy as sp

from symml.derivation.curvature.convexity import convexity
from symml.derivation.points.degenerate import beyond
from symml.derivation.points.eigenvalues import eigenvalues_of, size
from symml.derivation.points.extremes import global_extremes
from symml.derivation.points.polynomial_systems import number
from symml.derivation.points.real_solutions import Solutions, in_exponentials, real_solutions
from symml.derivation.stationary.roots import KINKED, allowed, pure_power
from symml.errors import MissingRuleError, NoClosedFormError, NotSupportedError
from symml.forms.lowering import leaf_of, lower
from symml.language.expressions import Expression, Scalar
from symml.language.names import unicode_name
from symml.language.operators import scalar

DIGITS = 6
LONG = 6  # operations of a number that is still written exactly
MOST_TURNS = 16


@dataclass(frozen=True)
class Point:
    """One stationary point.

    Attributes
    ----------
    values : mapping
        Value by name of the variable.
    kind : str
        minimum, maximum, saddle, inflection, degenerate or not isolated for functions of scalars; else as
        `StationaryPoint.kind`.
    eigenvalues : tuple
        Of the Hessian at the point, in ascending order; empty where they have no closed form.
    """

    values: Mapping[str, Expression]
    kind: str
    eigenvalues: tuple[Any, ...] = ()
    _widths: tuple[int, ...] = field(default=(), compare=False, repr=False)

    def __str__(self) -> str:
        texts = [shown(v) for v in self.values.values()]
        if not all(isinstance(v, Scalar) for v in self.values.values()):
            return ", ".join(f"{unicode_name(k)} = {v}" for k, v in self.values.items()) + f"  {self.kind}"
        widths = self._widths or (0,) * (len(texts) + 1)
        inner = ", ".join(s.rjust(w) for s, w in zip(texts, widths, strict=False))
        text = f"({inner})  {self.kind.ljust(widths[-1])}"
        if self.eigenvalues:
            text += "  Hessian eigenvalues " + ", ".join(shown(e) for e in self.eigenvalues)
        return text.rstrip()

    def to_dict(self) -> dict[str, Any]:
        """Return the point as plain data."""
        return {
            "values": {k: str(v) for k, v in self.values.items()},
            "kind": self.kind,
            "eigenvalues": [str(e) for e in self.eigenvalues],
        }


def shown(value: Any) -> str:
    """Return a value as text, roots without a short closed form as decimals."""
    inner = getattr(value, "value", value)
    if not isinstance(inner, sp.Expr):
        return str(value)
    return str(number(inner, DIGITS)) if rounded(value) else str(sp.sstr(inner))


def rounded(value: Any) -> bool:
    """Whether a value is shown as a decimal: a float, a root of a polynomial, a long closed form."""
    inner = getattr(value, "value", value)
    if not (isinstance(inner, sp.Expr) and inner.is_number):
        return False
    return bool(inner.is_Float or inner.has(sp.CRootOf) or (_is_long(inner) and not inner.is_Rational))


def _is_long(value: sp.Expr) -> bool:
    return bool(sp.count_ops(value) > LONG)


@dataclass(frozen=True)
class Critical:
    """All real critical points found, and whether they are known to be all."""

    points: tuple[Point, ...]
    complete: bool
    convex: str  # "minimum" or "maximum" if the function is convex or concave
    exact: bool  # whether the gradient is exactly zero at every point
    notes: tuple[str, ...]
    why_convex: str = ""
    periodic: bool = False  # whether there are others one turn on
    extremes: Mapping[str, str] = field(default_factory=dict)  # "minimum", "maximum" with why it is global


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
    solved = _solved(gradient, variables)
    if solved is None:
        raise NoClosedFormError(f"{_system(gradient)} has no closed form; call .fit(...) for numbers")
    imaginary = [s for s in solved.found if any(_imaginary(x) for x in s.values())]
    real = [s for s in solved.found if s not in imaginary]
    found = [p for s in real for p in _placed(s, f, gradient, variables, solved.periodic)]
    if not found and imaginary:
        raise NoClosedFormError(f"{_system(gradient)} has no solution in real radicals; call .fit(...) for numbers")
    if not found:
        raise NoClosedFormError(_no_solution(gradient, solved.complete))
    places = _isolated_last(list(dict.fromkeys(found)), variables)
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
    turning = [v for v in own if v in solved.periodic and not _is_bounded(v)]
    if turning:
        names = " and ".join(unicode_name(v.name) for v in turning)
        notes.append(f"the others are these plus whole multiples of 2 π in {names}")
    complete = solved.complete and not imaginary
    convex, why = _convexity(f, own, hessian) if not multipliers else (_convex_lagrangian(hessian, points), "")
    return Critical(
        _aligned(points),
        complete,
        convex,
        all(_vanishes_exactly(g, dict(zip(variables, p, strict=True))) for p in places for g in gradient),
        tuple(dict.fromkeys(notes)),
        why,
        bool(turning),
        global_extremes(f, own, places, complete) if not multipliers else {},
    )


def _convexity(f: sp.Expr, own: Sequence[sp.Symbol], hessian: Any) -> tuple[str, str]:
    """Minimum of a convex or maximum of a concave function, and why it is one."""
    word = one_sign(hessian)
    if word:
        return word, f"the Hessian is {'positive' if word == 'minimum' else 'negative'} definite everywhere"
    try:
        found, reasons = convexity(lower(scalar(f)), [leaf_of(v) for v in own])
    except (NotSupportedError, MissingRuleError):
        return "", ""
    word = {"convex": "minimum", "concave": "maximum"}.get(found, "")
    return word, f"the function is {found}: {'; '.join(reasons) or 'it is affine'}" if word else ""


def _solved(gradient: Sequence[sp.Expr], variables: Sequence[sp.Symbol]) -> Solutions | None:
    if len(variables) == 1:
        top = sp.numer(sp.together(gradient[0]))
        root = pure_power(top, variables[0]) if top.has(variables[0]) and top.is_polynomial(variables[0]) else None
        if root is not None:
            return Solutions(({variables[0]: root},), True)
    return real_solutions(gradient, variables)


def _imaginary(x: sp.Expr) -> bool:
    """Whether a value in parameters holds the imaginary unit: it is not known where it is real."""
    return bool(x.has(sp.I) and not x.is_number and x.is_real is not True)


def _system(gradient: Sequence[sp.Expr]) -> str:
    return ", ".join(f"{scalar(g)} = 0" for g in gradient)


def _no_solution(gradient: Sequence[sp.Expr], complete: bool) -> str:
    if complete:
        return f"{_system(gradient)} has no real solution: there is no stationary point"
    return f"no real solution of {_system(gradient)} was found; call .fit(...) for numbers"


# -- places -------------------------------------------------------------------------------------------------------
Place = tuple[sp.Expr, ...]


def _placed(
    solution: Mapping[sp.Symbol, sp.Expr],
    f: sp.Expr,
    gradient: Sequence[sp.Expr],
    variables: Sequence[sp.Symbol],
    periodic: Collection[sp.Symbol],
) -> list[Place]:
    """A solution at its places inside the declared ranges, where f is defined and has derivatives."""
    choices = [_turned(solution.get(v, v), v) if v in periodic else [solution.get(v, v)] for v in variables]
    places = []
    for values in product(*choices):
        at = dict(zip(variables, values, strict=True))
        if all(_real(x, v) for v, x in at.items()) and _is_defined((f, *gradient), at):
            places.append(values)
    return places


def _is_bounded(v: Any) -> bool:
    domain = getattr(v, "domain", None)
    return domain is not None and domain.low is not None and domain.high is not None


def _turned(angle: sp.Expr, v: Any) -> list[sp.Expr]:
    """An angle in [0, 2π), or all its turns inside a bounded range of the variable."""
    if not angle.is_number or not _is_bounded(v):
        return [angle]
    domain = v.domain
    first = int(sp.ceiling((domain.low - angle) / (2 * sp.pi)))
    last = int(sp.floor((domain.high - angle) / (2 * sp.pi)))
    return [angle + 2 * sp.pi * k for k in range(first, min(last, first + MOST_TURNS) + 1)]


def _real(x: sp.Expr, v: sp.Symbol) -> bool:
    if x.has(sp.LambertW) and not x.is_number:
        return False
    if x.is_number and abs(sp.im(number(x))) > 1e-20:
        return False
    return allowed(x, v)


def _is_defined(values: Sequence[sp.Expr], at: Mapping[sp.Symbol, sp.Expr]) -> bool:
    """Whether functions are real and finite at a point; of a point with symbols nothing is asked."""
    for value in values:
        here = value.subs(at, simultaneous=True)
        if here.has(sp.nan, sp.zoo, sp.oo):
            return False
        if here.is_number and not here.is_Rational and abs(sp.im(number(here))) > 1e-20:
            return False
    return True


def _isolated_last(places: list[Place], variables: Sequence[sp.Symbol]) -> list[Place]:
    """In ascending order, without points that lie on a curve of stationary points."""
    curves = [p for p in places if any(x.has(*variables) for x in p)]
    kept = [p for p in places if p in curves or not any(_lies_on(p, c, variables) for c in curves)]
    return sorted(kept, key=lambda p: [(size(x), sp.default_sort_key(x)) for x in p])


def _lies_on(point: Place, curve: Place, variables: Sequence[sp.Symbol]) -> bool:
    if any(x.has(*variables) for x in point):
        return False
    at = dict(zip(variables, point, strict=True))
    gaps = [x - c.subs(at, simultaneous=True) for x, c in zip(point, curve, strict=True)]
    return all(not g.is_number or abs(number(g)) < 1e-20 for g in gaps)


def _vanishes_exactly(g: sp.Expr, at: Mapping[sp.Symbol, sp.Expr]) -> bool:
    here = g.subs(at, simultaneous=True)
    return bool(not here.has(sp.CRootOf) and (here == 0 or sp.simplify(here) == 0))


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
    here = _evaluated(hessian, at)
    if any(x.has(*at) for x in at.values()):  # a free variable is left: not an isolated point
        return _along_a_curve(here, at)
    if not here.free_symbols:
        eigenvalues = eigenvalues_of(here)
        kind = _by_signs(eigenvalues)
        return (beyond(f, list(at), at) if kind == "degenerate" else kind), eigenvalues
    if here.is_diagonal():
        entries = [here[k, k] for k in range(here.rows)]
        return _by_assumptions(entries), tuple(entries)
    minors = [here[:k, :k].det() for k in range(1, here.rows + 1)]
    if all(sp.simplify(m).is_positive for m in minors):
        return "minimum", ()
    if all(sp.simplify((-1) ** k * m).is_positive for k, m in enumerate(minors, 1)):
        return "maximum", ()
    return ("saddle" if sp.simplify(minors[1]).is_negative and len(minors) == 2 else "depends on the parameters"), ()


def _evaluated(matrix: Any, at: Mapping[sp.Symbol, sp.Expr]) -> Any:
    here = matrix.subs(at, simultaneous=True)
    if here.has(sp.CRootOf):
        return here.applyfunc(lambda e: number(e) if e.is_number else e)
    return here.applyfunc(lambda e: sp.simplify(in_exponentials(e)))


def _along_a_curve(here: Any, at: Mapping[sp.Symbol, sp.Expr]) -> tuple[str, tuple[Any, ...]]:
    """A curve or surface of stationary points: an extremum where the other eigenvalues have one sign everywhere."""
    free = [v for v in at if at[v] == v]
    found = [sp.simplify(e) for e, k in here.eigenvals().items() for _ in range(k)] if here.rows <= 3 else []
    if not found or any(e.has(sp.I) for e in found):
        return "not isolated", ()
    others = [e for e in found if e != 0]
    kind = "not isolated"
    if others and len(found) - len(others) == len(free):
        kind = {"minimum": "minimum, not isolated", "maximum": "maximum, not isolated"}.get(
            _by_assumptions(others), kind
        )
    return kind, tuple(sorted(found, key=lambda e: (size(e), sp.default_sort_key(e))))


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
    eigenvalues = eigenvalues_of(reduced)
    return _by_signs(eigenvalues), eigenvalues


def _by_signs(eigenvalues: Sequence[Any]) -> str:
    signs = {0 if e == 0 else 1 if size(e) > 0 else -1 for e in eigenvalues}
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


def one_sign(hessian: Any) -> str:
    """Return "minimum" or "maximum" if a Hessian is positive or negative definite everywhere, else ""."""
    minors = [sp.simplify(hessian[:k, :k].det()) for k in range(1, hessian.rows + 1)] if hessian.rows <= 3 else []
    if minors and all(m.is_positive for m in minors):
        return "minimum"
    return "maximum" if minors and all(((-1) ** k * m).is_positive for k, m in enumerate(minors, 1)) else ""


def _aligned(points: Sequence[Point]) -> tuple[Point, ...]:
    columns = list(zip(*([shown(v) for v in p.values.values()] for p in points), strict=True))
    widths = (*(max(map(len, c)) for c in columns), max(len(p.kind) for p in points))
    return tuple(Point(p.values, p.kind, p.eigenvalues, widths) for p in points)
