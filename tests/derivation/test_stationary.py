"""Stationary points: every closed form against NumPy, every refusal by what it names."""

import numpy as np
import pytest
import scipy.linalg

from symml.api import derive
from symml.errors import NoClosedFormError, NotationError, NotSupportedError, ShapeError

RNG = np.random.default_rng(11)
N, D, K, M = 7, 3, 2, 4
X, Y, y = RNG.normal(size=(N, D)), RNG.normal(size=(N, K)), RNG.normal(size=N)
q, c = RNG.uniform(0.5, 2.0, N), RNG.normal(size=D)


def spd(size: int) -> np.ndarray:
    a = RNG.normal(size=(size, size))
    return a @ a.T + size * np.eye(size)


OM, L = spd(N), spd(D)
V, R = RNG.normal(size=(M, K)), RNG.normal(size=(N, M))
A, B, C = spd(D), spd(K), RNG.normal(size=(D, K))
LAM = 0.7
DATA = {"X": X, "Y": Y, "y": y, "q": q, "c": c, "Om": OM, "L": L, "V": V, "R": R, "lam": LAM}

RIDGE = ("||X w - y||^2 + lam*||w||^2", "w", "X: n x d, y: n, w: d, lam > 0")
OLS = ("||X w - y||^2", "w", "X: n x d, y: n, w: d")
GAUSS = "X: n x d, mu: d, Lambda: d x d spd"
PRECISION = "-n/2*logdet(Lambda) + 1/2*tr((X - ones(n) mu') Lambda (X - ones(n) mu')')"
COVARIANCE = "n/2*logdet(Sigma) + 1/2*tr(inv(Sigma) S)"
SIGMA = "S: d x d symmetric, Sigma: d x d spd, n > 0"

CLOSED = [
    (*RIDGE, "(Xᵀ X + λ I)⁻¹ Xᵀ y", lambda: np.linalg.solve(X.T @ X + LAM * np.eye(D), X.T @ y)),
    (*OLS, "(Xᵀ X)⁻¹ Xᵀ y", lambda: np.linalg.lstsq(X, y, rcond=None)[0]),
    (
        "sum(q .* (X w - y).^2)",
        "w",
        "X: n x d, y: n, w: d, q: n > 0",
        "(Xᵀ diag(q) X)⁻¹ Xᵀ (q ⊙ y)",
        lambda: np.linalg.lstsq(np.sqrt(q)[:, None] * X, np.sqrt(q) * y, rcond=None)[0],
    ),
    (
        "||X W - Y||^2 + lam*||W||^2",
        "W",
        "X: n x d, Y: n x k, W: d x k, lam > 0",
        "(Xᵀ X + λ I)⁻¹ Xᵀ Y",
        lambda: np.linalg.solve(X.T @ X + LAM * np.eye(D), X.T @ Y),
    ),
    (
        "(X w - y)' inv(Om) (X w - y) + (w - c)' L (w - c)",
        "w",
        "X: n x d, y: n, w: d, c: d, Om: n x n spd, L: d x d spd",
        "(Xᵀ Om⁻¹ X + L)⁻¹ (Xᵀ Om⁻¹ y + L c)",
        lambda: np.linalg.solve(X.T @ np.linalg.inv(OM) @ X + L, X.T @ np.linalg.inv(OM) @ y + L @ c),
    ),
    (
        "||R - U V'||^2 + lam*||U||^2 + lam*||V||^2",
        "U",
        "R: n x m, U: n x k, V: m x k, lam > 0",
        "R V (Vᵀ V + λ I)⁻¹",
        lambda: R @ V @ np.linalg.inv(V.T @ V + LAM * np.eye(K)),
    ),
]


@pytest.mark.parametrize(("text", "wrt", "where", "shown", "value"), CLOSED, ids=[c[3] for c in CLOSED])
def test_closed_form_prints_and_agrees_with_numpy(text, wrt, where, shown, value):
    s = derive(text, wrt, where=where).stationary()
    assert str(s.expr) == shown
    assert s.verdict == "holds"
    assert s.kind == "unique global minimum"
    np.testing.assert_allclose(s.evaluate(DATA), value(), rtol=1e-9)


def test_ridge_tells_the_whole_story():
    s = derive(*RIDGE[:2], where=RIDGE[2]).stationary()
    assert str(s.equation) == "(Xᵀ X + λ I) w = Xᵀ y"
    assert (str(s.equation.lhs), str(s.equation.rhs)) == ("(Xᵀ X + λ I) w", "Xᵀ y")
    assert s.conditions == ("Xᵀ X + λ I is positive definite because λ > 0",)
    assert "the Hessian 2 Xᵀ X + 2 λ I is positive definite" in s.reasons[0]
    rules = [step.rule for step in s.steps]
    assert rules == ["gradient set to zero", "collect terms", "solve", "condition", "second-order"]
    assert all(step.verdict.ok for step in s.steps)
    assert s.latex().startswith("\\begin{align*}")
    assert r"(X^{\top} X + \lambda I) w &= X^{\top} y" in s.latex()
    assert s.to_dict()["kind"] == s.kind
    assert "unique global minimum" in str(s)
    assert len(list(s)) == 1


def test_least_squares_states_the_rank_condition_or_uses_the_declared_one():
    open_ = derive(*OLS[:2], where=OLS[2]).stationary()
    assert open_.conditions == ("X must have full column rank (then Xᵀ X is invertible)",)
    declared = derive(OLS[0], "w", where="X: n x d full column rank, y: n, w: d").stationary()
    assert declared.conditions == ("Xᵀ X is positive definite because X has full column rank (declared)",)
    assert declared.kind == open_.kind == "unique global minimum"


def test_gaussian_mean():
    s = derive(PRECISION, "mu", where=GAUSS).stationary()
    assert str(s.equation) == "n μ = Xᵀ 𝟏"
    np.testing.assert_allclose(s.evaluate(X=X), X.mean(axis=0), rtol=1e-12)
    assert s.kind == "unique global minimum"


def test_gaussian_precision():
    s = derive(PRECISION, "Lambda", where=GAUSS).stationary()
    mu = RNG.normal(size=D)
    e = X - mu
    assert str(s.expr) == "n (Eᵀ E)⁻¹, where E = X − 𝟏 μᵀ"
    np.testing.assert_allclose(s.evaluate(X=X, mu=mu), N * np.linalg.inv(e.T @ e), rtol=1e-8)
    assert s.kind == "unique global minimum"
    assert any("X − 𝟏 μᵀ must have full column rank" in c for c in s.conditions)


@pytest.mark.parametrize(("sign", "kind"), [("", "unique global minimum"), ("-1*", "unique global maximum")])
def test_gaussian_covariance_is_global_through_the_inverse(sign, kind):
    s = derive(f"{sign}({COVARIANCE})", "Sigma", where=SIGMA).stationary()
    np.testing.assert_allclose(s.evaluate(S=L, n=5.0), L / 5.0, rtol=1e-12)
    assert str(s.equation) == "n Σ = S"
    assert s.kind == kind
    assert "Y = Σ⁻¹" in s.reasons[0]
    assert s.conditions == ("S must be positive definite",)


def test_gaussian_mean_and_precision_together():
    s = derive(PRECISION, ["mu", "Lambda"], where=GAUSS).stationary()
    found = s.evaluate(X=X)
    np.testing.assert_allclose(found["mu"], X.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found["Lambda"], np.linalg.inv(np.cov(X.T, bias=True)), rtol=1e-8)
    assert s.kind == "unique global minimum"
    assert s.reasons[0] == "minimised over μ, then over Λ"


def test_regression_and_its_noise_variance():
    s = derive("n/2*log(s2) + 1/(2*s2)*||X w - y||^2", ["w", "s2"], where="X: n x d, y: n, w: d, s2 > 0").stationary()
    w, squares, *_ = np.linalg.lstsq(X, y, rcond=None)
    found = s.evaluate(X=X, y=y)
    np.testing.assert_allclose(found["w"], w, rtol=1e-9)
    np.testing.assert_allclose(found["s2"], squares[0] / N, rtol=1e-9)
    assert s.kind == "unique global minimum"


def test_intercept_and_slope_are_jointly_convex():
    s = derive("||X w + b*ones(n) - y||^2", ["w", "b"], where="X: n x d, y: n, w: d, b in R").stationary()
    full = np.linalg.lstsq(np.c_[X, np.ones(N)], y, rcond=None)[0]
    found = s.evaluate(X=X, y=y)
    np.testing.assert_allclose(np.r_[found["w"], found["b"]], full, rtol=1e-8)
    assert s.kind == "unique global minimum"
    assert "convex in (w, b) jointly" in s.reasons[0]


def test_bias_vector():
    s = derive("||Y - X W - ones(n) b'||^2", "b", where="Y: n x k, X: n x d, W: d x k, b: k").stationary()
    np.testing.assert_allclose(s.evaluate(X=X, Y=Y, W=C), (Y - X @ C).mean(axis=0), rtol=1e-10)


def test_two_sided_equation():
    s = derive("1/2*||A X B - C||^2", "X", where="A: d x d, X: d x k, B: k x k, C: d x k").stationary()
    assert str(s.expr) == "A⁻¹ C B⁻¹"
    assert s.conditions == ("A must be invertible", "B must be invertible")
    np.testing.assert_allclose(s.evaluate(A=A, B=B, C=C), np.linalg.solve(A, C) @ np.linalg.inv(B), rtol=1e-9)


def test_only_the_inverse_occurs():
    s = derive("tr(S X) - logdet(X)", "X", where="S: d x d spd, X: d x d spd").stationary()
    assert (str(s.equation), str(s.expr), s.kind) == ("X⁻¹ = S", "S⁻¹", "unique global minimum")


def test_symmetric_variable_takes_the_symmetric_part():
    s = derive("tr(S X) - logdet(X)", "X", where="S: d x d, X: d x d spd").stationary()
    value = A + np.triu(np.ones((D, D)), 1) - np.tril(np.ones((D, D)), -1)
    np.testing.assert_allclose(s.evaluate(S=value), np.linalg.inv(A), rtol=1e-9)


def test_sylvester_equation_is_named_and_solved_by_scipy():
    where = "A: d x d symmetric, B: k x k symmetric, C: d x k, X: d x k"
    s = derive("1/2*tr(X' A X) + 1/2*tr(X B X') - tr(C' X)", "X", where=where).stationary()
    assert str(s.equation) == "A X + X B = C"
    assert s.conditions == ("a unique solution exists exactly when A and −B have no common eigenvalue",)
    assert "Sylvester" in s.steps[1].statement
    assert s.expr.shape != (D, K)
    np.testing.assert_allclose(s.evaluate(A=A, B=B, C=C), scipy.linalg.solve_sylvester(A, B, C), rtol=1e-9)
    definite = derive(
        "1/2*tr(X' A X) + 1/2*tr(X B X') - tr(C' X)", "X", where="A: d x d spd, B: k x k spd, C: d x k, X: d x k"
    ).stationary()
    assert "a unique solution exists" in definite.conditions[0]
    assert definite.kind == "unique global minimum"


def test_lyapunov_equation():
    s = derive("tr(A X X) - tr(C X)", "X", where="A: d x d spd, C: d x d symmetric, X: d x d symmetric").stationary()
    right = L + 1.0
    assert str(s.equation) == "A X + X A = C"
    np.testing.assert_allclose(s.evaluate(A=A, C=right), scipy.linalg.solve_continuous_lyapunov(A, right), rtol=1e-9)


def test_kronecker_equation_is_no_sylvester_equation():
    where = "A: d x d symmetric, B: k x k symmetric, C: d x k, X: d x k"
    s = derive("1/2*tr(X' A X B) + 1/2*||X||^2 - tr(C' X)", "X", where=where).stationary()
    assert str(s.equation) == "X + A X B = C"
    assert "vec(X)" in s.steps[1].statement
    found = s.evaluate(A=A, B=B, C=C)
    np.testing.assert_allclose(found + A @ found @ B, C, atol=1e-10)


def test_scalar_equations_keep_the_data_whole():
    s = derive("n*log(s) + 1/(2*s^2)*||x - mu*ones(n)||^2", "s", where="x: n, s > 0, mu in R").stationary()
    assert str(s.equation) == "n s² = ‖x − μ‖²"
    np.testing.assert_allclose(s.evaluate(x=y, mu=0.3), np.sqrt(np.mean((y - 0.3) ** 2)), rtol=1e-12)
    assert s.kind == "unique global minimum"


def test_bernoulli_probability_is_the_mean():
    s = derive("-sum(y)*log(p) - sum(1 - y)*log(1 - p)", "p", where="y: n in {0,1}, p in (0,1)").stationary()
    np.testing.assert_allclose(s.evaluate(y=[1.0, 0, 0, 1]), 0.5)
    assert s.kind == "unique global minimum"
    assert any("must be in (0,1)" in c for c in s.conditions)


def test_entry_by_entry():
    s = derive("sum(exp(w)) - v' w", "w", where="w: d, v: d > 0").stationary()
    assert (str(s.expr), s.kind) == ("log(v)", "unique global minimum")


@pytest.mark.parametrize(
    ("facts", "kind"),
    [("spd", "unique global minimum"), ("symmetric", "stationary point")],
)
def test_quadratic_form_is_judged_by_what_is_declared(facts, kind):
    s = derive("1/2*x' A x - b' x", "x", where=f"x: n, A: n x n {facts}, b: n").stationary()
    assert (str(s.expr), s.kind) == ("A⁻¹ b", kind)


def test_an_indefinite_answer_claims_no_proof():
    s = derive("tr(S X) - logdet(X)", "X", where="S: d x d, X: d x d").stationary()
    assert s.kind == "saddle point (second-order test at random data)"
    assert "not a proof" in s.reasons[0]
    assert s.steps[-1].verdict == "holds"


# -- functions of scalars -----------------------------------------------------------------------------------------
def test_all_critical_points_of_a_polynomial():
    s = derive("u^3 - 3*u + v^2", ["u", "v"], where="u in R, v in R").stationary()
    assert [str(p) for p in s] == [
        "(-1, 0)  saddle   Hessian eigenvalues -6, 2",
        "( 1, 0)  minimum  Hessian eigenvalues 2, 6",
    ]
    assert [p.kind for p in s.points] == ["saddle", "minimum"]
    assert s.points[0].eigenvalues == (-6, 2)
    assert s.kind == "2 stationary points: 1 saddle, 1 minimum"


@pytest.mark.parametrize(
    ("text", "kinds"),
    [("x^4 - 2*x^2", ["minimum", "maximum", "minimum"]), ("x^4", ["minimum"]), ("x^3", ["inflection"])],
)
def test_one_scalar(text, kinds):
    assert [p.kind for p in derive(text, "x", where="x in R").stationary()] == kinds


def test_parameters_stay_symbols():
    s = derive("a*x^2 + b*x", "x", where="x in R, a > 0, b in R").stationary()
    assert (str(s.expr), s.kind) == ("−b/(2 a)", "unique global minimum")


def test_roots_outside_the_declared_range_are_dropped():
    s = derive("x^3 - 3*x", "x", where="x > 0").stationary()
    assert [str(p) for p in s] == ["(1)  minimum  Hessian eigenvalues 6"]


def test_several_points_are_not_one_value():
    s = derive("x^4 - 2*x^2", "x", where="x in R").stationary()
    assert len(s.expr) == 3
    with pytest.raises(NoClosedFormError):
        s.evaluate()


# -- refusals -----------------------------------------------------------------------------------------------------
def test_logistic_names_the_equation_left():
    d = derive("sum(softplus(X w)) - y' X w", "w", where="X: n x d, y: n, w: d")
    with pytest.raises(NoClosedFormError, match=r"Xᵀ \(σ\(X w\) − y\) = 0 has no closed form.*call \.fit"):
        d.stationary()


def test_factorisation_is_closed_for_one_factor_only():
    d = derive("||R - U V'||^2 + lam*||U||^2 + lam*||V||^2", ["U", "V"], where="R: n x m, U: n x k, V: m x k, lam > 0")
    with pytest.raises(NoClosedFormError, match=r"U = R V .* has no closed form for V"):
        d.stationary()


def test_linear_objective_has_no_stationary_point():
    with pytest.raises(NoClosedFormError, match="the gradient c does not depend on x"):
        derive("c' x", "x", where="x: n, c: n").stationary()


def test_structured_variables_are_refused_with_the_constraint():
    with pytest.raises(NotSupportedError, match=r"subject_to=.*sum\(p\) = 1"):
        derive("-sum(c .* log(p))", "p", where="p: k simplex, c: k > 0").stationary()


def test_objective_that_is_no_scalar():
    with pytest.raises(ShapeError):
        derive("X w", "w", where="X: n x d, w: d").stationary()


# -- constraints --------------------------------------------------------------------------------------------------
WIDE, b = RNG.normal(size=(2, D)), RNG.normal(size=2)


def test_minimum_norm_least_squares():
    s = derive("1/2*||x||^2", "x", where="x: n, A: m x n full row rank, b: m").stationary(subject_to="A x = b")
    assert str(s.expr) == "Aᵀ (A Aᵀ)⁻¹ b"
    assert str(s.multipliers["nu"]) == "(A Aᵀ)⁻¹ b"
    np.testing.assert_allclose(s.evaluate(A=WIDE, b=b), np.linalg.pinv(WIDE) @ b, rtol=1e-9)
    assert s.kind == "unique global minimum"


def test_projection_on_an_affine_set():
    s = derive("1/2*||x - c||^2", "x", where="x: n, A: m x n, b: m, c: n").stationary(subject_to="A x = b")
    np.testing.assert_allclose(s.evaluate(A=WIDE, b=b, c=c), c + np.linalg.pinv(WIDE) @ (b - WIDE @ c), rtol=1e-9)
    assert s.conditions == ("A must have full row rank (then A Aᵀ is invertible)",)


def test_equality_constrained_least_squares():
    where = "X: n x d full column rank, y: n, w: d, A: m x d, b: m"
    s = derive("1/2*||X w - y||^2", "w", where=where).stationary(subject_to="A w = b")
    kkt = np.block([[X.T @ X, -WIDE.T], [WIDE, np.zeros((2, 2))]])
    expected = np.linalg.solve(kkt, np.r_[X.T @ y, b])[:D]
    np.testing.assert_allclose(s.evaluate(X=X, y=y, A=WIDE, b=b), expected, rtol=1e-8)
    assert s.verdict == "holds"


def test_categorical_likelihood_on_the_simplex():
    for facts in ("> 0", "simplex"):
        s = derive("-sum(c .* log(p))", "p", where=f"p: k {facts}, c: k > 0").stationary(subject_to="sum(p) = 1")
        assert (str(s.expr), s.kind) == ("c/sum(c)", "unique global minimum" if facts == "> 0" else s.kind)
        assert "global minimum" in s.kind
        np.testing.assert_allclose(s.evaluate(c=[1.0, 3.0]), [0.25, 0.75])


def test_minimum_variance_portfolio():
    s = derive("1/2*w' S w", "w", where="S: d x d spd, w: d").stationary(subject_to="sum(w) = 1")
    value = np.linalg.solve(L, np.ones(D))
    np.testing.assert_allclose(s.evaluate(S=L), value / value.sum(), rtol=1e-9)


def test_several_constraints_have_numbered_multipliers_that_avoid_declared_names():
    d = derive("1/2*w' S w", "w", where="S: d x d spd, w: d, mu: d, nu1 in R")
    s = d.stationary(subject_to=["sum(w) = 1", "mu' w = nu1"])
    assert list(s.multipliers) == ["nu2", "nu3"]
    w = s.evaluate(S=L, mu=c, nu1=0.4)
    np.testing.assert_allclose([w.sum(), c @ w], [1.0, 0.4], rtol=1e-9)


def test_principal_component():
    s = derive("w' S w", "w", where="S: d x d symmetric, w: d").stationary(subject_to="w'w = 1")
    assert (str(s.equation), s.kind) == ("S w = ν w", "eigenproblem")
    assert s.expr is None
    found = s.evaluate(S=L)
    np.testing.assert_allclose(found["nu"], np.linalg.eigvalsh(L)[::-1], rtol=1e-10)
    np.testing.assert_allclose(L @ found["w"], found["w"] * found["nu"], rtol=1e-8, atol=1e-9)
    assert [p.kind for p in s] == ["global maximum", "global minimum"]


def test_generalised_eigenproblem():
    where = "A: d x d symmetric, B: d x d spd, w: d"
    s = derive("w' A w", "w", where=where).stationary(subject_to="w' B w = 1")
    assert (str(s.equation), s.kind) == ("A w = ν B w", "generalised eigenproblem")
    np.testing.assert_allclose(s.evaluate(A=A, B=L)["nu"], scipy.linalg.eigh(A, L)[0][::-1], rtol=1e-9)


def test_several_components():
    s = derive("tr(W' S W)", "W", where="S: d x d symmetric, W: d x k").stationary(subject_to="W'W = I")
    assert (str(s.equation), s.kind) == ("S W = W N", "eigenproblem")
    assert list(s.multipliers) == ["N"]


def test_unsymmetric_form_uses_its_symmetric_part():
    s = derive("w' S w", "w", where="S: d x d, w: d").stationary(subject_to="w'w = 1")
    assert str(s.equation) == "1/2 (S + Sᵀ) w = ν w"


def test_linear_function_on_the_sphere_has_two_points():
    s = derive("c' x", "x", where="c: n, x: n").stationary(subject_to="x'x = 1")
    assert [(str(p.values["x"]), p.kind) for p in s] == [("−c/‖c‖", "global minimum"), ("c/‖c‖", "global maximum")]


def test_scalars_under_a_constraint():
    s = derive("x*y", ["x", "y"], where="x in R, y in R").stationary(subject_to="x + y = 1")
    assert [str(p) for p in s] == ["(1/2, 1/2)  maximum  Hessian eigenvalues -1"]


@pytest.mark.parametrize(("text", "found"), [("x'x < 1", "strict inequality"), ("x'x", "not a constraint")])
def test_what_is_no_constraint_is_refused(text, found):
    with pytest.raises(NotationError, match=found):
        derive("c' x", "x", where="c: n, x: n").stationary(subject_to=text)


def test_maximum_entropy_is_softmax():
    s = derive("sum(x .* log(x)) - x' v", "x", where="x: d > 0, v: d").stationary(subject_to="sum(x) = 1")
    assert str(s.expr) == "softmax(v)"
    value = np.exp(c) / np.exp(c).sum()
    np.testing.assert_allclose(s.evaluate(v=c), value, rtol=1e-10)


def test_projection_on_the_sphere():
    s = derive("1/2*||x - c||^2", "x", where="x: n, c: n").stationary(subject_to="x'x = 1")
    assert {str(p.values["x"]) for p in s} == {"c/‖c‖", "−c/‖c‖"}


# -- more prints and refusals -------------------------------------------------------------------------------------
def test_simple_regression_is_solved_jointly():
    s = derive("sum(i, (y[i] - b - a*x[i])^2)", ["a", "b"], where="x: n, y: n, a in R, b in R").stationary()
    found = s.evaluate(x=X[:, 0], y=y)
    slope, intercept = np.polyfit(X[:, 0], y, 1)
    np.testing.assert_allclose([found["a"], found["b"]], [slope, intercept], rtol=1e-9)
    assert s.kind == "unique global minimum"


def test_variances_are_cleared_from_the_gram_matrix():
    where = "X: n x d, y: n, w: d, s2 > 0, t2 > 0"
    s = derive("||y - X w||^2/(2*s2) + ||w||^2/(2*t2)", "w", where=where).stationary()
    expected = np.linalg.solve(X.T @ X + 0.5 / 2.0 * np.eye(D), X.T @ y)
    np.testing.assert_allclose(s.evaluate(X=X, y=y, s2=0.5, t2=2.0), expected, rtol=1e-9)


def test_common_invertible_factor_is_cancelled_only_if_every_term_has_it():
    kernel = derive("||y - K a||^2 + lam*a' K a", "a", where="y: n, K: n x n spd, a: n, lam > 0").stationary()
    assert str(kernel.expr) == "(K + λ I)⁻¹ y"
    where = "x: d, m: d, P: d x d spd, R: n x n spd, H: n x d, y: n"
    update = derive("1/2*(x - m)' inv(P) (x - m) + 1/2*(y - H x)' inv(R) (y - H x)", "x", where=where).stationary()
    assert str(update.equation) == "(P⁻¹ + Hᵀ R⁻¹ H) x = P⁻¹ m + Hᵀ R⁻¹ y"


def test_a_singular_answer_is_refused():
    d = derive("n/2*logdet(K) + 1/2*y' inv(K) y", "K", where="K: n x n spd, y: n")
    with pytest.raises(NoClosedFormError, match="no stationary point could be confirmed"):
        d.stationary()


@pytest.mark.parametrize("text", ["norm(X w - y)", "n/2*log(||X w - y||^2)"])
def test_a_length_in_front_of_the_gradient_is_cancelled(text):
    s = derive(text, "w", where="X: n x d, y: n, w: d").stationary()
    np.testing.assert_allclose(s.evaluate(X=X, y=y), np.linalg.lstsq(X, y, rcond=None)[0], rtol=1e-9)
    assert "‖X w − y‖ must not be 0" in s.conditions


def test_a_kink_is_never_solved_as_if_smooth():
    with pytest.raises(NoClosedFormError):
        derive("sum(sin(w)) + norm1(X w)", "w", where="X: n x d, w: d").stationary()


def test_latex_is_ascii_and_results_are_plain_data():
    for case in CLOSED:
        s = derive(case[0], case[1], where=case[2]).stationary()
        assert s.latex().isascii()
        assert set(s.to_dict()) >= {"equation", "expr", "kind", "conditions", "points", "verdict", "steps"}
        assert s == derive(case[0], case[1], where=case[2]).stationary()
