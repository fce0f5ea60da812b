"""Samplers respect what is declared, and spread over it."""

import numpy as np
import pytest

from symml.checking.sampling import choose_sizes, draw
from symml.errors import DataError
from symml.language.declarations import read_declarations


def sample(text, seed=0, sizes=None):
    table = read_declarations(text)
    values, chosen = draw(table, np.random.default_rng(seed), sizes)
    return values, chosen


def symmetric(a):
    return np.allclose(a, a.T)


CASES = [
    ("A: d x d symmetric", symmetric),
    ("A: d x d spd", lambda a: symmetric(a) and np.linalg.eigvalsh(a).min() > 0.1),
    ("A: d x d psd", lambda a: symmetric(a) and np.linalg.eigvalsh(a).min() > -1e-12),
    ("A: d x d, spd, positive", lambda a: symmetric(a) and np.linalg.eigvalsh(a).min() > 0 and (a > 0).all()),
    ("A: d x d invertible", lambda a: np.linalg.cond(a) < 60 and not symmetric(a)),
    ("A: d x d, symmetric, invertible", lambda a: np.linalg.cond(a) < 60 and symmetric(a)),
    ("A: d x d diagonal", lambda a: np.allclose(a, np.diag(np.diag(a))) and len(set(np.diag(a))) > 1),
    ("A: d x d identity", lambda a: np.allclose(a, np.eye(len(a)))),
    ("A: d x d lower triangular", lambda a: np.allclose(a, np.tril(a)) and (np.diag(a) > 0).all()),
    ("A: d x d upper triangular", lambda a: np.allclose(a, np.triu(a)) and (np.diag(a) > 0).all()),
    ("A: d x d orthogonal", lambda a: np.allclose(a.T @ a, np.eye(len(a)))),
    ("A: d x d, orthogonal, symmetric", lambda a: np.allclose(a @ a, np.eye(len(a))) and symmetric(a)),
    ("A: n x d orthonormal columns", lambda a: np.allclose(a.T @ a, np.eye(a.shape[1]))),
    ("A: d x d idempotent", lambda a: np.allclose(a @ a, a) and 0 < round(np.trace(a)) < len(a) and not symmetric(a)),
    ("A: d x d, symmetric, idempotent", lambda a: np.allclose(a @ a, a) and 0 < round(np.trace(a)) < len(a)),
    ("A: n x d full column rank", lambda a: np.linalg.matrix_rank(a) == a.shape[1]),
    ("A: d x n full column rank", lambda a: np.linalg.matrix_rank(a) == a.shape[1]),
    ("A: n x d full row rank", lambda a: np.linalg.matrix_rank(a) == a.shape[0]),
    ("A: d simplex", lambda a: np.isclose(a.sum(), 1) and (a > 0).all()),
    ("A: n x k one-hot rows", lambda a: np.allclose(a.sum(1), 1) and set(np.unique(a)) == {0, 1}),
    ("A: n x k rows sum to one", lambda a: np.allclose(a.sum(1), 1) and (a < 0).any()),
    ("A: n x k, rows sum to one, nonnegative", lambda a: np.allclose(a.sum(1), 1) and (a >= 0).all()),
    ("A: n x d mask", lambda a: set(np.unique(a)) == {0, 1}),
    ("A: n labels", lambda a: set(np.unique(a)) <= {0, 1, 2}),
    ("A: n, in {-1,1}", lambda a: set(np.unique(a)) == {-1, 1}),
    ("A: n, in {0,1}", lambda a: set(np.unique(a)) == {0, 1}),
    ("A: n, in (0,1)", lambda a: (a > 0).all() and (a < 1).all()),
    ("A: n, > 2", lambda a: (a > 2).all()),
    ("A: n, <= -1", lambda a: (a <= -1).all()),
    ("A: n positive", lambda a: (a > 0).all()),
    ("A: n negative", lambda a: (a < 0).all()),
    ("A: n nonzero", lambda a: (a != 0).all() and (a < 0).any()),
    ("A: n, nonnegative, integer", lambda a: (a >= 0).all() and np.allclose(a, np.round(a))),
    ("A: n, positive, integer", lambda a: (a >= 1).all() and np.allclose(a, np.round(a))),
    ("A: n x d centred", lambda a: np.allclose(a.mean(0), 0)),
    ("A: d unit norm", lambda a: np.isclose(np.linalg.norm(a), 1)),
    ("A: n x d contains intercept", lambda a: (np.ptp(a, axis=0) == 0).any()),
    ("A: n ~ Poisson(mu)", lambda a: (a >= 0).all() and np.allclose(a, np.round(a))),
    ("A: n ~ Bernoulli(p)", lambda a: set(np.unique(a)) == {0, 1}),
    ("A: B x n x d", lambda a: a.ndim == 3),
    ("A > 0", lambda a: a > 0),
    ("A in (0,1)", lambda a: 0 < a < 1),
    ("A in {2,5}", lambda a: a in (2, 5)),
    ("A < -3", lambda a: a < -3),
    ("A <= 0", lambda a: a <= 0),
    ("A nonzero", lambda a: a != 0),
    ("A: nonnegative, integer", lambda a: a >= 0 and a == int(a)),
    ("A: integer, in [3,5]", lambda a: a in (3, 4, 5)),
]


@pytest.mark.parametrize(("text", "holds"), CASES, ids=[c[0] for c in CASES])
def test_declared_properties_hold(text, holds):
    for seed in range(8):
        values, _ = sample(text, seed)
        assert holds(values["A"]), values["A"]


def test_same_seed_same_values():
    first, _ = sample("X: n x d, S: d x d spd, lam > 0", 3)
    second, _ = sample("X: n x d, S: d x d spd, lam > 0", 3)
    assert all(np.array_equal(first[k], second[k]) for k in first)


def test_values_spread_over_the_range():
    points = np.array([sample("p in (0,1)", seed)[0]["p"] for seed in range(300)])
    assert points.min() < 0.1
    assert points.max() > 0.9
    normal = np.array([sample("a", seed)[0]["a"] for seed in range(300)])
    assert abs(normal.mean()) < 0.15
    assert 0.6 < normal.std() < 1.0


def test_sizes_differ_and_are_not_one():
    table = read_declarations("X: n x d, W: d x k, V: k x 3, Z: m x p, q: h")
    sizes = choose_sizes(table.values(), {})
    assert set(sizes) == {"n", "d", "k", "m", "p", "h"}
    assert len(set(sizes.values()) | {3}) == 7
    assert min(sizes.values()) > 1
    assert choose_sizes(table.values(), {"n": 9})["n"] == 9


def test_scalar_dimension_is_a_size():
    values, sizes = sample("n dimension, y: n")
    assert values["y"].shape == (sizes["n"],)
    assert "n" not in values


def test_impossible_sizes_are_named():
    with pytest.raises(DataError, match="full column rank"):
        sample("X: n x d full column rank", sizes={"n": 2, "d": 4})
