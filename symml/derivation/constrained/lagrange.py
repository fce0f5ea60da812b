"""Stationary points under equality constraints: the Lagrangian, its multipliers, linear systems and eigenproblems."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sympy as sp

from symml.calculus.nodes import Node
from symml.calculus.reverse import derivative
from symml.calculus.transform import substitute
from symml.derivation.constrained.constraints import Problem, read_problem
from symml.derivation.constrained.eigenproblem import Eigenproblem, descends, eigenproblem
from symml.derivation.constrained.kkt import under_equations, under_inequalities
from symml.derivation.constrained.lagrangian import opening_steps
from symml.derivation.constrained.polar import first_order, polar
from symml.derivation.constrained.programs import Either
from symml.derivation.constrained.secular import secular
from symml.derivation.constrained.singular import singular
from symml.derivation.curvature.definiteness import curvature
from symml.derivation.mappings import ByName
from symml.derivation.points.critical import Critical, Point, critical_points
from symml.derivation.stationary.assembling import (
    answer_of,
    closing_steps,
    conditions_of,
    inverted,
    show_answer,
    solving_steps,
    tex,
)
from symml.derivation.stationary.elimination import Branch, answers, eliminate
from symml.derivation.stationary.equations import Equation
from symml.derivation.stationary.judging import TESTED, Judgement
from symml.derivation.stationary.reducing import on_the_constraint, turned
from symml.derivation.stationary.stationary_point import StationaryPoint
from symml.derivation.stationary.trials import Trials, second_order, substitute_back
from symml.errors import InternalError, NoClosedFormError
from symml.forms.lowering import leaf_of, lower
from symml.language.contexts import remember
from symml.language.expressions import Scalar
from symml.language.operators import (
    as_expression,
    scalar,
)
from symml.records import Step, verdict

if TYPE_CHECKING:
    from symml.derivation.derivation import Derivation


def constrained(derivation: Derivation, subject_to: Any) -> StationaryPoint:
    """Return the stationary points of the objective on the set where the constraints hold.

    Raises
    ------
    NoClosedFormError
        If the system has no closed form; names the equation that is left.
    NotationError
        If a constraint is neither an equation nor an inequality.
    """
    return solved(read_problem(derivation, subject_to))


def solved(problem: Problem, before: Sequence[Step] = ()) -> StationaryPoint:
    """Return the stationary points of a problem: the first class of problems that it belongs to answers.

    Parameters
    ----------
    problem : Problem
    before : sequence of Step
        How the problem was brought into this form.
    """
    if not all(c.equality for c in problem.constraints):
        return under_inequalities(problem, solved)
    simpler, told = on_the_constraint(problem)
    opening = [*before, *told, *opening_steps(simpler)]
    for recognise in (_eigen, singular, polar):
        found = recognise(simpler, opening)
        if found is not None:
            return found
    if isinstance(problem.lagrangian, Scalar):
        return _of_scalars(problem, opening)
    try:
        branches = eliminate(problem.equations, problem.taken)
    except NoClosedFormError:
        partial = secular(problem, opening)
        stated = under_equations(problem)
        if partial is not None:
            numbers: Any = None if stated is None else stated._solver
            return partial if numbers is None else replace(partial, _solver=Either(partial._solver, numbers))
        if stated is not None:
            return stated
        condition = first_order(problem)
        if condition is not None:
            raise NoClosedFormError(condition) from None
        raise
    return _assembled(problem, branches, opening)


def _eigen(problem: Problem, opening: Sequence[Step]) -> StationaryPoint | None:
    if descends(problem):
        problem = turned(problem)
        opening = opening_steps(problem)
    found = eigenproblem(problem)
    return None if found is None else _of_eigenproblem(problem, found, opening)


def _of_eigenproblem(problem: Problem, found: Eigenproblem, opening: Sequence[Step]) -> StationaryPoint:
    return StationaryPoint(
        equation=found.equation,
        expr=None,
        kind=found.kind,
        reasons=found.reasons,
        conditions=found.conditions,
        points=found.points,
        steps=(*opening, *found.steps),
        verdict=found.verdict,
        multipliers=ByName({c.multiplier.name: as_expression(c.multiplier) for c in problem.constraints}),
        names=tuple(v.name for v in problem.variables),
        _solver=found.solver,
    )


def _of_scalars(problem: Problem, opening: Sequence[Step]) -> StationaryPoint:
    """Scalars only: SymPy solves the whole system."""
    assert isinstance(problem.lagrangian, Scalar)
    names = [v.name for v in problem.variables]
    multipliers = [c.multiplier for c in problem.constraints]
    found = critical_points(problem.lagrangian.value, list(problem.variables), multipliers)
    points = tuple(
        Point({k: e for k, e in p.values.items() if k in names}, p.kind, p.eigenvalues, _plain_widths(p, len(names)))
        for p in found.points
    )
    sure = (
        verdict("proved", "the gradient of the Lagrangian simplifies to zero")
        if found.exact
        else verdict("holds", "solved by SymPy")
    )
    equations = {v.name: Equation(scalar(sp.diff(problem.lagrangian.value, v)), scalar(0)) for v in problem.variables}
    equations |= {c.multiplier.name: Equation(c.left, c.right) for c in problem.constraints}
    values = [p.values[names[0]] if problem.derivation.single else ByName(p.values) for p in points]
    steps = [
        Step(
            "solve",
            p.kind,
            None,
            p.values,
            str(p),
            ", ".join(f"{tex(v)} = {p.values[v.name].latex()}" for v in problem.variables),
            sure,
        )
        for p in points
    ]
    gathered = {
        m.name: tuple(p.values[m.name] for p in found.points) if len(points) > 1 else found.points[0].values[m.name]
        for m in multipliers
    }
    return StationaryPoint(
        equation=ByName(equations),
        expr=values[0] if len(values) == 1 else tuple(values),
        kind=_kind(found),
        reasons=("the eigenvalues are those of the Hessian of the Lagrangian along the constraint",),
        conditions=found.notes,
        points=points,
        steps=(*opening, *steps),
        verdict=sure,
        multipliers=ByName(gathered),
        names=tuple(names),
    )


def _kind(found: Critical) -> str:
    kinds = [p.kind for p in found.points]
    if len(kinds) > 1:
        return f"{len(kinds)} stationary points: " + ", ".join(kinds)
    if found.convex:
        return f"unique global {found.convex}"
    return f"local {kinds[0]}" if kinds[0] in ("minimum", "maximum") else kinds[0]


def _plain_widths(p: Point, count: int) -> tuple[int, ...]:
    return (*p._widths[:count], p._widths[-1]) if p._widths else ()


# -- assembling ---------------------------------------------------------------------------------------------------
def _assembled(problem: Problem, branches: Sequence[Branch], opening: Sequence[Step]) -> StationaryPoint:
    kept = []
    checks = [*(g for _, g in problem.gradients), *(lower(c.difference) for c in problem.constraints)]
    for branch in branches:
        if any(s.root is None for s in branch):
            raise NoClosedFormError(
                f"{branch[-1].solution.equation} has a solution only through vec; call .fit(...) for numbers"
            )
        answer = answer_of(problem.derivation, branch)
        for _, e in answer:
            remember(e, problem.symbols.values())
        trials = substitute_back(answer, checks, problem.symbols, inverted(branch))
        if trials.verdict == "wrong":
            raise InternalError(
                f"the stationary point {show_answer(answer)} failed its own check: {trials.verdict.counterexample}"
            )
        if not trials.points or trials.feasible:
            kept.append((branch, answer, trials))
    if not kept:
        raise NoClosedFormError(
            f"no solution of the multiplier equations keeps the declaration of {problem.variables[0]}"
        )
    judged = [_judge(problem, b, t) for b, _, t in kept]
    names = [v.name for v in problem.variables]
    by_name = [{v.name: e for v, e in a} for _, a, _ in kept]
    points = [Point({n: values[n] for n in names}, j.kind) for values, j in zip(by_name, judged, strict=True)]
    branch, answer, trials = kept[0]
    notes = conditions_of(branch)
    equations = {s.variable.name: s.solution.equation for s in branch}
    for c in problem.constraints:
        equations[c.multiplier.name] = Equation(c.left, c.right)
    values = [p.values[names[0]] if problem.derivation.single else ByName(p.values) for p in points]
    multipliers = [{n: e for n, e in values.items() if n not in names} for values in by_name]
    gathered = {k: multipliers[0][k] if len(kept) == 1 else tuple(m[k] for m in multipliers) for k in multipliers[0]}
    return StationaryPoint(
        equation=ByName(equations),
        expr=values[0] if len(values) == 1 else tuple(values),
        kind=judged[0].kind
        if len(kept) == 1
        else f"{len(kept)} stationary points: " + ", ".join(j.kind for j in judged),
        reasons=tuple(dict.fromkeys(r for j in judged for r in j.reasons)),
        conditions=tuple(notes),
        points=tuple(points),
        steps=(*opening, *solving_steps(kept, judged), *closing_steps(notes, judged)),
        verdict=trials.verdict,
        multipliers=ByName(gathered),
        names=tuple(names),
    )


def _judge(problem: Problem, branch: Branch, trials: Trials) -> Judgement:
    """A Lagrangian convex at the multipliers found has its minimum there: so has the objective on the constraint."""
    values = {leaf_of(v): node for v, node in answers(branch)}
    multipliers: dict[Node, Node] = {leaf_of(c.multiplier): values[leaf_of(c.multiplier)] for c in problem.constraints}
    if len(problem.gradients) == 1:
        ((v, gradient),) = problem.gradients
        hessian = derivative(gradient, leaf_of(v))
        found = curvature(substitute(hessian, multipliers), v)
        if found.kind not in ("unknown", "zero"):
            which = "minimum" if found.kind.startswith("positive") else "maximum"
            strict = "" if found.kind.endswith("semidefinite") else "unique "
            shape = "convex" if which == "minimum" else "concave"
            shown = found.shown.replace("the Hessian", "the Hessian of the Lagrangian,")
            so = f"the Lagrangian is {shape} in {as_expression(v)}, so this point is a global {which} on the constraint"
            text = f"{shown}, is {found.kind}: {so}"
            return Judgement(f"{strict}global {which}", (text,), verdict("proved", text), found.latex)
    which = second_order(
        [v for v, _ in problem.gradients],
        [g for _, g in problem.gradients],
        trials.feasible,
        [lower(c.difference) for c in problem.constraints],
    )
    if not which:
        return Judgement("stationary point", (), verdict("unchecked", reason="the second-order test decides nothing"))
    word = which if which == "saddle point" else f"local {which}"
    where = "on the tangent space of the constraint at random data; this is a test, not a proof"
    text = f"the Hessian of the Lagrangian was tested {where}"
    return Judgement(f"{word} ({TESTED})", (text,), verdict("holds", text))
