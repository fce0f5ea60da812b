"""The index form: equal things are one object, others are not; both bridges keep values; walks have no depth limit."""

from __future__ import annotations

import numpy as np
import pytest

import symml as sml
from symml.calculus.forward import differential
from symml.calculus.proving import proved_equal
from symml.calculus.reverse import derivative
from symml.checking.sampling import draw
from symml.derivation.derivation import Derivation
from symml.derivation.objective import read_objective, read_variables
from symml.errors import NotSupportedError
from symml.forms.lowering import leaf_of, lower
from symml.forms.raising import raise_
from symml.forms.textbook import present

WHERE = (
    "A: n x n, B: n x n, C: n x n, S: n x n symmetric, x: n, y: n, u: n, v: n, X: n x d, w: d, W: d x k, Z: n x k, "
    "lam > 0, p: k simplex, Q: n x n orthogonal, s: n in {-1,1}, M: n x d mask"
)
SAME = [
    ("tr(A B C)", "tr(B C A)"), ("tr(A B C)", "tr(C' B' A')"), ("x' A x", "x' A' x"), ("diag(u) v", "u .* v"),
    ("sum(A .* B)", "tr(A' B)"), ("x' y", "y' x"), ("tr(A)", "tr(A')"),
    ("x' S y", "y' S x"), ("(A B)'", "B' A'"), ("A inv(A) B", "B"), ("tr(x y')", "x' y"),
    ("diag(A B)", "rowsum(A .* B')"), ("S'", "S"), ("Q' Q x", "x"), ("s .* s .* x", "x"), ("M .* M .* X", "M .* X"),
    ("sum(p) x", "x"), ("det(A')", "det(A)"), ("inv(A')", "inv(A)'"), ("inv(A B)", "inv(B) inv(A)"),
    ("(x .* y).^2", "x.^2 .* y.^2"), ("exp(x) .* exp(y)", "exp(y) .* exp(x)"), ("A x y' B", "(A x) (B' y)'"),
    ("diag(u) A diag(v)", "A .* (u v')"), ("kron(A, B)'", "kron(A', B')"), ("tr(kron(A, B))", "tr(A) tr(B)"),
]  # fmt: skip
PROVED = [
    ("norm(X w)^2", "w' X' X w"), ("sum(x)^2", "x' ones(n, n) x"), ("(A + B) (A - B)", "A^2 - A B + B A - B^2"),
    ("norm(x - y)^2", "x'x - 2 x'y + y'y"), ("tr((A + B)'(A + B))", "norm(A)^2 + 2 tr(A'B) + norm(B)^2"),
    ("1 - sigmoid(x)", "sigmoid(-x)"), ("tanh(x)", "2 sigmoid(2*x) - 1"), ("log(sigmoid(x))", "-softplus(-x)"),
]  # fmt: skip
DIFFERENT = [
    ("tr(A^6)", "tr(A^3)^2"), ("A B", "B A"), ("tr(A B C)", "tr(A C B)"), ("A", "A'"), ("x' A y", "y' A x"),
    ("X", "2 X"), ("x", "-x"), ("norm(x)", "norm(y)"), ("tr(A A)", "tr(A A')"), ("sum(x)^2", "sum(x.^2)"),
    ("inv(A + B)", "inv(A) + inv(B)"), ("(A + B)^2", "A^2 + 2 A B + B^2"), ("diag(u) A", "A diag(u)"),
    ("u v'", "v u'"), ("sum(A B)", "sum(B A)"), ("tr(A^2 B^2)", "tr(A B A B)"), ("x.^2", "x.^3"),
]  # fmt: skip
# a twelve-cycle against two six-cycles and their like: colour refinement alone cannot tell them apart
TANGLED = [
    ("tr((A A')^3)", "tr((A A')^2) tr(A A')"),
    ("tr((A .* A')^4)", "tr((A .* A')^2)^2"),
    ("tr(S^8)", "tr(S^4)^2"),
]


@pytest.mark.parametrize(("a", "b"), SAME)
def test_equal_things_are_one_digest(a, b):
    assert lower(sml.parse(a, WHERE)).digest == lower(sml.parse(b, WHERE)).digest


@pytest.mark.parametrize(("a", "b"), PROVED)
def test_equality_is_proved(a, b):
    assert sml.equal(a, b, where=WHERE) == "proved"


@pytest.mark.parametrize(("a", "b"), DIFFERENT + TANGLED)
def test_unequal_things_are_not(a, b):
    left, right = sml.parse(a, WHERE), sml.parse(b, WHERE)
    assert lower(left).digest != lower(right).digest
    assert not proved_equal(lower(left), lower(right))
    assert sml.equal(left, right) == "wrong"


def test_same_structure_is_the_same_object():
    a, b = (lower(sml.parse("norm(X w - x)^2 + lam norm(w)^2", WHERE)) for _ in range(2))
    assert a is b


BRIDGED = [
    "X w - y", "X'(X w - y)", "x' A y", "x y'", "tr(A B)", "A diag(u) B", "diag(u)", "diag(A)", "diag(A B) .* x",
    "A .* B", "u .* v", "inv(A + B)", "inv(S) x", "det(A)", "logdet(A)", "softmax(X w)", "softmax(X W)",
    "logsumexp(X W)", "sum(A)", "rowsum(A B)", "colsum(X)", "mean(x)", "exp(A .* B)", "tanh(X W)", "A + lam*eye(n)",
    "x - sum(x)/n", "X - ones(n) w'", "eye(n) - ones(n, n)/n", "A^3", "A' B A", "x.^2", "1 ./ (1 + x.^2)",
    "norm(x)", "x/norm(x)", "norm1(x)", "relu(X w)", "lam*A", "2*x", "-x", "ones(n)", "kron(A, B)", "vec(A B)",
    "(A .* B) x", "diag(diag(A))", "u u' A .* B", "diag(x) A diag(y) - A", "tr(A) B", "x' A x*y",
    "sum(u .* v .* x)", "A' S A", "expm(A)", "X w*w'", "diag(X W W' X')", "(A x) .* (B y)", "A .* (x y')",
]  # fmt: skip


@pytest.mark.parametrize("polished", [False, True])
@pytest.mark.parametrize("text", BRIDGED)
def test_bridges_keep_value_and_shape(text, polished):
    e = sml.parse(text, WHERE)
    node = lower(e)
    back = present(node) if polished else raise_(node, False)
    assert back.shape == e.shape
    assert proved_equal(lower(back), node)
    values, sizes = draw({**e.declarations, **back.declarations}, np.random.default_rng(0))
    want = np.asarray(e.evaluate({**sizes, **values}), float)
    np.testing.assert_allclose(back.evaluate({**sizes, **values}), want, rtol=1e-10, atol=1e-10)


OBJECTIVES = [
    ("1/2*||X w - x||^2 + lam*||w||^2", "w"), ("sum(log(1 + exp(-s .* (X w))))", "w"), ("logsumexp(X w)", "w"),
    ("sum(Z .* softmax(X W))", "W"), ("x' A x / (x' B x)", "x"), ("tr(inv(S + lam*eye(n)) A)", "S"),
    ("logdet(A' A + B)", "A"),
    ("norm(tanh(X W) - Z)^2", "W"), ("sum(exp(-(x - y).^2))", "x"), ("norm(X w - x)", "w"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wrt"), OBJECTIVES)
@pytest.mark.parametrize("kind", ["gradient", "hessian"])
def test_polish_keeps_the_value(text, wrt, kind):
    objective = read_objective(text, WHERE)
    variables, _ = read_variables(wrt, objective)
    plain, polished = (getattr(Derivation(objective, variables, True, polish=p), kind) for p in (False, True))
    values, sizes = draw({**objective.symbols, **plain.declarations}, np.random.default_rng(1))
    want = np.asarray(plain.evaluate({**sizes, **values}), float)
    np.testing.assert_allclose(polished.evaluate({**sizes, **values}), want, rtol=1e-9, atol=1e-9)


def test_raising_declines_rather_than_guesses():
    node = lower(sml.parse("softmax(X W)", WHERE))
    W = sml.declare("W: d x k")
    with pytest.raises(NotSupportedError):
        raise_(derivative(node, leaf_of(W)))


def chain(depth: int):
    """tanh(tanh(... + x) + x), and x."""
    x = sml.declare("x: n")
    e = x
    for _ in range(depth):
        e = sml.tanh(e) + x
    return e, x


def test_depth_has_no_limit():
    e, x = chain(2000)
    node = lower(e)
    moved = differential(node, {leaf_of(x): leaf_of(sml.differential_of(x))})
    assert moved.shape == x.shape
    assert len(str(sml.parse("x + " * 2000 + "x", where="x: n"))) > 0
    deep = x
    for _ in range(2000):
        deep = sml.exp(deep) + x
    assert len(str(deep)) > 2000
    assert np.isfinite(chain(2000)[0].evaluate(x=np.zeros(3))).all()


@pytest.mark.parametrize("depth", [250, pytest.param(2000, marks=pytest.mark.slow)])
def test_derivative_of_a_deep_chain(depth):
    e, x = chain(depth)
    gradient = derivative(lower(sml.sumsq(e)), leaf_of(x))
    assert gradient.shape == x.shape


def test_long_products_have_no_limit():
    A, x = sml.declare("A: n x n, x: n")
    e = x
    for _ in range(400):
        e = A * e
    assert lower(e).shape == x.shape
