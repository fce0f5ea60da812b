"""Whether two expressions are equal: shapes, then numbers at random points of four choices of sizes, then a proof.

"Cannot check" is never a pass. The residual is measured against the largest intermediate term, so that 0 = 0 at an
optimum is not mistaken for a difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from symml.checking.equality import proved
from symml.errors import NotSupportedError
from symml.language.expressions import Expression
from symml.language.operators import show_shape
from symml.language.tables import symbol_table
from symml.records import Counterexample, Verdict, verdict
from symml.validation.points import Compiled, Point, finite, largest, points, size_choices, small_point

TOLERANCE = 1e-9
CLEAR = 1e-6  # a relative difference above this is no rounding; between the two the point is not used
DRAWS = 2  # at each choice of sizes
SEED = 0


@dataclass(frozen=True)
class Comparison:
    """Verdict on left = right, its evidence, the points at which both sides were computed, where one was not."""

    verdict: Verdict
    evidence: str
    points: tuple[Point, ...] = field(default=(), repr=False)
    partial: str = ""


def compare(
    left: Expression, right: Expression, seed: int = SEED, table: Mapping[str, Any] | None = None
) -> Comparison:
    """Return whether two expressions are equal for all values their declarations allow."""
    if left.shape != right.shape:
        reason = f"the shapes differ: {show_shape(left.shape)} and {show_shape(right.shape)}"
        return Comparison(verdict("wrong", reason=reason), reason)
    symbols = {**symbol_table(left), **symbol_table(right), **(table or {})}
    sides = Compiled(left), Compiled(right)
    found = _numbers(sides, symbols, seed)
    if found.verdict != "holds":
        return found
    if _certified(left, right):
        note = "both sides have the same canonical form"
        if found.partial:
            note += " where both are defined"
            return Comparison(verdict("holds", certificate=note), f"{note}; {found.evidence}", found.points)
        return Comparison(verdict("proved", certificate=note), f"{note}; {found.evidence}", found.points)
    return found


def _certified(left: Expression, right: Expression) -> bool:
    try:
        return proved(left, right)
    except NotSupportedError:
        return False


def _numbers(sides: tuple[Compiled, Compiled], symbols: Mapping[str, Any], seed: int) -> Comparison:
    rng = np.random.default_rng(seed)
    used: list[Point] = []
    worst, one_sided, partial = 0.0, "", ""
    for sizes in size_choices(symbols):
        done = 0
        for at in points(symbols, rng, sizes):
            x, y = (s.value(at) for s in sides)
            if not (finite(x) and finite(y)):
                if finite(x) != finite(y):
                    bad = sides[1] if finite(x) else sides[0]
                    one_sided = partial = f"{bad.expression} is not finite where the other side is"
                continue
            error = residual(x, y, sides, at)
            if error > CLEAR:
                return _wrong(sides, symbols, at, seed)
            if error > TOLERANCE:
                one_sided = "the sides agree to 6 digits only at the points drawn"
                continue
            worst, done = max(worst, error), done + 1
            used.append(at)
            if done == DRAWS:
                break
    if not used:
        reason = one_sided or "no point was found at which both sides are finite"
        return Comparison(verdict("unchecked", reason=reason), reason)
    count = len({tuple(p.sizes.items()) for p in used})
    note = f"equal to {worst:.0e} at {len(used)} random points" + (f" of {count} sizes" if count > 1 else "")
    note += f"; {one_sided}" if one_sided else ""
    return Comparison(verdict("holds", certificate=note), note, tuple(used), partial)


def residual(x: Any, y: Any, sides: tuple[Compiled, Compiled], at: Point) -> float:
    """Return the difference relative to the largest intermediate term."""
    size = max(largest(x), largest(y), *(s.scale(at) for s in sides), 1e-300)
    return largest(x - y) / size


def _wrong(sides: tuple[Compiled, Compiled], symbols: Mapping[str, Any], at: Point, seed: int) -> Comparison:
    shown = small_point(symbols, sides, seed)
    if shown is None or residual(sides[0].value(shown), sides[1].value(shown), sides, shown) <= TOLERANCE:
        shown = at
    x, y = sides[0].value(shown), sides[1].value(shown)
    example = Counterexample(dict(shown.values), x, y, residual(x, y, sides, shown), seed)
    return Comparison(verdict("wrong", counterexample=example), f"the sides differ {example}", (at,))


def same(left: Compiled, right: Compiled, used: tuple[Point, ...]) -> bool:
    """Whether two expressions of one shape agree at given points."""
    if left.expression.shape != right.expression.shape:
        return False
    for at in used:
        x, y = left.value(at), right.value(at)
        if not (finite(x) and finite(y)) or residual(x, y, (left, right), at) > TOLERANCE:
            return False
    return bool(used)
