"""Convex programs in numbers: a primal-dual interior point method, finished on the active constraints, and verified.

minimise f(x) subject to c(x) >= 0 entry by entry, c concave, and h(x) = 0, h affine. What comes back satisfies the
conditions of Karush, Kuhn and Tucker to `ACCURACY`, or an error says why there is nothing to return.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import scipy  # its parts are loaded by scipy itself when they are first used

from symml.derivation.constrained.barrier import by_barrier
from symml.derivation.constrained.feasibility import (
    Iterate,
    Program,
    iterate,
    lengths,
    opened,
    size_of,
    with_equations,
    without_equations,
)
from symml.errors import DataError, NoClosedFormError

SOURCE = "S. Boyd and L. Vandenberghe, Convex Optimization (2004), 11.7; J. Nocedal and S. Wright (2006), 14.2, 16.6"
ACCURACY = 1e-8
ITERATIONS = 150
TARGET = 1e-11
BACKTRACKS = 45
POLISHES = 6
FAR = 1e13
NOISE = 1e-13  # a Newton step this short starts from a gradient of rounding errors
REGULAR = 1e-13
BALANCE = 1e-4  # the smallest product of slack and multiplier, relative to their mean
FALLING = "the objective has no extremum at these values: inside the constraints it goes on without end."


def solve(program: Program) -> tuple[Any, Any, Any]:
    """Return x and the multipliers of the inequalities and equations.

    Raises
    ------
    DataError
        If no point satisfies the constraints, or the objective falls without end.
    NoClosedFormError
        If the conditions could not be satisfied to `ACCURACY`.
    """
    with np.errstate(all="ignore"):
        easier, long, high = _scaled(program)
        easier, tied = opened(easier)
        inner = with_equations(easier, tied) if np.any(tied) else easier
        found = _finished(inner, _follow(inner, _first(inner)))
        best = _with_multipliers(easier, without_equations(easier, found, tied) if np.any(tied) else found)
        worst = residual(easier, best)
        if worst > ACCURACY and not program.affine:
            best = _with_multipliers(easier, _finished(easier, by_barrier(easier)))
            worst = residual(easier, best)
        if worst > ACCURACY or not _settled(easier, best):
            _refuse_falling(easier, best)
            raise NoClosedFormError(
                f"no point was found that satisfies the KKT conditions ({worst:.0e} is left, and steps do not get "
                "shorter): the minimum may not be attained, or no point is strictly inside the inequalities"
            )
    return _on_bounds(program, long * best.x, best.a > 0), best.a * high / long, best.nu * high / long


def _scaled(program: Program) -> tuple[Program, float, float]:
    """The program in x/long and f/high, so that gradient and curvature at the start are of the size of 1."""
    x = program.start
    g, h = program.gradient(x), program.hessian(x, *_no_multipliers(program, x))
    steep, curved = size_of(g), size_of(h)
    if not (np.isfinite(steep) and np.isfinite(curved) and steep > NOISE * curved):
        return program, 1.0, 1.0
    rows = np.r_[program.inequality_slopes(x), program.equation_slopes(x)]
    moving = np.any(rows != 0, axis=1)
    narrow = size_of(np.r_[program.inequalities(x), program.equations(x)][moving] / lengths(rows[moving]))
    long = steep / curved if curved > 0 else 1.0
    long = min(long, narrow) if 0 < narrow < np.inf else long  # the constraints may be narrower than a Newton step
    high = steep * long
    easier = Program(
        x / long,
        lambda t: program.value(long * t) / high,
        lambda t: program.gradient(long * t) * long / high,
        lambda t, a, nu: program.hessian(long * t, a * high / long, nu * high / long) * long**2 / high,
        lambda t: program.inequalities(long * t) / long,
        lambda t: program.inequality_slopes(long * t),
        lambda t: program.equations(long * t) / long,
        lambda t: program.equation_slopes(long * t),
        program.affine,
    )
    return easier, long, high


def _no_multipliers(program: Program, x: Any) -> tuple[Any, Any]:
    return np.zeros(len(program.inequalities(x))), np.zeros(len(program.equations(x)))


def residual(program: Program, at: Iterate) -> float:
    """Return the largest violation of a condition, relative to the size of what cancels in it."""
    x, a = at.x, at.a
    slopes, turned = program.inequality_slopes(x), program.equation_slopes(x)
    curved = np.abs(program.hessian(x, a, at.nu)) @ np.abs(x)
    terms = (at.gradient, curved, np.abs(slopes).T @ a, np.abs(turned).T @ np.abs(at.nu))
    steep = max(1.0, *(size_of(t) for t in terms))  # the scaled program has a gradient and curvature of 1 at its start
    c, h = program.inequalities(x), program.equations(x)
    widths = [np.abs(j) @ np.abs(x) + np.abs(v - j @ x) for j, v in ((slopes, c), (turned, h))]
    wide = max(1e-3, *(size_of(w) for w in widths))
    found = (
        size_of(at.dual) / steep,
        float(np.max(-c, initial=0.0)) / wide,
        size_of(h) / wide,
        size_of(a * c) / (steep * wide),
        float(np.max(-a, initial=0.0)) / steep,
    )
    return max(f if np.isfinite(f) else np.inf for f in found)


def _refuse_falling(program: Program, at: Iterate) -> None:
    """Refuse a quadratic program with a straight way down that no constraint stops."""
    if not program.affine:
        return
    x = program.start
    g, h = program.gradient(x), program.hessian(x, *_no_multipliers(program, x))
    still = np.r_[program.equation_slopes(x), h / (size_of(h) or 1.0)]
    found = scipy.optimize.linprog(
        g,
        A_ub=-program.inequality_slopes(x),
        b_ub=np.zeros(len(at.s)),
        A_eq=still,
        b_eq=np.zeros(len(still)),
        bounds=(-1.0, 1.0),
    )
    if found.status == 0 and found.fun < -np.sqrt(ACCURACY) * size_of(g):
        raise DataError(FALLING)


# -- the first point ----------------------------------------------------------------------------------------------
def _first(program: Program) -> Iterate:
    """The start with slacks and multipliers of about the size of 1."""
    x = program.start
    c, g = program.inequalities(x), program.gradient(x)
    s = np.maximum(c, 1e-2 * max(1.0, size_of(c)))
    size = max(1.0, size_of(g)) if np.all(np.isfinite(g)) else 1.0
    return iterate(program, x, s, np.full(len(s), size) / s, np.zeros(len(program.equations(x))))


def _with_multipliers(program: Program, at: Iterate) -> Iterate:
    """The point with the nonnegative multipliers that fit its gradient best, where these are better."""
    c = program.inequalities(at.x)
    active = c <= 10 * ACCURACY * max(1e-3, size_of(at.x))
    turned = program.equation_slopes(at.x)
    columns = np.r_[program.inequality_slopes(at.x)[active], turned, -turned].T
    if not columns.shape[1] or not np.all(np.isfinite(at.gradient)):
        return at
    try:
        found, _ = scipy.optimize.nnls(columns, at.gradient)
    except RuntimeError:
        return at
    a, count = np.zeros(len(c)), int(np.sum(active))
    a[active] = found[:count]
    nu = found[count : count + len(turned)] - found[count + len(turned) :]
    other = iterate(program, at.x, at.s, a, nu)
    return other if residual(program, other) < residual(program, at) else at


# -- the path -----------------------------------------------------------------------------------------------------
def _follow(program: Program, at: Iterate) -> Iterate:
    """Newton steps along the central path, until nothing gets better."""
    best, smallest = at, np.inf
    for _ in range(ITERATIONS):
        mu = float(at.s @ at.a) / max(len(at.s), 1)
        size = at.norm(0.0) / (1.0 + size_of(at.gradient))
        if size < smallest:
            best, smallest = at, size
        if size < TARGET or not np.isfinite(size):
            break
        if size_of(at.x) > FAR:
            raise DataError(FALLING)
        matrix, slopes, turned = _system(program, at)
        aim = _direction(at, matrix, slopes, turned, 0.0, 0.0)
        reach = _reach(at, aim)
        after = float((at.s + reach * aim[1]) @ (at.a + reach * aim[2])) / max(len(at.s), 1)
        sigma = min(max((after / mu) ** 3 if mu > 0 else 0.0, 1e-8 if program.affine else 0.05), 0.5)
        second = aim[1] * aim[2] if program.affine else 0.0
        moved = None
        for part, bend, balance in ((sigma, second, BALANCE), (0.5, 0.0, BALANCE), (0.9, 0.0, 0.0)):
            if moved is None:
                step = _direction(at, matrix, slopes, turned, part * mu, bend)
                moved = _stepped(program, at, step, part * mu, balance)
        if moved is None:
            break
        at = moved
    return best


def _system(program: Program, at: Iterate) -> tuple[Any, Any, Any]:
    """The Newton equations for x and nu, factored, and the slopes of the constraints."""
    slopes, turned = program.inequality_slopes(at.x), program.equation_slopes(at.x)
    bent = program.hessian(at.x, at.a, at.nu)
    small = REGULAR * max(1.0, size_of(bent))
    top = bent + (slopes.T * (at.a / at.s)) @ slopes + small * np.eye(len(at.x))
    zeros = -REGULAR * np.eye(len(at.nu))
    whole = np.block([[top, -turned.T], [-turned, zeros]])
    return scipy.linalg.lapack.dgetrf(whole)[:2], slopes, turned  # a zero pivot leaves no finite step, and no warning


def _direction(at: Iterate, matrix: Any, slopes: Any, turned: Any, mu: float, corrected: Any) -> tuple[Any, ...]:
    push = (mu - at.s * at.a - corrected - at.a * at.slack) / at.s
    right = np.r_[-at.dual + slopes.T @ push, at.equal]
    found, _ = scipy.linalg.lapack.dgetrs(*matrix, right)
    dx, dnu = found[: len(at.x)], found[len(at.x) :]
    ds = slopes @ dx + at.slack
    return dx, ds, (mu - at.s * at.a - corrected - at.a * ds) / at.s, dnu


def _reach(at: Iterate, step: tuple[Any, ...], margin: float = 1.0) -> float:
    """The longest step that keeps slacks and multipliers positive."""
    longest = 1.0
    for value, change in ((at.s, step[1]), (at.a, step[2])):
        falling = change < 0
        if np.any(falling):
            longest = min(longest, margin * float(np.min(-value[falling] / change[falling])))
    return longest


def _stepped(program: Program, at: Iterate, step: tuple[Any, ...], mu: float, balance: float) -> Iterate | None:
    """The step, shortened until the residuals fall and slack times multiplier stays even; None if they never do."""
    if not all(np.all(np.isfinite(part)) for part in step):
        return None
    dx, ds, da, dnu = step
    length, before = _reach(at, step, 0.995), at.norm(mu)
    for _ in range(BACKTRACKS):
        moved = iterate(program, at.x + length * dx, at.s + length * ds, at.a + length * da, at.nu + length * dnu)
        after = moved.norm(mu)
        products = moved.s * moved.a
        even = len(products) == 0 or np.min(products) >= balance * np.mean(products)
        lower = np.isfinite(after) and after <= (1 - 0.01 * length) * before
        if even and lower and np.isfinite(program.value(moved.x)):
            return moved
        length *= 0.6
    return None


# -- the end ------------------------------------------------------------------------------------------------------
def _finished(program: Program, at: Iterate) -> Iterate:
    """The point with the active inequalities taken as equations, where that is better."""
    active = at.s < at.a
    x, worst, best = at.x, residual(program, at), at
    for _ in range(POLISHES):
        found = _newton(program, best, x, active)
        x = x + found[: len(x)]
        a = np.zeros(len(active))
        a[active] = found[len(x) : len(x) + int(np.sum(active))]
        x = _on_bounds(program, x, active)
        moved = iterate(program, x, at.s, a, found[len(x) + int(np.sum(active)) :])
        left = residual(program, moved)
        if not left < worst:
            break
        best, worst = moved, left
    return replace(best, a=np.maximum(best.a, 0.0))


def _newton(program: Program, at: Iterate, x: Any, active: Any, cut: float | None = None) -> Any:
    """The Newton step with the active inequalities as equations, and the multipliers behind it."""
    slopes = np.r_[program.inequality_slopes(x)[active], program.equation_slopes(x)]
    values = np.r_[program.inequalities(x)[active], program.equations(x)]
    hessian = program.hessian(x, at.a, at.nu)
    matrix = np.block([[hessian, -slopes.T], [slopes, np.zeros((len(values), len(values)))]])
    return np.linalg.lstsq(matrix, np.r_[-program.gradient(x), -values], rcond=cut)[0]


def _settled(program: Program, at: Iterate) -> bool:
    """Whether another step would stay near: towards a minimum that is not attained steps never get shorter."""
    step = _newton(program, at, at.x, at.a > program.inequalities(at.x), 1e-12)[: len(at.x)]
    return size_of(step) <= 1e-2 * size_of(at.x) + 1e-6


def _on_bounds(program: Program, x: Any, active: Any) -> Any:
    """The same point with entries that stand at a bound, up to rounding, put on it exactly."""
    slopes, c = program.inequality_slopes(x), program.inequalities(x)
    near = ACCURACY * (1.0 + size_of(x))
    moved = np.array(x)
    for k in np.flatnonzero(active & (np.abs(c) <= near)):
        (places,) = np.nonzero(slopes[k])
        if len(places) == 1:
            moved[places[0]] -= c[k] / slopes[k, places[0]]
    return moved
