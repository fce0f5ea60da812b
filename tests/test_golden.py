r"""Golden LaTeX: whole derivations as they are printed, one reviewed file a case of `cases/golden.json`.

After a change that is meant to be seen, ``python tests/test_golden.py`` writes the files again (with names of cases:
these only); read the difference before it is kept. All of them were set by KaTeX and by LaTeX and looked at.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import symml as sml
from symml.notation.layout import PAGE, width

HERE = Path(__file__).parent
FOLDER = HERE / "golden"
CASES = {c["id"]: c for c in json.loads((HERE / "cases" / "golden.json").read_text(encoding="utf-8"))}
SEEDED = ("ridge", "network", "gaussian_covariance", "attention", "pca_stationary", "rayleigh_hessian")


@cache
def told(name: str) -> Any:
    """The derivation of a case, or its stationary point."""
    case = CASES[name]
    d = sml.derive(case["text"], wrt=case["wrt"], where=case["where"])
    return d.stationary(subject_to=case.get("subject_to")) if case["kind"] == "stationary" else d


def render(name: str) -> str:
    """The LaTeX of a case."""
    case, found = CASES[name], told(name)
    if case["kind"] == "stationary":
        return found.latex() + "\n"
    return found.latex(case["level"], of="hessian" if case["kind"] == "hessian" else "gradient") + "\n"


@pytest.mark.parametrize("name", CASES)
def test_golden(name):
    assert render(name) == (FOLDER / f"{name}.tex").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", CASES)
def test_golden_files_are_well_formed(name):
    first, *rows, last = (FOLDER / f"{name}.tex").read_text(encoding="utf-8").splitlines()
    assert (first, last) == (r"\begin{align*}", r"\end{align*}")
    assert not re.search(r"[^\x00-\x7f]", "".join(rows)), "LaTeX that needs no font of its own"
    for k, row in enumerate(rows):
        assert row.endswith(r" \\") == (k < len(rows) - 1)
        assert row.count("{") == row.count("}")
        assert row.count(r"\left") == row.count(r"\right")
        formula, _, reason = row.removesuffix(r" \\").partition("&&")
        assert formula.count("&") == 1
        assert reason.count("$") % 2 == 0
        assert width(formula) < PAGE


@pytest.mark.parametrize("name", [n for n, c in CASES.items() if c["kind"] not in ("stationary", "hessian")])
def test_every_step_of_a_golden_derivation_is_ok(name):
    for step in told(name).steps:
        assert step.verdict.ok, str(step)


def test_every_golden_file_has_a_case():
    assert {p.stem for p in FOLDER.glob("*.tex")} == set(CASES)


@pytest.mark.parametrize("seed", ["1", "2"])
def test_the_text_does_not_depend_on_the_order_of_hashes(seed):
    program = "import sys; from test_golden import render; [print(render(n)) for n in sys.argv[1:]]"
    command = [sys.executable, "-c", program, *SEEDED]
    paths = os.pathsep.join([str(HERE), str(HERE.parent)])
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": paths, "PYTHONIOENCODING": "utf-8"}
    found = subprocess.run(command, capture_output=True, encoding="utf-8", env=environment, check=True)
    assert found.stdout == "".join(f"{render(n)}\n" for n in SEEDED)


if __name__ == "__main__":
    for chosen in sys.argv[1:] or CASES:
        (FOLDER / f"{chosen}.tex").write_text(render(chosen), encoding="utf-8")
