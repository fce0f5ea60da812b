"""Writing products: one fraction of scalars in front, the chain of factors, what is divided by at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from symml.language.expressions import (
    Call,
    ElemPow,
    Expression,
    Eye,
    Hadamard,
    Mul,
    Ones,
    Pow,
    Symbol,
    Transpose,
    make,
)  # fmt: skip
from symml.notation.scalars import quotient, split
from symml.notation.style import Piece, negated, shown, tight
from symml.notation.table import ATOM, JUXTAPOSITION, POWER, PRODUCT

if TYPE_CHECKING:
    from symml.notation.writing import Writer


def is_inverse(exponent: Any) -> bool:
    """Whether a power prints as a division."""
    return bool(exponent.is_Integer and exponent < 0)


def product(w: Writer, e: Mul, alone: bool = False) -> Piece:
    """Return the piece of a product; `alone`, as between the brackets of a call, x/2 is written for 1/2 x."""
    minus, above, below = (False, [], []) if e.coefficient == 1 else split(w.style, e.coefficient)
    last = [a for a in e.args if a.shape == () and w.style.differential(w.of(a))]
    moved = [p for p in above if w.style.differential(p)] + [w.of(a) for a in last]
    still = [a for a in e.args if a not in last]
    if moved and still:
        above = [p for p in above if p not in moved]
        shorter = make(Mul, tuple(still), e.fields, e.shape)
        assert isinstance(shorter, Mul)
        inner = _written(w, shorter, False, above, below)
        level = PRODUCT if e.shape == () else JUXTAPOSITION
        body = inner.text if inner.level >= level and not inner.open else w.style.bracket(inner.text)
        return Piece(w.style.beside([body, *(p.text for p in moved)]), JUXTAPOSITION, minus != inner.minus)
    return _written(w, e, minus, above, below, alone)


def _written(
    w: Writer, e: Mul, minus: bool, above: list[Piece], below: list[Piece], alone: bool = False
) -> Piece:  # fmt: skip
    """Text of a product with the factors of its coefficient above and below the line."""
    first = next((k for k, a in enumerate(e.args) if a.shape != ()), len(e.args))
    over = _reads_over(e, alone)
    groups = _groups(w, e, above, below, first)
    if first == len(e.args):
        if over and not above and len(groups) == 2:
            groups = [(groups[1][0], below + groups[1][1])]
        parts = [quotient(w.style, *g) for g in groups]
        found = parts[0] if len(parts) == 1 else Piece(_side_by_side(w, parts), PRODUCT, False, parts[-1].open)
        return negated(w.style, found, minus)
    last = len(e.args)
    while e.shape != () and last > first + 1 and _divides(e.args[last - 1]):
        last -= 1
    behind = [_divisor(w, a) for a in e.args[last:]]
    if not groups[0][0] and groups[0][1] and (behind or (over and first == 0)):
        behind, groups = groups[0][1] + behind, groups[1:]
    chain = e.args[first:last]
    prefix = [quotient(w.style, *_closed(w, *g)) for g in groups if g[0] or g[1]]
    body, level = _chain(w, chain, bool(prefix), bool(behind))
    if not behind:
        open_ = len(chain) == 1 and w.of(chain[0]).open
        text = _side_by_side(w, [*prefix, Piece(body, level, False, open_)])
        return Piece(text, level if level == PRODUCT else JUXTAPOSITION, minus, open_)
    if w.style.operators["fraction_in_front"]:
        over_line = [p for g in groups for p in g[0]]
        if over_line:  # the scalars as one fraction, the array beside it
            fraction = w.style.fraction(over_line, [p for g in groups for p in g[1]] + behind)
            return Piece(_side_by_side(w, [fraction, Piece(body, JUXTAPOSITION)]), JUXTAPOSITION, minus)
        if len(chain) == 1:
            body = shown(w.style, w.of(chain[0]))
        return Piece(w.style.fraction([Piece(body, JUXTAPOSITION)], behind).text, JUXTAPOSITION, minus)
    fraction = w.style.fraction([Piece(body, JUXTAPOSITION)], behind)
    return Piece(_side_by_side(w, [*prefix, fraction]), PRODUCT, minus)


def _closed(w: Writer, above: list[Piece], below: list[Piece]) -> tuple[list[Piece], list[Piece]]:
    """Put a product of arrays above the line in brackets where a chain follows: (xᵀ A x)/‖x‖² x."""
    if not below or w.style.operators["fraction_in_front"]:
        return above, below
    closed = [p._replace(text=w.style.bracket(p.text), level=ATOM) if p.level == JUXTAPOSITION else p for p in above]
    return closed, below


def _groups(
    w: Writer, e: Mul, above: list[Piece], below: list[Piece], first: int
) -> list[tuple[list[Piece], list[Piece]]]:
    """Leading scalars as fractions, in their order: factors above the line, then factors below it."""
    groups = [(list(above), list(below))]
    if below and first and not any(_divides(a) for a in e.args[:first]):
        groups.append(([], []))
    lonely = first == len(e.args) > 1 and all(_divides(a) for a in e.args[1:])
    for a in e.args[:first]:
        if _divides(a):
            groups[-1][1].append(_divisor(w, a))
            continue
        if len(groups[-1][1]) > (len(below) if len(groups) == 1 else 0):
            groups.append(([], []))
        piece = w.of(a)
        if lonely and isinstance(a, Mul) and piece.level == JUXTAPOSITION:
            piece = piece._replace(level=POWER)
        groups[-1][0].append(piece)
    return groups


def _divides(a: Expression) -> bool:
    return isinstance(a, Pow) and a.shape == () and bool(a.exponent.is_Rational and a.exponent < 0)


def _divisor(w: Writer, a: Expression) -> Piece:
    """Piece of what a negative power divides by."""
    assert isinstance(a, Pow)
    return w.of(a.args[0]) if a.exponent == -1 else w.power(a.args[0], -a.exponent)


def _reads_over(e: Mul, alone: bool) -> bool:
    """Whether `chain/scalar` reads better than `1/scalar chain`: names and norms below a line with a name in it."""
    if alone:
        return not isinstance(e.args[0], Hadamard)
    if e.coefficient.is_Rational or not e.coefficient.free_symbols:
        return False
    if len(e.args) == 1 and isinstance(e.args[0], (Pow, ElemPow)) and e.args[0].exponent.is_positive:
        base = e.args[0].args[0]
        return isinstance(base, Symbol) if base.shape != () else _is_norm(base)
    return all(isinstance(a.args[0] if isinstance(a, Transpose) else a, (Symbol, Ones, Eye)) for a in e.args) or (
        len(e.args) == 1 and (_is_norm(e.args[0]) or _is_total(e.args[0]))
    )


def _is_norm(e: Expression) -> bool:
    return isinstance(e, Call) and e.function in ("norm", "norm1")


def _is_total(e: Expression) -> bool:
    return isinstance(e, Call) and e.function in ("sum", "mean", "trace") and isinstance(e.args[0], Symbol)


def _chain(w: Writer, chain: tuple[Expression, ...], prefixed: bool, divided: bool) -> tuple[str, int]:
    """Text of a matrix product, and how it binds."""
    if len(chain) == 1:
        (a,) = chain
        piece = w.of(a)
        if (isinstance(a, Hadamard) or piece.open) and not divided:
            return piece.text, PRODUCT
        if isinstance(a, ElemPow) and is_inverse(a.exponent) and not divided:
            return piece.text.removeprefix("1 ") if prefixed else piece.text, PRODUCT
    parts = []
    for a in chain:
        if _divides(a):
            assert isinstance(a, Pow)
            parts.append(w.power(a.args[0], a.exponent).text)
        else:
            parts.append(tight(w.style, w.of(a)))
    if (
        len(parts) > 2
        and isinstance(chain[-2], Ones)
        and isinstance(chain[-1], Transpose)
        and isinstance(chain[-1].args[0], Ones)
        and not w.style.operators["foreign"]
    ):
        parts[:-1] = [w.style.bracket(" ".join(parts[:-1]))]  # row sums, spread over the columns
    return w.style.beside(parts), JUXTAPOSITION


def _side_by_side(w: Writer, pieces: list[Piece]) -> str:
    """Fractions and a chain next to one another."""
    parts = [
        p.text
        if p.level >= PRODUCT and not p.minus and not (p.open and p is not pieces[-1])
        else w.style.bracket(shown(w.style, p))
        for p in pieces
    ]
    return w.style.beside(parts)
