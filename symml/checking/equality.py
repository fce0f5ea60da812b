"""Equality of two expressions: proved by canonical form, else judged at random points, never proved by these."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from symml.calculus.proving import proved_equal
from symml.checking.sampling import choose_sizes, draw
from symml.checking.small_values import draw_small, plain
from symml.codegen.evaluate import prepare
from symml.errors import DataError, DomainError, NotSupportedError
from symml.forms.lowering import lower
from symml.language.expressions import Expression, Symbol
from symml.language.operators import agree, show_shape
from symml.language.symbols import is_dimension
from symml.language.tables import symbol_table
from symml.records import Counterexample, Verdict, verdict

DRAWS = 4
TRIES = 50
TOLERANCE = 1e-9
DOUBTFUL = 1e-5  # a smaller difference may be rounding
SAFETY = 50
EPSILON = 2.0**-52
PLAIN = 1e-3  # relative difference of a counterexample that is shown
SMALL_TRIES, SMALL_KEPT = 60, 6

SHIFTS = 3
FAILURES = (np.linalg.LinAlgError, FloatingPointError, ZeroDivisionError, OverflowError, ValueError, DomainError)

Sides = tuple[Callable[..., Any], Callable[..., Any]]


def equal(a: Expression, b: Expression, seed: int = 0, symbols: Mapping[str, Any] | None = None) -> Verdict:
    """Return whether two expressions are equal for all values their declarations allow.

    Returns
    -------
    Verdict
        `proved` with its certificate, `holds` at random points of several sizes, `wrong` with a counterexample, or
        `unchecked` with the reason.
    """
    a, b = agree([a, b])
    if a.shape != b.shape:
        reason = f"the shapes differ: {show_shape(a.shape)} and {show_shape(b.shape)}"
        return verdict("wrong", reason=reason)
    try:
        if proved_equal(lower(a), lower(b)):
            if contradicted(a, b, seed):
                return verdict("unchecked", reason="a matrix that is inverted is singular at every point drawn")
            return verdict("proved", certificate="both sides have the same canonical form")
    except NotSupportedError:
        pass
    return sampled(a, b, seed, symbols)


def sampled(a: Expression, b: Expression, seed: int = 0, symbols: Mapping[str, Any] | None = None) -> Verdict:
    """Return `holds`, `wrong` or `unchecked` from random points alone."""
    table = {**symbol_table(a), **symbol_table(b), **(symbols or {})}
    sides = (prepare(a), prepare(b))
    rng = np.random.default_rng(seed)
    done, worst = 0, 0.0
    lonely: list[tuple[Any, ...]] = []  # points at which the same one side is undefined
    for attempt in range(TRIES):
        values, sizes = _drawn(table, rng, attempt)
        found = _compare(sides, values, sizes)
        if found is None:
            lonely.append((values, sizes))
            continue
        x, y, error = found
        if error > TOLERANCE:
            if error < DOUBTFUL and _rounding(sides, values, sizes) * SAFETY > float(np.max(np.abs(x - y))):
                continue
            shown = _small_counterexample(sides, table, seed) or Counterexample({**values, **sizes}, x, y, error, seed)
            return verdict("wrong", counterexample=_pasted(shown, a, b))
        worst = max(worst, error)
        done += 1
        if done == DRAWS:
            return verdict("holds", certificate=f"equal to {worst:.0e} at {DRAWS} random points")
    if not done:
        undefined = _undefined(sides, lonely, seed)
        if undefined is not None:
            return verdict("wrong", counterexample=_pasted(undefined, a, b))
    return verdict("unchecked", reason="no point was found at which both sides are finite")


def contradicted(a: Expression, b: Expression, seed: int = 0) -> bool:
    """Whether two expressions differ plainly at every point tried: a matrix that is never invertible was inverted."""
    table = {**symbol_table(a), **symbol_table(b)}
    sides = (prepare(a), prepare(b))
    rng = np.random.default_rng(seed)
    found = [_compare(sides, *_drawn(table, rng, attempt)) for attempt in range(DRAWS)]
    errors = [f[2] for f in found if f is not None]
    return bool(errors) and min(errors) > PLAIN


def _drawn(table: Mapping[str, Any], rng: np.random.Generator, attempt: int) -> tuple[dict[str, Any], dict[str, int]]:
    """Values at sizes that grow by one from draw to draw: (-1)^n is 1 at even n only."""
    base = choose_sizes(table.values(), {})
    return draw(table, rng, {name: size + attempt % SHIFTS for name, size in base.items()})


def _undefined(sides: Sides, points: Sequence[tuple[Any, ...]], seed: int) -> Counterexample | None:
    """A point at which one side is finite and the other, here and at all other points, is not a number."""
    found: list[tuple[Any, Any, Any]] = []
    for values, sizes in points:
        try:
            with np.errstate(all="ignore"):
                x, y = (np.asarray(side(values, sizes), float) for side in sides)
        except FAILURES:
            return None
        found.append(({**values, **sizes}, x, y))
    for k in (1, 2):
        whole = [row for row in found if np.all(np.isfinite(row[3 - k]))]
        if len(whole) >= len(found) / 2 > 0 and not any(np.all(np.isfinite(row[k])) for row in found):
            values, x, y = min(whole, key=lambda row: sum(float(np.size(v)) for v in row[0].values()))
            return Counterexample(values, x, y, float("nan"), seed)
    return None


def _values(sides: Sides, values: Mapping[str, Any], sizes: Mapping[str, int]) -> tuple[Any, Any] | None:
    try:
        with np.errstate(all="ignore"):
            x, y = (np.asarray(side(values, sizes), float) for side in sides)
    except FAILURES:
        return None
    return (x, y) if np.all(np.isfinite(x)) and np.all(np.isfinite(y)) else None


def _compare(sides: Sides, values: Mapping[str, Any], sizes: Mapping[str, int]) -> tuple[Any, Any, float] | None:
    found = _values(sides, values, sizes)
    if found is None:
        return None
    x, y = found
    size = max(float(np.max(np.abs(x), initial=0.0)), float(np.max(np.abs(y), initial=0.0)), 1e-6)
    return x, y, float(np.max(np.abs(x - y), initial=0.0)) / size


def _rounding(sides: Sides, values: Mapping[str, Any], sizes: Mapping[str, int]) -> float:
    """How much the sides move where every value moves by an ulp or two: a difference of that size says nothing."""
    here, jump = _values(sides, values, sizes), 0.0
    for k in (-2, 1, 3):
        moved = _values(sides, {name: v * (1 + k * EPSILON) for name, v in values.items()}, sizes)
        if here is not None and moved is not None:
            jump = max([jump, *(float(np.max(np.abs(m - h), initial=0.0)) for m, h in zip(moved, here, strict=True))])
    return jump


def _small_counterexample(sides: Sides, table: Mapping[str, Any], seed: int) -> Counterexample | None:
    """The point with the smallest integers among the first few at which the sides differ plainly."""
    rng = np.random.default_rng(seed)
    best, least = None, np.inf
    kept = 0
    for _ in range(SMALL_TRIES):
        try:
            values, sizes = draw_small(table, rng)
        except DataError:
            return None
        found = _compare(sides, values, sizes)
        if found is None or found[2] < PLAIN:
            continue
        weight = sum(float(np.sum(np.abs(v))) for v in values.values())
        if weight < least:
            best, least = Counterexample({**values, **sizes}, *found, seed), weight
        kept += 1
        if kept == SMALL_KEPT:
            break
    return best


def _pasted(found: Counterexample, a: Expression, b: Expression) -> Counterexample:
    """Values as plain lists and numbers; of the sizes only those that the arrays of a side do not tell."""
    told = [{d for s in symbol_table(e).values() if isinstance(s, Symbol) for d in map(str, s.shape)} for e in (a, b)]
    tables = (symbol_table(a), symbol_table(b))
    dimensions = {name for t in tables for name, s in t.items() if not isinstance(s, Symbol) and is_dimension(s)}
    both = list(zip(tables, told, strict=True))
    needed = {n for n in dimensions if any(n in t and str(t[n]) not in known for t, known in both)}
    arrays = {name for t in tables for name in t if name not in dimensions}
    kept = {name: plain(v) for name, v in found.values.items() if name in arrays or name in needed}
    return replace(found, values=kept)
