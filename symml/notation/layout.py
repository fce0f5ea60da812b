r"""Steps as an ``align*`` environment that fits a page: long lines broken, reasons beside them or below.

Widths are estimates for ten-point type, in points; they decide where a line breaks, nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from symml.notation.wording import parts

PAGE = 446.0  # text width of an A4 page with ordinary margins
GAP = 24.0  # between the formulas and the reasons
NARROW = 150.0  # a column of reasons is not set narrower than this
_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[0-9]+|\s+|.", re.DOTALL)
_WIDTHS = {
    r"\,": 1.7, r"\;": 2.8, r"\ ": 3.3, r"\quad": 10.0, r"\qquad": 20.0, r"\sum": 15.0, r"\left": 1.5, r"\right": 1.5,
    r"\sqrt": 8.5, r"\|": 5.0, r"\begin": 0.0, r"\end": 0.0, r"\operatorname": 1.7, r"\text": 0.0, r"\mathrm": 0.0,
    r"\mathbf": 0.0, r"\\": 0.0, "&": 0.0, "$": 0.0, "=": 13.3, "+": 12.2, "-": 12.2, "(": 3.9, ")": 3.9, "[": 2.8,
    "]": 2.8, ",": 4.5, "|": 2.8, r"\odot": 12.2, r"\otimes": 12.2, r"\oslash": 12.2, r"\cdot": 7.2, r"\times": 12.2,
    r"\log": 14.4, r"\det": 15.5, r"\exp": 17.2, r"\tanh": 22.0, r"\top": 7.8, r"\partial": 5.6, r"\nabla": 8.3,
    r"\mapsto": 15.5, r"\ge": 13.3, r"\le": 13.3, "<": 13.3, ">": 13.3, r"\prec": 13.3,
}  # fmt: skip


class Row(NamedTuple):
    """One line: what stands left of the alignment, the lines right of it, and the reason."""

    left: str
    right: tuple[str, ...]
    reason: tuple[str, ...]


def align(rows: Iterable[tuple[str, str]]) -> str:
    r"""Return formulas with their reasons in an ``align*`` environment.

    Parameters
    ----------
    rows : iterable of (str, str)
        LaTeX of a line, with ``&`` where it is aligned or with an equals sign, and the reason in words (may be empty).

    Examples
    --------
    >>> print(align([("f = x^{2}", "the objective"), ("f' = 2 x", "linear in x")]))
    \begin{align*}
    f &= x^{2} && \text{the objective} \\
    f' &= 2 x && \text{linear in $x$}
    \end{align*}
    """
    split = [(*_split(latex), tuple(parts(reason))) for latex, reason in rows]
    left = max((width(a) for a, _, _ in split), default=0.0)
    longest = max((width(rf"\text{{{' '.join(reason)}}}") for _, _, reason in split), default=0.0)
    unbroken = max((width(rf"\text{{{part}}}") for _, _, reason in split for part in reason), default=0.0)
    beside = PAGE - left - GAP - min(longest, max(NARROW, unbroken))
    broken = [Row(a, broken_up(b, beside), reason) for a, b, reason in split]
    widest = max((width(b) for row in broken for b in row.right), default=0.0)
    if widest <= beside or not longest:
        lines = _beside(broken, PAGE - left - GAP - widest)
    else:
        lines = _below([Row(a, broken_up(b, PAGE - left), reason) for a, b, reason in split], PAGE - left)
    return "\\begin{align*}\n" + " \\\\\n".join(lines) + "\n\\end{align*}"


def _split(latex: str) -> tuple[str, str]:
    """What stands left and right of the alignment; the sign of equality goes to the right."""
    for mark in ("&=", "&"):
        place = latex.find(mark)
        if place > 0 and "\\begin" not in latex[:place]:
            return latex[:place].strip(), latex[place + 1 :].strip()
    latex = latex.removeprefix("&").strip()
    place = -1 if latex.startswith("\\text") else latex.find("=")
    return ("", latex) if place < 0 else (latex[:place].strip(), latex[place:].strip())


def _beside(rows: Sequence[Row], room: float) -> list[str]:
    """Reasons in a column of their own, broken into lines where it is narrow."""
    lines = []
    for row in rows:
        reasons = _filled(row.reason, room)
        for k in range(max(len(row.right), len(reasons))):
            text = f"{row.left} &" if k == 0 else "&"
            text = text.lstrip() + (row.right[k] if k < len(row.right) else "")
            lines.append(text + (rf" && \text{{{reasons[k]}}}" if k < len(reasons) else ""))
    return lines


def _below(rows: Sequence[Row], room: float) -> list[str]:
    """Reasons behind the formula where there is room, otherwise on a line below it."""
    lines = []
    for row in rows:
        reasons = [rf"\text{{({text})}}" for text in [" ".join(row.reason)] if text]
        last = row.right[-1]
        if reasons and width(last) + 20 + width(reasons[0]) <= room:
            right = [*row.right[:-1], rf"{last} \qquad {reasons[0]}"]
        else:
            filled = _filled(row.reason, room - 20)
            texts = [
                ("(" if k == 0 else r"\phantom{(}") + t + (")" if k == len(filled) - 1 else "")
                for k, t in enumerate(filled)
            ]
            right = [*row.right, *(rf"\qquad \text{{{t}}}" for t in texts)]
        lines += [(f"{row.left} &" if k == 0 else "&").lstrip() + text for k, text in enumerate(right)]
    return lines


def _filled(pieces: Sequence[str], room: float) -> list[str]:
    """Pieces of a sentence in lines of a width."""
    lines: list[str] = []
    for piece in pieces:
        if lines and width(rf"\text{{{lines[-1]} {piece}}}") <= room:
            lines[-1] += " " + piece
        else:
            lines.append(piece)
    return lines


def broken_up(latex: str, room: float) -> tuple[str, ...]:
    r"""Return a formula in lines of a width, broken in front of ``+`` and ``-`` and behind ``,\quad``."""
    if width(latex) <= room:
        return (latex,)
    for depth in (0, 1, 2):
        pieces = _pieces(latex, depth)
        lines = [pieces[0]]
        for piece in pieces[1:]:
            if width(lines[-1] + piece) <= room:
                lines[-1] += piece
            else:
                lines.append(r"\quad " + piece.lstrip())
        lines = [line.strip().removesuffix(r"\quad").strip() for line in lines]
        if all(width(line) <= room for line in lines):
            break
    return tuple(lines)


def _pieces(latex: str, depth: int) -> list[str]:
    r"""Parts of a formula between the places where it may break: outside of braces, bars and \left \right."""
    found, start, bars, level, closed = [], 0, 0, 0, 0
    for match in _TOKEN.finditer(latex):
        token = match[0]
        if token in ("{", r"\left", r"\begin"):
            closed += 1
        elif token in ("}", r"\right", r"\end"):
            closed -= 1
        elif token in (r"\|", "|"):
            bars ^= 1
        elif token in "([":
            level += 1
        elif token in ")]":
            level -= 1
        if closed or bars or level > depth:
            continue
        if (
            token in ("+", "-")
            and latex[match.start() - 1 : match.start()] == " "
            and latex[match.end() : match.end() + 1] == " "
        ):
            found.append(latex[start : match.start()])
            start = match.start()
        elif token in (r"\quad", r"\qquad"):
            found.append(latex[start : match.end()])
            start = match.end()
    found.append(latex[start:])
    return [piece for piece in found if piece.strip()]


def width(latex: str) -> float:
    r"""Return the estimated width of a formula.

    Examples
    --------
    >>> width(r"\frac{a}{b}") < width("a + b")
    True
    """
    stack: list[tuple[str, float, float]] = []  # kind of the group, width outside, width above the line
    total, kind, above, text = 0.0, "", 0.0, 0
    for token in _TOKEN.findall(latex):
        if token == "{":
            stack.append((kind, total, above))
            text += kind in ("text", "name")
            total, kind = 0.0, ""
        elif token == "}" and stack:
            inner, (kind, total, above) = total, stack.pop()
            text -= kind in ("text", "name")
            if kind == "over":
                above, kind = inner, "under"
                continue
            total += 0.7 * inner if kind == "script" else max(above, inner) + 2.4 if kind == "under" else inner
            above, kind = 0.0, ""
        elif token in ("^", "_"):
            kind = "script"
        elif token == r"\frac":
            kind = "over"
        elif token in (r"\text", r"\operatorname", r"\mathrm", r"\begin", r"\end"):
            kind = "text" if token == r"\text" else "name"
            total += _WIDTHS[token]
        else:
            scale, kind = (0.7 if kind == "script" else 1.0), ""
            total += scale * (_plain(token) if text else _math(token))
    return total


def _plain(token: str) -> float:
    return 3.3 if token.isspace() else 0.0 if token == "$" else 4.6 * len(token) if token[0] != "\\" else _math(token)


def _math(token: str) -> float:
    if token.isspace():
        return 0.0
    if token.isdigit():
        return 5.0 * len(token)
    return _WIDTHS.get(token, 5.8)
