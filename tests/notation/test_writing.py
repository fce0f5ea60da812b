"""Writing: reviewed Unicode and LaTeX, and the law that every print reads back."""

import random
from itertools import pairwise

import pytest
import sympy as sp

from symml.errors import SymmlError
from symml.language import operators as op
from symml.language.declarations import read_declarations
from symml.language.expressions import Einstein, Indicator, Symbol, Where, make
from symml.language.indices import index, sum_over
from symml.notation.reader import parse

WHERE = (
    "A: n x n, B: n x n, S: n x n spd, Z: n x n invertible, X: n x d, u: n, v: n, w: d, a, b, lam > 0, tau > 0, theta"
)
TABLE = read_declarations(WHERE)
n, d = TABLE["n"], TABLE["d"]
a, b, lam, tau, theta = (TABLE[k] for k in ("a", "b", "lam", "tau", "theta"))


@pytest.mark.parametrize(
    ("text", "unicode", "latex"),
    [
        ("2*X'*(X*w-u)+2*lam*w", "2 Xᵀ (X w − u) + 2 λ w", r"2 X^{\top} (X w - u) + 2 \lambda w"),
        ("1/2*||X w - u||^2", "1/2 ‖X w − u‖²", r"\frac{1}{2} \|X w - u\|^{2}"),
        ("lam/2*w'w", "λ/2 wᵀ w", r"\frac{\lambda}{2} w^{\top} w"),
        ("w/||w||", "w/‖w‖", r"\frac{w}{\|w\|}"),
        ("X'u/n", "Xᵀ u/n", r"\frac{X^{\top} u}{n}"),
        ("u ./ v", "u ⊘ v", r"u \oslash v"),
        ("(A u) ./ v", "(A u) ⊘ v", r"(A u) \oslash v"),
        ("1 ./ u", "1 ⊘ u", r"1 \oslash u"),
        ("2 ./ u", "2 ⊘ u", r"2 \oslash u"),
        ("u.^2", "u^∘2", r"u^{\odot 2}"),
        ("inv(A B)'", "(A B)⁻ᵀ", r"(A B)^{-\top}"),
        ("(Z^2)'", "(Z²)ᵀ", r"(Z^{2})^{\top}"),
        ("-n*S", "−n S", "-n S"),
        ("n/2*inv(S)", "n/2 S⁻¹", r"\frac{n}{2} S^{-1}"),
        (
            "sum(A .* B)/(2*tau^3)",
            "1/(2 τ³) sum(A ⊙ B)",
            r"\frac{1}{2 \tau^{3}} \operatorname{sum}(A \odot B)",
        ),
        ("exp(theta)/2*tr(A B)", "exp(θ)/2 tr(A B)", r"\frac{e^{\theta}}{2} \operatorname{tr}(A B)"),
        ("sigmoid(X w)", "σ(X w)", r"\sigma(X w)"),
        ("u'v/(||u|| ||v||)", "uᵀ v/(‖u‖ ‖v‖)", r"\frac{u^{\top} v}{\|u\| \|v\|}"),
        ("(a - b - 1)/2*tr(A)", "(a − b − 1)/2 tr(A)", r"\frac{a - b - 1}{2} \operatorname{tr}(A)"),
        ("3*2^a", "3*2^a", r"3 \cdot 2^{a}"),
        ("1/sqrt(lam)", "1/sqrt(λ)", r"\frac{1}{\sqrt{\lambda}}"),
        ("-(a + tr(A))", "−(a + tr(A))", r"-(a + \operatorname{tr}(A))"),
        ("[X w > 0]", "[X w > 0]", r"[X w > 0]"),
        ("A ⊗ 2 B", "A ⊗ 2 B", r"A \otimes 2 B"),
        ("2 (A ⊗ B)", "2 (A ⊗ B)", r"2 (A \otimes B)"),
        ("[1, a; 0, 1/2]", "[1, a; 0, 1/2]", r"\begin{pmatrix}1 & a \\ 0 & \frac{1}{2}\end{pmatrix}"),
        ("sum(i, u[i]^2)", "sum(i, u[i]²)", r"\sum_{i=1}^{n} u_{i}^{2}"),
        ("X[2, :]", "X[2]", r"X_{2}"),
        ("u'r, where r = A v", "uᵀ r, where r = A v", r"u^{\top} r,\quad r = A v"),
        ("H[dX] = A dX", "H[dX] = A dX", r"H[\mathrm{d}X] = A \, \mathrm{d}X"),
        ("tr(eye(n))*u", "tr(Iₙ) u", r"\operatorname{tr}(I_{n}) u"),
        ("ones(n)*u'", "𝟏 uᵀ", r"\mathbf{1} u^{\top}"),
        ("ones(n)*w'", "𝟏ₙ wᵀ", r"\mathbf{1}_{n} w^{\top}"),
        ("X'*ones(n)", "Xᵀ 𝟏", r"X^{\top} \mathbf{1}"),
        ("A + 2*lam*eye(n)", "A + 2 λ I", r"A + 2 \lambda I"),
        ("apply(t, t^2 + 1, u)", "apply(t, t² + 1, u)", r"(t \mapsto t^{2} + 1)(u)"),
        ("loggamma(lam) - Γ(a)", "loggamma(λ) − gamma(a)", None),
        ("u - 1 ./ v", "u − 1 ⊘ v", r"u - 1 \oslash v"),
        ("u - (1 ./ v) a", "u − a ⊘ v", r"u - a \oslash v"),
        ("tanh(u/2)", "tanh(u/2)", r"\tanh\left(\frac{u}{2}\right)"),
        ("tanh(-1/2*X w)", "tanh(−X w/2)", r"\tanh\left(-\frac{X w}{2}\right)"),
        ("tanh(2/3*u)", "tanh(2/3 u)", r"\tanh\left(\frac{2}{3} u\right)"),
        ("tanh(1/2*u .* v)", "tanh(1/2 u ⊙ v)", None),
        ("softmax(1/tau*(u + v))", "softmax((u + v)/τ)", r"\operatorname{softmax}\left(\frac{u + v}{\tau}\right)"),
        ("exp(-u'A u/2)", "exp(−uᵀ A u/2)", r"e^{-u^{\top} A u/2}"),
        ("exp(-||u - v||^2/(2*tau^2))", "exp(−‖u − v‖²/(2 τ²))", r"\exp\left(-\frac{\|u - v\|^{2}}{2 \tau^{2}}\right)"),
        ("exp((u + v)/(2*a))", "exp((u + v)/(2 a))", r"e^{(u + v)/(2 a)}"),
        ("a + 1/n*||u||^2", "a + ‖u‖²/n", r"a + \frac{\|u\|^{2}}{n}"),
        ("1 + 1/tau^2*u.^2", "1 + u^∘2/τ²", r"1 + \frac{u^{\odot 2}}{\tau^{2}}"),
        ("a - 1/lam*sum(u)", "a − sum(u)/λ", r"a - \frac{\mathbf{1}^{\top} u}{\lambda}"),
        ("sum(u)^2 + sum(X w)", "sum(u)² + sum(X w)", r"(\mathbf{1}^{\top} u)^{2} + \operatorname{sum}(X w)"),
        ("(-a - b - 1)/2*inv(S)", "−(a + b + 1)/2 S⁻¹", r"-\frac{a + b + 1}{2} S^{-1}"),
        ("(u'v)*u/(n*||u||^3)", "uᵀ v u/(n ‖u‖³)", r"\frac{u^{\top} v}{n \|u\|^{3}} u"),
        ("2/n*(u + v)/||u||", "2/n (u + v)/‖u‖", r"\frac{2}{n \|u\|} (u + v)"),
        (
            "tr(C B), where C = inv(A + S)",
            "tr(C B), where C = (A + S)⁻¹",
            r"\operatorname{tr}(C B),\quad C^{-1} = A + S",
        ),
        ("tr(C B), where C^-1 = A + S", "tr(C B), where C = (A + S)⁻¹", None),
        ("tr(C B), where C^{-1} = A", "tr(C B), where C = A⁻¹", r"\operatorname{tr}(C B),\quad C = A^{-1}"),
    ],
)
def test_reviewed_prints(text, unicode, latex):
    found = parse(text, WHERE)
    assert str(found) == unicode
    assert parse(unicode, WHERE, shape=found.shape) is found
    assert latex is None or found.latex() == latex


def test_the_negative_of_a_sum_keeps_its_brackets():
    inner = op.add(a, op.call("trace", TABLE["A"]))
    assert str(op.multiply_any(-1, inner)) == "−(a + tr(A))"
    assert str(op.add(op.multiply_any(-1, inner), op.call("det", TABLE["A"]))) == "−(a + tr(A)) + det(A)"


def test_order_of_scalar_factors_around_divisions_is_kept():
    t, q = op.call("trace", TABLE["A"]), op.call("det", TABLE["B"])
    for factors in (
        (op.power(t, -1), q, op.power(t, -2), TABLE["u"]),
        (t, op.power(q, -1), TABLE["u"], op.power(t, -1)),
    ):
        found = op.multiply_any(lam / 3, *factors)
        assert parse(str(found), WHERE) is found


def test_clauses_below_the_root_move_to_the_end():
    r = op.symbol("r", (n,))
    inner = make(Where, (op.call("sum", r), TABLE["u"]), ((r,),), ())
    assert str(op.add(inner, 1)) == "sum(r) + 1, where r = u"


def test_index_formulas():
    formula = make(Einstein, (TABLE["A"], TABLE["X"]), (("ij", "jk"), "ik"), (n, d))
    assert str(formula) == 'einsum("ij,jk->ik", A, X)'
    assert formula.latex() == r"\left[\sum_{j} A_{ij} X_{jk}\right]_{ik}"


SCALARS = (
    2, -3, sp.Rational(1, 2), a, lam, n, lam / 2, a * b, a - 1, 1 / tau**2, sp.exp(theta), sp.sqrt(lam), (a + b) / tau,
    2 * (a + b) / tau, 1 / (a + b), 2**a, -sp.log(lam) / 3, sp.loggamma(lam), lam**a,
)  # fmt: skip


def _leaf(r, shape):
    symbols = [s for s in TABLE.values() if isinstance(s, Symbol) and s.shape == shape]
    if shape == ():
        return op.scalar(r.choice(SCALARS))
    if symbols and r.random() < 0.85:
        return r.choice(symbols)
    if len(shape) == 1 or shape[0] == 1:
        return op.ones(shape[-1]) if len(shape) == 1 else op.transpose(op.ones(shape[1]))
    return op.eye(shape[0]) if shape[0] == shape[1] else op.ones(*shape)


def _scalar(r, k):
    g = _grow(r, k)
    i = index("i", n)
    return r.choice(
        (
            lambda: op.multiply_any(op.transpose(g((n,))), g((n,))),
            lambda: op.call(r.choice(("norm", "norm1", "sum", "mean")), g((n, d))),
            lambda: op.call(r.choice(("trace", "det")), g((n, n))),
            lambda: op.power(g(()), r.choice((2, -1, -2, sp.Rational(1, 2), a))),
            lambda: op.call(r.choice(("exp", "softplus", "abs", "sigmoid")), g(())),
            lambda: op.multiply_any(g(()), g(())),
            lambda: op.element(g((n,)), r.randrange(3)),
            lambda: sum_over(i, op.multiply_any(op.element(r.choice((TABLE["u"], TABLE["v"])), i), _leaf(r, ()))),
        )
    )()


def _array(r, k, shape):
    g = _grow(r, k)
    options = [
        lambda: op.elementwise_product(g(shape), g(shape)),
        lambda: op.elementwise_power(g(shape), r.choice((2, -1, -2, sp.Rational(1, 2), lam))),
        lambda: op.elementwise_division(g(r.choice((shape, ()))), g(shape)),
        lambda: op.call(r.choice(("exp", "sigmoid", "relu", "abs", "softmax")), g(shape)),
        lambda: make(Indicator, (g(shape), op.scalar(0)), (r.choice(("<", "<=")),), shape),
    ]
    if len(shape) == 1:
        options += [lambda: op.multiply_any(g((shape[0], n)), g((n,)))] * 3
        options += [lambda: op.call("diag", g((shape[0], shape[0])))]
    else:
        options += [lambda: op.multiply_any(g((shape[0], n)), g((n, shape[1])))] * 2
        options += [
            lambda: op.transpose(g(shape[::-1])),
            lambda: op.multiply_any(g(shape[:1]), op.transpose(g(shape[1:]))),
        ]
    if len(shape) == 2 and shape[0] == shape[1]:
        options += [
            lambda: op.inverse(g(shape)),
            lambda: op.transpose(op.inverse(g(shape))),
            lambda: op.power(g(shape), 2),
        ]
    return r.choice(options)()


def _grow(r, k):
    def grown(shape):
        if k <= 0 or r.random() < 0.1:
            return _leaf(r, shape)
        kind = r.random()
        if kind < 0.2:
            return op.add(*(op.multiply_any(r.choice((1, -1, 2)), _grow(r, k - 1)(shape)) for _ in range(2)))
        if kind < 0.3:
            return op.multiply_any(_grow(r, k - 1)(()), _grow(r, k - 1)(shape))
        if kind < 0.4:
            return op.divide(_grow(r, k - 1)(shape), op.add(op.call("norm", _leaf(r, (n,))), 1))
        return _scalar(r, k - 1) if shape == () else _array(r, k - 1, shape)

    return grown


@pytest.mark.parametrize("seed", range(150))
def test_every_print_reads_back(seed):
    r = random.Random(seed)
    shape = r.choice(((), (n,), (d,), (n, n), (n, d)))
    try:
        found = _grow(r, r.choice((1, 2, 3)))(shape)
    except SymmlError:  # a division by zero that happened to be built
        return
    text = str(found)
    again = parse(text, WHERE, shape=shape)
    assert found.latex()
    if f"ones({n}, {n})" not in text:  # a scalar symbol in every entry of a square matrix is spelled out
        assert again is found, text


def test_shared_parts_are_named_where_writing_them_out_would_not_end():
    x = TABLE["u"]
    for _ in range(40):
        x = op.call("tanh", op.add(x, op.elementwise_product(x, x)))
    text = str(x)
    assert len(text) < 5000
    again = parse(text, WHERE)
    assert isinstance(again, Where)
    assert str(again) == text


def test_prints_do_not_depend_on_the_order_of_construction():
    texts = [str(parse("2*X'*(X*w - u)/n + lam*w", WHERE)) for _ in range(3)]
    assert all(x == y for x, y in pairwise(texts))
