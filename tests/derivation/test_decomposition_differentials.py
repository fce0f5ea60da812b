"""Differentials of factors against finite differences of NumPy's factors, and refusals where they do not exist."""

import numpy as np
import pytest

from symml.derivation.decomposition_differentials import decomposition_differential
from symml.errors import DataError, NotSupportedError

RNG = np.random.default_rng(2)
STEP = 1e-6


def symmetric(size=4):
    a = RNG.normal(size=(size, size))
    return a + a.T


def aligned(columns, like):
    return columns * np.sign(np.sum(columns * like, axis=0))


def difference(f, a, da):
    return (f(a + STEP * da) - f(a - STEP * da)) / (2 * STEP)


@pytest.mark.parametrize("name", ["eigen", "svd", "cholesky", "qr"])
def test_every_record_checks_itself_and_is_told(name):
    d = decomposition_differential(name)
    assert d.check(seed=3) == "holds"
    assert d.latex().isascii()
    assert d.source
    assert d.conditions
    assert all(text in d.statement for text, _ in d.formulas)
    assert d.to_dict()["name"] == name


def test_simple_eigenvalue_and_its_vector():
    s, ds = symmetric(), symmetric()
    found = decomposition_differential("eigen").evaluate(S=s, dS=ds)
    np.testing.assert_allclose(found["dlam"], difference(np.linalg.eigvalsh, s, ds), atol=1e-7)
    v, k = found["V"], 2
    exact = np.linalg.pinv(found["lam"][k] * np.eye(4) - s) @ ds @ v[:, k]
    np.testing.assert_allclose(found["dV"][:, k], exact, atol=1e-9)
    moved = difference(lambda a: aligned(np.linalg.eigh(a)[1], v), s, ds)
    np.testing.assert_allclose(found["dV"], moved, atol=1e-6)
    assert decomposition_differential("eigen").formulas[1][0] == "dv = (λ I − S)⁺ dS v"


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4)])
def test_singular_values_and_vectors(shape):
    a, da = RNG.normal(size=shape), RNG.normal(size=shape)
    found = decomposition_differential("svd").evaluate(A=a, dA=da)
    np.testing.assert_allclose(found["dsigma"], difference(lambda m: np.linalg.svd(m)[1], a, da), atol=1e-6)
    product = (
        found["dU"] * found["sigma"] @ found["V"].T
        + found["U"] * found["dsigma"] @ found["V"].T
        + found["U"] * found["sigma"] @ found["dV"].T
    )
    np.testing.assert_allclose(product, da, atol=1e-9)
    for q, dq in (("U", "dU"), ("V", "dV")):
        np.testing.assert_allclose(found[q].T @ found[dq] + found[dq].T @ found[q], 0, atol=1e-10)


def test_cholesky_factor():
    s, ds = symmetric() + 9 * np.eye(4), symmetric()
    found = decomposition_differential("cholesky").evaluate({"S": s}, dS=ds)
    np.testing.assert_allclose(found["dL"], difference(np.linalg.cholesky, s, ds), atol=1e-7)
    np.testing.assert_allclose(found["dL"] @ found["L"].T + found["L"] @ found["dL"].T, ds, atol=1e-10)
    assert np.all(np.triu(found["dL"], 1) == 0)


def test_qr_factors():
    a, da = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 3))
    found = decomposition_differential("qr").evaluate(A=a, dA=da)
    np.testing.assert_allclose(found["dQ"] @ found["R"] + found["Q"] @ found["dR"], da, atol=1e-10)
    np.testing.assert_allclose(np.tril(found["dR"], -1), 0, atol=1e-10)
    np.testing.assert_allclose(found["Q"].T @ found["dQ"] + found["dQ"].T @ found["Q"], 0, atol=1e-10)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("eigen", {"S": np.eye(2), "dS": np.eye(2)}, "two eigenvalues are equal"),
        ("eigen", {"S": [[1.0, 2.0], [0.0, 1.0]], "dS": np.eye(2)}, "S must be symmetric"),
        ("eigen", {"S": np.diag([1.0, 2.0]), "dS": [[0.0, 1.0], [0.0, 0.0]]}, "dS must be symmetric"),
        ("svd", {"A": np.eye(2), "dA": np.eye(2)}, "two singular values are equal"),
        ("svd", {"A": np.diag([1.0, 0.0]), "dA": np.eye(2)}, "a singular value is 0"),
        ("cholesky", {"S": -np.eye(2), "dS": np.eye(2)}, "not positive definite"),
        ("cholesky", {"S": np.eye(2)}, "no value for dS"),
        ("qr", {"A": np.ones((3, 2)), "dA": np.ones((3, 2))}, "no full column rank"),
        ("qr", {"A": np.ones((2, 3)), "dA": np.ones((2, 3))}, "as many rows"),
        ("qr", {"A": np.eye(2), "dA": np.eye(3)}, "they must agree"),
    ],
)
def test_refusals(name, values, message):
    with pytest.raises(DataError, match=message):
        decomposition_differential(name).evaluate(values)


def test_unknown_decompositions_are_named():
    with pytest.raises(NotSupportedError, match="eigen, svd, cholesky, qr"):
        decomposition_differential("schur")
