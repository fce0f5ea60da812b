"""Checks of values against what was declared: ranges and properties, one row a word.

A row says what is wrong in words, or nothing; the words themselves are explained in `language.properties`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symml.errors import DomainError
from symml.language.expressions import Symbol
from symml.language.names import unicode_name
from symml.language.properties import Domain, domain_facts

TOLERANCE = 1e-8  # of properties that hold up to rounding: symmetry, unit norm, sums
ASSUMED = ("positive", "nonnegative", "negative", "nonpositive", "nonzero", "integer")

Check = Callable[[Any], str | None]


def check_declared(found: Any, value: Any) -> None:
    """Refuse a value outside the range or without the properties its symbol was declared with.

    Parameters
    ----------
    found : Symbol or sympy.Symbol
        The declared symbol.
    value : float or ndarray
        Finite, of the declared shape.

    Raises
    ------
    DomainError
        Names the entries that are outside, or the property that does not hold and by how much.
    """
    array = np.asarray(value, float)
    domain = getattr(found, "domain", None)
    if domain is not None:
        outside = np.argwhere(~inside(array, domain))
        if len(outside):
            raise DomainError(f"{_entry(found, array, outside)} is outside the declared range {domain}{_more(outside)}")
    words = words_of(found) - domain_facts(domain)
    for word, check in CHECKS.items():
        if word in words:
            problem = check(array)
            if problem:
                raise DomainError(f"{unicode_name(found.name)} is declared {word}: {problem}")


def words_of(found: Any) -> frozenset[str]:
    """Return the property words of a declared symbol, implied ones included, or what SymPy assumes of a scalar."""
    if isinstance(found, Symbol):
        return found.facts
    words = {w for w in ASSUMED if getattr(found, f"is_{w}", False)}
    return frozenset(words | set(getattr(found, "properties", ())))


def inside(array: Any, domain: Domain) -> Any:
    """Return entry by entry whether a value lies in a range."""
    if domain.values:
        return np.isin(array, [float(v) for v in domain.values])
    good = np.ones(np.shape(array), bool)
    if domain.low is not None:
        good &= array > float(domain.low) if domain.low_open else array >= float(domain.low)
    if domain.high is not None:
        good &= array < float(domain.high) if domain.high_open else array <= float(domain.high)
    return good


def _entry(found: Any, array: Any, places: Any) -> str:
    name, place = unicode_name(found.name), tuple(places[0])
    where = f"[{', '.join(str(k + 1) for k in place)}]" if place else ""
    return f"{name}{where} = {array[place]:g}"


def _more(places: Any) -> str:
    count = len(places) - 1
    return f" (and {count} more)" if count else ""


def _entries(test: Callable[[Any], Any]) -> Check:
    def check(array: Any) -> str | None:
        bad = np.argwhere(~test(array))
        if not len(bad):
            return None
        place = tuple(bad[0])
        where = f"entry [{', '.join(str(k + 1) for k in place)}]" if place else "the value"
        return f"{where} is {array[place]:g}{_more(bad)}"

    return check


def _small(measure: Callable[[Any], Any], problem: str) -> Check:
    def check(array: Any) -> str | None:
        size, scale = (float(np.max(np.abs(part), initial=0.0)) for part in (measure(array), array))
        return f"{problem} by up to {size:.2g}" if size > TOLERANCE * max(1.0, scale) else None

    return check


def _spectrum(least: Callable[[float], float]) -> Check:
    def check(array: Any) -> str | None:
        values = np.linalg.eigvalsh(array)
        scale = float(np.max(np.abs(values), initial=0.0))
        return f"its smallest eigenvalue is {values[0]:.3g}" if values[0] <= least(scale) else None

    return check


def _rank(axis: int) -> Check:
    def check(array: Any) -> str | None:
        rank, full = int(np.linalg.matrix_rank(array)), array.shape[axis]
        return f"its rank is {rank}, not {full}" if rank < full else None

    return check


def _invertible(array: Any) -> str | None:
    rank = int(np.linalg.matrix_rank(array))
    return f"its rank is {rank} of {len(array)}" if rank < len(array) else None


def _intercept(array: Any) -> str | None:
    constant = np.all(array == array[:1], axis=0) & (array[0] != 0)
    return None if np.any(constant) else "no column is constant"


CHECKS: dict[str, Check] = {
    "positive": _entries(lambda a: a > 0),
    "nonnegative": _entries(lambda a: a >= 0),
    "negative": _entries(lambda a: a < 0),
    "nonpositive": _entries(lambda a: a <= 0),
    "nonzero": _entries(lambda a: a != 0),
    "integer": _entries(lambda a: a == np.round(a)),
    "mask": _entries(lambda a: (a == 0) | (a == 1)),
    "symmetric": _small(lambda a: a - a.T, "it differs from its transpose"),
    "diagonal": _small(lambda a: a - np.diag(np.diag(a)), "there are entries off the diagonal,"),
    "identity": _small(lambda a: a - np.eye(len(a)), "it differs from the identity"),
    "lower triangular": _small(lambda a: np.triu(a, 1), "there are entries above the diagonal,"),
    "upper triangular": _small(lambda a: np.tril(a, -1), "there are entries below the diagonal,"),
    "spd": _spectrum(lambda scale: 1e-14 * scale),
    "psd": _spectrum(lambda scale: -TOLERANCE * scale),
    "invertible": _invertible,
    "orthonormal columns": _small(lambda a: a.T @ a - np.eye(a.shape[1]), "Q'Q differs from I"),
    "idempotent": _small(lambda a: a @ a - a, "P P differs from P"),
    "full column rank": _rank(1),
    "full row rank": _rank(0),
    "sums to one": _small(lambda a: np.sum(a) - 1, "its sum differs from 1"),
    "rows sum to one": _small(lambda a: a.sum(axis=1) - 1, "sums of rows differ from 1"),
    "centred": _small(lambda a: a.mean(axis=0), "column means differ from 0"),
    "unit norm": _small(lambda a: np.linalg.norm(a) - 1, "its norm differs from 1"),
    "contains intercept": _intercept,
}
