"""``symml doctor``: versions, optional parts, and one self-check."""

from __future__ import annotations

import argparse
import platform
from collections.abc import Iterator
from importlib import metadata

import symml as sml
from symml.commands.command import DONE, FAILED, Command, add_seed

REQUIRED = {"sympy": "sympy", "numpy": "numpy", "scipy": "scipy", "matplotlib": "matplotlib"}
OPTIONAL = {"pandas": "data frames", "statsmodels": "cross-checks", "IPython": "notebooks", "pytest": "the tests"}
FORMULAS = (
    ("1/2*||X w - y||^2 + lam/2*||w||^2", "w", "X: n x d, y: n, w: d, lam > 0"),
    ("sum(softplus(X w)) - y'X w", "w", "X: n x d, y: n in {0,1}, w: d"),
    ("logdet(S) + tr(inv(S) A)", "S", "S: d x d spd, A: d x d spd"),
)


def _arguments(parser: argparse.ArgumentParser) -> None:
    add_seed(parser)


def _run(options: argparse.Namespace) -> int:
    print(f"symml {sml.__version__}, Python {platform.python_version()}, {platform.platform()}")
    missing = [name for name in REQUIRED if _version(name) is None]
    for name in REQUIRED:
        print(f"  {name:<12} {_version(name) or 'MISSING: pip install ' + name}")
    for name, use in OPTIONAL.items():
        print(f"  {name:<12} {_version(name) or f'not installed (optional: {use})'}")
    if missing:
        print(f"symml cannot work without {', '.join(missing)}")
        return FAILED
    outcomes = list(_self_check(options.seed))
    if not all(outcomes):
        print("the self-check FAILED: this installation must not be trusted; please report the lines above")
        return FAILED
    print(f"all well: {len(outcomes)} of {len(outcomes)} formulas derived and confirmed by finite differences")
    return DONE


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _self_check(seed: int) -> Iterator[bool]:
    for objective, variable, where in FORMULAS:
        derivation = sml.derive(objective, wrt=variable, where=where)
        report = derivation.check(seed=seed)
        outcome = "ok" if report.passed else "FAILED"
        print(f"  {outcome:<6} ∇ of {derivation.objective} by {variable}:  {derivation.gradient}\n         {report}")
        yield report.passed is True


COMMAND = Command("doctor", "versions, optional parts, and a self-check", _arguments, _run, "symml doctor", 7)
