"""Intervals: where the entries of an expression lie, with exact ends."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import sympy as sp

from symml.language.properties import Domain
from symml.language.symbols import ScalarSymbol


@dataclass(frozen=True)
class Range:
    """Where every entry lies; None is unbounded."""

    low: Fraction | None = None
    high: Fraction | None = None
    low_open: bool = False
    high_open: bool = False

    @property
    def positive(self) -> bool:
        """Whether every value is above zero."""
        return self.low is not None and (self.low > 0 or (self.low == 0 and self.low_open))

    @property
    def nonnegative(self) -> bool:
        """Whether every value is at least zero."""
        return self.low is not None and self.low >= 0

    @property
    def negative(self) -> bool:
        """Whether every value is below zero."""
        return negated(self).positive

    @property
    def nonpositive(self) -> bool:
        """Whether every value is at most zero."""
        return negated(self).nonnegative


REALS = Range()
POSITIVE = Range(Fraction(0), None, True)
NONNEGATIVE = Range(Fraction(0))
UNIT = Range(Fraction(0), Fraction(1))
OPEN_UNIT = Range(Fraction(0), Fraction(1), True, True)
SIGNED_UNIT = Range(Fraction(-1), Fraction(1))


def negated(r: Range) -> Range:
    """Return the range of -x."""
    low, high = (None if v is None else -v for v in (r.high, r.low))
    return Range(low, high, r.high_open, r.low_open)


def added(a: Range, b: Range) -> Range:
    """Return the range of x + y."""
    low = None if a.low is None or b.low is None else a.low + b.low
    high = None if a.high is None or b.high is None else a.high + b.high
    return Range(low, high, a.low_open or b.low_open, a.high_open or b.high_open)


def multiplied(a: Range, b: Range) -> Range:
    """Return the range of x * y; exact bounds for ranges that do not cross zero."""
    if a.nonpositive and not a.nonnegative:
        return negated(multiplied(negated(a), b))
    if b.nonpositive and not b.nonnegative:
        return negated(multiplied(a, negated(b)))
    if a.nonnegative and b.nonnegative:
        low = (a.low or Fraction(0)) * (b.low or Fraction(0))
        high = None if a.high is None or b.high is None else a.high * b.high
        reaches_zero = any(r.low == 0 and not r.low_open for r in (a, b))
        low_open = (a.low_open or b.low_open) and not reaches_zero
        return Range(low, high, low_open, bool(high) and (a.high_open or b.high_open))
    bounds = (a.low, a.high, b.low, b.high)
    if any(v is None for v in bounds):
        return REALS
    corners = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]  # type: ignore[operator]
    return Range(min(corners), max(corners))


def raised(a: Range, exponent: sp.Expr) -> Range:
    """Return the range of x ** exponent."""
    if exponent.is_Integer and exponent > 0:
        if exponent % 2 == 0 and not (a.nonnegative or a.nonpositive):
            bound = None if a.low is None or a.high is None else max(-a.low, a.high) ** int(exponent)
            open_end = a.low_open and a.high_open and a.low is not None and -a.low == a.high
            return Range(Fraction(0), bound, False, open_end)
        out = a
        for _ in range(min(int(exponent), 64) - 1):
            out = multiplied(out, a)
        return out
    if a.positive:
        return POSITIVE
    return NONNEGATIVE if a.nonnegative or exponent.is_even else REALS


def scalar_range(value: sp.Expr) -> Range:
    """Return the range of a SymPy scalar, from numbers, assumptions and declared intervals."""
    if value.is_Rational:
        exact = Fraction(int(value.p), int(value.q))
        return Range(exact, exact)
    if isinstance(value, ScalarSymbol):
        found = domain_range(value.domain)
        if found != REALS:
            return found
    if isinstance(value, sp.Add) and any(isinstance(s, ScalarSymbol) for s in value.free_symbols):
        total = Range(Fraction(0), Fraction(0))
        for term in value.args:
            coefficient, rest = term.as_coeff_Mul()
            total = added(total, multiplied(scalar_range(coefficient), scalar_range(rest)))
        if total.nonnegative or total.nonpositive:
            return total
    if value.is_positive:
        return POSITIVE
    if value.is_nonnegative:
        return NONNEGATIVE
    if value.is_negative:
        return negated(POSITIVE)
    return negated(NONNEGATIVE) if value.is_nonpositive else REALS


def domain_range(domain: Domain | None) -> Range:
    """Return the range that a declared domain allows."""
    if domain is None:
        return REALS
    if domain.values:
        ends = [_fraction(v) for v in domain.values]
        return REALS if None in ends else Range(min(ends), max(ends))  # type: ignore[type-var]
    return Range(_fraction(domain.low), _fraction(domain.high), domain.low_open, domain.high_open)


def _fraction(value: object) -> Fraction | None:
    exact = None if value is None else sp.nsimplify(value, rational=True)
    return Fraction(int(exact.p), int(exact.q)) if isinstance(exact, sp.Rational) else None
