"""Decompositions of explicit matrices: exact products, the steps in words, every refusal by what it names."""

import copy
import dataclasses
import pickle

import numpy as np
import pytest
import sympy as sp

import symml as sml
from symml.errors import DataError, DomainError, NoClosedFormError, NotationError, NotSupportedError, ShapeError
from symml.matrices.exact import is_zero, root
from symml.matrices.records import Method
from symml.registry import discover

RNG = np.random.default_rng(5)
METHODS = [m.name for m in discover("symml.matrices.methods", Method)]
SPD = [[4, 12, -16], [12, 37, -43], [-16, -43, 98]]

CASES = [
    ([[2, 1], [4, 5]], "lu", {"L": [[1, 0], [2, 1]], "U": [[2, 1], [0, 3]]}, "A = L U"),
    ([[0, 2, 1], [1, 1, 0], [2, 1, 1]], "lu", {"P": [[0, 1, 0], [1, 0, 0], [0, 0, 1]]}, "P A = L U"),
    ([[1, 2, 3], [4, 5, 6]], "lu", {"U": [[1, 2, 3], [0, -3, -6]]}, "A = L U"),
    (SPD, "cholesky", {"L": [[2, 0, 0], [6, 1, 0], [-8, 5, 3]]}, "A = L Lᵀ"),
    ([[3, 5], [4, 0]], "qr", {"Q": [["3/5", "4/5"], ["4/5", "-3/5"]], "R": [[5, 3], [0, 4]]}, "A = Q R"),
    ([[2, 1], [1, 2]], "eigen", {"D": [[3, 0], [0, 1]]}, "A = V D Vᵀ"),
    ([[4, 1], [2, 3]], "eigen", {"D": [[5, 0], [0, 2]], "V": [[1, 1], [1, -2]]}, "A = V D V⁻¹"),
    ([[1, 1], [0, 1]], "eigen", {"D": [[1]], "V": [[1], [0]]}, "A V = V D"),
    ([[3, 0], [4, 5]], "svd", {"S": [["3*sqrt(5)", 0], [0, "sqrt(5)"]]}, "A = U S Vᵀ"),
    ([[1, 2, 3], [2, 4, 6], [1, 1, 1]], "rref", {"R": [[1, 0, -1], [0, 1, 2], [0, 0, 0]]}, "A = C F"),
    ([[1, 2, 3], [2, 4, 6], [1, 1, 1]], "nullspace", {"N": [[1], [-2], [1]]}, "A N = 0"),
]


@pytest.mark.parametrize(
    ("matrix", "method", "factors", "equation"), CASES, ids=[f"{c[1]}{k}" for k, c in enumerate(CASES)]
)
def test_factors_are_the_textbook_ones_and_multiply_out_exactly(matrix, method, factors, equation):
    r = sml.decompose(matrix, method)
    assert r.equation == equation
    assert r.check() == "proved"
    for name, value in factors.items():
        assert getattr(r, name) == sp.Matrix([[sp.sympify(x) for x in row] for row in value])
    assert all(s.verdict == "proved" for s in r.steps)
    assert all(s.statement and s.text and s.latex for s in r.steps)
    assert r.latex().startswith("\\begin{align*}")
    assert r._repr_latex_() == r.latex()
    assert r.to_dict()["equation"] == equation
    assert str(r).startswith(equation)
    assert "<ol>" in r.to_html()


SIZES = [(3, 3), (4, 3), (3, 5), (6, 6)]
METHODS_AND_SIZES = [(m, s) for m in ("lu", "rref", "nullspace", "qr") for s in SIZES if m != "qr" or s[0] >= s[1]]


@pytest.mark.parametrize(("method", "shape"), METHODS_AND_SIZES)
def test_random_integer_matrices_are_proved(shape, method):
    matrix = RNG.integers(-4, 5, shape)
    assert sml.decompose(matrix, method).check() == "proved"


def test_qr_and_cholesky_and_svd_agree_with_numpy():
    a = RNG.integers(-3, 4, (4, 3)).astype(float)
    r = sml.decompose(a, "qr")
    q, upper = np.linalg.qr(a)
    sign = np.sign(np.diag(upper))
    np.testing.assert_allclose(np.array(r.R, float), sign[:, None] * upper, atol=1e-12)
    np.testing.assert_allclose(np.array(r.Q, float), q * sign, atol=1e-12)
    np.testing.assert_allclose(
        np.array(sml.decompose(SPD, "cholesky").L, float), np.linalg.cholesky(np.array(SPD, float))
    )
    s = sml.decompose([[1, 2], [3, 4], [5, 6]], "svd")
    np.testing.assert_allclose([float(x) for x in s.singular_values], np.linalg.svd([[1, 2], [3, 4], [5, 6]])[1])


def test_nested_radicals_of_a_general_svd_are_proved():
    r = sml.decompose([[1, 2], [3, 4]], "svd")
    assert r.singular_values[0] == sp.sqrt(15 + sp.sqrt(221))
    assert r.check() == "proved"
    assert sml.decompose([[1, 1], [1, 0]], "eigen").check() == "proved"


def test_steps_are_the_sentences_a_student_writes():
    lu = [s.statement for s in sml.decompose([[0, 2, 1], [1, 1, 0], [2, 1, 1]], "lu").steps]
    assert lu[:3] == ["swap rows 1 and 2", "subtract 2 × row 1 from row 3", "add 1/2 × row 2 to row 3"]
    step = sml.decompose([[1, 2], [3, 4]], "lu").steps[0]
    assert step.text == "[1, 2; 3, 4] → [1, 2; 0, −2]"
    assert (step.before, step.after) == (sp.Matrix([[1, 2], [3, 4]]), sp.Matrix([[1, 2], [0, -2]]))
    assert r"\xrightarrow{R_{2} - 3 R_{1}}" in step.latex
    qr = sml.decompose([[1, 1], [1, 0], [0, 1]], "qr").steps
    assert qr[2].text == "u₂ = a₂ − (q₁ᵀ a₂) q₁ = a₂ − (sqrt(2)/2) q₁ = [1/2; −1/2; 1]"
    cholesky = [s.text for s in sml.decompose([[4, 2], [2, 3]], "cholesky").steps]
    assert cholesky == ["l₁₁ = sqrt(4) = 2", "l₂₁ = 2/2 = 1", "l₂₂ = sqrt(3 − 1²) = sqrt(2)"]
    eigen = [s.text for s in sml.decompose([[2, 1], [1, 2]], "eigen").steps]
    assert eigen[:3] == ["det(λ I − A) = λ² − 4 λ + 3", "λ = 3, 1", "A − 3 I → [1, −1; 0, 0] ⇒ v = [1; 1]"]


def test_rank_pivots_and_bases():
    r = sml.decompose([[1, 2, 3], [2, 4, 6], [1, 1, 1]], "rref")
    assert (r.rank, r.pivots) == (2, (0, 1))
    assert r.basis == (sp.Matrix([1, 2, 1]), sp.Matrix([2, 4, 1]))
    assert "pivot columns: 1, 2" in str(r)
    n = sml.decompose([[1, 2, 3]], "nullspace")
    assert (n.rank, n.nullity) == (1, 2)
    assert n.basis == (sp.Matrix([-2, 1, 0]), sp.Matrix([-3, 0, 1]))
    assert sml.decompose([[1, 0], [0, 1]], "nullspace").basis == ()


def test_a_matrix_without_enough_eigenvectors_says_so():
    r = sml.decompose([[1, 1], [0, 1]], "eigen")
    assert r.diagonalizable is False
    assert "not diagonalizable: the eigenvalue 1 is a 2-fold root" in r.steps[-1].statement


def test_entries_are_read_exactly():
    r = sml.decompose(np.array([[0.1, 0.25], [3.0, 1.0]]), "lu")
    assert r.matrix == sp.Matrix([[sp.Rational(1, 10), sp.Rational(1, 4)], [3, 1]])
    assert sml.decompose([["1/3", "sqrt(2)"], [1, 2]], "lu").matrix[0, 1] == sp.sqrt(2)
    assert sml.decompose("[1, 2; 3, 4]", "lu").matrix == sp.Matrix([[1, 2], [3, 4]])
    assert sml.decompose(sp.Matrix([[1, 0.5], [0, 1]]), "lu").matrix[0, 1] == sp.Rational(1, 2)


def test_symbols_in_entries_become_conditions():
    a, b, c = sp.symbols("a b c")
    r = sml.decompose(sp.Matrix([[a, b], [b, c]]), "lu")
    assert r.conditions[0] == "a ≠ 0"
    assert r.check() == "proved"
    assert sml.decompose(sp.Matrix([[a, b], [b, c]]), "cholesky").conditions[0] == "a > 0"


REFUSALS = [
    ([[1, 2], [2, 1]], "cholesky", DomainError, "leading minor of order 2.*is −3"),
    ([[1, 2], [3, 4]], "cholesky", DomainError, r"entry \(2, 1\) is 3, entry \(1, 2\) is 2"),
    ([[1, 2, 3]], "cholesky", ShapeError, "1×3"),
    ([[1, 2, 3]], "eigen", ShapeError, "1×3"),
    ([[1, 2, 3], [1, 0, 1], [0, 1, 1]], "qr", DomainError, "column 3 depends on .* column 1 . column 2"),
    ([[0, 1], [0, 2]], "qr", DomainError, "column 1 is zero"),
    ([[0, 0]], "svd", DomainError, "zero"),
    ([[1, 2, 0], [0, 1, 3], [1, 1, 1]], "eigen", NoClosedFormError, "λ³ − 3 λ² − 4.*3.3553"),
    (np.eye(9), "lu", NotSupportedError, "9×9"),
    ([[1, 2], [3, 4]], "schur", NotSupportedError, "cholesky, eigen, lu"),
    (sp.Matrix([[1, sp.I], [1, 2]]), "qr", NotSupportedError, "complex"),
    ([[1, 2], [3]], "lu", ShapeError, "2, 1 entries"),
    ([1, 2], "lu", ShapeError, "list of rows"),
    (np.zeros((2, 2, 2)), "lu", ShapeError, "two axes"),
    ([[float("nan")]], "lu", DataError, "finite"),
    ([[None]], "lu", DataError, "None"),
    ([["foo("]], "lu", NotationError, "never closed"),
]


@pytest.mark.parametrize(
    ("matrix", "method", "error", "words"), REFUSALS, ids=[f"{r[1]}{k}" for k, r in enumerate(REFUSALS)]
)
def test_refusals_name_what_is_wrong(matrix, method, error, words):
    with pytest.raises(error, match=words):
        sml.decompose(matrix, method)


def test_a_wrong_factor_fails_the_check():
    r = sml.decompose([[2, 1], [4, 5]], "lu")
    wrong = dataclasses.replace(r, factors={**r.factors, "U": sp.Matrix([[2, 1], [0, 4]])})
    assert wrong.check() == "wrong"


def test_results_are_values():
    r = sml.decompose([[1, 2], [3, 4]], "lu")
    assert pickle.loads(pickle.dumps(r)) == r
    assert copy.deepcopy(r) == r
    with pytest.raises(AttributeError, match="it has P, L, U"):
        _ = r.Q
    assert {"L", "U", "rank"} <= set(dir(r))


@pytest.mark.parametrize("method", METHODS)
def test_one_by_one(method):
    assert sml.decompose([[5]], method).check() == "proved"


def test_zero_is_proved_not_guessed():
    golden = root(sp.Rational(3, 2) + sp.sqrt(5) / 2)
    assert golden == (1 + sp.sqrt(5)) / 2
    assert is_zero(sp.sqrt(3 + 2 * sp.sqrt(2)) - 1 - sp.sqrt(2)) is True
    assert is_zero(sp.sqrt(2) - sp.Rational(141421356237309504880, 10**20)) is False
