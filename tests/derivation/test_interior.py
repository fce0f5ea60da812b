"""The interior point method and its verification, on functions given by hand."""

import numpy as np
import pytest

from symml.derivation.constrained.feasibility import Iterate, Program
from symml.derivation.constrained.interior import ACCURACY, residual, solve
from symml.errors import DataError, NoClosedFormError


def quadratic(h, g, c, d, a=None, b=None):
    """½ xᵀ h x + gᵀ x with c x + d >= 0 and a x = b."""
    size = len(g)
    a = np.zeros((0, size)) if a is None else a
    b = np.zeros(len(a)) if b is None else b
    return Program(
        np.zeros(size),
        lambda x: 0.5 * x @ h @ x + g @ x,
        lambda x: h @ x + g,
        lambda x, m, nu: h,
        lambda x: c @ x + d,
        lambda x: c,
        lambda x: a @ x - b,
        lambda x: a,
        True,
    )


def test_projection_onto_the_simplex():
    rng = np.random.default_rng(0)
    for size in (1, 2, 7, 30):
        z = rng.normal(size=size)
        x, _, nu = solve(
            quadratic(np.eye(size), -z, np.eye(size), np.zeros(size), np.ones((1, size)), np.ones(1)),
        )
        np.testing.assert_allclose(x, np.maximum(z + nu[0], 0), atol=1e-10)
        np.testing.assert_allclose(x.sum(), 1, rtol=1e-12)


def test_repeated_constraints_and_a_single_feasible_point():
    x, _, _ = solve(quadratic(np.eye(2), np.ones(2), np.eye(2), np.zeros(2), np.ones((2, 2)), np.ones(2)))
    np.testing.assert_allclose(x, 0.5)
    x, _, _ = solve(quadratic(np.eye(2), np.ones(2), np.eye(2), np.zeros(2), np.ones((1, 2)), np.zeros(1)))
    np.testing.assert_allclose(x, 0, atol=1e-9)


def test_inequalities_that_leave_no_inside():
    c = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]])  # x = 1, y >= 0
    x, a, _ = solve(quadratic(np.eye(2), np.array([-3.0, 1.0]), c, np.array([-1.0, 1.0, 0.0])))
    np.testing.assert_allclose(x, [1.0, 0.0], atol=1e-9)
    assert np.all(a >= 0)
    np.testing.assert_allclose(c.T @ a, x + np.array([-3.0, 1.0]), atol=1e-8)


def test_random_programmes_with_few_inside_points():
    rng = np.random.default_rng(3)
    for _ in range(40):
        size, rows = int(rng.integers(1, 8)), int(rng.integers(1, 14))
        root, c = rng.normal(size=(int(rng.integers(0, size + 1)), size)), rng.normal(size=(rows, size))
        d = -c @ rng.normal(size=size) + rng.random(rows) * (rng.random(rows) < 0.6)
        g = root.T @ rng.normal(size=len(root)) + c.T @ (rng.random(rows) * (rng.random(rows) < 0.5) + 0.01)
        h = root.T @ root
        x, a, _ = solve(quadratic(h, g, c, d))
        np.testing.assert_allclose(h @ x + g - c.T @ a, 0, atol=1e-6)
        np.testing.assert_allclose(a * (c @ x + d), 0, atol=1e-6)


def test_what_has_no_solution_is_refused():
    with pytest.raises(DataError, match=r"one is violated by 0\.5"):
        solve(quadratic(np.eye(1), np.ones(1), np.array([[1.0], [-1.0]]), np.array([-1.0, 0.0])))
    with pytest.raises(DataError, match="without end"):
        solve(quadratic(np.zeros((1, 1)), -np.ones(1), np.ones((1, 1)), np.zeros(1)))
    with pytest.raises(DataError, match="no point satisfies the equations"):
        solve(quadratic(np.eye(2), np.ones(2), np.eye(2), np.zeros(2), np.ones((2, 2)), np.array([1.0, 2.0])))


def test_a_minimum_that_is_not_attained_is_refused():
    program = Program(
        np.zeros(1),
        lambda x: float(np.exp(-x[0])),
        lambda x: -np.exp(-x),
        lambda x, a, nu: np.diag(np.exp(-x)),
        lambda x: x,
        lambda x: np.eye(1),
        lambda x: np.zeros(0),
        lambda x: np.zeros((0, 1)),
        True,
    )
    with pytest.raises((NoClosedFormError, DataError)):
        solve(program)


@pytest.mark.parametrize("wrong", ["x", "a", "nu"])
def test_the_verification_sees_a_small_error(wrong):
    program = quadratic(np.eye(3), np.array([1.0, -2.0, 0.5]), np.eye(3), np.zeros(3), np.ones((1, 3)), np.ones(1))
    found = dict(zip(("x", "a", "nu"), solve(program), strict=True))

    def worst(values):
        g = program.gradient(values["x"])
        dual = g - values["a"] - np.ones((3, 1)) @ values["nu"]
        s = program.inequalities(values["x"])
        return residual(program, Iterate(values["x"], s, values["a"], values["nu"], dual, 0 * s, 0 * s, g))

    assert worst(found) < ACCURACY
    assert worst({**found, wrong: found[wrong] + 1e-4}) > 1e3 * ACCURACY
