"""Inequalities active or not, case by case: a case has equations alone, and a condition under which it holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import sympy as sp

from symml.calculus.nodes import Node
from symml.calculus.transform import substitute
from symml.codegen.structure import is_nonnegative, is_positive
from symml.derivation.constrained.constraints import Constraint, Problem, pose
from symml.derivation.constrained.dual import Relation
from symml.derivation.constrained.programs import ConvexSolver, Either
from symml.derivation.constrained.secular import SecularSolver
from symml.derivation.mappings import ByName
from symml.derivation.objective import Objective
from symml.derivation.points.critical import Point
from symml.derivation.stationary.assembling import tex
from symml.derivation.stationary.stationary_point import StationaryPoint
from symml.derivation.stationary.trials import keeps
from symml.errors import DataError, DomainError, NoClosedFormError
from symml.forms.lowering import leaf_of, lower
from symml.forms.textbook import present
from symml.language.expressions import Expression, Scalar
from symml.language.operators import as_expression, multiply_any, scalar, subtract
from symml.records import Step

MOST_CASES = 8
SLACK = 1e-9
DIGITS, NOTHING = 40, 1e-25

Solve = Callable[[Problem], StationaryPoint]


@dataclass(frozen=True)
class Case:
    """One choice of the inequalities that hold with equality, and what solves the equations of that choice."""

    active: tuple[Constraint, ...]
    solution: StationaryPoint | None
    values: tuple[Mapping[str, Expression], ...]
    missing: str = ""

    @property
    def extreme(self) -> bool:
        """Whether the Lagrangian is convex at the multiplier: a global extremum whatever the problem is."""
        return self.solution is not None and isinstance(self.solution._solver, (SecularSolver, Either))


def all_cases(problem: Problem, solve: Solve) -> list[Case]:
    """Every choice of active inequalities, the fewest first; none where the inequalities are entry by entry."""
    inequalities = [c for c in problem.constraints if not c.equality]
    if any(c.difference.shape != () for c in inequalities) or 2 ** len(inequalities) > MOST_CASES:
        return []
    choices = sorted(product((False, True), repeat=len(inequalities)), key=sum)
    return [_case(problem, [c for c, on in zip(inequalities, choice, strict=True) if on], solve) for choice in choices]


def _case(problem: Problem, active: Sequence[Constraint], solve: Solve) -> Case:
    kept = [c for c in problem.constraints if c.equality or c in active]
    turned = [replace(c, relation="=") for c in kept]
    here = pose(problem.derivation, problem.variables, problem.objective, turned, problem.taken, problem.symbols)
    try:
        found = solve(here) if turned else _free(here)
    except NoClosedFormError as e:
        return Case(tuple(active), None, (), _not_solved(active, str(e)))
    if not found.points or not all(v.name in p.values for p in found.points for v in problem.variables):
        return Case(tuple(active), None, (), _not_solved(active, f"{found.kind}: {found.equation}"))
    values = [row for row in _with_multipliers(found) if _condition(problem, active, row) is not None]
    return Case(tuple(active), found, tuple(values))


def _free(problem: Problem) -> StationaryPoint:
    objective = Objective(expression=problem.objective, last=problem.objective, definitions=(), symbols=problem.symbols)
    d = type(problem.derivation)(objective, problem.variables, problem.derivation.single)
    found: StationaryPoint = d.stationary()
    return found


def _not_solved(active: Sequence[Constraint], why: str) -> str:
    return f"{_where(active)}: {why.removesuffix('; call .fit(...) for numbers')}"


def _where(active: Sequence[Constraint]) -> str:
    if not active:
        return "no inequality active"
    return " and ".join(str(replace(c, relation="=")) for c in active)


def _with_multipliers(found: StationaryPoint) -> list[dict[str, Expression]]:
    rows = []
    for k, p in enumerate(found.points):
        nu = {n: e[k] if isinstance(e, tuple) else e for n, e in found.multipliers.items()}
        rows.append({**p.values, **nu})
    return rows


def points_of(problem: Problem, cases: Sequence[Case], sense: str, good: bool) -> list[Point]:
    """Return the solutions of all cases, each with the condition under which it is one."""
    names = [v.name for v in problem.variables]
    points = []
    for case in cases:
        for values in case.values:
            kind = f"global {sense}" if good or case.extreme else "KKT point"
            condition = _condition(problem, case.active, values)
            when = f" if {condition}" if condition else ""
            points.append(Point({n: values[n] for n in names}, kind + when))
    return points


def _condition(problem: Problem, active: Sequence[Constraint], values: Mapping[str, Expression]) -> str | None:
    """When the case holds: inactive inequalities hold, multipliers of active ones are not negative; None for never."""
    found = []
    for c in problem.constraints:
        if c.equality:
            continue
        nu = as_expression(c.multiplier)
        if c in active and values[c.multiplier.name] == nu:
            found.append(f"{replace(c, relation='=')} has a root {nu} >= 0")
            continue
        relation = Relation(values[c.multiplier.name], ">=", scalar(0)) if c in active else _there(c, values)
        known = _known(relation)
        if known is False:
            return None
        if known is None:
            found.append(str(relation))
    return " and ".join(found)


def _there(c: Constraint, values: Mapping[str, Expression]) -> Relation:
    """An inequality with the solution put in."""
    if isinstance(c.left, Scalar) and isinstance(c.right, Scalar):
        at = {s: e.value for s in c.difference.free_symbols if isinstance(e := values.get(s.name), Scalar)}
        left, right = (scalar(side.value.subs(at)) for side in (c.left, c.right))
        return Relation(left, c.relation, right)
    sides = []
    for side in (c.left, c.right):
        swap: dict[Node, Node] = {leaf_of(s): lower(values[s.name]) for s in side.free_symbols if s.name in values}
        sides.append(present(substitute(lower(side), swap)))
    return Relation(sides[0], c.relation, sides[1])


def _known(r: Relation) -> bool | None:
    """Whether a relation is true or false for all data."""
    above = subtract(r.lhs, r.rhs) if r.sign == ">=" else subtract(r.rhs, r.lhs)
    if isinstance(above, Scalar) and above.value.is_number:
        return bool(sp.re(sp.N(above.value, DIGITS)) >= -NOTHING)
    if is_nonnegative(above) == "yes":
        return True
    return False if is_positive(multiply_any(-1, above)) == "yes" else None


@dataclass(frozen=True)
class CaseSolver:
    """The case that holds at the data: all inequalities are satisfied, no multiplier is negative."""

    solutions: tuple[StationaryPoint, ...]
    constraints: tuple[tuple[Expression, str], ...]
    signs: tuple[tuple[str, ...], ...]
    variables: tuple[Any, ...]
    missing: str
    fallback: ConvexSolver | None = None

    def __call__(self, given: Mapping[Any, Any]) -> Any:
        """Return the solution at the values given.

        Raises
        ------
        NoClosedFormError
            If no case with a closed form holds there and the problem is not convex.
        DataError
            If a value is missing, or there is no extremum at these values.
        """
        at = self.by_name(given)
        values = ByName({v.name: at[v.name] for v in self.variables})
        return values[self.variables[0].name] if len(self.variables) == 1 else values

    def by_name(self, given: Mapping[Any, Any]) -> Mapping[str, Any]:
        """Return variables and multipliers by name; the multiplier of an inactive inequality is zero."""
        for s, names in zip(self.solutions, self.signs, strict=True):
            try:
                candidates = _numbers(s, given)
            except (DataError, DomainError, NoClosedFormError, np.linalg.LinAlgError):
                continue
            for at in candidates:
                if self._holds(at, names, given):
                    return at
        if self.fallback is None:
            raise NoClosedFormError(f"no closed form holds at these data: {self.missing}")
        return self.fallback.by_name(given)

    def _holds(self, at: Mapping[str, Any], names: Sequence[str], given: Mapping[Any, Any]) -> bool:
        own = {v.name: at[v.name] for v in self.variables}
        if any(np.min(at[n]) < -SLACK for n in names) or not all(keeps(v, own[v.name]) for v in self.variables):
            return False
        scale = SLACK * max(1.0, *(float(np.max(np.abs(value), initial=0.0)) for value in own.values()))
        for difference, relation in self.constraints:
            value = np.asarray(difference.evaluate({**given, **own}), float)
            if relation != "=" and np.min(value if relation == ">=" else -value) < -scale:
                return False
        return True


def _numbers(s: StationaryPoint, given: Mapping[Any, Any]) -> list[dict[str, Any]]:
    """Values and multipliers of every point of a case."""
    if isinstance(s._solver, (SecularSolver, Either)):
        return [dict(s._solver.by_name(given))]
    return [{n: e.evaluate(given) for n, e in row.items()} for row in _with_multipliers(s)]


def case_steps(problem: Problem, cases: Sequence[Case]) -> list[Step]:
    """Return a step for the solution of each case."""
    steps = []
    for case in cases:
        if case.solution is None:
            continue
        for values in case.values:
            e = ", ".join(f"{as_expression(v)} = {values[v.name]}" for v in problem.variables)
            latex = r",\quad ".join(f"{tex(v)} = {values[v.name].latex()}" for v in problem.variables)
            told = f"case {_where(case.active)} ({case.solution.verdict.certificate or case.solution.verdict.reason})"
            steps.append(Step("solve", told, None, values, e, f"& {latex}", case.solution.verdict))
    return steps
