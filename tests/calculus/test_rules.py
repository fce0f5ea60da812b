"""Every registered rule, canonical rewrite and function: because it is registered, it is tested.

A rule without a sample below fails, so that adding one means adding a sample.
"""

from __future__ import annotations

import numpy as np
import pytest

import symml as sml
from symml.calculus import rewriting
from symml.calculus.construct import ein
from symml.calculus.nodes import Apply, walk
from symml.calculus.reverse import derivative
from symml.calculus.rule import table
from symml.checking.sampling import draw
from symml.errors import MissingRuleError, NotSupportedError
from symml.forms.lowering import leaf_of, lower
from symml.forms.raising import act
from symml.language.function import Function, functions
from symml.language.operators import call, elementwise_product, symbol
from symml.registry import discover

SQUARE = "A: n x n invertible, B: n x n, C: n x n"
# operator -> objective in which it occurs with an argument that is no bare symbol, variable, declarations
SAMPLES = {
    "map": ("sum(c .* tanh(D x + c))", "x", "D: m x d, x: d, c: m"),
    "pow": ("sum((x .* x + 1 + c).^3)", "x", "x: n, c: n"),
    "inv": ("tr(inv(A + B'B) C)", "A", SQUARE),
    "logdet": ("logdet(A B + C)", "A", SQUARE),
    "det": ("det(A B + C)", "A", SQUARE),
    "lse": ("logsumexp(D x + c)", "x", "D: m x d, x: d, c: m"),
    "softmax": ("c' softmax(D x)", "x", "D: m x d, x: d, c: m"),
    "fuse": ("norm(vec(D W))^2 + sum(vec(D W) .* kron(a, b))", "W", "D: m x d, W: d x k, a: k, b: m"),
    "split": ("norm(kron(D, W) vec(V) + vec(U))^2", "W", "D: m x d, W: k x h, V: h x d, U: k x m"),
    "expm": ("tr(expm(A B))", "A", SQUARE), "logm": ("tr(logm(2 S))", "S", "S: n x n spd"),
    "sqrtm": ("tr(sqrtm(2 S))", "S", "S: n x n spd"), "sinm": ("tr(sinm(A B))", "A", SQUARE),
    "cosm": ("tr(cosm(A B))", "A", SQUARE), "frechet": ("sum(expm_frechet(B, A A))", "A", SQUARE),
    "toeplitz": ("c' toeplitz(tanh(x)) x", "x", "x: n, c: n"),
    "diagsums": ("sum(diagsums(A B).^2)", "A", SQUARE),
    "normnuc": ("normnuc(D W)", "W", "D: m x d, W: d x k"), "normspec": ("normspec(D W)", "W", "D: m x d, W: d x k"),
    "eigmax": ("eigmax(S)", "S", "S: n x n symmetric"),
    "eigmaxprojector": ("c' eigmaxprojector(A + A') x", "A", "A: n x n, x: n, c: n"),
}  # fmt: skip
# no derivative of a Fréchet derivative by the matrix
NO_SECOND = {"expm", "logm", "sqrtm", "sinm", "cosm", "frechet"}
FRECHET = {f"{f}_frechet" for f in ("expm", "logm", "sqrtm", "sinm", "cosm")}


@pytest.mark.parametrize("op", sorted(table()))
def test_rule_to_second_order(op):
    assert op in SAMPLES, f"the rule of {op} has no sample in this file"
    text, wrt, where = SAMPLES[op]
    d = sml.derive(text, wrt=wrt, where=where)
    assert d.check(points=2).passed is True
    try:
        report = d.check(order=2)
    except (MissingRuleError, NotSupportedError):
        assert op in NO_SECOND
    else:
        assert report.passed is True


def operators_of(text: str, where: str) -> set[str]:
    """Primitives in the index form of a text."""
    return {n.op for n in walk(lower(sml.parse(text, where=where))) if isinstance(n, Apply)}


@pytest.mark.parametrize("op", sorted(set(table()) - {"split", "fuse"}))
def test_sample_holds_its_operator(op):
    assert op in operators_of(SAMPLES[op][0], SAMPLES[op][2])


@pytest.mark.parametrize("op", sorted(table()))
def test_rule_is_documented(op):
    row = table()[op]
    assert row.statement
    assert row.source
    assert row.name.startswith("d_")


# -- rewrites: left side, right side with the rule held off by a random shift, declarations ---------------------------
REWRITES = {
    "map_of_view": ("tanh(D')", "tanh(D)'", "D: m x d"),
    "stable_log": ("log(1 + exp(x))", "softplus(x)", "x: n"),
    "exp_of_log": ("exp(log(x))", "x", "x: n positive"),
    "sqrt_as_power": ("sqrt(x)", "x.^(1/2)", "x: n positive"),
    "abs_of_nonnegative": ("abs(x)", "x", "x: n nonnegative"),
    "logistic_function": ("1 ./ (1 + exp(-x))", "sigmoid(x)", "x: n"),
    "inverse_of_view": ("inv(3 A')", "1/3 inv(A)'", SQUARE),
    "determinant_of_view": ("det(A')", "det(A)", SQUARE),
    "log_determinant_of_view": ("logdet(diag(x))", "sum(log(x))", "x: n positive"),
    "square_of_data": (
        "sum(i, sum(j, ||D[i] - D[j]||^2))",
        "sum(i, sum(j, (D[i] - D[j])' (D[i] - D[j])))",
        "D: m x d",
    ),
    "power_of_number": ("4^(1/2) x", "2 x", "x: n"),
    "power_of_power": ("(x.^2).^3", "x.^6", "x: n"),
    "power_of_product": ("(2 x .* y).^3", "8 x.^3 .* y.^3", "x: n, y: n"),
    "power_of_multiple": ("(2 x + 4 y).^3", "8 (x + 2 y).^3", "x: n, y: n"),
    "inverse_times_itself": ("A inv(A) B", "B", SQUARE),
    "orthonormal_columns": ("Q'Q x", "x", "Q: n x d orthonormal columns, x: d"),
    "unit_columns": ("||Q||^2 x", "d*x", "Q: n x d orthonormal columns, x: d"),
    "idempotent": ("P P x", "P x", "P: n x n idempotent, x: n"),
    "sums_to_one": ("sum(p) x", "x", "p: n simplex, x: d"),
    "product_over_itself": ("A B inv(A B) C", "C", SQUARE + ", K: n x n"),
    "softmax_spelled_out": ("exp(D) ./ (rowsum(exp(D)) ones(d)')", "softmax(D)", "D: m x d"),
    "quotient_of_functions": ("sinh(x) ./ cosh(x)", "tanh(x)", "x: n"),
    "related_functions": ("abs(x) .* sign(x)", "x", "x: n nonzero"),
    "map_of_fused": ("tanh(vec(D))", "vec(tanh(D))", "D: m x d"),
    "power_of_fused": ("vec(D).^3", "vec(D.^3)", "D: m x d"),
    "toeplitz_of_multiple": ("toeplitz(3 x)", "3 toeplitz(x)", "x: n"),
    "diagsums_of_multiple": ("diagsums(3 A)", "3 diagsums(A)", "A: n x n"),
    "inverse_of_kron": ("inv(kron(A, L))", "kron(inv(A), inv(L))", "A: n x n invertible, L: d x d invertible"),
    "frechet_of_multiple": ("expm_frechet(B, 3 A)", "3 expm_frechet(B, A)", SQUARE),
    "frechet_of_view": ("expm_frechet(B', A)", "expm_frechet(B, A')'", SQUARE),
    "frechet_along_itself": (
        "expm_frechet(B, eye(n)) + sinm_frechet(B, B)", "expm(B) + B cosm(B)", SQUARE,
    ),
    "frechet_under_trace": ("tr(sinm_frechet(B, A))", "tr(cosm(B) A)", SQUARE),
}


def samples_of(rule) -> tuple[str, str, str]:
    """The two sides of a rewrite rule; of rules made by a pattern, from the pattern."""
    if rule.name in REWRITES:
        return REWRITES[rule.name]
    if rule.name.endswith(("_of_view", "_of_transpose")):
        f = rule.key
        scalar_valued = rule.name.endswith("_of_transpose")
        return f"{f}(A')", f"{f}(A)" if scalar_valued else f"{f}(A)'", "A: n x n"
    raise AssertionError(f"the rewrite {rule.name} has no sample in this file")


ALONG_AXES = ("transposed_operator", "contracted_operator")  # of arrays of order 3, which have no text
REWRITE_RULES = [r for r in discover("symml.calculus.canonical", rewriting.Rewrite) if r.name not in ALONG_AXES]


@pytest.mark.parametrize(
    ("text", "wrt", "where", "moved"),
    [
        ("toeplitz(c) b", "c", "c: n, b: n", "toeplitz(d) b"),
        ("diagsums(A B)", "A", SQUARE, "diagsums(D B)"),
        ("expm_frechet(B, A C) x", "A", SQUARE + ", x: n", "expm_frechet(B, D C) x"),
    ],
)
def test_linear_operators_along_axes(text, wrt, where, moved):
    """Contracted with a direction, the Jacobian is the operator of it; contracted with a weight, its transpose."""
    e = sml.parse(text, where=where)
    x = e.declarations[wrt]
    direction, weight = symbol("D" if len(x.shape) == 2 else "d", x.shape), symbol("g", e.shape)
    jacobian = derivative(lower(e), leaf_of(x))
    along = act(jacobian, leaf_of(direction), len(e.shape))
    declared = [*e.declarations.values(), direction]
    assert along.digest == lower(sml.parse(moved, where=declared)).digest
    weighed = ein(1, [(leaf_of(weight), (0,)), (jacobian, tuple(range(jacobian.order)))],
                  tuple(range(1, jacobian.order)), dict(enumerate(jacobian.shape)))  # fmt: skip
    assert weighed.digest == derivative(lower(weight.T * e), leaf_of(x)).digest


@pytest.mark.parametrize("rule", REWRITE_RULES, ids=lambda r: r.name)
def test_rewrite_is_sound_and_fires(rule):
    left, right, where = samples_of(rule)
    a, b = sml.parse(left, where=where), sml.parse(right, where=where)
    assert lower(a).digest == lower(b).digest, "the rule does not fire on its sample"
    rng = np.random.default_rng(3)
    values, sizes = draw({**a.declarations, **b.declarations}, rng)
    if rule.name in ("logm_of_view", "sqrtm_of_view"):
        values["A"] = np.triu(values["A"], 1) + np.diag(1.0 + np.arange(len(values["A"])))  # eigenvalues above zero
    np.testing.assert_allclose(a.evaluate({**sizes, **values}), b.evaluate({**sizes, **values}), rtol=1e-9, atol=1e-10)


# -- functions ----------------------------------------------------------------------------------------------------
def objective(f: Function):
    """A scalar objective that holds the function, with weights so that no entry cancels another; its variable."""
    facts = {"positive"} if f.domain.low is not None and f.domain.low >= 0 else set()
    if f.kind == "elementwise":
        x, c = symbol("x", (sml.declare("n dimension"),), facts), symbol("c", (sml.declare("n dimension"),))
        if f.domain.low is not None and f.domain.high is not None:
            x = sml.declare(f"x: n in ({f.domain.low},{f.domain.high})")
        return call("sum", elementwise_product(c, call(f.name, x))), x
    return None


ARRAYS = {
    "sum": "sum(x .* x .* c)", "mean": "mean(x .* x)", "norm": "norm(x + c)", "norm1": "norm1(x + c)",
    "sumsq": "sumsq(D x)",
    "trace": "tr(A B A)", "det": "det(A)", "logdet": "logdet(A)", "inv": "tr(inv(A) B)", "diag": "x' diag(x) diag(A)",
    "kron": "sum(kron(x, y) .* kron(x, y))", "vec": "norm(vec(A B))", "eye": "x' (eye(n) + A) x",
    "ones": "x' ones(n, n) x",
    "rowsum": "rowsum(A B)' x", "colsum": "colsum(A B)' x", "dot": "dot(x, A x)",
    "toeplitz": "x' toeplitz(x) x", "diagsums": "sum(diagsums(A B).^2)",
    "mul": "sum(mul(x, x))", "div": "sum(div(c, x .* x + 1))", "power": "sum(power(x .* x + 1, 3))",
    "softmax": "c' softmax(x)", "logsumexp": "logsumexp(D x)", "max": "sum(max(x, c))", "min": "sum(min(x, c))",
    "expm": "tr(expm(A B))", "logm": "tr(logm(S))", "sqrtm": "tr(sqrtm(S))", "sinm": "tr(sinm(A B))",
    "cosm": "tr(cosm(A B))",
    "factorial": "sum(factorial(x .* x))", "polygamma": "sum(polygamma(2, x .* x + 1))",
    **{name: f"sum({name}(S, x x'))" for name in FRECHET}, "eigmaxprojector": "x' eigmaxprojector(A + A') c",
    "eigmax": "eigmax(A + A')", "normnuc": "normnuc(A)", "normspec": "normspec(A)",
}  # fmt: skip
WHERE = "x: n, c: n, y: m, A: n x n invertible, B: n x n, D: m x n, S: n x n spd"


@pytest.mark.parametrize("name", sorted(functions()))
def test_function_to_second_order(name):
    f = functions()[name]
    if f.kind == "elementwise":
        e, x = objective(f)
        d = sml.derive(e, wrt=x)
    else:
        assert name in ARRAYS, f"the function {name} has no sample in this file"
        e = sml.parse(ARRAYS[name], where=WHERE)
        d = sml.derive(e, wrt=next(v for v in ("x", "A", "S") if v in e.declarations))
    assert d.check(points=2).passed is True
    if name in NO_SECOND:
        return
    assert d.check(order=2).passed is True


@pytest.mark.parametrize(
    "name", sorted(n for n, f in functions().items() if f.kind == "elementwise" and f.sympy is not None)
)
def test_elementwise_function_is_proved_by_sympy(name):
    e, x = objective(functions()[name])
    d = sml.derive(e, wrt=x)
    report = d.check(method="sympy")
    assert report.passed is True, str(report)
    assert d.check(order=2, method="sympy").passed is True


@pytest.mark.parametrize(
    "name", sorted(n for n, f in functions().items() if f.definition is not None and f.kind == "elementwise")
)
def test_function_equals_its_definition(name):
    f = functions()[name]
    _, x = objective(f)
    assert sml.equal(call(name, x), f.definition(x)).ok
    slope = sml.derive(call("sum", call(name, x)), wrt=x).gradient
    defined = sml.derive(call("sum", f.definition(x)), wrt=x).gradient
    assert sml.equal(slope, defined).ok
