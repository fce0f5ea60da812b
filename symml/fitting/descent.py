"""Plain minimisers that keep their path: gradient descent, stochastic, momentum, Newton and SciPy's L-BFGS.

They are for seeing how a method behaves; `fit` is for numbers. Stepping outside the domain is an error that names the
function and the step; a rising loss is a warning on the trace.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from symml.derivation.mappings import ByName
from symml.errors import DataError, DomainError, NotSupportedError
from symml.fitting.batches import batched
from symml.fitting.diagnosis import domain_error
from symml.fitting.newton import Outcome, Point, minimise
from symml.fitting.problem import Problem, prepare_problem
from symml.fitting.trace import Trace
from symml.language import hooks
from symml.language.names import unicode_name
from symml.libraries import Later

if TYPE_CHECKING:
    from symml.derivation.derivation import Derivation

optimize = Later("scipy.optimize")
MOMENTUM = 0.9
STEPS = 100
BATCH = 32
ADVICE = "give a smaller rate or another start"
RISING = 5  # rises in a row after which a warning is given
VANISHED = 1e-10  # gradient norm relative to the start at which a method has converged
DIVERGED = 1e100
INSIDE = 1e-10  # how far L-BFGS keeps from an excluded end


@dataclass
class _Walk:
    """State of a walk: the problem, the points so far, the options."""

    problem: Problem
    rate: float | None
    steps: int
    batch: int
    seed: int
    points: list[Point] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def now(self) -> Point:
        return self.points[-1]

    def visit(self, theta: Any) -> bool:
        """Add a point; False when the walk must end."""
        point = self.problem.point(theta, 1)
        if not np.isfinite(point.value) or abs(point.value) > DIVERGED or not self.problem.region().holds(theta):
            self._refuse(theta, point)
            return False
        self.points.append(point)
        return point.norm > VANISHED * self.points[0].norm

    def _refuse(self, theta: Any, point: Point) -> None:
        problem, k = self.problem, len(self.points)
        values = {**problem.bound.values, **problem.parameters.expand(theta)}
        error = domain_error(problem.plan.derivation.objective, values, problem.bound.sizes, f"reached at step {k}")
        if error is not None:
            raise error
        if not problem.region().holds(theta):
            outside = [
                f"{unicode_name(b.name)} = {_short(b.expand(theta))}" for b in problem.parameters.blocks
                if b.definite or np.isfinite(b.low) or np.isfinite(b.high)
            ]  # fmt: skip
            raise DomainError(
                f"step {k} leaves the declared domain: {', '.join(outside)}. Give a smaller rate, or use 'newton'."
            )
        self.warnings.append(f"the loss diverged at step {k} (value {point.value:.3g}): {ADVICE}")


def minimize(derivation: Derivation, data: Mapping[Any, Any] | None, values: Mapping[str, Any], start: Any, method: str,
             rate: float | None, steps: int | None, batch: int | None, seed: int) -> Trace:  # fmt: skip
    """Minimise by a plain method and keep the path; see `Derivation.minimize`."""
    walker = _METHODS.get(method)
    if walker is None:
        raise NotSupportedError(f"method {method!r} is not known; choose {', '.join(_METHODS)}")
    if rate is not None and not rate > 0:
        raise DataError(f"rate = {rate} must be above 0")
    problem = prepare_problem(derivation, data, values, start)
    walk = _Walk(problem, rate, STEPS if steps is None else int(steps), BATCH if batch is None else int(batch), seed)
    first = problem.point(problem.start, 1)
    walk.points.append(first)
    if not first.finite:
        values_here = {**problem.bound.values, **problem.parameters.expand(problem.start)}
        found = domain_error(derivation.objective, values_here, problem.bound.sizes, "at the start")
        raise found or DomainError(f"the objective is {first.value:g} at the start. Give another start.")
    walker(walk)
    return _trace(walk, method)


def _trace(walk: _Walk, method: str) -> Trace:
    problem, points = walk.problem, walk.points
    values = np.array([p.value for p in points])
    rising = _rising(values)
    if rising and method != "sgd":
        walk.warnings.append(f"the loss rose in {RISING} steps in a row (to step {rising}): {ADVICE}")
    params = tuple(ByName(problem.parameters.expand(p.theta)) for p in points)

    def objective(theta: Any) -> float:
        return problem.point(np.asarray(theta, float), 1).value

    norms = np.array([p.norm for p in points])
    converged = bool(norms[-1] <= max(VANISHED * norms[0], 1e-300) or norms[-1] <= 1e-8 * min(1.0, norms[0]))
    return Trace(
        params, values, norms, method, walk.rate, converged, tuple(walk.warnings), problem.parameters.labels,
        np.array([p.theta for p in points]), objective,
    )  # fmt: skip


def _rising(values: Any) -> int:
    run = 0
    for k in range(1, len(values)):
        run = run + 1 if values[k] > values[k - 1] else 0
        if run == RISING:
            return k
    return 0


def _short(value: Any) -> str:
    return f"{value:.4g}" if np.ndim(value) == 0 else "the matrix or vector reached"


# -- the methods --------------------------------------------------------------------------------------------------
def _rate(walk: _Walk) -> float:
    """Return the rate given, or 1 over the largest curvature at the start."""
    if walk.rate is None:
        curvature = np.max(np.abs(np.linalg.eigvalsh(walk.problem.point(walk.problem.start, 2).hessian)))
        walk.rate = float(1 / curvature) if np.isfinite(curvature) and curvature > 0 else 0.1
    return walk.rate


def _gradient_descent(walk: _Walk) -> None:
    rate = _rate(walk)
    for _ in range(walk.steps):
        if not walk.visit(walk.now.theta - rate * walk.now.gradient):
            return


def _with_momentum(walk: _Walk) -> None:
    rate, velocity = _rate(walk), np.zeros_like(walk.now.theta)
    for _ in range(walk.steps):
        velocity = MOMENTUM * velocity - rate * walk.now.gradient
        if not walk.visit(walk.now.theta + velocity):
            return


def _stochastic(walk: _Walk) -> None:
    """Random batches without replacement in each pass; the rate falls with the square root of the passes."""
    rate, rng = _rate(walk), np.random.default_rng(walk.seed)
    rows, gradient = batched(walk.problem)
    size = max(1, min(walk.batch, rows))
    order: list[Any] = []
    for k in range(walk.steps):
        if not order:
            order = np.array_split(rng.permutation(rows), max(1, rows // size))
        chosen = np.sort(order.pop())
        if not walk.visit(walk.now.theta - rate / np.sqrt(1 + k * size / rows) * gradient(walk.now.theta, chosen)):
            return


def _newton(walk: _Walk) -> None:
    problem = walk.problem
    outcome = minimise(problem.joint(), problem.start, problem.region(), walk.steps)
    walk.points[:] = [problem.point(theta, 1) for theta in outcome.path]
    if outcome.status != "minimum":
        walk.warnings.append(_ending(outcome))


def _ending(outcome: Outcome) -> str:
    words = {"saddle": "a saddle point", "flat": "a point with a singular Hessian", "steps": "the last step allowed"}
    return f"ended at {words.get(outcome.status, 'a point without a minimum near')}, not a minimum; fit() says more"


def _lbfgs(walk: _Walk) -> None:
    problem = walk.problem
    if any(b.definite for b in problem.parameters.blocks):
        raise NotSupportedError("lbfgs does not keep a matrix positive definite; use method='newton' or fit()")
    low, high, opened = problem.parameters.bounds()
    ends = [(_inside(a, o, 1), _inside(b, c, -1)) for a, b, (o, c) in zip(low, high, opened, strict=True)]

    def function(theta: Any) -> tuple[float, Any]:
        point = problem.point(np.asarray(theta, float), 1)
        return (point.value, point.gradient) if np.isfinite(point.value) else (1e300, np.zeros_like(theta))

    optimize.minimize(
        function, problem.start, jac=True, method="L-BFGS-B", bounds=ends,
        callback=lambda theta: walk.points.append(problem.point(np.array(theta, float), 1)),
        options={"maxiter": walk.steps, "ftol": 0.0, "gtol": 1e-12},
    )  # fmt: skip


def _inside(end: float, excluded: bool, sign: int) -> float | None:
    if not np.isfinite(end):
        return None
    return end + sign * INSIDE * (1 + abs(end)) if excluded else end


_METHODS: dict[str, Callable[[_Walk], None]] = {
    "gd": _gradient_descent,
    "sgd": _stochastic,
    "momentum": _with_momentum,
    "newton": _newton,
    "lbfgs": _lbfgs,
}

hooks.provide("minimize", minimize)
