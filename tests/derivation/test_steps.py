"""The story of a derivation: the labels name a rule for every term, the lines are few, each is proved."""

import numpy as np
import pytest

import symml as sml
from symml.checking.sampling import draw
from symml.language.expressions import Where

RIDGE = "X: n x d, y: n, w: d, lam > 0"


def told(text, wrt, where="", what="gradient", **options):
    """Lines and labels of a derivation; every one must hold."""
    steps = sml.derive(text, wrt=wrt, where=where, **options).steps_of(what)
    assert all(s.verdict.ok for s in steps), [repr(s) for s in steps]
    return [s.text for s in steps], [s.statement for s in steps]


def test_every_term_has_its_rule():
    lines, labels = told("sum(softplus(X w)) - y'X w + lam/2*||w||^2", "w", RIDGE)
    assert lines == [
        "z = X w,  dz = X dw",
        "df = (σ(z) − y)ᵀ dz + λ wᵀ dw",
        "   = (σ(z) − y)ᵀ X dw + λ wᵀ dw",
        "∇f = Xᵀ (σ(z) − y) + λ w",
        "∇f = Xᵀ (σ(X w) − y) + λ w",
    ]
    assert labels[1] == "d softplus(x) = σ(x) ⊙ dx; square: d‖r‖² = 2 rᵀ dr; linear in z: y is constant"
    assert labels[3] == "identification: the coefficient of dw in df"


LABELS = [
    ("x'A x + b'x", "x", "A: n x n, b: n, x: n",
     "quadratic form: d(xᵀ A x) = xᵀ (A + Aᵀ) dx; linear in x: b is constant"),
    ("x'A x", "x", "A: n x n symmetric, x: n", "quadratic form: d(xᵀ A x) = 2 xᵀ A dx; used: Aᵀ = A"),
    ("tr(W'S W)", "W", "S: n x n, W: n x k", "quadratic form: d tr(Xᵀ A X) = tr(Xᵀ (A + Aᵀ) dX)"),
    ("tr(W S W')", "W", "S: k x k symmetric, W: n x k",
     "quadratic form: d tr(X A Xᵀ) = 2 tr(X A dXᵀ); used: Sᵀ = S"),
    ("norm(X w)", "X", "X: n x d, w: d", "norm: d‖r‖ = rᵀ dr/‖r‖"),
    ("a'x/norm(x)", "x", "a: n, x: n", "norm: d‖r‖ = rᵀ dr/‖r‖; quotient rule: d(u/v) = (v du − u dv)/v²"),
    ("a'x/(x'B x)", "x", "a: n, x: n, B: n x n spd",
     "quadratic form: d(xᵀ A x) = 2 xᵀ A dx; quotient rule: d(u/v) = (v du − u dv)/v²; used: Bᵀ = B"),
    ("(a'x)*(b'x)", "x", "a: n, b: n, x: n", "product rule: d(A B) = dA B + A dB"),
    ("-sum(p .* log(p))", "p", "p: k positive",
     "d log(x) = dx ⊘ x; product rule, entry by entry: d(u ⊙ v) = v ⊙ du + u ⊙ dv"),
    ("sum(sqrt(x))", "x", "x: n positive", "square root: d sqrt(u) = du ⊘ (2 sqrt(u)), entry by entry"),
    ("det(X)", "X", "X: n x n", "determinant rule (Jacobi): d det A = det(A) tr(A⁻¹ dA)"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wrt", "where", "label"), LABELS, ids=[c[0] for c in LABELS])
def test_labels(text, wrt, where, label):
    _, labels = told(text, wrt, where)
    assert label in labels


def test_what_is_used_of_a_constant_is_said():
    _, labels = told("-sum(Y .* log(softmax(X W)))", "W", "X: n x d, W: d x k, Y: n x k one-hot rows")
    assert sum(s.endswith("used: Y 𝟏 = 𝟏") for s in labels) == 1
    _, labels = told("||A X||^2 + tr(X'B)", "X", "A: n x n orthogonal, X: n x k, B: n x k")
    assert sum("used: Aᵀ A = I" in s for s in labels) == 1


def test_several_variables_move_together():
    lines, _ = told("||R - U V'||^2 + lam*(||U||^2 + ||V||^2)", ["U", "V"], "R: n x m, U: n x k, V: m x k, lam > 0")
    assert lines == [
        "E = R − U Vᵀ,  dE = −dU Vᵀ − U dVᵀ",
        "df = 2 tr(Eᵀ dE) + 2 λ tr(Uᵀ dU) + 2 λ tr(Vᵀ dV)",
        "   = −2 tr(Vᵀ Eᵀ dU) − 2 tr(Uᵀ E dV) + 2 λ tr(Uᵀ dU) + 2 λ tr(Vᵀ dV)",
        "∂f/∂U = 2 λ U − 2 E V",
        "∂f/∂U = 2 λ U − 2 (R − U Vᵀ) V",
        "∂f/∂V = 2 λ V − 2 Eᵀ U",
        "∂f/∂V = 2 λ V − 2 (R − U Vᵀ)ᵀ U",
    ]


def test_a_function_that_is_used_once_gets_no_name():
    lines, _ = told("c'x - mu*sum(log(b - A x))", "x", "A: m x n, b: m, c: n, x: n, mu > 0")
    assert len(lines) == 5
    assert lines[1] == "df = cᵀ dx − μ (1 ⊘ r)ᵀ dr"


def test_terms_of_one_direction_are_gathered():
    where = "x: d, W: h x d, V: k x h, y: k"
    lines, _ = told("logsumexp(V tanh(W x)) - dot(y, V tanh(W x))", ["W", "V"], where)
    assert lines[3:5] == ["df = (softmax(m) − y)ᵀ dm", "   = (softmax(m) − y)ᵀ dV u + (softmax(m) − y)ᵀ V du"]


STRUCTURED = [
    ("x'S x", "S", "S: d x d symmetric, x: d", "the entries of S are taken as independent"),
    ("sumsq(D x)", "D", "D: d x d diagonal, x: d", "independent, those off its diagonal too"),
    ("sumsq(L x)", "L", "L: d x d lower triangular, x: d", "independent, those above its diagonal too"),
    ("tr(Q'A)", "Q", "Q: d x d orthogonal, A: d x d", "independent: orthogonality is not used"),
    ("a'x", "x", "a: d, x: d unit norm", "independent: its norm is not used"),
    ("sum(log(p))", "p", "p: d simplex", "independent, not as summing to one"),
]


@pytest.mark.parametrize(("text", "wrt", "where", "note"), STRUCTURED, ids=[c[2] for c in STRUCTURED])
def test_the_gradient_of_a_structured_variable_says_that_it_is_unconstrained(text, wrt, where, note):
    _, labels = told(text, wrt, where)
    assert labels[-1].endswith(note)


def test_the_layout_of_free_entries_is_told():
    lines, labels = told("x'S x", "S", "S: d x d symmetric, x: d", layout="symmetric")
    assert lines[-2:] == ["G = x xᵀ", "∇f = 2 x xᵀ − diag(x^∘2)"]
    assert labels[-1].startswith("along the free entries of S")


# -- numbers ------------------------------------------------------------------------------------------------------
NUMBERS = {
    "x^3*exp(-x)": ["f′ = 3 x² exp(−x) − x³ exp(−x)"],
    "exp(sin(x^2))": [
        "f′ = exp(sin(x²)) (sin(x²))′", "   = exp(sin(x²)) cos(x²) (x²)′", "   = 2 x exp(sin(x²)) cos(x²)",
    ],
    "(2*x + 1)^5": ["f′ = 10 (2 x + 1)⁴"],
    "x/(1 + x^2)": ["f′ = 1/(x² + 1) − 2 x²/(x² + 1)²"],
    "x^x": ["f′ = x^x (x log(x))′"],
    "5 + 0*x": ["f′ = 0"],
}  # fmt: skip


@pytest.mark.parametrize("text", NUMBERS)
def test_functions_of_numbers_are_told_as_at_school(text):
    lines, _ = told(text, "x", "x > 0")
    assert lines[: len(NUMBERS[text])] == NUMBERS[text]


def test_the_rules_of_school_are_named():
    _, labels = told("x^3*exp(-x)", "x", "x")
    assert labels[0] == (
        "product rule: (u v)′ = u′ v + u v′; power rule: (x^n)′ = n x^(n−1); chain rule: (exp(u))′ = exp(u) u′, u = −x"
    )
    _, labels = told("sin(x*y)/(1 + x^2)", ["x", "y"], "x, y")
    assert labels[0].startswith("quotient rule: (u/v)′ = (u′ v − u v′)/v²; chain rule: (sin(u))′ = cos(u) u′, u = x y")


def test_kinks_of_functions_of_numbers():
    lines, _ = told("abs(x)*x^2", "x", "x", "hessian")
    assert "Derivative" not in " ".join(lines)


# -- second derivatives -------------------------------------------------------------------------------------------
def test_the_hessian_of_several_variables_is_told_block_by_block():
    lines, _ = told("sumsq(X w + b)", ["w", "b"], "X: n x d, w: d, b", "hessian")
    assert "∂²f/∂w² = 2 Xᵀ X" in lines
    assert "∂²f/∂w∂b = 2 Xᵀ 𝟏" in lines
    assert "∂²f/∂b² = 2 n" in lines


def test_scalars_with_data_have_mappings():
    d = sml.derive("n*log(s) + sumsq(y - m)/(2*s^2)", wrt=["m", "s"], where="y: n, m, s > 0")
    assert str(d.gradient["s"]) == "n/s − ‖y − m‖²/s³"
    assert str(d.hessian["m", "m"]) == "n/s²"
    assert all(s.verdict.ok for s in d.steps_of("hessian"))


def test_second_derivatives_of_numbers():
    lines, _ = told("x^2*y", ["x", "y"], "x, y", "hessian")
    assert "∂²f/∂x∂y = 2 x" in lines
    assert "∂²f/∂y² = 0" in lines


# -- names --------------------------------------------------------------------------------------------------------
def test_names_of_symmetric_values_are_shown_symmetric():
    lines, labels = told(
        "n/2*logdet(S) + 1/2*tr((X - ones(n)*m')*inv(S)*(X - ones(n)*m')')", ["m", "S"],
        "X: n x d, m: d, S: d x d spd, n dimension",
    )  # fmt: skip
    assert lines[2] == "df = n/2 tr(C dS) + tr(C Eᵀ dE) + 1/2 tr(Eᵀ E dC)"
    assert labels[2].endswith("used: Cᵀ = C")
    assert lines[3] == "   = n/2 tr(C dS) − 𝟏ᵀ E C dm − 1/2 tr(C Eᵀ E C dS)"
    assert "∂f/∂S = n/2 C − 1/2 C Eᵀ E C" in lines


NAMED = [
    ("b'A*inv(A'A)*A'b", "A", "A: m x n full column rank, b: m"),
    ("||softmax(Q K')*V - Y||^2", "Q", "Q: n x d, K: n x d, V: n x p, Y: n x p"),
    ("y'inv(K + s*eye(n))*y + logdet(K + s*eye(n))", "K", "K: n x n spd, y: n, s > 0, n dimension"),
    ("log(det(A'S A)) + tr(inv(A'S A)*T)", "A", "A: n x d, S: n x n spd, T: d x d symmetric"),
]


CASES = [
    (*case, layout) for case in NAMED for layout in ("unconstrained", "symmetric") if layout[0] == "u" or case[1] == "K"
]


@pytest.mark.parametrize(("text", "wrt", "where", "layout"), CASES)
def test_a_name_stands_for_one_value_in_a_story(text, wrt, where, layout):
    d = sml.derive(text, wrt=wrt, where=where, layout=layout)
    values, sizes = draw(d.source.symbols, np.random.default_rng(0))
    values |= sizes
    found = {}
    for step in d.steps:
        if ",  d" in step.text:
            found[step.text.split(" = ")[0]] = step.before.evaluate({**values, **found})
    assert len(found) >= 2
    for step in d.steps:
        if isinstance(step.after, Where):
            own = {}
            while len(own) < len(step.after.names):
                for name, value in zip(step.after.names, step.after.args[1:], strict=True):
                    if all(s.name in values or s.name in own for s in value.free_symbols):
                        own[name.name] = value.evaluate({**values, **own})
            for name in own.keys() & found.keys():
                np.testing.assert_allclose(own[name], found[name], rtol=1e-9)


def test_a_value_named_by_the_result_has_that_name_in_the_story():
    lines, _ = told(*NAMED[1])
    assert lines[2] == "E = P V − Y,  dE = dP V"
    assert lines[-1].endswith("where P = softmax(Q Kᵀ), E = P V − Y")
    lines, _ = told(*NAMED[2])
    assert lines[-1] == "∇f = C − C y yᵀ C, where C = (K + s I)⁻¹"
    assert sum(line.startswith("∇f") for line in lines) == 1


def test_second_steps_use_the_names_told():
    d = sml.derive("||tanh(X W1) W2 - Y||^2", wrt="W1", where="X: n x d, W1: d x h, W2: h x p, Y: n x p")
    lines = [s.text for s in d.steps_of("hessian")]
    assert "   = Xᵀ (E ⊙ (2 (E ⊙ dZ) W₂ W₂ᵀ − 4 R W₂ᵀ ⊙ H ⊙ dZ))" in lines


def test_the_symmetric_layout_of_some_of_several_variables():
    text = "n/2*logdet(S) + 1/2*tr((X - ones(n)*m')*inv(S)*(X - ones(n)*m')')"
    d = sml.derive(text, wrt=["m", "S"], where="X: n x d, m: d, S: d x d spd, n dimension", layout="symmetric")
    assert str(d.gradient["m"]) == "−S⁻¹ (Xᵀ 𝟏 − n m)"
    assert d.check(d.gradient).passed
    lines = [s.text for s in d.steps]
    assert "∂f/∂m = −C Eᵀ 𝟏" in lines
    assert lines[-1] == "∂f/∂S = R − 1/2 R ⊙ I, where E = X − 𝟏 mᵀ, R = n S⁻¹ − S⁻¹ Eᵀ E S⁻¹"
    with pytest.raises(sml.ShapeError, match=r"D is diagonal: .* write diag\(d\)"):
        sml.derive("tr(D*A)", wrt="D", where="D: n x n diagonal, A: n x n", layout="symmetric")
