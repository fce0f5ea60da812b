"""Fits that must be refused, with the message a stuck user reads. A fit that passes here is a silent error."""

import numpy as np
import pytest

import symml as sml

RNG = np.random.default_rng(4)
X = RNG.normal(size=(30, 3))
Y = X @ [1.0, -2.0, 0.5] + 0.1 * RNG.normal(size=30)
CLASSES = (RNG.uniform(size=30) < 0.5).astype(float)
LEAST = ("||X w - y||^2", "w", "X: n x d, y: n, w: d")
LOGISTIC = ("sum(softplus(X w)) - dot(y, X w)", "w", "X: n x d, y: n in {0,1}, w: d")
DOUBLED = np.column_stack([X[:, :2], 2 * X[:, 1]])
LINE = np.column_stack([np.ones(30), np.arange(30.0)])
HOLED = X.copy()
HOLED[3, 1] = np.nan

CASES = [
    (LEAST, {"X": X, "y": Y[:22]}, sml.DataError, "y has 22 rows, X has 30 rows: n must be one number"),
    (LEAST, {"X": HOLED, "y": Y}, sml.DataError, "1 missing value: column 2 of X, row 4. Drop or fill"),
    (LEAST, {"X": DOUBLED, "y": Y}, sml.DataError, "X has rank 2 of 3: column 3 = 2 × column 2. Drop it or"),
    (LEAST, {"X": X[:2], "y": Y[:2]}, sml.DataError, "X has 2 rows and 3 columns: its rank is at most 2"),
    (LOGISTIC, {"X": DOUBLED, "y": CLASSES}, sml.DataError, "X has rank 2 of 3: column 3 = 2 × column 2"),
    (LOGISTIC, {"X": LINE, "y": (LINE[:, 1] > 20) * 1.0}, sml.DataError, "separated by column 2 of X at 20.5"),
    (LOGISTIC, {"X": X, "y": (Y > 0) * 1.0}, sml.DataError, "perfectly separated by a combination of the columns"),
    (LOGISTIC, {"X": X, "y": CLASSES + 1}, sml.DomainError, "is outside the declared range in {0,1}"),
    (LOGISTIC, {"X": X, "y": CLASSES, "w": 1}, sml.DataError, 'w is what is fitted: pass a first guess as start='),
    (LOGISTIC, {"X": X, "y": CLASSES, "v": 1}, sml.DataError, "v is not a symbol of the objective. It needs: X, y"),
    (LOGISTIC, {"X": X}, sml.DataError, "no value for y. Given: X"),
    (LOGISTIC, {"X": X, "y": CLASSES, "start": [1, 2]}, sml.DataError, "w has 2 entries, X has 3 columns"),
    (LOGISTIC, {"X": X, "y": CLASSES, "start": {"v": 1}}, sml.DataError, "start gives v, which is not a parameter"),
    (LOGISTIC, {"X": X, "y": CLASSES, "start": [1, 2, np.nan]}, sml.DataError, "1 missing value: w, row 3"),
    (("dot(y, X w) - sum(softplus(X w))", *LOGISTIC[1:]), {"X": X, "y": CLASSES}, sml.DataError, "put a minus sign"),
    (("-||X w - y||^2", *LEAST[1:]), {"X": X, "y": Y}, sml.DataError, "it has no minimum"),
    (("sum(abs((X w).^2 - y))", *LEAST[1:]), {"X": X, "y": Y, "start": [1, 1, 1]}, sml.DataError,
     "no convergence: no step"),
    (("X w", *LEAST[1:]), {"X": X, "y": Y}, sml.ShapeError, "only a number can be minimised"),
    (("sum(exp(X w)) - y'X w", *LEAST[1:]), {"X": np.eye(3), "y": [0.0, 1, 2]}, sml.DataError, "no finite minimum"),
    (("n*log(s) + sum((y - X w).^2)/(2*s^2)", ["w", "s"], "X: n x d, y: n, w: d, s > 0, n dimension"),
     {"X": X, "y": X @ [1.0, 2, 3]}, sml.DataError, "runs to the end of its range"),
    (("||X w - y||^2", "w", "X: n x d, y: n, w: d unit norm"), {"X": X, "y": Y}, sml.NotSupportedError, "unit norm"),
    (("||tanh(X W) v - y||^2", ["W", "v"], "X: n x d, y: n, W: d x h, v: h"), {"X": X, "y": Y}, sml.DataError,
     "the size h of W (d×h) does not follow from the data"),
    (("||tanh(X W) v - y||^2", ["W", "v"], "X: n x d, y: n, W: d x h, v: h"), {"X": X, "y": Y, "h": 2}, sml.DataError,
     "the start is a saddle point"),
]  # fmt: skip


@pytest.mark.parametrize(("objective", "values", "error", "said"), CASES)
def test_refused(objective, values, error, said):
    text, wrt, where = objective
    with pytest.raises(error) as found:
        sml.derive(text, wrt=wrt, where=where).fit(**values)
    assert said in str(found.value)


def test_the_domain_at_the_start_is_named():
    d = sml.derive("sum(exp(a)*y) - sum(log(a + y))", wrt="a", where="y: n, a")
    with pytest.raises(sml.DomainError, match=r"log\(a \+ y\) needs a \+ y > 0; a \+ y = -9 \(entry 1\) at the start"):
        d.fit(y=[1.0, 2.0], start=-10)


def test_quasi_separation_is_said():
    design = np.column_stack([np.ones(30), CLASSES * (np.arange(30) < 8), X[:, 0]])
    with pytest.raises(sml.DataError, match=r"quasi-separation.*infinite"):
        sml.derive(*LOGISTIC[:2], where=LOGISTIC[2]).fit(X=design, y=CLASSES)


@pytest.mark.parametrize(
    ("text", "covariance", "said"),
    [
        ("mean((X w - y).^2)", "loglike", "the objective is a mean"),
        ("||X w - y||^2 + lam*||w||^2", "least-squares", "several terms, such as a penalty"),
        ("sum(softplus(X w)) - dot(y, X w)", "least-squares", "needs a sum of squares"),
        ("||X w - y||^2", "hessian", "choose 'loglike' or 'least-squares'"),
    ],
)
def test_standard_errors_that_would_be_wrong(text, covariance, said):
    d = sml.derive(text, wrt="w", where="X: n x d, y: n, w: d, lam > 0")
    with pytest.raises(sml.NotSupportedError) as found:
        d.fit({"X": X, "y": CLASSES, "lam": 1.0}, covariance=covariance)
    assert said in str(found.value)


def test_no_degrees_of_freedom():
    with pytest.raises(sml.DataError, match="3 rows for 3 parameters leave no degrees of freedom"):
        sml.derive(*LEAST[:2], where=LEAST[2]).fit(X=X[:3], y=Y[:3], covariance="least-squares")
