"""Equality of two expressions: proved by canonical form, else judged at random points, never True from sampling alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from symml.calculus.proving import proved_equal
from symml.checking.sampling import draw
from symml.codegen.evaluate import prepare
from symml.errors import NotSupportedError
from symml.forms.lowering import lower
from symml.language.expressions import Expression
from symml.language.operators import agree, show_shape
from symml.language.tables import symbol_table
from symml.records import Counterexample, Verdict, verdict

DRAWS = 4
TRIES = 50
TOLERANCE = 1e-9


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
            return verdict("proved", certificate="both sides have the same canonical form")
    except NotSupportedError:
        pass
    return sampled(a, b, seed, symbols)


def sampled(a: Expression, b: Expression, seed: int = 0, symbols: Mapping[str, Any] | None = None) -> Verdict:
    """Return `holds`, `wrong` or `unchecked` from random points alone."""
    table = {**symbol_table(a), **symbol_table(b), **(symbols or {})}
    left, right = prepare(a), prepare(b)
    rng = np.random.default_rng(seed)
    done, worst = 0, 0.0
    for _ in range(TRIES):
        values, sizes = draw(table, rng, None)
        try:
            with np.errstate(all="ignore"):
                x, y = np.asarray(left(values, sizes), float), np.asarray(right(values, sizes), float)
        except (np.linalg.LinAlgError, FloatingPointError, ZeroDivisionError, OverflowError, ValueError):
            continue
        if not (np.all(np.isfinite(x)) and np.all(np.isfinite(y))):
            continue
        size = max(float(np.max(np.abs(x), initial=0.0)), float(np.max(np.abs(y), initial=0.0)), 1e-6)
        error = float(np.max(np.abs(x - y), initial=0.0)) / size
        worst = max(worst, error)
        if error > TOLERANCE:
            return verdict("wrong", counterexample=Counterexample(values, x, y, error, seed))
        done += 1
        if done == DRAWS:
            return verdict("holds", certificate=f"equal to {worst:.0e} at {DRAWS} random points")
    return verdict("unchecked", reason="no point was found at which both sides are finite")
