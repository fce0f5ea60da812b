"""Stationary points: set the gradient to zero, collect, solve, substitute back, say when and of what kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import sympy as sp

from symml.derivation.constrained.kinked import kinked
from symml.derivation.constrained.lagrange import constrained, solved
from symml.derivation.constrained.shrinking import shrunk
from symml.derivation.mappings import ByName
from symml.derivation.points.critical import Critical, Point, critical_points, rounded, shown
from symml.derivation.points.polynomial_systems import number
from symml.derivation.stationary.assembling import assemble, tex
from symml.derivation.stationary.elimination import eliminate, tidied
from symml.derivation.stationary.equations import Equation
from symml.derivation.stationary.piecewise import piecewise_linear
from symml.derivation.stationary.reducing import quotient
from symml.derivation.stationary.stationary_point import StationaryPoint
from symml.errors import InternalError, NotSupportedError
from symml.language.expressions import Scalar, Symbol
from symml.language.names import unicode_name
from symml.language.operators import as_expression, scalar
from symml.records import Step, Verdict, verdict

if TYPE_CHECKING:
    from symml.derivation.derivation import Derivation

__all__ = ["StationaryPoint", "find_stationary"]

TIED = {
    "orthogonal": "{0}'{0} = I",
    "orthonormal columns": "{0}'{0} = I",
    "unit norm": "{0}'{0} = 1",
    "sums to one": "sum({0}) = 1",
    "rows sum to one": "rowsum({0}) = 1",
}
SHAPED = ("diagonal", "identity", "idempotent", "lower triangular", "upper triangular", "mask", "centred")


def find_stationary(derivation: Derivation, subject_to: Any = None) -> StationaryPoint:
    """Return the stationary points of a derivation.

    Parameters
    ----------
    derivation : Derivation
    subject_to : str or list of str, optional
        Constraints: equations such as ``"w'w = 1"``, inequalities such as ``"A x <= b"``.

    Raises
    ------
    NoClosedFormError
        If an equation has no closed form; names the equation that is left.
    NotSupportedError
        If the variable is declared with a structure that the gradient does not respect.
    """
    derivation._scalar_objective("stationary point")
    if subject_to is not None:
        return constrained(derivation, subject_to)
    for v in derivation.wrt:
        _refuse_structure(v)
    median = piecewise_linear(derivation)
    if median is not None:
        return median
    for convex in (shrunk, kinked):
        found = convex(derivation)
        if found is not None:
            return found
    if isinstance(derivation.objective, Scalar) and not any(isinstance(v, Symbol) for v in derivation.wrt):
        return _critical(derivation)
    ratio = quotient(derivation)
    if ratio is not None:
        return solved(*ratio)
    gradients = [(v, tidied(derivation._derivative_node(v), v)) for v in derivation.wrt]
    branches = eliminate(gradients, derivation._taken)
    return assemble(derivation, branches, gradients)


def _refuse_structure(v: Any) -> None:
    facts = v.facts if isinstance(v, Symbol) else frozenset()
    for word, text in TIED.items():
        if word in facts:
            constraint = text.format(v)
            raise NotSupportedError(f'{v} is declared with {word!r}: ask for .stationary(subject_to="{constraint}")')
    for word in SHAPED:
        if word in facts:
            raise NotSupportedError(
                f"{v} is declared {word}, and its gradient is unconstrained: "
                f"write {v} in terms of its free entries, such as diag(v)"
            )
    domain = getattr(v, "domain", None)
    if domain is not None and domain.values:
        raise NotSupportedError(f"{v} takes the values {domain}: a discrete variable has no stationary point")


# -- functions of scalars -----------------------------------------------------------------------------------------
def _critical(derivation: Derivation) -> StationaryPoint:
    variables = list(derivation.wrt)
    value = derivation.objective.value  # type: ignore[attr-defined]
    found = critical_points(value, variables)
    gradients = [derivation._result("gradient", v) for v in variables]
    equations = {v.name: Equation(g, scalar(0)) for v, g in zip(variables, gradients, strict=True)}
    sure = (
        verdict("proved", "the gradient at every point simplifies to zero")
        if found.exact
        else _numeric(found.points, value)
    )
    kind, reasons = _kind_of_points(found)
    labels = [rf"\frac{{\partial f}}{{\partial {tex(v)}}}" for v in variables]
    steps = [
        Step(
            "gradient set to zero",
            "at a stationary point the gradient is zero",
            g,
            None,
            f"∂f/∂{as_expression(v)} = {g} = 0",
            f"{label} &= {g.latex()} = 0",
            verdict("proved", "differentiated by SymPy"),
        )
        for v, g, label in zip(variables, gradients, labels, strict=True)
    ]
    names = ", ".join(str(as_expression(v)) for v in variables)
    steps += [_solved(p, names, _tuple(", ".join(tex(v) for v in variables)), sure) for p in found.points]
    values = [_value(derivation, p) for p in found.points]
    notes = list(found.notes)
    if not found.complete and not found.convex:
        notes.append("SymPy found these solutions; it does not say that there are no more")
    return StationaryPoint(
        equation=next(iter(equations.values())) if derivation.single else ByName(equations),
        expr=values[0] if len(values) == 1 else tuple(values),
        kind=kind,
        reasons=reasons,
        conditions=tuple(notes),
        points=found.points,
        steps=tuple(steps),
        verdict=sure,
        names=tuple(equations),
    )


def _solved(p: Point, names: str, names_tex: str, sure: Verdict) -> Step:
    decimals = [rounded(x) for x in p.values.values()]
    right = _tuple(", ".join(_plain(x) for x in p.values.values())).replace("-", "−")
    right_tex = _tuple(
        ", ".join(_plain(x) if d else x.latex() for x, d in zip(p.values.values(), decimals, strict=True))
    )
    why = p.kind + (f": {_curvature(p)}" if p.eigenvalues else "")
    for name, x in p.values.items():
        root = getattr(x, "value", None)
        if isinstance(root, sp.CRootOf):
            why += f"; {unicode_name(name)} is a root of {as_expression(root.poly.as_expr(sp.Symbol(name)))}"
    return Step(
        "solve",
        why,
        None,
        p.values,
        f"{_tuple(names)} {'≈' if any(decimals) else '='} {right}",
        f"{names_tex} &\\approx {right_tex}" if any(decimals) else f"{names_tex} &= {right_tex}",
        sure,
    )


def _curvature(p: Point) -> str:
    return "Hessian eigenvalues " + ", ".join(_plain(scalar(e)) for e in p.eigenvalues).replace("-", "−")


def _plain(x: Any) -> str:
    return shown(x) if rounded(x) else str(x)


def _value(derivation: Derivation, p: Point) -> Any:
    return next(iter(p.values.values())) if derivation.single else ByName(p.values)


def _tuple(inner: str) -> str:
    return f"({inner})" if "," in inner else inner


def _numeric(points: Sequence[Point], value: sp.Expr) -> Verdict:
    """Numbers only: every derivative evaluated with 30 digits."""
    for p in points:
        by_name = {s.name: s for s in value.free_symbols}
        at = {by_name[k]: x.value for k, x in p.values.items() if k in by_name}  # type: ignore[attr-defined]
        for s in at:
            left = sp.diff(value, s).subs(at)
            if left.free_symbols:
                return verdict("unchecked", reason=f"{left} could not be simplified to zero")
            if abs(complex(number(left))) > 1e-20:
                raise InternalError(
                    f"the stationary point {p} failed its own check: the derivative by {s} is {number(left, 8)}"
                )
    return verdict("holds", "the gradient evaluated with 30 digits is zero at every point")


_PLURAL = {"minimum": "minima", "maximum": "maxima", "saddle": "saddles", "inflection": "inflections"}


def _kind_of_points(found: Critical) -> tuple[str, tuple[str, ...]]:
    extremes = tuple(found.extremes.values())
    isolated = [p for p in found.points if "not isolated" not in p.kind]
    if found.convex and len(found.points) == len(isolated) == 1:
        return f"unique global {found.convex}", (found.why_convex,)
    if found.convex and found.complete:
        return f"global {found.convex}, not unique", (found.why_convex,)
    if len(found.points) == 1:
        (p,) = found.points
        alone = found.complete and not found.periodic
        if alone and len(p.values) == 1 and p.kind in ("minimum", "maximum"):
            return f"unique global {p.kind}", (f"it is the only stationary point and a local {p.kind}",)
        if alone and p.kind in found.extremes:
            return f"unique global {p.kind}", extremes
        why = (_curvature(p),) if p.eigenvalues else ()
        return (f"local {p.kind}" if p.kind in ("minimum", "maximum") else p.kind), why
    kinds = [p.kind for p in found.points]
    counts = ", ".join(
        f"{kinds.count(k)} {_PLURAL.get(k, k) if kinds.count(k) > 1 else k}" for k in dict.fromkeys(kinds)
    )
    return f"{len(kinds)} stationary points: {counts}", extremes
