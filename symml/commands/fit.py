"""``symml fit``: a model fitted to the columns of a CSV file."""

from __future__ import annotations

import argparse

import symml as sml
from symml.commands.command import DONE, Command, add_output, add_where, as_json, deliver, require_format

OFFERED = ("unicode", "json")


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", metavar="FILE", help="CSV file whose header names the columns")
    parser.add_argument("model", help='such as "failure ~ Bernoulli(sigmoid(b0 + b1*temp))"')
    add_where(parser)
    add_output(parser, OFFERED)


def _run(options: argparse.Namespace) -> int:
    require_format(options, OFFERED)
    result = sml.mle(options.model, where=options.where).fit(options.data)
    deliver(as_json(result.to_dict()) if options.format == "json" else str(result.summary()), options)
    return DONE


COMMAND = Command(
    "fit", "fit a model to a CSV file", _arguments, _run,
    'symml fit challenger.csv "failure ~ Bernoulli(sigmoid(b0 + b1*temperature_f))"', 4,
)  # fmt: skip
