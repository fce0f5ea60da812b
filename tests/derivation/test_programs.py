"""Convex problems under inequalities in numbers: against SciPy, and the conditions themselves."""

import pickle

import numpy as np
import pytest
import scipy.optimize

from symml.api import derive
from symml.errors import DataError, NoClosedFormError

RNG = np.random.default_rng(2)
N, D = 14, 5
X, y = RNG.normal(size=(N, D)), RNG.normal(size=N)
SIGNS = np.sign(X[:, 0] + 0.5 * RNG.normal(size=N))
LEAST_SQUARES = ("1/2*||X w - y||^2", "w", "X: n x d, y: n, w: d")


def stationary(text, wrt, where, subject_to):
    return derive(text, wrt, where=where).stationary(subject_to=subject_to)


def test_nonnegative_least_squares():
    s = stationary(*LEAST_SQUARES, "w >= 0")
    found = s.evaluate(X=X, y=y, multipliers=True)
    np.testing.assert_allclose(found["w"], scipy.optimize.nnls(X, y)[0], atol=1e-12)
    np.testing.assert_allclose(found["a"], X.T @ (X @ found["w"] - y), atol=1e-10)
    assert np.all(found["a"] >= 0)
    assert np.all((found["w"] == 0) | (np.abs(found["a"]) < 1e-10))
    assert str(s.dual) == "maximise 1/2 (‖y‖² − rᵀ (Xᵀ X)⁻¹ r), where r = Xᵀ y + a subject to a >= 0"
    np.testing.assert_allclose(pickle.loads(pickle.dumps(s)).evaluate(X=X, y=y), found["w"], atol=1e-12)


def test_scale_does_not_matter():
    s = stationary(*LEAST_SQUARES, "w >= 0")
    for big, small in ((1e3, 1e-3), (1e-3, 1e3), (1e-4, 1e-4)):
        want = scipy.optimize.nnls(big * X, small * y)[0]
        np.testing.assert_allclose(s.evaluate(X=big * X, y=small * y), want, rtol=1e-8, atol=1e-10 * want.max())


def test_more_columns_than_rows():
    s = stationary(*LEAST_SQUARES, "w >= 0")
    wide, target = X[:3], y[:3]
    _, norm = scipy.optimize.nnls(wide, target)
    np.testing.assert_allclose(np.linalg.norm(wide @ s.evaluate(X=wide, y=target) - target), norm, atol=1e-9)


def test_box_constraints():
    s = stationary("1/2*||X w - y||^2", "w", "X: n x d, y: n, w: d, l: d, u: d", ["w >= l", "w <= u"])
    low, high = -0.1 * np.ones(D), 0.15 * np.ones(D)
    want = scipy.optimize.lsq_linear(X, y, (low, high), tol=1e-14).x
    np.testing.assert_allclose(s.evaluate(X=X, y=y, l=low, u=high), want, atol=1e-10)
    with pytest.raises(DataError, match="no point satisfies all constraints"):
        s.evaluate(X=X, y=y, l=high, u=low)


def test_soft_margin_machine_and_its_dual_agree():
    where = "X: n x d, y: n in {-1,1}, w: d, b, xi: n, C > 0"
    primal = stationary("1/2*||w||^2 + C*sum(xi)", ["w", "b", "xi"], where, ["y .* (X w + b) >= 1 - xi", "xi >= 0"])
    assert "a₁ <= C 𝟏" in str(primal.dual)
    found = primal.evaluate(X=X, y=SIGNS, C=0.7, multipliers=True)
    dual = "a: n, X: n x d, y: n in {-1,1}, C > 0"
    text = "sum(a) - 1/2*||X' (a .* y)||^2"
    other = stationary(text, "a", dual, ["y'a = 0", "a >= 0", "a <= C"]).evaluate(X=X, y=SIGNS, C=0.7, multipliers=True)
    np.testing.assert_allclose(found["w"], X.T @ (found["a1"] * SIGNS), atol=1e-9)
    np.testing.assert_allclose(X.T @ (other["a"] * SIGNS), found["w"], atol=1e-8)
    np.testing.assert_allclose(other["nu"], found["b"], atol=1e-7)
    assert np.all(other["a"] >= 0)
    assert np.all(other["a"] <= 0.7 + 1e-12)


def test_linear_programme():
    a, c = RNG.random((3, 6)), RNG.random(6)
    b = a @ RNG.random(6)
    s = stationary("c'x", "x", "c: n, x: n, A: m x n, b: m", ["A x = b", "x >= 0"])
    np.testing.assert_allclose(c @ s.evaluate(c=c, A=a, b=b), scipy.optimize.linprog(c, A_eq=a, b_eq=b).fun, rtol=1e-9)
    with pytest.raises(DataError, match="goes on without end"):
        s.evaluate(c=-np.ones(2), A=np.array([[1.0, -1.0]]), b=np.zeros(1))
    with pytest.raises(DataError, match="no point satisfies"):
        s.evaluate(c=np.ones(2), A=np.ones((1, 2)), b=-np.ones(1))


def test_a_quadratic_programme_satisfies_its_conditions():
    s = stationary("1/2*x' Q x + c' x", "x", "Q: n x n spd, c: n, x: n, G: m x n, h: m", "G x <= h")
    g, h, q = RNG.normal(size=(4, 6)), RNG.random(4), np.eye(6) + 0.1
    found = s.evaluate(Q=q, c=10 * RNG.normal(size=6), G=g, h=h, multipliers=True)
    assert np.all(g @ found["x"] <= h + 1e-9)
    assert np.all(found["a"] >= 0)
    np.testing.assert_allclose(found["a"] * (h - g @ found["x"]), 0, atol=1e-8)


def test_an_objective_that_is_not_quadratic():
    s = stationary("sum(x .* log(x)) + c'x", "x", "c: n, x: n > 0, G: m x n, h: m", ["sum(x) = 1", "G x <= h"])
    c, g = RNG.normal(size=6), RNG.normal(size=(2, 6))
    h = g @ np.full(6, 1 / 6) + 0.05
    found = s.evaluate(c=3 * c, G=g, h=h, multipliers=True)
    slope = np.log(found["x"]) + 1 + 3 * c + g.T @ found["a"] - found["nu"]
    np.testing.assert_allclose(slope, 0, atol=1e-7)
    np.testing.assert_allclose(found["x"].sum(), 1, rtol=1e-10)
    assert np.all(g @ found["x"] <= h + 1e-9)


def test_a_ball_and_an_orthant():
    where = "c: n, x: n, z: n, rho > 0"
    s = stationary("c'x", "x", where, ["||x - z||^2 <= rho", "x >= 0"])
    z, c = np.array([0.5, 0.1, 1.0]), np.array([1.0, 2.0, -1.0])
    want = scipy.optimize.minimize(
        lambda x: c @ x,
        z,
        jac=lambda x: c,
        bounds=[(0, None)] * 3,
        constraints=[{"type": "ineq", "fun": lambda x: 0.5 - np.sum((x - z) ** 2), "jac": lambda x: -2 * (x - z)}],
        options={"ftol": 1e-14},
    ).x
    np.testing.assert_allclose(s.evaluate(c=c, z=z, rho=0.5), want, atol=1e-5)


def test_a_ball_that_no_feasible_point_is_inside_of_is_refused():
    s = stationary("c'x", "x", "c: n, x: n, z: n, rho > 0", ["||x - z||^2 <= rho", "x >= 0"])
    with pytest.raises(DataError, match="strictly inside"):
        s.evaluate(c=np.ones(2), z=-np.ones(2), rho=0.5)


def test_quadratic_and_affine_constraints_together():
    where = "c: n, x: n, z: n, rho > 0, Q: n x n psd, A: m x n, b: m"
    s = stationary("c'x + 1/2*x' Q x", "x", where, ["||x - z||^2 <= rho", "A x <= b"])
    rng = np.random.default_rng(0)
    for size, rows in ((1, 1), (3, 2), (5, 4)):
        z, c, a = rng.normal(size=size), rng.normal(size=size), rng.normal(size=(rows, size))
        root = rng.normal(size=(2, size))
        data = {"c": c, "z": z, "rho": 0.7, "Q": root.T @ root, "A": a, "b": a @ z + 0.1}
        found = s.evaluate(data, multipliers=True)
        x = found["x"]
        slope = c + data["Q"] @ x + 2 * found["a1"] * (x - z) + a.T @ found["a2"]
        np.testing.assert_allclose(slope, 0, atol=1e-6)
        assert np.sum((x - z) ** 2) <= 0.7 + 1e-8
        assert np.all(a @ x <= data["b"] + 1e-8)


def test_designs_of_experiments():
    where, on_simplex = "X: n x d full column rank, p: n", ["sum(p) = 1", "p >= 0"]
    rows = RNG.normal(size=(9, 2))
    best = stationary("-logdet(X' diag(p) X)", "p", where, on_simplex).evaluate(X=rows)
    leverage = np.einsum("ij,ij->i", rows @ np.linalg.inv(rows.T @ np.diag(best) @ rows), rows)
    np.testing.assert_allclose(leverage[best > 1e-6], 2.0, rtol=1e-6)  # Kiefer and Wolfowitz
    assert np.all(leverage <= 2.0 + 1e-6)
    best = stationary("tr(inv(X' diag(p) X))", "p", where, on_simplex).evaluate(X=rows)
    inverse = np.linalg.inv(rows.T @ np.diag(best) @ rows)
    slope = np.sum((rows @ inverse) ** 2, axis=1)
    np.testing.assert_allclose(slope[best > 1e-6], np.trace(inverse), rtol=1e-6)
    assert np.all(slope <= np.trace(inverse) * (1 + 1e-6))


def test_lasso_under_a_bound_is_the_lasso_with_a_penalty():
    bounded = stationary("1/2*||X w - y||^2", "w", "X: n x d, y: n, w: d, t > 0", "norm1(w) <= t")
    found = bounded.evaluate(X=X, y=y, t=0.4, multipliers=True)
    penalised = derive("1/2*||X w - y||^2 + lam*norm1(w)", "w", where="X: n x d, y: n, w: d, lam > 0").stationary()
    np.testing.assert_allclose(np.abs(found["w"]).sum(), 0.4, rtol=1e-9)
    np.testing.assert_allclose(penalised.evaluate(X=X, y=y, lam=found["a"]), found["w"], atol=1e-7)
    assert set(found) == {"w", "a"}


def test_transport_with_entropy_has_both_margins():
    where = "T: n x m > 0, C: n x m, eps > 0, a: n > 0, b: m > 0"
    s = stationary("sum(T .* C) + eps*sum(T .* log(T))", "T", where, ["rowsum(T) = a", "colsum(T) = b"])
    cost, a, b = RNG.random((3, 4)), np.array([0.5, 0.3, 0.2]), np.full(4, 0.25)
    found = s.evaluate(C=cost, eps=0.3, a=a, b=b)
    left, right, kernel = np.ones(3), np.ones(4), np.exp(-cost / 0.3)
    for _ in range(2000):
        left = a / (kernel @ right)
        right = b / (kernel.T @ left)
    np.testing.assert_allclose(found, left[:, None] * kernel * right, rtol=1e-6)


def test_equations_alone_are_stated_and_solved():
    s = stationary("-sum(log(b - A x))", "x", "x: n, A: m x n, b: m", "sum(x) = 0")
    assert "stationarity: Aᵀ (1 ⊘ (b − A x)) − ν = 0" in str(s)
    a = np.vstack([np.eye(3), -np.eye(3)])
    found = s.evaluate(A=a, b=np.array([1.0, 2, 3, 1, 1, 1]), multipliers=True)
    slope = a.T @ (1 / (np.array([1.0, 2, 3, 1, 1, 1]) - a @ found["x"])) - found["nu"]
    np.testing.assert_allclose(slope, 0, atol=1e-8)
    np.testing.assert_allclose(found["x"].sum(), 0, atol=1e-10)


def test_several_multipliers_without_a_closed_form():
    s = stationary("sum(exp(x))", "x", "x: n, A: m x n full row rank, b: m", "A x = b")
    a, b = RNG.normal(size=(2, 5)), RNG.normal(size=2)
    found = s.evaluate(A=a, b=b)
    np.testing.assert_allclose(a @ found, b, atol=1e-8)
    np.testing.assert_allclose(np.exp(found) - a.T @ np.linalg.lstsq(a.T, np.exp(found), rcond=None)[0], 0, atol=1e-7)


def test_a_case_with_roots_that_have_no_radicals():
    s = stationary("(x - 2)^2 + (y - 1)^2", ["x", "y"], "x, y", ["x^2 - y <= 0", "x + y <= 2"])
    assert {k: float(v) for k, v in s.evaluate().items()} == pytest.approx({"x": 1.0, "y": 1.0})


def test_a_matrix_under_inequalities():
    s = stationary("||X - W H||^2", "H", "X: n x d, W: n x k, H: k x d", "H >= 0")
    w = RNG.random((N, 3))
    want = np.transpose([scipy.optimize.nnls(w, column)[0] for column in X.T])
    np.testing.assert_allclose(s.evaluate(X=X, W=w), want, atol=1e-10)


def test_multipliers_of_equations_alone():
    s = stationary("||x||^2", "x", "A: m x n full row rank, x: n, b: m", "A x = b")
    found = s.evaluate(A=np.ones((1, 3)), b=[1.0], multipliers=True)
    np.testing.assert_allclose(found["x"], 1 / 3)
    np.testing.assert_allclose(found["nu"], 2 / 3)


def test_a_problem_that_is_not_convex_is_not_solved():
    s = stationary("x' B x", "x", "B: n x n symmetric, x: n", ["x >= 0", "sum(x) = 1"])
    with pytest.raises(NoClosedFormError, match="not shown to be convex"):
        s.evaluate(B=-np.eye(3))
