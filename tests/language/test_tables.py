"""Symbol tables: free and bound names, conflicts, cost of long chains."""

import time

import pytest
import sympy as sp

from symml.errors import DeclarationError
from symml.language.declarations import declare
from symml.language.expressions import Action, make
from symml.language.function import call
from symml.language.indices import differential_of, index, sum_over
from symml.language.operators import add, complete, eye, symbol
from symml.language.tables import symbol_table
from symml.language.where import expand_names, where

X, y, w, lam, S = declare("X: n x d, y: n, w: d, lam > 0, S: d x d symmetric")
n, d = X.shape


def test_symbols_scalars_and_dimensions():
    e = lam * (X * w - y)
    assert e.free_symbols == {X, w, y, lam, n, d}
    assert symbol_table(eye(d) * sp.Symbol("a")) == {"d": d, "a": sp.Symbol("a")}
    assert str(e.declarations).splitlines()[:3] == ["X: n x d", "w: d", "y: n"]
    assert e.declarations["λ"] == lam


def test_index_names_and_directions_are_bound():
    i = index("i", n)
    assert sum_over(i, (X[i].T * w - y[i]) ** 2).free_symbols == {X, w, y, n, d}
    r = symbol("r", (n,))
    named = where(r.T * r, {r: X * w - y})
    assert named.free_symbols == {X, w, y, n, d}
    assert expand_names(named) is (X * w - y).T * (X * w - y)
    dS = differential_of(S)
    assert dS.properties == {"symmetric"}
    assert make(Action, (dS, S * dS * S), ("H",), (d, d, d, d)).free_symbols == {S, d}


def test_later_names_may_be_used():
    r, s = symbol("r", (n,)), symbol("s", (d,))
    named = where(r.T * r, {r: X * s - y, s: 2 * w})
    assert expand_names(named) is (2 * X * w - y).T * (2 * X * w - y)


def test_two_symbols_of_one_name_are_an_error():
    other = declare("w: n")
    with pytest.raises(DeclarationError, match=r"w: d.*w: n"):
        symbol_table(add(call("sum", (w,)), call("sum", (other,))))
    with pytest.raises(DeclarationError, match="lam"):
        sp.Symbol("lam", negative=True) * w + lam * w


def test_sympy_symbols_are_completed():
    e = sp.Symbol("lam") * w + lam * w
    assert e is 2 * lam * w
    assert (sp.Symbol("n") * y).free_symbols == {n, y}
    assert complete(symbol("S", (d, d)) * sp.Symbol("lam"), {"S": S, "lam": lam}) is lam * S


def test_long_chains_stay_cheap():
    start = time.perf_counter()
    e = w
    for _ in range(2000):
        e = call("tanh", (e,)) + w
    assert e.free_symbols == {w, d}
    assert time.perf_counter() - start < 2
