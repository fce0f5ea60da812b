"""Traces of plain minimisers: they end where `fit` does, and say so when they do not."""

import numpy as np
import pytest

import symml as sml

RNG = np.random.default_rng(2)
X = RNG.normal(size=(80, 3))
Y = X @ [1.0, 2.0, -1.0] + 0.1 * RNG.normal(size=80)
CLASSES = (Y > 0).astype(float)
RIDGE = sml.derive("1/2*||X w - y||^2 + lam/2*||w||^2", wrt="w", where="X: n x d, y: n, w: d, lam > 0")
MEAN = sml.derive("mean(softplus(X w) - y .* (X w)) + lam/2*||w||^2", wrt="w", where="X: n x d, y: n, w: d, lam > 0")


@pytest.mark.parametrize("d", [RIDGE, MEAN])
@pytest.mark.parametrize("method", ["gd", "momentum", "newton", "lbfgs"])
def test_methods_reach_the_fit(d, method):
    target = d.fit(X=X, y=CLASSES, lam=0.5).params["w"]
    trace = d.minimize(X=X, y=CLASSES, lam=0.5, method=method, steps=700)
    assert trace.converged
    np.testing.assert_allclose(trace.params[-1]["w"], target, rtol=1e-6)
    assert len(trace.params) == len(trace.values) == len(trace.gradient_norms) == trace.steps + 1
    assert not trace.warnings


@pytest.mark.parametrize("d", [RIDGE, MEAN])
def test_sgd_comes_near_and_repeats_with_its_seed(d):
    target = d.fit(X=X, y=CLASSES, lam=0.5)
    runs = [d.minimize(X=X, y=CLASSES, lam=0.5, method="sgd", steps=600, batch=16, seed=s) for s in (1, 1, 2)]
    assert np.array_equal(runs[0].path, runs[1].path)
    assert not np.array_equal(runs[0].path, runs[2].path)
    np.testing.assert_allclose(runs[0].params[-1]["w"], target.params["w"], atol=0.08)


@pytest.mark.parametrize("d", [RIDGE, MEAN])
def test_batch_gradients_add_up_to_the_gradient(d):
    from symml.fitting.batches import batched
    from symml.fitting.problem import prepare_problem

    problem = prepare_problem(d, {"X": X, "y": CLASSES, "lam": 0.5}, {}, None)
    rows, gradient = batched(problem)
    theta = np.array([0.3, -0.2, 0.1])
    parts = [gradient(theta, chosen) for chosen in np.array_split(np.arange(rows), 4)]
    np.testing.assert_allclose(np.mean(parts, axis=0), problem.point(theta, 1).gradient, rtol=1e-12)


@pytest.mark.parametrize("text", ["norm(X w - y)", "(X w - y)' X X' (X w - y)", "n^2*sum((X w - y).^2)"])
def test_sgd_refuses_what_is_no_sum_over_rows(text):
    d = sml.derive(text, wrt="w", where="X: n x d, y: n, w: d, n dimension")
    with pytest.raises(sml.NotSupportedError, match="sgd needs a sum or a mean over the n rows"):
        d.minimize(X=X, y=Y, method="sgd")


def test_a_rate_too_large_is_a_warning_and_never_converged():
    trace = RIDGE.minimize(X=X, y=Y, lam=1, rate=1.0)
    assert not trace.converged
    assert any("the loss rose in 5 steps in a row" in w for w in trace.warnings)
    assert any("diverged at step" in w for w in trace.warnings)
    assert "warning" in repr(trace)


def test_leaving_the_domain_names_function_and_step():
    d = sml.derive("sum(p - y*log(p))", wrt="p", where="y: n, p")
    with pytest.raises(sml.DomainError, match=r"log\(p\) needs p > 0; p = -?[\d.e+-]+ reached at step \d+"):
        d.minimize(y=np.ones(4), start=2.0, rate=1.5)


def test_unknown_method_and_rate():
    with pytest.raises(sml.NotSupportedError, match="choose gd, sgd, momentum, newton, lbfgs"):
        RIDGE.minimize(X=X, y=Y, lam=1, method="adam")
    with pytest.raises(sml.DataError, match="must be above 0"):
        RIDGE.minimize(X=X, y=Y, lam=1, rate=-1.0)


def test_figures_are_drawn():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    trace = RIDGE.minimize(X=X[:, :2], y=Y, lam=1, method="momentum")
    for kind in (None, "convergence", "path"):
        ax = Figure().add_subplot()
        assert trace.plot(kind, ax=ax) is ax
        assert ax.has_data()
    with pytest.raises(sml.NotSupportedError, match="kind='pie'"):
        trace.plot("pie")
    ax = RIDGE.plot(ax=Figure().add_subplot(), seed=0)
    steps, errors = ax.lines[0].get_data()
    assert np.nanmin(errors[(steps < 1e-2) & (steps > 1e-6)]) < 1e-8


@pytest.mark.parametrize("text", ["norm1(X w - y)", "norm1(X w - y)/100"])
@pytest.mark.parametrize("method", ["gd", "momentum", "sgd"])
def test_kinked_objectives_get_falling_steps(text, method):
    d = sml.derive(text, wrt="w", where="X: n x d, y: n, w: d")
    trace = d.minimize(X=X, y=Y, method=method, steps=300)
    assert trace.values[-1] <= 1.02 * d.fit(X=X, y=Y).value
    assert not trace.converged
    if method != "sgd":
        assert "the steps fall with the square root of their number" in trace.warnings[0]
        fixed = d.minimize(X=X, y=Y, method=method, steps=300, rate=trace.rate)
        assert fixed.rate == trace.rate
        assert any("about one step away from the minimum" in w for w in fixed.warnings)


def test_newton_tells_how_it_ended():
    d = sml.derive("||A - U V'||^2", wrt=["U", "V"], where="A: m x n, U: m x r, V: n x r")
    start = {"U": RNG.normal(size=(4, 1)), "V": RNG.normal(size=(3, 1))}
    trace = d.minimize(A=RNG.normal(size=(4, 3)), start=start, method="newton")
    assert trace.warnings == (
        "ended where the Hessian is singular: perhaps a minimum that is not isolated, perhaps none; fit() says more",
    )
    falling = sml.derive("x^2*y - y^2 + x^4", wrt=["x", "y"], where="x, y")
    trace = falling.minimize(start={"x": 1.0, "y": 0.5}, method="newton")
    assert trace.warnings[0].startswith("the value falls without end")
