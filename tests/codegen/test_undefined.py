"""A result that is not a number names the smallest guilty piece, its value and what it needs."""

import numpy as np
import pytest

import symml as sml
from symml.errors import DomainError

CASES = [
    ("1 + log(a - b)", "a in R, b in R", {"a": 1, "b": 2},
     "cannot evaluate log(a − b) + 1: log(a − b) is not a real number: a − b is -1, and log needs an argument > 0. "
     "Check the values of a, b."),
    ("sqrt(x)", "x in R", {"x": -1},
     "sqrt(x) is not a real number: x is -1, and the power 1/2 needs a base >= 0. Check the value of x."),
    ("sum(log(X w))", "X: n x d, w: d", {"X": np.eye(3), "w": [1, -2, 3]},
     "cannot evaluate sum(log(X w)): entry 2 of log(X w) is not a real number; there X w is -2, and log needs an "
     "argument > 0. Check the values of X, w."),
    ("tr(log(A))", "A: n x n", {"A": [[1, 2], [2, -1]]},
     "cannot evaluate tr(log(A)): entry (2, 2) of log(A) is not a real number; there A is -1, and log needs an "
     "argument > 0. Check the value of A."),
    ("sum(i, log(x[i]))", "x: n", {"x": [1, 2, -3]},
     "cannot evaluate sum(i, log(x[i])): log(x[3]) is not a real number: x[3] is -3, and log needs an argument > 0. "
     "Check the value of x."),
    ("sum(i, sum(j, log(A[i,j])))", "A: n x m", {"A": [[1, 2], [3, -4]]},
     "cannot evaluate sum(i, sum(j, log(A[i, j]))): log(A[2, 2]) is not a real number: A[2, 2] is -4, and log needs "
     "an argument > 0. Check the value of A."),
    ("x/y", "x in R, y in R", {"x": 0, "y": 0},
     "x/y is not a real number: x is 0 and 1/y is inf. Check the values of x, y."),
    ("-sum(y .* log(p))", "y: n, p: n", {"y": [1, 0], "p": [0.5, 0]},
     "cannot evaluate −sum(y ⊙ log(p)): entry 2 of y ⊙ log(p) is not a real number; there y is 0 and log(p) is -inf. "
     "Check the values of p, y."),
    ("x^p", "x in R, p in R", {"x": -2, "p": 0.5},
     "x^p is not a real number: x is -2 and p is 0.5, and the power p needs a base >= 0. Check the values of p, x."),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("text", "declarations", "values", "message"), CASES, ids=[c[0] for c in CASES])
def test_the_guilty_piece_is_named(text, declarations, values, message):
    with pytest.raises(DomainError) as caught:
        sml.parse(text, where=declarations).evaluate(values)
    assert str(caught.value) == message


def test_what_was_not_a_number_before_stays_so():
    assert np.isnan(sml.parse("log(x)", where="x in R").evaluate(x=float("nan")))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_infinite_values_are_numpys():
    assert sml.parse("log(x)", where="x in R").evaluate(x=0.0) == -np.inf


def test_generated_functions_are_plain_numpy():
    gradient = sml.derive("sum(x .* log(x))", wrt="x", where="x: n").lambdify("gradient")
    with np.errstate(all="ignore"):
        assert np.isnan(gradient(np.array([1.0, -1.0]))).tolist() == [False, True]
