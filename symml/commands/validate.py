"""``symml validate``: the claims of hand-written notes, judged one by one."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
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

OFFERED = ("unicode", "json")


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="FILE", help="Markdown, LaTeX or text; - reads standard input")
    add_where(parser)
    parser.add_argument("--define", action="append", default=[], metavar="NAME=TEXT",
                        help='what a name stands for, such as "J=||X w - y||^2"; may be repeated')  # fmt: skip
    add_output(parser, OFFERED)
    add_strict(parser)


def _run(options: argparse.Namespace) -> int:
    require_format(options, OFFERED)
    found = read(options)
    verdicts = [step.verdict for validation in found for step in validation.steps]
    if options.format == "json":
        content = {"validations": [v.to_dict() for v in found], "summary": summary(verdicts)}
        deliver(as_json(content), options)
    else:
        deliver("\n".join([*(line for v in found for line in _lines(v)), summary(verdicts)]), options)
    return status_of(verdicts, options.strict)


def read(options: argparse.Namespace) -> Sequence[Any]:
    """Return the validations of a file, or the one of standard input.

    Raises
    ------
    NotationError
        If there is no claim in it: nothing checked is not a pass.
    """
    definitions: Mapping[str, str] = dict(_definition(text) for text in options.define)
    told = {name: value for name, value in (("where", options.where), ("definitions", definitions)) if value}
    if options.source == "-":
        found = [sml.validate(source_text("-"), **told)]
    else:
        found = list(sml.validate_file(options.source, **told))
    if not any(validation.steps for validation in found):
        raise sml.NotationError(
            f"{options.source} holds no claims: in Markdown they stand in blocks fenced as ```symml"
        )
    return found


def _definition(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise sml.NotationError('a definition is NAME=TEXT, such as "J=||X w - y||^2"', text, (0, len(text)))
    return name.strip(), value.strip()


def _lines(validation: Any) -> list[str]:
    lines = []
    for step in validation.steps:
        place = f"line {validation.line + step.line - 1}"
        lines.append(f"  {place:<9} {step.claim:<50} {step.verdict!s:<10} {_remark(step)}".rstrip())
    return lines


def _remark(step: Any) -> str:
    if step.diagnosis is not None:
        return str(step.diagnosis)
    return str(step.evidence) if step.verdict in ("wrong", "unchecked") else ""


def summary(verdicts: Sequence[str]) -> str:
    """Return the closing line: how many claims were checked, and what came of them."""
    counts = Counter(str(v) for v in verdicts)
    words = ", ".join(f"{counts[k]} {k}" for k in ("proved", "holds", "wrong", "unchecked") if counts[k])
    return f"{len(verdicts) - counts['unchecked']} of {len(verdicts)} claims checked" + (f": {words}" if words else "")


COMMAND = Command(
    "validate", "judge the claims of hand-written notes", _arguments, _run,
    'symml validate notes.md --where "X: n x d, y: n, w: d"', 2,
)  # fmt: skip
