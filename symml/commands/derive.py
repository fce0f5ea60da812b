"""``symml derive``: a gradient, Hessian, Jacobian or stationary point, checked, in one of the notations."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from typing import Any

import symml as sml
from symml.commands.command import (
    Command,
    add_output,
    add_seed,
    add_strict,
    add_where,
    as_json,
    deliver,
    require_format,
    source_text,
    status_of,
)  # fmt: skip
from symml.errors import NotSupportedError

RESULTS = ("gradient", "hessian", "jacobian", "derivative", "stationary")


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("objective", help='text such as "||X w - y||^2 + lam*||w||^2"; - reads standard input')
    parser.add_argument("--wrt", required=True, metavar="NAMES", help="the variable, or several separated by commas")
    add_where(parser)
    parser.add_argument("--result", choices=RESULTS, help="default: gradient of a scalar objective, else jacobian")
    parser.add_argument("--steps", action="store_true", help="show the whole derivation and its check")
    parser.add_argument("--subject-to", metavar="EQUATION", help="constraint, with --result stationary")
    add_output(parser)
    add_seed(parser)
    add_strict(parser)


def _run(options: argparse.Namespace) -> int:
    require_format(options, _WRITERS)
    names = [name.strip() for name in options.wrt.split(",") if name.strip()]
    wrt = names[0] if len(names) == 1 else names
    derivation = sml.derive(source_text(options.objective), wrt=wrt, where=options.where)
    options.result = options.result or ("gradient" if derivation.objective.shape == () else "jacobian")
    if options.result == "stationary":
        return _stationary(derivation, options)
    report = derivation.check(order=2 if options.result == "hessian" else 1, seed=options.seed)
    deliver(_WRITERS[options.format](derivation, report, options), options)
    if not report.passed:
        print(f"symml derive: {report}", file=sys.stderr)
    return status_of([report.verdict], options.strict)


def _stationary(derivation: Any, options: argparse.Namespace) -> int:
    point = derivation.stationary(subject_to=options.subject_to)
    if options.format == "numpy":
        raise NotSupportedError("--as numpy writes derivatives; choose unicode, latex or json for a stationary point")
    if options.format == "json":
        deliver(as_json(point.to_dict()), options)
    else:
        deliver(point.latex() if options.format == "latex" else str(point), options)
    return status_of([step.verdict for step in point.steps], options.strict)


def _named(found: Any, show: Callable[[Any], str]) -> str:
    """Return one line for a result, or one for each variable."""
    if isinstance(found, Mapping) or hasattr(found, "keys"):
        return "\n".join(f"{_key(key)}: {show(found[key])}" for key in found.keys())  # noqa: SIM118  not all are mappings
    return show(found)


def _key(key: Any) -> str:
    return key if isinstance(key, str) else ", ".join(key)


def _unicode(derivation: Any, report: Any, options: argparse.Namespace) -> str:
    found = _named(getattr(derivation, options.result), str)
    if not options.steps:
        return found
    steps = (f"{step}  {step.verdict}" for step in derivation.steps)
    return "\n".join([f"f = {derivation.objective}", *steps, "", found, str(report)])


def _latex(derivation: Any, report: Any, options: argparse.Namespace) -> str:
    return derivation.latex() if options.steps else _named(getattr(derivation, options.result), _latex_of)


def _latex_of(found: Any) -> str:
    if hasattr(found, "latex"):
        return str(found.latex())
    return str(found._repr_latex_()).strip("$").removeprefix(r"\displaystyle ")


def _numpy(derivation: Any, report: Any, options: argparse.Namespace) -> str:
    return str(derivation.lambdify(options.result).source)


def _json(derivation: Any, report: Any, options: argparse.Namespace) -> str:
    found = getattr(derivation, options.result)
    content = {
        **derivation.to_dict(), "result": options.result, "text": _named(found, str), "latex": _named(found, _latex_of),
        "numpy": _numpy(derivation, report, options), "check": report.to_dict(),
    }  # fmt: skip
    return as_json(content)


_WRITERS: Mapping[str, Callable[[Any, Any, argparse.Namespace], str]] = {
    "latex": _latex, "unicode": _unicode, "numpy": _numpy, "json": _json,
}  # fmt: skip

COMMAND = Command(
    "derive", "derive and check a gradient, Hessian, Jacobian or stationary point", _arguments, _run,
    'symml derive "||X w - y||^2 + lam*||w||^2" --wrt w --where "X: n x d, y: n, w: d, lam > 0" --as latex', 1,
)  # fmt: skip
