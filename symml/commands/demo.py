"""``symml demo``: two jobs on real data, from the objective to the fit."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

from symml.commands.command import DONE, Command


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", "-o", type=Path, default=Path("symml_demo"), metavar="DIR",
                        help="folder for derivation.tex and figure.png (default: symml_demo)")  # fmt: skip


def _run(options: argparse.Namespace) -> int:
    importlib.import_module("symml.demonstration").show(options.out)
    return DONE


COMMAND = Command("demo", "two jobs on real data: derive, check, fit, typeset, draw", _arguments, _run, "symml demo", 6)
