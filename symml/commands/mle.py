"""``symml mle``: likelihood, score, estimator and information of a model."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

import symml as sml
from symml.commands.command import (
    Command,
    add_output,
    add_strict,
    add_where,
    as_json,
    deliver,
    require_format,
    source_text,
    status_of,
)  # fmt: skip

OFFERED = ("unicode", "latex", "json")
PARTS = ("sufficient_statistics", "loglike", "score", "estimator", "profile", "information", "conditions", "warnings")


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help='such as "x ~ Normal(mu, sigma)"; - reads standard input')
    add_where(parser)
    parser.add_argument("--steps", action="store_true", help="show the derivation too")
    add_output(parser, OFFERED)
    add_strict(parser)


def _run(options: argparse.Namespace) -> int:
    require_format(options, OFFERED)
    model = sml.mle(source_text(options.model), where=options.where)
    if options.format == "latex":
        deliver(model.latex(), options)
    elif options.format == "json":
        deliver(as_json(model.to_dict()), options)
    else:
        steps = [f"{step}  {step.verdict}" for step in model.steps] if options.steps else []
        deliver("\n".join([*steps, *_lines(model)]), options)
    return status_of([step.verdict for step in model.steps], options.strict)


def _lines(model: Any) -> Iterator[str]:
    for part in PARTS:
        found = getattr(model, part)
        if found is None or (isinstance(found, (str, tuple, list, Mapping)) and not found):
            continue
        words = part.replace("_", " ")
        if isinstance(found, Mapping):
            yield from (f"{words:<22} {key} = {_closed(value)}" for key, value in found.items())
        elif isinstance(found, (list, tuple)):
            yield from (f"{words:<22} {item}" for item in found)
        else:
            yield f"{words:<22} {found}"


def _closed(value: Any) -> Any:
    return "no closed form" if value is None else value


COMMAND = Command(
    "mle", "likelihood, score, estimator and information", _arguments, _run, 'symml mle "x ~ Normal(mu, sigma)"', 3,
)  # fmt: skip
