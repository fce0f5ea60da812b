"""Python operators with SymPy and NumPy on either side, and NumPy functions."""

from fractions import Fraction

import numpy as np
import pytest
import sympy as sp

import symml.notation.sympy_bridge  # noqa: F401
from symml.errors import DataError, DomainError, NotSupportedError, ShapeError
from symml.language.declarations import declare
from symml.language.expressions import BoundSum, Expression
from symml.language.function import call
from symml.language.indices import index, sum_over
from symml.language.operators import literal, multiply_any, scalar

X, y, w, lam, S, u = declare("X: n x d, y: n, w: d, lam > 0, S: d x d spd, u: 2")
n, d = X.shape
a = sp.Symbol("a")
M = sp.Matrix([[1, 2], [3, 4]])

SAME = {
    "numpy scalar left": (lambda: np.float64(2) * w, lambda: 2 * w),
    "numpy scalar right": (lambda: w * np.float64(2), lambda: 2 * w),
    "numpy int": (lambda: np.int64(3) * w, lambda: 3 * w),
    "numpy float32 is its shortest decimal": (lambda: np.float32(0.1) * w, lambda: sp.Rational(1, 10) * w),
    "0-d array": (lambda: np.array(2.0) * w, lambda: 2 * w),
    "float": (lambda: 0.1 * w, lambda: sp.Rational(1, 10) * w),
    "Fraction": (lambda: Fraction(1, 3) * w, lambda: w / 3),
    "sympy Float": (lambda: sp.Float(0.1) * w, lambda: sp.Rational(1, 10) * w),
    "sympy expression with a float": (lambda: lam * 0.1 * w, lambda: lam / 10 * w),
    "sympy symbol": (lambda: a * X, lambda: X * a),
    "sympy rational": (lambda: sp.Rational(1, 2) * X + 1, lambda: 0.5 * X + 1),
    "pi": (lambda: X / sp.pi, lambda: X * (1 / sp.pi)),
    "dimension": (lambda: n * w, lambda: w * n),
    "sympy minus": (lambda: lam - w, lambda: scalar(lam) - w),
    "sum": (lambda: sum([w, w]), lambda: 2 * w),
    "matmul": (lambda: X @ w, lambda: X * w),
    "matmul scalar": (lambda: w @ 3, lambda: 3 * w),
    "sympy divided by ours": (lambda: lam / (w.T * w), lambda: lam * (w.T * w) ** -1),
    "sympy matrix left": (lambda: M * u, lambda: literal(M) * u),
    "sympy matrix right": (lambda: u.T * M, lambda: u.T * literal(M)),
    "sympy matrix plus": (lambda: sp.Matrix([1, 2]) + u, lambda: literal(sp.Matrix([1, 2])) + u),
    "sympy matrix minus": (lambda: sp.ImmutableMatrix([1, 2]) - u, lambda: literal(sp.Matrix([1, 2])) - u),
    "sympy matrix at": (lambda: M @ u, lambda: M * u),
    "matrix symbol left": (lambda: sp.MatrixSymbol("X", sp.Symbol("n"), sp.Symbol("d")) * w, lambda: X * w),
    "matrix symbol right": (lambda: y.T * sp.MatrixSymbol("X", n, d), lambda: y.T * X),
    "matrix symbol means the declared symbol": (lambda: S + sp.MatrixSymbol("S", d, d), lambda: 2 * S),
    "np.exp": (lambda: np.exp(X * w), lambda: call("exp", (X * w,))),
    "np.matmul": (lambda: np.matmul(X, w), lambda: X * w),
    "np.add": (lambda: np.add(w, 2.5), lambda: w + 2.5),
    "np.divide": (lambda: np.divide(w, 2), lambda: w / 2),
    "np.abs": (lambda: np.abs(w), lambda: abs(w)),
    "np.square of a scalar": (lambda: np.square(w.T * w), lambda: (w.T * w) ** 2),
    "np.multiply is elementwise": (lambda: np.multiply(S, S), lambda: call("mul", (S, S))),
    "np.multiply by a number": (lambda: np.multiply(w, 2), lambda: 2 * w),
    "np.divide is elementwise": (lambda: np.divide(w, w + 2), lambda: call("div", (w, w + 2))),
    "np.power is elementwise": (lambda: np.power(S, 2), lambda: call("power", (S, scalar(2)))),
    "np.square is elementwise": (lambda: np.square(S), lambda: call("power", (S, scalar(2)))),
    "np.negative": (lambda: np.negative(w), lambda: -w),
    "np.maximum": (lambda: np.maximum(w, 0), lambda: call("max", (w, scalar(0)))),
}


@pytest.mark.parametrize("name", SAME)
def test_operands_mix(name):
    found, want = (build() for build in SAME[name])
    assert isinstance(found, Expression)
    assert found is want


REFUSED = {
    "array left": (lambda: np.ones(3) * w, DataError, "evaluate"),
    "array right": (lambda: w * np.ones(3), DataError, "evaluate"),
    "array matmul": (lambda: np.ones((3, 3)) @ w, DataError, "evaluate"),
    "array plus": (lambda: np.ones(3) + w, DataError, "evaluate"),
    "array minus": (lambda: w - np.ones(3), DataError, "evaluate"),
    "array divided": (lambda: np.ones(3) / w, DataError, "evaluate"),
    "divided by array": (lambda: w / np.ones(3), DataError, "evaluate"),
    "array power": (lambda: w ** np.ones(3), DataError, "evaluate"),
    "np.arccos": (lambda: np.arccos(w), NotSupportedError, "arccos"),
    "np.add.reduce": (lambda: np.add.reduce(w), NotSupportedError, "reduce"),
    "nan": (lambda: np.nan * w, DomainError, "finite"),
    "infinity": (lambda: sp.oo * w, DomainError, "finite"),
    "complex": (lambda: sp.I * w, DomainError, "real"),
    "python complex": (lambda: 1j * w, DomainError, "real"),
    "truth value": (lambda: True * w, DataError, "truth"),
    "text": (lambda: w * "a", TypeError, ""),
    "none": (lambda: w + None, TypeError, ""),
    "vector times vector": (lambda: w * w, ShapeError, "dot"),
    "vector power": (lambda: w**2, ShapeError, "elementwise"),
    "numpy number over a vector": (lambda: np.float64(2) / w, ShapeError, "elementwise"),
    "numpy number to a vector": (lambda: np.float64(2) ** w, ShapeError, "scalar"),
    "scalar symbol plus square": (lambda: X.T * X + lam, ShapeError, "eye"),
    "sympy function of a product": (lambda: sp.sin(w.T * w), sp.SympifyError, ""),
    "unknown SymPy class": (
        lambda: w * sp.BlockMatrix([[sp.MatrixSymbol("Z", d, d)]]),
        NotSupportedError,
        "BlockMatrix",
    ),
    "truth of an expression": (lambda: bool(w), TypeError, "sml.equal"),
    "order": (lambda: w < 1, TypeError, "sml.equal"),
    "sum over a name": (lambda: sum_over("i", w), ShapeError, "index"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_operands_refused(name):
    build, error, message = REFUSED[name]
    with pytest.raises(error, match=message or None):
        build()


def test_scalars_convert_to_sympy():
    assert sp.exp(scalar(lam)) == sp.exp(lam)


def test_indices():
    i = index("i", n)
    e = sum_over(i, i * y[i])
    assert isinstance(e, BoundSum)
    assert e.shape == ()
    assert sum_over(i, X[i]).shape == (d,)
    with pytest.raises(ShapeError, match="axis 1"):
        X[:, i]


def test_a_transposed_row_is_a_vector():
    assert (w.T * S).T.shape == (d,)
    assert multiply_any((w.T * S).T, w.T).shape == (d, d)
