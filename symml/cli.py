"""The command line over the public verbs.

Exit status: 0 all well, 1 something is wrong, 2 the input could not be read, 3 with ``--strict`` when something was
left unchecked. There is no traceback: an error is one message. Nothing here imports SymPy or NumPy; a command's work
does, when it is run.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

import symml
from symml.commands.command import FAILED, UNREADABLE, Command
from symml.errors import InternalError, MissingRuleError, NoClosedFormError, SymmlError
from symml.registry import discover

STATUS_WORDS = "exit status: 0 all well, 1 something is wrong, 2 not readable, 3 unchecked (with --strict)"
_NO_ANSWER = (InternalError, MissingRuleError, NoClosedFormError)


def commands() -> tuple[Command, ...]:
    """Return the commands in the order in which the help shows them."""
    return tuple(sorted(discover("symml.commands", Command), key=lambda c: c.rank))


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="symml", epilog=STATUS_WORDS,
        description="Derivations in the mathematics of machine learning: derived, checked, fitted, typeset.",
    )  # fmt: skip
    top.add_argument("--version", action="version", version=f"symml {symml.__version__}")
    inner = top.add_subparsers(dest="command", metavar="command", required=True)
    for command in commands():
        sub = inner.add_parser(
            command.name, help=command.summary, description=command.description or command.summary,
            epilog=f"example:\n  {command.example}\n\n{STATUS_WORDS}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )  # fmt: skip
        command.arguments(sub)
        sub.add_argument("--traceback", action="store_true", help=argparse.SUPPRESS)
        sub.set_defaults(run=command.run)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8")
    options = parser().parse_args(arguments)
    try:
        status = int(options.run(options))
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if options.traceback:
            raise
        return _refuse(error, options.command)


def _refuse(error: Exception, command: str) -> int:
    """Print what went wrong as one message and return the exit status for it."""
    kind = type(error).__name__
    sys.stdout.flush()
    if isinstance(error, SymmlError):
        print(f"symml {command}: {kind}: {error}", file=sys.stderr)
        return FAILED if isinstance(error, _NO_ANSWER) else UNREADABLE
    if isinstance(error, (OSError, UnicodeDecodeError)):
        print(f"symml {command}: {error}", file=sys.stderr)
        return UNREADABLE
    print(
        f"symml {command}: this is a fault in symml, not in your input ({kind}: {error}). "
        "Please report it with the command you typed; --traceback at its end shows where.",
        file=sys.stderr,
    )
    return FAILED
