"""Lines of a text block: where each stands, what kind it is, and its sides.

Reading of the mathematics is `notation`'s work; here a block is only cut into pieces, each with its span in the source.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

OPENING, CLOSING = "([{", ")]}"
_WORDS = re.compile(r"\s*(?:(?:so|hence|thus|therefore|then|and|let|i\.e\.,?)(?![\w(])\s*,?\s*|=>|⇒|⟹)\s*", re.I)
_NUMBERED = re.compile(r"\s*(?:\(\d+\)|\d+[.)])\s+")
_DECLARES = re.compile(r"\s*(?:where|declare)\b\s*:?\s*", re.I)
_PROSE = re.compile(r"[A-Za-z ,;:'’-]+")
_STOP_WORDS = frozenset(
    ("the", "we", "of", "is", "are", "to", "by", "with", "take", "using", "it", "this", "that", "has", "have", "from")
)
_NAME = r"[^\W\d](?:\w|[\u0300-\u036f])*(?:_\{\w+\})?'?"
_DECLARATION = re.compile(rf"\s*{_NAME}\s*(?::(?!=)|∈|\bin\b)")
_OTHER = re.compile(r"(<=|>=|≤|≥|≈|∝|~|∼|≠|!=|<|>)")
_REASONS = {"≈": "an approximation", "∝": "a proportionality", "~": "a distribution", "∼": "a distribution"}


@dataclass(frozen=True)
class Line:
    """One line of a block.

    Attributes
    ----------
    kind : str
        ``claim``, ``continued`` (begins with =), ``expression``, ``definition``, ``declaration``, ``other``.
    text : str
        Without leading words and closing punctuation.
    span : tuple of int
        Of the text in the source.
    number : int
        Line in the source, counted from 1.
    parts : tuple of (str, int)
        The sides of the equations and their offsets in the source; for `other` the reason it is not checked.
    """

    kind: str
    text: str
    span: tuple[int, int]
    number: int
    parts: tuple[tuple[str, int], ...]


def split_lines(source: str) -> list[Line]:
    """Return the lines of a block; empty lines, comments and rules are left out, open brackets join lines."""
    found, start, number = [], 0, 1
    pending = ""
    pending_at, pending_number = 0, 1
    for raw in source.splitlines(keepends=True):
        if (
            pending and _depth(raw) == 0 and len(split_relation(raw)) > 1
        ):  # a bracket never closed: the next line is its own
            found += [line for line in [_line(pending, pending_at, pending_number)] if line is not None]
            pending = ""
        if not pending:
            pending_at, pending_number = start, number
        pending += raw
        start += len(raw)
        number += 1
        if _depth(pending) > 0:
            continue
        line = _line(pending, pending_at, pending_number)
        if line is not None:
            found.append(line)
        pending = ""
    if pending and (line := _line(pending, pending_at, pending_number)) is not None:
        found.append(line)
    return found


def _depth(text: str) -> int:
    return sum(text.count(c) for c in OPENING) - sum(text.count(c) for c in CLOSING)


def _line(raw: str, offset: int, number: int) -> Line | None:
    text = raw.rstrip().rstrip(".,;").rstrip()
    body = text.lstrip()
    if not body or body.startswith("#") or _is_prose(body):
        return None
    begin = len(text) - len(body)
    for pattern in (_NUMBERED, _WORDS):
        match = pattern.match(text, begin)
        if match:
            begin = match.end()
    body = text[begin:]
    at = offset + begin
    span = (at, at + len(body))
    declares = _DECLARES.match(body)
    if declares or _is_declaration(body):
        cut = declares.end() if declares else 0
        return Line("declaration", body, span, number, ((body[cut:], at + cut),))
    for sign in (":=", "≜", "≔"):
        place = body.find(sign)
        if place >= 0:
            right = place + len(sign)
            return Line("definition", body, span, number, ((body[:place].strip(), at), (body[right:], at + right)))
    sides = split_relation(body)
    if len(sides) == 1 and (other := _other(body)):
        return Line("other", body, span, number, ((other, at),))
    parts = tuple((side, at + place) for side, place in sides)
    if len(parts) > 1 and not parts[0][0].strip():
        return Line("continued", body, span, number, parts[1:])
    return Line("claim" if len(parts) > 1 else "expression", body, span, number, parts)


def _is_prose(body: str) -> bool:
    """Whether a line is made of English words alone."""
    words = body.lower().replace(",", " ").replace(":", " ").split()
    return _PROSE.fullmatch(body) is not None and len(words) >= 3 and bool(_STOP_WORDS & set(words))


def _is_declaration(body: str) -> bool:
    return _DECLARATION.match(body) is not None and len(split_relation(body)) == 1


def _other(body: str) -> str:
    depth = 0
    for place, letter in enumerate(body):
        depth += (letter in OPENING) - (letter in CLOSING)
        match = _OTHER.match(body, place) if depth == 0 else None
        if match:
            return f"{_REASONS.get(match[1], 'an inequality')} is not checked yet"
    return ""


def split_relation(text: str) -> list[tuple[str, int]]:
    """Return the sides of the equations in a text, with their offsets; brackets and ==, <=, >= are respected."""
    depth, start, found = 0, 0, []
    for place, letter in enumerate(text):
        depth += (letter in OPENING) - (letter in CLOSING)
        if (
            letter == "="
            and depth == 0
            and text[place + 1 : place + 2] != "="
            and text[place - 1 : place] not in tuple("=<>!:")
        ):
            found.append((text[start:place], start))
            start = place + 1
    return [*found, (text[start:], start)]
