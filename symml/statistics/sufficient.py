"""Sufficient statistics: the log-density split into terms c(parameters) · t(data), averaged over the sample.

The mean log-likelihood is then Σ c_k T_k with T_k = mean t_k; no sum over the observations ever reaches a solver.
Second moments are centred, so that data far from zero keep their digits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import sympy as sp

from symml.language.expressions import Expression, Symbol
from symml.language.operators import add, call, elementwise_power, elementwise_product, multiply_any, scalar
from symml.statistics.elementwise import lift

SAMPLES = 3


@dataclass(frozen=True)
class Statistic:
    """A statistic of the sample: its symbol, the function of one observation, and the expression of the data."""

    symbol: sp.Symbol
    term: sp.Expr
    expression: Expression
    centred: bool = False


@dataclass(frozen=True)
class Split:
    """A log-density as Σ c_k t_k: the pairs (c_k, t_k), t = 1 first where it occurs."""

    terms: tuple[tuple[sp.Expr, sp.Expr], ...]


def split(logpdf: sp.Expr, data: Sequence[sp.Symbol]) -> Split | None:
    """Return the log-density as a sum of products of functions of parameters and of data; None if it is not one."""
    constants = {f: sp.Dummy(positive=True) for f in sorted(logpdf.atoms(sp.log), key=str) if not f.free_symbols}
    back = {v: k for k, v in constants.items()}
    expanded = sp.expand(sp.expand_log(logpdf.xreplace(constants), force=True))
    grouped: dict[sp.Expr, sp.Expr] = {}
    for term in (t.xreplace(back) for t in sp.Add.make_args(expanded)):
        outside, inside = term.as_independent(*data, as_Add=False)
        if inside.free_symbols - set(data):
            return None
        grouped[inside] = grouped.get(inside, sp.S.Zero) + outside
    found = Split(tuple((c, t) for t, c in grouped.items()))
    return found if _same(logpdf, found) else None


def _same(logpdf: sp.Expr, found: Split) -> bool:
    """Whether the split has the value of the log-density: logarithms are expanded by force."""
    difference = logpdf - sp.Add(*(c * t for c, t in found.terms))
    symbols = sorted(difference.free_symbols, key=str)
    for k in range(SAMPLES):
        at = {s: _point(s, k, place) for place, s in enumerate(symbols)}
        value = sp.N(difference.xreplace(at), 20)
        if value.is_number and value.is_finite and abs(value) > sp.Float("1e-12"):
            return False
    return True


def _point(s: sp.Symbol, k: int, place: int) -> sp.Expr:
    domain = getattr(s, "domain", None)
    inside = sp.Rational(2 * k + place % 3 + 2, 11)
    if domain is not None and domain.low is not None and domain.high is not None:
        return sp.Rational(domain.low) + (sp.Rational(domain.high) - sp.Rational(domain.low)) * inside
    if s.is_integer:
        return sp.Integer(1 + (k + place) % 2)
    return inside + (domain.low if domain is not None and domain.low is not None else 0)


def statistics(
    found: Split, arrays: Mapping[sp.Symbol, Symbol], taken: Sequence[str]
) -> tuple[tuple[Statistic, ...], dict[sp.Expr, sp.Expr]]:
    """Return the statistics, and each mean of t_k in terms of them.

    Parameters
    ----------
    arrays : mapping
        The vector of each data symbol.
    taken : sequence of str
        Names that may not be used.
    """
    used = list(taken)
    made: list[Statistic] = []
    means: dict[sp.Expr, sp.Expr] = {sp.S.One: sp.S.One}
    terms = [t for _, t in found.terms if t != 1]
    firsts = {x: _statistic(f"{_name(x)}_bar", x, call("mean", arrays[x]), used) for x in arrays if x in terms}
    for x, s in firsts.items():
        made.append(s)
        means[x] = s.symbol
    for t in terms:
        if t in means:
            continue
        pair = _pair(t, firsts)
        if pair is None:
            s = _statistic("", t, call("mean", lift(t, arrays)), used)
            means[t] = s.symbol
        else:
            a, b = pair
            s = _centred(a, b, arrays, used, len(firsts) == 1)
            means[t] = s.symbol + firsts[a].symbol * firsts[b].symbol
        made.append(s)
    return tuple(made), means


def _pair(t: sp.Expr, firsts: Mapping[sp.Symbol, Statistic]) -> tuple[sp.Symbol, sp.Symbol] | None:
    """The two data symbols of a second moment whose means are statistics too."""
    for a in firsts:
        for b in firsts:
            if t == a * b:
                return a, b
    return None


def _centred(
    a: sp.Symbol, b: sp.Symbol, arrays: Mapping[sp.Symbol, Symbol], used: list[str], single: bool
) -> Statistic:
    left, right = (add(arrays[x], multiply_any(scalar(-1), call("mean", arrays[x]))) for x in (a, b))
    product = elementwise_power(left, 2) if a == b else elementwise_product(left, right)
    short = len(_name(a)) == len(_name(b)) == 1
    name = "s_sq" if single and a == b else f"s_{_name(a)}{'' if short else '_'}{_name(b)}"
    return replace(_statistic(name, a * b, call("mean", product), used, positive=a == b), centred=True)


def _statistic(name: str, term: sp.Expr, expression: Expression, used: list[str], positive: bool = False) -> Statistic:
    if not name or name in used:
        name = next(f"T{k}" for k in range(1, len(used) + 2) if f"T{k}" not in used)
    used.append(name)
    facts = (
        {"positive": True}
        if positive or term.is_positive
        else {"nonnegative": True}
        if term.is_nonnegative
        else {"real": True}
    )
    return Statistic(sp.Symbol(name, **facts), term, expression)


def _name(x: sp.Symbol) -> str:
    return str(x.name)


def arranged(mean: sp.Expr, found: Sequence[Statistic], size: sp.Expr) -> sp.Expr:
    """Return size · mean to show: logarithms apart, the rest over one denominator, squares completed."""
    constants = {f: sp.Dummy(positive=True) for f in sorted(mean.atoms(sp.log), key=str) if not f.free_symbols}
    back = {v: k for k, v in constants.items()}
    terms = sp.Add.make_args(sp.expand(mean.xreplace(constants)))
    apart = [t for t in terms if t.has(sp.Function, *back)]
    rest = sp.Add(*(t for t in terms if t not in apart))
    if sp.fraction(sp.factor(rest))[1].free_symbols or any(rest.has(s.symbol**2) for s in found):
        together = [presented(size * rest, found)]
    else:
        together = [size * t for t in sp.Add.make_args(rest)]
    return sp.Add(*(size * t.xreplace(back) for t in apart), *together)


def presented(e: sp.Expr, found: Sequence[Statistic]) -> sp.Expr:
    """Return an expression over one denominator, with squares of statistics completed and the sign in front."""
    top, below = sp.fraction(sp.factor(e))
    outside, factors = top.as_coeff_mul()
    for factor in sp.Mul.make_args(below):
        base, exponent = factor.as_base_exp()
        if base.is_Add and exponent.is_odd and base.as_coeff_Add()[0].is_negative:
            outside, below = -outside, below / factor * (-base) ** exponent
    shown = []
    for factor in factors:
        for s in found:
            factor = _square(factor, s.symbol)
        if (factor.is_Add and all(t.could_extract_minus_sign() for t in factor.args)) or (
            factor.is_Add and outside < 0 and factor.could_extract_minus_sign()
        ):
            outside, factor = -outside, sp.Add(*(-t for t in factor.args))
        shown.append(factor)
    lone = outside < 0 and [
        f for f in shown if f.is_Add and len(f.args) == 2 and any(t.could_extract_minus_sign() for t in f.args)
    ]
    if lone:
        outside, shown = -outside, [sp.Add(*(-t for t in f.args)) if f is lone[0] else f for f in shown]
    return sp.Mul(outside / below, *shown) if len(shown) != 1 or below != 1 else sp.Mul(outside, *shown)


def _square(top: sp.Expr, x: sp.Symbol) -> sp.Expr:
    """A x² + b x + c as a (x + b/2a)² + c′ when that leaves x in one place."""
    if x not in top.free_symbols or not top.is_polynomial(x) or sp.degree(top, x) != 2:
        return top
    a, b, c = sp.Poly(top, x).all_coeffs()
    shift = sp.cancel(b / (2 * a))
    rest = sp.expand(c - a * shift**2)
    if b == 0 or not shift.is_polynomial() or sp.count_ops(rest) > sp.count_ops(c):
        return top
    return a * (x + shift) ** 2 + rest
