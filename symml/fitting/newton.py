"""Damped Newton on a joint function of value, gradient and Hessian, with an undamped polish at the end.

The optimiser knows numbers only. It tells apart a minimum, a saddle, a run to infinity, a run to the boundary of the
domain and a stop without progress; what they mean in words of the model is said in `diagnosis`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Joint = Callable[[Any], tuple[float, Any, Any]]

MAX_STEPS = 200
MAX_HALVINGS = 60
SMALL_EIGENVALUE = 1e-13  # of the Hessian with unit diagonal: below it a direction counts as flat
DECREMENT = 1e-12  # relative predicted fall of the value at which the damped phase ends
STAYING = 1e-3  # relative step, at a vanishing gradient, above which the parameters are running away
POLISH_STEPS = 12
VANISHING = 30  # steps over which the value must have fallen by one factor
TO_BOUNDARY = 0.9  # part of the way to an excluded boundary one step may go


@dataclass(frozen=True)
class Region:
    """The domain: an interval for each entry, excluded ends marked, and a further test such as definiteness."""

    low: Any
    high: Any
    opened: Any
    test: Callable[[Any], bool] = field(default=lambda theta: True)

    def holds(self, theta: Any) -> bool:
        """Whether a point lies in the domain."""
        above = np.where(self.opened[:, 0], theta > self.low, theta >= self.low)
        below = np.where(self.opened[:, 1], theta < self.high, theta <= self.high)
        return bool(np.all(above & below)) and self.test(theta)

    def shorten(self, theta: Any, step: Any) -> Any:
        """Return the step, cut so that it keeps away from excluded ends and stops at included ones."""
        with np.errstate(divide="ignore", invalid="ignore"):
            up = np.where(step > 0, (self.high - theta) / step, np.inf)
            room = np.where(step < 0, (theta - self.low) / -step, up)
        opened = np.where(step < 0, self.opened[:, 0], self.opened[:, 1])
        limit = float(np.min(np.where(opened, TO_BOUNDARY * room, np.inf), initial=np.inf))
        moved = theta + min(1.0, limit) * step
        return np.clip(moved, self.low, self.high) - theta


@dataclass(frozen=True)
class Point:
    """A point with value, gradient and Hessian."""

    theta: Any
    value: float
    gradient: Any
    hessian: Any

    @property
    def finite(self) -> bool:
        """Whether everything is finite."""
        parts = (self.value, self.gradient, self.hessian)
        return all(bool(np.all(np.isfinite(part))) for part in parts)

    @property
    def norm(self) -> float:
        """Euclidean norm of the gradient."""
        return float(np.linalg.norm(self.gradient))


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes
    ----------
    status : str
        ``minimum``, ``start`` (not finite there), ``stuck``, ``steps`` (too many), ``saddle``, ``flat`` (singular
        Hessian), ``infinity`` (no finite minimum), ``unbounded`` (the value falls without end), ``boundary`` (runs to
        an excluded end).
    point : Point
        Where it ended.
    direction : ndarray or None
        Of a flat direction, or of the run to infinity or to the boundary.
    path : tuple of ndarray
        Parameters before each step and at the end.
    fixed : ndarray of bool
        Entries held at an included end of their range.
    """

    status: str
    point: Point
    iterations: int
    path: tuple[Any, ...]
    values: tuple[float, ...]
    norms: tuple[float, ...]
    fixed: Any
    direction: Any = None


@dataclass
class _Run:
    joint: Joint
    region: Region
    start: Point
    points: list[Point]

    @property
    def now(self) -> Point:
        return self.points[-1]


def evaluate(joint: Joint, theta: Any) -> Point:
    """Return a point; overflow and invalid operations give values that are not finite, no warnings."""
    with np.errstate(all="ignore"):
        value, gradient, hessian = joint(theta)
    return Point(theta, float(value), gradient, (hessian + hessian.T) / 2)


def minimise(joint: Joint, start: Any, region: Region, max_steps: int = MAX_STEPS) -> Outcome:
    """Return the outcome of damped Newton steps from `start`, which must lie in the domain."""
    first = evaluate(joint, np.asarray(start, float))
    run = _Run(joint, region, first, [first])
    if not first.finite:
        return _outcome(run, "start")
    for _ in range(max_steps):
        fixed = _fixed(run.now, region)
        step, predicted, _ = _newton_step(run.now, fixed)
        near = _near_excluded(run, step, 1e-30)
        if near is not None:
            return _outcome(run, "boundary", near)
        if predicted <= DECREMENT * abs(run.now.value) or not np.any(step):
            return _finish(run, step, fixed)
        if _vanishing(run, step):
            return _outcome(run, "infinity", step)
        found = _search(run, step)
        if found is None:
            done = predicted <= 1e-6 * abs(run.now.value) or _stride(run, step) < 1e-7
            if done:
                return _finish(run, step, fixed)
            return _outcome(run, "infinity" if _faded(run, step) else "stuck", step)
        run.points.append(found)
        if abs(found.value) > 1e100 or np.max(np.abs(found.theta)) > 1e100:
            return _outcome(run, "unbounded", step)
    return _outcome(run, _why_so_long(run), run.points[-1].theta - run.points[-2].theta)


def _why_so_long(run: _Run) -> str:
    """Tell a run that still falls by as much as before, which has no minimum, from one that is slow."""
    values = [p.value for p in run.points]
    half = values[len(values) // 2]
    falling = half - values[-1] > 0.2 * (values[0] - half)
    return "unbounded" if falling and run.now.norm > run.start.norm else "steps"


# -- steps --------------------------------------------------------------------------------------------------------
def _fixed(point: Point, region: Region) -> Any:
    """Entries at an included end of their range whose gradient points outwards."""
    at_low = (point.theta <= region.low) & ~region.opened[:, 0] & (point.gradient > 0)
    at_high = (point.theta >= region.high) & ~region.opened[:, 1] & (point.gradient < 0)
    return at_low | at_high


def _scaled_eigen(hessian: Any) -> tuple[Any, Any, Any]:
    """Scale, eigenvalues and vectors of the Hessian with unit diagonal."""
    diagonal = np.abs(np.diag(hessian))
    scale = np.sqrt(np.where(diagonal > 0, diagonal, np.maximum(np.max(diagonal, initial=0.0), 1.0)))
    values, vectors = np.linalg.eigh(hessian / np.outer(scale, scale))
    return scale, values, vectors


def _newton_step(point: Point, fixed: Any) -> tuple[Any, float, Any]:
    """Return the step with |eigenvalues|, its predicted fall, and the eigenvalues of the free part."""
    free = ~fixed
    step = np.zeros_like(point.theta)
    if not np.any(free):
        return step, 0.0, np.ones(1)
    scale, values, vectors = _scaled_eigen(point.hessian[np.ix_(free, free)])
    slope = vectors.T @ (point.gradient[free] / scale)
    size = np.maximum(np.abs(values), SMALL_EIGENVALUE * max(1.0, float(np.max(np.abs(values)))))
    step[free] = -(vectors @ (slope / size)) / scale
    return step, float(slope @ (slope / size)) / 2, values


def _search(run: _Run, step: Any) -> Point | None:
    """Return the first point, back from a full step, that lies in the domain and falls enough."""
    now, fraction = run.now, 1.0
    for _ in range(MAX_HALVINGS):
        moved = run.region.shorten(now.theta, fraction * step)
        if np.any(moved) and run.region.holds(now.theta + moved):
            found = evaluate(run.joint, now.theta + moved)
            if found.finite and found.value <= now.value + 1e-4 * float(now.gradient @ moved):
                return found
        fraction /= 2
    return None


# -- the end ------------------------------------------------------------------------------------------------------
def _finish(run: _Run, step: Any, fixed: Any) -> Outcome:
    """Judge the point where the damped phase ended, and polish a minimum."""
    near = _near_excluded(run, step, 1e-6)
    if near is not None:
        return _outcome(run, "boundary", near)
    if _running_away(run, step):
        return _outcome(run, "infinity" if run.now.norm < 1e-2 * run.start.norm else "unbounded", step)
    _polish(run, fixed)
    _, _, values = _newton_step(run.now, fixed)
    largest = max(1.0, float(np.max(np.abs(values))))
    if values[0] < -1e-7 * largest:
        return _outcome(run, "saddle", _direction(run.now, fixed))
    if values[0] < SMALL_EIGENVALUE * largest:
        if run.now.norm > 1e-3 * run.start.norm:
            return _outcome(run, "unbounded", run.now.theta - run.start.theta)
        return _outcome(run, "flat", _direction(run.now, fixed))
    return _outcome(run, "minimum")


def _direction(point: Point, fixed: Any) -> Any:
    free = ~fixed
    scale, _, vectors = _scaled_eigen(point.hessian[np.ix_(free, free)])
    found = np.zeros_like(point.theta)
    found[free] = vectors[:, 0] / scale
    return found / np.max(np.abs(found))


def _near_excluded(run: _Run, step: Any, near: float) -> Any:
    """Return the direction to an excluded end that the parameters still move to and have all but reached."""
    theta, start, region = run.now.theta, run.start.theta, run.region
    down, up = theta - region.low, region.high - theta
    with np.errstate(invalid="ignore"):
        at_low = region.opened[:, 0] & (down < near * (start - region.low)) & (-step > STAYING * down)
        at_high = region.opened[:, 1] & (up < near * (region.high - start)) & (step > STAYING * up)
    return np.where(at_low, -1.0, np.where(at_high, 1.0, 0.0)) if np.any(at_low | at_high) else None


def _stride(run: _Run, step: Any) -> float:
    """Length of a step relative to the way travelled and to the start, in the metric of the first Hessian."""
    scale = np.sqrt(np.maximum(np.abs(np.diag(run.start.hessian)), 1e-300))
    travelled = np.linalg.norm(scale * (run.now.theta - run.start.theta)) + np.linalg.norm(scale * run.start.theta)
    return float(np.linalg.norm(scale * step) / travelled) if travelled > 0 else float("inf")


def _running_away(run: _Run, step: Any) -> bool:
    """Whether the value settles although the parameters do not: there is no minimum near."""
    if len(run.points) < 4 or _stride(run, step) < STAYING:
        return False
    flattened = abs(float(step @ run.now.hessian @ step)) < 1e-5 * abs(float(step @ run.start.hessian @ step))
    return bool(run.now.norm > 1e-2 * run.start.norm or (flattened and len(run.points) > 5))


def _vanishing(run: _Run, step: Any) -> bool:
    """Whether the value has long been falling to zero by one factor a step while the parameters grow: separation."""
    values = [p.value for p in run.points[-VANISHING:]]
    if len(run.points) < 3 * VANISHING or not 0 < values[-1] < 1e-6 * run.start.value:
        return False
    ratios = [b / a for a, b in itertools.pairwise(values)]
    return min(ratios) > 0.02 and max(ratios) < 0.98 and _stride(run, step) > STAYING


def _faded(run: _Run, step: Any) -> bool:
    """Whether nothing is left to lower but rounding, and the parameters still move."""
    return len(run.points) > 8 and run.now.norm < 1e-6 * run.start.norm and _stride(run, step) > STAYING


def _polish(run: _Run, fixed: Any) -> None:
    """Undamped Newton steps while the gradient shrinks: the gradient knows more digits than the value."""
    for _ in range(POLISH_STEPS):
        now = run.now
        step, _, values = _newton_step(now, fixed)
        if not np.any(step) or values[0] <= SMALL_EIGENVALUE or not run.region.holds(now.theta + step):
            return
        found = evaluate(run.joint, now.theta + step)
        free = ~fixed
        if not found.finite or not np.linalg.norm(found.gradient[free]) < np.linalg.norm(now.gradient[free]):
            return
        run.points.append(found)


def _outcome(run: _Run, status: str, direction: Any = None) -> Outcome:
    return Outcome(
        status, run.now, len(run.points) - 1, tuple(p.theta for p in run.points), tuple(p.value for p in run.points),
        tuple(p.norm for p in run.points), _fixed(run.now, run.region), direction,
    )  # fmt: skip
