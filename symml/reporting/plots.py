"""Figures, one call each, that return the Axes; matplotlib is imported when a figure is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from symml.checking.sampling import draw
from symml.codegen.interpreter import prepare
from symml.derivation.results import directional
from symml.errors import NotSupportedError
from symml.language import hooks
from symml.language.names import unicode_name

if TYPE_CHECKING:
    from symml.derivation.derivation import Derivation
    from symml.fitting.trace import Trace

GRID = 60
LEVELS = 18
STEP_SIZES = np.logspace(0, -12, 49)


def axes(ax: Any = None) -> Any:
    """Return the given Axes, or those of a new figure."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt  # the one optional back end, loaded when a figure is wanted

    return plt.subplots(figsize=(5.2, 3.8), layout="constrained")[1]


def plot_trace(trace: Trace, kind: str | None = None, ax: Any = None) -> Any:
    """Draw a minimisation: its convergence or its path.

    Raises
    ------
    NotSupportedError
        If `kind` is not one of the two.
    """
    kinds = {None: convergence, "convergence": convergence, "path": path}
    if kind not in kinds:
        raise NotSupportedError(f"kind={kind!r} is not known; choose 'convergence' or 'path'")
    return kinds[kind](trace, ax)


def convergence(trace: Trace, ax: Any = None) -> Any:
    """Draw gradient norm and distance of the value from the best one, against steps, on a logarithmic scale."""
    ax = axes(ax)
    steps = np.arange(len(trace.values))
    norms = np.where(trace.gradient_norms > 0, trace.gradient_norms, np.nan)
    above = trace.values - np.min(trace.values)
    ax.semilogy(steps, norms, "-", color="C0", label="gradient norm")
    ax.semilogy(steps, np.where(above > 0, above, np.nan), "--", color="C1", label="value − smallest value")
    ax.set_xlabel("step")
    ax.set_title(trace.method)
    ax.legend(frameon=False)
    ax.grid(alpha=0.3)
    return ax


def path(trace: Trace, ax: Any = None) -> Any:
    """Draw the path over contours of the objective.

    With more than two parameters the plane is that through the last point which holds most of the path.
    """
    ax = axes(ax)
    points = np.asarray(trace.path)
    if points.shape[1] == 1:
        return _along_a_line(trace, points[:, 0], ax)
    origin, frame, names = _plane(points, trace.names)
    flat = (points - origin) @ frame.T
    first, second = (_span(flat[:, k]) for k in range(2))
    values = np.array([[trace.objective(origin + a * frame[0] + b * frame[1]) for a in first] for b in second])
    good = np.isfinite(values)
    if np.any(good):
        shown = np.where(good, values, np.nan)
        ax.contour(first, second, shown, levels=_levels(values[good]), colors="0.7", linewidths=0.8)
    ax.plot(flat[:, 0], flat[:, 1], "o-", color="C0", markersize=3, linewidth=1.2)
    ax.plot(*flat[0], "s", color="C1", label="start")
    ax.plot(*flat[-1], "*", color="C3", markersize=11, label="end")
    ax.set_xlabel(names[0])
    ax.set_ylabel(names[1])
    ax.set_title(trace.method)
    ax.legend(frameon=False)
    return ax


def _along_a_line(trace: Trace, points: Any, ax: Any) -> Any:
    line = _span(points)
    ax.plot(line, [trace.objective(np.array([t])) for t in line], color="0.6")
    ax.plot(points, trace.values, "o-", color="C0", markersize=3)
    ax.set_xlabel(trace.names[0])
    ax.set_ylabel("objective")
    return ax


def _plane(points: Any, names: tuple[str, ...]) -> tuple[Any, Any, tuple[str, str]]:
    if points.shape[1] == 2:
        return np.zeros(2), np.eye(2), (names[0], names[1])
    moved = points - points[-1]
    _, _, directions = np.linalg.svd(moved, full_matrices=True)
    return points[-1], directions[:2], ("first direction of the path", "second direction of the path")


def _span(values: Any) -> Any:
    low, high = float(np.min(values)), float(np.max(values))
    margin = 0.25 * (high - low) or 0.25 * max(1.0, abs(high))
    return np.linspace(low - margin, high + margin, GRID)


def _levels(values: Any) -> Any:
    low, high = float(np.min(values)), float(np.quantile(values, 0.98))
    spread = max(high - low, 1e-12)
    return low + spread * np.geomspace(1e-3, 1.0, LEVELS)


def plot_derivation(derivation: Derivation, kind: str | None = None, ax: Any = None, seed: int = 0) -> Any:
    """Draw the error of central differences against the derived gradient for many step sizes: the V.

    A right gradient falls with the square of the step until rounding takes over near 1e-5; a wrong one stays flat.
    """
    if kind not in (None, "gradient-check"):
        raise NotSupportedError(f"kind={kind!r} is not known; choose 'gradient-check'")
    ax = axes(ax)
    rng = np.random.default_rng(seed)
    values, sizes = draw(derivation.source.symbols, rng)
    function = prepare(derivation.objective)
    for v in derivation.wrt:
        step = rng.normal(size=np.shape(values[v.name]))
        step = step / np.linalg.norm(step) if np.ndim(step) else 1.0
        truth = np.asarray(directional(derivation._result("gradient", v), v)(values, sizes, step), float)
        errors = [_difference_error(function, values, sizes, v.name, step, h, truth) for h in STEP_SIZES]
        ax.loglog(STEP_SIZES, errors, ".-", label=unicode_name(v.name))
    ax.set_xlabel("step size of the central difference")
    ax.set_ylabel("relative error of the derivative")
    ax.legend(frameon=False)
    ax.grid(alpha=0.3)
    return ax


def _difference_error(function: Any, values: Any, sizes: Any, name: str, step: Any, h: float, truth: Any) -> float:
    with np.errstate(all="ignore"):
        ahead = function({**values, name: values[name] + h * step}, sizes)
        behind = function({**values, name: values[name] - h * step}, sizes)
        error = abs((float(ahead) - float(behind)) / (2 * h) - float(truth)) / max(abs(float(truth)), 1e-12)
    return max(error, 1e-17) if np.isfinite(error) else float("nan")


hooks.provide("plot_trace", plot_trace)
hooks.provide("plot_derivation", plot_derivation)
