r"""Reading of one declaration: ``S: d x d spd``, ``y: n in {0,1}``, ``lam > 0``.

A declaration is a name, a shape, property words and a range. Text is matched against the rows of `properties` and a
few patterns, never evaluated; whatever is left unread is an error.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import sympy as sp

from symml.errors import DeclarationError, NotationError
from symml.language.names import canonical
from symml.language.properties import BY_NAME, Domain

ALIASES = {
    "positive definite": "spd", "positive semidefinite": "psd", "positive semi-definite": "psd",
    "nonnegative definite": "psd", "non-negative": "nonnegative", "non-zero": "nonzero", "centered": "centred",
    "centred columns": "centred", "centered columns": "centred", "i.i.d.": "iid", "nonsingular": "invertible",
}  # fmt: skip
SILENT = ("real", "scalar")  # words that say what is true anyway

_LATEX = (
    (r"\\(?:left|right|,|;|!|quad)(?![a-zA-Z])|\$", ""),
    (r"\\mathbb\s*\{?\s*([RZ])\s*\}?|ℝ", r"R"), (r"\\times(?![a-zA-Z])", "×"),
    (r"\\in(?![a-zA-Z])|∈", " in "),
    (r"\\geq?(?:slant)?(?![a-zA-Z])|≥", ">="), (r"\\leq?(?:slant)?(?![a-zA-Z])|≤", "<="),
    (r"\\sim(?![a-zA-Z])|∼", "~"), (r"\\([{}])", r"\1"), (r"\\infty(?![a-zA-Z])|∞", "oo"), ("−", "-"),
)  # fmt: skip
_ONE = r"(?:\{(?:[^{}]|\{[^{}]*\})*\}|\\[A-Za-z]+|\w)"
_NAME = re.compile(
    rf"\s*(?:\\(?:mathbf|boldsymbol|bm|mathrm|mathit|vec|mathcal|mathsf|mathbb|hat|bar|tilde|dot|widehat|widetilde|overline)"
    rf"(?![A-Za-z])\s*{_ONE}|\\[A-Za-z]+|[^\W\d_](?:_*[^\W_]|[\u0300-\u036f])*(?:_(?![{{*\\]))?)"
    rf"(?:[_^](?:{_ONE}|\*+))*[\u0300-\u036f]*'*"
)
_NUMBER = r"[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?:\s*/\s*\d+)?|oo|inf(?:inity)?|\\?pi|π)"
_RELATION = re.compile(rf"(>=|<=|>|<)\s*({_NUMBER})?(?![\w.])")
_BETWEEN = re.compile(rf"\s*({_NUMBER})\s*(<=?)(?P<rest>.*?)(<=?)\s*({_NUMBER})\s*$", re.S)
_INTERVAL = re.compile(rf"in\s*([(\[])\s*({_NUMBER})\s*,\s*({_NUMBER})\s*([)\]])")
_SET = re.compile(r"in\s*\{([^{}]*)\}")
_REALS = re.compile(r"in\s*(R|Z)(?![\w^])")
_AXIS = r"(?:\d+|\\?[^\W\d][\w\u0300-\u036f]*(?:_\{\w+\})?'*)"
_BY = r"(?:\s*×\s*|\s+x\s+|(?<=\d)x(?=\d))"
_AXES = re.compile(rf"{_AXIS}(?:{_BY}{_AXIS})*")
_POWER = re.compile(r"(?:in\s*)?R\s*\^\s*(?:\{([^{}]*)\}|(\w+))")
_TUPLE = re.compile(r"\(([^()]*)\)")


@dataclass(frozen=True)
class Declared:
    """One declaration as read: canonical name, sizes (int or canonical name), property words, range, and its text."""

    name: str
    text: str
    shape: tuple[int | str, ...] = ()
    words: frozenset[str] = frozenset()
    domain: Domain | None = None
    bare: bool = field(default=True)


def split_items(text: str) -> list[str]:
    """Split at commas, semicolons and new lines outside brackets; a property alone belongs to the item before it."""
    pieces, depth, start = [], 0, 0
    for k, char in enumerate(text):
        depth += (char in "([{") - (char in ")]}")
        if depth == 0 and char in ",;\n":
            pieces.append(text[start:k])
            start = k + 1
    items: list[str] = []
    for piece in (p.strip() for p in [*pieces, text[start:]]):
        if not piece:
            continue
        if _continues(piece):
            if not items:
                raise DeclarationError(
                    f"{piece!r} is a property without a symbol; write the name first, as in 'w: d {piece}'"
                )
            items[-1] += ", " + piece
        else:
            items.append(piece)
    return items


def read_item(item: str) -> Declared:
    """Read ``name[: shape] [property...] [range]``."""
    between = _BETWEEN.match(_plain(item))
    if between:
        found = read_item(between["rest"].strip())
        domain = Domain(_number(between[1]), _number(between[5]), between[2] == "<", between[4] == "<")
        return replace(found, text=_tidy(item), domain=_both(found.domain, domain, item), bare=False)
    match = _NAME.match(item)
    if not match:
        raise DeclarationError(
            f"cannot read the declaration {item!r}: it does not begin with a name. Write 'w: d' or 'lam > 0'"
        )
    rest = item[match.end() :]
    colon = re.match(r"\s*:\s*", rest)
    if _reserved(match[0].strip()) and not colon:
        raise DeclarationError(f"{match[0].strip()!r} in {item!r} is a reserved property word, not a name")
    if not colon and rest and not re.match(r"[\s<>=≤≥∈~\\$]", rest):
        raise DeclarationError(
            f"cannot read the declaration {item!r}: {rest.strip()!r} after the name. Write 'w: d' or 'lam > 0'"
        )
    near = "" if colon or rest.strip() else _near(item)
    if near:
        raise DeclarationError(f"{item!r} is not a known property. Did you mean {near!r}?")
    return read_value(match[0].strip(), rest[colon.end() :] if colon else rest, item, not colon)


def read_value(name: str, value: str, item: str = "", shaped: bool = False) -> Declared:
    """Read what follows a name: shape (unless it has one), properties and range in any order, commas free."""
    try:
        found = Declared(canonical(name), _tidy(item or f"{name}: {value}"))
    except NotationError as error:
        raise DeclarationError(f"cannot read the declaration {item or name!r}: {error.message}") from None
    rest = _plain(value).strip(" ,;\t\n")
    while rest:
        before, length = found, 0
        for reader in (_range, _distribution, _property, _shape):
            if reader is _shape and shaped and not (not found.shape and _POWER.match(rest)):
                continue
            step = reader(found, rest)
            if step:
                found, length = step
                shaped = shaped or found.shape != before.shape
                break
        if not length:
            raise DeclarationError(_unknown(found, rest))
        rest = rest[length:].lstrip(" ,;\t\n")
    return found


def _plain(text: str) -> str:
    for pattern, plain in _LATEX:
        text = re.sub(pattern, plain, text)
    return text


def _tidy(text: str) -> str:
    return " ".join(text.split())


def _number(text: str) -> Any:
    sign, digits = (-1, text[1:]) if text[0] == "-" else (1, text.lstrip("+"))
    if digits.startswith(("oo", "inf")):
        return None
    if digits.lstrip("\\") in ("pi", "π"):
        return sign * sp.pi
    top, _, bottom = digits.replace(" ", "").partition("/")
    return sign * sp.Rational(top) / sp.Integer(bottom or 1)


def _range(found: Declared, rest: str) -> tuple[Declared, int] | None:
    match = _RELATION.match(rest)
    if match:
        if match[2] is None:
            raise DeclarationError(
                f"the range in {found.text!r} needs a number after {match[1]}, as in '{found.name} {match[1]} 0'"
            )
        bound, strict = _number(match[2]), "=" not in match[1]
        domain = Domain(low=bound, low_open=strict) if match[1][0] == ">" else Domain(high=bound, high_open=strict)
        return _with_domain(found, domain), match.end()
    match = _INTERVAL.match(rest)
    if match:
        low, high = _number(match[2]), _number(match[3])
        return _with_domain(found, Domain(low, high, match[1] == "(", match[4] == ")")), match.end()
    match = _SET.match(rest)
    if match:
        texts = [v.strip() for v in match[1].split(",")]
        if not all(re.fullmatch(_NUMBER, v) and _number(v) is not None for v in texts):
            raise DeclarationError(f"the set {match[0]!r} in {found.text!r} must list numbers, as in 'in {{0,1}}'")
        return _with_domain(found, Domain(values=tuple(sorted({_number(v) for v in texts})))), match.end()
    match = _REALS.match(rest)
    if match:
        words = found.words | {"integer"} if match[1] == "Z" else found.words
        return replace(found, words=words, bare=False), match.end()
    return None


def _with_domain(found: Declared, domain: Domain) -> Declared:
    return replace(found, domain=_both(found.domain, domain, found.text), bare=False)


def _both(a: Domain | None, b: Domain, text: str) -> Domain | None:
    if a is not None and (a.values or b.values):
        raise DeclarationError(f"{text!r} gives two ranges: {a} and {b}")
    low, high, low_open, high_open = b.low, b.high, b.low_open, b.high_open
    if a is not None and a.low is not None and (low is None or a.low > low):
        low, low_open = a.low, a.low_open
    if a is not None and a.high is not None and (high is None or a.high < high):
        high, high_open = a.high, a.high_open
    if low is not None and high is not None and (low > high or (low == high and (low_open or high_open))):
        raise DeclarationError(f"the range in {text!r} is empty: nothing lies between {low} and {high}")
    return Domain(low, high, low_open, high_open, b.values) if b.values or low is not None or high is not None else None


def _distribution(found: Declared, rest: str) -> tuple[Declared, int] | None:
    match = re.match(r"~\s*([A-Z]\w*)\s*\(", rest)
    if not match:
        return None
    depth, end = 1, match.end()
    while end < len(rest) and depth:
        depth += (rest[end] in "([{") - (rest[end] in ")]}")
        end += 1
    if depth:
        raise DeclarationError(f"{found.text!r}: the bracket of {match[1]} is not closed")
    return replace(found, words=found.words | {f"~ {match[1]}({_tidy(rest[match.end() : end - 1])})"}, bare=False), end


@cache
def _phrases() -> re.Pattern[str]:
    words = sorted([*BY_NAME, *ALIASES, *SILENT], key=lambda w: (-len(w), w))
    shown = "|".join(r"[\s-]+".join(re.escape(part) for part in re.split(r"[\s-]", word)) for word in words)
    return re.compile(rf"(?:{shown})(?![\w-])", re.I)


def _property(found: Declared, rest: str) -> tuple[Declared, int] | None:
    match = _phrases().match(rest)
    if not match:
        return None
    key = re.sub(r"[\s-]+", " ", match[0].lower())
    word = _by_phrase()[key]
    return replace(found, words=found.words | {word} if word not in SILENT else found.words, bare=False), match.end()


@cache
def _by_phrase() -> dict[str, str]:
    rows = {w: w for w in (*BY_NAME, *SILENT)} | ALIASES
    return {re.sub(r"[\s-]+", " ", phrase): word for phrase, word in rows.items()}


def _reserved(word: str) -> bool:
    return _phrases().fullmatch(word) is not None and word.lower() not in SILENT


def _continues(piece: str) -> bool:
    """Whether a piece of a list is only a property or a range and so belongs to the symbol before it."""
    plain = _plain(piece).strip()
    match = _phrases().match(plain)
    if match and not re.match(r"\s*[:<>~]|\s+in\b", plain[match.end() :]):
        return match[0].lower() not in SILENT or match.end() == len(plain)
    return re.match(r"[<>~]|in\s*[({\[]|in\s+R\b", plain) is not None


def _shape(found: Declared, rest: str) -> tuple[Declared, int] | None:
    match = _POWER.match(rest)
    if match:
        axes = re.split(r"\s*×\s*|\s+x\s+|\s*,\s*", (match[1] or match[2]).strip())
        return replace(found, shape=_sizes(found, axes), bare=False), match.end()
    match = _TUPLE.match(rest)
    if match:
        axes = [a for a in re.split(r"\s*,\s*", match[1].strip()) if a]
        return replace(found, shape=_sizes(found, axes), bare=False), match.end()
    match = _AXES.match(rest)
    if not match:
        return None
    after = rest[match.end() :]
    if re.match(r"\s*(?:×|x(?=\s|$))|[-+*/^({\[]", after):
        raise DeclarationError(
            f"cannot read the shape {rest.split(',')[0]!r} of {found.name}: sizes are names or numbers, as in 'n x d'"
        )
    return replace(found, shape=_sizes(found, re.split(_BY, match[0])), bare=False), match.end()


def _sizes(found: Declared, axes: list[str]) -> tuple[int | str, ...]:
    sizes: list[int | str] = []
    for axis in axes:
        if not re.fullmatch(_AXIS, axis):
            raise DeclarationError(
                f"{axis!r} in {found.text!r} is not a size: sizes are names or positive integers, as in 'n x d'"
            )
        if not axis.isdigit() and (_reserved(axis) or axis.lower() in SILENT):
            raise DeclarationError(f"{axis!r} in {found.text!r} is a reserved property word, never a dimension")
        near = _near(axis)
        if near:
            raise DeclarationError(f"{axis!r} in {found.text!r} is not a known property. Did you mean {near!r}?")
        sizes.append(int(axis) if axis.isdigit() else canonical(axis))
    if 0 in sizes or not sizes:
        raise DeclarationError(f"{found.text!r}: sizes are positive, and at least one is needed")
    if len(sizes) == 2 and sizes[1] == 1:
        sizes.pop()
    if sizes == [1]:
        raise DeclarationError(f"{found.text!r}: one entry is a scalar; declare it without a shape")
    if sizes[0] == 1 and len(sizes) == 2:
        other = sizes[1]
        raise DeclarationError(
            f"{found.text!r}: a row is the transpose of a vector. "
            f"Declare '{found.name}: {other}' and write {found.name}'"
        )
    if 1 in sizes:
        raise DeclarationError(f"{found.text!r}: an axis of size 1 is left out")
    return tuple(sizes)


def _near(word: str) -> str:
    """Phrase that a word was probably meant to be, or nothing."""
    if word.isdigit() or len(word) < 5:
        return ""
    return next(iter(difflib.get_close_matches(word.lower(), sorted(_by_phrase()), 1, 0.8)), "")


def _unknown(found: Declared, rest: str) -> str:
    phrase = re.split(r"[,;]", rest)[0].strip()
    known = sorted(_by_phrase()) if len(phrase) > 2 else []
    near = difflib.get_close_matches(phrase.lower(), known, 1, 0.5)
    if not near and not found.shape and _AXES.fullmatch(phrase) and found.text.startswith(found.name + " "):
        asked = f"Write '{found.name}: {phrase}'"
        return f"cannot read {phrase!r} in the declaration {found.text!r}: a colon stands before a shape. {asked}."
    near = near or difflib.get_close_matches(phrase.split()[0].lower() if phrase.split() else "", known, 1, 0.5)
    hint = f"Did you mean {_by_phrase()[near[0]]!r}?" if near else "Known properties: " + ", ".join(BY_NAME) + "."
    return f"cannot read {phrase!r} in the declaration {found.text!r}: it is not a shape, property or range. {hint}"
