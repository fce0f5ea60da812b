"""The check of derivatives tells a kink and rounding noise from a wrong derivative, and lets neither hide one."""

import numpy as np
import pytest

import symml as sml
from symml.checking.derivatives import Derivative, check


def item(function, slope):
    """A function of one scalar and its claimed derivative."""
    return Derivative(
        function=lambda values, sizes: function(values["x"]),
        action=lambda values, sizes, step: slope(values["x"]) * step,
        symbols={"x": sml.declare("x in R")},
        variable="x",
    )


@pytest.mark.parametrize("factor", [1.001, 0.999, -1.0, 0.5])
def test_a_wrong_slope_beside_a_kink_is_refused(factor):
    """The kinks of |sin 40x| lie close to where the points fall: the claim is off everywhere."""
    wrong = item(lambda x: abs(np.sin(40 * x)), lambda x: factor * 40 * np.cos(40 * x) * np.sign(np.sin(40 * x)))
    found = [check(wrong, seed) for seed in range(12)]
    assert not any(r.passed for r in found)
    assert any(r.passed is False for r in found)


def test_a_right_slope_beside_a_kink_is_never_refused():
    right = item(lambda x: abs(np.sin(40 * x)), lambda x: 40 * np.cos(40 * x) * np.sign(np.sin(40 * x)))
    assert all(check(right, seed).passed is not False for seed in range(60))


@pytest.mark.parametrize("at", [0.0, 1.0])
def test_a_kink_at_the_point_itself_is_told(at):
    """The slopes on the two sides are -1 and 3: central differences see 1 and nothing else."""
    kinked = item(lambda x: 2 * abs(x - at) + x + at, lambda x: 3.0)
    found = check(Derivative(kinked.function, kinked.action, {"x": sml.declare(f"x in {{{at:g}}}")}, "x"))
    assert found.passed is None
    assert "kink at the points drawn" in found.verdict.reason


def test_the_largest_eigenvalue_of_the_identity_is_left_unchecked():
    d = sml.derive("eigmax(A)", wrt="A", where="A: n x n identity")
    assert str(d.gradient) == "eigmaxprojector(A)"
    assert d.check().verdict == "unchecked"


def test_a_small_but_real_derivative_is_not_noise():
    assert check(item(lambda x: 1e-3 * x, lambda x: 2e-3), 0).passed is False
