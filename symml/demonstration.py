"""What ``symml demo`` shows: two jobs on real data, each from the objective to the fit, by the public names alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import symml as sml
from symml.errors import DataError

PLACES = (Path(__file__).parent / "data", Path(__file__).parent.parent / "worked_examples" / "data")
LEAST_SQUARES = ("1/2*||X w - y||^2", "X: n x d full column rank, y: n, w: d")
LOGISTIC = ("sum(softplus(X w)) - y'X w", "X: n x d, y: n in {0,1}, w: d")
PREAMBLE = "\\documentclass{article}\n\\usepackage{amsmath,amssymb,geometry}\n\\begin{document}\n"


def show(folder: Path) -> None:
    """Print both jobs and write ``derivation.tex`` and ``figure.png`` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    jobs = (
        ("Least squares on Longley's data", LEAST_SQUARES, _longley),
        ("Logistic regression on the Challenger flights", LOGISTIC, _challenger),
    )
    sections = []
    for number, (title, (objective, where), fit) in enumerate(jobs, 1):
        derivation = sml.derive(objective, wrt="w", where=where)
        print(f"{number}. {title}\n")
        _derivation(derivation)
        fit(derivation)
        print()
        sections.append(f"\\section*{{{title}}}\n{derivation.latex()}\n")
    text, picture = folder / "derivation.tex", folder / "figure.png"
    text.write_text(PREAMBLE + "\n".join(sections) + "\\end{document}\n", encoding="utf-8")
    _figure(derivation, picture)
    print(f"wrote {text} (both derivations) and {picture} (gradient check; loss and path)")


def data_file(name: str) -> str:
    """Return the content of a data file that comes with symml.

    Raises
    ------
    DataError
        If the file is neither beside the package nor in ``worked_examples/data``.
    """
    for place in PLACES:
        if (place / name).is_file():
            return (place / name).read_text(encoding="utf-8")
    raise DataError(f"{name} is missing from {PLACES[0]}: install symml again, or run it in a clone")


def flights() -> tuple[Any, Any]:
    """Return the temperatures in °F and the failures of the 23 flights before the last one of Challenger."""
    rows = np.loadtxt(data_file("challenger.csv").splitlines(), delimiter=",", skiprows=1)
    return rows[:, 0], rows[:, 1]


def longley() -> tuple[Any, Any]:
    """Return the data columns (y, then six predictors) and NIST's certified coefficients, constant first."""
    text = data_file("Longley.dat")
    certified = [float(estimate) for estimate in re.findall(r"^ +B\d +(\S+)", text, re.MULTILINE)]
    return np.array([line.split() for line in text.splitlines()[-16:]], float), np.array(certified)


def _derivation(derivation: Any) -> None:
    print(f"   minimise  {derivation.objective}   over {derivation.wrt[0]}")
    for step in derivation.steps:
        print(f"   {step.text:<36} {step.verdict!s:<7} {step.statement}")
    print(f"   Hessian   {derivation.hessian}")
    print(f"   {derivation.check(seed=0)}")


def _longley(derivation: Any) -> None:
    rows, certified = longley()
    y, X = rows[:, 0], np.column_stack([np.ones(len(rows)), rows[:, 1:]])
    print(f"   normal equations   {derivation.stationary().equation}")
    result = derivation.fit(X=X, y=y, covariance="least-squares")
    print(f"   fit by {result.method}, {len(y)} years; digits that agree with the certified values of NIST\n")
    print(f"   {'':<12} {'estimate':>16} {'std err':>12} {'digits':>7}")
    names = ("constant", *(f"x{k}" for k in range(1, 7)))
    for name, got, error, want in zip(names, result.params["w"], result.bse["w"], certified, strict=True):
        digits = -np.log10(max(abs(got - want) / abs(want), 1e-15))
        print(f"   {name:<12} {got:>16.8g} {error:>12.5g} {digits:>7.1f}")


def _challenger(derivation: Any) -> None:
    warmth, failure = flights()
    result = derivation.fit(X=np.column_stack([np.ones_like(warmth), warmth]), y=failure, covariance="loglike")
    print(f"   fit by {result.method}, {len(failure)} flights, log-likelihood {-result.value:.3f}\n")
    print(f"   {'':<12} {'estimate':>16} {'std err':>12} {'p-value':>7}")
    rows = zip(("constant", "temperature"), result.params["w"], result.bse["w"], result.pvalues["w"], strict=True)
    for name, got, error, p in rows:
        print(f"   {name:<12} {got:>16.4f} {error:>12.4f} {p:>7.3f}")
    chance = 1 / (1 + np.exp(-float(result.params["w"] @ [1, 31])))
    print(f"\n   at the 31 °F of the last launch the fitted chance of damage to the O-rings is {chance:.4f}")


def _figure(derivation: Any, target: Path) -> None:
    """Draw the gradient check, and the path of a fit on its loss; temperatures in tens of °F from 70 make it round."""
    warmth, failure = flights()
    X = np.column_stack([np.ones_like(warmth), (warmth - 70) / 10])
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    derivation.plot(ax=left)
    left.set_title("Derived gradient against finite differences")
    left.get_legend().remove()
    derivation.minimize(X=X, y=failure, method="newton").plot("path", ax=right)
    right.set(title="Challenger flights: loss, Newton's path", xlabel="constant", ylabel="slope for 10 °F")
    right.legend(loc="lower right")
    FigureCanvasAgg(figure).print_png(target)
