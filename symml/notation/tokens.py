"""Tokens of the text notation: each with its kind, its value and where it stands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from symml.errors import NotationError
from symml.language.names import FROM_SUBSCRIPT
from symml.notation.table import FRACTIONS, FROM_SUPERSCRIPT, INFIX

MOST_TOKENS = 40_000
LONGEST_NUMBER = 300
LONGEST_NAME = 80


class Token(NamedTuple):
    """One token: kind is number, name, ones, super, suffix, string, open, close, bar, end or the sign itself."""

    kind: str
    text: str
    start: int
    end: int
    adjacent: bool  # nothing but the token before stands in front of it


_SUBSCRIPT = "".join(FROM_SUBSCRIPT)
_SUPER = "".join(c for c in FROM_SUPERSCRIPT) + "ᵀ"
_LETTER = rf"(?![{_SUPER}{_SUBSCRIPT}𝟏𝟙])[^\W\d_]"
_PART = rf"(?:(?![{_SUPER}𝟏𝟙])[^\W_]|[\u0300-\u036f])"
_NAME = rf"{_LETTER}{_PART}*(?:_\{{[^{{}}]{{1,30}}\}}|_\*+|_{_PART}+)*′*"
_SIGNS = sorted((s for s, row in INFIX.items() if row.head != "equals"), key=len, reverse=True)
_PATTERN = re.compile(
    "|".join(
        f"(?P<{kind}>{pattern})"
        for kind, pattern in (
            ("space", r"[ \t\r\f\v\u00a0\u2009\u202f]+"),
            ("newline", r"\n\s*"),
            ("fraction", "[" + "".join(FRACTIONS) + "]"),
            ("number", r"[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+(?![^\W_]))?|\.[0-9]+"),
            ("ones", rf"[𝟏𝟙](?:[{_SUBSCRIPT}]+|_{_PART}+|_\{{\w+\}})?"),
            ("name", rf"\\[A-Za-z]+|{_NAME}"),
            ("quote", r"\.T(?![^\W_])|['’]"),
            ("super", f"⁻?ᵀ|[{_SUPER.replace('ᵀ', '')}]+"),
            ("suffix", rf"_\{{?(?:[0-9A-Z*∗∞]+|inf)\}}?|[{_SUBSCRIPT}]+"),
            ("string", r'"[^"\n]{0,200}"'),
            ("equals", r":=|=(?!=)"),
            ("sign", "|".join(re.escape(s) for s in _SIGNS)),
            ("bar", r"\|\||\||‖|∥"),
            ("open", r"[(\[{]"),
            ("close", r"[)\]}]"),
            ("comma", ","),
            ("semicolon", ";"),
            ("colon", ":"),
            ("tilde", "~"),
        )
    )
)
_SKIPPED = {"space"}


def tokens(source: str) -> list[Token]:
    """Return the tokens of a text, an `end` token last.

    Raises
    ------
    NotationError
        If a character belongs to no token, or the text is longer than can be read in seconds.
    """
    found: list[Token] = []
    position, adjacent, length = 0, False, len(source)
    match = _PATTERN.match
    while position < length:
        hit = match(source, position)
        if hit is None:
            raise NotationError(_unknown(source[position]), source, (position, position + 1))
        end, kind = hit.end(), hit.lastgroup or ""
        if kind == "space":
            position, adjacent = end, False
            continue
        text = hit[0]
        if kind == "sign":
            kind = INFIX[text].head
        elif kind == "number" and len(text) > LONGEST_NUMBER:
            raise NotationError(f"this number has more than {LONGEST_NUMBER} digits", source, (position, end))
        elif kind == "name" and len(text) > LONGEST_NAME:
            raise NotationError(f"this name has more than {LONGEST_NAME} letters", source, (position, end))
        found.append(Token(kind, text, position, end, adjacent))
        if len(found) > MOST_TOKENS:
            raise NotationError(
                f"the text has more than {MOST_TOKENS} signs and names; cut it into pieces", source, (position, end)
            )
        position, adjacent = end, kind != "newline"
    found.append(Token("end", "", length, length, False))
    return found


def _unknown(character: str) -> str:
    if character == "\\":
        return (
            "LaTeX is written but not read yet: write text such as 1/2*||X w - y||^2; "
            "a command such as \\lambda is read as the name it stands for"
        )
    if character == '"':
        return 'a " without its partner'
    return f"{character!r} (U+{ord(character):04X}) is not part of the notation"


def defined_names(tokens: Sequence[Token]) -> list[Token]:
    """Return the names in front of an equals sign, those of ``C⁻¹ = …`` and ``C^-1 = …`` included."""
    found = []
    for k, token in enumerate(tokens):
        if token.kind != "equals":
            continue
        while k > 1 and (tokens[k - 1].kind in ("super", "number", "power", "minus") or tokens[k - 1].text in "{}"):
            k -= 1
        if k and tokens[k - 1].kind == "name":
            found.append(tokens[k - 1])
    return found
