"""Ranges of entries and the facts of nodes, from how an expression is built; one row a class of expression."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal as Choice

import sympy as sp

from symml.codegen.products import Factor, flipped, product
from symml.codegen.ranges import (
    NONNEGATIVE,
    OPEN_UNIT,
    POSITIVE,
    REALS,
    SIGNED_UNIT,
    UNIT,
    Range,
    added,
    domain_range,
    multiplied,
    negated,
    raised,
    scalar_range,
)  # fmt: skip
from symml.language.expressions import (
    Add,
    Call,
    Element,
    ElemPow,
    Expression,
    Eye,
    Hadamard,
    Indicator,
    Literal,
    Mul,
    Ones,
    Pow,
    Scalar,
    Symbol,
    Transpose,
    Zeros,
)  # fmt: skip
from symml.language.function import functions

Fact = Choice["yes", "no", "unknown"]
Kind = Choice[
    "positive definite", "positive semidefinite", "negative definite", "negative semidefinite", "zero", "unknown"
]

BOUNDED = {
    "sigmoid": OPEN_UNIT, "normcdf": OPEN_UNIT, "softmax": replace(UNIT, low_open=True), "step": UNIT,
    "sin": SIGNED_UNIT, "cos": SIGNED_UNIT,
    "tanh": Range(Fraction(-1), Fraction(1), True, True), "erf": Range(Fraction(-1), Fraction(1), True, True),
    "sign": SIGNED_UNIT, "exp": POSITIVE, "softplus": POSITIVE, "cosh": Range(Fraction(1)), "relu": NONNEGATIVE,
    "abs": NONNEGATIVE, "sqrt": NONNEGATIVE, "norm": NONNEGATIVE, "norm1": NONNEGATIVE, "norm2": NONNEGATIVE,
    "sumsq": NONNEGATIVE, "normnuc": NONNEGATIVE, "normspec": NONNEGATIVE,
}  # fmt: skip
KEEPS_RANGE = ("mean", "vec", "max", "min")
SUMS = ("sum", "rowsum", "colsum", "trace")


@dataclass(frozen=True)
class Facts:
    """What is known of one node: range of entries, symmetry, definiteness and why."""

    entries: Range = REALS
    symmetric: Fact = "unknown"
    kind: Kind = "unknown"
    reason: str = ""


Known = dict[Expression, Facts]
WEAKER: dict[Kind, Kind] = {
    "positive definite": "positive semidefinite", "negative definite": "negative semidefinite"
}  # fmt: skip
Found = tuple[Kind, str]
UNKNOWN: Found = ("unknown", "")


def palindrome(chain: tuple[Factor, ...], known: Known) -> Found:
    """Definiteness of a chain that equals its own transpose."""
    middle, odd = divmod(len(chain), 2)
    right = chain[middle + odd :]
    if odd and not right:
        facts = known[chain[0].base]
        return facts.kind, facts.reason
    if odd:
        centre = known[chain[middle].base]
        if centre.kind == "unknown" or len(chain[middle].base.shape) != 2:
            return UNKNOWN
        inner = centre.kind if _full_rank(right) else WEAKER.get(centre.kind, centre.kind)
        return inner, f"A'SA with S {centre.kind}"
    if _full_rank(right):
        return "positive definite", "a Gram matrix of full column rank"
    return "positive semidefinite", "a Gram matrix"


def _full_rank(chain: tuple[Factor, ...]) -> bool:
    return all(_full_column_rank(f) for f in chain)


def _full_column_rank(factor: Factor) -> bool:
    base = factor.base
    facts = base.facts if isinstance(base, Symbol) else frozenset()
    if isinstance(base, Pow):
        return len(base.shape) == 2 and bool(base.exponent.is_negative)
    return bool(facts & {"invertible", "full row rank" if factor.transposed else "full column rank"})


# -- ranges of entries --------------------------------------------------------------------------------------------
def _symbol_entries(e: Symbol, known: Known) -> Range:
    found = domain_range(e.domain)
    facts = e.facts
    if facts & {"mask", "simplex", "one-hot rows"}:
        return UNIT
    if found != REALS:
        return found
    if "positive" in facts:
        return POSITIVE
    if "nonnegative" in facts:
        return NONNEGATIVE
    return negated(POSITIVE) if "negative" in facts else REALS


def _add_entries(e: Add, known: Known) -> Range:
    total = known[e.args[0]].entries
    for term in e.args[1:]:
        total = added(total, known[term].entries)
    return total


def _hadamard_entries(e: Hadamard, known: Known) -> Range:
    total = Range(Fraction(1), Fraction(1))
    for factor in dict.fromkeys(e.args):
        total = multiplied(total, raised(known[factor].entries, sp.Integer(e.args.count(factor))))
    return total


def _mul_entries(e: Mul, known: Known) -> Range:
    total = scalar_range(e.coefficient)
    arrays = [known[a].entries for a in e.args if a.shape != ()]
    for factor in e.args:
        if factor.shape == ():
            total = multiplied(total, known[factor].entries)
    if len(arrays) == 1:
        return multiplied(total, arrays[0])
    if not arrays:
        return total
    if e.shape == ():
        chain = product(e).chain
        if chain == flipped(chain):
            inner = palindrome(chain, known)[0]
            return multiplied(total, _of_kind(inner))
    if all(r.nonnegative for r in arrays):
        return multiplied(total, POSITIVE if all(r.positive for r in arrays) else NONNEGATIVE)
    return REALS


def _of_kind(kind: Kind) -> Range:
    """Range of x'Ax for an A of this kind; x may be zero."""
    if kind.startswith("positive"):
        return NONNEGATIVE
    return negated(NONNEGATIVE) if kind.startswith("negative") else REALS


def _call_entries(e: Call, known: Known) -> Range:
    name, inner = e.function, known[e.args[0]].entries if e.args else REALS
    if name == "sqrt" and inner.positive:
        return POSITIVE
    if name in BOUNDED:
        return BOUNDED[name]
    if len(e.args) == 1 and name in KEEPS_RANGE:
        return inner
    if len(e.args) == 1 and name in SUMS:
        lower = Range(inner.low, None, inner.low_open) if inner.nonnegative else REALS
        return Range(None, inner.high, False, inner.high_open) if inner.nonpositive else lower
    if name == "diag":
        return _with_zero(inner) if len(e.shape) == 2 else inner
    record = functions().get(name)
    words = record.properties if record else frozenset()
    return POSITIVE if "positive" in words else NONNEGATIVE if "nonnegative" in words else REALS


def _with_zero(r: Range) -> Range:
    low = r.low if r.low is None or r.low < 0 else Fraction(0)
    high = r.high if r.high is None or r.high > 0 else Fraction(0)
    return Range(low, high, r.low_open and low != 0, r.high_open and high != 0)


def _literal_entries(e: Literal, known: Known) -> Range:
    entries = [scalar_range(v) for v in e.value]
    lows, highs = [r.low for r in entries], [r.high for r in entries]
    return Range(
        None if None in lows else min(lows),  # type: ignore[type-var]
        None if None in highs else max(highs),  # type: ignore[type-var]
        all(r.low_open for r in entries),
        all(r.high_open for r in entries),
    )


ENTRIES: dict[type[Expression], Callable[..., Range]] = {
    Symbol: _symbol_entries,
    Scalar: lambda e, known: scalar_range(e.value),
    Literal: _literal_entries,
    Ones: lambda e, known: Range(Fraction(1), Fraction(1)),
    Zeros: lambda e, known: Range(Fraction(0), Fraction(0)),
    Eye: lambda e, known: UNIT,
    Indicator: lambda e, known: UNIT,
    Add: _add_entries,
    Hadamard: _hadamard_entries,
    Mul: _mul_entries,
    Call: _call_entries,
    ElemPow: lambda e, known: raised(known[e.args[0]].entries, e.exponent),
    Pow: lambda e, known: raised(known[e.args[0]].entries, e.exponent) if e.shape == () else REALS,
    Transpose: lambda e, known: known[e.args[0]].entries,
    Element: lambda e, known: known[e.args[0]].entries,
}
