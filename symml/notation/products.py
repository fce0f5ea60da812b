"""Writing products: one fraction of scalars in front, the chain of factors, what is divided by at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sympy as sp

from symml.language.expressions import Call, ElemPow, Expression, Eye, Hadamard, Mul, Ones, Pow, Symbol, Transpose
from symml.notation.scalars import joined, quotient, split
from symml.notation.style import Piece, shown, tight
from symml.notation.table import JUXTAPOSITION, PRODUCT

if TYPE_CHECKING:
    from symml.notation.writing import Writer


def is_inverse(exponent: Any) -> bool:
    """Whether a power prints as a division."""
    return bool(exponent.is_Integer and exponent < 0)


def product(w: Writer, e: Mul) -> Piece:
    """The piece of a product."""
    minus, above, below = (False, [], []) if e.coefficient == 1 else split(w.style, e.coefficient)
    first = next((k for k, a in enumerate(e.args) if a.shape != ()), len(e.args))
    groups = _groups(w, e, above, below, first)
    if first == len(e.args):
        parts = [quotient(w.style, *g) for g in groups]
        found = parts[0] if len(parts) == 1 else Piece(_side_by_side(w, parts), PRODUCT)
        return Piece(found.text, found.level, found.minus != minus)
    last = len(e.args)
    while e.shape != () and last > first + 1 and _divides(e.args[last - 1]):
        last -= 1
    behind = [_divisor(w, a) for a in e.args[last:]]
    if len(groups) == 1 and not groups[0][0] and groups[0][1] and first == 0 and (behind or _short(e)):
        behind, groups = groups[0][1] + behind, []
    chain = e.args[first:last]
    prefix = [quotient(w.style, *g) for g in groups if g[0] or g[1]]
    body, level = _chain(w, chain, bool(prefix), bool(behind))
    if not behind:
        text = _side_by_side(w, [*prefix, Piece(body, level)])
        return Piece(text, level if level == PRODUCT else JUXTAPOSITION, minus)
    fraction = w.style.fraction([Piece(body, JUXTAPOSITION)], behind)
    if w.style.operators["fraction_in_front"]:
        return Piece(_side_by_side(w, [*prefix, fraction]), JUXTAPOSITION, minus)
    return Piece(_side_by_side(w, [*prefix, Piece(body, JUXTAPOSITION)]) + fraction.text[len(body) :], PRODUCT, minus)


def _groups(w: Writer, e: Mul, above: list[Piece], below: list[Piece], first: int) -> list[tuple[list[Piece], list[Piece]]]:
    """Leading scalars as fractions, in their order: factors above the line, then factors below it."""
    groups = [(list(above), list(below))]
    lonely = first == len(e.args) and sum(not _divides(a) for a in e.args) == 1 and first > 1
    for a in e.args[:first]:
        if _divides(a):
            groups[-1][1].append(_divisor(w, a))
            continue
        if groups[-1][1] and (len(groups) > 1 or groups[-1][1] != below):
            groups.append(([], []))
        piece = w.of(a)
        if lonely and isinstance(a, Mul) and piece.level == JUXTAPOSITION and not below:
            piece = Piece(piece.text, 4, piece.minus)
        groups[-1][0].append(piece)
    return groups


def _divides(a: Expression) -> bool:
    return isinstance(a, Pow) and a.shape == () and bool(a.exponent.is_Rational and a.exponent < 0)


def _divisor(w: Writer, a: Expression) -> Piece:
    """What a negative power divides by."""
    assert isinstance(a, Pow)
    return w.of(a.args[0]) if a.exponent == -1 else w.power(a.args[0], -a.exponent)


def _short(e: Mul) -> bool:
    """Whether `chain/scalar` reads better than `1/scalar chain`: names alone, below a line with a name in it."""
    if e.coefficient.is_Rational or not e.coefficient.free_symbols:
        return False
    return all(isinstance(a.args[0] if isinstance(a, Transpose) else a, (Symbol, Ones, Eye)) for a in e.args)


def _chain(w: Writer, chain: tuple[Expression, ...], prefixed: bool, divided: bool) -> tuple[str, int]:
    """Text of a matrix product, and how it binds."""
    if len(chain) == 1:
        (a,) = chain
        piece = w.of(a)
        if isinstance(a, Hadamard) and not divided:
            return piece.text, PRODUCT
        if isinstance(a, ElemPow) and is_inverse(a.exponent) and prefixed and not divided:
            return piece.text.removeprefix("1 "), PRODUCT
    parts = []
    for a in chain:
        if _divides(a):
            assert isinstance(a, Pow)
            parts.append(w.power(a.args[0], a.exponent).text)
        else:
            parts.append(tight(w.style, w.of(a)))
    return " ".join(parts), JUXTAPOSITION


def _side_by_side(w: Writer, pieces: list[Piece]) -> str:
    """Fractions and a chain next to one another."""
    parts = [p.text if p.level >= PRODUCT and not p.minus else w.style.bracket(shown(w.style, p)) for p in pieces]
    return " ".join(parts)


assert Call and sp and joined
