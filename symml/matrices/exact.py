"""Exact entries: one tidy form of a number, a test for zero that never guesses, equality of products."""

from __future__ import annotations

from typing import Any

import sympy as sp

from symml.records import Verdict, verdict

DIGITS = 60
RADICALS = 4  # more of them in one entry are compared to 60 digits, not proved
Matrix = Any  # a SymPy matrix


def tidy(value: Any) -> Any:
    """Return a scalar in the form it is written: radicals out of denominators, fractions of symbols cancelled."""
    if value.is_Rational:
        return value
    if value.free_symbols:
        return sp.cancel(sp.together(value))
    if value.has(sp.I):
        real, imaginary = sp.expand_complex(value).as_real_imag()
        return _radicals(real) + sp.I * _radicals(imaginary)
    return _radicals(value)


def _radicals(value: Any) -> Any:
    found = sp.sqrtdenest(sp.radsimp(sp.expand(value)))
    return found if found.is_Rational else sp.expand(found) if found.is_Add else found


def root(square: Any) -> Any:
    """Return a square root; one that stays nested, or leaves the field of its square, is kept as it stands."""
    square = tidy(square)
    below = sp.fraction(sp.together(square))[1]
    found = sp.sqrt(square)
    if below.is_Integer:  # SymPy sees more squares in whole numbers
        found = sp.expand(sp.sqrtdenest(sp.sqrt(sp.expand(square * below**2))) / below)
    if square.free_symbols or square.is_Rational:
        return tidy(found)
    own, needed = (set(e.atoms(sp.Pow)) for e in (square, found))
    return found if needed <= own and not is_nested(found) else sp.sqrt(square)


def is_nested(value: Any) -> bool:
    """Whether a scalar holds a root of a sum."""
    return any(p.base.is_Add and not p.exp.is_Integer for p in value.atoms(sp.Pow))


def over(matrix: Matrix, divisor: Any) -> Matrix:
    """Return a matrix divided by a scalar; a nested root stays below the line, where it cancels in products."""
    found = sp.ImmutableMatrix(matrix / divisor)
    return found if any(is_nested(x) for x in found) else tidied(found)


def tidied(matrix: Matrix) -> Matrix:
    """Return a matrix with tidy entries."""
    return sp.ImmutableMatrix(matrix.applyfunc(tidy))


def is_zero(value: Any) -> bool | None:
    """Whether a scalar is zero; None when it is zero to 60 digits and no proof was found, or depends on symbols.

    A rational function of symbols that is not identically zero counts as nonzero: whoever divides by it states so.
    """
    value = tidy(value)
    if value.is_Rational:
        return bool(value == 0)
    if value.free_symbols:
        return bool(value.is_zero is True or sp.simplify(value) == 0)
    if abs(sp.N(value, DIGITS, maxn=4 * DIGITS)) > sp.Float(10) ** (10 - DIGITS):
        return False
    powers = [p for p in value.atoms(sp.Pow) if p.exp.is_Rational and not p.exp.is_Integer]
    if len(powers) <= RADICALS and sp.minimal_polynomial(value, sp.Symbol("x_")) == sp.Symbol("x_"):
        return True
    return None


def vanishes(value: Any) -> bool:
    """Whether a scalar counts as zero in an elimination: proved, or to 60 digits."""
    return is_zero(value) is not False


def same(left: Matrix, right: Matrix, certificate: str = "exact multiplication") -> Verdict:
    """Return whether two exact matrices are equal: proved, to 60 digits, or wrong."""
    if left.shape != right.shape:
        return verdict("wrong", reason=f"shapes {left.shape} and {right.shape}")
    found = [is_zero(entry) for entry in sp.Matrix(left - right)]
    if False in found:
        return Verdict.wrong
    if None in found:
        return verdict("holds", certificate=f"{certificate}, equal to {DIGITS - 10} digits")
    return verdict("proved", certificate=certificate)


def worst(verdicts: list[Verdict]) -> Verdict:
    """Return the weakest of several verdicts."""
    order = ("wrong", "unchecked", "holds", "proved")
    return min(verdicts, key=lambda v: order.index(v.value), default=Verdict.proved)
