"""The interpreter against NumPy written by hand; names, sizes and shapes checked."""

import gc
import time
import weakref

import numpy as np
import pytest
import scipy.linalg as sla
import sympy as sp

from symml.codegen.evaluate import evaluate, prepare
from symml.errors import DataError, DomainError
from symml.language.declarations import declare
from symml.language.expressions import Action, Einstein, Indicator, make
from symml.language.function import call
from symml.language.indices import differential_of, index, sum_over
from symml.language.operators import (
    apply_lambda,
    elementwise_power,
    elementwise_product,
    eye,
    literal,
    ones,
    scalar,
    symbol,
)
from symml.language.where import where

X, y, w, lam, A, S, T = declare("X: n x d, y: n, w: d, lam > 0, A: d x d, S: d x d symmetric, T: n x d x d")
n, d = X.shape
rng = np.random.default_rng(0)
V = {
    "X": rng.normal(size=(5, 3)),
    "y": rng.normal(size=5),
    "w": rng.normal(size=3),
    "lam": 0.7,
    "A": rng.normal(size=(3, 3)) + 2 * np.eye(3),
    "T": rng.normal(size=(5, 3, 3)),
}
V["S"] = V["A"] + V["A"].T
x, t, v, a, s = (V[k] for k in ("X", "y", "w", "A", "S"))
r = X * w - y
res = x @ v - t
i, j = index("i", n), index("j", n)
dS = differential_of(S)
u, q = symbol("r", (n,)), symbol("q", ())
z = sp.Symbol("z")


def f(name, *args):
    return call(name, tuple(args))


CASES = [
    (r, res),
    (r.T * r, res @ res),
    (f("norm", r) ** 2 / 2 + lam / 2 * f("sumsq", w), res @ res / 2 + 0.35 * v @ v),
    (w * w.T, np.outer(v, v)),
    (w.T * A, (v @ a)[None]),
    ((w.T * A).T, v @ a),
    (A**-1 * w, np.linalg.solve(a, v)),
    (A**3, a @ a @ a),
    (A**-2, np.linalg.inv(a @ a)),
    (X.T * X + lam * eye(d), x.T @ x + 0.7 * np.eye(3)),
    (n * y, 5 * t),
    (sp.sqrt(n) * lam**2 * y + 1 / lam, np.sqrt(5) * 0.49 * t + 1 / 0.7),
    (-w, -v),
    (X * X.T * X * X.T * y, x @ x.T @ x @ x.T @ t),
    (w.T * X.T * y * w / f("norm", w), (v @ x.T @ t) * v / np.linalg.norm(v)),
    (sum_over(i, (X[i].T * w - y[i]) ** 2), res @ res),
    (sum_over(i, i * X[i]), np.arange(1, 6) @ x),
    (sum_over(i, sum_over(j, y[i] * y[j] * X[i].T * X[j])), t @ x @ x.T @ t),
    (sum_over(i, sum_over(j, f("exp", X[i].T * X[j]) * lam) + i), 0.7 * np.exp(x @ x.T).sum() + 15),
    (sum_over(i, X[i] * X[i].T), x.T @ x),
    (sum_over(i, lam * y[0]), 5 * 0.7 * t[0]),
    (X[0], x[0]),
    (X[:, 1], x[:, 1]),
    (A[0, 2], a[0, 2]),
    (w[-1], v[-1]),
    (f("sum", T), V["T"].sum()),
    (T[1], V["T"][1]),
    (f("logsumexp", w.T), np.log(np.exp(v).sum())),
    (f("diag", w) * A, np.diag(v) @ a),
    (f("kron", A, w), np.kron(a, v[:, None])),
    (f("vec", X), x.T.ravel()),
    (apply_lambda(sp.Lambda(z, z**2 * lam), w), v**2 * 0.7),
    (apply_lambda(sp.Lambda(z, sp.Integer(3)), w), np.full(3, 3.0)),
    (apply_lambda(sp.Lambda(z, sp.Piecewise((z, z > 0), (sp.exp(z) - 1, True))), w), np.where(v > 0, v, np.expm1(v))),
    (elementwise_power(w, -2), v**-2.0),
    (elementwise_product(w, w, lam), v * v * 0.7),
    (make(Action, (dS, A * dS * A), ("H",), (d, d, d, d)), np.einsum("ia,bj->ijab", a, a)),
    (make(Action, (symbol("dw", (d,)), A * symbol("dw", (d,))), ("J",), (d, d)), a),
    (make(Einstein, (A, A, w), (("ij", "jk", "k"), "i"), (d,)), a @ a @ v),
    (make(Einstein, (A, w), (("ii", "k"), "kk"), (d, d)), np.trace(a) * np.diag(v)),
    (make(Indicator, (X * w, scalar(0)), (">",), (n,)), (x @ v > 0) * 1.0),
    (
        where(u.T * u * q, {u: X * w - y * q, q: f("norm", w)}),
        ((x @ v - t * np.linalg.norm(v)) ** 2).sum() * np.linalg.norm(v),
    ),
    (f("power", w + 5, w), (v + 5) ** v),
    (2 ** (w.T * w), 2 ** (v @ v)),
    (f("max", w, scalar(0)), np.maximum(v, 0)),
    (f("toeplitz", w), sla.toeplitz(v)),
    (literal(sp.Matrix([1, 2, lam])) + 1, np.array([2, 3, 1.7])),
    (ones(n).T * X, x.sum(0)[None]),
    (
        lam * sp.gamma(lam) + sp.digamma(lam) * sp.pi,
        0.7 * sla.det([[float(sp.gamma(0.7))]]) + np.pi * float(sp.digamma(0.7)),
    ),
]


@pytest.mark.parametrize("k", range(len(CASES)))
def test_value(k):
    expression, want = CASES[k]
    if isinstance(expression, sp.Expr):
        expression = scalar(expression)
    got = expression.evaluate(V)
    assert np.shape(got) == np.shape(want)
    assert np.allclose(got, want, rtol=1e-12)
    assert isinstance(got, float if expression.shape == () else np.ndarray)
    sizes = {"n": 5, "d": 3}
    bare = prepare(expression)({name: np.asarray(value)[()] for name, value in V.items()}, sizes)
    assert np.allclose(bare, want, rtol=1e-12)


def test_spelling_columns_lists_and_extras():
    want = 0.7 * res
    got = (lam * r).evaluate({"X": x.tolist(), "y": t[:, None], w: list(v), "λ": sp.Rational(7, 10), "zz": 3, "n": 5})
    assert np.allclose(got, want)
    assert np.allclose((lam * r).evaluate(X=x, y=t, w=v, lam=np.float32(0.7)), want)


def test_the_result_is_a_copy():
    value = v.copy()
    w.evaluate(w=value)[0] = 99
    assert value[0] == v[0]
    eye(d).evaluate(d=3)[0, 0] = 99
    assert eye(d).evaluate(d=3)[0, 0] == 1


BAD = [
    ({"X": x, "y": t[:4], "w": v, "lam": 1}, r"y \(n\) has shape \(4,\).*n is 5 from X"),
    ({"X": x, "y": t}, "no value for lam, w"),
    ({"X": x, "y": t, "w": v, "lam": "a"}, "lam is not a real number"),
    ({"X": x, "y": t, "w": v, "lam": [1, 2]}, "lam is a scalar"),
    ({"X": x, "y": t, "w": v, "lam": 1, "n": 6}, "n is 6"),
    ({"X": x, "y": t, "w": v, "lam": 1, "n": 2.5}, "positive integer"),
    ({"X": x, "y": t, "w": x, "lam": 1}, "w is declared d"),
    ({"X": x, "y": t, "w": v[None], "lam": 1}, "w is declared d"),
    ({"X": "abc", "y": t, "w": v, "lam": 1}, "X is not an array"),
    ({"X": x, "y": t, "w": v, "lam": 1, "λ": 2}, "two values"),
]


@pytest.mark.parametrize(("values", "message"), BAD, ids=[b[1] for b in BAD])
def test_data_errors(values, message):
    with pytest.raises(DataError, match=message):
        (lam * r).evaluate(values)


def test_literal_sizes_free_indices_and_singular_matrices():
    with pytest.raises(DataError, match="3 from its declaration"):
        declare("B: 3 x 4").evaluate(B=np.ones((2, 4)))
    with pytest.raises(DataError, match="index i is free"):
        y[i].evaluate(y=t)
    with pytest.raises(DataError, match="no value for n"):
        eye(n).evaluate()
    with pytest.raises(DataError, match="inverted"):
        (A**-1).evaluate(A=np.zeros((3, 3)))


def test_depth_and_speed():
    e = w
    for _ in range(2000):
        e = f("sin", e) + w
    start = time.perf_counter()
    e.evaluate(w=v)
    assert time.perf_counter() - start < 1
    start = time.perf_counter()
    evaluate(e, {"w": v})
    assert time.perf_counter() - start < 0.05


def test_expressions_are_not_kept_alive():
    e = f("sum", f("tanh", X * w - 12345 * y))
    e.evaluate(V)
    gone = weakref.ref(e)
    del e
    gc.collect()
    assert gone() is None


def test_stable_far_out():
    e = f("sum", f("softplus", 100 * X * w)) + f("logsumexp", 1000 * w)
    with np.errstate(over="raise", invalid="raise"):
        assert np.isfinite(e.evaluate(V))


SCALARS = [
    (sp.Max(lam, 1) + sp.Abs(-lam), 1.7),
    (sp.Piecewise((lam, lam > 1), (2 * lam, True)), 1.4),
    (sp.exp(-lam) * sp.log(lam) + lam ** sp.Rational(1, 3), np.exp(-0.7) * np.log(0.7) + 0.7 ** (1 / 3)),
    (lam**lam, 0.7**0.7),
    (sp.Heaviside(lam) + sp.DiracDelta(lam), 1.0),
    (sp.loggamma(lam) + sp.polygamma(2, lam) * 0, float(sp.loggamma(0.7))),
    (sp.besselj(0, lam), float(sp.besselj(0, 0.7))),
    (sp.hyper([1], [2], lam), float(sp.hyper([1], [2], 0.7))),
    (1 / lam**3 + lam**-2, 0.7**-3 + 0.7**-2),
    (sp.factorial(lam) + sp.binomial(5, lam), float(sp.gamma(1.7)) + float(sp.binomial(5, 0.7))),
]


@pytest.mark.parametrize("k", range(len(SCALARS)))
def test_scalar_values(k):
    value, want = SCALARS[k]
    assert np.isclose(scalar(value).evaluate(lam=0.7), want, rtol=1e-12)


def test_real_power_of_a_negative_number_is_not_complex():
    b = sp.Symbol("b", real=True)
    with pytest.raises(DomainError, match=r"b is -8, and the power 1/3 needs a base >= 0"):
        scalar(b ** sp.Rational(1, 3)).evaluate(b=-8.0)
