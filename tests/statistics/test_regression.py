"""Likelihoods with vectors and covariates: score, Hessian, information in matrix form; fits against known results."""

import numpy as np
import pytest

import symml as sml

TEMP = np.array([66, 70, 69, 68, 67, 72, 73, 70, 57, 63, 70, 78, 67, 53, 67, 75, 70, 81, 76, 79, 75, 76, 58.0])
FAILURE = np.array([0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1.0])
WHERE = "X: n x d, beta: d, y: n"
RNG = np.random.default_rng(5)
X = np.c_[np.ones(60), RNG.normal(size=(60, 2))]


def logistic():
    return sml.mle("failure ~ Bernoulli(sigmoid(b0 + b1*temp))")


@pytest.mark.parametrize(
    ("text", "loglike", "score", "hessian", "information"),
    [
        (
            "y ~ Poisson(exp(X*beta))", "y'X beta - sum(exp(X beta)) - sum(loggamma(y + 1))", "X'(y - exp(X beta))",
            "-X' diag(exp(X beta)) X", "X' diag(exp(X beta)) X",
        ),
        (
            "y ~ Bernoulli(sigmoid(X*beta))", "y'X beta - sum(softplus(X beta))", "X'(y - sigmoid(X beta))",
            "-X' diag(sigmoid(X beta) .* (1 - sigmoid(X beta))) X",
            "X' diag(sigmoid(X beta) .* (1 - sigmoid(X beta))) X",
        ),
        (
            "y ~ Normal(X*beta, 1)", "-n*log(2*pi)/2 - 1/2*||y - X beta||^2", "X'(y - X beta)", "-X'X", "X'X",
        ),
        (
            "y ~ Exponential(mean=exp(X*beta))", "-sum(X beta) - sum(y .* exp(-X beta))",
            "X'(y .* exp(-X beta) - ones(n))",
            "-X' diag(y .* exp(-X beta)) X", "X'X",
        ),
    ],
)  # fmt: skip
def test_matrix_forms(text, loglike, score, hessian, information):
    m = sml.mle(text, where=WHERE)
    for found, want in ((m.loglike, loglike), (m.score, score), (m.hessian, hessian), (m.information, information)):
        assert sml.equal(found, sml.parse(want, where=[*m.loglike.declarations.values()])).ok, f"{found} against {want}"


def test_prints_of_poisson_regression():
    m = sml.mle("y ~ Poisson(exp(X*beta))", where=WHERE)
    assert str(m.score) == "Xᵀ (y − exp(X β))"
    assert str(m.information) == "Xᵀ diag(exp(X β)) X"
    assert [str(c) for c in m.conditions] == ["X has full column rank"]


def test_challenger():
    """23 flights: intercept 15.0429 (7.3786), slope −0.2322 (0.1082)."""
    r = logistic().fit(failure=FAILURE, temp=TEMP)
    assert r.params["b0"] == pytest.approx(15.0429, abs=5e-5)
    assert r.params["b1"] == pytest.approx(-0.2322, abs=5e-5)
    assert r.bse["b0"] == pytest.approx(7.3786, abs=5e-5)
    assert r.bse["b1"] == pytest.approx(0.1082, abs=5e-5)
    assert r.loglike == pytest.approx(-10.158, abs=5e-4)
    assert r.aic == pytest.approx(2 * 2 + 2 * 10.158, abs=1e-3)
    np.testing.assert_allclose(r.conf_int()["b1"], [-0.4443, -0.0200], atol=5e-5)
    assert r.pvalues["b1"] == pytest.approx(0.032, abs=5e-4)
    assert "15.04" in r.summary()


def test_challenger_from_a_file_and_from_columns(tmp_path):
    path = tmp_path / "orings.csv"
    path.write_text("temp,failure\n" + "".join(f"{t:g},{f:g}\n" for t, f in zip(TEMP, FAILURE, strict=True)))
    by_name = logistic().fit(str(path))
    matrix = sml.mle("y ~ Bernoulli(sigmoid(X*beta))", where=WHERE).fit(str(path), X=["1", "temp"], y="failure")
    np.testing.assert_allclose(matrix.params["beta"], [by_name.params["b0"], by_name.params["b1"]], rtol=1e-9)
    np.testing.assert_allclose(matrix.bse["beta"], [by_name.bse["b0"], by_name.bse["b1"]], rtol=1e-9)


def test_columns_decide_what_is_a_parameter():
    m = sml.mle("y ~ Normal(a + b*c, sigma)")
    c = RNG.normal(size=25)
    r = m.fit({"c": c, "y": 2 - c + 0.1 * RNG.normal(size=25)})
    assert list(r.params) == ["a", "b", "sigma"]


def test_information_of_scalars_is_of_one_observation():
    m = logistic()
    b0, b1 = m.parameters
    at = {b0: 15.0, b1: -0.23}
    temp = next(iter(m.information[1, 1].free_symbols - {b0, b1}))
    p = 1 / (1 + np.exp(-(15 - 0.23 * 70)))
    got = np.array(m.information.subs({**at, temp: 70}).evalf().tolist(), float)
    np.testing.assert_allclose(got, p * (1 - p) * np.array([[1, 70], [70, 4900.0]]), rtol=1e-12)


def test_poisson_regression_solves_its_score():
    y = RNG.poisson(np.exp(X @ [0.5, 0.3, -0.2])).astype(float)
    m = sml.mle("y ~ Poisson(exp(X*beta))", where=WHERE)
    r = m.fit(X=X, y=y)
    assert np.max(np.abs(X.T @ (y - np.exp(X @ r.params["beta"])))) < 1e-9
    want = np.sqrt(np.diag(np.linalg.inv(X.T @ np.diag(np.exp(X @ r.params["beta"])) @ X)))
    np.testing.assert_allclose(r.bse["beta"], want, rtol=1e-9)
    np.testing.assert_allclose(m.fit(X=X, y=y, cov_type="expected").bse["beta"], want, rtol=1e-9)


def test_normal_regression_is_least_squares():
    y = X @ [1.0, 2.0, -1.0] + RNG.normal(size=60)
    m = sml.mle("y ~ Normal(X*beta, sigma)", where=WHERE)
    r = m.fit(X=X, y=y)
    beta = np.linalg.lstsq(X, y, rcond=None)[0]
    np.testing.assert_allclose(r.params["beta"], beta, rtol=1e-9)
    assert r.params["sigma"] == pytest.approx(np.sqrt(np.mean((y - X @ beta) ** 2)), rel=1e-9)
    for cov_type in ("observed", "expected"):
        found = m.fit(X=X, y=y, cov_type=cov_type).cov_params()
        np.testing.assert_allclose(found[:3, :3], r.params["sigma"] ** 2 * np.linalg.inv(X.T @ X), rtol=1e-7)


def test_separation_is_refused_by_name():
    with pytest.raises(sml.DataError, match="separated"):
        logistic().fit(failure=(TEMP < 65).astype(float), temp=TEMP)


def test_a_rank_deficient_design_is_refused():
    design = np.c_[np.ones(23), TEMP, 2 * TEMP]
    with pytest.raises(sml.DataError, match="rank"):
        sml.mle("y ~ Bernoulli(sigmoid(X*beta))", where=WHERE).fit(X=design, y=FAILURE)


def test_responses_outside_the_support_are_refused():
    with pytest.raises(sml.DomainError, match="support of Bernoulli"):
        sml.mle("y ~ Bernoulli(sigmoid(X*beta))", where=WHERE).fit(X=X, y=np.full(60, 0.5))
    with pytest.raises(sml.DomainError, match="support of Poisson"):
        sml.mle("y ~ Poisson(exp(X*beta))", where=WHERE).fit(X=X, y=np.full(60, -1.0))


def test_shapes_and_names_are_checked():
    with pytest.raises(sml.ShapeError):
        sml.mle("y ~ Normal(beta, 1)", where=WHERE)
    with pytest.raises(sml.ShapeError):
        sml.mle("y ~ Poisson(exp(X'*beta))", where=WHERE)
    with pytest.raises(sml.DeclarationError, match="parameter or a covariate"):
        _ = sml.mle("y ~ Normal(a + h*f, sigma)").loglike


def test_a_table_of_results():
    frame = logistic().fit(failure=FAILURE, temp=TEMP).to_frame()
    assert list(np.ravel(frame["coef"]).round(4)) == [15.0429, -0.2322]


def test_missing_values_and_columns_are_named():
    with pytest.raises(sml.DataError, match="temp"):
        logistic().fit(failure=FAILURE, temp=np.where(TEMP == 57, np.nan, TEMP))
    with pytest.raises(sml.DataError, match="no column 'heat'"):
        sml.mle("y ~ Bernoulli(sigmoid(X*beta))", where=WHERE).fit(
            {"temp": TEMP, "failure": FAILURE}, X=["1", "heat"], y="failure"
        )
