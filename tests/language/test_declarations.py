"""Declarations: text, mappings and symbols in; symbols out; anything doubtful is an error."""

import pickle

import pytest
import sympy as sp

from symml.errors import DeclarationError
from symml.language.declarations import declare, describe, read_declarations
from symml.language.expressions import Symbol
from symml.language.properties import BY_NAME
from symml.language.symbols import ScalarSymbol, dimension

n, d, k = dimension("n"), dimension("d"), dimension("k")

GOOD = [
    ("X: n x d, y: n, w: d, lambda > 0", ["X: n x d", "y: n", "w: d", "lam > 0", "n dimension", "d dimension"]),
    ("S: d x d spd", ["S: d x d, spd", "d dimension"]),
    ("S: d x d, symmetric, spd", ["S: d x d, spd", "d dimension"]),
    ("S: d x d positive definite", ["S: d x d, spd", "d dimension"]),
    ("y: n in {0,1}", ["y: n, in {0,1}", "n dimension"]),
    (
        "y: n, in {-1, 1}; p in (0,1)\nq: d simplex",
        ["y: n, in {-1,1}", "p in (0,1)", "q: d, simplex", "n dimension", "d dimension"],
    ),
    ("X: n x d full column rank", ["X: n x d, full column rank", "n dimension", "d dimension"]),
    ("n dimension", ["n dimension"]),
    ("n: positive, integer; X: n x d", ["n dimension", "X: n x d", "d dimension"]),
    ("n, X: n x d", ["n dimension", "X: n x d", "d dimension"]),
    (r"X in \mathbb{R}^{n\times d}, w \in \mathbb R^d", ["X: n x d", "w: d", "n dimension", "d dimension"]),
    ("X: R^{n x d}", ["X: n x d", "n dimension", "d dimension"]),
    (
        "x: d x 1, A: (n, d), B: 3 x 4, C: n×d",
        ["x: d", "A: n x d", "B: 3 x 4", "C: n x d", "d dimension", "n dimension"],
    ),
    ("T: B x n x d", ["T: B x n x d", "B dimension", "n dimension", "d dimension"]),
    ("0 < p < 1", ["p in (0,1)"]),
    ("x ~ Normal(mu, sigma^2)", ["x ~ Normal(mu, sigma^2)"]),
    ("y: n ~ Poisson(exp(X b))", ["y: n, ~ Poisson(exp(X b))", "n dimension"]),
    ("a >= 2, b <= 0, c < 0, e in [0, oo), f in (-1, 1]", ["a >= 2", "b <= 0", "c < 0", "e >= 0", "f in (-1,1]"]),
    ("g in {5,1,2}, h > 1/2, t in R", ["g in {1,2,5}", "h > 1/2", "t"]),
    ("k: nonnegative, integer", ["k >= 0, integer"]),
    ("P: n x n, symmetric, idempotent", ["P: n x n, symmetric, idempotent", "n dimension"]),
    ("Y: n x k, one-hot rows", ["Y: n x k, one-hot rows", "n dimension", "k dimension"]),
    ("v: n, > 0; u: n positive", ["v: n, positive", "u: n, positive", "n dimension"]),
    (
        r"\mathbf{W}^{(1)}: n x d, \hat w: d, k_{**} > 0",
        ["W1: n x d", "w_hat: d", "k_starstar > 0", "n dimension", "d dimension"],
    ),
    (r"\sigma^2 > 0, \tau_n^2 > 0", ["sigma_sq > 0", "tau_n_sq > 0"]),
    ("X: n x d, X: n x d", ["X: n x d", "n dimension", "d dimension"]),
    ("x random iid", ["x iid"]),
]


@pytest.mark.parametrize(("text", "want"), GOOD, ids=[g[0] for g in GOOD])
def test_reads(text, want):
    table = read_declarations(text)
    assert [describe(s) for s in table.values()] == want


@pytest.mark.parametrize("text", [g[0] for g in GOOD])
def test_description_reads_back(text):
    table = read_declarations(text)
    assert read_declarations("; ".join(describe(s) for s in table.values())) == table


BAD = [
    ("w: 1 x d", "write w'"),
    ("w: d postive", "Did you mean 'positive'"),
    ("lam: postive", "Did you mean 'positive'"),
    ("x: n x n, symetric", "Did you mean 'symmetric'"),
    ("S: n x d symmetric", "symmetric needs a square matrix, S is n×d"),
    ("x: n x n x n spd", "square matrix"),
    ("v: d spd", "square matrix"),
    ("a simplex", "vector or matrix"),
    ("X: n x d, n > 0", "both a dimension"),
    ("X: n x d, n: nonnegative, integer", "both a dimension"),
    ("X: n x d, d: k", "both a dimension"),
    ("X: n x d, X: n x n", "'X: n x d' and as 'X: n x n'"),
    ("lam > 0, lam < 0, lam", "declared twice|contradicts"),
    ("n dimension; n > 0", "declared twice"),
    ("positive", "without a symbol"),
    ("a b", "cannot read 'b'"),
    ("X: n x", "cannot read the shape"),
    ("X: n by d", "cannot read 'by d'"),
    ("x: n*m", "cannot read the shape"),
    ("x: n-1", "cannot read the shape"),
    ("y: n in {a,b}", "must list numbers"),
    ("lam > a", "needs a number"),
    ("w: d x positive", "reserved"),
    ("p in (1,0)", "empty"),
    ("x: positive, negative", "contradicts"),
    ("n: dimension spd", "needs a square"),
    ("w: 1", "scalar"),
    ("12 > 3", "does not begin with a name"),
    ("y: n ~ Poisson(a", "not closed"),
    ("w = 3", "cannot read"),
    ("import os", "cannot read"),
    ("x: __import__('os')", "cannot read the shape"),
    (": n", "does not begin with a name"),
]


@pytest.mark.parametrize(("text", "message"), BAD, ids=[b[0] for b in BAD])
def test_refuses(text, message):
    with pytest.raises(DeclarationError, match=message):
        read_declarations(text)


def test_declare_returns_what_was_asked_for():
    X, y, w, lam = declare("X: n x d, y: n, w: d, lam > 0")
    assert (X.shape, y.shape, w.shape) == ((n, d), (n,), (d,))
    assert lam == sp.Symbol("lam", positive=True)
    assert declare("lam > 0") == lam
    assert declare({"y": "n, in {0,1}", r"\lambda": "> 0"}) == {"y": declare("y: n in {0,1}"), r"\lambda": lam}
    with pytest.raises(DeclarationError, match="nothing is declared"):
        declare("")


def test_a_symbol_is_its_declaration():
    assert declare("S: d x d spd") is declare("S: d x d, symmetric, positive definite")
    assert declare("S: d x d spd") is not declare("S: d x d symmetric")
    assert declare("W_1: n x d") is declare("W₁: n x d")


def test_scalars_are_sympy_symbols():
    p, a, j, m = declare("p in (0,1), a, j: integer, m: positive, integer")
    assert isinstance(p, ScalarSymbol)
    assert p.is_positive
    assert str(p.domain) == "in (0,1)"
    assert type(a) is sp.Symbol
    assert a.is_real
    assert j.is_integer
    assert m == dimension("m")
    assert pickle.loads(pickle.dumps(p + 1)) == p + 1
    assert p != sp.Symbol("p", positive=True)


def test_where_may_be_symbols_mapping_or_expression():
    X, w = declare("X: n x d, w: d")
    want = {"X": X, "w": w, "n": n, "d": d}
    assert read_declarations([X, w]) == want
    assert read_declarations({"X": X, "w": "d"}) == want
    assert read_declarations(X * w) == want
    assert read_declarations([X, w, sp.Symbol("n")]) == want
    assert read_declarations(None) == {}
    with pytest.raises(DeclarationError, match="declared twice"):
        read_declarations([X, "X: n x n"])
    with pytest.raises(DeclarationError, match="not int"):
        read_declarations(3)


def test_a_bold_vector_beside_a_size_of_its_letter():
    table = read_declarations({r"\mathbf{W}": "h x d", r"\mathbf{h}": "h"})
    assert table["h"].shape == (dimension("h_size"),)
    assert table["W"].shape == (dimension("h_size"), d)
    with pytest.raises(DeclarationError, match="both a dimension"):
        read_declarations({"W": "h x d", "h": "h"})


def test_every_property_word_is_read():
    shapes = {"scalar": "", "square": "d x d", "matrix": "n x d", "array": "d", "any": "d"}
    for word, row in BY_NAME.items():
        found = read_declarations({"A": f"{shapes[row.on]} {word}".strip()})["A"]
        if isinstance(found, Symbol):
            assert word in found.facts
        else:
            assert found == dimension("A")
