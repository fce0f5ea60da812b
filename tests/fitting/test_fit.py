"""Fits of derived objectives: closed forms, Newton, standard errors; digits of agreement are stated."""

from pathlib import Path

import numpy as np
import pytest

import symml as sml

DATA = Path(__file__).parents[2] / "worked_examples" / "data"
RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 4))
Y = X @ [1.0, 2.0, -1.0, 0.5] + 0.1 * RNG.normal(size=50)
WHERE = "X: n x d, y: n, w: d"


def digits(found, truth):
    error = np.max(np.abs(np.asarray(found) - truth) / np.abs(truth))
    return 16.0 if error == 0 else float(-np.log10(error))


def nist(name):
    lines = (DATA / name).read_text().splitlines()
    return np.array([[float(t) for t in line.split()] for line in lines[60:] if line.strip()])


# -- certified ----------------------------------------------------------------------------------------------------
def test_norris_as_two_scalars_and_as_a_matrix():
    rows = nist("Norris.dat")
    truth, deviations = [-0.262323073774029, 1.00211681802045], [0.232818234301152, 0.429796848199937e-3]
    d = sml.derive("sum(i, (y[i] - b0 - b1*x[i])^2)", wrt=["b0", "b1"], where="x: n, y: n, b0, b1")
    r = d.fit(x=rows[:, 1], y=rows[:, 0], covariance="least-squares")
    assert digits(list(r.params.values()), truth) > 13.5
    assert digits(list(r.bse.values()), deviations) > 13
    assert r.method == "least squares by pivoted QR"
    m = sml.derive("(X w - y)'(X w - y)/n", wrt="w", where=WHERE)
    r = m.fit(X=np.column_stack([np.ones(36), rows[:, 1]]), y=rows[:, 0], covariance="least-squares")
    assert digits(r.params["w"], truth) > 13.5
    assert digits(r.bse["w"], deviations) > 13
    assert r.n == 36


def test_longley():
    truth = np.array(
        [
            -3482258.63459582,
            15.0618722713733,
            -0.358191792925910e-01,
            -2.02022980381683,
            -1.03322686717359,
            -0.511041056535807e-01,
            1829.15146461355,
        ]
    )
    deviations = np.array(
        [
            890420.383607373,
            84.9149257747669,
            0.334910077722432e-01,
            0.488399681651699,
            0.214274163161675,
            0.226073200069370,
            455.478499142212,
        ]
    )
    rows = nist("Longley.dat")
    d = sml.derive("||y - X w - b*ones(n)||^2", wrt=["b", "w"], where=WHERE + ", b")
    r = d.fit(X=rows[:, 1:], y=rows[:, 0], covariance="least-squares")
    assert digits([r.params["b"], *r.params["w"]], truth) > 13.5
    assert digits([r.bse["b"], *r.bse["w"]], deviations) > 11.5
    assert digits(np.sqrt(r.scale), 304.854073561965) > 13


def test_challenger():
    temperature, failure = np.loadtxt(DATA / "challenger.csv", delimiter=",", skiprows=1).T
    where = "x: n, y: n in {0,1}, b0, b1"
    d = sml.derive("sum(softplus(b0 + b1*x)) - dot(y, b0 + b1*x)", wrt=["b0", "b1"], where=where)
    r = d.fit({"x": temperature, "y": failure}, covariance="loglike")
    assert [f"{v:.4f}" for v in r.params.values()] == ["15.0429", "-0.2322"]
    assert [f"{v:.4f}" for v in r.bse.values()] == ["7.3786", "0.1082"]
    assert [f"{v:.3f}" for v in r.pvalues.values()] == ["0.041", "0.032"]
    np.testing.assert_allclose(r.conf_int()["b1"], [-0.4443, -0.0200], atol=5e-5)
    assert r.gradient_norm < 1e-11
    assert f"{-r.value:.3f}" == "-10.158"


def test_horse_kicks():
    deaths, years = np.loadtxt(DATA / "horse_kicks.csv", delimiter=",", skiprows=1).T
    counts = np.repeat(deaths, years.astype(int))
    d = sml.derive("sum(exp(X w)) - dot(y, X w)", wrt="w", where="X: n x d, y: n, w: d")
    r = d.fit(X=np.ones((200, 1)), y=counts, covariance="loglike")
    assert digits(np.exp(r.params["w"][0]), 122 / 200) > 14
    assert digits(r.bse["w"][0], 1 / np.sqrt(122)) > 13


# -- one answer, several ways -------------------------------------------------------------------------------------
def test_ridge_in_three_spellings_and_by_newton_agree():
    truth = np.linalg.solve(X.T @ X + 2 * np.eye(4), X.T @ Y)
    where = WHERE + ", lam > 0"
    squares = sml.derive("1/2*||X w - y||^2 + lam/2*||w||^2", wrt="w", where=where).fit(X=X, y=Y, lam=2)
    expanded = sml.derive("1/2*(y'y - 2*y'X w + w'X'X w) + lam/2*w'w", wrt="w", where=where).fit(X=X, y=Y, lam=2)
    bounded = sml.derive("1/2*||X w - y||^2 + lam/2*||w||^2", wrt="w", where="X: n x d, y: n, w: d > -100, lam > 0")
    bounded = bounded.fit(X=X, y=Y, lam=2)
    for r in (squares, expanded, bounded):
        assert digits(r.params["w"], truth) > 13
    assert squares.method == bounded.method == "least squares by pivoted QR"
    assert expanded.method == "Cholesky factor of the constant Hessian"


@pytest.mark.parametrize("text", ["(X w - y)' V (X w - y)", "1/2*(X w - y)' V (X w - y)", "sum(v .* (X w - y) .^ 2)"])
def test_weighted_least_squares(text):
    v = RNG.uniform(0.5, 2, 50)
    d = sml.derive(text, wrt="w", where=WHERE + (", v: n positive" if "v" in text else ", V: n x n spd"))
    r = d.fit({"X": X, "y": Y, "V": np.diag(v), "v": v}, covariance="least-squares")
    gram = X.T @ (v[:, None] * X)
    truth = np.linalg.solve(gram, X.T @ (v * Y))
    variance = np.sum(v * (Y - X @ truth) ** 2) / 46
    assert digits(r.params["w"], truth) > 12
    assert digits(r.bse["w"], np.sqrt(variance * np.diag(np.linalg.inv(gram)))) > 12


def test_the_factor_in_front_does_not_change_standard_errors():
    both = [sml.derive(f"{c}*||X w - y||^2", wrt="w", where=WHERE) for c in ("1/2", "7")]
    fits = [d.fit(X=X, y=Y, covariance="least-squares") for d in both]
    assert digits(fits[0].bse["w"], fits[1].bse["w"]) > 14
    assert digits(fits[0].scale, fits[1].scale) > 14


def test_a_matrix_of_parameters():
    target = RNG.normal(size=(50, 3))
    d = sml.derive("||Y - X W||^2 + lam*||W||^2", wrt="W", where="X: n x d, Y: n x k, W: d x k, lam > 0")
    r = d.fit(X=X, Y=target, lam=1)
    np.testing.assert_allclose(r.params["W"], np.linalg.solve(X.T @ X + np.eye(4), X.T @ target), rtol=1e-11)
    assert r.names[:4] == ("W[1, 1]", "W[1, 2]", "W[1, 3]", "W[2, 1]")


def test_several_classes_by_newton():
    labels = np.eye(3)[RNG.integers(0, 3, 50)]
    d = sml.derive(
        "sum(logsumexp(X W)) - sum(Y .* (X W)) + lam/2*||W||^2",
        wrt="W",
        where="X: n x d, W: d x k, Y: n x k one-hot rows, lam > 0",
    )
    r = d.fit(X=X, Y=labels, lam=1)
    scores = X @ r.params["W"]
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(X.T @ (p - labels) + r.params["W"], 0, atol=1e-13)


def test_a_covariance_matrix_stays_symmetric_and_definite():
    S = np.cov(X.T)
    where = {"Sigma": "d x d, spd", "S": "d x d, symmetric", "lam": "> 0"}
    d = sml.derive("logdet(Sigma) + trace(inv(Sigma)*S)", wrt="Sigma", where=where)
    assert d.fit(S=S).method == "closed form"
    np.testing.assert_allclose(d.fit(S=S).params["Sigma"], S, rtol=1e-12)
    open_form = sml.derive("logdet(Sigma) + trace(inv(Sigma)*S) + lam*trace(Sigma*Sigma)", wrt="Sigma", where=where)
    r = open_form.fit(S=S, lam=0.1)
    found = r.params["Sigma"]
    assert r.method.startswith("Newton")
    np.testing.assert_array_equal(found, found.T)
    inverse = np.linalg.inv(found)
    np.testing.assert_allclose(inverse - inverse @ S @ inverse + 0.2 * found, 0, atol=1e-12)
    assert len(r.names) == 10


def test_nonlinear_least_squares_with_exact_jacobian_errors():
    x = np.arange(1.0, 9)
    y = 2 * (1 - np.exp(-0.3 * x)) + np.array([1, -2, 0, 1, 2, -1, 0, -1]) / 100
    d = sml.derive("sum((y - b1*(1 - exp(-b2*x))).^2)", wrt=["b1", "b2"], where="x: n, y: n, b1, b2")
    r = d.fit(x=x, y=y, start={"b1": 1, "b2": 0.1}, covariance="least-squares")
    b1, b2 = r.params["b1"], r.params["b2"]
    jacobian = np.column_stack([1 - np.exp(-b2 * x), b1 * x * np.exp(-b2 * x)])
    residual = y - b1 * (1 - np.exp(-b2 * x))
    truth = np.sqrt(residual @ residual / 6 * np.diag(np.linalg.inv(jacobian.T @ jacobian)))
    assert digits(list(r.bse.values()), truth) > 12
    assert r.gradient_norm < 1e-14


def test_ranges_hold_at_included_ends():
    y = X @ [1.0, 2.0, -1.0, 0.5]
    r = sml.derive("||X w - y||^2", wrt="w", where="X: n x d, y: n, w: d nonnegative").fit(X=X, y=y)
    assert r.boundary == ("w[3]",)
    assert r.params["w"][2] == 0
    keep = [0, 1, 3]
    np.testing.assert_allclose(r.params["w"][keep], np.linalg.lstsq(X[:, keep], y, rcond=None)[0], rtol=1e-12)


def test_a_fit_is_repeatable_and_does_not_depend_on_the_start():
    d = sml.derive("sum(softplus(X w)) - dot(y, X w) + ||w||^2", wrt="w", where=WHERE)
    y = (Y > 0).astype(float)
    first, again, far = d.fit(X=X, y=y), d.fit(X=X, y=y), d.fit(X=X, y=y, start=[3.0, -3, 3, -3])
    assert np.array_equal(first.params["w"], again.params["w"])
    assert digits(far.params["w"], first.params["w"]) > 13


# -- results ------------------------------------------------------------------------------------------------------
def test_a_bare_fit_has_no_standard_errors():
    r = sml.derive("||X w - y||^2", wrt="w", where=WHERE).fit(X=X, y=Y)
    for ask in (lambda: r.bse, lambda: r.pvalues, r.cov_params, r.conf_int):
        with pytest.raises(sml.NotSupportedError, match="needs an assumption"):
            ask()
    assert "estimate" in r.summary()
    assert r.to_dict()["converged"] is True


def test_summary_names_columns_of_a_frame():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=["one", "age", "dose", "sex"])
    r = sml.derive("||X w - y||^2", wrt="w", where=WHERE).fit(X=frame, y=pandas.Series(Y), covariance="least-squares")
    assert r.names == ("w[one]", "w[age]", "w[dose]", "w[sex]")
    assert "w[age]" in r.summary()
    assert r.to_html().count("<tr>") == 5
    frame["dose"] = 2 * frame["age"]
    with pytest.raises(sml.DataError, match='column "dose" = 2 × column "age"'):
        sml.derive("||X w - y||^2", wrt="w", where=WHERE).fit(X=frame, y=Y)


def test_least_squares_errors_agree_with_statsmodels():
    api = pytest.importorskip("statsmodels.api")
    truth = api.OLS(Y, X).fit()
    r = sml.derive("||X w - y||^2", wrt="w", where=WHERE).fit(X=X, y=Y, covariance="least-squares")
    assert digits(r.bse["w"], truth.bse) > 12
    np.testing.assert_allclose(r.pvalues["w"], truth.pvalues, rtol=1e-9)
    np.testing.assert_allclose(r.conf_int(0.9)["w"], truth.conf_int(0.1), rtol=1e-9)


def test_gauss_newton_takes_over_where_newton_fails():
    """Three exponentials (Lanczos, Applied Analysis, 1956, p. 272), from a start where Newton merges two of them."""
    x = np.arange(24) * 0.05
    rates = {"b": 1.0, "e": 3.0, "h": 5.0}
    y = 0.0951 * np.exp(-x) + 0.8607 * np.exp(-3 * x) + 1.5576 * np.exp(-5 * x)
    d = sml.derive("sum((y - a .* exp(-b*x) - c .* exp(-e*x) - g .* exp(-h*x)).^2)", wrt=["a", "b", "c", "e", "g", "h"],
                   where="x: n, y: n, a, b, c, e, g, h")  # fmt: skip
    r = d.fit(x=x, y=y, start={"a": 0.5, "b": 0.7, "c": 3.6, "e": 4.2, "g": 4, "h": 6.3})
    assert r.method.startswith("Gauss-Newton")
    for name, truth in rates.items():
        assert digits(r.params[name], truth) > 9


@pytest.mark.parametrize(("text", "where", "data"), [
    ("norm1(X w - y)", "X: n x d, y: n, w: d", {}),
    ("||X w - y||^2 + a*norm1(w)", "X: n x d, y: n, w: d, a > 0", {"a": 60.0}),
    ("sum(max(0, 1 - y.*(X w)))/40 + a*||w||^2", "X: n x d, y: n, w: d, a > 0", {"a": 0.1}),
])  # fmt: skip
def test_convex_objectives_with_kinks(text, where, data):
    rng = np.random.default_rng(2)
    X = rng.normal(size=(40, 3))
    y = np.sign(X @ [1.0, 0.1, -1.0] + 0.3 * rng.normal(size=40)) + 0.01 * ("norm1" in text)
    found = sml.derive(text, wrt="w", where=where).fit(X=X, y=y, **data)
    assert found.method == "convex program of stationary()"
    assert "a kink" in repr(found)
    assert found.to_dict()["gradient_norm"] is None

    def value(w):
        residual = X @ w - y
        if text.startswith("norm1"):
            return np.sum(np.abs(residual))
        if text.startswith("||"):
            return residual @ residual + data["a"] * np.sum(np.abs(w))
        return np.sum(np.maximum(0, 1 - y * (X @ w))) / 40 + data["a"] * w @ w

    w = found.params["w"]
    np.testing.assert_allclose(found.value, value(w), rtol=1e-12)
    for size in (1e-1, 1e-3, 1e-5):
        assert all(value(w + size * step) >= found.value - 1e-9 for step in rng.normal(size=(50, 3)))
    with pytest.raises(sml.NotSupportedError, match="kink at its minimum"):
        sml.derive(text, wrt="w", where=where).fit(X=X, y=y, covariance="loglike", **data)
