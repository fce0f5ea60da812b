"""What a distribution is: a record with parameters, support and log-density; everything else follows from these.

One file a family in `distributions`, one record a file, named as in `sympy.stats`. Moments, estimates and
information are derived from the log-density and never written down here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import sympy as sp

from symml.errors import DeclarationError, DomainError, NotSupportedError
from symml.fitting.declared import inside
from symml.language.names import unicode_name
from symml.language.properties import Domain
from symml.registry import discover


@dataclass(frozen=True)
class Parameter:
    """A parameter of a family: its name, where it lies, the range samplers draw from, and what it is."""

    name: str
    domain: Domain
    typical: tuple[float, float]
    meaning: str


@dataclass(frozen=True)
class Alternative:
    """Another parameter for the same thing, such as `var` for `sd`: how the family's own parameter follows from it."""

    parameter: Parameter
    replaces: str
    value: Callable[[Any], Any]


@dataclass(frozen=True)
class Distribution:
    """A family of distributions of one real observation.

    Attributes
    ----------
    name : str
        As in `sympy.stats`.
    parameters : tuple of Parameter
        In the order of `sympy.stats`.
    support : Domain
        Where an observation lies; free of the parameters.
    discrete : bool
        Whether the density is a probability mass function on the integers of the support.
    logpdf : callable
        SymPy observation and parameters, by position, to the log-density.
    scipy : callable
        Numbers of the parameters, by position, to a frozen `scipy.stats` distribution.
    source : str
        Author, work, page or equation.
    alternatives : tuple of Alternative
        Other parameters, by keyword.
    """

    name: str
    parameters: tuple[Parameter, ...]
    support: Domain
    discrete: bool
    logpdf: Callable[..., Any]
    scipy: Callable[..., Any]
    source: str
    alternatives: tuple[Alternative, ...] = ()


@cache
def families() -> dict[str, Distribution]:
    """All registered distributions by name."""
    return {d.name: d for d in discover("symml.statistics.distributions", Distribution)}


def family(name: str) -> Distribution:
    """Return a distribution by name.

    Raises
    ------
    NotSupportedError
        If no distribution of that name is registered; names the known ones.
    """
    found = families().get(name)
    if found is None:
        raise NotSupportedError(
            f"{name} is not a distribution symml knows yet; known: {', '.join(sorted(families()))}. "
            "Give its log-density instead: mle(logpdf=..., params=..., data=...)."
        )
    return found


def fill(
    distribution: Distribution, positional: list[Any], named: dict[str, Any]
) -> dict[str, tuple[Parameter, Any, Any]]:
    """Return, for each own parameter of a family, the parameter that was given, its value, and the own value.

    Raises
    ------
    DeclarationError
        If there are too many, too few or unknown parameters, or one is given twice.
    """
    own = {p.name: p for p in distribution.parameters}
    others = {a.parameter.name: a for a in distribution.alternatives}
    spelled = f"{distribution.name}({', '.join(own)})"
    if len(positional) > len(own):
        raise DeclarationError(f"{spelled} takes {len(own)} parameter{'s' * (len(own) > 1)}, {len(positional)} given")
    found: dict[str, tuple[Parameter, Any, Any]] = {}
    for p, value in zip(distribution.parameters, positional, strict=False):
        found[p.name] = (p, value, value)
    for name, value in named.items():
        if name not in own and name not in others:
            raise DeclarationError(f"{spelled} has no parameter {name!r}; it has {', '.join([*own, *others])}")
        target = name if name in own else others[name].replaces
        if target in found:
            raise DeclarationError(f"{spelled}: {name} is given twice, also as {found[target][0].name}")
        found[target] = (
            (own[name], value, value) if name in own else (others[name].parameter, value, others[name].value(value))
        )
    missing = [name for name in own if name not in found]
    if missing:
        raise DeclarationError(f"{spelled}: no value for {', '.join(missing)}")
    return {name: found[name] for name in own}


def support_words(distribution: Distribution) -> str:
    """Return the support as words of a declaration, such as ``integer >= 0``."""
    domain = distribution.support
    words = ["integer"] if distribution.discrete and not domain.values else []
    bounded = domain.values or domain.low is not None or domain.high is not None
    return " ".join([*words, *([str(domain)] if bounded else [])])


def observation_symbol(name: str, domain: Domain) -> sp.Symbol:
    """Return the SymPy symbol of one observation, with the sign of its range.

    It is not an integer even where the range is discrete: SymPy rewrites log Γ of an integer as the log of a factorial.
    """
    sign = (
        "positive"
        if domain.positive
        else "nonnegative"
        if domain.nonnegative
        else "negative"
        if domain.negative
        else "real"
    )
    return sp.Symbol(name, **{sign: True})


def check_support(name: str, distribution: Distribution, value: Any) -> None:
    """Refuse observations outside the support of a family.

    Raises
    ------
    DomainError
        Names the first of them and its row, counted from 1.
    """
    array = np.asarray(value, float).reshape(-1)
    domain = distribution.support
    good = inside(array, domain) & ((array == np.round(array)) if distribution.discrete else True)
    bad = np.flatnonzero(~good & np.isfinite(array))
    if len(bad):
        more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
        kind = "an integer " if distribution.discrete and not domain.values else ""
        entry = f"{unicode_name(name)}[{bad[0] + 1}] = {array[bad[0]]:g}{more}"
        raise DomainError(f"{entry} is outside the support of {distribution.name}: {kind}{domain}")
