"""Generated NumPy functions: values against hand-written NumPy, entry checks, source, memory, pickling."""

import inspect
import pickle
import random
import re
import tracemalloc

import numpy as np
import pytest
import sympy as sp

import symml as sml
from symml.codegen.lambdify import lambdify
from symml.errors import DataError, DeclarationError, ShapeError
from symml.language.declarations import declare
from symml.language.expressions import Action, Einstein, make
from symml.language.function import functions
from symml.language.indices import differential_of, index, sum_over
from symml.language.operators import add, call, elementwise_power, elementwise_product, eye, ones, power, scalar
from symml.language.where import where


def draw(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


def body(f):
    """Statements after the checks of the arguments."""
    lines = f.source.splitlines()
    last = max((k for k, line in enumerate(lines) if "runtime.conform" in line or "np.float64" in line), default=-1)
    return [line.strip() for line in lines[last + 1 :]]


def logistic():
    X, y, w = declare("X: n x d, y: n, w: d")
    z = X * w
    s = call("sigmoid", z)
    value = call("sum", call("softplus", z) - elementwise_product(y, z))
    hessian = X.T * call("diag", elementwise_product(s, 1 - s)) * X
    return [X, y, w], value, X.T * (s - y), hessian


def hand_logistic(X, y, w):
    z = X @ w
    p = 1 / (1 + np.exp(-z))
    return np.logaddexp(0, z).sum() - y @ z, X.T @ (p - y), X.T @ (X * (p * (1 - p))[:, None])


@pytest.mark.parametrize(("n", "d"), [(7, 3), (600, 5), (30000, 6)])
def test_logistic_loss_gradient_and_hessian(n, d):
    arguments, *outputs = logistic()
    f = lambdify(arguments, *outputs)
    X, y, w = draw(0, n, d), (draw(1, n) > 0).astype(float), draw(2, d)
    for found, expected in zip(f(X, y, w), hand_logistic(X, y, w), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_logistic_shares_the_scores_and_the_exponentials():
    arguments, *outputs = logistic()
    source = lambdify(arguments, *outputs, names=["value", "gradient", "hessian"]).source
    assert source.count("X @ w") == 1
    assert source.count("np.exp") == 1
    assert "runtime.weighted_gram(X, " in source
    assert "gradient, hessian = runtime.over_rows(block, X, y)" in source


def test_extreme_scores_do_not_overflow():
    arguments, *outputs = logistic()
    f = lambdify(arguments, *outputs)
    with np.errstate(all="raise", under="ignore"):
        value, gradient, hessian = f(np.array([[1e4], [-1e4]]), np.array([1.0, 0.0]), np.array([1.0]))
    assert value == 0
    assert gradient == pytest.approx([0])
    assert hessian == pytest.approx(np.zeros((1, 1)))


def factorisation():
    M, R, U, V, lam = declare("M: n x m mask, R: n x m, U: n x r, V: m x r, lam > 0")
    residual = elementwise_product(M, R - U * V.T)
    value = call("norm", residual) ** 2 + lam * (call("norm", U) ** 2 + call("norm", V) ** 2)
    masked = elementwise_product(M, M, R - U * V.T)
    return [M, R, U, V, lam], value, -2 * masked * V + 2 * lam * U, -2 * masked.T * U + 2 * lam * V


def test_masked_factorisation():
    arguments, *outputs = factorisation()
    f = lambdify(arguments, *outputs)
    M, R, U, V = (draw(0, 6, 5) > 0).astype(float), draw(1, 6, 5), draw(2, 6, 2), draw(3, 5, 2)
    E = M * (R - U @ V.T)
    value, of_U, of_V = f(M, R, U, V, 0.3)
    assert value == pytest.approx((E**2).sum() + 0.3 * ((U**2).sum() + (V**2).sum()))
    np.testing.assert_allclose(of_U, -2 * E @ V + 0.6 * U)
    np.testing.assert_allclose(of_V, -2 * E.T @ U + 0.6 * V)
    assert f.source.count("U @ V.T") == 1
    assert "np.subtract(R, Z, out=Z)" in f.source


def network():
    X, W1, b1, V, b2, Y = declare("X: n x d, W1: d x h, b1: h, V: h x k, b2: k, Y: n x k")
    n = X.shape[0]
    A = call("tanh", X * W1 + ones(n) * b1.T)
    R = A * V + ones(n) * b2.T - Y
    D = elementwise_product(R * V.T, 1 - elementwise_power(A, 2))
    value = sp.Rational(1, 2) * call("norm", R) ** 2
    return [X, W1, b1, V, b2, Y], value, X.T * D, D.T * ones(n), A.T * R, R.T * ones(n)


@pytest.mark.parametrize("n", [9, 9000])
def test_two_layer_network(n):
    arguments, *outputs = network()
    f = lambdify(arguments, *outputs)
    X, W1, b1, V, b2, Y = draw(0, n, 4), draw(1, 4, 5), draw(2, 5), draw(3, 5, 2), draw(4, 2), draw(5, n, 2)
    given = [a.copy() for a in (X, W1, b1, V, b2, Y)]
    A = np.tanh(X @ W1 + b1)
    R = A @ V + b2 - Y
    D = (R @ V.T) * (1 - A**2)
    expected = (0.5 * (R**2).sum(), X.T @ D, D.sum(0), A.T @ R, R.sum(0))
    for found, wanted in zip(f(X, W1, b1, V, b2, Y), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-9)
    for before, after in zip(given, (X, W1, b1, V, b2, Y), strict=True):
        np.testing.assert_array_equal(before, after)
    assert re.search(r"np.tanh\((\w+), out=\1\)", f.source)


def test_ridge_shares_one_factorisation():
    X, y, lam = declare("X: n x d, y: n, lam > 0")
    K = X.T * X + lam * eye(X.shape[1])
    f = lambdify([X, y, lam], power(K, -1) * X.T * y, call("logdet", K), y.T * X * power(K, -1) * X.T * y)
    A, b = draw(0, 9, 3), draw(1, 9)
    G = A.T @ A + 0.5 * np.eye(3)
    solution, logdet, quadratic = f(A, b, 0.5)
    np.testing.assert_allclose(solution, np.linalg.solve(G, A.T @ b))
    assert logdet == pytest.approx(np.linalg.slogdet(G)[1])
    assert quadratic == pytest.approx(b @ A @ np.linalg.solve(G, A.T @ b))
    assert f.source.count("runtime.cholesky(") == 1
    assert f.source.count(".solve(") == 1
    assert ".flat[::d + 1] += lam" in f.source


def test_general_matrices_are_solved_not_inverted():
    A, b, C = declare("A: d x d, b: d, C: d x k")
    a, v, c = draw(0, 4, 4), draw(1, 4), draw(2, 4, 2)
    f = lambdify([A, b], power(A, -1) * b)
    np.testing.assert_allclose(f(a, v), np.linalg.solve(a, v))
    assert f.source.splitlines()[-1] == "    return np.linalg.solve(A, b)"
    g = lambdify([A, C], C.T * power(A, -1), call("logdet", A), power(A, -1))
    left, logdet, inverse = g(a, c)
    np.testing.assert_allclose(left, c.T @ np.linalg.inv(a))
    np.testing.assert_allclose(inverse, np.linalg.inv(a))
    assert logdet == pytest.approx(np.linalg.slogdet(a)[1])
    assert g.source.count("runtime.lu(A)") == 1


def test_a_matrix_declared_spd_that_is_not_still_gives_the_right_solve():
    S, b = declare("S: d x d spd, b: d")
    f = lambdify([S, b], power(S, -1) * b)
    for s in (np.diag([1.0, -2.0]), np.array([[2.0, 1.0], [0.0, 3.0]])):
        np.testing.assert_allclose(f(s, np.ones(2)), np.linalg.solve(s, np.ones(2)))


def test_chains_are_ordered_and_shared():
    X, y, w, s = declare("X: n x d, y: n, w: d, s: n")
    assert body(lambdify([X, y, w], X * w, (y.T * X) * w)) == ["z = X @ w", "return z, float(y @ z)"]
    assert body(lambdify([X, w], X.T * X * w)) == ["return X.T @ (X @ w)"]
    assert body(lambdify([X, s, w], X.T * call("diag", s) * X * w)) == ["return X.T @ (s * (X @ w))"]


def test_traces_diagonals_and_ones_take_no_product():
    A, B, X, v = declare("A: n x d, B: d x n, X: n x d, v: n")
    n, d = A.shape
    assert body(lambdify([A, B], call("trace", A * B))) == ['return float(np.einsum("ij,ji->", A, B))']
    assert body(lambdify([A, X], call("trace", A.T * X))) == ["return float(np.vdot(A, X))"]
    assert body(lambdify([v, A], call("diag", v) * A)) == ["return A * v[:, None]"]
    assert body(lambdify([A], A * ones(d))) == ["return A.sum(1)"]
    assert body(lambdify([A], ones(n).T * A)) == ["return np.reshape(A.sum(0), (1, -1))"]
    assert body(lambdify([v], call("norm", v) ** 2)) == ["return float(v @ v)"]
    assert body(lambdify([A, v], call("diag", A * A.T))) == ['return np.einsum("ij,ij->i", A, A)']


def test_trace_of_an_inverse_is_a_solve():
    S, B = declare("S: d x d spd, B: d x d")
    f = lambdify([S, B], call("trace", power(S, -1) * B))
    b = draw(0, 3, 3)
    s = b @ b.T + np.eye(3)
    assert f(s, b) == pytest.approx(np.trace(np.linalg.inv(s) @ b))
    assert "solve" in f.source
    assert "inverse" not in f.source


def test_columns_lists_and_names():
    X, y, w = declare("X: n x d, y: n, w: d")
    f = lambdify([X, "y", w], X.T * (X * w - y))
    A, b, c = draw(0, 5, 2), draw(1, 5), draw(2, 2)
    expected = A.T @ (A @ c - b)
    for found in (f(A, b, c), f(A, b[:, None], c[:, None]), f(A.tolist(), b.tolist(), w=c.tolist()), f(y=b, w=c, X=A)):
        assert found.shape == (2,)
        np.testing.assert_allclose(found, expected)
    assert f.arguments == ("X", "y", "w")
    assert list(inspect.signature(f).parameters) == ["X", "y", "w"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((np.ones((5, 2)), np.ones(4), np.ones(2)), r"y has shape \(4,\), expected \(n,\) with n = 5 from X"),
        ((np.ones((5, 2)), np.ones((1, 5)), np.ones(2)), r"y has shape \(1, 5\)"),
        ((np.ones((5, 2)), np.ones((5, 2)), np.ones(2)), r"y has shape \(5, 2\), expected \(n,\)"),
        ((np.ones((5, 2)), np.ones(5), np.ones(5)), r"w has shape \(5,\), expected \(d,\) with d = 2 from X"),
        ((np.ones(5), np.ones(5), np.ones(2)), r"X has shape \(5,\), expected \(n, d\)"),
        ((np.ones((5, 2)), 1.0, np.ones(2)), r"y has shape \(\), expected \(n,\)"),
        ((np.ones((5, 2)), ["a"] * 5, np.ones(2)), "y must hold real numbers"),
        ((np.ones((5, 2)), np.ones(5) * 1j, np.ones(2)), "y must hold real numbers"),
    ],
)
def test_wrong_shapes_are_named(values, message):
    X, y, w = declare("X: n x d, y: n, w: d")
    with pytest.raises(DataError, match=message):
        lambdify([X, y, w], X * w - y)(*values)


def test_scalars_are_checked_and_results_are_floats():
    x, w = declare("x > 0, w: d")
    f = lambdify([x, w], x * (w.T * w), sp.sqrt(x))
    first, second = f(2, [1, 2])
    assert type(first) is float
    assert type(second) is float
    assert (first, second) == (10.0, 2**0.5)
    with pytest.raises(DataError, match="x is a scalar; found an array of shape"):
        f(np.ones(2), np.ones(2))
    with np.errstate(invalid="ignore"):
        assert np.isnan(f(-1.0, [1.0])[1])


def test_missing_symbols_are_an_error():
    X, w = declare("X: n x d, w: d")
    with pytest.raises(DeclarationError, match="w occurs in the outputs"):
        lambdify([X], X * w)


def test_names_that_generated_code_needs_are_refused():
    w = declare("type: d")
    with pytest.raises(DeclarationError, match="rename"):
        lambdify([w], w.T * w)


def test_output_names_become_identifiers():
    x, w = declare("x: d, w: d")
    source = lambdify([x, w], x + w, x - w, names=["gradient of x", "w"]).source
    assert "gradient_of_x = x + w" in source
    assert "w1 = x - w" in source


def test_sizes_come_from_the_arrays_or_from_a_keyword():
    w, n = declare("w: d, n dimension")
    f = lambdify([w], (w.T * w) / w.shape[0] + n)
    assert f([1.0, 2.0], n=3) == 5.5
    with pytest.raises(DataError, match="pass n="):
        f([1.0, 2.0])
    g = lambdify([w], ones(w.shape[0]) + eye(w.shape[0]) * w)
    np.testing.assert_array_equal(g([1.0, 2.0]), [2.0, 3.0])


def test_user_names_are_kept():
    X, y, w = declare("X: n x d, y: n, w: d")
    (r,) = (declare("r: n"),)
    f = lambdify([X, y, w], where(X.T * r, {r: X * w - y}), where(r.T * r, {r: X * w - y}))
    assert body(f)[0] == "r = X @ w - y"
    value = f(np.eye(2), np.zeros(2), np.array([1.0, 2.0]))
    np.testing.assert_allclose(value[0], [1, 2])
    assert value[1] == 5


def test_pickle_and_determinism():
    arguments, *outputs = logistic()
    f = lambdify(arguments, *outputs, names=["value", "gradient", "hessian"])
    again = pickle.loads(pickle.dumps(f))
    assert again.source == f.source
    X, y, w = draw(0, 5, 2), np.ones(5), draw(1, 2)
    for a, b in zip(f(X, y, w), again(X, y, w), strict=True):
        np.testing.assert_array_equal(a, b)


def test_nothing_of_size_n_by_n_is_made():
    X, y, w, s = declare("X: n x d, y: n, w: d, s: n")
    n = X.shape[0]
    outputs = (
        X.T * call("diag", s) * X,
        X.T * (eye(n) - ones(n) * ones(n).T / n) * y,
        call("trace", X * w * (X * w).T),
        call("trace", call("diag", s) * X * X.T),
        call("norm", y - call("diag", s) * X * w) ** 2,
    )
    f = lambdify([X, y, w, s], *outputs)
    size = 4000
    values = (draw(0, size, 3), draw(1, size), draw(2, 3), draw(3, size))
    tracemalloc.start()
    f(*values)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * size * 60


def test_large_data_are_worked_on_in_row_blocks():
    arguments, *outputs = logistic()
    f = lambdify(arguments, *outputs)
    n, d = 200_000, 4
    X, y, w = draw(0, n, d), np.zeros(n), draw(1, d)
    f(X, y, w)
    tracemalloc.start()
    f(X, y, w)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * n


def test_sums_over_an_index_are_array_operations():
    X, y, w = declare("X: n x d, y: n, w: d")
    i = index("i", X.shape[0])
    A, b, c = draw(0, 6, 3), draw(1, 6), draw(2, 3)
    squares = sum_over(i, (X[i].T * w - y[i]) ** 2)
    assert lambdify([X, y, w], squares)(A, b, c) == pytest.approx(((A @ c - b) ** 2).sum())
    assert body(lambdify([X, y, w], squares)) == ["r = X @ w - y", "return float(r @ r)"]
    moments = sum_over(i, y[i] * X[i] * X[i].T)
    f = lambdify([X, y], moments)
    np.testing.assert_allclose(f(A, b), A.T @ (A * b[:, None]))
    assert body(f) == ["return runtime.weighted_gram(X, y)"]


def test_sums_without_an_array_form_are_loops():
    X, S = declare("X: n x d, S: d x d spd")
    i = index("i", X.shape[0])
    term = call("logdet", S + X[i] * X[i].T)
    f = lambdify([X, S], sum_over(i, term * i))
    A = draw(0, 4, 3)
    s = A.T @ A + np.eye(3)
    expected = sum((k + 1) * np.linalg.slogdet(s + np.outer(a, a))[1] for k, a in enumerate(A))
    assert f(A, s) == pytest.approx(expected)


def test_an_action_becomes_a_dense_array():
    W, A = declare("W: d x k, A: d x d")
    dW = differential_of(W)
    f = lambdify([A, W], make(Action, (dW, A * dW + W), ("H",), (*W.shape, *W.shape)))
    a, w = draw(0, 3, 3), draw(1, 3, 2)
    expected = np.einsum("ab,cd->acbd", a, np.eye(2)) + w[:, :, None, None]
    np.testing.assert_allclose(f(a, w), expected)


def actions():
    A, B, W, X, P, M, V, S, lam = declare(
        "A: d x d, B: k x k, W: d x k, X: n x d, P: n x k, M: n x d, V: k x d, S: d x d spd, lam > 0"
    )
    k = W.shape[1]
    arguments = [A, B, W, X, P, M, V, S, lam]

    def softmax(D):
        R = elementwise_product(P, X * D)
        return X.T * (R - elementwise_product(P, call("rowsum", R) * ones(k).T))

    return arguments, [
        (W, lambda D: A * D * B + lam * D),
        (W, lambda D: W * D.T * W + D * W.T * W),
        (W, softmax),
        (W, lambda D: X.T * elementwise_product(P, P, X * D)),
        (P, lambda D: 2 * elementwise_product(M, M, D * V) * V.T + 2 * lam * D),
        (W, lambda D: power(S, -1) * D),
        (A, lambda D: -1 * power(A, -1) * D * power(A, -1)),
        (A, lambda D: call("trace", D) * A + call("trace", S * D) * eye(A.shape[0]) + call("diag", call("diag", D))),
        (A, lambda D: X * D * ones(A.shape[0])),
        (A, lambda D: D.T + call("expm", A) * D),
    ]


@pytest.mark.parametrize("k", range(10))
def test_dense_arrays_of_actions_match_the_basis_directions(k):
    arguments, cases = actions()
    variable, body_of = cases[k]
    direction = differential_of(variable)
    linear = body_of(direction)
    f = lambdify(arguments, make(Action, (direction, linear), ("H",), (*linear.shape, *variable.shape)))
    sizes = {"n": 6, "d": 3, "k": 2}
    shapes = [tuple(sizes[str(s)] for s in getattr(a, "shape", ())) for a in arguments]
    values = [draw(j, *shape) if shape else 1.3 for j, shape in enumerate(shapes)]
    values[7] = values[7] @ values[7].T + np.eye(3)
    one = lambdify([*arguments, direction], linear)
    shape = tuple(sizes[str(s)] for s in variable.shape)
    found = f(*values)
    for place in np.ndindex(shape):
        basis = np.zeros(shape)
        basis[place] = 1
        np.testing.assert_allclose(found[..., *place], one(*values, basis), atol=1e-12)
    assert "dense_action" not in f.source


def test_an_index_formula_is_an_einsum():
    X, v = declare("X: n x d, v: n")
    formula = make(Einstein, (X, X, v), (("ij", "ij", "i"), "j"), (X.shape[1],))
    A, b = draw(0, 5, 3), draw(1, 5)
    np.testing.assert_allclose(lambdify([X, v], formula)(A, b), (A * A * b[:, None]).sum(0))


@pytest.mark.parametrize("name", sorted(f.name for f in functions().values() if f.numpy is not None))
def test_every_function_has_code(name):
    record = functions()[name]
    low, high = record.typical
    spread = np.random.default_rng(5).uniform(0.4, 0.6, (3, 3))
    x = low + (high - low) * (spread + spread.T) / 2 + 3 * np.eye(3) * name.startswith(("logm", "sqrtm"))
    tried = 0
    for declared, value in (("x: d", x[:, 0].copy()), ("x: d x d", x)):
        symbol = declare(declared)
        try:
            e = call(name, *[symbol] * record.arity[0])
        except ShapeError:
            continue
        if name == "normnuc" and value.ndim == 1:
            continue
        tried += 1
        expected = record.numpy(*[value] * record.arity[0])
        np.testing.assert_allclose(lambdify([symbol], e)(value), expected, rtol=1e-9, atol=1e-12)
    assert tried


def test_scalars_share_subexpressions():
    x, a = sp.symbols("x a", positive=True)
    big = (sp.exp(x) + a) ** 3 * sp.log(sp.exp(x) + a)
    f = lambdify([x, a], scalar(big), scalar(sp.diff(big, x)), scalar(sp.diff(big, a)))
    point = {x: 0.3, a: 1.7}
    expected = [float(e.subs(point)) for e in (big, sp.diff(big, x), sp.diff(big, a))]
    assert f(0.3, 1.7) == pytest.approx(expected)
    assert f.source.count("np.exp(x)") == 1


def test_deep_sums_compile():
    w, v = declare("w: d, v: d")
    e = w
    for _ in range(2000):
        e = call("sin", e) + v
    f = lambdify([w, v], e)
    x = np.array([0.1, 0.2])
    expected = x
    for _ in range(2000):
        expected = np.sin(expected) + x
    np.testing.assert_allclose(f(x, x), expected)


def test_long_sums_compile():
    w = declare("w: d")
    terms = [call("sin", sp.Rational(k, 7) * w) for k in range(1, 700)]
    x = np.array([0.1, 0.2])
    expected = sum(np.sin(k / 7 * x) for k in range(1, 700))
    np.testing.assert_allclose(lambdify([w], add(*terms))(x), expected)


def test_outputs_do_not_share_memory_with_arguments():
    X, w = declare("X: n x d, w: d")
    A, b = draw(0, 3, 2), draw(1, 2)
    f = lambdify([X, w], X.T, w, X[:, 0], X)
    for found in f(A, b):
        assert not np.shares_memory(found, A)
        assert not np.shares_memory(found, b)
        found += 1


def test_diagonal_plus_rank_one_inside_an_action():
    """What runs once a direction is written out like the rest."""
    d = sml.derive("inv(sum(toeplitz(x)) ones(d) ones(d)' + a eye(d)) b", "x", where="x: k, a > 0, b: d")
    assert isinstance(d.jacobian, Action)
    x, b = np.array([0.3, -0.2, 0.7]), np.array([1.0, 2.0])
    values = {"x": x, "a": 0.6, "b": b}
    f = d.lambdify("jacobian")
    np.testing.assert_allclose(f(**values), d.jacobian.evaluate(values), rtol=1e-10)


def test_a_scaled_matrix_shared_with_its_transpose():
    """A vector that NumPy repeats along rows is repeated along columns in the transpose."""
    where = "P: n x d, X: n x d, S: n x n spd, a: n, b: n, x: n"
    text = "x ones(n)'(inv(S) P X' inv(S) .* (a b') .* inv(S)) + x ones(n)'(inv(S) X P' inv(S) .* (a b') .* inv(S))"
    e = sml.parse(text, where=where)
    f = lambdify(list(e.declarations.values()), e)
    values = {k: draw(i, *([4, 3] if k in "PX" else [4])) for i, k in enumerate("PXabx")}
    values["S"] = np.eye(4) + np.outer(np.arange(4.0), np.arange(4.0)) / 10
    found = f(**{k: v for k, v in values.items() if k in e.declarations})
    np.testing.assert_allclose(found, e.evaluate(values), rtol=1e-9)


def _products(rng, depth):
    """A random square matrix of products, transposes and row and column scalings that share their parts."""
    if depth == 0:
        return rng.choice(["A", "A'", "B", "B'", "A B'", "B A'", "(a b')", "(b a')", "(a ones(n)')", "(ones(n) b')"])
    left, right = (_products(rng, depth - 1) for _ in range(2))
    return f"({left} {rng.choice(['.*', '.*', '+', '*'])} {right})"


@pytest.mark.parametrize("seed", range(60))
def test_random_products_agree_with_the_interpreter(seed):
    rng = random.Random(seed)
    text = f"ones(n)' {_products(rng, 2)} + {rng.choice(['a', 'b'])}' {_products(rng, 2)}"
    symbols = declare("A: n x n, B: n x n, a: n, b: n")
    e = sml.parse(text, where=list(symbols))
    values = [draw(k, 4, 4) for k in range(2)] + [draw(k, 4) for k in range(2)]
    found = lambdify(list(symbols), e)(*values)
    expected = e.evaluate(dict(zip("ABab", values, strict=True)))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
