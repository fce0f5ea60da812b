"""Expected information of one observation, without integrals.

The expected values of the statistics follow from E[score] = 0, which is linear in them; the information is then the
expected negative second derivative.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import sympy as sp

from symml.errors import NotSupportedError
from symml.language.properties import Domain
from symml.statistics.distribution import Distribution, observation_symbol
from symml.statistics.estimators import tidy
from symml.statistics.sufficient import Split, split


def expected_terms(
    found: Split, parameters: Sequence[sp.Symbol], given: Sequence[sp.Symbol] = ()
) -> dict[sp.Expr, sp.Expr]:
    """Return E[t_k] for the terms of a log-density whose coefficients depend on the parameters.

    Parameters
    ----------
    given : sequence of symbols
        Covariates: data that are not random.

    Raises
    ------
    NotSupportedError
        If E[score] = 0 does not determine them.
    """
    known = {t: t for _, t in found.terms if not t.free_symbols - set(given)}
    unknown: dict[sp.Expr, sp.Symbol] = {}
    equations = []
    for p in parameters:
        total = sp.S.Zero
        for c, t in found.terms:
            slope = sp.diff(c, p)
            if slope != 0:
                outside, random = _random_part(t, given)
                total += slope * outside * (known.get(random) or unknown.setdefault(random, sp.Dummy(real=True)))
        equations.append(total)
    symbols = list(unknown.values())
    solved = sp.solve(equations, symbols, dict=True) if symbols else [{}]
    if len(solved) != 1 or any(s not in solved[0] for s in symbols):
        raise NotSupportedError(
            "the expected values of the statistics do not follow from E[score] = 0; the information is not known"
        )
    values = {random: tidy(solved[0][s]) for random, s in unknown.items()}
    if any(v.free_symbols & set(symbols) for v in values.values()):
        raise NotSupportedError(
            "the expected values of the statistics do not follow from E[score] = 0; the information is not known"
        )
    return values | {sp.S.One: sp.S.One}


def _random_part(t: sp.Expr, given: Sequence[sp.Symbol]) -> tuple[sp.Expr, sp.Expr]:
    """A term as (factor of covariates) · (factor that is random)."""
    random = [f for f in sp.Mul.make_args(t) if f.free_symbols - set(given)]
    return sp.Mul(*(f for f in sp.Mul.make_args(t) if f not in random)), sp.Mul(*random)


def expectation(
    value: sp.Expr, moments: dict[sp.Expr, sp.Expr], random: Sequence[sp.Symbol], given: Sequence[sp.Symbol] = ()
) -> sp.Expr:
    """Return the expected value of an expression that is linear in terms whose expected values are known.

    Raises
    ------
    NotSupportedError
        If another function of the observation occurs.
    """
    parts = split(value, [*random, *given])
    if parts is None:
        raise NotSupportedError(f"the expected value of {value} is not known")
    total = sp.S.Zero
    for c, t in parts.terms:
        outside, inside = _random_part(t, given)
        if inside != 1 and inside not in moments:
            raise NotSupportedError(f"the expected value of {inside} is not known")
        total += c * outside * (moments[inside] if inside != 1 else sp.S.One)
    return total


def information(
    logpdf: sp.Expr,
    parameters: Sequence[sp.Symbol],
    random: Sequence[sp.Symbol],
    given: Sequence[sp.Symbol],
    moments: dict[sp.Expr, sp.Expr],
) -> sp.Matrix:
    """Return the expected information of one observation, in the order of the parameters."""

    def entry(j: int, k: int) -> sp.Expr:
        return shown(expectation(-sp.diff(logpdf, parameters[j], parameters[k]), moments, random, given))

    upper = {(j, k): entry(j, k) for j in range(len(parameters)) for k in range(j, len(parameters))}
    return sp.Matrix(len(parameters), len(parameters), lambda j, k: upper[min(j, k), max(j, k)])


def shown(e: sp.Expr) -> sp.Expr:
    """Return an expression in short form, with 1 − p rather than −(p − 1)."""
    e = tidy(e)
    if not e.could_extract_minus_sign():
        return e
    for factor in sp.Mul.make_args(e):
        base, exponent = factor.as_base_exp()
        if base.is_Add and exponent.is_odd:
            return sp.Mul(-e / factor, (-base) ** exponent)
    return e


@cache
def family_information(distribution: Distribution) -> tuple[tuple[sp.Symbol, ...], sp.Matrix]:
    """Return symbols for a family's own parameters and the information of one observation about them."""
    own = tuple(own_symbol(p.name, p.domain) for p in distribution.parameters)
    x = observation_symbol("x", distribution.support)
    logpdf = distribution.logpdf(x, *own)
    found = split(logpdf, [x])
    if found is None:
        raise NotSupportedError(
            f"the expected information of {distribution.name} does not follow from its sufficient statistics"
        )
    return own, information(logpdf, own, [x], [], expected_terms(found, own))


def own_symbol(name: str, domain: Domain) -> sp.Symbol:
    """Return a SymPy symbol for a parameter of a family."""
    return sp.Dummy(name, **({"positive": True} if domain.positive else {"real": True}))


def link_information(
    known: tuple[tuple[sp.Symbol, ...], sp.Matrix], own: Sequence[sp.Expr], by: Sequence[sp.Symbol]
) -> sp.Matrix:
    """Return the information about `by` when a family's own parameters are functions of them: Jᵀ I J."""
    symbols, inner = known
    jacobian = sp.Matrix([[sp.diff(e, s) for s in by] for e in own])
    matrix = inner.subs(dict(zip(symbols, own, strict=True)), simultaneous=True)
    return (jacobian.T * matrix * jacobian).applyfunc(shown)
