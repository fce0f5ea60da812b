"""The optimiser on its own: what each ending looks like."""

import numpy as np
import pytest

from symml.fitting.newton import Region, minimise


def region(low=-np.inf, high=np.inf, opened=True, size=1):
    return Region(np.full(size, low), np.full(size, high), np.full((size, 2), opened))


def of_one(value, slope, bend):
    return lambda t: (float(value(t[0])), np.array([float(slope(t[0]))]), np.array([[float(bend(t[0]))]]))


COSH = of_one(lambda t: np.cosh(t - 3), lambda t: np.sinh(t - 3), lambda t: np.cosh(t - 3))


@pytest.mark.parametrize("start", [-20.0, 0.0, 3.0, 40.0])
def test_a_minimum_to_machine_precision(start):
    found = minimise(COSH, [start], region())
    assert found.status == "minimum"
    assert abs(found.point.theta[0] - 3) < 1e-15
    assert found.point.norm < 1e-15


@pytest.mark.parametrize(
    ("joint", "status"),
    [
        (of_one(lambda t: np.exp(-t), lambda t: -np.exp(-t), lambda t: np.exp(-t)), "infinity"),
        (of_one(lambda t: 2 + np.exp(-t), lambda t: -np.exp(-t), lambda t: np.exp(-t)), "infinity"),
        (of_one(lambda t: -t * t, lambda t: -2 * t - 1e-3, lambda t: -2), "unbounded"),
        (of_one(lambda t: -np.exp(t), lambda t: -np.exp(t), lambda t: -np.exp(t)), "unbounded"),
        (of_one(np.cos, lambda t: -np.sin(t), lambda t: -np.cos(t)), "saddle"),
        (of_one(lambda t: 0 * t, lambda t: 0 * t, lambda t: 0 * t), "flat"),
        (of_one(np.log, lambda t: 1 / t, lambda t: -1 / t**2), "start"),
        (of_one(lambda t: abs(t - 1), lambda t: np.sign(t - 1), lambda t: 0), "stuck"),
    ],
)
def test_endings_that_are_no_minimum(joint, status):
    assert minimise(joint, [0.0], region()).status == status


def test_too_few_steps_are_not_a_minimum():
    assert minimise(COSH, [40.0], region(), max_steps=3).status == "steps"


def test_excluded_and_included_ends():
    falling = of_one(lambda t: t, lambda t: 1.0, lambda t: 1e-3)
    assert minimise(falling, [1.0], region(0.0, opened=False)).status == "minimum"
    assert minimise(falling, [1.0], region(0.0, opened=False)).fixed[0]
    assert minimise(falling, [1.0], region(0.0, opened=True)).status == "boundary"
    inside = minimise(of_one(lambda t: t - np.log(t), lambda t: 1 - 1 / t, lambda t: 1 / t**2), [50.0], region(0.0))
    assert inside.status == "minimum"
    assert abs(inside.point.theta[0] - 1) < 1e-14


def test_a_minimum_far_from_the_start_in_scale():
    """A scale parameter 10⁸ times the start is found, not called infinite."""

    def joint(t):
        s = t[0]
        value = 50 * np.log(s) + 50 * 1e16 / (2 * s * s)
        return value, np.array([50 / s - 50 * 1e16 / s**3]), np.array([[-50 / s**2 + 150 * 1e16 / s**4]])

    found = minimise(joint, [1.0], region(0.0))
    assert found.status == "minimum"
    np.testing.assert_allclose(found.point.theta[0], 1e8, rtol=1e-14)


def test_rosenbrock():
    def joint(t):
        x, y = t
        gradient = np.array([-400 * x * (y - x * x) - 2 * (1 - x), 200 * (y - x * x)])
        hessian = np.array([[1200 * x * x - 400 * y + 2, -400 * x], [-400 * x, 200]])
        return 100 * (y - x * x) ** 2 + (1 - x) ** 2, gradient, hessian

    found = minimise(joint, [-1.2, 1.0], region(size=2))
    assert found.status == "minimum"
    np.testing.assert_allclose(found.point.theta, [1, 1], rtol=1e-14)
