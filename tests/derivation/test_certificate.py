"""Exact certificates: every case is proved, what is slightly wrong is found, what has no entries is unchecked."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import sympy as sp

import symml as sml
from symml.checking.kernels import side, smooth_pieces
from symml.checking.vanishing import Facts, vanish
from symml.language.scalar_functions import sigmoid, softplus

sys.path.insert(0, str(Path(__file__).parent.parent))
from casework import cases, derived

NO_ENTRIES = {"nuclear", "tr_sqrt", "tr_expm", "notears"}  # functions of a matrix SymPy does not write out in entries


@pytest.mark.parametrize("name", cases())
def test_every_case_is_proved(name):
    d, _ = derived(name)
    report = d.check(order=2 if cases()[name]["kind"] == "hessian" else 1, method="sympy")
    assert report.verdict == ("unchecked" if name in NO_ENTRIES else "proved"), str(report)
    assert report.passed is (None if name in NO_ENTRIES else True)


CLAIMS = [
    ("1/2*||X w - y||^2", "w", "X: n x d, y: n, w: d", ["1.001 X'(X w - y)", "X'(X w + y)", "-X'(X w - y)", "X' X w"]),
    ("tr(A X)", "X", "A: n x n, X: n x n", ["A", "2 A'", "A' - A"]),
    ("logdet(S)", "S", "S: n x n spd", ["S", "inv(S)/2", "-inv(S)", "inv(S) inv(S)"]),
    ("sum(log(1 + exp(-s .* (X w))))", "w", "X: n x d, s: n in {-1,1}, w: d",
     ["-X'(s .* sigmoid(s .* (X w)))", "X'(s .* X w)"]),
    ("norm(x)", "x", "x: n", ["x", "x/norm(x)^2", "2 x/norm(x)"]),
    ("sum(relu(X w))", "w", "X: n x d, w: d", ["X' relu(X w)", "X' ones(n)"]),
    ("x^a", "x", "x > 0, a > 0", ["a*x^a", "x^(a - 1)"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wrt", "where", "wrong"), CLAIMS)
def test_wrong_claims_have_a_counterexample(text, wrt, where, wrong):
    d = sml.derive(text, wrt=wrt, where=where)
    for claim in wrong:
        report = d.check(claim=claim, method="sympy")
        assert report.passed is False, claim
        assert report.verdict == "wrong"
        assert report.counterexample is not None
        assert "SymPy gives" in report.located


def test_wrong_hessian_is_found():
    d = sml.derive("x' A x", wrt="x", where="A: n x n, x: n")
    assert d.check(order=2, method="sympy").verdict == "proved"
    assert d.check(claim="2 A", order=2, method="sympy").passed is False


def test_a_relation_with_no_full_parametrisation_holds_only():
    """Idempotent matrices are drawn of rank one: the comparison is exact there, and says so."""
    d = sml.derive("x' P x", wrt="x", where="P: n x n idempotent symmetric, x: n")
    report = d.check(method="sympy")
    assert report.verdict == "holds"
    assert "50 digits" in report.verdict.certificate
    assert "SymPy" in str(report)


def test_sizes_are_small_and_differ():
    report = sml.derive("1/2*||X w - y||^2", wrt="w", where="X: n x d, y: n, w: d").check(method="sympy")
    assert dict(report.sizes) == {"d": 2, "n": 3}
    literal = sml.derive("norm(X w)^2", wrt="w", where="X: 4 x d, w: d").check(method="sympy")
    assert dict(literal.sizes) == {"d": 2} or dict(literal.sizes) == {"d": 3}


def test_sizes_used_as_numbers_all_differ():
    report = sml.derive("mean(X w) + sum(w)/d", wrt="w", where="X: n x d, w: d").check(method="sympy")
    assert report.verdict == "proved"
    assert report.sizes["n"] != report.sizes["d"]


def test_what_is_too_large_is_judged_by_digits():
    d = sml.derive("norm(inv((W W') (W W')' + 2*eye(d)) v)", wrt="W", where="W: d x k, v: d")
    assert d.check(method="sympy").verdict == "holds"


# -- the zero test ------------------------------------------------------------------------------------------------
x, y, z = sp.symbols("x y z", real=True)
p = sp.Symbol("p", positive=True)
ZERO = [
    sp.sin(x) ** 2 + sp.cos(x) ** 2 - 1, sp.exp(x + y, evaluate=False) - sp.exp(x) * sp.exp(y),
    1 / (1 + sp.exp(-x)) - sigmoid(x), sigmoid(-x) - 1 + sigmoid(x), sp.tanh(x) - 2 * sigmoid(2 * x) + 1,
    sp.sqrt(8 * x**2 + 8 * y**2) - 2 * sp.sqrt(2) * sp.sqrt(x**2 + y**2), p ** (x - 1) * p - p**x,
    softplus(x) - sp.log(1 + sp.exp(x)), (x + y) ** -1 - (x - y) / (x**2 - y**2),
    smooth_pieces(sp.Abs(x * y + z)).diff(x) - y * side(x * y + z), smooth_pieces(sp.Max(x, y) + sp.Min(x, y)) - x - y,
]  # fmt: skip
NOT_ZERO = [
    x * y, sp.sin(x) ** 2 - sp.cos(x) ** 2, sp.exp(x + y) - sp.exp(x), sp.sqrt(x**2 + y**2) - x - y,
    sigmoid(x) - sp.tanh(x), x**3 - x, sp.sqrt(x**2 + 1) - 1, smooth_pieces(sp.Abs(x)) - x,
]  # fmt: skip


@pytest.mark.parametrize("e", ZERO, ids=str)
def test_zero_is_proved(e):
    assert vanish([e], Facts())


@pytest.mark.parametrize("e", NOT_ZERO, ids=str)
def test_what_is_not_zero_is_not_proved(e):
    assert not vanish([e], Facts())


def test_facts_reduce():
    assert vanish([x**3 - x], Facts({x: (-1, 1)}))
    assert vanish([x**2 - x], Facts({x: (0, 1)}))
    assert not vanish([x**2 - x], Facts({x: (-1, 1)}))
    assert vanish([x * y * z], Facts(exclusive=(frozenset({x, y}),)))
