"""Equality of two expressions: proved by canonical form, else judged at random points, never proved by these."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from symml.calculus.construct import times, total
from symml.calculus.proving import normal, proved_equal
from symml.checking.entrywise import zero_entrywise
from symml.checking.sampling import draw, sizes_at, tamed
from symml.checking.small_values import draw_small, plain
from symml.codegen.evaluate import prepare, short
from symml.errors import UNDEFINED, DataError, DomainError, NotSupportedError
from symml.forms.lowering import lower
from symml.language.expressions import Expression, Symbol
from symml.language.operators import agree, show_shape
from symml.language.symbols import is_dimension
from symml.language.tables import symbol_table
from symml.records import Counterexample, Verdict, verdict

DRAWS = 4
TRIES = 50
PLAIN_DRAWS = 10
TOLERANCE = 1e-9
DOUBTFUL = 1e-5  # a smaller difference may be rounding
SAFETY = 50
EPSILON = 2.0**-52
LARGE = 1e6  # an entry that an inverse of a singular matrix has
PLAIN = 1e-3  # relative difference of a counterexample that is shown
SMALL_TRIES, SMALL_KEPT, SMALL_TURNS = 60, 6, 4

TURNS = 8
FAILURES = (*UNDEFINED, DomainError)

Trial = tuple[Mapping[str, Any], tuple[Any, Any] | None]
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
    points = list(_trials(a, b, seed))
    try:
        found = not _differ(points) and proved(a, b)
    except NotSupportedError:
        found = False
    if found and any(pair is not None and _finite(*pair) for _, pair in points):
        return _within_domain(points, a, b)
    judged = sampled(a, b, seed, symbols)
    return _within_domain(points, a, b) if found and judged.ok else judged


def proved(a: Expression, b: Expression) -> bool:
    """Whether two expressions of one shape are proved to be equal, by canonical form or entry by entry.

    Raises
    ------
    NotSupportedError
        If one has no index form.
    """
    left, right = lower(a), lower(b)
    if proved_equal(left, right):
        return True
    difference = total([left, times(-1, right)], left.shape)
    return zero_entrywise(difference) or zero_entrywise(normal(difference))


def sampled(a: Expression, b: Expression, seed: int = 0, symbols: Mapping[str, Any] | None = None) -> Verdict:
    """Return `holds`, `wrong` or `unchecked` from random points alone."""
    table = {**symbol_table(a), **symbol_table(b), **(symbols or {})}
    sides = (prepare(a), prepare(b))
    rng = np.random.default_rng(seed)
    done, worst = 0, 0.0
    lonely: list[tuple[Any, ...]] = []  # points at which a side has no finite value
    for attempt in range(TRIES):
        values, sizes = _drawn(table, rng, attempt)
        pair = _both(sides, values, sizes)
        if pair is None or not _finite(*pair):
            lonely.append((values, sizes, pair))
            continue
        (x, y), error = pair, _error(*pair)
        if error > TOLERANCE:
            if error < DOUBTFUL and _rounding(sides, values, sizes) * SAFETY > float(np.max(np.abs(x - y))):
                continue
            shown = _small_counterexample(sides, table, seed, min(PLAIN, error / 10)) or Counterexample(
                {**values, **sizes}, x, y, error, seed
            )
            return verdict("wrong", counterexample=_pasted(shown, a, b))
        worst = max(worst, error)
        done += 1
        if done == DRAWS:
            partial = next((k for *_, found in lonely if (k := _undefined_side(found)) is not None), None)
            note = f" where both are defined; {_partly(partial, a, b)}" if partial is not None else ""
            return verdict("holds", certificate=f"equal to {worst:.0e} at {DRAWS} random points{note}")
    if not done:
        undefined = _undefined(lonely, seed)
        if undefined is not None:
            return verdict("wrong", counterexample=_pasted(undefined, a, b))
    return verdict("unchecked", reason="no point was found at which both sides are finite")


def _within_domain(points: Sequence[Trial], a: Expression, b: Expression) -> Verdict:
    """The verdict on sides whose proof holds wherever both are defined."""
    if _contradicted(points):
        return verdict("unchecked", reason="a matrix that is inverted is singular at every point drawn")
    note = "both sides have the same canonical form"
    partial = next((k for _, found in points if (k := _undefined_side(found)) is not None), None)
    if partial is None:
        return verdict("proved", certificate=note)
    return verdict("holds", certificate=f"{note} where both are defined; {_partly(partial, a, b)}")


def _trials(a: Expression, b: Expression, seed: int) -> Iterator[Trial]:
    """Values of both sides at a few points; None where one cannot be computed."""
    table = {**symbol_table(a), **symbol_table(b)}
    sides = (prepare(a), prepare(b))
    rng = np.random.default_rng(seed)
    for attempt in range(DRAWS):
        values, sizes = _drawn(table, rng, attempt)
        yield {**values, **sizes}, _both(sides, values, sizes)


def _contradicted(points: Sequence[Trial]) -> bool:
    errors = [_error(*found) for _, found in points if found is not None and _finite(*found)]
    return bool(errors) and min(errors) > PLAIN


def _differ(points: Sequence[Trial]) -> bool:
    """Whether the sides differ plainly at every point, with values too small for an inverse of a singular matrix."""
    sides = [x for _, found in points if found is not None and _finite(*found) for x in found]
    return (
        len(sides) > 2 and max(float(np.max(np.abs(x), initial=0.0)) for x in sides) < LARGE and _contradicted(points)
    )


def _undefined_side(found: tuple[Any, Any] | None) -> int | None:
    """The side that is not a number where the other is finite."""
    for k in (0, 1):
        if found is not None and np.any(np.isnan(found[k])) and np.all(np.isfinite(found[1 - k])):
            return k
    return None


def _partly(side: int, a: Expression, b: Expression) -> str:
    return f"{short((a, b)[side])} is not a number at some points where the other side is"


def _drawn(table: Mapping[str, Any], rng: np.random.Generator, attempt: int) -> tuple[dict[str, Any], dict[str, int]]:
    """Values at sizes that change from draw to draw: (-1)^n is 1 at even n only. Later ones stay nearer to 0."""
    values, sizes = draw(table, rng, sizes_at(table.values(), attempt % TURNS))
    return (values if attempt < PLAIN_DRAWS else tamed(table, values, attempt)), sizes


def _undefined(points: Sequence[tuple[Any, ...]], seed: int) -> Counterexample | None:
    """A point at which one side is finite and the other, here and at all other points, is not a number."""
    if any(pair is None for *_, pair in points):
        return None
    found = [({**values, **sizes}, *pair) for values, sizes, pair in points]
    for k in (1, 2):
        whole = [row for row in found if np.all(np.isfinite(row[3 - k]))]
        if len(whole) >= len(found) / 2 > 0 and not any(np.all(np.isfinite(row[k])) for row in found):
            values, x, y = min(whole, key=lambda row: sum(float(np.size(v)) for v in row[0].values()))
            return Counterexample(values, x, y, float("nan"), seed)
    return None


def _both(sides: Sides, values: Mapping[str, Any], sizes: Mapping[str, int]) -> tuple[Any, Any] | None:
    try:
        with np.errstate(all="ignore"):
            x, y = (np.asarray(side(values, sizes), float) for side in sides)
    except FAILURES:
        return None
    return x, y


def _finite(*arrays: Any) -> bool:
    return all(np.all(np.isfinite(x)) for x in arrays)


def _error(x: Any, y: Any) -> float:
    """The largest difference against the largest entry."""
    size = max(float(np.max(np.abs(x), initial=0.0)), float(np.max(np.abs(y), initial=0.0)), 1e-6)
    return float(np.max(np.abs(x - y), initial=0.0)) / size


def _compare(sides: Sides, values: Mapping[str, Any], sizes: Mapping[str, int]) -> tuple[Any, Any, float] | None:
    found = _both(sides, values, sizes)
    return (*found, _error(*found)) if found is not None and _finite(*found) else None


def _rounding(sides: Sides, values: Mapping[str, Any], sizes: Mapping[str, int]) -> float:
    """How much the sides move where every value moves by an ulp or two: a difference of that size says nothing."""
    here, jump = _both(sides, values, sizes), 0.0
    for k in (-2, 1, 3):
        moved = _both(sides, {name: v * (1 + k * EPSILON) for name, v in values.items()}, sizes)
        if here is not None and moved is not None and _finite(*here, *moved):
            jump = max([jump, *(float(np.max(np.abs(m - h), initial=0.0)) for m, h in zip(moved, here, strict=True))])
    return jump


def _small_counterexample(
    sides: Sides, table: Mapping[str, Any], seed: int, plain_error: float
) -> Counterexample | None:
    """The point with the smallest integers among the first few at which the sides differ plainly.

    Sizes 2, 3, ... first; then larger ones, for what differs at odd sizes only.
    """
    rng = np.random.default_rng(seed)
    for turn in range(SMALL_TURNS):
        best, least, kept = None, np.inf, 0
        for _ in range(SMALL_TRIES):
            try:
                values, sizes = draw_small(table, rng, turn)
            except DataError:
                return None
            found = _compare(sides, values, sizes)
            if found is None or found[2] < plain_error:
                continue
            weight = sum(float(np.sum(np.abs(v))) for v in values.values())
            if weight < least:
                best, least = Counterexample({**values, **sizes}, *found, seed), weight
            kept += 1
            if kept == SMALL_KEPT:
                break
        if best is not None:
            return best
    return None


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
