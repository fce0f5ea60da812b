"""Figures show what they say: the path on the contours of the objective, the V of the gradient check."""

import numpy as np
import pytest

import symml as sml

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
from matplotlib.figure import Figure  # noqa: E402

ROSENBROCK = sml.derive("(1 - x)^2 + 100*(y - x^2)^2", wrt=["x", "y"], where="x, y")


def drawn(result, kind=None):
    ax = Figure().add_subplot()
    assert result.plot(kind, ax=ax) is ax
    return ax


@pytest.mark.parametrize("method", ["gd", "momentum", "newton", "lbfgs"])
def test_path_of_two_numbers(method):
    trace = ROSENBROCK.minimize(start={"x": -1.0, "y": 1.0}, method=method)
    ax = drawn(trace, "path")
    line, start, end = ax.lines
    np.testing.assert_allclose(np.column_stack(line.get_data()), trace.path)
    np.testing.assert_allclose(np.ravel(start.get_data()), [-1.0, 1.0])
    np.testing.assert_allclose(np.ravel(end.get_data()), trace.path[-1])
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_title()) == ("x", "y", method)
    assert len(ax.collections) == 1
    levels = ax.collections[0].levels
    assert np.all(np.diff(levels) > 0)


def test_path_of_one_number_lies_on_the_curve():
    trace = sml.derive("exp(x) - 2*x", wrt="x", where="x").minimize(start=-1.0)
    ax = drawn(trace, "path")
    curve, points = ax.lines
    x, f = curve.get_data()
    np.testing.assert_allclose(f, np.exp(x) - 2 * x, rtol=1e-12)
    np.testing.assert_allclose(points.get_ydata(), trace.values)
    assert ax.get_xlabel() == "x"


def test_path_of_many_numbers_in_its_plane():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 5)), rng.normal(size=30)
    trace = sml.derive("||X w - y||^2", wrt="w", where="X: n x d, y: n, w: d").minimize(X=X, y=y, steps=20)
    ax = drawn(trace, "path")
    assert ax.get_xlabel() == "first direction of the path"
    np.testing.assert_allclose(np.ravel(ax.lines[-1].get_data()), 0, atol=1e-12)


def test_path_of_a_start_at_the_minimum():
    ax = drawn(ROSENBROCK.minimize(start={"x": 1.0, "y": 1.0}), "path")
    assert ax.has_data()


def test_convergence_of_a_run_that_ends_at_zero():
    trace = ROSENBROCK.minimize(start={"x": -1.0, "y": 1.0}, method="newton")
    ax = drawn(trace)
    norms, above = (line.get_ydata() for line in ax.lines)
    assert ax.get_yscale() == "log"
    np.testing.assert_allclose(norms[:-1], trace.gradient_norms[:-1])
    assert np.isnan(above[-1])


@pytest.mark.parametrize(("text", "wrt", "where"), [
    ("(1 - x)^2 + 100*(y - x^2)^2", ["x", "y"], "x, y"),
    ("logdet(S) + tr(inv(S)*C)", "S", "S: n x n spd, C: n x n symmetric"),
    ("-sum(Y .* log(softmax(X W)))", "W", "X: n x d, Y: n x k, W: d x k"),
])  # fmt: skip
def test_gradient_check_is_a_v(text, wrt, where):
    ax = drawn(sml.derive(text, wrt=wrt, where=where), "gradient-check")
    assert len(ax.lines) == (2 if isinstance(wrt, list) else 1)
    for line in ax.lines:
        steps, errors = line.get_data()
        good = (steps < 1e-2) & (steps > 1e-6)
        assert np.nanmin(errors[good]) < 1e-8
        assert np.nanmin(errors[good]) < 1e-3 * errors[np.argmin(abs(np.log(steps / 1e-11)))]


def test_unknown_kinds_are_refused():
    with pytest.raises(sml.NotSupportedError, match="choose 'convergence' or 'path'"):
        ROSENBROCK.minimize(start={"x": 1.0, "y": 2.0}).plot("pie")
    with pytest.raises(sml.NotSupportedError, match="choose 'gradient-check'"):
        ROSENBROCK.plot("path")
