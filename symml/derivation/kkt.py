"""Inequality constraints: the Karush–Kuhn–Tucker conditions, their cases solved one by one, and the dual problem."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from symml.codegen.structure import is_positive
from symml.derivation.assembling import tex
from symml.derivation.constraints import Constraint, Problem, pose
from symml.derivation.convexity import affine, convex_or_concave
from symml.derivation.critical import Point
from symml.derivation.dual import Dual, Relation, dual_of
from symml.derivation.lagrangian import opening_steps
from symml.derivation.mappings import ByName
from symml.derivation.objective import Objective
from symml.derivation.solving import Equation
from symml.derivation.stationary_point import StationaryPoint
from symml.errors import NoClosedFormError, SymmlError
from symml.forms.lowering import leaf_of, lower
from symml.forms.textbook import present
from symml.language.expressions import Expression, Zeros
from symml.language.operators import as_expression, elementwise_product, multiply_any, scalar, zeros
from symml.language.operators import substitute as substitute_expression
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


def under_inequalities(problem: Problem, solve: Solve) -> StationaryPoint:
    """Return the conditions, the cases that have a solution, and the dual problem of a convex one."""
    kkt = conditions_of(problem)
    word, why = convex_or_concave(lower(problem.objective), problem.variables)
    good = _is_convex(problem, word)
    dual = dual_of(problem, good, kkt.sense) if good else None
    opening = [*opening_steps(problem)[: len(problem.constraints) + 1], *_conditions_told(kkt)]
    cases = _cases(problem, solve)
    solved = [c for c in cases if c.values]
    points = _points(problem, solved, kkt.sense, good)
    steps = [*opening, *_case_steps(problem, cases), *(dual.steps if dual is not None else ())]
    reasons = _reasons(problem, word, why, good, kkt.sense)
    chosen = [p.values[problem.variables[0].name] if problem.derivation.single else ByName(p.values) for p in points]
    return StationaryPoint(
        equation=ByName(dict(kkt.stationarity)),
        expr=None if not chosen else chosen[0] if len(chosen) == 1 else tuple(chosen),
        kind=_kind(problem, points, cases, kkt.sense, good),
        reasons=tuple(reasons),
        conditions=tuple(c.missing for c in cases if c.missing),
        points=tuple(points),
        steps=tuple(steps),
        verdict=_worst(solved, dual),
        multipliers=ByName({c.multiplier.name: as_expression(c.multiplier) for c in problem.constraints}),
        names=tuple(v.name for v in problem.variables),
        kkt=kkt,
        dual=dual,
        _solver=CaseSolver(
            tuple(c.solution for c in solved if c.solution is not None),
            tuple((c.difference, c.relation) for c in problem.constraints),
            tuple(_signs(c) for c in solved),
            problem.objective,
            (1 if kkt.sense == "minimum" else -1, good and len(solved) == len(cases)),
            tuple(v.name for v in problem.variables),
            "; ".join(c.missing for c in cases if c.missing) or "the conditions have no closed form",
        ),
    )


def conditions_of(problem: Problem) -> KKT:
    """Return the Karush–Kuhn–Tucker conditions of a problem."""
    stationarity = {v.name: Equation(present(g, problem.taken), _zero(g.shape)) for v, g in problem.gradients}
    inequalities = [c for c in problem.constraints if not c.equality]
    dual = tuple(Relation(as_expression(c.multiplier), ">=", _zero(as_expression(c.multiplier).shape)) for c in inequalities)
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
    values = _with_multipliers(found)
    kept_values = [v for v in values if not any(_negative(v.get(c.multiplier.name)) for c in active)]
    return _Case(tuple(active), found, tuple(kept_values))


def _free(problem: Problem) -> StationaryPoint:
    objective = Objective(
        expression=problem.objective, last=problem.objective, definitions=(), symbols=problem.symbols
    )
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


def _negative(e: Expression | None) -> bool:
    return e is not None and is_positive(multiply_any(-1, e)) == "yes"


def _signs(case: _Case) -> tuple[str, ...]:
    return tuple(c.multiplier.name for c in case.active)


def _points(problem: Problem, cases: Sequence[_Case], sense: str, good: bool) -> list[Point]:
    names = [v.name for v in problem.variables]
    points = []
    alone = sum(len(c.values) for c in cases) == 1
    for case in cases:
        for values in case.values:
            kind = f"global {sense}" if good else "KKT point"
            condition = _condition(problem, case, values)
            points.append(Point({n: values[n] for n in names}, kind + (f" if {condition}" if condition and not alone else "")))
    return points


def _condition(problem: Problem, case: _Case, values: Mapping[str, Expression]) -> str:
    """When the case holds: inactive inequalities hold, multipliers of active ones are not negative."""
    found = []
    arrays: dict[Expression, Expression] = {as_expression(v): values[v.name] for v in problem.variables}
    for c in problem.constraints:
        if c.equality:
            continue
        if c not in case.active:
            left = present(lower(substitute_expression(c.left, arrays)), problem.taken)
            found.append(f"{left} {c.relation} {'0' if isinstance(c.right, Zeros) else c.right}")
        elif is_positive(values[c.multiplier.name]) != "yes":
            found.append(f"{values[c.multiplier.name]} >= 0")
    return " and ".join(found)


@dataclass(frozen=True)
class CaseSolver:
    """The case that holds at the data: all inequalities are satisfied, no multiplier is negative."""

    solutions: tuple[StationaryPoint, ...]
    constraints: tuple[tuple[Expression, str], ...]
    signs: tuple[tuple[str, ...], ...]
    objective: Expression
    order: tuple[int, bool]
    names: tuple[str, ...]
    missing: str

    def __call__(self, given: Mapping[Any, Any]) -> Any:
        found = []
        for s, names in zip(self.solutions, self.signs, strict=True):
            try:
                candidates = _numbers(s, given)
            except (SymmlError, np.linalg.LinAlgError):
                continue
            found += [at for at in candidates if self._holds(at, names, given)]
        if not found:
            raise NoClosedFormError(f"no closed form holds at these data: {self.missing}")
        sign, _ = self.order
        best = min(found, key=lambda at: sign * float(self.objective.evaluate({**given, **at})))
        values = ByName({n: best[n] for n in self.names})
        return values[self.names[0]] if len(self.names) == 1 else values

    def _holds(self, at: Mapping[str, Any], names: Sequence[str], given: Mapping[Any, Any]) -> bool:
        if any(np.min(at[n]) < -SLACK for n in names):
            return False
        for difference, relation in self.constraints:
            value = np.asarray(difference.evaluate({**given, **{n: at[n] for n in self.names}}), float)
            scale = SLACK * max(1.0, *(float(np.max(np.abs(at[n]), initial=0.0)) for n in self.names))
            if relation != "=" and np.min(value if relation == ">=" else -value) < -scale:
                return False
        return True


def _numbers(s: StationaryPoint, given: Mapping[Any, Any]) -> list[dict[str, Any]]:
    """Values and multipliers of every point of a case."""
    numeric = getattr(s._solver, "by_name", None)
    if numeric is not None:
        return [numeric(given)]
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


def _reasons(problem: Problem, word: str, why: Sequence[str], good: bool, sense: str) -> list[str]:
    if not good:
        return [f"the conditions are necessary for a {sense} where a constraint qualification holds; convexity is not shown"]
    shape = word or "linear"
    told = f" ({'; '.join(why)})" if why else ""
    return [
        f"the objective is {shape}{told} and the constraints describe a convex set: every point that satisfies the "
        f"conditions is a global {sense}"
    ]


def _kind(problem: Problem, points: Sequence[Point], cases: Sequence[_Case], sense: str, good: bool) -> str:
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
