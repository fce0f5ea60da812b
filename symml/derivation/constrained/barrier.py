"""The barrier method for curved inequalities: slower than primal-dual steps, and sure where a point is inside."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from symml.derivation.constrained.feasibility import Iterate, Program, iterate, size_of
from symml.errors import DataError

SOURCE = "S. Boyd and L. Vandenberghe, Convex Optimization (2004), sections 11.3 and 11.4"
GROWTH, LARGEST = 15.0, 1e12
NEWTON, BACKTRACKS = 60, 50
DECREMENT = 1e-11
INSIDE = 1e-6


def by_barrier(program: Program) -> Iterate:
    """Return a point close to the minimum with its multipliers 1/(τ c).

    Raises
    ------
    DataError
        If no point is found that is strictly inside the inequalities.
    """
    x = _inside(program, program.start)
    weight = len(program.inequalities(x)) / max(1.0, abs(program.value(x)))
    nu = np.zeros(len(program.equations(x)))
    while True:
        x, nu = _centred(program, x, nu, weight)
        if weight >= LARGEST:
            break
        weight *= GROWTH
    c = program.inequalities(x)
    return iterate(program, x, c, 1.0 / (weight * c), nu)


def _centred(program: Program, x: Any, nu: Any, weight: float, enough: float | None = None) -> tuple[Any, Any]:
    """Minimise f − Σ log(c)/τ on the equations by Newton's method."""

    def height(z: Any) -> float:
        c = program.inequalities(z)
        return float(program.value(z) - np.sum(np.log(c)) / weight) if np.all(c > 0) else np.inf

    for _ in range(NEWTON):
        c, slopes, turned = program.inequalities(x), program.inequality_slopes(x), program.equation_slopes(x)
        a = 1.0 / (weight * c)
        slope = program.gradient(x) - slopes.T @ a
        bent = program.hessian(x, a, nu) + (slopes.T * (a / c)) @ slopes
        size = len(turned)
        matrix = np.block([[bent, -turned.T], [-turned, np.zeros((size, size))]])
        found = np.linalg.lstsq(matrix, np.r_[-slope, program.equations(x)], rcond=None)[0]
        step, nu = found[: len(x)], found[len(x) :]
        length, here = _longest(program, x, step), height(x)
        far = size_of(program.equations(x)) > DECREMENT
        for _ in range(BACKTRACKS):
            there = height(x + length * step)
            if there <= here + 1e-4 * length * min(float(slope @ step), 0.0) or (far and np.isfinite(there)):
                break
            length *= 0.6
        else:
            break
        x = x + length * step
        if enough is not None and program.value(x) < enough:
            break
        if not far and -float(slope @ step) / 2 < DECREMENT / weight:
            break
    return x, nu


def _longest(program: Program, x: Any, step: Any) -> float:
    length = 1.0
    for _ in range(BACKTRACKS):
        c = program.inequalities(x + length * step)
        if np.all(np.isfinite(c)) and np.all(c > 0):
            break
        length *= 0.6
    return length


def _inside(program: Program, x: Any) -> Any:
    """A point at which all inequalities are strict: minimise t with c + t >= 0 until t is negative."""
    c = program.inequalities(x)
    if np.all(c > INSIDE) and size_of(program.equations(x)) <= INSIDE:
        return x
    n, zero = len(x), np.zeros(len(c))

    def hessian(z: Any, a: Any, nu: Any) -> Any:
        whole = np.zeros((n + 1, n + 1))
        curved = program.hessian(z[:n], a[:-1], nu) - program.hessian(z[:n], zero, nu)
        whole[:n, :n] = curved
        return whole

    wide = 1.0 + 10.0 * size_of(c)
    phase = replace(
        program,
        start=np.r_[x, wide / 2],
        value=lambda z: float(z[n]),
        gradient=lambda z: np.r_[np.zeros(n), 1.0],
        hessian=hessian,
        inequalities=lambda z: np.r_[program.inequalities(z[:n]) + z[n], wide + z[n]],
        inequality_slopes=lambda z: np.block(
            [[program.inequality_slopes(z[:n]), np.ones((len(c), 1))], [np.zeros((1, n)), np.ones((1, 1))]]
        ),
        equations=lambda z: program.equations(z[:n]),
        equation_slopes=lambda z: np.c_[program.equation_slopes(z[:n]), np.zeros(len(program.equations(z[:n])))],
    )
    z, nu, weight = phase.start, np.zeros(len(program.equations(x))), 1.0
    while weight < LARGEST:
        z, nu = _centred(phase, z, nu, weight, enough=-INSIDE)
        if z[n] < -INSIDE and size_of(program.equations(z[:n])) <= INSIDE:
            return z[:n]
        weight *= GROWTH
    raise DataError("no point was found that is strictly inside all inequalities at these values.")
