"""Ranges, symmetry and definiteness: what is claimed holds, what is unknown is not claimed."""

import numpy as np
import pytest
import sympy as sp

from symml.codegen.structure import definiteness, is_nonnegative, is_positive, is_psd, is_spd, is_symmetric
from symml.language.declarations import declare
from symml.language.operators import call, elementwise_power, elementwise_product, eye, ones, power, scalar

X, Q, w, v, u, p, S, P, A, D, M, lam, c, q = declare(
    "X: n x d, Q: n x d full column rank, w: d, v: n, u: n positive, p: d simplex, S: d x d spd, P: d x d psd,"
    "A: d x d, D: d x d symmetric, M: n x d mask, lam > 0, c, q in (0,1)"
)
n, d = X.shape
s = call("sigmoid", X * w)
soft = call("softmax", w)

KINDS = [
    (X.T * X, "positive semidefinite"),
    (Q.T * Q, "positive definite"),
    (2 * X.T * X + 2 * lam * eye(d), "positive definite"),
    (-X.T * X, "negative semidefinite"),
    (-X.T * X - lam * eye(d), "negative definite"),
    (c * X.T * X, "unknown"),
    (X.T * call("diag", elementwise_product(s, 1 - s)) * X, "positive semidefinite"),
    (Q.T * call("diag", u) * Q, "positive definite"),
    (X.T * call("diag", v) * X, "unknown"),
    (X.T * call("diag", call("exp", X * w)) * X, "positive semidefinite"),
    (power(S, -1), "positive definite"),
    (S + P, "positive definite"),
    (S - P, "unknown"),
    (A.T * S * A, "positive semidefinite"),
    (power(S, -1) * P * power(S, -1), "positive semidefinite"),
    (A * S, "unknown"),
    (A, "unknown"),
    (D, "unknown"),
    (power(D, 2), "positive semidefinite"),
    (w * w.T, "positive semidefinite"),
    (w * v.T * v * w.T, "positive semidefinite"),
    (elementwise_product(S, S), "positive definite"),
    (call("diag", p) - p * p.T, "positive semidefinite"),
    (call("diag", soft) - soft * soft.T, "positive semidefinite"),
    (call("diag", w) - w * w.T, "unknown"),
    (call("expm", D), "positive definite"),
    (eye(d), "positive definite"),
    (ones(d, d), "positive semidefinite"),
    (X.T * X / (v.T * v), "positive semidefinite"),
    ((1 - q) * S, "positive definite"),
    ((q - 1) * S, "negative definite"),
]


@pytest.mark.parametrize(("expression", "kind"), KINDS, ids=lambda e: str(e))
def test_definiteness(expression, kind):
    assert definiteness(expression)[0] == kind


def draw(seed):
    rng = np.random.default_rng(seed)
    G, H = rng.standard_normal((3, 3)), rng.standard_normal((3, 2))
    simplex = rng.random(3)
    return {
        "X": rng.standard_normal((5, 3)), "Q": rng.standard_normal((5, 3)), "w": rng.standard_normal(3),
        "n": 5, "d": 3, "v": rng.standard_normal(5), "u": rng.random(5) + 0.1,
        "p": simplex / simplex.sum(),
        "S": G @ G.T + 0.1 * np.eye(3), "P": H @ H.T, "A": rng.standard_normal((3, 3)), "D": G + G.T,
        "lam": rng.random() + 0.1, "c": rng.standard_normal(), "q": rng.random(), "M": (rng.random((5, 3)) < 0.5) * 1.0,
    }  # fmt: skip


@pytest.mark.parametrize(("expression", "kind"), KINDS, ids=lambda e: str(e))
def test_definiteness_holds_for_numbers(expression, kind):
    for seed in range(5):
        H = expression.evaluate(draw(seed))
        values = np.linalg.eigvalsh((H + H.T) / 2)
        if kind != "unknown":
            np.testing.assert_allclose(H, H.T, atol=1e-12 * abs(H).max())
            sign = 1 if kind.startswith("positive") else -1
            least = (sign * values).min()
            assert least > (0 if kind.endswith(" definite") else -1e-10 * abs(H).max())


def test_reasons_are_readable():
    kind, reasons = definiteness(2 * X.T * X + 2 * lam * eye(d))
    assert kind == "positive definite"
    assert reasons == [
        "2 Xᵀ X is positive semidefinite (a Gram matrix)",
        "2 λ I is positive definite because λ > 0",
    ]


@pytest.mark.parametrize(
    ("expression", "kind"),
    [(w.T * w, "positive semidefinite"), (scalar(lam), "positive definite"), (scalar(-1 / lam), "negative definite"),
     (scalar(c), "unknown"), (w.T * S * w + lam, "positive definite"), (scalar(q - 1), "negative definite")],
)  # fmt: skip
def test_sign_of_a_scalar(expression, kind):
    assert definiteness(expression)[0] == kind


def test_ranges_of_entries():
    z = X * w
    t = call("tanh", z)
    assert is_nonnegative(elementwise_power(z, 2)) == "yes"
    assert is_positive(elementwise_product(s, 1 - s)) == "yes"
    assert is_positive(1 - elementwise_power(t, 2)) == "yes"
    assert is_nonnegative(elementwise_product(M, M)) == "yes"
    assert is_nonnegative(elementwise_product(z, z)) == "yes"
    assert is_positive(call("softplus", z)) == "yes"
    assert is_positive(scalar(-lam)) == "no"
    assert is_positive(scalar(sp.Symbol("x"))) == "unknown"
    assert is_nonnegative(z) == "unknown"
    assert is_positive(elementwise_product(u, call("exp", z))) == "yes"
    assert is_nonnegative(call("sum", u)) == "yes"
    assert is_nonnegative(t) == "unknown"
    assert is_nonnegative(elementwise_product(t, 1 - t)) == "unknown"


def test_symmetry():
    assert is_symmetric(A + A.T) == "yes"
    assert is_symmetric(A) == "unknown"
    assert is_symmetric(X) == "no"
    assert is_symmetric(A.T * D * A) == "yes"
    assert is_symmetric(A.T * D) == "unknown"
    assert is_spd(S) == "yes"
    assert is_spd(P) == "unknown"
    assert is_psd(P) == "yes"
    assert is_psd(-S) == "no"
    assert is_spd(X) == "no"
