"""Likelihoods of scalars: closed forms against NumPy, scores by differences, information, conditions, refusals."""

import numpy as np
import pytest
import sympy as sp

import symml as sml

RNG = np.random.default_rng(3)
REALS = RNG.normal(3.0, 2.0, 40)
COUNTS = RNG.poisson(2.3, 50).astype(float)
BITS = (RNG.uniform(size=60) < 0.3).astype(float)
TIMES = RNG.exponential(0.7, 45)
MODELS = {
    "x ~ Normal(mu, sigma)": (REALS, {"mu": np.mean(REALS), "sigma": np.std(REALS)}),
    "x ~ Normal(mean=mu, var=v)": (REALS, {"mu": np.mean(REALS), "v": np.var(REALS)}),
    "x ~ Normal(mu, precision=tau)": (REALS, {"mu": np.mean(REALS), "tau": 1 / np.var(REALS)}),
    "x ~ Normal(0, sigma)": (REALS, {"sigma": np.sqrt(np.mean(REALS**2))}),
    "x ~ Normal(mu, 1)": (REALS, {"mu": np.mean(REALS)}),
    "x ~ Normal(mu, sqrt(v))": (REALS, {"mu": np.mean(REALS), "v": np.var(REALS)}),
    "x ~ Poisson(lam)": (COUNTS, {"lam": np.mean(COUNTS)}),
    "x ~ Poisson(exp(theta))": (COUNTS, {"theta": np.log(np.mean(COUNTS))}),
    "x ~ Bernoulli(p)": (BITS, {"p": np.mean(BITS)}),
    "x ~ Exponential(rate)": (TIMES, {"rate": 1 / np.mean(TIMES)}),
    "x ~ Exponential(mean=m)": (TIMES, {"m": np.mean(TIMES)}),
    "x ~ Exponential(1/theta)": (TIMES, {"theta": np.mean(TIMES)}),
}
INFORMATION = {
    "x ~ Normal(mu, sigma)": "Matrix([[1/sigma**2, 0], [0, 2/sigma**2]])",
    "x ~ Normal(mean=mu, var=v)": "Matrix([[1/v, 0], [0, 1/(2*v**2)]])",
    "x ~ Poisson(lam)": "Matrix([[1/lam]])",
    "x ~ Bernoulli(p)": "Matrix([[1/(p*(1 - p))]])",
    "x ~ Exponential(rate)": "Matrix([[rate**(-2)]])",
}
TEXTS = sorted(MODELS)


def numbers(model, data, params):
    found = {name: e.evaluate(x=data) for name, e in model.sufficient_statistics.items()}
    return {**found, **params, "n": len(data)}


def density(model, data, params):
    o = model.observation
    f = sp.lambdify([*o.data, *o.parameters], o.logpdf, "scipy")
    return float(np.sum(f(data, *(params[p.name] for p in o.parameters)))) if data.ndim else 0.0


@pytest.mark.parametrize("text", TEXTS)
def test_estimates_to_twelve_digits(text):
    data, want = MODELS[text]
    found = sml.mle(text).estimate(x=data)
    assert list(found) == list(want)
    for name, value in want.items():
        assert found[name] == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("text", TEXTS)
def test_the_loglike_in_its_statistics_is_the_sum_of_the_densities(text):
    data, want = MODELS[text]
    m = sml.mle(text)
    at = {name: 1.1 * value for name, value in want.items()}
    assert m.loglike.evaluate(numbers(m, data, at)) == pytest.approx(density(m, data, at), rel=1e-12)


@pytest.mark.parametrize("text", TEXTS)
def test_score_and_hessian_by_differences(text):
    data, want = MODELS[text]
    m = sml.mle(text)
    at = {name: 1.1 * value + 0.01 for name, value in want.items()}
    base = numbers(m, data, at)
    for j, p in enumerate(m.parameters):
        h = 1e-6
        up, down = {**base, p.name: base[p.name] + h}, {**base, p.name: base[p.name] - h}
        slope = (m.loglike.evaluate(up) - m.loglike.evaluate(down)) / (2 * h)
        value = float(m.score[j].subs({s: base[s.name] for s in m.score[j].free_symbols}))
        assert value == pytest.approx(slope, rel=1e-5, abs=1e-4)
        for k, q in enumerate(m.parameters):
            e = m.hessian[j, k]
            assert sp.simplify(e - sp.diff(m.score[j], q)) == 0


@pytest.mark.parametrize("text", sorted(INFORMATION))
def test_information_of_one_observation(text):
    m = sml.mle(text)
    names = {s.name: s for s in m.parameters}
    want = sp.Matrix(sp.sympify(INFORMATION[text], locals=names))
    assert sp.simplify(m.information - want) == sp.zeros(*want.shape)


def test_information_prints_as_in_the_textbook():
    assert str(sml.mle("x ~ Bernoulli(p)").information) == "Matrix([[1/(p*(1 - p))]])"


@pytest.mark.parametrize("text", TEXTS)
def test_standard_errors_at_the_maximum(text):
    data, _ = MODELS[text]
    m = sml.mle(text)
    observed, expected = m.fit(x=data), m.fit(x=data, cov_type="expected")
    for name in observed.params:
        assert observed.bse[name] > 0
        # at the maximum of an exponential family in full rank both informations agree
        assert observed.bse[name] == pytest.approx(expected.bse[name], rel=1e-9)
    assert list(observed.params) == list(observed.bse) == [p.name for p in m.parameters]


def test_horse_kicks():
    """Bortkiewicz: 109, 65, 22, 3 and 1 corps-years with 0 to 4 deaths."""
    x = np.repeat([0, 1, 2, 3, 4], [109, 65, 22, 3, 1])
    r = sml.mle("x ~ Poisson(lam)").fit(x=x)
    assert r.params["lam"] == pytest.approx(0.61, rel=1e-14)
    assert r.bse["lam"] == pytest.approx(np.sqrt(0.61 / 200), rel=1e-12)
    assert r.method == "closed form"
    assert "0.61" in r.summary()


def test_digits_survive_data_far_from_zero():
    x = 1e8 + np.array([-1.0, 0.5, 0.25, 1.5, -0.75])
    assert sml.mle("x ~ Normal(mu, sigma)").estimate(x=x)["sigma"] == pytest.approx(np.std(x - 1e8), rel=1e-12)


def test_a_line_through_points_in_closed_form():
    x = RNG.normal(size=30)
    y = 1 + 2 * x + RNG.normal(size=30)
    m = sml.mle("y ~ Normal(a + b*x, sigma)")
    r = m.fit(x=x, y=y)
    b, a = np.polyfit(x, y, 1)
    assert r.params["a"] == pytest.approx(a, rel=1e-11)
    assert r.params["b"] == pytest.approx(b, rel=1e-11)
    assert r.params["sigma"] == pytest.approx(np.sqrt(np.mean((y - a - b * x) ** 2)), rel=1e-11)
    design = np.c_[np.ones(30), x]
    want = np.sqrt(np.diag(np.linalg.inv(design.T @ design)) * r.params["sigma"] ** 2)
    np.testing.assert_allclose([r.bse["a"], r.bse["b"]], want, rtol=1e-9)


def test_a_log_density_of_ones_own():
    m = sml.mle(logpdf="log(rate) - rate*x", params={"rate": "> 0"}, data={"x": ">= 0"}, support=("0", "oo"), known={})
    assert m.estimator["rate"] == 1 / sp.Symbol("x_bar", nonnegative=True)
    assert m.estimate(x=TIMES)["rate"] == pytest.approx(1 / np.mean(TIMES), rel=1e-12)
    assert m.information == sp.Matrix([[m.parameters[0] ** -2]])


def test_a_log_density_with_a_known_constant():
    m = sml.mle(logpdf="-(x - mu)^2/(2*s^2) - log(s)", params={"mu": ""}, data={"x": ""}, known={"s": "> 0"})
    assert m.fit(x=REALS, s=2.0).bse["mu"] == pytest.approx(2 / np.sqrt(len(REALS)), rel=1e-10)


def test_a_log_density_without_sufficient_statistics():
    """The logistic location model: Newton on the whole sample."""
    m = sml.mle(logpdf="-(x - m) - 2*log(1 + exp(-(x - m)))", params={"m": ""}, data={"x": ""})
    r = m.fit(x=REALS)
    z = np.exp(-(REALS - r.params["m"]))
    assert np.sum(1 - 2 * z / (1 + z)) == pytest.approx(0, abs=1e-8)
    assert m.estimator["m"] is None
    with pytest.raises(sml.NoClosedFormError):
        m.estimate(x=REALS)


def test_steps_show_the_second_order_condition():
    m = sml.mle("x ~ Normal(mu, sigma)")
    rules = [s.rule for s in m.steps]
    assert rules == [
        "density",
        "loglike",
        *["sufficient_statistic"] * 2,
        *["score", "solve"] * 2,
        "second_order",
        "information",
    ]
    assert next(s for s in m.steps if s.rule == "second_order").verdict == "proved"
    assert "lies outside its domain" in next(s for s in m.steps if "sqrt" in s.text).statement
    assert m.latex().startswith("\\begin{align*}")
    assert str(m.loglike) == "−n log(σ) − n log(2 π)/2 − n (s² + (x̄ − μ)²)/(2 σ²)"


def test_conditions_and_warnings_have_codes():
    assert [w.code for w in sml.mle("x ~ Normal(mu, sigma)").warnings] == ["unbounded"]
    assert [w.code for w in sml.mle("x ~ Poisson(lam)").warnings] == ["boundary"]
    assert [str(c) for c in sml.mle("x ~ Bernoulli(p)").conditions] == ["x̄ > 0", "x̄ < 1"]


@pytest.mark.parametrize(
    ("text", "data", "error", "words"),
    [
        ("x ~ Normal(mu, sigma)", [0.1, 0.1, 0.1], sml.DataError, "without bound"),
        ("x ~ Poisson(lam)", [0.0, 0.0], sml.DataError, "boundary"),
        ("x ~ Bernoulli(p)", [1.0, 1.0], sml.DataError, "boundary"),
        ("x ~ Poisson(lam)", [1.5, 2.0], sml.DomainError, "integer"),
        ("x ~ Poisson(lam)", [-1.0, 2.0], sml.DomainError, "x"),
        ("x ~ Bernoulli(p)", [0.0, 2.0], sml.DomainError, "x"),
        ("x ~ Normal(mu, sigma)", [1.0, np.nan], sml.DataError, "missing"),
    ],
)
def test_data_that_leave_no_estimate_are_refused(text, data, error, words):
    with pytest.raises(error, match=words):
        sml.mle(text).fit(x=np.array(data))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: sml.mle("x + Normal(mu, sigma)"), sml.NotationError, "response ~ Family"),
        (lambda: sml.mle("x ~ Zipfian(a)"), sml.NotSupportedError, "not a distribution"),
        (lambda: sml.mle("x ~ Normal(mu, sigma, tau)"), sml.DeclarationError, "2 parameters"),
        (lambda: sml.mle("x ~ Normal(mu)"), sml.DeclarationError, "no value for sd"),
        (lambda: sml.mle("x ~ Normal(mu, spread=s)"), sml.DeclarationError, "no parameter 'spread'"),
        (lambda: sml.mle("x ~ Normal(mu, sd=s, var=v)"), sml.DeclarationError, "twice"),
        (lambda: sml.mle(), sml.DeclarationError, "needs a model"),
        (
            lambda: sml.mle(logpdf="-log(t)", params={"t": "> 0"}, data={"x": ">= 0"}, support=("0", "t")),
            sml.NotSupportedError,
            "support",
        ),
    ],
)
def test_refusals(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_a_random_variable_of_sympy():
    stats = pytest.importorskip("sympy.stats")
    mu, sigma = sp.Symbol("mu", real=True), sp.Symbol("sigma", positive=True)
    m = sml.mle(stats.Normal("x", mu, sigma))
    assert m.estimate(x=REALS)["sigma"] == pytest.approx(np.std(REALS), rel=1e-12)
