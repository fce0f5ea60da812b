"""``symml report``: the judged notes as one HTML file that opens offline."""

from __future__ import annotations

import argparse
import html
import platform
import shlex
import sys
from pathlib import Path

import symml as sml
from symml.commands.command import Command, add_strict, add_where, status_of
from symml.commands.validate import read, summary

_STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; } th, td { text-align: left; padding: .2rem .8rem .2rem 0; vertical-align: top; }
pre { overflow-x: auto; } footer { margin-top: 3rem; font-size: .85rem; }
"""


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="FILE", help="Markdown, LaTeX or text; - reads standard input")
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="the HTML file to write")
    parser.add_argument("--define", action="append", default=[], metavar="NAME=TEXT", help="as in symml validate")
    add_where(parser)
    add_strict(parser)


def _run(options: argparse.Namespace) -> int:
    found = read(options)
    verdicts = [step.verdict for validation in found for step in validation.steps]
    blocks = [f"<h2>Block at line {validation.line}</h2>\n{validation.to_html()}" for validation in found]
    Path(options.output).write_text(_page(options.source, summary(verdicts), blocks), encoding="utf-8")
    print(f"wrote {options.output} (self-contained); {summary(verdicts)}")
    return status_of(verdicts, options.strict)


def _page(title: str, closing: str, blocks: list[str]) -> str:
    command = " ".join(["symml", *map(shlex.quote, sys.argv[1:])])
    return "\n".join([
        "<!doctype html>", '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{html.escape(title)}</h1><p>{html.escape(closing)}</p>", *blocks,
        f"<footer>symml {sml.__version__}, Python {platform.python_version()};",
        f"<code>{html.escape(command)}</code></footer>",
        "</body></html>", "",
    ])  # fmt: skip


COMMAND = Command("report", "judged notes as one HTML file", _arguments, _run, "symml report notes.md -o notes.html", 5)
