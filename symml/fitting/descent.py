"""Plain minimisers that keep their path: gradient descent, stochastic, momentum, Newton and SciPy's L-BFGS.

They are for seeing how a method behaves; `fit` is for numbers. Stepping outside the domain is an error that names the
function and the step; a rising loss is a warning on the trace.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from symml.derivation.kinks import has_kinks
from symml.derivation.mappings import ByName
from symml.errors import DataError, DomainError, NotSupportedError
from symml.fitting.batches import batched
from symml.fitting.diagnosis import domain_error
from symml.fitting.newton import Outcome, Point, minimise
from symml.fitting.problem import Problem, prepare_problem
from symml.fitting.trace import Trace
from symml.language import hooks
from symml.language.names import unicode_name
from symml.registry import Later

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
    falling: bool = False
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
    converged = _converged(points)
    if not converged and method != "sgd" and has_kinks(problem.plan.derivation):
        walk.warnings.append(_at_kinks(walk, method))
    params = tuple(ByName(problem.parameters.expand(p.theta)) for p in points)

    def objective(theta: Any) -> float:
        return problem.point(np.asarray(theta, float), 1).value

    norms = np.array([p.norm for p in points])
    return Trace(
        params, values, norms, method, walk.rate, converged, tuple(walk.warnings), problem.parameters.labels,
        np.array([p.theta for p in points]), objective,
    )  # fmt: skip


def _converged(points: list[Point]) -> bool:
    first, last = points[0].norm, points[-1].norm
    return bool(last <= max(VANISHED * first, 1e-300) or last <= 1e-8 * min(1.0, first))


def _at_kinks(walk: _Walk, method: str) -> str:
    found = "the objective has kinks, where its gradient jumps: "
    if method in ("newton", "lbfgs"):
        return found + f"{method} can stop before the minimum; fit() or stationary() say more"
    if walk.falling:
        return found + "the steps fall with the square root of their number and the gradient need not vanish"
    return found + "with a fixed rate the path stays about one step away from the minimum"


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
def _rates(walk: _Walk) -> Callable[[int], float]:
    """Return the rate of every step: the one given, or 1 over the largest curvature at the start.

    At a kink the gradient does not fade with the distance to the minimum, so without a given rate the steps fall.
    """
    kinks = has_kinks(walk.problem.plan.derivation)
    walk.falling = kinks and walk.rate is None
    rate = walk.rate = walk.rate if walk.rate is not None else _lowering(walk) if kinks else _first_rate(walk)
    return (lambda k: rate / float(np.sqrt(k + 1))) if walk.falling else (lambda k: rate)


def _first_rate(walk: _Walk) -> float:
    with np.errstate(all="ignore"):
        hessian = walk.problem.point(walk.problem.start, 2).hessian
    curvature = float(np.max(np.abs(np.linalg.eigvalsh(hessian)))) if np.all(np.isfinite(hessian)) else 0.0
    return 1 / curvature if curvature > 0 else _lowering(walk)


def _lowering(walk: _Walk) -> float:
    """Return the largest rate, halved from a step as long as the parameters, that lowers the value enough."""
    now, problem = walk.now, walk.problem
    if not now.norm > 0:
        return 0.1
    rate = (1 + float(np.linalg.norm(now.theta))) / now.norm
    for _ in range(60):
        theta = now.theta - rate * now.gradient
        if problem.region().holds(theta) and problem.point(theta, 1).value <= now.value - 0.1 * rate * now.norm**2:
            break
        rate /= 2
    return rate


def _gradient_descent(walk: _Walk) -> None:
    rate = _rates(walk)
    for k in range(walk.steps):
        if not walk.visit(walk.now.theta - rate(k) * walk.now.gradient):
            return


def _with_momentum(walk: _Walk) -> None:
    rate, velocity = _rates(walk), np.zeros_like(walk.now.theta)
    for k in range(walk.steps):
        velocity = MOMENTUM * velocity - rate(k) * walk.now.gradient
        if not walk.visit(walk.now.theta + velocity):
            return


def _stochastic(walk: _Walk) -> None:
    """Random batches without replacement in each pass; the rate falls with the square root of the passes."""
    _rates(walk)
    rate, rng = walk.rate or 0.1, np.random.default_rng(walk.seed)
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


_ENDINGS = {
    "saddle": "ended at a saddle point, not a minimum",
    "flat": "ended where the Hessian is singular: perhaps a minimum that is not isolated, perhaps none",
    "steps": "stopped at the last step allowed",
    "infinity": "the value settles while the parameters grow: no finite minimum near",
    "unbounded": "the value falls without end",
    "boundary": "runs to an end of the domain that the domain does not hold",
}


def _ending(outcome: Outcome) -> str:
    return f"{_ENDINGS.get(outcome.status, 'stopped where no step lowered the value')}; fit() says more"


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
