"""Statements about derivations: convexity, Newton and gradient steps, kinks, medians and quantiles."""

import pickle

import numpy as np
import pytest

import symml as sml
from symml.errors import DataError, NoClosedFormError
from symml.language.function import functions

WHERE = """X: n x d, y: n, w: d, lam > 0, x: n, v: n, m, c: n positive, tau in (0,1), S: d x d symmetric,
Sigma: d x d spd, A: d x d, B: n x k, W: d x k, s > 0, u, a, b, q: d, Q: d x d orthogonal"""
RNG = np.random.default_rng(3)
DATA = {"X": RNG.normal(size=(6, 2)), "y": RNG.normal(size=6), "w": [0.3, -0.2], "lam": 0.5}


def derive(text, wrt):
    return sml.derive(text, wrt=wrt, where=WHERE)


# -- convexity ----------------------------------------------------------------------------------------------------
CONVEXITY = [
    ("1/2*||X w - y||^2 + lam/2*||w||^2", "w", "strongly convex", "because λ > 0"),
    ("||X w - y||^2", "w", "convex", "a Gram matrix"),
    ("sum(softplus(X w)) - y'X w", "w", "convex", "positive semidefinite"),
    ("sum(softplus(X w)) - y'X w + lam*||w||^2", "w", "strongly convex", "because λ > 0"),
    ("sum(exp(w))", "w", "strictly convex", "entries > 0"),
    ("||X w - y||^2 + lam*norm1(w)", "w", "convex", "the absolute value is convex"),
    ("lam*||w||^2 + norm1(w)", "w", "strongly convex", "because λ > 0"),
    ("sum(max(0, 1 - y .* (X w)))", "w", "convex", "relu is convex"),
    ("norm(X w - y)", "w", "convex", "a norm of an affine function"),
    ("normnuc(W)", "W", "convex", "the nuclear norm is convex"),
    ("eigmax(S)", "S", "convex", "the largest eigenvalue is convex"),
    ("logsumexp(X w)", "w", "convex", "positive semidefinite"),
    ("logsumexp(X w) + norm1(w)", "w", "convex", "logsumexp is convex"),
    ("-logdet(Sigma) + trace(Sigma*S)", "Sigma", "strictly convex", "positive definite"),
    ("logdet(Sigma)", "Sigma", "concave", "negative definite"),
    ("sum(log(X w))", "w", "concave", "negative semidefinite"),
    ("sum(sqrt(w))", "w", "concave", "the power 1/2 is concave"),
    ("-abs(m)", "m", "concave", "the absolute value is convex"),
    ("y'X w", "w", "convex", "affine"),
    ("s*log(s)", "s", "strictly convex", "1/s > 0"),
    ("m^4", "m", "convex", "12 m² >= 0"),
    ("||B - X W||^2", "W", "convex", "a Gram matrix"),
    ("u^2 + m^2", ["u", "m"], "strongly convex", "leading minors"),
    ("u*m", ["u", "m"], "neither", "eigenvalues"),
    ("||B - X W||^2", ["X", "W"], "neither", "eigenvalues"),
    ("sum(sin(w))", "w", "neither", "eigenvalues"),
    ("m^3", "m", "neither", "eigenvalues"),
    ("det(A)", "A", "neither", "eigenvalues"),
    ("sum(sign(w))", "w", "neither", "chord"),
    ("m*abs(m)", "m", "neither", "chord"),
    ("log(m^2)", "m", "neither", "chord"),
    ("w'S w", "w", "unknown", "it depends on the data: convex where the Hessian 2 S is positive semidefinite"),
    ("trace(S Q)", "Q", "unknown", "orthogonal"),
    ("sum(log(cosh(w)))", "w", "strictly convex", "entries > 0"),
    ("sum(sqrt(w.^2 + 1))", "w", "strictly convex", "entries > 0"),
    ("norm(X w)^4", "w", "convex", "a power of a nonnegative convex function"),
    ("norm1(w)^2", "w", "convex", "a power of a nonnegative convex function"),
    ("norm1(w)*norm(w)", "w", "unknown", "no counterexample to convex"),
    ("exp(norm(w))", "w", "convex", "exp is convex and increasing"),
    ("max(0, norm1(w) - 1)", "w", "convex", "relu is convex and increasing"),
    ("sumsq(X w - y)/s", ["w", "s"], "convex", "a square of an affine function over a positive affine one"),
    ("w'inv(Sigma) w - logdet(Sigma)", ["w", "Sigma"], "convex", "a matrix fraction"),
    ("s^2/lam", ["s", "lam"], "convex", "principal minors"),
    ("sqrt(s*lam)", ["s", "lam"], "concave", "principal minors"),
    ("s^2*lam", ["s", "lam"], "neither", "eigenvalues"),
    ("log(sqrt(s) + 1)", "s", "concave", "< 0"),
]


@pytest.mark.parametrize(("text", "wrt", "kind", "reason"), CONVEXITY, ids=[f"{c[0]}, {c[1]}" for c in CONVEXITY])
def test_convexity(text, wrt, kind, reason):
    found = derive(text, wrt).convexity
    assert found.kind == kind
    assert reason in " ".join(found.reasons)
    assert found.verdict == {"neither": found.verdict, "unknown": "unchecked"}.get(kind, "proved")
    if found.verdict == "holds":
        assert found.verdict.counterexample.values


def test_no_convexity_is_claimed_where_a_chord_lies_below():
    """Every proof is compared with chords of the function at random points."""
    for text, wrt, kind, _ in CONVEXITY:
        if kind in ("neither", "unknown") or not isinstance(wrt, str):
            continue
        d = derive(text, wrt)
        sign = -1.0 if kind == "concave" else 1.0
        for k in range(10):
            rng = np.random.default_rng(k)
            data = {"X": np.abs(rng.normal(size=(5, 3))), "y": rng.normal(size=5), "lam": 0.7,
                    "B": rng.normal(size=(5, 2)),
                    "S": np.eye(3) * 1.5 + 0.2}  # fmt: skip
            points = {"w": np.abs(rng.normal(size=(2, 3))), "W": rng.normal(size=(2, 3, 2)), "m": rng.normal(size=2),
                      "s": np.exp(rng.normal(size=2)), "S": rng.normal(size=(2, 3, 3))}  # fmt: skip
            roots = rng.normal(size=(2, 3, 3))
            points["Sigma"] = roots @ roots.transpose(0, 2, 1) + 0.1 * np.eye(3)
            points["S"] = points["S"] + points["S"].transpose(0, 2, 1)
            p, q = points[wrt]
            ends, middle = (
                [d.objective.evaluate({**data, wrt: z}) for z in (p, q)],
                d.objective.evaluate({**data, wrt: (p + q) / 2}),
            )
            assert sign * (sum(ends) / 2 - middle) >= -1e-9 * (1 + abs(middle)), text


def test_joint_proofs_are_compared_with_chords():
    for text, wrt in (("sumsq(X w - y)/s", ["w", "s"]), ("w'inv(Sigma) w - logdet(Sigma)", ["w", "Sigma"])):
        d = derive(text, wrt)
        assert d.convexity.verdict == "proved"
        for k in range(20):
            rng = np.random.default_rng(k)
            data = {"X": rng.normal(size=(5, 3)), "y": rng.normal(size=5)}
            roots = rng.normal(size=(2, 3, 3))
            points = {"w": rng.normal(size=(2, 3)), "s": np.exp(rng.normal(size=2)),
                      "Sigma": roots @ roots.transpose(0, 2, 1) + 0.1 * np.eye(3)}  # fmt: skip
            ends = [d.objective.evaluate({**data, **{n: points[n][j] for n in wrt}}) for j in (0, 1)]
            middle = d.objective.evaluate({**data, **{n: (points[n][0] + points[n][1]) / 2 for n in wrt}})
            assert sum(ends) / 2 - middle >= -1e-9 * (1 + abs(middle)), text


# -- steps --------------------------------------------------------------------------------------------------------
def test_newton_step_of_a_quadratic_is_its_minimum():
    d = derive("1/2*||X w - y||^2 + lam/2*||w||^2", "w")
    s = d.newton_step
    assert s.text == "w ← w − (Xᵀ X + λ I)⁻¹ (Xᵀ (X w − y) + λ w)"
    X, y = DATA["X"], DATA["y"]
    expected = np.linalg.solve(X.T @ X + 0.5 * np.eye(2), X.T @ y)
    np.testing.assert_allclose(s.evaluate(DATA), expected, rtol=1e-10)
    np.testing.assert_allclose(s.update.evaluate(DATA), expected, rtol=1e-10)
    assert "quadratic" in s.statement
    assert s.latex().startswith(r"w \leftarrow w - ")


def test_gradient_step_names_its_largest_stable_rate():
    s = derive("1/2*||X w - y||^2 + lam/2*||w||^2", "w").gradient_step
    assert str(s.rate) == "2/eigmax(Xᵀ X + λ I)"
    assert s.text == "w ← w − η (Xᵀ (X w − y) + λ w)"
    assert s.statement == "stable for 0 < η < 2/eigmax(Xᵀ X + λ I)"
    X = DATA["X"]
    expected = 2 / np.linalg.eigvalsh(X.T @ X + 0.5 * np.eye(2))[-1]
    assert s.largest_rate(X=X, lam=0.5) == pytest.approx(expected)
    assert s.rate.evaluate(X=X, lam=0.5) == pytest.approx(expected)


def test_the_rate_is_the_edge_of_stability():
    s = derive("1/2*||X w - y||^2", "w").gradient_step
    given = {k: v for k, v in DATA.items() if k != "w"}
    for factor, settles in ((0.98, True), (1.02, False)):
        w = np.array([0.3, -0.2])
        for _ in range(2000):
            w = s.evaluate({**given, "w": w, "eta": factor * s.largest_rate(given)})
        assert bool(np.linalg.norm(w) < 10) is settles


def test_steps_of_other_objectives():
    logistic = derive("sum(softplus(X w)) - y'X w", "w")
    assert "depends on the point" in logistic.gradient_step.statement
    assert logistic.newton_step.text == "w ← w − (Xᵀ diag(σ(X w) ⊙ (1 − σ(X w))) X)⁻¹ Xᵀ (σ(X w) − y)"
    assert derive("u^3 - 3*u", "u").newton_step.text == "u ← u − (3 u² − 3)/(6 u)"
    assert derive("u^3 - 3*u", "u").newton_step.evaluate(u=2.0) == 1.25
    both = derive("u^2 + m^4", ["u", "m"])
    assert dict(both.newton_step.evaluate(u=2.0, m=1.0)) == {"u": 0.0, "m": pytest.approx(2 / 3)}
    assert both.gradient_step.text == "u ← u − 2 η u\nm ← m − 4 η m³"
    named = derive("logsumexp(X w)", "w").newton_step
    assert named.text.endswith("H = Xᵀ (diag(p) − p pᵀ) X, where p = softmax(X w)")
    assert "kinks" in derive("norm1(w)", "w").gradient_step.statement
    assert derive("norm1(w)", "w").newton_step.update is None


def test_step_of_a_matrix():
    d = derive("||B - X W||^2", "W")
    B = RNG.normal(size=(6, 3))
    found = d.newton_step.evaluate(X=DATA["X"], B=B, W=np.zeros((2, 3)))
    np.testing.assert_allclose(found, np.linalg.lstsq(DATA["X"], B, rcond=None)[0], atol=1e-10)
    assert d.gradient_step.largest_rate(X=DATA["X"], W=np.zeros((2, 3))) == pytest.approx(
        1 / np.linalg.eigvalsh(DATA["X"].T @ DATA["X"])[-1]
    )


def test_steps_of_matrices_by_the_factors_of_the_hessian():
    d = sml.derive("||A X B - C||^2", "X", where="A: m x n, X: n x p, B: p x q, C: m x q")
    s = d.newton_step
    assert s.text == "X ← X − (Aᵀ A)⁻¹ Aᵀ (A X B − C) Bᵀ (B Bᵀ)⁻¹"
    A, B, C = RNG.normal(size=(5, 3)), RNG.normal(size=(2, 4)), RNG.normal(size=(5, 4))
    X = RNG.normal(size=(3, 2))
    expected = np.linalg.pinv(A) @ C @ np.linalg.pinv(B)
    np.testing.assert_allclose(s.evaluate(A=A, B=B, C=C, X=X), expected, rtol=1e-8)
    np.testing.assert_allclose(s.update.evaluate(A=A, B=B, C=C, X=X), expected, rtol=1e-8)
    step = d.gradient_step
    assert step.statement == "stable for 0 < η < 1/(eigmax(Aᵀ A) eigmax(B Bᵀ))"
    assert step.rate.evaluate(A=A, B=B) == pytest.approx(step.largest_rate(A=A, B=B, X=X))
    assert derive("-logdet(Sigma) + trace(Sigma*S)", "Sigma").newton_step.text == "Σ ← Σ − Σ (S − Σ⁻¹) Σ"
    assert derive("sum(exp(W)) - trace(W'X'B)", "W").newton_step.text.endswith("⊘ exp(W)")


def test_steps_of_numbers_are_written_out():
    s = derive("exp(u) + m^2", ["u", "m"])
    assert s.newton_step.text == "(u, m) ← (u, m) − H⁻¹ g = (u − 1, 0);  g = [exp(u); 2 m], H = [exp(u), 0; 0, 2]"
    assert derive("u^2", "u").newton_step.text == "u ← u − (2 u)/2 = 0"
    both = derive("u^2 + 2*u*m + 3*m^2", ["u", "m"])
    assert both.gradient_step.statement == "stable for 0 < η < 2/(2 sqrt(2) + 4)"
    assert both.gradient_step.largest_rate() == pytest.approx(2 / (4 + 2 * np.sqrt(2)))


BOUNDS = [
    ("sum(softplus(X w)) - y'X w", "η < 8/eigmax(Xᵀ X) is stable at every point"),
    ("1/n*sum(softplus(X w)) + lam/2*||w||^2", "L is at most 1/(4 n) eigmax(Xᵀ X) + λ"),
    ("logsumexp(X w)", "η < 4/eigmax(Xᵀ X) is stable at every point"),
    ("sum(log(cosh(X w - y)))", "η < 2/eigmax(Xᵀ X) is stable at every point"),
    ("sum(arctan(X w))", "L is at most 3 sqrt(3)/8 eigmax(Xᵀ X)"),
]


@pytest.mark.parametrize(("text", "words"), BOUNDS, ids=[c[0] for c in BOUNDS])
def test_a_bounded_curvature_gives_a_rate_for_all_points(text, words):
    d = derive(text, "w")
    assert words in d.gradient_step.statement
    most = {"sum(arctan(X w))": 3 * np.sqrt(3) / 8, "logsumexp(X w)": 0.5}.get(
        text, 0.25 if "softplus" in text else 1.0
    )
    for k in range(40):
        rng = np.random.default_rng(k)
        X, w = rng.normal(size=(4, 2)), rng.normal(size=2) * 3
        h = d.hessian.evaluate(X=X, y=rng.normal(size=4), w=w, lam=0.5)
        scale = 0.25 / 4 if "1/n" in text else most
        beside = 0.5 if "lam" in text else 0.0
        assert np.linalg.eigvalsh(h)[-1] <= scale * np.linalg.eigvalsh(X.T @ X)[-1] + beside + 1e-9


def test_no_rate_is_called_stable_without_convexity():
    assert "where the Hessian is positive semidefinite" in derive("w'S w", "w").gradient_step.statement
    assert "along the others no rate is stable" in derive("u^2 - m^2", ["u", "m"]).gradient_step.statement


def test_messages_of_steps():
    d = derive("1/2*||X w - y||^2", "w")
    with pytest.raises(DataError, match="no value for the rate eta"):
        d.gradient_step.evaluate(DATA)
    with pytest.raises(DataError, match="the Hessian is singular there"):
        d.newton_step.evaluate(X=np.ones((3, 2)), y=np.ones(3), w=[0, 0])
    assert sml.derive("eta*sumsq(w)", wrt="w", where="eta > 0, w: d").gradient_step.text.startswith("w ← (1 − 2 η rate")


# -- kinks and domains --------------------------------------------------------------------------------------------
CONDITIONS = [
    ("abs(u)", "u", ["abs(u) has no derivative at u = 0; the subgradient there is [-1, 1]. sign(0) is taken as 0."]),
    ("norm(w)", "w", ["‖w‖ has no derivative at w = 0; the subgradient there is the unit ball."]),
    ("sum(relu(X w))", "w",
     ["relu(X w) has no derivative where an entry of X w is 0; the subgradient there is [0, 1]."]),
    ("max(0, u)", "u", ["max(0, u) has no derivative at u = 0; the subgradient there is [0, 1]."]),
    ("max(u, a)", "u",
     ["max(a, u) has no derivative where a = u; the subgradient there lies between those of a and u."]),
    ("sum(sign(w))", "w",
     ["sign(w) jumps where an entry of w is 0 and is constant elsewhere; its derivative is taken as 0."]),
    ("log(u)", "u", ["log(u) needs u > 0"]),
    ("sum(log(X w))", "w", ["log(X w) needs every entry of X w > 0"]),
    ("trace(inv(S))", "S", ["S must be invertible"]),
    ("1/u", "u", ["u must not be 0"]),
    ("sqrt(u)", "u", ["sqrt(u) needs u > 0"]),
    ("log(s) + ||w||^2 + trace(inv(Sigma))", ["s", "w", "Sigma"], []),
    ("norm1(y) + ||X w||^2", "w", []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wrt", "expected"), CONDITIONS, ids=[c[0] for c in CONDITIONS])
def test_conditions(text, wrt, expected):
    assert list(derive(text, wrt).conditions) == expected


def test_every_function_with_kinks_says_its_subgradient():
    assert [f.name for f in functions().values() if f.kinks and not f.subgradient] == []


@pytest.mark.parametrize("text", ["max(u, a)", "min(u, a)", "abs(u - a)", "relu(u)*u", "max(u, a)^2"])
def test_scalars_with_kinks_have_no_impulses(text):
    d = derive(text, "u")
    assert "Dirac" not in str(d.hessian)
    assert "Heaviside" not in str(d.gradient)
    assert d.check().passed


# -- piecewise linear functions of a scalar -----------------------------------------------------------------------
POINTS = np.array([1.0, 5, 2, 8, 3, 2.5])
PIECEWISE = [
    ("sum(abs(x - m))", "any median of x", np.median(POINTS)),
    ("sum(abs(m - x))", "any median of x", np.median(POINTS)),
    ("1/n*norm1(x - m)", "any median of x", np.median(POINTS)),
    ("sum(c .* abs(x - m))", "any weighted median of x", 5.0),
    ("sum(max(tau*(x - m), (tau - 1)*(x - m)))", "any quantile of x at the level τ", 5.0),
    ("sum(abs(x - m)) + 3*abs(m)", "any m at which the slope changes sign", 2.0),
    ("abs(m - a)", "m = a", 0.4),
    ("sum(abs(x - 2*m))", "any m at which the slope changes sign", np.median(POINTS) / 2),
]


@pytest.mark.parametrize(("text", "what", "value"), PIECEWISE, ids=[p[0] for p in PIECEWISE])
def test_medians(text, what, value):
    d = derive(text, "m")
    s = d.stationary()
    given = {"x": POINTS, "c": [1, 9, 1, 1, 1, 1], "tau": 0.7, "a": 0.4}
    assert s.kind == "global minimum"
    assert s.expr is None
    assert s.reasons[0].startswith(what + ": 0 lies in the subgradient ")
    best = s.evaluate(given)
    assert best == pytest.approx(value)
    grid = [d.objective.evaluate({**given, "m": m}) for m in np.linspace(-1, 9, 801)]
    assert d.objective.evaluate({**given, "m": best}) <= min(grid) + 1e-12
    assert pickle.loads(pickle.dumps(s)).evaluate(given) == best


def test_what_is_no_median():
    with pytest.raises(NoClosedFormError):
        derive("-sum(abs(x - m))", "m").stationary()
    with pytest.raises(DataError, match="falls without end as m grows"):
        derive("sum(abs(x - m)) - 9*m", "m").stationary().evaluate(x=POINTS)
