"""Inequality constraints: the Karush–Kuhn–Tucker conditions, their cases solved one by one, and the dual problem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from symml.calculus.nodes import Ein, Node
from symml.derivation.constrained.cases import Case, CaseSolver, Solve, all_cases, case_steps, points_of
from symml.derivation.constrained.constraints import Constraint, Problem
from symml.derivation.constrained.dual import Dual, Relation, dual_of
from symml.derivation.constrained.kinked import smooth
from symml.derivation.constrained.lagrangian import opening_steps
from symml.derivation.constrained.programs import ConvexSolver, Row
from symml.derivation.constrained.separable import separable
from symml.derivation.curvature.convexity import affine, convex_or_concave
from symml.derivation.mappings import ByName
from symml.derivation.points.critical import Point
from symml.derivation.stationary.affine import negated
from symml.derivation.stationary.equations import Equation
from symml.derivation.stationary.separating import flat_terms
from symml.derivation.stationary.stationary_point import StationaryPoint
from symml.forms.lowering import leaf_of, lower
from symml.forms.textbook import present
from symml.language.expressions import Expression, Symbol
from symml.language.operators import (
    as_expression,
    elementwise_product,
    multiply_any,
    scalar,
    substitute,
    symbol,
    zeros,
)
from symml.records import Step, verdict

SOURCE = "S. Boyd and L. Vandenberghe, Convex Optimization (2004), section 5.5.3"


@dataclass(frozen=True)
class KKT:
    """The conditions of Karush, Kuhn and Tucker.

    Attributes
    ----------
    stationarity : mapping of str to Equation
        The gradient of the Lagrangian is zero, by name of the variable.
    primal : tuple of Constraint
        The constraints.
    dual : tuple of Relation
        The multipliers of inequalities are not negative.
    complementary : tuple of Equation
        Multiplier times slack is zero, entry by entry.
    sense : str
        minimum or maximum.
    """

    stationarity: Mapping[str, Equation]
    primal: tuple[Constraint, ...]
    dual: tuple[Relation, ...]
    complementary: tuple[Equation, ...]
    sense: str

    @property
    def rows(self) -> tuple[tuple[str, Any], ...]:
        """The conditions one by one, each with the name of its kind."""
        return (
            *(("stationarity", e) for e in self.stationarity.values()),
            *(("primal feasibility", c) for c in self.primal),
            *(("dual feasibility", r) for r in self.dual),
            *(("complementary slackness", e) for e in self.complementary),
        )

    def __str__(self) -> str:
        return "\n".join(f"{name}: {row}" for name, row in self.rows)

    def latex(self) -> str:
        r"""Return an ``align*`` environment."""
        lines = [rf"& {row.latex()} && \text{{{name}}}" for name, row in self.rows]
        return "\\begin{align*}\n" + " \\\\\n".join(lines) + "\n\\end{align*}"

    def _repr_latex_(self) -> str:
        return self.latex()


def under_inequalities(problem: Problem, solve: Solve) -> StationaryPoint:
    """Return the conditions, the cases that have a solution, and the dual problem of a convex one."""
    kkt = conditions_of(problem)
    objective, variables = _within_bounds(problem)
    word, why = convex_or_concave(lower(objective), variables)
    good = _is_convex(problem, word)
    dual = dual_of(problem, kkt.sense) if good else None
    opening = [*opening_steps(problem)[: len(problem.constraints) + 1], *_conditions_told(kkt)]
    reasons = _reasons(word, why, good, kkt.sense)
    numbers = _numerical(problem, kkt.sense) if good else None
    entries = None if numbers is None else separable(problem, numbers)
    if entries is not None:
        steps = [*opening, *entries.steps, *(dual.steps if dual is not None else ())]
        outcome = _Outcome((entries.point,), tuple(steps), tuple(reasons), (), entries.verdict, entries.solver)
        return _result(problem, kkt, dual, outcome, _multipliers(problem, []))
    cases = all_cases(problem, solve)
    solved = [c for c in cases if c.values]
    points = points_of(problem, solved, kkt.sense, good)
    steps = [*opening, *case_steps(problem, cases), *(dual.steps if dual is not None else ())]
    reasons += [f"case {c.missing}" for c in cases if c.missing]
    notes = tuple(dict.fromkeys(n for c in solved if c.solution is not None for n in c.solution.conditions))
    solver = _solver(problem, solved, cases, numbers)
    outcome = _Outcome(tuple(points), tuple(steps), tuple(reasons), notes, _worst(solved, dual), solver)
    return _result(problem, kkt, dual, outcome, _multipliers(problem, solved))


def under_equations(problem: Problem) -> StationaryPoint | None:
    """Return the conditions of a convex problem with affine equations alone, solved at the data; None for others."""
    word, why = convex_or_concave(lower(problem.objective), problem.variables)
    own = [leaf_of(v) for v in problem.variables]
    if not word or not why or not all(c.equality and affine(lower(c.difference), own) for c in problem.constraints):
        return None
    kkt = replace(conditions_of(problem), sense="maximum" if word == "concave" else "minimum")
    opening = [*opening_steps(problem)[: len(problem.constraints) + 1], *_conditions_told(kkt)]
    reasons = tuple(_reasons(word, why, True, kkt.sense))
    outcome = _Outcome((), tuple(opening), reasons, (), _worst((), None), _numerical(problem, kkt.sense))
    return _result(problem, kkt, None, outcome, _multipliers(problem, []))


@dataclass(frozen=True)
class _Outcome:
    """What was found beside the conditions themselves."""

    points: tuple[Point, ...]
    steps: tuple[Step, ...]
    reasons: tuple[str, ...]
    conditions: tuple[str, ...]
    verdict: Any
    solver: Any


def _result(problem: Problem, kkt: KKT, dual: Dual | None, found: _Outcome, multipliers: ByName) -> StationaryPoint:
    first = problem.variables[0].name
    chosen = [p.values[first] if problem.derivation.single else ByName(p.values) for p in found.points]
    return StationaryPoint(
        equation=ByName(dict(kkt.stationarity)),
        expr=None if not chosen else chosen[0] if len(chosen) == 1 else tuple(chosen),
        kind=_kind(found.points),
        reasons=found.reasons,
        conditions=found.conditions,
        points=found.points,
        steps=found.steps,
        verdict=found.verdict,
        multipliers=multipliers,
        names=tuple(v.name for v in problem.variables),
        kkt=kkt,
        dual=dual,
        _solver=found.solver,
    )


def _multipliers(problem: Problem, solved: Sequence[Case]) -> ByName:
    """Their values where a single case is left."""
    rows = [row for case in solved for row in case.values]
    alone = rows[0] if len(rows) == 1 else {}
    own = {c.multiplier.name: as_expression(c.multiplier) for c in problem.constraints}
    return ByName({n: alone.get(n, e) for n, e in own.items()})


def _solver(
    problem: Problem, solved: Sequence[Case], cases: Sequence[Case], numbers: ConvexSolver | None
) -> CaseSolver:
    missing = "; ".join(c.missing for c in cases if c.missing)
    if numbers is None:
        missing = "the problem is not shown to be convex, and a point that satisfies the conditions may not be the best"
    sure = [c for c in solved if numbers is not None or c.extreme]
    return CaseSolver(
        tuple(c.solution for c in sure if c.solution is not None),
        tuple((c.difference, c.relation) for c in problem.constraints),
        tuple(tuple(a.multiplier.name for a in c.active) for c in sure),
        problem.variables,
        missing or "the conditions have no closed form: solve .dual numerically",
        numbers,
    )


def _numerical(problem: Problem, sense: str) -> ConvexSolver:
    """What solves a convex problem at the data, whichever inequalities are active there."""
    rows = tuple(Row(c.difference if c.equality else c.slack, c.multiplier, c.equality) for c in problem.constraints)
    symbols = tuple(sorted(problem.symbols.items()))
    sign = 1 if sense == "minimum" else -1
    return smooth(ConvexSolver(problem.variables, problem.objective, rows, sign, True, symbols), problem.taken)


def conditions_of(problem: Problem) -> KKT:
    """Return the Karush–Kuhn–Tucker conditions of a problem."""
    stationarity = {v.name: Equation(_shown(g, problem), _zero(g.shape)) for v, g in problem.gradients}
    inequalities = [c for c in problem.constraints if not c.equality]
    multipliers = [as_expression(c.multiplier) for c in inequalities]
    dual = tuple(Relation(nu, ">=", _zero(nu.shape)) for nu in multipliers)
    slackness = tuple(_complementary(c) for c in inequalities)
    sense = "maximum" if any((c.relation == "<=") is (c.sign > 0) for c in inequalities) else "minimum"
    return KKT(ByName(stationarity), problem.constraints, dual, slackness, sense)


def _shown(gradient: Node, problem: Problem) -> Expression:
    """A gradient that is to be zero, without a minus in front of all its terms."""
    turned = all(isinstance(t, Ein) and t.coefficient < 0 for t in flat_terms(gradient))
    return present(negated(gradient) if turned else gradient, problem.taken)


def _complementary(c: Constraint) -> Equation:
    nu = as_expression(c.multiplier)
    if nu.shape == ():
        return Equation(multiply_any(nu, c.slack), scalar(0))
    return Equation(elementwise_product(nu, c.slack), zeros(*nu.shape))


def _zero(shape: Any) -> Expression:
    return zeros(*shape) if shape else scalar(0)


def _within_bounds(problem: Problem) -> tuple[Expression, tuple[Any, ...]]:
    """The objective with the variables known to be nonnegative where constraints x >= 0 say so."""
    twins: dict[Expression, Expression] = {}
    for c in problem.constraints:
        for v in problem.variables:
            if isinstance(v, Symbol) and c.relation == ">=" and c.difference == v and "spd" not in v.facts:
                twins[v] = symbol(v.name, v.shape, v.facts | {"nonnegative"}, v.domain)
    if not twins:
        return problem.objective, problem.variables
    return substitute(problem.objective, twins), tuple(twins.get(v, v) for v in problem.variables)


def _is_convex(problem: Problem, word: str) -> bool:
    """Whether the Lagrangian has its extremum in the variables wherever its gradient is zero."""
    own = [leaf_of(v) for v in problem.variables]
    linear = affine(lower(problem.objective), own)
    if not word and not linear:
        return False
    for c in problem.constraints:
        if affine(lower(c.difference), own):
            continue
        if c.equality or c.difference.shape != ():
            return False
        if convex_or_concave(lower(c.slack), problem.variables)[0] != "concave":
            return False
    return True


# -- what is told -------------------------------------------------------------------------------------------------
def _conditions_told(kkt: KKT) -> list[Step]:
    sure = verdict("proved", f"necessary under a constraint qualification; {SOURCE}")
    return [Step("kkt", name, None, None, str(row), f"& {row.latex()}", sure) for name, row in kkt.rows]


def _reasons(word: str, why: Sequence[str], good: bool, sense: str) -> list[str]:
    if not good:
        return [
            f"the conditions are necessary for a {sense} where a constraint qualification holds; convexity is not "
            "shown, so no point is claimed to be the best"
        ]
    told = f" ({'; '.join(why)})" if why else ""
    return [
        f"the objective is {word if why else 'linear'}{told} and the constraints describe a convex set: every point "
        f"that satisfies the conditions is a global {sense}"
    ]


def _kind(points: Sequence[Point]) -> str:
    if not points:
        return "KKT conditions"
    if len(points) == 1:
        return points[0].kind
    return f"{len(points)} cases: " + "; ".join(p.kind for p in points)


def _worst(cases: Sequence[Case], dual: Dual | None) -> Any:
    found = [c.solution.verdict for c in cases if c.solution is not None]
    found += [dual.verdict] if dual is not None else []
    if not found:
        return verdict("unchecked", reason="the conditions are stated, not solved")
    return next((v for v in found if not v.ok), found[0])
