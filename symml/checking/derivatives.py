"""The check of a derivative against finite differences, at random points of random small sizes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from symml.checking.differences import STEPS, Array, relative_error, slope
from symml.checking.reports import CheckReport
from symml.checking.sampling import draw
from symml.errors import UNDEFINED
from symml.records import Counterexample, verdict

DRAWS = 50
TOLERANCE = 1e-6
DIRECTIONS = 3
BENDS = (1e-3, 1e-4, 1e-5)
NEAR = 0.01  # of the ordinary steps
SIZES_KEPT = 5  # draws before other sizes are tried
EPSILON = 2.0**-52
NOISE = 1e-11  # of a difference quotient, relative to the function
FAINT = 8  # points whose derivative drowns in that noise are passed over; so many in all

Function = Callable[[Mapping[str, Any], Mapping[str, int]], Any]


@dataclass(frozen=True)
class Derivative:
    """What is to be checked.

    Attributes
    ----------
    function : callable
        (values, sizes) -> value of the function that is differentiated.
    action : callable
        (values, sizes, direction) -> the claimed derivative along a direction of the variable.
    symbols : mapping
        All free symbols by name, for the sampler.
    variable : str
        Name of the variable.
    symmetric : bool
        Directions are symmetric, and the claim holds the derivative along the free entries (i <= j).
    """

    function: Function
    action: Callable[[Mapping[str, Any], Mapping[str, int], Array], Any]
    symbols: Mapping[str, Any]
    variable: str
    symmetric: bool = False
    what: str = "gradient"
    sizes: Mapping[str, int] = field(default_factory=dict)


def check(item: Derivative, seed: int = 0, points: int = 1, directions: int = DIRECTIONS,
          tolerance: float = TOLERANCE) -> CheckReport:  # fmt: skip
    """Return the report of a derivative; draws again near kinks and outside the domain, at most 50 times."""
    rng = np.random.default_rng(seed)
    worst, done, evaluations, faint = 0.0, 0, 0, 0
    sizes: dict[str, int] = {}
    reason = "no point was found at which the function is finite and smooth"
    for attempt in range(DRAWS):
        values, sizes = draw(dict(item.symbols), rng, dict(item.sizes) or _other_sizes(item, sizes, attempt))
        found = _at_point(item, values, sizes, rng, directions, tolerance)
        evaluations += found.evaluations
        if found.error is None:
            reason = found.reason or reason
            continue
        if found.faint and faint < FAINT:
            faint += 1
            continue
        worst = max(worst, found.error)
        done += 1
        if found.counterexample is not None:
            example = Counterexample(found.counterexample[0], *found.counterexample[1:], found.error, seed)
            return CheckReport(False, verdict("wrong", counterexample=example), worst, done, evaluations, sizes, seed,
                               tolerance, item.what, counterexample=example)  # fmt: skip
        if done >= points:
            break
    if not done:
        return CheckReport(
            None, verdict("unchecked", reason=reason), float("nan"), 0, evaluations, sizes, seed, tolerance, item.what
        )
    held = verdict("holds", certificate=f"finite differences agree to {worst:.1e} at {done} random points")
    return CheckReport(True, held, worst, done, evaluations, sizes, seed, tolerance, item.what)


def _other_sizes(item: Derivative, sizes: Mapping[str, int], attempt: int) -> dict[str, int] | None:
    """The sizes dealt out anew after every few draws that failed: det(A Z B) is 0 where A is tall."""
    ranks = {"full column rank", "full row rank"}
    tied = any(ranks & getattr(s, "facts", frozenset()) for s in item.symbols.values())
    turn = attempt // SIZES_KEPT
    if not turn or tied or len(sizes) < 2:
        return None
    names = sorted(sizes)
    orders = list(itertools.islice(itertools.permutations(sorted(sizes.values())), 24))
    return dict(zip(names, orders[turn % len(orders)], strict=True))


@dataclass(frozen=True)
class _Found:
    error: float | None
    evaluations: int
    reason: str = ""
    counterexample: tuple[Mapping[str, Any], Any, Any] | None = None
    faint: bool = False


def _at_point(item: Derivative, values: dict[str, Any], sizes: dict[str, int], rng: np.random.Generator,
              directions: int, tolerance: float) -> _Found:  # fmt: skip
    x = np.asarray(values[item.variable], float)
    count, worst, seen = 0, 0.0, 0.0

    def f(at: Array) -> Array:
        return np.asarray(item.function({**values, item.variable: at if at.shape else float(at)}, sizes), float)

    try:
        with np.errstate(all="ignore"):
            start = f(x)
    except UNDEFINED as error:
        return _Found(None, 1, f"the function cannot be evaluated: {error}")
    if not np.all(np.isfinite(start)):
        return _Found(None, 1, "the function is not finite at the points drawn")
    for _ in range(directions if x.size > 1 else 1):
        step = rng.standard_normal(x.shape)
        claimed_step = step
        if item.symmetric:
            step = (step + step.T) / 2
            claimed_step = np.triu(step)
        try:
            found = slope(f, x, step)
            with np.errstate(all="ignore"):
                claimed = np.asarray(item.action(values, sizes, claimed_step), float)
        except (np.linalg.LinAlgError, FloatingPointError, ZeroDivisionError, OverflowError) as error:
            return _Found(None, count + 1, f"the function cannot be evaluated: {error}")
        count += found.evaluations
        if not np.all(np.isfinite(found.value)) or not found.smooth:
            return _Found(None, count, "the function is not smooth at the points drawn")
        if not np.all(np.isfinite(claimed)):
            return _Found(None, count, "the derivative is not finite at the points drawn")
        claimed = claimed.reshape(found.value.shape) if claimed.size == found.value.size else claimed
        size = float(np.max(np.abs(start), initial=0.0))
        noise = NOISE * (size + 1e-3) * float(np.max(np.abs(step), initial=0.0))  # f may be what cancellation left
        error_here = relative_error(claimed, found.value, max(1e-9 * (size + 1e-3), noise))
        worst = max(worst, error_here)
        alike = claimed.shape == found.value.shape
        gap = float(np.max(np.abs(claimed - found.value), initial=0.0)) if alike else np.inf
        if error_here > max(tolerance, 100 * found.error) and gap > noise:
            wobble = _wobble(partial(_moved, item, sizes, claimed_step), values, claimed)
            if gap <= max(np.max(np.abs(step)) * _rounding(item, values, sizes, start), 50 * wobble):
                return _Found(None, count, "the function is drowned by rounding at the points drawn")
            if alike and _kinked(f, x, step, claimed, found.value):
                return _Found(None, count, "the function has a kink near the points drawn")
            if _kink_at(f, x, step, start):
                return _Found(None, count, "the function has a kink at the points drawn")
            return _Found(error_here, count, "", (values, claimed, found.value))
        largest = float(np.max(np.abs(claimed), initial=0.0))
        seen = max(seen, largest / noise if noise and largest else np.inf)
    return _Found(worst, count, faint=seen < 1e3)


def _moved(item: Derivative, sizes: Mapping[str, int], step: Array, values: Mapping[str, Any]) -> Any:
    return item.action(values, sizes, step)


def _kinked(f: Callable[[Array], Array], x: Array, step: Array, claimed: Array, wide: Array) -> bool:
    """Whether much shorter differences agree with the claim: then a kink lay within reach of the longer ones."""
    near = slope(f, x, step, NEAR).value
    size = float(np.max(np.abs(near), initial=0.0))
    apart = float(np.max(np.abs(near - wide), initial=0.0))
    return bool(np.all(np.isfinite(near))) and apart > 0 and relative_error(claimed, near, size) < 10 * TOLERANCE


def _kink_at(f: Callable[[Array], Array], x: Array, step: Array, start: Array) -> bool:
    """Whether f(x + h) + f(x − h) − 2 f(x) shrinks like h: the slopes on the two sides differ, however short h is."""
    bends = []
    for h in BENDS:
        with np.errstate(all="ignore"):
            both = np.asarray(f(x + h * step), float) + np.asarray(f(x - h * step), float) - 2 * start
        bends.append(float(np.max(np.abs(both), initial=0.0)) / h)
    noise = 1e-12 * float(np.max(np.abs(start), initial=0.0)) / BENDS[-1]
    return bool(np.all(np.isfinite(bends))) and bends[-1] > max(bends[0] / 2, noise, 1e-9)


def _rounding(item: Derivative, values: Mapping[str, Any], sizes: Mapping[str, int], start: Array) -> float:
    """The noise of rounding in a difference quotient."""
    x = np.asarray(values[item.variable], float)
    jump = _wobble(lambda at: item.function(at, sizes), values, start)
    return 50 * jump / (STEPS[-1] * max(1.0, float(np.max(np.abs(x), initial=0.0))))


def _wobble(f: Callable[[Mapping[str, Any]], Any], values: Mapping[str, Any], start: Array) -> float:
    """How much f moves where all values move by an ulp."""
    jumps = []
    with np.errstate(all="ignore"):
        for k in (-3, -1, 1, 2):
            moved = np.asarray(f({name: v * (1 + k * EPSILON) for name, v in values.items()}), float)
            jumps.append(float(np.max(np.abs(moved.reshape(start.shape) - start), initial=0.0)))
    return max(jumps)
