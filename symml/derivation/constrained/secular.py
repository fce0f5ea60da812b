"""Problems of which one equation for the multiplier is left: everything else in closed form, the root by a safe search.

min ‖X w − y‖² with w' w = c gives w = (XᵀX − ν I)⁻¹ Xᵀ y and ‖w‖² = c, the secular equation; maximum entropy with given
moments gives p = softmax(ν x) and its moment. On the interval of ν where the Lagrangian is convex the constraint grows
with ν, so there is at most one root there, and it belongs to the global minimum.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy  # its parts are loaded by scipy itself when they are first used

from symml.calculus.construct import is_zero, times, total, zero
from symml.calculus.nodes import Node, const
from symml.calculus.reverse import derivative
from symml.calculus.transform import substitute
from symml.checking.sampling import draw
from symml.codegen.evaluate import bind, prepare
from symml.codegen.interpreter import size_of
from symml.derivation.constrained.constraints import Problem
from symml.derivation.constrained.eigenproblem import operator_of
from symml.derivation.curvature.definiteness import Curvature, curvature, shown
from symml.derivation.mappings import ByName
from symml.derivation.points.critical import Point
from symml.derivation.stationary.assembling import tex
from symml.derivation.stationary.elimination import Branch, answers, eliminate_partly
from symml.derivation.stationary.equations import Equation
from symml.derivation.stationary.separating import flat_terms
from symml.derivation.stationary.stationary_point import StationaryPoint
from symml.derivation.stationary.trials import keeps
from symml.errors import DataError, InternalError
from symml.forms.lowering import leaf_of, lower
from symml.forms.raising import Raising
from symml.forms.textbook import present
from symml.language.expressions import Expression, Symbol
from symml.language.names import unicode_name
from symml.language.operators import as_expression
from symml.language.tables import symbol_table
from symml.notation.wording import words
from symml.records import Step, Verdict, verdict

SOURCE = "G. H. Golub and C. F. Van Loan, Matrix Computations, 4th ed., section 6.2.1; Boyd and Vandenberghe, B.1"
DOUBLINGS = 60
BISECTIONS = 200
RESIDUAL = 1e-7
TRIES = 20


@dataclass(frozen=True)
class SecularSolver:
    """The value of the variable at the root of the equation left for the multiplier.

    Attributes
    ----------
    answer : tuple of (str, Expression)
        Variables and multipliers solved for, in the multiplier left.
    equation : Expression
        What must be zero; grows with the multiplier where the Lagrangian is convex, up to `direction`.
    matrix : Expression or None
        Hessian of the Lagrangian, affine in the multiplier; None where it is definite for every multiplier.
    sign : int
        1 where a positive definite Hessian is wanted, a minimum; −1 for a maximum.
    """

    answer: tuple[tuple[str, Expression], ...]
    equation: Expression
    matrix: Expression | None
    multiplier_symbol: Any
    sign: int
    variable: Symbol

    @property
    def multiplier(self) -> str:
        """Name of the multiplier left."""
        return str(self.multiplier_symbol.name)

    def __call__(self, given: Mapping[Any, Any]) -> Any:
        """Return the variable at the values given."""
        at = self.by_name(given)
        value = at[self.variable.name]
        if not keeps(self.variable, value):
            raise DataError(f"the solution {value} is not within the declaration of {self.variable}.")
        return value

    def by_name(self, given: Mapping[Any, Any]) -> dict[str, Any]:
        """Return variables and multipliers by name, at the values given."""
        return self.numbers(*bind(self._table, given))

    @cached_property
    def _table(self) -> dict[str, Any]:
        table: dict[str, Any] = {}
        for e in (*(e for _, e in self.answer), self.equation, *((self.matrix,) if self.matrix is not None else ())):
            table.update(symbol_table(e))
        return {k: s for k, s in table.items() if k != self.multiplier}

    def numbers(self, values: Mapping[str, Any], sizes: Mapping[str, int]) -> dict[str, Any]:
        """Return variables and multipliers by name.

        Raises
        ------
        DataError
            If no multiplier satisfies the equation that is left.
        """
        rows = [(name, prepare(e)) for name, e in self.answer]
        row = prepare(self.equation)

        def left(nu: Any) -> Any:
            with np.errstate(all="ignore"):
                try:
                    return row({**values, self.multiplier: nu}, sizes)
                except np.linalg.LinAlgError:
                    return np.nan

        if isinstance(self.multiplier_symbol, Symbol):
            nu = _roots(left, [size_of(d)(sizes) for d in self.multiplier_symbol.shape])
        else:
            nu = _root(left, *self._interval(values, sizes))
        if nu is None:
            hard = "" if self.matrix is None else ", or the data are orthogonal to the extreme eigenvectors (hard case)"
            raise DataError(
                f"the equation for the multiplier {unicode_name(self.multiplier)} has no root: no point satisfies the "
                f"constraints{hard}. Equation: {self.equation} = 0"
            )
        at = {**values, self.multiplier: nu}
        return {self.multiplier: nu, **{name: r(at, sizes) for name, r in rows}}

    def _interval(self, values: Mapping[str, Any], sizes: Mapping[str, int]) -> tuple[float, float]:
        """Where the Lagrangian is convex: K₀ + ν K₁ is positive definite."""
        if self.matrix is None:
            return -np.inf, np.inf
        row = prepare(self.matrix)
        start, slope = (self.sign * np.asarray(row({**values, self.multiplier: nu}, sizes), float) for nu in (0.0, 1.0))
        return _definite_interval(start, slope - start)


def _definite_interval(start: Any, slope: Any) -> tuple[float, float]:
    """The open interval of ν on which start + ν slope is positive definite."""
    turned = np.linalg.eigvalsh(slope)
    if turned[0] > 0:
        return float(-scipy.linalg.eigh(start, slope, eigvals_only=True)[0]), np.inf
    if turned[-1] < 0:
        return -np.inf, float(scipy.linalg.eigh(start, -slope, eigvals_only=True)[0])
    if np.linalg.eigvalsh(start)[0] <= 0:
        raise DataError("neither the objective nor the constraint is definite: no convex Lagrangian was found.")
    values = scipy.linalg.eigh(slope, start, eigvals_only=True)
    low = -1 / values[-1] if values[-1] > 0 else -np.inf
    high = -1 / values[0] if values[0] < 0 else np.inf
    return float(low), float(high)


def _root(f: Callable[[float], float], low: float, high: float) -> float | None:
    """The root of a monotone function on an open interval, found by doubling towards its ends."""
    middle = 0.0 if low < 0 < high else _inside(low, high)
    here = f(middle)
    if here == 0:
        return middle
    for end, side in ((high, 1), (low, -1)):
        before = middle
        for k in range(DOUBLINGS):
            there = _towards(middle, end, side, k)
            value = f(there)
            if not np.isfinite(value):
                break
            if value == 0 or (value > 0) != (here > 0):
                return _bisected(f, before, there, here)
            before = there
    return None


def _roots(f: Callable[[Any], Any], shape: Sequence[int]) -> Any:
    """Return the root of a monotone map, the gradient of a convex function, by Newton's method from zero."""
    found = scipy.optimize.root(f, np.zeros(shape), tol=1e-13)
    scale = float(np.max(np.abs(f(1.0 + np.asarray(found.x))), initial=1e-12))
    return found.x if np.max(np.abs(f(found.x)), initial=0.0) <= RESIDUAL * max(scale, 1e-12) else None


def _bisected(f: Callable[[float], float], start: float, end: float, here: float) -> float:
    """The root between two points of different sign, to the last digit."""
    for _ in range(BISECTIONS):
        middle = (start + end) / 2
        if middle in (start, end):
            break
        if (f(middle) > 0) is (here > 0):
            start = middle
        else:
            end = middle
    return end if abs(f(end)) < abs(f(start)) else start


def _inside(low: float, high: float) -> float:
    if np.isfinite(low) and np.isfinite(high):
        return (low + high) / 2
    return low + max(1.0, abs(low)) if np.isfinite(low) else high - max(1.0, abs(high))


def _towards(middle: float, end: float, side: int, k: int) -> float:
    if np.isfinite(end):
        return end - (end - middle) * 2.0 ** -(k + 1)
    return middle + side * max(1.0, abs(middle)) * 1e-3 * 2.0**k


@dataclass(frozen=True)
class _Left:
    """What elimination left: the stages solved, the multiplier and its equation, the curvature of the Lagrangian."""

    branch: Branch
    nu: Any
    equation: Node
    hessian: Node
    curvature: Curvature


def secular(problem: Problem, opening: Sequence[Step]) -> StationaryPoint | None:
    """Return the solution up to the root of one equation for a scalar multiplier, or None."""
    left = _eliminated(problem)
    if left is None:
        return None
    solver = _solver(problem, left)
    if solver is None:
        return None
    sure = _tested(problem, solver)
    return None if sure is None else _told(problem, left, solver, sure, opening)


def _eliminated(problem: Problem) -> _Left | None:
    if len(problem.variables) != 1 or not isinstance(problem.variables[0], Symbol):
        return None
    branch, left = eliminate_partly(problem.equations, problem.taken)
    multipliers = [c.multiplier for c in problem.constraints]
    if len(left) != 1 or len(left[0][1].shape) > 1 or not any(left[0][0] is m for m in multipliers):
        return None
    if leaf_of(left[0][0]) not in left[0][1].leaves:
        return None
    ((nu, equation),), ((v, gradient),) = left, problem.gradients
    solved: dict[Node, Node] = {leaf_of(u): e for u, e in answers(branch) if u in multipliers}
    hessian = substitute(derivative(gradient, leaf_of(v)), solved)
    return _Left(branch, nu, equation, hessian, curvature(hessian, v))


def _solver(problem: Problem, left: _Left) -> SecularSolver | None:
    (v,) = problem.variables
    answer = tuple((u.name, present(e, problem.taken)) for u, e in answers(left.branch))
    equation = Raising(False).run(left.equation)
    if left.curvature.kind in ("positive definite", "negative definite"):
        sign = 1 if left.curvature.kind.startswith("positive") else -1
        return SecularSolver(answer, equation, None, left.nu, sign, v)
    matrix = None if isinstance(left.nu, Symbol) else _affine_hessian(problem, left)
    if matrix is None:
        return None
    concave = curvature(substitute(matrix, {leaf_of(left.nu): const(0)}), v).kind.startswith("negative")
    return SecularSolver(answer, equation, Raising(False).run(matrix), left.nu, -1 if concave else 1, v)


def _affine_hessian(problem: Problem, left: _Left) -> Node | None:
    """K₀ + ν K₁, free of the variable: objective and constraint are quadratic."""
    ((v, gradient),) = problem.gradients
    x, nu = leaf_of(v), leaf_of(left.nu)
    still = substitute(gradient, {x: zero(x.shape)})
    matrix = operator_of(total([gradient, times(-1, still)], gradient.shape), v)
    if matrix is None or x in matrix.leaves or matrix.leaves & {leaf_of(u) for u, _ in answers(left.branch)}:
        return None
    slope = derivative(matrix, nu)
    return matrix if nu in matrix.leaves and nu not in slope.leaves and not is_zero(slope) else None


def _tested(problem: Problem, solver: SecularSolver) -> Verdict | None:
    """The numbers put into the gradient and the constraints at random data."""
    rows = [Raising(False).run(g) for _, g in problem.gradients]
    rows += [Raising(False).run(lower(c.difference)) for c in problem.constraints]
    table = {k: problem.symbols.get(k, s) for k, s in solver._table.items()}
    for e in rows:
        table.update({k: problem.symbols.get(k, s) for k, s in symbol_table(e).items()})
    own = {v.name for v in problem.variables} | {c.multiplier.name for c in problem.constraints}
    table = {k: s for k, s in table.items() if k not in own}
    rng = np.random.default_rng(0)
    worst, done = 0.0, 0
    for _ in range(TRIES):
        try:
            values, sizes = draw(table, rng, None)
            at = {**values, **solver.numbers(values, sizes)}
        except (DataError, ValueError, np.linalg.LinAlgError):
            continue
        scale = max(float(np.max(np.abs(a), initial=1.0)) for a in at.values())
        for row in rows:
            worst = max(worst, float(np.max(np.abs(prepare(row)(at, sizes)), initial=0.0)) / scale)
        done += 1
        if done == 3:
            break
    if not done:
        return verdict("unchecked", reason="no random data were found at which the equation has a root")
    if worst > RESIDUAL:
        raise InternalError(f"the root of the equation for {solver.multiplier} failed its own check: {worst:.1e}")
    return verdict("holds", f"root and formula at {done} random data sets solve all equations to {worst:.0e}")


def _told(
    problem: Problem, left: _Left, solver: SecularSolver, sure: Verdict, opening: Sequence[Step]
) -> StationaryPoint:
    (v,) = problem.variables
    nu = as_expression(left.nu)
    which = "minimum" if solver.sign > 0 else "maximum"
    own = {c.multiplier.name: as_expression(c.multiplier) for c in problem.constraints}
    own |= {name: e for name, e in solver.answer if name in own}
    value = dict(solver.answer)[v.name]
    last = _left_equation(left, problem)
    equations = {s.variable.name: s.solution.equation for s in left.branch} | {left.nu.name: last}
    reasons, condition = _reasons(problem, left, solver, which)
    steps = [*opening]
    for stage in left.branch:
        e = stage.solution.equation
        steps.append(Step("collect terms", "collect the terms", e.lhs, e.rhs, str(e), e.latex("&="), sure))
    for name, value_of in solver.answer:
        u = next(s.variable for s in left.branch if s.variable.name == name)
        steps.append(
            Step("solve", f"solve, for every {nu}", as_expression(u), value_of, f"{as_expression(u)} = {value_of}",
                 f"{tex(u)} &= {value_of.latex()}", sure)
        )  # fmt: skip
    name = "the secular equation" if solver.matrix is not None else f"one equation for {nu}"
    steps.append(
        Step("solve", f"put into the constraint: {name}, solved numerically", last.lhs, last.rhs, str(last),
             last.latex("&="), sure)
    )  # fmt: skip
    steps.append(
        Step("second-order", f"global {which}", None, None, reasons[0], rf"& \text{{{words(reasons[0])}}}",
             verdict("proved", SOURCE))
    )  # fmt: skip
    return StationaryPoint(
        equation=ByName(equations),
        expr=value,
        kind=f"unique global {which} at the root of {name}",
        reasons=tuple(reasons),
        conditions=(condition,),
        points=(Point({v.name: value}, f"unique global {which}"),),
        steps=tuple(steps),
        verdict=sure,
        multipliers=ByName(own),
        names=(v.name,),
        _solver=solver,
    )


def _left_equation(left: _Left, problem: Problem) -> Equation:
    nu = leaf_of(left.nu)
    terms = flat_terms(left.equation)
    moving = total([t for t in terms if nu in t.leaves], left.equation.shape)
    still = total([times(-1, t) for t in terms if nu not in t.leaves], left.equation.shape)
    return Equation(present(moving, problem.taken), present(still, problem.taken))


def _reasons(problem: Problem, left: _Left, solver: SecularSolver, which: str) -> tuple[list[str], str]:
    (v,) = problem.variables
    nu = as_expression(left.nu)
    shape = "convex" if solver.sign > 0 else "concave"
    if solver.matrix is None:
        hessian = left.curvature.shown.replace("the Hessian", "the Hessian of the Lagrangian,")
        text = f"{hessian}, is {left.curvature.kind}"
        so = f"the Lagrangian is {shape} in {v} for every {nu}, and the equation left is monotone in {nu}"
        return [f"{text}: {so}"], f"a root exists when some {v} inside its declaration satisfies the constraints"
    matrix = _affine_hessian(problem, left)
    assert matrix is not None
    sign = "positive" if solver.sign > 0 else "negative"
    text = (
        f"on the interval of {nu} where the Hessian of the Lagrangian, {shown(matrix)}, is {sign} definite the "
        f"Lagrangian is {shape} in {v} and the equation left is monotone in {nu}: its root there belongs to the "
        f"global {which}"
    )
    return [text], (
        "a root exists unless no point satisfies the constraint, or the right-hand side is orthogonal to the "
        "eigenvectors of the extreme eigenvalue (the hard case)"
    )
