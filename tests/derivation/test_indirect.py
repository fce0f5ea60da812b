"""Equations solved by a detour: a matrix around the unknown, an injective factor cancelled, a definite matrix."""

import numpy as np
import pytest

from symml.api import derive

RNG = np.random.default_rng(9)
N = 4


def spd() -> np.ndarray:
    a = RNG.normal(size=(N, N))
    return a @ a.T + np.eye(N)


A, C, B = spd(), spd() / 50, RNG.normal(size=(N, N))


@pytest.mark.parametrize(
    ("text", "equation", "want"),
    [
        (
            "logdet(A + B X B') - tr(C X)",
            "A + B X Bᵀ = B C⁻¹ Bᵀ",
            lambda: np.linalg.inv(C) - np.linalg.inv(B) @ A @ np.linalg.inv(B).T,
        ),
        ("logdet(A + X) + tr(inv(A + X) S)", "A + X = S", lambda: 9 * np.eye(N)),
        ("tr(inv(A + X)) + tr(S X)", "A + X = sqrtm(S)⁻¹", None),
    ],
)
def test_a_matrix_around_the_unknown(text, equation, want):
    where = "A: n x n spd, B: n x n invertible, X: n x n spd, C: n x n spd, S: n x n spd"
    s = derive(text, "X", where=where).stationary()
    assert str(s.equation) == equation
    assert any("must be positive definite" in c for c in s.conditions)
    data = {"A": A, "B": B, "C": C, "S": A + 9 * np.eye(N)}
    found = s.evaluate(data)
    if want is None:
        shifted = np.linalg.inv(A + found)
        np.testing.assert_allclose(shifted @ shifted, data["S"], rtol=1e-8)
    else:
        np.testing.assert_allclose(found, want(), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(
    ("text", "wrt", "where", "shown"),
    [
        ("||A x - b||^2", "x", "A: m x n full row rank, x: n, b: m", "Aᵀ (A Aᵀ)⁻¹ b"),
        ("||A X - eye(m)||^2", "X", "A: m x n full row rank, X: n x m", "Aᵀ (A Aᵀ)⁻¹"),
        ("||X A - C||^2", "X", "A: n x m full column rank, X: k x n, C: k x m", "C (Aᵀ A)⁻¹ Aᵀ"),
    ],
)
def test_the_solution_of_least_norm(text, wrt, where, shown):
    s = derive(text, wrt, where=where).stationary()
    assert str(s.expr) == shown
    assert s.kind == "global minimum"
    assert "it is not unique" in s.reasons[0]
    wide, b = RNG.normal(size=(3, 5)), RNG.normal(size=3)
    if wrt == "x":
        np.testing.assert_allclose(s.evaluate(A=wide, b=b), np.linalg.lstsq(wide, b, rcond=None)[0], rtol=1e-9)
    elif "eye" in text:
        np.testing.assert_allclose(s.evaluate(A=wide), np.linalg.pinv(wide), rtol=1e-9)


def test_only_zero_is_sent_to_zero_by_a_definite_matrix():
    s = derive("logdet(A + x x')", "x", where="A: d x d spd, x: d").stationary()
    assert "x = 0" in str(s)
    np.testing.assert_array_equal(s.evaluate(A=A), np.zeros(N))


def test_two_multipliers_of_a_portfolio_are_found_together():
    d = derive("w' S w", "w", where="S: d x d spd, w: d, mu: d, r")
    s = d.stationary(subject_to=["mu' w = r", "sum(w) = 1"])
    mu = RNG.normal(size=N)
    found = s.evaluate(S=A, mu=mu, r=0.3)
    system = np.block([[2 * A, -mu[:, None], -np.ones((N, 1))], [mu, np.zeros(2)], [np.ones(N), np.zeros(2)]])
    np.testing.assert_allclose(found, np.linalg.solve(system, np.r_[np.zeros(N), 0.3, 1.0])[:N], rtol=1e-9)
    assert len(str(s.expr)) < 110


def test_two_grams_need_no_common_null_vector():
    s = derive("||X w - y||^2 + w' G' G w", "w", where="X: n x d, y: n, w: d, G: p x d").stationary()
    assert s.conditions == ("X and G must send no vector but 0 to 0 together (then Xᵀ X + Gᵀ G is invertible)",)


def test_entries_with_equations_of_their_own_have_a_global_minimum():
    s = derive("sum(log(p)) + sum(s ./ p)", "p", where="p: d > 0, s: d > 0").stationary()
    assert s.kind == "unique global minimum"


def test_signs_stand_on_the_positive_side():
    where = "S: d x d spd, A: d x d spd, P: d x d spd, nu > 0, n > 0"
    s = derive("-n/2*logdet(S) - 1/2*tr(inv(S) A) - nu/2*logdet(S) - 1/2*tr(inv(S) P)", "S", where=where).stationary()
    assert str(s.equation) == "(n + ν) S = A + P"


def test_a_positive_scalar_in_every_term_is_cancelled():
    s = derive("log(1 + ||x - a||^2)", "x", where="x: n, a: n").stationary()
    assert str(s.expr) == "a"
    assert s.conditions == ()
