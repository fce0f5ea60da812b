"""Structures of Hessians: the kind, the factors by value, and a tester that rejects a wrong claim."""

import numpy as np
import pytest

import symml as sml
from symml.derivation.curvature.structure import verify
from symml.errors import ShapeError

RNG = np.random.default_rng(4)
N, D, K, M = 5, 3, 2, 4
GLM = "X: n x d, y: n, w: d"
PAIR = "X: n x d, Y: n x k, W: d x k"

CASES = [
    ("logsumexp(A x)", "x", "A: n x d, x: d", "product through the data: Aᵀ (diag(p) − p pᵀ) A"),
    ("logsumexp(x)", "x", "x: d", "diagonal plus rank one"),
    ("||x||", "x", "x: d", "diagonal plus rank one"),
    ("||x - mean(x)||^2", "x", "x: n", "diagonal plus rank one"),
    ("||X w - y||^2", "w", GLM, "product through the data: 2 Xᵀ X"),
    ("||X w - y||^2 + lam*||w||^2", "w", GLM + ", lam > 0", "product through the data plus a diagonal: 2 Xᵀ X + 2 λ I"),
    ("sum(q .* (X w - y).^2)", "w", GLM + ", q: n > 0", "product through the data: 2 Xᵀ diag(q) X"),
    ("(X w - y)' C (X w - y)", "w", GLM + ", C: n x n spd", "product through the data: 2 Xᵀ C X"),
    ("-sum(y .* log(sigmoid(X w)) + (1-y) .* log(1-sigmoid(X w)))", "w", GLM, "product through the data: Xᵀ diag(s) X"),
    ("sum(exp(X w)) - y'X w", "w", GLM, "product through the data: Xᵀ diag(u) X"),
    ("||X w - y||^4", "w", GLM, "product through the data: Xᵀ (t I + 8 r rᵀ) X"),
    ("||X exp(w) - y||^2", "w", GLM, "product plus a diagonal: 2 Zᵀ Z + diag(t)"),
    ("sum(exp(x)) + ||x||^2", "x", "x: d", "diagonal"),
    ("sum(log(1 + exp(Z)))", "Z", "Z: n x k", "diagonal"),
    ("||W||", "W", "W: n x k", "diagonal plus rank one"),
    ("tr(Z)^2", "Z", "Z: n x n", "rank one"),
    ("(a'w)^2 - exp(c'w) + sum(exp(w))", "w", "a: d, c: d, w: d", "diagonal plus rank two"),
    ("(a'w)^2 + (c'w)^4", "w", "a: d, c: d, w: d", "at most rank two"),
    ("w'Q w + exp(a'w)", "w", "Q: d x d symmetric, a: d, w: d", "a matrix plus rank one"),
    ("||(M .* U) V||^2", "U", "M: n x k, U: n x k, V: k x m", "block diagonal: n blocks k×k"),
    (
        "||Q W + W S - Y||^2",
        "W",
        "Q: d x d symmetric, S: k x k symmetric, W: d x k, Y: d x k",
        "sum of Kronecker products: Iₖ ⊗ 2 Q² + S ⊗ 4 Q + 2 S² ⊗ I_d",
    ),
    ("c'x", "x", "c: d, x: d", "zero"),
    ("x'A x", "x", "A: d x d, x: d", "dense"),
    ("||X W - Y||^2", "W", PAIR, "Kronecker: Iₖ ⊗ 2 Xᵀ X"),
    ("||X W - Y||^2 + lam*||W||^2", "W", PAIR + ", lam > 0", "Kronecker: Iₖ ⊗ (2 Xᵀ X + 2 λ I)"),
    ("tr(A Z B Z')", "Z", "A: n x n symmetric, B: k x k symmetric, Z: n x k", "Kronecker: B ⊗ 2 A"),
    ("-logdet(Lambda) + tr(S Lambda)", "Lambda", "Lambda: d x d spd, S: d x d symmetric", "Kronecker: Λ⁻¹ ⊗ Λ⁻¹"),
    ("logdet(Z)", "Z", "Z: n x n invertible", "Kronecker: (Z⁻¹ ⊗ (−Z⁻ᵀ)) K"),
    ("||M .* (R - U V')||^2", "U", "M: n x m mask, R: n x m, U: n x k, V: m x k", "block diagonal: n blocks k×k"),
    (
        "||M .* (R - U V')||^2 + lam*||V||^2",
        "V",
        "M: n x m mask, R: n x m, U: n x k, V: m x k, lam > 0",
        "block diagonal: m blocks k×k",
    ),
    ("sum(logsumexp(Z))", "Z", "Z: n x k", "block diagonal: n blocks k×k"),
    ("sum(log(1 + exp(W X)))", "W", "W: k x d, X: d x n", "block diagonal: k blocks d×d"),
    (
        "sum(logsumexp(X W)) - sum(Y .* (X W))",
        "W",
        PAIR,
        "product through the data: sum(i, (diag(P[i]) − P[i] P[i]ᵀ) ⊗ X[i] X[i]ᵀ)",
    ),
]


@pytest.mark.parametrize(("text", "wrt", "where", "kind"), CASES, ids=[f"{c[0]} {c[1]}" for c in CASES])
def test_kind_is_named_and_verified(text, wrt, where, kind):
    s = sml.derive(text, wrt, where=where).hessian_structure
    assert s.kind == kind
    assert s.verdict.ok
    assert s.latex()
    assert s.to_dict()["kind"] == kind
    assert s._repr_latex_().startswith("$")
    assert str(s).startswith(kind)


def dense_by_definition(text, wrt, where, values):
    """The Hessian by the gradient's central differences: nothing of the structure is used."""
    g = sml.derive(text, wrt, where=where).gradient
    x = values[wrt]
    found = np.zeros(x.shape * 2)
    for place in np.ndindex(*x.shape):
        step = np.zeros(x.shape)
        step[place] = 1e-5
        high, low = (g.evaluate({**values, wrt: x + sign * step}) for sign in (1, -1))
        found[(..., *place)] = (high - low) / 2e-5
    return found


VALUES = {
    "X": RNG.normal(size=(N, D)),
    "W": RNG.normal(size=(D, K)),
    "Y": RNG.normal(size=(N, K)),
    "lam": 0.3,
    "M": np.array([[1, 0, 1, 1], [0, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 1], [0, 0, 1, 1.0]]),
    "R": RNG.normal(size=(N, M)),
    "U": RNG.normal(size=(N, K)),
    "V": RNG.normal(size=(M, K)),
    "y": RNG.normal(size=N),
    "w": RNG.normal(size=D),
}


@pytest.mark.parametrize(
    "row",
    [c for c in CASES if c[1] in ("w", "W", "U", "V") and c[0] not in ("||W||", "sum(log(1 + exp(W X)))")],
    ids=lambda c: c[0],
)
def test_dense_and_apply_agree_with_differences_of_the_gradient(row):
    text, wrt, where, _ = row
    values = {**VALUES, "q": np.exp(VALUES["y"]), "C": np.eye(N) + 0.1, "a": VALUES["w"][::-1], "c": VALUES["w"] ** 2,
              "Q": np.eye(D) + 0.3, "S": np.eye(K) - 0.2}  # fmt: skip
    if text == "||(M .* U) V||^2":
        values |= {"M": RNG.normal(size=(N, K)), "V": RNG.normal(size=(K, M))}
    if text == "||Q W + W S - Y||^2":
        values |= {"Y": RNG.normal(size=(D, K))}
    s = sml.derive(text, wrt, where=where).hessian_structure
    expected = dense_by_definition(text, wrt, where, values)
    np.testing.assert_allclose(s.dense(values), expected, atol=1e-4 * np.max(np.abs(expected)))
    step = RNG.normal(size=values[wrt].shape)
    np.testing.assert_allclose(
        s.apply(step, values), np.tensordot(s.dense(values), step, axes=step.ndim), rtol=1e-10, atol=1e-10
    )


def test_factors_evaluate():
    s = sml.derive("||X W - Y||^2", "W", where=PAIR).hessian_structure
    np.testing.assert_allclose(s.factors["right"].evaluate(VALUES), 2 * VALUES["X"].T @ VALUES["X"])
    vec = np.kron(s.factors["left"].evaluate(VALUES), s.factors["right"].evaluate(VALUES))
    step = RNG.normal(size=(D, K))
    np.testing.assert_allclose(vec @ step.ravel(order="F"), s.apply(step, VALUES).ravel(order="F"))
    logistic = sml.derive("sum(softplus(X w)) - y'X w", "w", where=GLM).hessian_structure
    p = 1 / (1 + np.exp(-VALUES["X"] @ VALUES["w"]))
    np.testing.assert_allclose(logistic.factors["s"].evaluate(VALUES), p * (1 - p))
    assert "where s = " in logistic.statement


def test_spd_structure_is_that_of_symmetric_directions():
    s = sml.derive(
        "-logdet(Lambda) + tr(S Lambda)", "Lambda", where="Lambda: d x d spd, S: d x d symmetric"
    ).hessian_structure
    a = RNG.normal(size=(3, 3))
    spd, step = a @ a.T + np.eye(3), a + a.T
    inverse = np.linalg.inv(spd)
    np.testing.assert_allclose(s.apply(step, Lambda=spd), inverse @ step @ inverse)
    assert s.statement == "on symmetric directions, H = Λ⁻¹ ⊗ Λ⁻¹"


def test_ridge_needs_no_variable_to_be_made_dense():
    s = sml.derive("||X w - y||^2 + lam*||w||^2", "w", where=GLM + ", lam > 0").hessian_structure
    expected = 2 * VALUES["X"].T @ VALUES["X"] + 0.6 * np.eye(D)
    np.testing.assert_allclose(s.dense(X=VALUES["X"], lam=0.3), expected)


def test_a_wrong_claim_is_rejected():
    d = sml.derive("||X w - y||^2", "w", where=GLM)
    x = d.source.symbols["X"]
    right, wrong = (
        (lambda v, step: 2 * v["L"].T @ (v["L"] @ step)),
        (lambda v, step: 2.001 * v["L"].T @ (v["L"] @ step)),
    )
    assert verify(d.hessian, d.wrt[0], {"L": x}, right, d.source.symbols) == "holds"
    assert verify(d.hessian, d.wrt[0], {"L": x}, wrong, d.source.symbols) == "wrong"


def test_several_variables_give_the_diagonal_blocks_by_name():
    found = sml.derive(
        "||M .* (R - U V')||^2", ["U", "V"], where="M: n x m mask, R: n x m, U: n x k, V: m x k"
    ).hessian_structure
    assert found["U"].kind == "block diagonal: n blocks k×k"
    assert found["V"].kind == "block diagonal: m blocks k×k"


def test_names_do_not_collide_with_the_users():
    s = sml.derive("sum(softplus(X w)) - s'X w", "w", where="X: n x d, s: n, w: d").hessian_structure
    assert "s" not in s.factors


def test_refusals():
    with pytest.raises(ShapeError, match="scalar"):
        _ = sml.derive("t^2", "t", where="t > 0").hessian_structure
    with pytest.raises(ShapeError, match="no Hessian"):
        _ = sml.derive("X w", "w", where="X: n x d, w: d").hessian_structure
    with pytest.raises(ShapeError, match="direction has shape"):
        sml.derive("||X w - y||^2", "w", where=GLM).hessian_structure.apply(np.ones((2, 2)), X=VALUES["X"])
