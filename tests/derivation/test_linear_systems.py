"""Linear equations for a matrix that have no formula: row by row, X beside Xᵀ, numbers alone; against dense solves."""

import pickle

import numpy as np
import pytest
import scipy.linalg

from symml.api import derive
from symml.errors import DataError

RNG = np.random.default_rng(5)
N, M, K, D = 6, 5, 2, 4
X, V, U = RNG.normal(size=(N, M)), RNG.normal(size=(M, K)), RNG.normal(size=(N, K))
MASK, W = (RNG.random((N, M)) < 0.7).astype(float), RNG.uniform(0.2, 2.0, (N, M))
A, B, C = (RNG.normal(size=(D, D)) for _ in range(3))
LAM = 0.3
FACTORS = "X: n x m, U: n x k, V: m x k, lam > 0"


def ridge_by_row(factor, mask, data):
    pairs = zip(mask, data, strict=True)
    return [np.linalg.solve(factor.T @ np.diag(m) @ factor + LAM * np.eye(K), factor.T @ (m * x)) for m, x in pairs]


def test_masked_factorisation_row_by_row():
    s = derive("sum((M .* (X - U*V')).^2) + lam*sum(U.^2)", "U", where=FACTORS + ", M: n x m mask").stationary()
    assert str(s.equation) == "(Vᵀ diag(M[i]) V + λ I) U[i] = Vᵀ (M[i] ⊙ X[i])  for i = 1, …, n"
    assert str(s.expr) == "(Vᵀ diag(M[i]) V + λ I)⁻¹ Vᵀ (M[i] ⊙ X[i])"
    assert s.kind == "unique global minimum"
    assert s.conditions == ("Vᵀ diag(M[i]) V + λ I is positive definite because λ > 0",)
    assert [str(p.values["U"]) for p in s] == [str(s.expr)]
    rows = ridge_by_row(V, MASK, X)
    np.testing.assert_allclose(s.evaluate(X=X, V=V, M=MASK, lam=LAM), rows, rtol=1e-10)
    assert s.latex().isascii()
    assert r"\qquad i = 1, \dots, n" in s.latex()
    again = pickle.loads(pickle.dumps(s))
    np.testing.assert_allclose(again.evaluate(X=X, V=V, M=MASK, lam=LAM), rows, rtol=1e-10)


def test_the_other_factor_has_the_columns_of_the_data():
    s = derive("sum((M .* (X - U*V')).^2) + lam*sum(V.^2)", "V", where=FACTORS + ", M: n x m mask").stationary()
    assert str(s.expr) == "(Uᵀ diag(M[:, i]) U + λ I)⁻¹ Uᵀ (M[:, i] ⊙ X[:, i])"
    rows = ridge_by_row(U, MASK.T, X.T)
    np.testing.assert_allclose(s.evaluate(X=X, U=U, M=MASK, lam=LAM), rows, rtol=1e-10)


def test_weights_column_by_column():
    where = "X: n x m, U: n x k, H: k x m, W: n x m nonnegative"
    s = derive("sum(W .* (X - U H).^2)", "H", where=where).stationary()
    assert str(s.equation) == "Uᵀ diag(W[:, j]) U H[:, j] = Uᵀ (W[:, j] ⊙ X[:, j])  for j = 1, …, m"
    assert s.conditions == (
        "the rows of U at which W[:, j] is not 0 must have full column rank, for every j; else column j of H is not "
        "unique",
    )
    columns = [np.linalg.solve(U.T @ np.diag(w) @ U, U.T @ (w * x)) for w, x in zip(W.T, X.T, strict=True)]
    np.testing.assert_allclose(s.evaluate(X=X, U=U, W=W), np.transpose(columns), rtol=1e-9)
    unseen = W.copy()
    unseen[:, 2] = 0
    with pytest.raises(DataError, match="column 2 is not determined"):
        s.evaluate(X=X, U=U, W=unseen)


def test_fit_uses_the_rows():
    d = derive("sum((M .* (X - U*V')).^2) + lam*sum(U.^2)", "U", where=FACTORS + ", M: n x m mask")
    data = {"X": X, "V": V, "M": MASK, "lam": LAM}
    np.testing.assert_allclose(d.fit(data).params["U"], d.stationary().evaluate(data), rtol=1e-8)


def test_unknown_beside_its_transpose():
    where = "A: d x d, B: d x d, C: d x d, X: d x d"
    s = derive("1/2*||A X + X' B - C||^2", "X", where=where).stationary()
    assert str(s.equation) == "(Aᵀ A + B Bᵀ) X + B Xᵀ Aᵀ + Aᵀ Xᵀ B = Aᵀ C + B Cᵀ"
    assert s.kind == "unique global minimum"
    assert any("K vec(X) = vec(Xᵀ)" in str(step.text) for step in s.steps)
    assert "a unique solution exists exactly when" in s.conditions[0]
    found = s.evaluate(A=A, B=B, C=C)
    np.testing.assert_allclose(A @ found + found.T @ B, C, atol=1e-9)
    with pytest.raises(DataError, match="no unique X"):
        s.evaluate(A=A, B=-A.T, C=C)


def test_stein_equation_with_a_transpose():
    s = derive("1/2*||X + A X' B - C||^2", "X", where="A: d x d, B: d x d, C: d x d, X: d x d").stationary()
    found = s.evaluate(A=A, B=B, C=C)
    np.testing.assert_allclose(found + A @ found.T @ B, C, atol=1e-8)


def test_multiples_of_the_unknown_and_of_its_transpose():
    s = derive("1/2*||X - A||^2 + lam/4*||X - X'||^2", "X", where="A: d x d, X: d x d, lam > 0").stationary()
    np.testing.assert_allclose(s.evaluate(A=A, lam=2.0), (3 * A + 2 * A.T) / 5, rtol=1e-12)
    assert s.expr.shape == s.equation.lhs.shape


def test_symmetric_unknown_is_the_simple_case():
    s = derive("||A X - B||^2", "X", where="A: n x d, B: n x d, X: d x d symmetric").stationary()
    tall, right = RNG.normal(size=(7, D)), RNG.normal(size=(7, D))
    want = scipy.linalg.solve_sylvester(tall.T @ tall, tall.T @ tall, tall.T @ right + right.T @ tall)
    np.testing.assert_allclose(s.evaluate(A=tall, B=right), want, rtol=1e-8)
    assert s.conditions[0].startswith("A must have full column rank")


def test_lyapunov_residual_of_a_symmetric_unknown():
    where = "A: n x n, Q: n x n symmetric, X: n x n symmetric"
    s = derive("1/2*||A X + X A' + Q||^2", "X", where=where).stationary()
    stable = A - 5 * np.eye(D)
    want = scipy.linalg.solve_continuous_lyapunov(stable, -(C + C.T))
    np.testing.assert_allclose(s.evaluate(A=stable, Q=C + C.T), want, rtol=1e-7)


def test_a_mask_around_a_product_is_solved_at_once():
    where = "A: n x p, B: q x m, C: n x m, X: p x q, M: n x m mask, lam > 0"
    s = derive("1/2*||M .* (A X B - C)||^2 + lam/2*||X||^2", "X", where=where).stationary()
    assert s.expr is None
    assert str(s.equation) == "Aᵀ (M ⊙ A X B) Bᵀ + λ X = Aᵀ (M ⊙ C) Bᵀ"
    left, right = RNG.normal(size=(N, 3)), RNG.normal(size=(4, M))
    design = np.diag(MASK.ravel(order="F")) @ np.kron(right.T, left)
    want = np.linalg.solve(design.T @ design + LAM * np.eye(12), design.T @ X.ravel(order="F"))
    found = s.evaluate(A=left, B=right, C=X, M=MASK, lam=LAM)
    np.testing.assert_allclose(found, want.reshape(3, 4, order="F"), rtol=1e-9)


def test_another_variable_beside_one_that_has_no_formula():
    where = "Y: n x q, X: n x p, B: p x q, b: q, S: q x q spd, lam > 0"
    s = derive("||Y - X B - ones(n)*b'||^2 + lam*tr(B'*B*S)", ["B", "b"], where=where).stationary()
    y, x, weights = RNG.normal(size=(9, 2)), RNG.normal(size=(9, 3)), np.array([[1.3, 0.3], [0.3, 1.1]])
    found = s.evaluate(Y=y, X=x, S=weights, lam=LAM)
    xc, yc = x - x.mean(0), y - y.mean(0)
    whole = np.kron(np.eye(2), xc.T @ xc) + LAM * np.kron(weights, np.eye(3))
    want = np.linalg.solve(whole, (xc.T @ yc).ravel(order="F")).reshape(3, 2, order="F")
    np.testing.assert_allclose(found["B"], want, rtol=1e-9)
    np.testing.assert_allclose(found["b"], (y - x @ want).mean(0), rtol=1e-9)


@pytest.mark.parametrize(
    ("text", "wrt", "where", "shown"),
    [
        ("||A - x y'||^2", "x", "A: m x n, x: m, y: n", "A y/‖y‖²"),
        ("sum((x - c).^2) + sum(lam .* c.^2)", "c", "x: n, c: n, lam: n > 0", "x ⊘ (1 + λ)"),
        ("sum(q .* (x - c).^2) + lam*sum(c.^2)", "c", "x: n, c: n, q: n > 0, lam > 0", "q ⊙ x ⊘ (q + λ)"),
    ],
)
def test_diagonal_matrices_are_divided_by(text, wrt, where, shown):
    s = derive(text, wrt, where=where).stationary()
    assert str(s.expr) == shown
    assert s.kind == "unique global minimum"


def test_weights_that_may_be_zero_need_rank_where_they_are_not():
    s = derive("sum(q .* (X w - y).^2)", "w", where="w: d, q: n nonnegative, X: n x d, y: n").stationary()
    assert s.conditions == (
        "the rows of X at which q is not 0 must have full column rank (then Xᵀ diag(q) X is invertible)",
    )


def test_multivariate_regression_with_its_covariance():
    where = "Y: n x q, X: n x p, B: p x q, Sigma: q x q spd"
    s = derive("tr(inv(Sigma) (Y - X B)' (Y - X B)) + n*logdet(Sigma)", ["B", "Sigma"], where=where).stationary()
    y, x = RNG.normal(size=(12, 2)), RNG.normal(size=(12, 3))
    found = s.evaluate(Y=y, X=x)
    coefficients = np.linalg.lstsq(x, y, rcond=None)[0]
    np.testing.assert_allclose(found["B"], coefficients, rtol=1e-9)
    residual = y - x @ coefficients
    np.testing.assert_allclose(found["Sigma"], residual.T @ residual / 12, rtol=1e-9)
    assert s.kind == "unique global minimum"
    assert not any("in Y = " in r for r in s.reasons)  # Y is the name of the data
