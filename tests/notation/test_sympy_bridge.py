"""SymPy in and out: values agree on both sides; what has no class is named."""

import numpy as np
import pytest
import sympy as sp

from symml.errors import DataError, NotSupportedError
from symml.language.declarations import declare
from symml.language.expressions import Action, Einstein, make
from symml.language.function import call
from symml.language.indices import index, sum_over
from symml.language.operators import (
    apply_lambda,
    as_expression,
    complete,
    elementwise_power,
    elementwise_product,
    ones,
    symbol,
)
from symml.language.tables import symbol_table
from symml.language.where import where
from symml.notation.sympy_bridge import from_sympy, to_sympy

X, y, w, lam, A, S = declare("X: n x d, y: n, w: d, lam > 0, A: d x d, S: d x d spd")
n, d = X.shape
rng = np.random.default_rng(0)
V = {"X": rng.normal(size=(4, 3)), "y": rng.normal(size=4), "w": rng.normal(size=3), "lam": 0.7, "n": 4, "d": 3}
V["A"] = rng.normal(size=(3, 3))
V["S"] = V["A"] @ V["A"].T + np.eye(3)
r = X * w - y
m = sp.Symbol("m")
Z, x = sp.MatrixSymbol("Z", m, m), sp.MatrixSymbol("x", m, 1)
z = sp.Symbol("z")


def f(name, *args):
    return call(name, tuple(as_expression(a) for a in args))


OUT = [
    r,
    r.T * r,
    f("sumsq", r) / 2 + lam / 2 * f("norm", w),
    A**-1 * w,
    f("trace", A * A),
    f("logdet", A) + f("logdet", S),
    f("exp", X * w) + lam,
    f("sum", X),
    f("mean", X),
    f("diag", w) * A,
    f("diag", A),
    f("kron", A, w),
    elementwise_product(w, w),
    elementwise_power(w, -2),
    w.T * A,
    f("rowsum", X),
    f("logsumexp", X * w),
    f("softmax", w),
    f("sigmoid", w),
    f("norm1", w),
    A**3,
    w[0] * w,
    X[0],
    X[:, 1],
    A[0, 2],
    w[-1],
    ones(n) * w.T + X,
    lam * w.T * w + lam,
    f("max", w, 0),
    f("logsumexp", X),
    sp.pi * w,
    (w.T * w) ** lam,
    apply_lambda(sp.Lambda(z, z**2 * lam), w),
    f("dot", A, S),
    as_expression(lam**2),
    w + w.T * w,
    where(symbol("r", (n,)).T * y, {symbol("r", (n,)): r}),
]


@pytest.mark.parametrize("k", range(len(OUT)))
def test_there_and_back(k):
    e = OUT[k]
    back = complete(from_sympy(to_sympy(e)), symbol_table(e))
    assert back.shape == e.shape
    assert np.allclose(back.evaluate(V), e.evaluate(V), rtol=1e-12)


def test_known_forms():
    Xs, ws = sp.MatrixSymbol("X", n, d), sp.MatrixSymbol("w", d, 1)
    assert (X * w).to_sympy() == Xs * ws
    assert (w.T * w).to_sympy() == sp.Trace(ws.T * ws)
    assert f("logdet", S).to_sympy() == sp.log(sp.Determinant(sp.MatrixSymbol("S", d, d)))
    assert as_expression(lam).to_sympy() == lam
    assert from_sympy(sp.MatrixSymbol("B", 3, 1)).shape == (3,)
    assert from_sympy(sp.MatrixSymbol("B", 1, 3)).shape == (1, 3)
    assert from_sympy(sp.OneMatrix(1, m) * x).shape == ()


ZV, XV = np.array([[2.0, 0.3], [-0.4, 1.5]]), np.array([0.7, -1.2])
IN = [
    (sp.log(sp.Determinant(Z)), np.log(np.linalg.det(ZV))),
    (sp.Trace(Z.T * Z) + 1, np.sum(ZV**2) + 1),
    (x.T * Z * x, XV @ ZV @ XV),
    (Z**2, ZV @ ZV),
    (Z.inv() * x, np.linalg.solve(ZV, XV)),
    (x.applyfunc(sp.exp), np.exp(XV)),
    (sp.HadamardProduct(x, x), XV * XV),
    (Z[0, 1] * x, 0.3 * XV),
    (sp.exp(-sp.Trace(x.T * Z * x)), np.exp(-XV @ ZV @ XV)),
    (Z + sp.Identity(m) * m, ZV + 2 * np.eye(2)),
    (sp.ZeroMatrix(m, m) + Z, ZV),
    (sp.OneMatrix(m, 1) - x, 1 - XV),
    (sp.KroneckerProduct(Z, x), np.kron(ZV, XV[:, None])),
    (sp.DiagMatrix(x) * Z, np.diag(XV) @ ZV),
    (sp.HadamardPower(x, 2), XV**2),
    (sp.Max(sp.Trace(Z), 0), 3.5),
    (Z[:, 0], ZV[:, 0]),
    (Z[0, :], ZV[:1]),
    (Z.T - Z, ZV.T - ZV),
    (x.applyfunc(sp.Lambda(z, z**2 + 1)), XV**2 + 1),
    (sp.exp(sp.Trace(Z)) / sp.Determinant(Z), np.exp(3.5) / np.linalg.det(ZV)),
]


@pytest.mark.parametrize("k", range(len(IN)))
def test_sympy_comes_in_with_its_value(k):
    value, want = IN[k]
    found = as_expression(value).evaluate(Z=ZV, x=XV, m=2)
    assert np.shape(found) == np.shape(want)
    assert np.allclose(found, want)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (sp.BlockMatrix([[Z, Z]]), "BlockMatrix"),
        (sp.Sum(x[z, 0], (z, 0, m - 1)), "Sum"),
        (Z[z, 0], "symbolic position"),
        (sp.besselj(0, sp.Trace(Z)), "besselj"),
    ],
)
def test_unknown_classes_are_named(value, name):
    with pytest.raises(NotSupportedError, match=name):
        as_expression(value)


def test_unknown_nodes_are_named():
    i = index("i", n)
    for e, name in ((sum_over(i, X[i]), "BoundSum|Index"), (f("expm", A), "expm"), (f("normnuc", A), "normnuc")):
        with pytest.raises(NotSupportedError, match=name):
            to_sympy(e)


def number(entry, values):
    entry = sp.sympify(entry)
    known = {}
    for s in entry.free_symbols:
        name, *spot = s.name.split("_")
        known[s] = sp.Float(float(np.asarray(values[name])[tuple(map(int, spot))]), 20)
    return float(entry.xreplace(known).evalf(17))


EXPLICIT = [
    *(e for e in OUT if symbol_table(e).get("n")),
    f("det", A),
    f("toeplitz", w),
    f("normpdf", w),
    f("vec", A),
    f("max", w),
    sum_over(index("i", n), (X[index("i", n)].T * w - y[index("i", n)]) ** 2),
    sum_over(index("i", n), index("i", n) * X[index("i", n)]),
    make(Action, (symbol("dA", (d, d)), A * symbol("dA", (d, d)) * A), ("H",), (d, d, d, d)),
    make(Einstein, (A, w), (("ii", "k"), "kk"), (d, d)),
    make(Einstein, (X, w), (("ij", "j"), "i"), (n,)),
    f("softmax", X),
    f("sum", f("power", w + 9, w)),
]


@pytest.mark.parametrize("k", range(len(EXPLICIT)))
def test_entries_have_the_value(k):
    e = EXPLICIT[k]
    entries = e.as_explicit(n=4, d=3)
    flat = (
        list(entries)
        if isinstance(entries, sp.MatrixBase)
        else sp.flatten(entries)
        if isinstance(entries, sp.NDimArray)
        else [entries]
    )
    got = [number(x, V) for x in flat]
    assert np.allclose(got, np.ravel(e.evaluate(V)), rtol=1e-10)


def test_entries_keep_what_is_declared():
    entries = S.as_explicit(d=2)
    assert entries[0, 1] == entries[1, 0]
    L = declare("L: d x d lower triangular")
    assert L.as_explicit(d=2)[0, 1] == 0
    assert w.as_explicit(d=2).shape == (2, 1)
    assert w.T.as_explicit(d=2).shape == (1, 2)
    assert as_expression(n + lam).as_explicit(n=3) == 3 + lam
    with pytest.raises(DataError, match="no size for d"):
        S.as_explicit()
