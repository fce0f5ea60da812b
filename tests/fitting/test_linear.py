"""Linear least squares by QR against certified and exact answers."""

import re
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

from symml.errors import DataError
from symml.fitting.linear import dependence, solve

DATA = Path(__file__).parents[2] / "worked_examples" / "data"


def nist(name):
    """Design, target, certified estimates and standard errors of a NIST file."""
    lines = (DATA / name).read_text().splitlines()
    rows = np.array([[float(t) for t in line.split()] for line in lines[60:] if line.strip()])
    header = [line.split() for line in lines[30:55] if re.match(r"\s+B\d+\s", line)]
    certified = np.array([[float(t) for t in words[1:]] for words in header])
    return np.column_stack([np.ones(len(rows)), rows[:, 1:]]), rows[:, 0], *certified.T


def digits(found, truth):
    return float(-np.log10(np.max(np.abs(found - truth) / np.abs(truth))))


@pytest.mark.parametrize(("name", "estimates", "errors"), [("Longley.dat", 13.5, 11.5), ("Norris.dat", 13.5, 13.0)])
def test_certified_digits(name, estimates, errors):
    design, target, truth, deviations = nist(name)
    solved = solve(design, target)
    variance = solved.sum_of_squares / (len(target) - len(truth))
    found = np.sqrt(variance * np.diag(solved.inverse_root @ solved.inverse_root.T))
    assert digits(solved.x, truth) > estimates
    assert digits(found, deviations) > errors


def test_a_polynomial_with_a_large_residual_keeps_its_digits():
    """Compared with the normal equations solved in rational numbers."""
    x = [sp.Integer(k) for k in range(21)]
    design = sp.Matrix([[v**k for k in range(6)] for v in x])
    target = sp.Matrix([sum(v**k for k in range(6)) + 10**7 * (-1) ** int(v) for v in x])
    truth = np.array((design.T * design).LUsolve(design.T * target), float).ravel()
    found = solve(np.array(design, float), np.array(target, float).ravel()).x
    # the terms reach 1e9 times the last coefficient, so extended precision leaves 13.9 digits or more of it
    assert digits(found, truth) > 13.5


def test_the_inverse_root_is_that_of_the_gram_matrix():
    design = np.random.default_rng(0).normal(size=(8, 3)) * [1, 1e4, 1e-3]
    root = solve(design, np.ones(8)).inverse_root
    np.testing.assert_allclose(root @ root.T @ (design.T @ design), np.eye(3), atol=1e-6)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (lambda a, b: [a, b, 2 * b], "X has rank 2 of 3: column 3 = 2 × column 2. Drop it or add a ridge term."),
        (lambda a, b: [a, b, a - 0.5 * b], "column 3 = column 1 - 0.5 × column 2"),
        (lambda a, b: [a, 0 * a, b], "column 2 is zero in every row"),
        (lambda a, b: [a, a, b], "column 2 = column 1"),
        (lambda a, b: [a, -1e9 * a, b], "column 2 = -1e+09 × column 1"),
    ],
)
def test_a_dependent_column_is_named(columns, said):
    rng = np.random.default_rng(1)
    design = np.column_stack(columns(rng.normal(size=7), rng.normal(size=7)))
    assert said in dependence(design)
    with pytest.raises(DataError) as error:
        solve(design, np.ones(7))
    assert said in str(error.value)


def test_too_few_rows_are_said():
    with pytest.raises(DataError, match="X has 2 rows and 3 columns: its rank is at most 2"):
        solve(np.random.default_rng(0).normal(size=(2, 3)), np.ones(2))


def test_badly_scaled_columns_are_not_called_dependent():
    design = np.column_stack([np.ones(9), 1e-12 * np.arange(9.0), 1e12 * np.arange(9.0) ** 2])
    assert dependence(design) == ""
    truth = np.array([1, 2e12, 3e-12])
    np.testing.assert_allclose(solve(design, design @ truth).x, truth, rtol=1e-14)
