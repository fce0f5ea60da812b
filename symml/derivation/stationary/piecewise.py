"""Minimisers of convex piecewise linear functions of one number: medians, quantiles, their weighted kin.

f(m) = Σ cᵢ |aᵢ − bᵢ m| + affine. The slope grows from f′(−∞) to f′(∞) and jumps only where a kink is crossed: m
minimises f exactly when 0 lies in the subgradient there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp

from symml.calculus.construct import broadcast, is_zero, times
from symml.calculus.expand import expand
from symml.calculus.nodes import Apply, Const, Ein, Leaf, Node, const, walk
from symml.calculus.proving import proved_equal
from symml.calculus.reverse import derivative
from symml.calculus.transform import substitute
from symml.codegen.evaluate import bind
from symml.codegen.structure import is_nonnegative
from symml.derivation.curvature.convexity import affine, convexity
from symml.derivation.stationary.stationary_point import StationaryPoint
from symml.errors import DataError, NotSupportedError
from symml.forms.lowering import leaf_of
from symml.forms.textbook import present
from symml.language.expressions import Expression, Scalar, Symbol
from symml.language.operators import as_expression, scalar
from symml.language.tables import symbol_table
from symml.notation.wording import words
from symml.records import Step, Verdict, verdict

if TYPE_CHECKING:
    from symml.derivation.derivation import Derivation

KINKED = ("abs", "relu")
JUMPING = {"sign": (-1, 1), "step": (0, 1)}
FLAT = 1e-12  # heights that differ by less, relative to the largest, are equal


@dataclass(frozen=True)
class Inclusion:
    """The condition of a minimum that is no equation: zero lies in the subgradient."""

    subgradient: Expression
    meaning: str = ""

    def __str__(self) -> str:
        text = str(self.subgradient)
        jumps = any(mark in text for mark in (" > 0]", " < 1]", "step(", " > ", " < "))
        told = [self.meaning] if self.meaning else []
        told += ["sign(0) = [-1, 1]"] if "sign(" in text else []
        told += ["[0 > 0] = [0, 1]"] if jumps else []
        joined = " and ".join(told)
        return f"0 ∈ {text}{f', where {joined}' if joined else ''}"

    def latex(self) -> str:
        """Return LaTeX without delimiters."""
        return rf"0 \in {self.subgradient.latex()}"

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"


def piecewise_linear(derivation: Derivation) -> StationaryPoint | None:
    """Return the minimisers of a convex piecewise linear function of one scalar, or None for any other function."""
    if not derivation.single or isinstance(derivation.wrt[0], Symbol):
        return None
    v = derivation.wrt[0]
    x = leaf_of(v)
    try:
        node = derivation._tied(derivation._node)
    except NotSupportedError:
        return None
    kinks = _kinks(node, x)
    if not kinks or not is_zero(derivative(derivative(node, x), x)):
        return None
    word, reasons = convexity(node, [x])
    if word != "convex":
        return None
    gradient = derivation._result("gradient", v)
    slope = derivative(node, x)
    ends = _end(slope, x, -1), _end(slope, x, 1)
    what = _name(node, kinks, x, ends, str(as_expression(v)))
    inclusion = Inclusion(gradient)
    sure = derivation._checked["gradient", v].report.verdict
    proved = verdict("proved", "0 in the subgradient of a convex function")
    steps = _steps(as_expression(v), inclusion, what, sure, proved)
    return StationaryPoint(
        equation=inclusion, expr=None, kind="global minimum",
        reasons=(f"{what}: 0 lies in the subgradient {gradient}", *reasons),
        conditions=_exists(ends), points=(), steps=steps, verdict=proved, names=(v.name,),
        _solver=partial(minimiser, derivation.objective, tuple(map(_raised, kinks)), v.name, derivation.source.symbols),
    )  # fmt: skip


def _kinks(node: Node, x: Leaf) -> list[Node]:
    """The arguments of the functions with kinks, if these are all that bends the function."""
    maps = [n for n in walk(node) if isinstance(n, Apply) and n.op == "map" and x in n.leaves]
    found = [n.children[0] for n in maps if n.param in KINKED]
    return found if all(affine(u, [x]) for u in found) else []


def _end(slope: Node, x: Leaf, side: int) -> Node:
    """The slope left or right of every kink; the argument of a jump grows or falls with x."""
    changed: dict[Node, Node] = {}
    for n in walk(slope):
        if isinstance(n, Apply) and n.op == "map" and n.param in JUMPING and x in n.leaves:
            rise = _rise(n.children[0], x)
            if not rise:
                return slope
            changed[n] = broadcast(const(JUMPING[n.param][1 if rise * side > 0 else 0]), n.shape)
    return substitute(slope, changed) if changed else slope


def _rise(u: Node, x: Leaf) -> Fraction:
    """The slope of an argument in the variable, where it is a number, else 0."""
    found = expand(derivative(u, x))
    if isinstance(found, Const):
        return found.value
    return found.coefficient if isinstance(found, Ein) and not found.factors else Fraction(0)


def _name(node: Node, kinks: Sequence[Node], x: Leaf, ends: tuple[Node, Node], v: str) -> str:
    """What the minimisers are: a median, a quantile, a point where the slope changes sign."""
    data = _common_data(kinks, x)
    slope = derivative(node, x)
    if data is None or any(x in e.leaves for e in ends):
        return f"any {v} at which the slope changes sign"
    weighted = "weighted " if _is_weighted(slope, x) else ""
    if len(data.shape) != 1:
        return f"{v} = {_raised(data)}" if data.shape == () and proved_equal(ends[1], times(-1, ends[0])) else (
            f"any {v} at which the slope changes sign")  # fmt: skip
    if proved_equal(ends[1], times(-1, ends[0])):
        return f"any {weighted}median of {_raised(data)}"
    low, high = (_raised(e) for e in ends)
    if isinstance(low, Scalar) and isinstance(high, Scalar) and not weighted:
        level = sp.simplify(-low.value / (high.value - low.value))
        return f"any quantile of {_raised(data)} at the level {as_expression(level)}"
    return f"any {v} at which the slope changes sign"


def _common_data(kinks: Sequence[Node], x: Leaf) -> Node | None:
    """The a of |a − m|, |m − a|, if it is the same one in every kink."""
    found: list[Node] = []
    for u in kinks:
        rise = _rise(u, x)
        if abs(rise) != 1:
            return None
        found.append(times(-rise, expand(substitute(u, {x: const(0)}))))
    return found[0] if all(proved_equal(a, found[0]) for a in found[1:]) else None


def _is_weighted(slope: Node, x: Leaf) -> bool:
    """Whether a jump stands beside a factor with its index."""
    for n in walk(slope):
        if isinstance(n, Ein):
            jumps = [idx for f, idx in n.factors if isinstance(f, Apply) and f.op == "map" and x in f.leaves]
            others = [idx for f, idx in n.factors if not (isinstance(f, Apply) and f.op == "map" and x in f.leaves)]
            if any(set(a) & set(b) for a in jumps for b in others):
                return True
    return False


def _exists(ends: tuple[Node, Node]) -> tuple[str, ...]:
    found = []
    for end, relation in zip(ends, ("<=", ">="), strict=True):
        shown = _raised(end)
        if not isinstance(shown, Scalar):
            continue
        outward = scalar(sp.factor(shown.value if relation == ">=" else -shown.value))
        if is_nonnegative(outward) != "yes":
            side = "left" if relation == "<=" else "right"
            found.append(f"the slope {shown} to the {side} of every kink must be {relation} 0")
    return tuple(found)


def _raised(node: Node) -> Expression:
    return present(expand(node))


def _steps(v: Expression, inclusion: Inclusion, what: str, sure: Verdict, proved: Verdict) -> tuple[Step, ...]:
    return (
        Step("subgradient", "at a minimum of a convex function 0 lies in the subgradient", inclusion.subgradient, None,
             str(inclusion), inclusion.latex().replace(r"\in", r"&\in", 1), sure),
        Step("solve", "the slope grows with the variable and jumps at the kinks", v, None, what,
             rf"& \text{{{words(what)}}}", proved),
    )  # fmt: skip


def minimiser(
    objective: Expression, kinks: Sequence[Expression], name: str, symbols: Mapping[str, Any], given: Mapping[Any, Any]
) -> float:
    """Return the middle of the interval of minimisers of a convex piecewise linear function.

    Raises
    ------
    DataError
        If a value is missing, or the function falls without end.
    """
    table = {k: symbols.get(k, s) for e in (objective, *kinks) for k, s in symbol_table(e).items() if k != name}
    lenders = {k: s for k, s in symbols.items() if k not in table and k != name and k in {str(g) for g in given}}
    values, sizes = bind({**table, **lenders}, given)
    at = {**values, **sizes}
    breaks: list[Any] = []
    for u in kinks:
        start, there = (np.ravel(np.asarray(u.evaluate({**at, name: m}), float)) for m in (0.0, 1.0))
        rise = there - start
        moving = rise != 0
        breaks.append(-start[moving] / rise[moving])
    places = np.unique(np.concatenate(breaks))
    margin = 1.0 + float(places[-1] - places[0])
    tried = np.concatenate([[places[0] - margin], places, [places[-1] + margin]])
    heights = np.array([float(objective.evaluate({**at, name: float(m)})) for m in tried])
    lowest = float(np.min(heights))
    near = np.flatnonzero(heights <= lowest + FLAT * max(float(np.max(np.abs(heights))), 1e-300))
    if lowest < min(heights[1:-1]) - FLAT * abs(lowest):
        way = "falls" if near[0] == 0 else "grows"
        raise DataError(f"the objective falls without end as {name} {way}: there is no minimum")
    inside = tried[near[(near > 0) & (near < len(tried) - 1)]]
    return float((inside[0] + inside[-1]) / 2)
