"""Riemannian gradients: the textbook forms, tangency by hand, and what must be declared."""

import dataclasses

import numpy as np
import pytest

import symml as sml
from symml.derivation import manifolds
from symml.errors import DeclarationError, InternalError, NotSupportedError, ShapeError

RNG = np.random.default_rng(2)
SPHERE, STIEFEL = "x: d unit norm, A: d x d symmetric", "A: n x n symmetric, W: n x k orthonormal columns"
PROCRUSTES = "A: n x d, B: n x d, Q: d x d orthogonal"

CASES = [
    ("x'A x", "x", SPHERE, "sphere", "2 A x − 2 (xᵀ A x) x"),
    ("x'A x/(x'x)", "x", SPHERE, "sphere", "2 A x − 2 (xᵀ A x) x"),
    ("tr(A'X)", "X", "A: n x d, X: n x d unit norm", "sphere", "A − tr(Xᵀ A) X"),
    ("||X x - y||^2", "x", "X: n x d, y: n, x: d unit norm", "sphere", "2 Xᵀ r − 2 (rᵀ X x) x, where r = X x − y"),
    ("-tr(W'A W)", "W", STIEFEL, "stiefel", "2 (W Wᵀ A − A) W"),
    ("||A Q - B||^2", "Q", PROCRUSTES, "orthogonal", "Q Bᵀ A Q − Aᵀ B"),
    ("||A Q - B||^2", "Q", PROCRUSTES, "stiefel", "Q Bᵀ A Q − Aᵀ B"),
    ("tr(inv(S) A) + logdet(S)", "S", "A: d x d symmetric, S: d x d spd", "spd", "S − A"),
    ("tr(A S)", "S", "A: d x d, S: d x d spd", "spd", "1/2 S (A + Aᵀ) S"),
    ("||x||^4", "x", "x: d unit norm", "sphere", "zeros(d)"),
    ("lam*||x||^2 + c'x", "x", "c: d, x: d unit norm, lam", "sphere", "c − xᵀ c x"),
    ("x'A x", "x", "A: d x d, x: d unit norm", "sphere", "A x + Aᵀ x − 2 (xᵀ A x) x"),
]


@pytest.mark.parametrize(("text", "wrt", "where", "name", "shown"), CASES, ids=[f"{c[3]} {c[0]}" for c in CASES])
def test_gradient_prints_reads_back_and_is_checked(text, wrt, where, name, shown):
    d = sml.derive(text, wrt, where=where)
    g = d.gradient_on(name)
    assert str(g) == shown
    assert sml.parse(str(g), where=list(d.source.symbols.values())) == g
    steps = d.steps_of(f"gradient on {name}")
    assert [s.verdict for s in steps] == ["holds", "holds"]
    assert "metric" in steps[1].statement or "inner product" in steps[1].statement


def test_rayleigh_gradient_is_zero_at_an_eigenvector_and_tangent_elsewhere():
    g = sml.derive("x'A x", "x", where=SPHERE).gradient_on("sphere")
    a = RNG.normal(size=(4, 4))
    a = a + a.T
    _, vectors = np.linalg.eigh(a)
    np.testing.assert_allclose(g.evaluate(A=a, x=vectors[:, 1]), 0, atol=1e-12)
    x = RNG.normal(size=4)
    x /= np.linalg.norm(x)
    assert abs(x @ g.evaluate(A=a, x=x)) < 1e-12


def test_procrustes_gradient_is_zero_at_the_polar_factor():
    g = sml.derive("||A Q - B||^2", "Q", where=PROCRUSTES).gradient_on("orthogonal")
    a, b = RNG.normal(size=(6, 3)), RNG.normal(size=(6, 3))
    u, _, vt = np.linalg.svd(a.T @ b)
    np.testing.assert_allclose(g.evaluate(A=a, B=b, Q=u @ vt), 0, atol=1e-10)


def test_the_check_rejects_the_euclidean_gradient_and_a_wrong_factor():
    d = sml.derive("x'A x", "x", where=SPHERE)
    row, x = manifolds.BY_NAME["sphere"], d.wrt[0]
    for wrong in (d.gradient, d.gradient_on("sphere") * sml.parse("1.001")):
        assert manifolds.check(row, d.objective, wrong, x, d.source.symbols).passed is False


def test_a_wrong_row_is_never_shown(monkeypatch):
    row = dataclasses.replace(manifolds.BY_NAME["sphere"], project=lambda gradient, x: gradient)
    monkeypatch.setitem(manifolds.BY_NAME, "sphere", row)
    with pytest.raises(InternalError, match="failed its own check"):
        sml.derive("x'A x", "x", where=SPHERE).gradient_on("sphere")


def test_refusals_say_what_to_declare():
    with pytest.raises(DeclarationError, match=r'x declared unit norm.*where="x: d unit norm"'):
        sml.derive("c'x", "x", where="c: d, x: d").gradient_on("sphere")
    with pytest.raises(DeclarationError, match="orthonormal columns"):
        sml.derive("tr(A'W)", "W", where="A: n x k, W: n x k").gradient_on("stiefel")
    with pytest.raises(DeclarationError, match="spd"):
        sml.derive("tr(S)", "S", where="S: d x d symmetric").gradient_on("spd")
    with pytest.raises(NotSupportedError, match="orthogonal, spd, sphere, stiefel"):
        sml.derive("c'x", "x", where="c: d, x: d unit norm").gradient_on("torus")
    with pytest.raises(NotSupportedError, match="one variable"):
        sml.derive("c'x + a'y", ["x", "y"], where="c: d, x: d unit norm, a: k, y: k").gradient_on("sphere")
    with pytest.raises(ShapeError, match="scalar"):
        sml.derive("t^2", "t", where="t > 0").gradient_on("sphere")
