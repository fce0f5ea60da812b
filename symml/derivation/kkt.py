"""Inequality constraints: the Karush–Kuhn–Tucker conditions, their cases solved one by one, and the dual problem."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from symml.calculus.nodes import Node
from symml.calculus.transform import substitute
from symml.codegen.structure import is_nonnegative, is_positive
from symml.derivation.assembling import tex
from symml.derivation.constraints import Constraint, Problem, pose
from symml.derivation.convexity import affine, convex_or_concave
from symml.derivation.critical import Point
from symml.derivation.dual import Dual, Relation, dual_of
from symml.derivation.lagrangian import opening_steps
from symml.derivation.mappings import ByName
from symml.derivation.objective import Objective
from symml.derivation.secular import SecularSolver
from symml.derivation.solving import Equation
from symml.derivation.stationary_point import StationaryPoint
from symml.derivation.trials import keeps
from symml.errors import DataError, DomainError, NoClosedFormError
from symml.forms.lowering import leaf_of, lower
from symml.forms.textbook import present
from symml.language.expressions import Expression
from symml.language.operators import as_expression, elementwise_product, multiply_any, scalar, subtract, zeros
from symml.records import Step, verdict

SOURCE = "S. Boyd and L. Vandenberghe, Convex Optimization (2004), section 5.5.3"
MOST_CASES = 8
SLACK = 1e-9

Solve = Callable[[Problem], StationaryPoint]


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


@dataclass(frozen=True)
class _Case:
    """One choice of the inequalities that hold with equality, and what solves the equations of that choice."""

    active: tuple[Constraint, ...]
    solution: StationaryPoint | None
    values: tuple[Mapping[str, Expression], ...]
    missing: str = ""

    @property
    def extreme(self) -> bool:
        """Whether the Lagrangian is convex at the multiplier: a global extremum whatever the problem is."""
        return self.solution is not None and isinstance(self.solution._solver, SecularSolver)


def under_inequalities(problem: Problem, solve: Solve) -> StationaryPoint:
    """Return the conditions, the cases that have a solution, and the dual problem of a convex one."""
    kkt = conditions_of(problem)
    word, why = convex_or_concave(lower(problem.objective), problem.variables)
    good = _is_convex(problem, word)
    dual = dual_of(problem, kkt.sense) if good else None
    opening = [*opening_steps(problem)[: len(problem.constraints) + 1], *_conditions_told(kkt)]
    cases = _cases(problem, solve)
    solved = [c for c in cases if c.values]
    points = _points(problem, solved, kkt.sense, good)
    steps = [*opening, *_case_steps(problem, cases), *(dual.steps if dual is not None else ())]
    reasons = [*_reasons(word, why, good, kkt.sense), *(f"case {c.missing}" for c in cases if c.missing)]
    chosen = [p.values[problem.variables[0].name] if problem.derivation.single else ByName(p.values) for p in points]
    return StationaryPoint(
        equation=ByName(dict(kkt.stationarity)),
        expr=None if not chosen else chosen[0] if len(chosen) == 1 else tuple(chosen),
        kind=_kind(points),
        reasons=tuple(reasons),
        conditions=tuple(dict.fromkeys(n for c in solved if c.solution is not None for n in c.solution.conditions)),
        points=tuple(points),
        steps=tuple(steps),
        verdict=_worst(solved, dual),
        multipliers=_multipliers(problem, solved),
        names=tuple(v.name for v in problem.variables),
        kkt=kkt,
        dual=dual,
        _solver=_solver(problem, solved, cases, good),
    )


def _multipliers(problem: Problem, solved: Sequence[_Case]) -> ByName:
    """Their values where a single case is left."""
    rows = [row for case in solved for row in case.values]
    alone = rows[0] if len(rows) == 1 else {}
    own = {c.multiplier.name: as_expression(c.multiplier) for c in problem.constraints}
    return ByName({n: alone.get(n, e) for n, e in own.items()})


def _solver(problem: Problem, solved: Sequence[_Case], cases: Sequence[_Case], good: bool) -> CaseSolver:
    missing = "; ".join(c.missing for c in cases if c.missing)
    if not good:
        missing = "the problem is not shown to be convex, and a point that satisfies the conditions may not be the best"
    sure = [c for c in solved if good or c.extreme]
    return CaseSolver(
        tuple(c.solution for c in sure if c.solution is not None),
        tuple((c.difference, c.relation) for c in problem.constraints),
        tuple(tuple(a.multiplier.name for a in c.active) for c in sure),
        problem.variables,
        missing or "the conditions have no closed form: solve .dual numerically",
    )


def conditions_of(problem: Problem) -> KKT:
    """Return the Karush–Kuhn–Tucker conditions of a problem."""
    stationarity = {v.name: Equation(present(g, problem.taken), _zero(g.shape)) for v, g in problem.gradients}
    inequalities = [c for c in problem.constraints if not c.equality]
    multipliers = [as_expression(c.multiplier) for c in inequalities]
    dual = tuple(Relation(nu, ">=", _zero(nu.shape)) for nu in multipliers)
    slackness = tuple(_complementary(c) for c in inequalities)
    sense = "maximum" if any((c.relation == "<=") is (c.sign > 0) for c in inequalities) else "minimum"
    return KKT(ByName(stationarity), problem.constraints, dual, slackness, sense)


def _complementary(c: Constraint) -> Equation:
    nu = as_expression(c.multiplier)
    if nu.shape == ():
        return Equation(multiply_any(nu, c.slack), scalar(0))
    return Equation(elementwise_product(nu, c.slack), zeros(*nu.shape))


def _zero(shape: Any) -> Expression:
    return zeros(*shape) if shape else scalar(0)


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


# -- cases --------------------------------------------------------------------------------------------------------
def _cases(problem: Problem, solve: Solve) -> list[_Case]:
    """Every choice of active inequalities, the fewest first; none where the inequalities are entry by entry."""
    inequalities = [c for c in problem.constraints if not c.equality]
    if any(c.difference.shape != () for c in inequalities) or 2 ** len(inequalities) > MOST_CASES:
        return []
    choices = sorted(product((False, True), repeat=len(inequalities)), key=sum)
    return [_case(problem, [c for c, on in zip(inequalities, choice, strict=True) if on], solve) for choice in choices]


def _case(problem: Problem, active: Sequence[Constraint], solve: Solve) -> _Case:
    kept = [c for c in problem.constraints if c.equality or c in active]
    turned = [replace(c, relation="=") for c in kept]
    here = pose(problem.derivation, problem.variables, problem.objective, turned, problem.taken, problem.symbols)
    try:
        found = solve(here) if turned else _free(here)
    except NoClosedFormError as e:
        return _Case(tuple(active), None, (), _not_solved(active, str(e)))
    if not found.points or not all(v.name in p.values for p in found.points for v in problem.variables):
        return _Case(tuple(active), None, (), _not_solved(active, f"{found.kind}: {found.equation}"))
    values = [row for row in _with_multipliers(found) if _condition(problem, active, row) is not None]
    return _Case(tuple(active), found, tuple(values))


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


def _points(problem: Problem, cases: Sequence[_Case], sense: str, good: bool) -> list[Point]:
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
    sides = []
    for side in (c.left, c.right):
        swap: dict[Node, Node] = {leaf_of(s): lower(values[s.name]) for s in side.free_symbols if s.name in values}
        sides.append(present(substitute(lower(side), swap)))
    return Relation(sides[0], c.relation, sides[1])


def _known(r: Relation) -> bool | None:
    """Whether a relation is true or false for all data."""
    above = subtract(r.lhs, r.rhs) if r.sign == ">=" else subtract(r.rhs, r.lhs)
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

    def __call__(self, given: Mapping[Any, Any]) -> Any:
        """Return the solution at the values given.

        Raises
        ------
        NoClosedFormError
            If no case with a closed form holds there.
        """
        for s, names in zip(self.solutions, self.signs, strict=True):
            try:
                candidates = _numbers(s, given)
            except (DataError, DomainError, NoClosedFormError, np.linalg.LinAlgError):
                continue
            for at in candidates:
                if self._holds(at, names, given):
                    values = ByName({v.name: at[v.name] for v in self.variables})
                    return values[self.variables[0].name] if len(self.variables) == 1 else values
        raise NoClosedFormError(f"no closed form holds at these data: {self.missing}")

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
    if isinstance(s._solver, SecularSolver):
        return [s._solver.by_name(given)]
    return [{n: e.evaluate(given) for n, e in row.items()} for row in _with_multipliers(s)]


# -- what is told -------------------------------------------------------------------------------------------------
def _conditions_told(kkt: KKT) -> list[Step]:
    sure = verdict("proved", f"necessary under a constraint qualification; {SOURCE}")
    return [Step("kkt", name, None, None, str(row), f"& {row.latex()}", sure) for name, row in kkt.rows]


def _case_steps(problem: Problem, cases: Sequence[_Case]) -> list[Step]:
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


def _worst(cases: Sequence[_Case], dual: Dual | None) -> Any:
    found = [c.solution.verdict for c in cases if c.solution is not None]
    found += [dual.verdict] if dual is not None else []
    if not found:
        return verdict("unchecked", reason="the conditions are stated, not solved")
    return next((v for v in found if not v.ok), found[0])
