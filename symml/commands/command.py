"""What a command is, and what all commands share: options, exit status, where the answer goes.

Modules of this folder are read for ``symml --help``: none of them may import SymPy or NumPy at its top. They reach the
public names through ``import symml as sml``, which resolves them when they are used.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from symml.errors import NotSupportedError

DONE, FAILED, UNREADABLE, UNCHECKED = 0, 1, 2, 3
FORMATS = ("latex", "unicode", "typst", "mathml", "numpy", "json")
LATER = ("typst", "mathml")


@dataclass(frozen=True)
class Command:
    """One word of the command line.

    Attributes
    ----------
    name, summary, description, example : str
        What the help shows.
    arguments : callable
        Adds the command's options to its parser.
    run : callable
        Does the work and returns the exit status.
    rank : int
        Place in the help.
    """

    name: str
    summary: str
    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    example: str
    rank: int
    description: str = ""


def add_where(parser: argparse.ArgumentParser) -> None:
    """Add ``--where``."""
    parser.add_argument("--where", metavar="DECLARATIONS", help='shapes and domains, such as "X: n x d, y: n, lam > 0"')


def add_output(parser: argparse.ArgumentParser, formats: Iterable[str] = FORMATS, default: str = "unicode") -> None:
    """Add ``--as`` and ``-o``."""
    known = tuple(formats)
    parser.add_argument("--as", dest="format", choices=(*known, *(f for f in LATER if f not in known)), default=default,
                        metavar="FORMAT", help=f"{' | '.join(known)} (default: {default})")  # fmt: skip
    parser.add_argument("-o", "--output", metavar="FILE", help="write the answer to FILE")


def add_seed(parser: argparse.ArgumentParser) -> None:
    """Add ``--seed``."""
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the random points (default: 0)")


def add_strict(parser: argparse.ArgumentParser) -> None:
    """Add ``--strict``."""
    parser.add_argument("--strict", action="store_true", help="exit with 3 when something was left unchecked")


def require_format(options: argparse.Namespace, offered: Iterable[str]) -> None:
    """Refuse a format this command does not write.

    Raises
    ------
    NotSupportedError
        If ``--as`` names a format that is not among `offered`.
    """
    known = tuple(offered)
    if options.format in known:
        return
    reason = "is not supported yet" if options.format in LATER else f"makes no sense for {options.command}"
    raise NotSupportedError(f"--as {options.format} {reason}; choose {', '.join(known[:-1])} or {known[-1]}")


def source_text(argument: str) -> str:
    """Return the argument, or what stands on standard input for ``-``."""
    return sys.stdin.read() if argument == "-" else argument


def deliver(text: str, options: argparse.Namespace) -> None:
    """Print the answer, or write it to the file of ``-o`` and say so."""
    text = text if text.endswith("\n") else text + "\n"
    if options.output is None:
        sys.stdout.write(text)
        return
    Path(options.output).write_text(text, encoding="utf-8")
    print(f"wrote {options.output}")


def as_json(content: Mapping[str, Any]) -> str:
    """Return plain data as JSON; whatever JSON has no form for becomes its text."""
    return json.dumps(content, indent=2, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    for convert in ("to_dict", "tolist"):
        if hasattr(value, convert):
            return getattr(value, convert)()
    return str(value)


def status_of(verdicts: Iterable[str], strict: bool = False) -> int:
    """Return 1 if any verdict is wrong, 3 if one is unchecked and `strict` was asked for, else 0."""
    found = {str(v) for v in verdicts}
    if "wrong" in found:
        return FAILED
    return UNCHECKED if strict and "unchecked" in found else DONE
