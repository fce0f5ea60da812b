"""Directional derivatives by central differences with Richardson extrapolation.

The number of evaluations does not grow with the number of parameters: a derivative is compared along random directions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

STEPS = (2e-3, 1e-3, 5e-4)


@dataclass(frozen=True)
class Slope:
    """A directional derivative, its estimated relative error, and whether the function looks smooth there."""

    value: Array
    error: float
    smooth: bool
    evaluations: int


def slope(f: Callable[[Array], Array], x: Array, direction: Array, reach: float = 1.0) -> Slope:
    """Return d/dt f(x + t·direction) at t = 0 from six evaluations.

    Three central differences are combined twice (error of order h⁶); a kink within reach shows as disagreement between
    the two combinations of order h⁴ and makes `smooth` False. `reach` scales the steps.
    """
    scale = reach * max(1.0, float(np.max(np.abs(x), initial=0.0)))
    unit = direction / max(float(np.max(np.abs(direction), initial=0.0)), 1e-300)
    length = float(np.max(np.abs(direction), initial=0.0))
    central = []
    size = 0.0
    with np.errstate(all="ignore"):
        for h in STEPS:
            step = h * scale
            high, low = np.asarray(f(x + step * unit), float), np.asarray(f(x - step * unit), float)
            size = max(size, float(np.max(np.abs(high), initial=0.0)), float(np.max(np.abs(low), initial=0.0)))
            central.append((high - low) / (2 * step) * length)
        first, second = (4 * central[1] - central[0]) / 3, (4 * central[2] - central[1]) / 3
        value = (16 * second - first) / 15
    if not np.all(np.isfinite(value)):
        return Slope(value, float("inf"), False, 2 * len(STEPS))
    floor = 1e-13 * size / (STEPS[-1] * scale) * length
    magnitude = max(float(np.max(np.abs(value), initial=0.0)), floor)
    gap = float(np.max(np.abs(first - second), initial=0.0))
    rough = float(np.max(np.abs(central[0] - central[2]), initial=0.0))
    smooth = gap <= 1e-7 * magnitude + 50 * floor or rough <= 50 * floor
    return Slope(value, gap / magnitude if magnitude else 0.0, bool(smooth), 2 * len(STEPS))


def relative_error(got: Array, want: Array, scale: float) -> float:
    """Largest difference relative to the larger of the expected value and `scale`."""
    difference = float(np.max(np.abs(got - want), initial=0.0))
    size = max(float(np.max(np.abs(want), initial=0.0)), scale)
    return difference / size if size else (0.0 if difference == 0 else float("inf"))
