"""Problems that fall apart into their entries: formulas, their equation, and numbers by other means."""

import numpy as np
import pytest
import scipy.optimize

from symml.api import derive

Z = np.array([0.3, -1.2, 2.0, 0.7, -0.1])


def stationary(text, wrt, where, subject_to):
    return derive(text, wrt, where=where).stationary(subject_to=subject_to)


@pytest.mark.parametrize(
    ("where", "subject_to", "shown", "want"),
    [
        ("x: d, z: d", "x >= 0", "relu(z)", lambda: np.maximum(Z, 0)),
        ("x: d, z: d, u: d", "x <= u", "u − relu(u − z)", lambda: np.minimum(Z, 0.5)),
        ("x: d, z: d, l: d, u: d", ["l <= x", "x <= u"], "l + relu(z − l) − relu(z − u)", lambda: np.clip(Z, -1, 0.5)),
    ],
)
def test_projection_onto_bounds_is_a_formula(where, subject_to, shown, want):
    s = stationary("1/2*||x - z||^2", "x", where, subject_to)
    assert str(s.expr) == shown
    assert s.kind == "unique global minimum"
    assert s.verdict == "holds"
    data = {"z": Z, "l": -np.ones(5), "u": 0.5 * np.ones(5)}
    np.testing.assert_allclose(s.evaluate({k: v for k, v in data.items() if f"{k}: d" in where}), want())


def test_projection_onto_the_simplex():
    s = stationary("1/2*||x - z||^2", "x", "x: d, z: d", ["x >= 0", "sum(x) = 1"])
    assert str(s.expr) == "relu(z + ν)"
    assert "ν solves sum(relu(z + ν)) = 1" in str(s)
    assert "stationarity: x − z − a − ν = 0" in str(s)
    found = s.evaluate(z=Z, multipliers=True)
    nu = scipy.optimize.brentq(lambda t: np.maximum(Z + t, 0).sum() - 1, -5, 5, xtol=1e-15)
    np.testing.assert_allclose(found["nu"], nu, rtol=1e-9)
    np.testing.assert_allclose(found["x"], np.maximum(Z + nu, 0), atol=1e-12)
    assert s.latex().isascii()


def test_water_filling():
    s = stationary("sum(log(1 + p ./ s))", "p", "p: n, s: n > 0, P > 0", ["sum(p) = P", "p >= 0"])
    assert str(s.expr) == "relu(1/ν − s)"
    assert s.kind == "global maximum"
    np.testing.assert_allclose(s.evaluate(s=[0.1, 0.5, 2.0], P=1.0), [0.7, 0.3, 0.0], atol=1e-10)


def test_a_weighted_budget_with_bounds():
    where = "x: d, z: d, q: d > 0, c: d, b: "
    s = stationary("1/2*sum(q .* (x - z).^2)", "x", where, ["0 <= x", "x <= 1", "c' x = b"])
    q, c = np.array([1.0, 2.0, 0.5, 1.5, 1.0]), np.array([1.0, -1.0, 2.0, 0.5, 1.0])
    found = s.evaluate(z=Z, q=q, c=c, b=0.8, multipliers=True)
    np.testing.assert_allclose(found["x"], np.clip(Z + found["nu"] * c / q, 0, 1), atol=1e-9)
    np.testing.assert_allclose(c @ found["x"], 0.8, rtol=1e-9)


def test_an_entry_that_is_positive_anyway_is_not_cut():
    s = stationary("sum(p .* log(p)) - c'p", "p", "p: n > 0, c: n", ["sum(p) = 1", "p >= 0"])
    assert str(s.expr) == "exp(ν − 1 + c)"
    np.testing.assert_allclose(s.evaluate(c=Z), np.exp(Z) / np.exp(Z).sum(), rtol=1e-8)


def test_constraints_that_tie_entries_are_left_to_numbers():
    s = stationary("||w||^2", "w", "w: n, A: m x n full row rank, b: m", ["A w = b", "w >= 0"])
    assert s.expr is None
    a = np.array([[1.0, 2.0, -1.0]])
    np.testing.assert_allclose(s.evaluate(A=a, b=[1.0]), [0.2, 0.4, 0.0], atol=1e-10)


def test_odd_roots_keep_their_sign():
    s = derive("1/4*sum(x.^4) - c'x", "x", where="x: n, c: n").stationary()
    np.testing.assert_allclose(s.evaluate(c=[-8.0, 1.0, 27.0]), [-2, 1, 3])
    t = derive("1/4*t^4 - c*t", "t", where="t in R, c").stationary()
    np.testing.assert_allclose(t.evaluate(c=-8.0), -2)
    cut = stationary("1/4*sum(x.^4) - c'x", "x", "x: n, c: n", "x >= 0")
    np.testing.assert_allclose(cut.evaluate(c=[-8.0, 1.0, 27.0]), [0, 1, 3])
