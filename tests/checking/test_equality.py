"""Verdicts on pairs: what is proved, what holds where both sides are defined, what is refuted and where."""

import pytest

import symml as sml
from symml.calculus.nodes import walk
from symml.calculus.proving import proved_zero
from symml.checking.entrywise import zero_entrywise
from symml.errors import InternalError
from symml.forms.lowering import lower
from symml.validation import judge

PARTIAL = [
    ("log(x*y)", "log(x) + log(y)", "x in R, y in R"),
    ("log(x^2)", "2*log(x)", "x in R"),
    ("sqrt(x*y)", "sqrt(x)*sqrt(y)", "x in R, y in R"),
    ("logdet(A)", "log(det(A))", "A: n x n"),
]
NOT_PROVED = [  # proved away from kinks, or for positive bases, only
    ("sign(x).^2", "ones(n)", "x: n"),
    ("sign(x).^2", "ones(n)", "x: n in {0,1}"),
    ("sign(x).^2", "ones(n)", "x: n in {-1,0,1}"),
    ("step(x) + step(-x)", "ones(n)", "x: n"),
    ("det(A)^m", "exp(m*logdet(A))", "A: n x n, B: m x m"),
    ("c^n", "abs(c)^n", "c in R, x: n"),
    ("det(eye(n) + u v')^m", "exp(m*logdet(eye(n) + u v'))", "u: n, v: n, B: m x m"),
]
ODD = [
    ("det(A - B)", "det(B - A)", "A: n x n, B: n x n"),
    ("det(-A)", "det(A)", "A: n x n"),
    ("c^n", "abs(c)^n", "c in R, x: n"),
]


@pytest.mark.parametrize(("left", "right", "declarations"), PARTIAL, ids=[p[0] for p in PARTIAL])
def test_a_side_with_a_smaller_domain_is_told(left, right, declarations):
    found = sml.equal(left, right, where=declarations)
    assert found == "holds"
    assert "where both are defined" in found.certificate
    assert "is not a number at some points where the other side is" in found.certificate


@pytest.mark.parametrize(("left", "right", "declarations"), NOT_PROVED)
def test_what_fails_at_single_values_is_not_proved(left, right, declarations):
    assert sml.equal(left, right, where=declarations) in ("holds", "wrong")


@pytest.mark.parametrize(("left", "right", "declarations"), ODD, ids=[p[0] for p in ODD])
def test_a_difference_at_odd_sizes_only_is_shown_in_small_integers(left, right, declarations):
    found = sml.equal(left, right, where=declarations)
    assert found == "wrong"
    values = str(dict(found.counterexample.values))
    assert "." not in values
    assert len(values) < 100


def test_a_small_difference_is_shown_at_integers_too():
    found = sml.equal("(1 + 1/1000000)*x' x", "x' x", where="x: n")
    assert all(isinstance(v, int) for v in found.counterexample.values["x"])


def test_a_deep_expression_is_not_searched():
    e = sml.parse("x", where="x: n")
    for _ in range(2000):
        e = sml.tanh(e + 1)
    node = lower(e)
    assert sum(1 for _ in walk(node)) > 2000
    assert not proved_zero(node)
    assert not zero_entrywise(node)


def test_a_failed_self_check_is_never_taken_for_not_proved(monkeypatch):
    def fail(*_):
        raise InternalError("failed its own check")

    monkeypatch.setattr(judge, "proved", fail)
    x = sml.parse("x", where="x: n")
    with pytest.raises(InternalError):
        judge.compare(x + x, 2 * x)


@pytest.mark.parametrize(
    ("left", "right", "declarations"),
    [
        ("sum(log(v))", "logdet(diag(v))", "v: n"),
        ("log(1 - v'v)", "logdet(eye(n) - v v')", "v: n"),
        ("logsumexp(log(v))", "log(sum(v))", "v: n"),
    ],
)
def test_points_are_found_in_a_domain_that_is_not_declared(left, right, declarations):
    found = sml.equal(left, right, where=declarations)
    assert found == "holds"
    assert "where both are defined" in found.certificate


def test_what_is_never_defined_is_not_equal():
    found = sml.equal("sum(log(-(u + lam)))", "sum(log(u + lam))", where="u: n positive, lam > 0")
    assert found == "wrong"
    assert found.counterexample is not None


def test_what_depends_on_the_parity_of_a_product_of_sizes_is_refuted():
    found = sml.equal("det(kron(A, B))", "det(-A)^m*det(B)^n", where="A: n x n, B: m x m")
    assert found == "wrong"
    sizes = {len(v) for v in found.counterexample.values.values()}
    assert all(s % 2 for s in sizes)
