"""What ``symml demo`` shows: two jobs on real data, each from the objective to the fit, by the public names alone."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

import symml as sml
from symml.errors import DataError
from symml.reporting.demonstration_figure import draw

PLACES = (Path(__file__).parent / "data", Path(__file__).parent.parent / "worked_examples" / "data")
CERTIFIED = (-3482258.63459582, 15.0618722713733, -0.0358191792925910, -2.02022980381683, -1.03322686717359,
             -0.0511041056535807, 1829.15146461355)  # NIST StRD, Longley  # fmt: skip
LEAST_SQUARES = ("1/2*||X w - y||^2", "X: n x d full column rank, y: n, w: d")
LOGISTIC = ("sum(softplus(X w)) - y'X w", "X: n x d, y: n in {0,1}, w: d")
PREAMBLE = "\\documentclass{article}\n\\usepackage{amsmath,amssymb,geometry}\n\\begin{document}\n"


def show(folder: Path) -> None:
    """Print both jobs and write ``derivation.tex`` and ``figure.png`` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    jobs = (
        ("Least squares on Longley's data", sml.derive(LEAST_SQUARES[0], wrt="w", where=LEAST_SQUARES[1]), _longley),
        ("Logistic regression on the Challenger flights", sml.derive(LOGISTIC[0], wrt="w", where=LOGISTIC[1]), _challenger),
    )
    sections = []
    for number, (title, derivation, fit) in enumerate(jobs, 1):
        print(f"{number}. {title}\n")
        _derivation(derivation)
        fit(derivation)
        print()
        sections.append(f"\\section*{{{title}}}\n{derivation.latex()}\n")
    text, picture = folder / "derivation.tex", folder / "figure.png"
    text.write_text(PREAMBLE + "\n".join(sections) + "\\end{document}\n", encoding="utf-8")
    _figure(jobs[-1][1], picture)
    print(f"wrote {text} (both derivations) and {picture} (gradient check; loss and path)")


def table(name: str) -> dict[str, Any]:
    """Return the columns of a data file that comes with symml, by name.

    Raises
    ------
    DataError
        If the file is neither beside the package nor in ``worked_examples/data``.
    """
    found = [place / name for place in PLACES if (place / name).is_file()]
    if not found:
        raise DataError(f"{name} is missing from {PLACES[0]}: install symml again, or run in a clone")
    with found[0].open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    return {key: np.array([float(row[key]) for row in rows]) for key in rows[0]}


def flights(centred: bool = False) -> tuple[Any, Any]:
    """Return constant and temperature, and failure, of the 23 flights; centred: in tens of degrees from 70 F."""
    columns = table("challenger.csv")
    warmth = columns["temperature_f"]
    return np.column_stack([np.ones_like(warmth), (warmth - 70) / 10 if centred else warmth]), columns["failure"]


def _derivation(derivation: Any) -> None:
    print(f"   minimise  {derivation.objective}   over {derivation.wrt[0]}")
    for step in derivation.steps:
        print(f"   {step.text:<36} {step.verdict!s:<7} {step.statement}")
    print(f"   Hessian   {derivation.hessian}")
    print(f"   {derivation.check(seed=0)}")


def _longley(derivation: Any) -> None:
    columns = table("longley.csv")
    names = [key for key in columns if key != "y"]
    y = columns["y"]
    X = np.column_stack([np.ones_like(y), *(columns[key] for key in names)])
    print(f"   normal equations   {derivation.stationary().equation}")
    result = derivation.fit(X=X, y=y, covariance="least-squares")
    print(f"   fit by {result.method}, {len(y)} years; digits: agreement with the values certified by NIST\n")
    print(f"   {'':<14} {'estimate':>16} {'std err':>12} {'digits':>7}")
    rows = zip(["constant", *names], result.params["w"], result.bse["w"], CERTIFIED, strict=True)
    for name, got, error, want in rows:
        digits = min(15.0, -np.log10(max(abs(got - want) / abs(want), 1e-15)))
        print(f"   {name:<14} {got:>16.8g} {error:>12.5g} {digits:>7.1f}")


def _challenger(derivation: Any) -> None:
    X, y = flights()
    result = derivation.fit(X=X, y=y, covariance="loglike")
    print(f"   fit by {result.method}, {len(y)} flights, log-likelihood {-result.value:.3f}\n")
    print(f"   {'':<14} {'estimate':>10} {'std err':>9} {'p-value':>9}")
    rows = zip(("constant", "temperature"), result.params["w"], result.bse["w"], result.pvalues["w"], strict=True)
    for name, got, error, p in rows:
        print(f"   {name:<14} {got:>10.4f} {error:>9.4f} {p:>9.3f}")
    odds = 1 / (1 + np.exp(-float(result.params["w"] @ [1, 31])))
    print(f"\n   at the 31 F of the last launch the fitted chance of O-ring damage is {odds:.4f}")


def _figure(derivation: Any, target: Path) -> None:
    """The gradient check, and Newton's path with temperature in tens of degrees from 70 F, where the loss is round."""
    X, y = flights(centred=True)
    run = sml.lambdify(["X", "y", "w"], derivation.objective, derivation.gradient)
    curve = sml.lambdify(["X", "y", "w"], derivation.gradient, derivation.hessian)
    path = [np.zeros(2)]
    for _ in range(8):
        gradient, hessian = curve(X, y, path[-1])
        path.append(path[-1] - np.linalg.solve(hessian, gradient))
    draw(run, X, y, np.array(path), target)
