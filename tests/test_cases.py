"""Every case of matrix calculus: the value, the check, claims that are slightly wrong, and the print read back."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

import symml as sml
from symml.language.expressions import Action, Add, Expression, Where
from symml.language.operators import add, multiply_any, rebuild, transpose

sys.path.insert(0, str(Path(__file__).parent))
from casework import cases, close, derived, expected, values

ORDERS = {"hessian": 2}
WORKED = list(cases())


def symmetrized(name: str, value: np.ndarray) -> np.ndarray:
    """A Hessian by a symmetric variable counts on symmetric directions."""
    words = cases()[name]["where"][cases()[name]["wrt"]]
    if np.ndim(value) == 4 and any(w in words for w in ("symmetric", "spd", "psd")):
        value = value + value.swapaxes(0, 1)
        value = value + value.swapaxes(2, 3)
    return value


@pytest.mark.parametrize("name", WORKED)
def test_value(name):
    given, sizes = values(name)
    got = symmetrized(name, np.asarray(derived(name)[1].evaluate({**sizes, **given}), float))
    assert close(got, symmetrized(name, expected(name, given, sizes)))


@pytest.mark.parametrize("name", WORKED)
def test_own_check_passes(name):
    d, _ = derived(name)
    report = d.check(order=ORDERS.get(cases()[name]["kind"], 1), seed=1, points=1)
    assert report.passed is True, str(report)


def claims(result: Expression) -> dict[str, Expression]:
    """The result 0.1 % off, with a flipped sign, without one of its terms, transposed."""
    found = {"scaled": multiply_any(sp.Rational(1001, 1000), result), "flipped": multiply_any(-1, result)}
    body = result.args[0] if isinstance(result, Where) else result
    if isinstance(body, Add) and not any(a.shape != body.shape for a in body.args):
        short = add(*body.args[1:])
        found["lost"] = rebuild(result, [short, *result.args[1:]]) if isinstance(result, Where) else short
    if len(result.shape) == 2 and result.shape[0] == result.shape[1]:
        found["transposed"] = transpose(result)
    return found


@pytest.mark.parametrize("name", WORKED)
def test_wrong_claims_are_rejected(name):
    d, result = derived(name)
    if isinstance(result, Action) or len(result.shape) > 2:
        pytest.skip("an action is not claimed")
    given, sizes = values(name)
    right = np.asarray(result.evaluate({**sizes, **given}), float)
    if not right.any():
        pytest.skip("the derivative is zero")
    order = ORDERS.get(cases()[name]["kind"], 1)
    for kind, claim in claims(result).items():
        if close(claim.evaluate({**sizes, **given}), right, 1e-9):
            continue  # a symmetric result is its own transpose
        assert d.check(claim=claim, order=order).passed is False, kind


@pytest.mark.parametrize("name", WORKED)
def test_print_reads_back(name):
    _, result = derived(name)
    where, text = dict(cases()[name]["where"]), str(result)
    given, sizes = values(name)
    if isinstance(result, Action):
        direction, body = result.args[:2]
        label, text = text.split(" = ", 1)
        assert label == f"{result.label}[{direction}]"
        where[str(direction)] = where[cases()[name]["wrt"]].split(",")[0]
        step = np.random.default_rng(0).standard_normal(np.shape(given[cases()[name]["wrt"]]))
        given, result = {**given, str(direction): step}, body
    back = sml.parse(text, where=where)
    assert close(back.evaluate({**sizes, **given}), result.evaluate({**sizes, **given}), 1e-9), text
