"""Constrained problems by class against NumPy and SciPy: singular values, polar factors, secular equations, KKT."""

import pickle

import numpy as np
import pytest
import scipy.linalg
import scipy.optimize

from symml.api import derive
from symml.errors import DataError, NoClosedFormError, NotationError

RNG = np.random.default_rng(5)
N, D = 9, 4
X, y = RNG.normal(size=(N, D)), RNG.normal(size=N)
B, A = RNG.normal(size=(N, D)), RNG.normal(size=(5, 3))
c0, a0 = RNG.normal(size=D), RNG.normal(size=D)


def spd(size):
    a = RNG.normal(size=(size, size))
    return a @ a.T + size * np.eye(size)


S, C = spd(D), spd(D) - 2 * D * np.eye(D)
P = RNG.normal(size=(20, 3))
Q = P @ RNG.normal(size=(3, 2)) + RNG.normal(size=(20, 2))


def stationary(text, wrt, where, subject_to=None):
    return derive(text, wrt, where=where).stationary(subject_to=subject_to)


# -- eigenproblems ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("factor", [0.5, 1, 3])
@pytest.mark.parametrize(
    ("constraint", "form", "level"),
    [
        ("w'w = 4", np.eye(D), 4),
        ("2*w'w = 4", 2 * np.eye(D), 4),
        ("||w|| = r", np.eye(D), 9),
        ("3*w' S w = 5", 3 * S, 5),
    ],
)
def test_eigenvectors_keep_the_level_of_the_constraint(factor, constraint, form, level):
    s = stationary(f"{factor}*w' C w", "w", "C: d x d symmetric, S: d x d spd, w: d, r > 0", constraint)
    found = s.evaluate(C=C, S=S, r=3.0)
    w = found["w"]
    np.testing.assert_allclose(np.diag(w.T @ form @ w), level, rtol=1e-9)
    values = factor * np.sum(w * (C @ w), axis=0)
    np.testing.assert_allclose(values, level * found["nu"], rtol=1e-8)
    exact = scipy.linalg.eigh(factor * C, form)[0][::-1]
    np.testing.assert_allclose(found["nu"], exact, rtol=1e-8)


@pytest.mark.parametrize("text", ["||X - X W W'||^2", "tr((X - X W W')' (X - X W W'))"])
def test_principal_components_by_the_error_of_reconstruction(text):
    s = stationary(text, "W", "X: n x d, W: d x k", "W'W = I")
    assert (str(s.equation), s.kind) == ("Xᵀ X W = W N", "eigenproblem")
    assert "minimum at the k largest eigenvalues" in s.reasons[1]
    np.testing.assert_allclose(s.evaluate(X=X)["N"], np.linalg.svd(X)[1] ** 2, rtol=1e-9)


def test_fisher_discriminant_as_a_quotient():
    s = stationary("(w' m)^2/(w' S w)", "w", "w: d, m: d, S: d x d spd")
    assert (str(s.equation), s.kind) == ("m mᵀ w = ν S w", "generalised eigenproblem")
    found = s.evaluate(m=c0, S=S)
    np.testing.assert_allclose(found["nu"][0], c0 @ np.linalg.solve(S, c0), rtol=1e-9)
    direction = np.linalg.solve(S, c0)
    cosine = found["w"][:, 0] @ direction / np.linalg.norm(found["w"][:, 0]) / np.linalg.norm(direction)
    assert abs(cosine) == pytest.approx(1, abs=1e-9)


def test_rayleigh_quotient():
    s = stationary("(w' C w)/(w' w)", "w", "C: d x d symmetric, w: d")
    assert [p.kind for p in s] == ["global maximum", "global minimum"]
    largest, smallest = (p.values["nu"].evaluate(C=C) for p in s)
    np.testing.assert_allclose([smallest, largest], np.linalg.eigvalsh(C)[[0, -1]], rtol=1e-9)


def test_signs_declared_are_no_eigenproblem():
    with pytest.raises(NoClosedFormError, match="singular"):
        stationary("w' C w", "w", "C: d x d symmetric, w: d > 0", "w'w = 1")


# -- singular values ----------------------------------------------------------------------------------------------
def test_singular_values_as_a_constrained_maximum():
    s = stationary("u' A v", ["u", "v"], "A: m x n, u: m, v: n", ["u'u = 1", "v'v = 1"])
    assert s.kind == "singular value problem"
    assert [str(e) for e in s.equation.values()] == ["A v = σ u", "Aᵀ u = σ v"]
    assert "Aᵀ A v = σ² v" in [step.text for step in s.steps]
    found = s.evaluate(A=A)
    np.testing.assert_allclose(found["sigma"], np.linalg.svd(A)[1], rtol=1e-10)
    np.testing.assert_allclose(A @ found["v"], found["u"] * found["sigma"], atol=1e-10)
    assert s.points[0].values["sigma"].evaluate(A=A) == pytest.approx(np.linalg.norm(A, 2))
    assert all(step.verdict.ok for step in s.steps)


def test_several_singular_vectors():
    s = stationary("tr(U' A V)", ["U", "V"], "A: m x n, U: m x k, V: n x k", ["U'U = I", "V'V = I"])
    assert [str(e) for e in s.equation.values()] == ["A V = U Σ", "Aᵀ U = V Σ"]
    np.testing.assert_allclose(s.evaluate(A=A)["Sigma"], np.linalg.svd(A)[1], rtol=1e-10)


def test_singular_vectors_keep_numbers_and_levels():
    s = stationary("3*u' A v", ["u", "v"], "A: m x n, u: m, v: n", ["2*u'u = 4", "v'v = 4"])
    found = s.evaluate(A=A)
    np.testing.assert_allclose(2 * np.sum(found["u"] ** 2, axis=0), 4)
    np.testing.assert_allclose(3 * np.sum(found["u"] * (A @ found["v"]), axis=0), 4 * found["sigma"], rtol=1e-9)


def test_canonical_correlations():
    where = "X: n x p, Y: n x q, u: p, v: q"
    s = stationary("u' X' Y v", ["u", "v"], where, ["u' X' X u = 1", "v' Y' Y v = 1"])
    assert s.kind == "generalised singular value problem"
    assert [str(e) for e in s.equation.values()] == ["Xᵀ Y v = σ Xᵀ X u", "Yᵀ X u = σ Yᵀ Y v"]
    found = s.evaluate(X=P, Y=Q)
    exact = np.linalg.svd(np.linalg.qr(P)[0].T @ np.linalg.qr(Q)[0])[1]
    np.testing.assert_allclose(found["sigma"], exact, rtol=1e-9)
    np.testing.assert_allclose(found["u"].T @ P.T @ P @ found["u"], np.eye(2), atol=1e-9)
    with pytest.raises(DataError, match="not positive definite"):
        s.evaluate(X=np.ones((20, 3)), Y=Q)


# -- orthogonal Procrustes ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("facts", ["", " orthogonal"])
@pytest.mark.parametrize("constraint", ["Q'Q = I", "Q Q' = I"])
def test_orthogonal_procrustes(facts, constraint):
    s = stationary("||X Q - B||^2", "Q", f"X: n x d, Q: d x d{facts}, B: n x d", constraint)
    assert str(s.expr) == "M sqrtm(Mᵀ M)⁻¹, where M = Xᵀ B"
    assert (s.kind, s.verdict) == ("unique global minimum", "holds")
    assert "Xᵀ B must have full column rank" in s.conditions[0]
    exact = scipy.linalg.orthogonal_procrustes(X, B)[0]
    np.testing.assert_allclose(s.evaluate(X=X, B=B), exact, atol=1e-9)
    np.testing.assert_allclose(s.expr.evaluate(X=X, B=B), exact, atol=1e-9)


def test_nearest_matrix_with_orthonormal_columns():
    s = stationary("||M - Q||^2", "Q", "M: d x k, Q: d x k", "Q'Q = I")
    assert str(s.expr) == "M sqrtm(Mᵀ M)⁻¹"
    np.testing.assert_allclose(s.evaluate(M=A), scipy.linalg.polar(A)[0], atol=1e-10)


def test_procrustes_of_columns():
    s = stationary("||X - B Q'||^2", "Q", "X: n x d, Q: d x k, B: n x k", "Q'Q = I")
    u, _, vt = np.linalg.svd(X.T @ B[:, :2], full_matrices=False)
    np.testing.assert_allclose(s.evaluate(X=X, B=B[:, :2]), u @ vt, atol=1e-9)


def test_unbalanced_procrustes_has_no_closed_form():
    told = r"no closed form in general: .* Qᵀ G is symmetric, with G = Xᵀ \(X Q − B\)"
    with pytest.raises(NoClosedFormError, match=told):
        stationary("||X Q - B||^2", "Q", "X: n x d, Q: d x k, B: n x k", "Q'Q = I")


def test_linear_function_of_an_orthogonal_matrix_has_both_extrema():
    s = stationary("tr(Q' M)", "Q", "M: d x d, Q: d x d", "Q'Q = I")
    assert [p.kind for p in s] == ["unique global minimum", "unique global maximum"]
    low, high = (p.values["Q"].evaluate(M=S + C) for p in s)
    total = np.sum(np.linalg.svd(S + C)[1])
    np.testing.assert_allclose([np.sum(low * (S + C)), np.sum(high * (S + C))], [-total, total], rtol=1e-9)


# -- secular equations --------------------------------------------------------------------------------------------
def on_sphere(f, radius):
    """The least value on a sphere, by BFGS from several starts."""

    def g(u):
        return f(radius * u / np.linalg.norm(u))

    rng = np.random.default_rng(0)
    return min(scipy.optimize.minimize(g, rng.normal(size=D)).fun for _ in range(6))


def loss(w):
    return np.sum((X @ w - y) ** 2)


RIDGE = ("||X w - y||^2", "w", "X: n x d, y: n, w: d, c > 0")


@pytest.mark.parametrize("c", [0.01, 0.5, 50.0])
def test_ridge_as_a_constrained_problem(c):
    s = stationary(*RIDGE, "w'w = c")
    assert str(s.expr) == "(Xᵀ X − ν I)⁻¹ Xᵀ y"
    assert str(s.equation["nu"]) == "‖(Xᵀ X − ν I)⁻¹ Xᵀ y‖² = c"
    assert "the secular equation" in s.kind
    w = s.evaluate(X=X, y=y, c=c)
    assert w @ w == pytest.approx(c, rel=1e-9)
    assert loss(w) == pytest.approx(on_sphere(loss, np.sqrt(c)), rel=1e-7)


@pytest.mark.parametrize("c", [0.01, 0.5, 50.0])
def test_ridge_as_a_bound(c):
    s = stationary(*RIDGE, "w'w <= c")
    assert [str(p.values["w"]) for p in s] == ["(Xᵀ X)⁻¹ Xᵀ y", "(Xᵀ X + a I)⁻¹ Xᵀ y"]
    assert s.points[0].kind == "global minimum if ‖(Xᵀ X)⁻¹ Xᵀ y‖² <= c"
    free = np.linalg.lstsq(X, y, rcond=None)[0]
    best = loss(free) if free @ free <= c else on_sphere(loss, np.sqrt(c))
    w = s.evaluate(X=X, y=y, c=c)
    assert w @ w <= c * (1 + 1e-9)
    assert loss(w) == pytest.approx(best, rel=1e-7)


@pytest.mark.parametrize("relation", ["=", "<="])
def test_trust_region_of_an_indefinite_model(relation):
    s = stationary("1/2*x' C x - b' x", "x", "C: d x d symmetric, b: d, x: d, r > 0", f"x'x {relation} r^2")
    x = s.evaluate(C=C, b=c0, r=1.3)

    def model(u):
        return u @ C @ u / 2 - c0 @ u

    assert np.linalg.norm(x) == pytest.approx(1.3)
    assert model(x) == pytest.approx(on_sphere(model, 1.3), rel=1e-7)


def test_the_hard_case_is_refused():
    s = stationary("1/2*x' C x - b' x", "x", "C: d x d symmetric, b: d, x: d, r > 0", "x'x = r^2")
    with pytest.raises(DataError, match="hard case"):
        s.evaluate(C=np.diag([-1.0, 2.0]), b=[0.0, 1.0], r=3.0)


@pytest.mark.parametrize(("sign", "which"), [("", "minimum"), ("-1*", "maximum")])
def test_maximum_entropy_with_a_given_mean(sign, which):
    s = stationary(f"{sign}sum(p .* log(p))", "p", "p: k > 0, x: k, m in R", ["sum(p) = 1", "x'p = m"])
    assert str(s.expr) == ("softmax(ν₂ x)" if not sign else "softmax(−ν₂ x)")
    assert s.kind.startswith(f"unique global {which}")
    faces = np.arange(1.0, 7.0)
    p = s.evaluate(x=faces, m=4.5)
    assert (p.sum(), p @ faces) == (pytest.approx(1), pytest.approx(4.5))
    np.testing.assert_allclose(np.diff(np.log(p)), np.log(p[1] / p[0]), rtol=1e-9)
    with pytest.raises(DataError, match="no point satisfies"):
        s.evaluate(x=faces, m=7.0)


def test_maximum_entropy_with_several_moments():
    s = stationary("-sum(p .* log(p))", "p", "p: k > 0, A: m x k, b: m", ["sum(p) = 1", "A p = b"])
    faces = np.arange(1.0, 7.0)
    moments = np.array([faces, faces**2])
    p = s.evaluate(A=moments, b=[4.0, 18.0])
    np.testing.assert_allclose(moments @ p, [4.0, 18.0], rtol=1e-8)
    second = np.diff(np.log(p), 2)
    np.testing.assert_allclose(second, second[0], rtol=1e-6)
    with pytest.raises(DataError, match="no point satisfies"):
        s.evaluate(A=moments, b=[4.0, 1.0])


# -- inequalities -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("b", [-5.0, 5.0])
@pytest.mark.parametrize("sign", ["", "-1*"])
def test_projection_on_a_half_space(b, sign):
    s = stationary(f"{sign}1/2*||x - c||^2", "x", "x: n, a: n, c: n, b in R", "a'x <= b")
    expected = c0 - max(a0 @ c0 - b, 0) / (a0 @ a0) * a0
    np.testing.assert_allclose(s.evaluate(a=a0, c=c0, b=b), expected, rtol=1e-9)
    assert s.kkt.sense == ("maximum" if sign else "minimum")


@pytest.mark.parametrize("scale", [0.1, 3.0])
def test_projection_on_a_ball(scale):
    s = stationary("1/2*||x - c||^2", "x", "x: n, c: n", "||x|| <= 1")
    c = scale * c0
    np.testing.assert_allclose(s.evaluate(c=c), c / max(1, np.linalg.norm(c)), rtol=1e-9)


def test_linear_function_on_a_ball_has_one_case():
    s = stationary("c' x", "x", "x: n, c: n", "x'x <= 1")
    assert (str(s.expr), s.kind) == ("−c/‖c‖", "global minimum")
    assert str(s.multipliers["a"]) == "1/2 ‖c‖"


def test_portfolio_with_a_least_return():
    s = stationary("w' S w", "w", "S: d x d spd, w: d, m: d, r in R", ["sum(w) = 1", "m' w >= r"])
    for r in (-3.0, 1.0):
        w = scipy.optimize.minimize(
            lambda w: w @ S @ w,
            np.ones(D) / D,
            constraints=[
                {"type": "eq", "fun": lambda w: w.sum() - 1},
                {"type": "ineq", "fun": lambda w, r=r: c0 @ w - r},
            ],
            method="SLSQP",
            options={"ftol": 1e-14},
        ).x
        np.testing.assert_allclose(s.evaluate(S=S, m=c0, r=r), w, atol=1e-5)


def test_scalars_with_three_inequalities():
    s = stationary("x^2 + y^2", ["x", "y"], "x in R, y in R", ["x + y >= 1", "x >= 0", "y >= 4/5"])
    assert {k: float(v) for k, v in s.evaluate().items()} == pytest.approx({"x": 0.2, "y": 0.8})


def test_conditions_of_karush_kuhn_and_tucker():
    s = stationary("1/2*||x - c||^2", "x", "x: n, c: n, A: m x n, b: m", "A x <= b")
    assert str(s.kkt).splitlines() == [
        "stationarity: x − c + Aᵀ a = 0",
        "primal feasibility: A x <= b",
        "dual feasibility: a >= 0",
        "complementary slackness: a ⊙ (b − A x) = 0",
    ]
    assert s.kkt.latex().isascii()
    found = s.evaluate(c=c0, A=X, b=y, multipliers=True)
    np.testing.assert_allclose(found["x"] - c0 + X.T @ found["a"], 0, atol=1e-9)
    assert np.all(X @ found["x"] <= y + 1e-9)
    assert np.all(found["a"] >= 0)
    np.testing.assert_allclose(found["a"] * (y - X @ found["x"]), 0, atol=1e-9)


def test_a_problem_that_is_not_convex_claims_nothing():
    s = stationary("1/2*||x - c||^2", "x", "x: n, c: n", "x'x >= 1")
    assert all(p.kind.startswith("KKT point") for p in s)
    assert s.dual is None
    with pytest.raises(NoClosedFormError, match="not shown to be convex"):
        s.evaluate(c=c0)


def test_chains_and_strict_inequalities():
    s = stationary("1/2*||x - c||^2", "x", "x: n, c: n", "0 <= x <= 1")
    assert [str(c) for c in s.kkt.primal] == ["x >= 0", "x <= 𝟏"]
    with pytest.raises(NotationError, match="strict"):
        stationary("1/2*||x - c||^2", "x", "x: n, c: n", "x > 0")


# -- the support vector machine -----------------------------------------------------------------------------------
POINTS = np.r_[RNG.normal(size=(6, 2)) + 3, RNG.normal(size=(6, 2)) - 3]
LABELS = np.r_[np.ones(6), -np.ones(6)]


def machine():
    where = "X: n x d, y: n in {-1,1}, w: d, b in R"
    return derive("1/2*w'w", ["w", "b"], where=where).stationary(subject_to="y .* (X w + b) >= 1")


def test_hard_margin_machine_to_its_dual():
    s = machine()
    assert str(s.dual) == "maximise sum(a) − 1/2 ‖Xᵀ (a ⊙ y)‖² subject to yᵀ a = 0, a >= 0"
    assert str(s.dual.variables["w"]) == "Xᵀ (a ⊙ y)"
    assert s.dual.verdict == "holds"
    assert "the same optimal value" in s.dual.strong
    assert all(step.verdict.ok for step in s.steps)
    assert "complementary slackness: a ⊙ (y ⊙ (X w + b) − 𝟏) = 0" in str(s.kkt)
    rules = [step.rule for step in s.steps]
    assert rules.count("dual") == 4
    assert s.latex().isascii()


def test_strong_duality_on_a_separable_set():
    s = machine()

    def minus_dual(a):
        return -s.dual.expr.evaluate(a=a, X=POINTS, y=LABELS)

    above = scipy.optimize.minimize(
        minus_dual,
        np.full(12, 0.01),
        bounds=[(0, None)] * 12,
        constraints={"type": "eq", "fun": lambda a: a @ LABELS},
        method="SLSQP",
        options={"ftol": 1e-13, "maxiter": 500},
    )
    below = scipy.optimize.minimize(
        lambda z: z[:2] @ z[:2] / 2,
        np.array([1.0, 1.0, 0.0]),
        constraints={"type": "ineq", "fun": lambda z: LABELS * (POINTS @ z[:2] + z[2]) - 1},
        method="SLSQP",
        options={"ftol": 1e-13},
    )
    assert -above.fun == pytest.approx(below.fun, rel=1e-6)
    w = s.dual.variables["w"].evaluate(a=above.x, X=POINTS, y=LABELS)
    np.testing.assert_allclose(w, below.x[:2], rtol=1e-4)


def test_soft_margin_machine():
    where = "X: n x d, y: n in {-1,1}, w: d, b in R, C > 0, xi: n"
    d = derive("1/2*w'w + C*sum(xi)", ["w", "b", "xi"], where=where)
    s = d.stationary(subject_to=["y .* (X w + b) >= 1 - xi", "xi >= 0"])
    assert [str(c) for c in s.dual.constraints] == ["yᵀ a₁ = 0", "a₁ <= C 𝟏", "a₁ >= 0"]
    assert str(s.dual.expr) == "sum(a₁) − 1/2 ‖Xᵀ (a₁ ⊙ y)‖²"


def test_dual_of_a_linear_programme():
    s = stationary("c' x", "x", "x: n, c: n, A: m x n, b: m", ["A x = b", "x >= 0"])
    assert str(s.dual) == "maximise bᵀ ν subject to Aᵀ ν <= c"


def test_results_are_plain_data_and_repeat():
    for build in (machine, lambda: stationary(*RIDGE, "w'w <= c")):
        s = build()
        assert s == build()
        assert s.to_dict()["dual"] == str(s.dual)
    s = pickle.loads(pickle.dumps(stationary(*RIDGE, "w'w = c")))
    assert s.evaluate(X=X, y=y, c=1.0) @ s.evaluate(X=X, y=y, c=1.0) == pytest.approx(1.0)
