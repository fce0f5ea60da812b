"""Quadratic equations for a positive definite matrix, against the equation itself and known means."""

import numpy as np
import pytest
import scipy.linalg

from symml.api import derive
from symml.errors import NoClosedFormError

RNG = np.random.default_rng(8)
D = 4


def spd() -> np.ndarray:
    a = RNG.normal(size=(D, D))
    return a @ a.T + np.eye(D)


A, B = spd(), spd()
WHERE = "X: d x d spd, A: d x d spd, B: d x d spd, c > 0, lam > 0"
DATA = {"A": A, "B": B, "c": 1.7, "lam": 0.6, "d": D}
I = np.eye(D)


@pytest.mark.parametrize(
    ("text", "equation", "left"),
    [
        ("tr(A inv(X)) + tr(B X)", "X B X = A", lambda x: x @ B @ x - A),
        ("-tr(A inv(X)) - tr(B X)", "X B X = A", lambda x: x @ B @ x - A),
        ("tr(A inv(X)) + tr(X)", "X² = A", lambda x: x @ x - A),
        ("tr(inv(X)) + tr(B X)", "X B X = I", lambda x: x @ B @ x - I),
        ("c*tr(inv(X)) + lam*tr(B X)", "λ X B X = c I", lambda x: 0.6 * x @ B @ x - 1.7 * I),
        ("tr(A inv(X)) + tr(B X) - c*logdet(X)", "X B X − c X = A", lambda x: x @ B @ x - 1.7 * x - A),
        ("tr(A inv(X)) + tr(B X) + c*logdet(X)", "X B X + c X = A", lambda x: x @ B @ x + 1.7 * x - A),
        ("tr(B X) - logdet(X) + lam/2*||X||^2", "λ X² + B X = I", lambda x: 0.6 * x @ x + B @ x - I),
        (
            "tr(B X) - logdet(X) + lam/2*||X - A||^2",
            "λ X² + (B − λ A) X = I",
            lambda x: 0.6 * x @ x + (B - 0.6 * A) @ x - I,
        ),
        ("1/2*||X||^2 - logdet(X)", "X² = I", lambda x: x @ x - I),
    ],
)
def test_the_positive_definite_root(text, equation, left):
    s = derive(text, "X", where=WHERE).stationary()
    assert str(s.equation) == equation
    assert s.kind == f"unique global {'maximum' if text.startswith('-') else 'minimum'}"
    assert s.verdict == "holds"
    found = s.evaluate(DATA)
    assert np.linalg.eigvalsh(found)[0] > 0
    np.testing.assert_allclose(found, found.T, atol=1e-10)
    np.testing.assert_allclose(left(found), 0, atol=1e-9)


def test_geometric_mean():
    s = derive("tr(A inv(X)) + tr(B X)", "X", where=WHERE).stationary()
    assert str(s.expr) == "M⁻¹ sqrtm(M A M) M⁻¹, where M = sqrtm(B)"
    assert s.conditions == ("B is positive definite (declared)", "A is positive definite (declared)")
    inverse = np.linalg.inv(B)  # the mean of B⁻¹ and A is B⁻¹ (B A)^(1/2)
    np.testing.assert_allclose(s.evaluate(A=A, B=B), inverse @ scipy.linalg.sqrtm(B @ A), rtol=1e-9)


def test_conditions_name_what_is_not_known():
    s = derive("tr((A + lam*eye(d)) inv(X)) + tr(Y' X Y)", "X", where="X: d x d spd, A: d x d psd, Y: d x n, lam > 0")
    assert s.stationary().conditions == (
        "Y must have full row rank (then Y Yᵀ is positive definite)",
        "A + λ I is positive definite because λ > 0",
    )


def test_a_matrix_not_declared_positive_definite_is_told_what_to_declare():
    with pytest.raises(NoClosedFormError, match='declared "X: d x d spd"'):
        derive("tr(A inv(X)) + tr(B X)", "X", where="X: d x d, A: d x d spd, B: d x d spd").stationary()
