"""Random points at several sizes: all named sizes differ, none is 1, values respect the declarations, no more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symml.checking.sampling import choose_sizes, draw, sizes_at, tamed
from symml.codegen.interpreter import prepare
from symml.errors import UNDEFINED, DataError
from symml.language.expressions import Add, Expression
from symml.language.properties import Domain

TURNS = 4
TRIES = 50
PLAIN_DRAWS = 10
FAILURES = UNDEFINED

Run = Callable[[Mapping[str, Any], Mapping[str, int]], Any]


@dataclass(frozen=True)
class Point:
    """Values and sizes by name."""

    values: Mapping[str, Any]
    sizes: Mapping[str, int]


def size_choices(table: Mapping[str, Any]) -> list[dict[str, int]]:
    """Return four choices of sizes: the sampler's and larger ones, even and odd in different combinations."""
    return [sizes_at(table.values(), turn) for turn in range(TURNS)]


def points(table: Mapping[str, Any], rng: np.random.Generator, sizes: Mapping[str, int]) -> Iterator[Point]:
    """Yield random points at given sizes, at most `TRIES`."""
    for attempt in range(TRIES):
        try:
            values, found = draw(table, rng, sizes)
        except DataError:
            values, found = draw(table, rng, None)
        yield Point(values if attempt < PLAIN_DRAWS else tamed(table, values, attempt), found)


def additive_terms(e: Expression) -> tuple[Expression, ...]:
    """Return the additive terms of an expression."""
    return e.args if isinstance(e, Add) else (e,)


def value(run: Run, at: Point) -> Any:
    """Return the value of a prepared expression at a point, or None if it cannot be computed."""
    try:
        with np.errstate(all="ignore"):
            found = np.asarray(run(at.values, at.sizes), float)
    except FAILURES:
        return None
    return found


def finite(array: Any) -> bool:
    """Whether a value was computed and is finite everywhere."""
    return array is not None and bool(np.all(np.isfinite(array)))


def largest(array: Any) -> float:
    """Largest absolute entry."""
    return float(np.max(np.abs(array), initial=0.0))


class Compiled:
    """An expression and its additive terms, prepared for evaluation."""

    def __init__(self, e: Expression) -> None:
        self.expression = e
        self._whole = prepare(e)
        terms = additive_terms(e)
        self._terms = [prepare(t) for t in terms] if len(terms) > 1 else []

    def value(self, at: Point) -> Any:
        """Return the value, or None."""
        return value(self._whole, at)

    def scale(self, at: Point) -> float:
        """Return the size of the largest term."""
        found = [value(t, at) for t in self._terms]
        return max((largest(v) for v in found if finite(v)), default=0.0)


def small_point(table: Mapping[str, Any], sides: Sequence[Compiled], seed: int) -> Point | None:
    """Return a point with small sizes and, where the declarations allow it, small integers."""
    rng = np.random.default_rng(seed)
    names = list(choose_sizes(table.values(), {}))
    base = choose_sizes(table.values(), {})
    order = sorted(names, key=lambda name: -base[name])
    sizes = dict(zip(order, (3, 2, *range(4, 4 + len(order))), strict=False))
    for at in points(table, rng, sizes):
        rounded = Point({name: _round(table[name], v) for name, v in at.values.items()}, at.sizes)
        if all(finite(s.value(rounded)) for s in sides):
            return rounded
    return None


def _round(symbol: Any, array: Any) -> Any:
    """Integers where a symbol has no property and no range, else two decimals where it stays inside its range."""
    domain: Domain | None = getattr(symbol, "domain", None)
    facts: frozenset[str] = getattr(symbol, "facts", frozenset())
    plain = hasattr(symbol, "facts") and not facts and domain is None
    if plain or (not hasattr(symbol, "facts") and domain is None and symbol.is_positive is None):
        return np.sign(array) * np.maximum(np.round(np.abs(np.asarray(array) * 2)), 1.0)
    return array
