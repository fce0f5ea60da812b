"""What a writer needs to know about its notation, and the pieces it builds: text with its precedence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from symml.notation.table import ATOM, POWER, SUM


class Piece(NamedTuple):
    """Text, how tightly it binds, whether a minus sign stands in front, whether it ends in a sum over an index."""

    text: str
    level: int
    minus: bool = False
    open: bool = False


@dataclass(frozen=True)
class Style:
    """One notation: how names, powers, fractions, brackets and calls look.

    Attributes
    ----------
    name : callable
        Printed form of a canonical name.
    minus : str
        The minus sign.
    templates : mapping
        Text of each bracket and postfix sign, by head, with ``{}``.
    operators : mapping
        Text of each infix sign, by head.
    beside : callable
        Texts of the factors of a product to text.
    power, elementwise_power : callable
        Base text and exponent to text.
    fraction : callable
        Numerator and denominator pieces to a piece.
    head : callable
        Printed head of a function, given its name and whether its own sign is taken by a symbol.
    call : callable
        Head and argument texts to text.
    bracket : callable
        Text in round brackets.
    differential : callable
        Whether a piece is a differential, which goes last in a product.
    bars : callable
        Head of a norm, absolute value or indicator and its content to text.
    exponential : callable
        A short exponent to a power of e; None for a long one.
    sized : callable
        Head and sizes to the text of `𝟏`, `I` or zeros of that size.
    matrix, element, applied, formula : callable
        Rows of entries, an array with positions, a function written in place, an index formula.
    bound_sum : callable
        Index, size (empty when the body shows it) and body to text.
    """

    name: Callable[[str], str]
    minus: str
    templates: dict[str, str]
    operators: dict[str, str]
    beside: Callable[[Sequence[str]], str]
    power: Callable[[str, Piece], str]
    elementwise_power: Callable[[str, Piece], str]
    fraction: Callable[[Sequence[Piece], Sequence[Piece]], Piece]
    head: Callable[[str, bool], str]
    call: Callable[[str, Sequence[str]], str]
    bracket: Callable[[str], str]
    differential: Callable[[Piece], bool]
    bars: Callable[[str, str], str]
    exponential: Callable[[Piece], Piece | None]
    sized: Callable[[str, Sequence[str]], Piece]
    matrix: Callable[[Sequence[Sequence[str]]], str]
    element: Callable[[str, Sequence[str]], str]
    applied: Callable[[str, str, str], str]
    formula: Callable[[Sequence[str], str, Sequence[Piece]], Piece]
    bound_sum: Callable[[str, str, Piece], Piece]
    action: Callable[[str, str, str], str]


def shown(style: Style, piece: Piece) -> str:
    """Text of a piece with its sign."""
    return style.minus + piece.text if piece.minus else piece.text


def tight(style: Style, piece: Piece, level: int = POWER) -> str:
    """Text of a piece as an operand of something that binds at `level`; in brackets if it binds less tightly."""
    return style.bracket(shown(style, piece)) if piece.minus or piece.level < level else piece.text


def negated(style: Style, piece: Piece, minus: bool) -> Piece:
    """Return the piece, or its negative; the negative of a sum has brackets."""
    if not minus:
        return piece
    if piece.level <= SUM:
        return Piece(style.bracket(shown(style, piece)), ATOM, True)
    return piece._replace(minus=not piece.minus)


def total(style: Style, terms: Sequence[Piece]) -> Piece:
    """Return the sum of pieces."""
    if len(terms) == 1:
        return terms[0]
    text = [terms[0].text]
    for term in terms[1:]:
        text.append(f" {style.minus if term.minus else '+'} {term.text}")
    return Piece("".join(text), SUM, terms[0].minus)
