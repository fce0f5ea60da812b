"""Writing SymPy scalars: SymPy's order, numbers first, one fraction for each product."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import sympy as sp
from sympy.printing.latex import LatexPrinter

from symml.errors import NotationError
from symml.language.function import functions
from symml.language.names import canonical
from symml.notation.style import Piece, Style, negated, shown, tight, total
from symml.notation.table import ATOM, JUXTAPOSITION, POWER, PRODUCT, SCALAR_FUNCTIONS

_CONSTANTS = {sp.pi: "π", sp.oo: "∞", sp.GoldenRatio: "GoldenRatio", sp.EulerGamma: "EulerGamma", sp.E: "exp(1)"}


def scalar_piece(style: Style, value: Any) -> Piece:
    """Return a SymPy scalar as a piece."""
    for test, write in _KINDS:
        if test(value):
            return write(style, value)
    return _function(style, value)


def split(style: Style, value: Any) -> tuple[bool, list[Piece], list[Piece]]:
    """Return sign, factors above and factors below the line of a scalar that multiplies something."""
    if value.is_Add:
        if all(t.could_extract_minus_sign() for t in value.args):
            minus, above, below = split(style, -value)
            return not minus, above, below
        content, rest = value.as_content_primitive()
        if not (content.is_Rational and content.q != 1):
            return False, [_add(style, value)], []
        above = [_integer(content.p)] if content.p != 1 else []
        return False, [*above, scalar_piece(style, rest)], [_integer(content.q)]
    number, rest = value.as_coeff_Mul()
    if not number.is_Rational:
        return False, [scalar_piece(style, value)], []
    above = [_integer(abs(number.p))] if abs(number.p) != 1 else []
    below = [_integer(number.q)] if number.q != 1 else []
    for factor in rest.as_ordered_factors() if rest.is_Mul else () if rest == 1 else (rest,):
        base, exponent = (factor.base, factor.exp) if factor.is_Pow else (factor, sp.S.One)
        if exponent.is_Rational and exponent < 0:
            below.append(scalar_piece(style, base**-exponent))
        else:
            above.append(scalar_piece(style, factor))
    return number < 0, above, below


def joined(style: Style, factors: list[Piece]) -> Piece:
    """Return the product of pieces side by side; a number after another factor needs a sign."""
    if len(factors) == 1:
        return factors[0]
    text, level = "", JUXTAPOSITION
    open_ = factors[-1].open and not factors[-1].minus
    for factor in factors:
        part = factor.text if open_ and factor is factors[-1] else tight(style, factor)
        if text and part[0].isdigit() and part[0].isascii():
            text, level = text + style.operators["number_times"] + part, PRODUCT
        else:
            text = style.beside([text, part]) if text else part
    return Piece(text, PRODUCT if open_ else level, False, open_)


def quotient(style: Style, above: list[Piece], below: list[Piece]) -> Piece:
    """Return the fraction of two products of pieces."""
    if not below:
        return joined(style, above) if above else _integer(1)
    return style.fraction(above, below)


def _integer(value: Any) -> Piece:
    return Piece(str(abs(int(value))), ATOM, int(value) < 0)


def _product(style: Style, value: Any) -> Piece:
    minus, above, below = split(style, value)
    return negated(style, quotient(style, above, below), minus)


def _add(style: Style, value: Any) -> Piece:
    terms = [scalar_piece(style, t) for t in value.as_ordered_terms()]
    if terms[0].minus:
        first = next((k for k, t in enumerate(terms) if not t.minus), 0)
        terms.insert(0, terms.pop(first))
    return total(style, terms)


def _power(style: Style, value: Any) -> Piece:
    base, exponent = value.base, value.exp
    if exponent == sp.S.Half:
        return style_root(style, scalar_piece(style, base))
    if exponent.is_Rational and exponent < 0:
        return quotient(style, [], [scalar_piece(style, base**-exponent)])
    return Piece(style.power(tight(style, scalar_piece(style, base), ATOM), scalar_piece(style, exponent)), POWER)


def style_root(style: Style, inner: Piece) -> Piece:
    """Return a square root."""
    return Piece(style.templates["sqrt"].format(shown(style, inner)), ATOM)


@cache
def _function_names() -> dict[Any, str]:
    """Text names of SymPy function classes: those of our records, then those of the table."""
    found = {getattr(sp, name): text for text, name, _ in SCALAR_FUNCTIONS}
    found |= {
        f.sympy: f.name for f in functions().values() if isinstance(f.sympy, type) and issubclass(f.sympy, sp.Basic)
    }
    found[sp.exp] = "exp"
    return found


def _function(style: Style, value: Any) -> Piece:
    name = _function_names().get(value.func)
    if isinstance(value, sp.Abs):
        inner = shown(style, scalar_piece(style, value.args[0]))
        if "|" not in inner:
            return Piece(style.bars("abs", inner), ATOM)
    if name == "polygamma" and value.args[0] in (0, 1):
        name = "digamma" if value.args[0] == 0 else "trigamma"
        return Piece(style.call(style.head(name, False), [shown(style, scalar_piece(style, value.args[1]))]), ATOM)
    if name == "exp" and style.operators["e"]:
        short = style.exponential(scalar_piece(style, value.args[0]))
        if short is not None:
            return short
    if name is None:
        return Piece(_Foreign(style).doprint(value) if style.operators["foreign"] else str(value), ATOM)
    return Piece(style.call(style.head(name, False), [shown(style, scalar_piece(style, a)) for a in value.args]), ATOM)


class _Foreign(LatexPrinter):  # type: ignore[misc]
    """SymPy's LaTeX printer with our names, for what our own table does not hold."""

    def __init__(self, style: Style) -> None:
        super().__init__()
        self.style = style

    def _print_Symbol(self, expr: Any, *_: Any, **__: Any) -> str:
        return symbol_name(self.style, expr)


def symbol_name(style: Style, value: Any) -> str:
    """Return the printed name of a SymPy symbol."""
    try:
        return style.name(canonical(value.name))
    except NotationError:
        return str(value.name)


def _rational(style: Style, value: Any) -> Piece:
    found = style.fraction([_integer(abs(value.p))], [_integer(value.q)])
    return Piece(found.text, found.level, value < 0)


def _constant(style: Style, value: Any) -> Piece:
    if value == sp.E:
        return Piece(style.call(style.head("exp", False), ["1"]), ATOM)
    return Piece(style.operators.get(_CONSTANTS[value], _CONSTANTS[value]), ATOM)


_KINDS: tuple[tuple[Callable[[Any], bool], Callable[[Style, Any], Piece]], ...] = (
    (lambda v: v.is_Symbol, lambda s, v: Piece(symbol_name(s, v), ATOM)),
    (lambda v: v.is_Integer, lambda s, v: _integer(v)),
    (lambda v: v.is_Rational, _rational),
    (lambda v: v.is_Mul, _product),
    (lambda v: v.is_Add, _add),
    (lambda v: v.is_Pow and v.base != sp.E, _power),
    (lambda v: v in _CONSTANTS, _constant),
    (lambda v: v.is_Number, lambda s, v: Piece(str(abs(v)), ATOM, bool(v < 0))),
)
