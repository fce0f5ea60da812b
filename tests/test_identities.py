"""Identities are proved; one-edit mutants are refuted in small integers, or proved and then equal to 50 digits."""

from __future__ import annotations

import json
from pathlib import Path

import mpmath
import numpy as np
import pytest
from exact_values import Undefined, value
from fuzzing import size, tied
from mutants import mutants

import symml as sml
from symml.checking.sampling import draw
from symml.checking.small_values import small_sizes
from symml.errors import DomainError

ROWS = json.loads((Path(__file__).parent / "cases" / "identities.json").read_text())
NAMES = [row["name"] for row in ROWS]
FALSE = json.loads((Path(__file__).parent / "cases" / "near_identities.json").read_text())
SAMPLE = 7  # of so many mutants one is judged in the ordinary run
SINGULAR = "a mutant that inverts a matrix no declaration makes invertible, at no point of which there is a value"


def sides(row):
    return [sml.parse(row[side], where=row["where"]) for side in ("left", "right")]


def largest_difference(a, b, points=3):
    """Relative difference at random points to 50 digits; None where there is no value."""
    table = {**dict(a.declarations), **dict(b.declarations)}
    rng = np.random.default_rng(77)
    errors = []
    base = small_sizes(table)
    for attempt in range(20):  # some sides have values at even sizes only
        drawn, sizes = draw(table, rng, {name: size + attempt % 2 for name, size in base.items()})
        try:
            with mpmath.workdps(50):
                values = {k: tied(table.get(k), v) for k, v in drawn.items()}
                x, y = (np.asarray(value(e, values, sizes), object) for e in (a, b))
                errors.append(size(x - y) / max(size(x), size(y), mpmath.mpf("1e-15")))
        except Undefined:
            continue
        if len(errors) == points:
            return max(errors)
    return max(errors, default=None)


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_identity_is_proved(row):
    left, right = sides(row)
    assert sml.equal(left, right) == "proved"
    assert sml.equal(right, left) == "proved"


@pytest.mark.parametrize("row", FALSE, ids=[row["name"] for row in FALSE])
def test_near_identity_is_refuted(row):
    left, right = sides(row)
    for a, b in ((left, right), (right, left)):
        found = sml.equal(a, b)
        assert found == "wrong"
        assert _refutation(found, a, b, 1e-10) == ""


def judge(left, mutant):
    """What is wrong with the verdict on a mutant; empty when it is right."""
    found = sml.equal(left, mutant)
    if found == "wrong":
        return _refutation(found, left, mutant)
    difference = largest_difference(left, mutant)
    if difference is None:
        return "" if found == "unchecked" else f"{found} although there is no value"
    certified = found == "proved" or "same canonical form where both are defined" in found.certificate
    if certified and difference < mpmath.mpf("1e-25"):
        return ""
    return f"{found}, and differs by {mpmath.nstr(difference, 3)}"


def _refutation(found, left, mutant, rtol=1e-6):
    example = found.counterexample
    if example is None:
        return "" if "shapes differ" in found.reason else "no counterexample"
    pasted = eval(repr(dict(example.values)), {"__builtins__": {}}, {"nan": float("nan")})
    x, y = (np.asarray(_number(e, pasted), float) for e in (left, mutant))
    return "" if not np.allclose(x, y, rtol=rtol, atol=rtol / 1e3) else f"{example} is no counterexample"


def _number(e, values):
    try:
        return e.evaluate(values)
    except DomainError:  # one side is not a number there
        return np.nan


def complaints(row, every):
    left, right = sides(row)
    found, count = [], 0
    for kept, edited in ((left, right), (right, left)):
        for what, _, mutant in mutants(edited):
            count += 1
            if count % every == 0:
                wrong = judge(kept, mutant)
                found += [f"{what}: {kept} = {mutant}: {wrong}"] if wrong else []
    return found


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_some_mutants(row):
    assert complaints(row, SAMPLE) == []


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_all_mutants(row):
    assert complaints(row, 1) == []
