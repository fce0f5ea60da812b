"""Problems that fall apart into one for each entry, but for bounds and one equation: projections, water filling.

Where no bound is active its multiplier is zero and the entry solves its own equation; the derivative grows with the
entry, so an entry whose solution is outside the bounds stands at the nearer bound. Of the equation one scalar
multiplier is left, and what is to be constant is monotone in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symml.calculus.construct import apply_map, is_zero, times, total, zero
from symml.calculus.nodes import Leaf, Node, const
from symml.calculus.proving import proved_equal
from symml.calculus.transform import substitute
from symml.checking.sampling import draw
from symml.codegen.evaluate import prepare
from symml.codegen.structure import is_positive
from symml.derivation.constrained.constraints import Constraint, Problem
from symml.derivation.constrained.programs import ConvexSolver
from symml.derivation.curvature.convexity import affine
from symml.derivation.curvature.definiteness import curvature, second_derivative, shown
from symml.derivation.points.critical import Point
from symml.derivation.stationary.assembling import tex
from symml.derivation.stationary.equations import Equation
from symml.derivation.stationary.roots import roots_of, unknown_for
from symml.derivation.stationary.separating import cleared
from symml.errors import DataError, DomainError, NoClosedFormError
from symml.forms.lowering import leaf_of, lower
from symml.forms.raising import Raising
from symml.forms.textbook import present
from symml.language.expressions import Expression, Symbol
from symml.language.operators import as_expression
from symml.language.where import expand_names
from symml.records import Step, Verdict, verdict

POINTS, TRIES = 3, 12
TOLERANCE = 1e-6

Bounds = tuple[Node | None, Node | None]


@dataclass(frozen=True)
class Entrywise:
    """The solution entry by entry: in the data, or in the data and the multiplier of the one equation."""

    point: Point
    steps: tuple[Step, ...]
    verdict: Verdict
    solver: EntrywiseSolver


@dataclass(frozen=True)
class EntrywiseSolver:
    """The formula where nothing but data is in it, else the interior point method."""

    formula: Expression | None
    numbers: ConvexSolver

    def __call__(self, given: Mapping[Any, Any]) -> Any:
        """Return the variable at the values given."""
        return self.numbers(given) if self.formula is None else self.formula.evaluate(given)

    def by_name(self, given: Mapping[Any, Any]) -> Mapping[str, Any]:
        """Return variable and multipliers by name."""
        return self.numbers.by_name(given)


def separable(problem: Problem, numbers: ConvexSolver) -> Entrywise | None:
    """Return the solution of a convex problem that falls apart into its entries, or None."""
    if len(problem.variables) != 1 or not isinstance(problem.variables[0], Symbol):
        return None
    (v,) = problem.variables
    x = leaf_of(v)
    bounds = _bounds([c for c in problem.constraints if not c.equality], x)
    equations = [c for c in problem.constraints if c.equality]
    if bounds is None or len(equations) > 1 or not all(_one_number(c, x) for c in equations):
        return None
    free = _free_root(problem, v)
    if free is None:
        return None
    inside = _clipped(free, *bounds)
    nu = equations[0].multiplier if equations else None
    sure = _tested(v, inside, nu, bounds, numbers)
    if not sure.ok:
        return None
    return _told(problem, v, free, inside, equations, sure, numbers)


def _bounds(constraints: list[Constraint], x: Leaf) -> Bounds | None:
    """The lower and upper bound that inequalities state entry by entry; None where one says something else."""
    low: Node | None = None
    high: Node | None = None
    for c in constraints:
        slack = lower(c.slack)
        if slack.shape != x.shape:
            return None
        rest = substitute(slack, {x: zero(x.shape)})
        if proved_equal(slack, total([x, rest], x.shape)) and low is None:
            low = times(-1, rest)
        elif proved_equal(slack, total([times(-1, x), rest], x.shape)) and high is None:
            high = rest
        else:
            return None
    return low, high


def _one_number(c: Constraint, x: Leaf) -> bool:
    return c.difference.shape == () and affine(lower(c.difference), [x])


def _free_root(problem: Problem, v: Symbol) -> Node | None:
    """The only solution of the equation of one entry with the multipliers of its bounds zero."""
    ((_, gradient),) = problem.gradients
    x = leaf_of(v)
    if not curvature(second_derivative(lower(problem.objective), x), v).kind.startswith(("positive", "negative")):
        return None
    inactive = [leaf_of(c.multiplier) for c in problem.constraints if not c.equality]
    equation = cleared(substitute(gradient, {m: zero(m.shape) for m in inactive}))
    found = roots_of(equation, x, unknown_for(v))
    return found[0][0] if found is not None and len(found[0]) == 1 else None


def _clipped(free: Node, low: Node | None, high: Node | None) -> Node:
    """The nearest point between the bounds: l + relu(x − l) − relu(x − u)."""
    shape = free.shape
    if low is not None and high is None and is_zero(low) and is_positive(shown(free)) == "yes":
        return free
    if low is None:
        assert high is not None
        return total([high, times(-1, apply_map("relu", total([high, times(-1, free)], shape)))], shape)
    parts = [low] if not is_zero(low) else []
    parts.append(apply_map("relu", total([free, times(-1, low)], shape)))
    if high is not None:
        parts.append(times(-1, apply_map("relu", total([free, times(-1, high)], shape))))
    return total(parts, shape)


def _feasible(values: dict[str, Any], sizes: Mapping[str, int], bounds: Bounds) -> tuple[dict[str, Any], Any]:
    """The data with an upper bound that is a symbol of its own moved above the lower one."""
    low, high = bounds
    if low is not None and isinstance(high, Leaf) and high.name in values:
        least = prepare(Raising(False).run(low))(values, sizes)
        values = {**values, high.name: least + np.abs(values[high.name])}
    return values, sizes


def _tested(v: Symbol, inside: Node, nu: Any, bounds: Bounds, numbers: ConvexSolver) -> Verdict:
    """The formula against the interior point method, at random data."""
    row = prepare(expand_names(present(inside)))
    rng = np.random.default_rng(0)
    worst, done = 0.0, 0
    for _ in range(TRIES):
        try:
            with np.errstate(all="ignore"):
                values, sizes = _feasible(*draw(numbers._table, rng, None), bounds)
                at = numbers.by_name({**values, **sizes})
                more = {} if nu is None else {nu.name: at[nu.name]}
                found = np.asarray(row({**values, **more}, sizes), float)
        except (DataError, DomainError, NoClosedFormError, ValueError):
            continue
        size = max(float(np.max(np.abs(at[v.name]), initial=0.0)), 1e-6)
        worst = max(worst, float(np.max(np.abs(found - at[v.name]), initial=0.0)) / size)
        done += 1
        if done == POINTS or not np.all(np.isfinite(found)):
            break
    if not done or not worst < TOLERANCE or not np.all(np.isfinite(found)):
        return verdict("unchecked", reason="the formula was not confirmed at random data")
    told = f"equal to a numerical solution of the conditions at {done} random data sets to {worst:.0e}"
    return verdict("holds", told)


def _told(
    problem: Problem,
    v: Symbol,
    free: Node,
    inside: Node,
    equations: list[Constraint],
    sure: Verdict,
    numbers: ConvexSolver,
) -> Entrywise:
    name = as_expression(v)
    alone, value = (present(n, problem.taken) for n in (free, inside))
    first = "between its bounds the multiplier of an entry is zero"
    second = f"the derivative grows with the entry: outside its bounds it stands at the nearer one ({sure.certificate})"
    steps = [
        Step("entry", first, name, alone, f"{name} = {alone}", f"{tex(v)} &= {alone.latex()}", sure),
        Step("solve", second, name, value, f"{name} = {value}", f"{tex(v)} &= {value.latex()}", sure),
    ]
    hessian = curvature(second_derivative(lower(problem.objective), leaf_of(v)), v)
    which = "minimum" if hessian.kind.startswith("positive") else "maximum"
    kind = f"{'unique ' if hessian.kind.endswith(' definite') else ''}global {which}"
    for c in equations:
        left = _equation(c, leaf_of(v), inside)
        nu = as_expression(c.multiplier)
        told = f"the equation left for {nu}; its left side is monotone in {nu}"
        text = f"{nu} solves {left}"
        steps.append(Step("multiplier", told, left.lhs, left.rhs, text, left.latex("&="), sure))
    steps.append(Step("second-order", kind, None, None, kind, rf"& \text{{{kind}}}", sure))
    formula = None if equations else expand_names(value)
    return Entrywise(Point({v.name: value}, kind), tuple(steps), sure, EntrywiseSolver(formula, numbers))


def _equation(c: Constraint, x: Leaf, inside: Node) -> Equation:
    """The equation with the solution put in, data on the right."""
    whole = lower(c.difference)
    still = substitute(whole, {x: zero(x.shape)})
    moving = total([whole, times(-1, still)], ())
    sides = (substitute(moving, {x: inside}), times(-1, still) if not is_zero(still) else const(0))
    return Equation(shown(sides[0]), shown(sides[1]))
