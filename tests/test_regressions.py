"""Traps: where other tools answer 0, where a rule is missing, where a fact about the variable must wait."""

from __future__ import annotations

import sys

import pytest
import sympy as sp

import symml as sml
from symml.calculus.construct import operator
from symml.calculus.nodes import Leaf
from symml.calculus.reverse import derivative
from symml.errors import MissingRuleError
from symml.forms.lowering import leaf_of
from symml.language.function import Function, functions

WHERE = (
    "X: n x n invertible, Z: n x n invertible, A: n x n, B: n x n, x: n, w: d, r: n, D: n x d, W: d x h, V: h x k, "
    "Y: n x k, lam > 0, y: n"
)
# objective, variable, gradient; SymPy 1.14 gives 0, a part of it, a product of shapes that do not fit, or no value
PITFALLS = [
    ("log(det(X))", "X", "inv(X)'"), ("-logdet(Z) + tr(Z A)", "Z", "A' - inv(Z)'"), ("tr(X) + 1", "X", "eye(n)"),
    ("tr(X) + tr(X^2)", "X", "eye(n) + 2 X'"),
    ("tr((D w - r)' (D w - r)) + lam tr(w' w)", "w", "2 D' (D w - r) + 2 lam w"),
    ("exp(-tr(x' A x))", "x", "-exp(-x' A x)*(A + A') x"), ("exp(tr(A X))", "X", "exp(tr(A X))*A'"),
    ("log(sum(exp(x)))", "x", "exp(x)/sum(exp(x))"), ("log(sum(exp(D w)))", "w", "D' exp(D w)/sum(exp(D w))"),
    ("tr(x' A x)/tr(x' x)", "x", "(A + A') x/(x'x) - 2*(x' A x)*x/(x'x)^2"),
    ("sumsq(sigmoid(D W) V - Y)", "W",
     "2 D' (((sigmoid(D W) V - Y) V') .* sigmoid(D W) .* (1 - sigmoid(D W)))"),
    ("det(X)", "X", "det(X)*inv(X)'"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wrt", "gradient"), PITFALLS)
def test_our_answer_where_others_are_silent(text, wrt, gradient):
    d = sml.derive(text, wrt=wrt, where=WHERE)
    want = sml.parse(gradient, where=WHERE)
    assert sml.equal(d.gradient, want).ok
    assert d.check(method="sympy").verdict == "proved"
    assert str(d.gradient) != "0"


def test_a_function_without_a_rule_is_refused(monkeypatch):
    record = Function(name="mystery", kind="elementwise", statement="no rule", source="none", numpy=lambda x: x)
    monkeypatch.setitem(functions(), "mystery", record)
    monkeypatch.setattr(sys.modules["symml.language.function"], "spellings", lambda: {**functions(), "mystery": record})
    from symml.language.function import call

    x = sml.declare("x: n")
    with pytest.raises(MissingRuleError, match="mystery"):
        sml.derive(sml.sum(call("mystery", (x,))), wrt=x).gradient  # noqa: B018


def test_a_primitive_without_a_rule_is_refused():
    x = leaf_of(sml.declare("x: n"))
    assert isinstance(x, Leaf)
    node = operator("unheard_of", (x,), ())
    with pytest.raises(MissingRuleError, match="unheard_of"):
        derivative(node, x)


@pytest.mark.parametrize("text", ["max(x)", "sum(eigmaxprojector(A) x)", "x' toeplitz(x) x"])
def test_no_silent_zero(text):
    d = sml.derive(text, wrt="x" if "x" in text.replace("max", "") else "A", where="x: n, A: n x n symmetric")
    try:
        gradient = d.gradient
    except sml.SymmlError:
        return
    assert str(gradient) != "0"


# A fact about the variable itself would change its derivative, were it used before differentiating.
FACTS = [
    ("tr(S' B)", "S", "S: n x n symmetric, B: n x n", "B"),
    ("tr(S B S)", "S", "S: n x n symmetric, B: n x n", "S B' + B' S"),
    ("sum(p)^2", "p", "p: n simplex", "2 ones(n)"),
    ("sum(p .* c)/sum(p)", "p", "p: n simplex, c: n", "c - (c'p)*ones(n)"),
    ("tr(Q' Q A)", "Q", "Q: n x n orthogonal, A: n x n", "Q (A + A')"),
    ("tr(inv(Q) A)", "Q", "Q: n x n orthogonal, A: n x n", "-Q A' Q"),
    ("sum(s.^2 .* c)", "s", "s: n in {-1,1}, c: n", "2 s .* c"),
    ("sum(M .* M .* A)", "M", "M: n x d mask, A: n x d", "2 M .* A"),
    ("sum(M.^3)", "M", "M: n x d mask", "3 M"),
    ("x' P P x", "P", "P: n x n idempotent, x: n", "x x' P' + P' x x'"),
    ("sum(rowsum(Y).^2)", "Y", "Y: n x k one-hot rows", "2 ones(n, k)"),
    ("norm(u)^4", "u", "u: n unit norm", "4 u"),
    ("tr(D D)", "D", "D: n x n diagonal", "2 D"),
    ("sum(D)", "D", "D: n x n diagonal", "ones(n, n)"),
    ("tr(L L')", "L", "L: n x n lower triangular", "2 L"),
    ("logdet(S)", "S", "S: n x n spd", "inv(S)"),
    ("sum(max(v, 0))", "v", "v: n positive", "ones(n)"),
]


@pytest.mark.parametrize(("text", "wrt", "where", "gradient"), FACTS)
def test_facts_of_the_variable_wait(text, wrt, where, gradient):
    d = sml.derive(text, wrt=wrt, where=where)
    report = d.check(claim=gradient)
    assert report.passed is True, str(report)
    exact = d.check(method="sympy")
    assert exact.passed is True, str(exact)
    claimed = d.check(claim=gradient, method="sympy")
    assert claimed.passed is True, str(claimed)


def test_symmetric_layout_counts_both_entries():
    d = sml.derive("tr(B S)", wrt="S", where="S: n x n symmetric, B: n x n", layout="symmetric")
    assert d.check(claim="B + B' - diag(diag(B))", method="sympy").passed is True
    assert d.check(claim="B + B'", method="sympy").passed is False
    assert sml.equal(d.gradient, sml.parse("B + B' - diag(diag(B))", where="B: n x n")).ok


def test_sympy_still_answers_zero():
    """The reason for all this; when it fails, SymPy has been mended and the table of pitfalls can shrink."""
    n = sp.Symbol("n", integer=True, positive=True)
    X = sp.MatrixSymbol("X", n, n)
    assert str(sp.log(sp.Determinant(X)).diff(X)) == "0"
