"""The figure of ``symml demo``: a derived gradient against finite differences, and the path of a fit on its loss."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

BLUE, ORANGE, DARK = "#0072b2", "#d55e00", "#333333"


def draw(run: Any, X: Any, y: Any, path: Any, target: Path) -> None:
    """Write the figure of a loss of two parameters.

    Parameters
    ----------
    run : callable
        (X, y, w) -> value and gradient.
    X, y : ndarray
        Data.
    path : ndarray, shape (steps, 2)
        Parameters along the fit; the last row is the answer.
    target : Path
        PNG file to write.
    """
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    _differences(left, run, X, y, np.asarray(path)[0] + 0.5)
    _contours(right, run, X, y, np.asarray(path))
    FigureCanvasAgg(figure).print_png(target, metadata={"Software": "symml"})


def _differences(axes: Axes, run: Any, X: Any, y: Any, at: Any) -> None:
    """The V: truncation error falls with the step, rounding error rises."""
    steps = np.logspace(-12, 0, 49)
    direction = np.array([0.6, 0.8])
    value, gradient = run(X, y, at)
    exact = float(gradient @ direction)
    ahead = np.array([run(X, y, at + h * direction)[0] for h in steps])
    behind = np.array([run(X, y, at - h * direction)[0] for h in steps])
    for slopes, name, marker, colour in (
        ((ahead - value) / steps, "forward difference, error ~ h", "o", BLUE),
        ((ahead - behind) / (2 * steps), "central difference, error ~ h²", "s", ORANGE),
    ):
        errors = np.maximum(np.abs(slopes - exact) / abs(exact), 1e-16)
        axes.loglog(steps, errors, marker=marker, markersize=3, linewidth=1, color=colour, label=name)
    axes.set(xlabel="step size h", ylabel="relative difference", title="Derived gradient against finite differences")
    axes.legend(frameon=False)
    axes.grid(alpha=0.3)


def _contours(axes: Axes, run: Any, X: Any, y: Any, path: Any) -> None:
    """The loss, the steps of the fit, and its answer."""
    reach = np.maximum(np.abs(path - path[-1]).max(axis=0), 0.5) * 1.6
    first, second = (np.linspace(c - r, c + r, 61) for c, r in zip(path[-1], reach, strict=True))
    loss = np.array([[run(X, y, np.array([a, b]))[0] for a in first] for b in second])
    low = loss.min()
    levels = low + (loss.max() - low) * np.linspace(0.02, 1, 14) ** 2
    axes.contour(first, second, loss, levels=levels, colors=DARK, linewidths=0.6, alpha=0.6)
    axes.plot(path[:, 0], path[:, 1], marker="o", markersize=4, color=BLUE, label="Newton's steps")
    axes.plot(*path[-1], marker="*", markersize=13, color=ORANGE, linestyle="none", label="maximum likelihood")
    axes.set(xlabel="constant", ylabel="slope for 10 °F", title="Logistic loss of the Challenger flights")
    axes.legend(frameon=True)
