"""`validate`: a hand derivation line by line, each line judged, each wrong line diagnosed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from symml.errors import DataError, NotationError, NotSupportedError
from symml.validation.reading import Reader
from symml.validation.records import Validation

_LATEX = re.compile(r"\\[A-Za-z]{2,}|\\\\|\$|\\\[|\\begin")
_FENCE = re.compile(r"^[ \t]*```[ \t]*symml[^\n]*\n(?P<body>.*?)^[ \t]*```[ \t]*$", re.M | re.S)
_COMMENT = re.compile(r"<!--\s*symml:\s*(?P<body>.*?)\s*-->", re.S)


def validate(
    source: str, where: Any = None, definitions: Any = None, macros: Mapping[str, str] | None = None
) -> Validation:
    r"""Check a hand derivation line by line.

    Parameters
    ----------
    source : str
        Lines of text: claims such as ``grad_w J = 2 X'(X w - y)``, chains whose lines begin with ``=``, definitions
        ``r := X w - y``.
    where : str, mapping or symbols
        Declarations; what is not declared is inferred where shapes leave no doubt.
    definitions : mapping or str
        What names stand for: ``{"J": "||X w - y||^2"}``, or lines ``J := ||X w - y||^2``.
    macros : mapping
        LaTeX macros.

    Returns
    -------
    Validation
        One step a line: verdict, evidence, and for a wrong one a counterexample and a diagnosis.

    Raises
    ------
    NotSupportedError
        If the source is LaTeX: text only for now.
    NotationError
        If `source` is not text or a definition cannot be read.

    Examples
    --------
    >>> from symml.validation.validate import validate
    >>> v = validate("grad_w J = X'(X w - y)", where="X: n x d, y: n, w: d", definitions={"J": "||X w - y||^2"})
    >>> v.verdict, v.first_wrong, v.steps[0].diagnosis.kind, v.steps[0].diagnosis.correction
    (<Verdict.wrong: 'wrong'>, 0, 'factor', '2 Xᵀ (X w − y)')
    """
    if not isinstance(source, str):
        raise NotationError(f"validate reads text, not {type(source).__name__}")
    if macros or _LATEX.search(source):
        raise NotSupportedError("LaTeX is not read here yet, text only for now: write grad_w J = 2 X'(X w - y)")
    return _validated(source, where, definitions, 1)


def _validated(source: str, where: Any, definitions: Any, line: int) -> Validation:
    reader = Reader(source, where)
    reader.define(definitions)
    return Validation(reader.steps(), source, line)


def validate_file(path: str | Path, where: Any = None, definitions: Any = None) -> list[Validation]:
    """Check every block of a file.

    Parameters
    ----------
    path : str or Path
        Markdown with blocks fenced as ``symml``, or a plain text file, which is one block.
    where, definitions
        As in `validate`; a comment ``<!-- symml: X: n x d, w: d -->`` declares for the blocks after it.

    Returns
    -------
    list of Validation
        One a block, each with its line in the file.

    Raises
    ------
    DataError
        If the file cannot be read.
    NotSupportedError
        If it is LaTeX or a notebook: not read yet.
    """
    path = Path(path)
    if path.suffix in (".tex", ".ipynb"):
        raise NotSupportedError(f"{path.suffix} files are not read yet: Markdown and plain text only for now")
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from None
    if path.suffix not in (".md", ".markdown"):
        return [validate(text, where, definitions)]
    return [_block(text, match, where, definitions) for match in _FENCE.finditer(text)]


def _block(text: str, match: re.Match[str], where: Any, definitions: Any) -> Validation:
    declared = [m["body"] for m in _COMMENT.finditer(text, 0, match.start())]
    start = text.count("\n", 0, match.start("body")) + 1
    body = match["body"]
    if _LATEX.search(body):
        raise NotSupportedError(f"line {start}: LaTeX is not read here yet, text only for now")
    given = [*declared, *([where] if isinstance(where, str) else [])]
    return _validated(body, ", ".join(given) if given else where, definitions, start)
