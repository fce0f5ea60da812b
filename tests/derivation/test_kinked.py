"""Convex objectives with kinks in numbers: optimality by the subgradient, and linear programmes."""

import numpy as np
import scipy.optimize

from symml.api import derive

RNG = np.random.default_rng(6)
N, D = 25, 6
X = RNG.normal(size=(N, D))
y = X @ np.array([1.0, 0, 0, -2.0, 0, 0.5]) + 0.3 * RNG.normal(size=N)
SIGNS = np.sign(y)


def test_lasso_has_exact_zeros_and_zero_in_its_subgradient():
    s = derive("1/2*||y - X w||^2 + lam*norm1(w)", "w", where="y: n, X: n x d, w: d, lam > 0").stationary()
    assert str(s.equation) == "0 ∈ λ sign(w) − Xᵀ (y − X w), where sign(0) = [-1, 1]"
    assert s.kind == "global minimum"
    told = "minimise 1/2 ‖y − X w‖² + λ sum(t) over w, t subject to w <= t, −t <= w"
    assert any(told in str(x.text) for x in s.steps)
    w = s.evaluate(y=y, X=X, lam=6.0)
    slope = X.T @ (X @ w - y)
    assert np.sum(w == 0) >= 2
    np.testing.assert_allclose(slope[w != 0], -6 * np.sign(w[w != 0]), atol=1e-8)
    assert np.all(np.abs(slope[w == 0]) <= 6 + 1e-8)


def test_least_absolute_deviations():
    s = derive("norm1(y - X w)", "w", where="y: n, X: n x d, w: d").stationary()
    upper = np.block([[X, -np.eye(N)], [-X, -np.eye(N)]])
    free = [(None, None)] * (D + N)
    want = scipy.optimize.linprog(np.r_[np.zeros(D), np.ones(N)], upper, np.r_[y, -y], bounds=free).fun
    np.testing.assert_allclose(np.abs(y - X @ s.evaluate(X=X, y=y)).sum(), want, rtol=1e-9)


def test_hinge_loss_is_the_soft_margin_machine():
    text, where = "lam/2*||w||^2 + sum(max(0, 1 - y .* (X w + b)))", "y: n in {-1,1}, X: n x d, w: d, b, lam > 0"
    found = derive(text, ["w", "b"], where=where).stationary().evaluate(X=X, y=SIGNS, lam=2.0)
    machine = derive("1/2*||w||^2 + C*sum(xi)", ["w", "b", "xi"], where="X: n x d, y: n, w: d, b, xi: n, C > 0")
    want = machine.stationary(subject_to=["y .* (X w + b) >= 1 - xi", "xi >= 0"]).evaluate(X=X, y=SIGNS, C=0.5)
    np.testing.assert_allclose(found["w"], want["w"], atol=1e-8)


def test_quantile_regression():
    text = "sum(tau*relu(y - X w) + (1 - tau)*relu(X w - y))"
    s = derive(text, "w", where="y: n, X: n x d, w: d, tau in (0,1)").stationary()
    w = s.evaluate(y=y, X=X, tau=0.3)
    residual = y - X @ w
    assert np.sum(np.abs(residual) < 1e-8) >= D
    assert np.mean(residual < -1e-8) <= 0.3 <= np.mean(residual < 1e-8)


def test_differences_that_are_fused():
    s = derive("1/2*||y - x||^2 + lam*norm1(D x)", "x", where="y: n, x: n, D: m x n, lam > 0").stationary()
    assert s.kind == "unique global minimum"
    x = s.evaluate(y=y, D=np.diff(np.eye(N), axis=0), lam=2.0)
    assert np.sum(np.abs(np.diff(x)) < 1e-9) >= 5
    np.testing.assert_allclose(x.sum(), y.sum(), rtol=1e-9)


def test_a_smooth_loss_that_is_not_quadratic():
    s = derive("sum(softplus(-(y .* (X w)))) + lam*norm1(w)", "w", where="y: n, X: n x d, w: d, lam > 0").stationary()
    w = s.evaluate(X=X, y=SIGNS, lam=2.0)
    slope = -X.T @ (SIGNS / (1 + np.exp(SIGNS * (X @ w))))
    np.testing.assert_allclose(slope[w != 0], -2 * np.sign(w[w != 0]), atol=1e-7)
    assert np.all(np.abs(slope[w == 0]) <= 2 + 1e-7)


def test_sparse_precision_matrix():
    text, where = "tr(S Omega) - logdet(Omega) + lam*norm1(Omega)", "S: d x d spd, Omega: d x d spd, lam > 0"
    s = derive(text, "Omega", where=where).stationary()
    assert s.kind == "unique global minimum"
    covariance = np.cov(RNG.normal(size=(30, 4)).T)
    found = s.evaluate(S=covariance, lam=0.15)
    slope = covariance - np.linalg.inv(found)
    np.testing.assert_allclose(slope[found != 0], -0.15 * np.sign(found[found != 0]), atol=1e-7)
    assert np.all(np.abs(slope[found == 0]) <= 0.15 + 1e-7)
    assert np.sum(found == 0) >= 2
