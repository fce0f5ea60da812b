"""Thresholds of entries, lengths and singular values: the formula, and that nothing nearby is lower."""

import numpy as np
import pytest

from symml.api import derive
from symml.errors import NoClosedFormError

RNG = np.random.default_rng(4)
Y, y = RNG.normal(size=(5, 4)), RNG.normal(size=6)
Q = np.linalg.qr(RNG.normal(size=(6, 3)))[0]
w = RNG.uniform(0.1, 1.0, 6)


def soft(v, t):
    return np.sign(v) * np.maximum(np.abs(v) - t, 0)


SCALAR = "x in R, a in R, b in R, lam > 0"


@pytest.mark.parametrize(
    ("text", "where", "shown", "want"),
    [
        ("1/2*||y - x||^2 + lam*norm1(x)", "y: n, x: n, lam > 0", "sign(y) ⊙ relu(|y| − λ)", lambda: soft(y, 0.4)),
        ("1/2*||y - x||^2 + sum(w .* |x|)", "y: n, x: n, w: n > 0", "sign(y) ⊙ relu(|y| − w)", lambda: soft(y, w)),
        (
            "1/2*||y - D x||^2 + lam*norm1(x)",
            "y: n, D: n x d orthonormal columns, x: d, lam > 0",
            "sign(Dᵀ y) ⊙ relu(|Dᵀ y| − λ)",
            lambda: soft(Q.T @ y, 0.4),
        ),
        (
            "1/2*||y - x||^2 + lam*norm1(x) + mu/2*||x||^2",
            "y: n, x: n, lam > 0, mu > 0",
            "1/(μ + 1) sign(y) ⊙ relu(|y| − λ)",
            lambda: soft(y, 0.4) / 1.5,
        ),
        ("1/2*(x - a)^2 + lam*abs(x)", SCALAR, "relu(|a| − λ) sign(a)", lambda: 0.9),
        ("1/2*(x - a)^2 + lam*abs(x - b)", SCALAR, "b + relu(|a − b| − λ) sign(a − b)", lambda: 0.9),
        (
            "1/2*||y - x||^2 + lam*||x||",
            "y: n, x: n, lam > 0",
            "relu(1 − λ/‖y‖) y",
            lambda: y * (1 - 0.4 / np.linalg.norm(y)),
        ),
    ],
)
def test_thresholds(text, where, shown, want):
    s = derive(text, "x", where=where).stationary()
    assert str(s.expr) == shown
    assert s.kind == "unique global minimum"
    assert s.verdict == "holds"
    assert str(s.equation).startswith("0 ∈ ")
    np.testing.assert_allclose(s.evaluate(y=y, w=w, D=Q, lam=0.4, mu=0.5, a=1.3, b=0.2), want(), rtol=1e-12, atol=1e-15)
    assert s.latex().isascii()


def test_a_short_vector_shrinks_to_zero():
    s = derive("1/2*||y - x||^2 + lam*||x||", "x", where="y: n, x: n, lam > 0").stationary()
    assert np.all(s.evaluate(y=0.01 * y, lam=1.0) == 0)


@pytest.mark.parametrize(
    ("text", "limit"),
    [("1/2*||Y - X||^2 + lam*normnuc(X)", 0.5), ("1/(2*t)*||Y - X||^2 + lam*normnuc(X)", 1.0)],
)
def test_singular_values(text, limit):
    s = derive(text, "X", where="Y: n x m, X: n x m, lam > 0, t > 0").stationary()
    left, values, right = np.linalg.svd(Y, full_matrices=False)
    found = s.evaluate(Y=Y, lam=0.5, t=2.0)
    np.testing.assert_allclose(found, (left * np.maximum(values - limit, 0)) @ right, atol=1e-12)
    assert "X = U relu(S − λ" in str(s)
    assert "no singular value of W above 1" in str(s.equation)


def test_a_weight_of_unknown_sign_is_not_shrunk_by():
    with pytest.raises(NoClosedFormError):
        derive("1/2*||y - x||^2 + lam*norm1(x)", "x", where="y: n, x: n, lam in R").stationary()


def test_the_declared_range_is_respected():
    s = derive("1/2*||y - x||^2 + lam*norm1(x)", "x", where="y: n, x: n > 0, lam > 0").stationary()
    assert s.expr is None or "sign" not in str(s.expr)
