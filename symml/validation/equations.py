"""From equation to equation: the second must hold wherever the first does.

The first equation is solved for its variable by Newton at random values of everything else; the second is
evaluated there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from symml.checking.sampling import draw_array, draw_scalar
from symml.language.expressions import Expression, Symbol
from symml.language.operators import show_shape
from symml.language.tables import symbol_table
from symml.records import Counterexample, verdict
from symml.validation.judge import SEED, Comparison, residual
from symml.validation.points import Compiled, Point, finite, largest, points, size_choices

STEPS = 60
SOLVED = 1e-11
TOLERANCE = 1e-7


def follows(
    equation: Expression, variable: str, left: Expression, right: Expression, table: Mapping[str, Any]
) -> Comparison:
    """Return whether left = right at every solution found of equation = 0 for a variable."""
    if left.shape != right.shape:
        reason = f"the shapes differ: {show_shape(left.shape)} and {show_shape(right.shape)}"
        return Comparison(verdict("wrong", reason=reason), reason)
    symbols = {**symbol_table(equation), **symbol_table(left), **symbol_table(right)}
    compiled, sides = Compiled(equation), (Compiled(left), Compiled(right))
    rng = np.random.default_rng(SEED)
    used, worst = [], 0.0
    for sizes in size_choices(symbols):
        for at in points(symbols, rng, sizes):
            root = _solve(compiled, variable, symbols[variable], at, rng)
            if root is None:
                continue
            x, y = (s.value(root) for s in sides)
            if not (finite(x) and finite(y)):
                continue
            error = residual(x, y, sides, root)
            if error > TOLERANCE:
                example = Counterexample(dict(root.values), x, y, error, SEED)
                return Comparison(
                    verdict("wrong", counterexample=example), f"at a solution for {variable} the sides differ", (root,)
                )
            worst = max(worst, error)
            used.append(root)
            break
    if not used:
        reason = f"no solution for {variable} was found at the points drawn"
        return Comparison(verdict("unchecked", reason=reason), reason)
    note = f"holds to {worst:.0e} at {len(used)} solutions for {variable} of the equation before"
    return Comparison(verdict("holds", certificate=note), note, tuple(used))


def _solve(equation: Compiled, variable: str, symbol: Any, at: Point, rng: np.random.Generator) -> Point | None:
    """Newton with a numeric Jacobian; None if it does not converge."""
    start = draw_array(symbol, rng, at.sizes) if isinstance(symbol, Symbol) else draw_scalar(symbol, rng)
    shape = np.shape(start)
    x = np.ravel(np.asarray(start, float)).copy()

    def put(flat: Any) -> Point:
        return Point({**at.values, variable: flat.reshape(shape) if shape else float(flat[0])}, at.sizes)

    def value(flat: Any) -> Any:
        found = equation.value(put(flat))
        return np.ravel(found) if finite(found) else None

    for _ in range(STEPS):
        f = value(x)
        if f is None or len(f) != len(x):
            return None
        if largest(f) <= SOLVED * max(equation.scale(put(x)), 1e-3):
            return put(x)
        step = 1e-6 * np.maximum(1.0, np.abs(x))
        columns = []
        for k in range(len(x)):
            moved = np.where(np.arange(len(x)) == k, step, 0.0)
            up, down = value(x + moved), value(x - moved)
            if up is None or down is None:
                return None
            columns.append((up - down) / (2 * step[k]))
        try:
            change = np.linalg.solve(np.stack(columns, axis=1), -f)
        except np.linalg.LinAlgError:
            return None
        x = x + change
    return None
