"""Convex programs as functions of arrays: a point inside their inequalities, and which of these hold with equality.

Both are found by linear programming where the constraints are affine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy  # its parts are loaded by scipy itself when they are first used

from symml.errors import DataError

OPEN = 1e-7  # slacks that linear programming tells from zero


@dataclass(frozen=True)
class Program:
    """The functions of a convex program; x, the multipliers a >= 0 of c and nu of h are flat arrays.

    `gradient` is that of f, `hessian` that of f − aᵀ c − nuᵀ h.
    """

    start: Any
    value: Callable[[Any], float]
    gradient: Callable[[Any], Any]
    hessian: Callable[[Any, Any, Any], Any]
    inequalities: Callable[[Any], Any]
    inequality_slopes: Callable[[Any], Any]
    equations: Callable[[Any], Any]
    equation_slopes: Callable[[Any], Any]
    affine: bool


@dataclass(frozen=True)
class Iterate:
    """A point with its slacks and multipliers, and what is left of the conditions there."""

    x: Any
    s: Any
    a: Any
    nu: Any
    dual: Any
    slack: Any
    equal: Any
    gradient: Any

    def norm(self, mu: float) -> float:
        """Return the length of all residuals, complementarity against mu."""
        parts = (self.dual, self.slack, self.equal, self.s * self.a - mu)
        return float(np.sqrt(sum(float(np.sum(p * p)) for p in parts)))


def size_of(array: Any) -> float:
    """Return the largest absolute entry."""
    return float(np.max(np.abs(array), initial=0.0))


def iterate(program: Program, x: Any, s: Any, a: Any, nu: Any) -> Iterate:
    """Return a point with what is left of the conditions there."""
    g = program.gradient(x)
    dual = g - program.inequality_slopes(x).T @ a - program.equation_slopes(x).T @ nu
    return Iterate(x, s, a, nu, dual, program.inequalities(x) - s, program.equations(x), g)


def opened(program: Program) -> tuple[Program, Any]:
    """Return the program from a point far inside its inequalities, and which of these are equations in disguise."""
    none = np.zeros(len(program.inequalities(program.start)), bool)
    if not program.affine:
        return program, none
    x, distance = _inside(program, program.start)
    tied = none if distance > OPEN else _tied(program, x)
    finite = np.isfinite(program.value(x)) or not np.isfinite(program.value(program.start))
    return (replace(program, start=x) if finite else program), tied


def _inside(program: Program, x: Any) -> tuple[Any, float]:
    """The point that keeps the largest distance, up to 1, from all inequalities: a linear program."""
    c, h = program.inequalities(x), program.equations(x)
    slopes, turned = program.inequality_slopes(x), program.equation_slopes(x)
    found = scipy.optimize.linprog(
        np.r_[np.zeros(len(x)), -1.0],
        A_ub=np.c_[-slopes, lengths(slopes)],
        b_ub=c,
        A_eq=np.c_[turned, np.zeros(len(h))] if len(h) else None,
        b_eq=-h if len(h) else None,
        bounds=[(None, None)] * len(x) + [(None, 1.0)],
    )
    if found.status == 2 or found.x is None:
        raise DataError("no point satisfies the equations among the constraints at these values.")
    distance = float(found.x[-1])
    if distance < -OPEN * (1.0 + size_of(c)):
        raise DataError(f"no point satisfies all constraints at these values: one is violated by {-distance:.3g}.")
    return x + found.x[:-1], distance


def lengths(slopes: Any) -> Any:
    """Return the lengths of the rows, never zero."""
    return np.maximum(np.linalg.norm(slopes, axis=1), 1e-300)


def _tied(program: Program, x: Any) -> Any:
    """The inequalities that hold with equality at every feasible point; found by opening all others."""
    c, h = program.inequalities(x), program.equations(x)
    slopes, turned = program.inequality_slopes(x), program.equation_slopes(x)
    tied = np.ones(len(c), bool)
    while np.any(tied):
        columns = np.diag(lengths(slopes))[:, tied]
        found = scipy.optimize.linprog(
            np.r_[np.zeros(len(x)), -np.ones(columns.shape[1])],
            A_ub=np.c_[-slopes, columns],
            b_ub=np.maximum(c, 0.0),
            A_eq=np.c_[turned, np.zeros((len(h), columns.shape[1]))] if len(h) else None,
            b_eq=np.zeros(len(h)) if len(h) else None,
            bounds=[(None, None)] * len(x) + [(0.0, 1.0)] * columns.shape[1],
        )
        opened = found.x[len(x) :] > OPEN if found.status == 0 else np.ones(columns.shape[1], bool)
        if not np.any(opened):
            break
        tied[np.flatnonzero(tied)[opened]] = False
    return tied


def with_equations(program: Program, tied: Any) -> Program:
    """Return the program with some inequalities taken as equations."""
    zeros = np.zeros(len(tied))

    def hessian(x: Any, a: Any, nu: Any) -> Any:
        whole = np.array(zeros)
        whole[~tied], whole[tied] = a, nu[len(nu) - int(np.sum(tied)) :]
        return program.hessian(x, whole, nu[: len(nu) - int(np.sum(tied))])

    return replace(
        program,
        hessian=hessian,
        inequalities=lambda x: program.inequalities(x)[~tied],
        inequality_slopes=lambda x: program.inequality_slopes(x)[~tied],
        equations=lambda x: np.r_[program.equations(x), program.inequalities(x)[tied]],
        equation_slopes=lambda x: np.r_[program.equation_slopes(x), program.inequality_slopes(x)[tied]],
    )


def without_equations(program: Program, at: Iterate, tied: Any) -> Iterate:
    """Return a point of the program with equations as one of the program itself."""
    count = len(at.nu) - int(np.sum(tied))
    a, s = np.zeros(len(tied)), np.zeros(len(tied))
    a[~tied], a[tied], s[~tied] = at.a, at.nu[count:], at.s
    return iterate(program, at.x, s, a, at.nu[:count])
