"""Laws on random well-typed expressions: derivatives, linearity, product and chain rule, shapes, both round trips.

All dimensions differ, so that a transposed or misplaced factor cannot pass by accident.
"""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import symml as sml
from symml.calculus.proving import proved_equal
from symml.checking.sampling import draw
from symml.forms.lowering import lower
from symml.forms.raising import raise_
from symml.forms.textbook import present
from symml.language.operators import scalar
from symml.language.symbols import dimension
from symml.notation.reader import parse

DIMS = {name: dimension(name) for name in ("n", "d", "k")}
WHERE = (
    "a, lam > 0, x: n, y: n, s: n in {-1,1}, w: d, v: d, p: k simplex, u: k, X: n x d, M: n x d mask, W: d x k, "
    "Z: n x k, A: n x n, S: n x n spd, B: d x d, C: k x k"
)
TABLE = {s.name: s for s in sml.declare(WHERE)}
SYMBOLS = {}
for s in TABLE.values():
    SYMBOLS.setdefault(tuple(str(d) for d in getattr(s, "shape", ())), []).append(s)
SMOOTH = ("tanh", "sin", "sigmoid", "softplus", "cos", "arctan")
VARIABLES = ("a", "lam", "x", "w", "u", "X", "W", "Z", "A", "S", "B", "s", "p", "M")


def leaf(shape):
    """A declared symbol of a shape; ones where there is none."""
    found = [as_expr(s) for s in SYMBOLS.get(shape, [])]
    if len(shape) == 2 and shape[0] == shape[1]:
        found.append(sml.eye(DIMS[shape[0]]))
    if len(shape) == 2 and not found:
        found += [TABLE[s.name].T for s in SYMBOLS.get(shape[::-1], [])]
    return st.sampled_from(found or [sml.ones(*(DIMS[d] for d in shape))])


def as_expr(s):
    return s if isinstance(s, sml.Expression) else scalar(s)


@st.composite
def expression(draw_, shape, depth):
    """A random expression of a shape."""
    if depth == 0:
        return draw_(leaf(shape))
    sub = lambda *s, less=1: draw_(expression(s, max(0, depth - less)))  # noqa: E731
    dim = lambda: draw_(st.sampled_from(sorted(DIMS)))  # noqa: E731
    kinds = {0: SCALAR, 1: VECTOR, 2: MATRIX}[len(shape)]
    return kinds[draw_(st.sampled_from(sorted(kinds)))](draw_, sub, dim, shape)


def coefficient(draw_):
    return sp.Rational(draw_(st.sampled_from((-3, -1, 2, "1/2", "3/4"))))


def function(draw_, e):
    return getattr(sml, draw_(st.sampled_from(SMOOTH)))(e)


def invertible(draw_, sub, shape):
    m = sub(shape[0], shape[0])
    return m * m.T + 2 * sml.eye(DIMS[shape[0]])


SCALAR = {
    "sum": lambda r, sub, dim, shape: r(st.sampled_from((sml.sum, sml.sumsq, sml.mean)))(
        sub(dim(), dim()) if r(st.booleans()) else sub(dim())
    ),
    "dot": lambda r, sub, dim, shape: (lambda n: sub(n).T * sub(n))(dim()),
    "quadratic": lambda r, sub, dim, shape: (lambda n, m: sub(n).T * sub(n, m) * sub(m))(dim(), dim()),
    "trace": lambda r, sub, dim, shape: (lambda n, m: sml.tr(sub(n, m) * sub(m, n)))(dim(), dim()),
    "logsumexp": lambda r, sub, dim, shape: sml.logsumexp(sub(dim())),
    "logdet": lambda r, sub, dim, shape: sml.logdet(invertible(r, sub, (dim(),))),
    "product": lambda r, sub, dim, shape: sub() * sub(less=2),
    "add": lambda r, sub, dim, shape: sub() + sub(less=2),
    "scale": lambda r, sub, dim, shape: coefficient(r) * sub(),
    "function": lambda r, sub, dim, shape: function(r, sub()),
    "norm": lambda r, sub, dim, shape: sml.norm(sub(dim())),
    "quotient": lambda r, sub, dim, shape: sub() / (1 + sub(less=2) ** 2),
}
VECTOR = {
    "product": lambda r, sub, dim, shape: (lambda m: sub(*shape, m) * sub(m))(dim()),
    "add": lambda r, sub, dim, shape: sub(*shape) + r(st.sampled_from((1, -1))) * sub(*shape, less=2),
    "mul": lambda r, sub, dim, shape: sml.mul(sub(*shape), sub(*shape, less=2)),
    "function": lambda r, sub, dim, shape: function(r, sub(*shape)),
    "softmax": lambda r, sub, dim, shape: sml.softmax(sub(*shape)),
    "diag": lambda r, sub, dim, shape: sml.diag(sub(*shape, *shape)),
    "rowsum": lambda r, sub, dim, shape: sml.rowsum(sub(*shape, dim())),
    "scale": lambda r, sub, dim, shape: sub(less=2) * sub(*shape),
    "shift": lambda r, sub, dim, shape: sub(*shape) - sml.mean(sub(dim(), less=2)),
    "solve": lambda r, sub, dim, shape: sml.inv(invertible(r, sub, shape)) * sub(*shape, less=2),
    "divide": lambda r, sub, dim, shape: sml.div(sub(*shape), 1 + sml.power(sub(*shape, less=2), 2)),
}
MATRIX = {
    "product": lambda r, sub, dim, shape: (lambda m: sub(shape[0], m) * sub(m, shape[1], less=2))(dim()),
    "add": lambda r, sub, dim, shape: sub(*shape) - sub(*shape, less=2),
    "mul": lambda r, sub, dim, shape: sml.mul(sub(*shape), sub(*shape, less=2)),
    "function": lambda r, sub, dim, shape: function(r, sub(*shape)),
    "outer": lambda r, sub, dim, shape: sub(shape[0]) * sub(shape[1], less=2).T,
    "transpose": lambda r, sub, dim, shape: sub(*shape[::-1]).T,
    "diag": lambda r, sub, dim, shape: sml.diag(sub(shape[0])) * sub(*shape, less=2),
    "softmax": lambda r, sub, dim, shape: sml.softmax(sub(*shape)),
    "scale": lambda r, sub, dim, shape: sub(less=2) * sub(*shape),
    "inverse": lambda r, sub, dim, shape: sml.inv(invertible(r, sub, shape)) if shape[0] == shape[1] else sub(*shape),
}
OBJECTIVE = expression((), 3)
ANY = st.sampled_from([(), ("n",), ("d",), ("n", "d"), ("d", "k"), ("n", "n")]).flatmap(lambda s: expression(s, 3))

QUICK = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
LONG = settings(max_examples=3000, deadline=None, suppress_health_check=list(HealthCheck))
LENGTHS = [pytest.param(QUICK, id="quick"), pytest.param(LONG, id="long", marks=pytest.mark.slow)]


def at_random(*expressions, seed=0):
    """Values of all symbols."""
    return draw({k: v for e in expressions for k, v in e.declarations.items()} | TABLE, np.random.default_rng(seed))


def agree(a, b, seed=0):
    """Whether two expressions have one value at a random point."""
    values, sizes = at_random(a, b, seed=seed)
    x, y = (np.asarray(e.evaluate({**sizes, **values}), float) for e in (a, b))
    assume(np.isfinite(y).all())
    return x.shape == y.shape and np.max(np.abs(x - y), initial=0) <= 1e-8 * max(1e-6, np.max(np.abs(y), initial=0))


def run(law, length):
    """Check a law, as often as asked."""
    length(law)()


def variable(e, name):
    assume(name in e.declarations)
    return TABLE[name]


def read_back(e, symbols):
    """What the print of an expression is read as."""
    try:
        return parse(str(e), where=list(symbols), shape=e.shape)
    except sml.DeclarationError as error:  # mean(rowsum(I)): nothing around I says its size
        assume("the size of" not in str(error))
        raise


def gradient_of(f, x):
    return sml.derive(f, wrt=x).gradient


@pytest.mark.parametrize("length", LENGTHS)
def test_gradient_agrees_with_differences_and_has_the_shape_of_its_variable(length):
    @given(OBJECTIVE, st.sampled_from(VARIABLES))
    def law(f, name):
        x = variable(f, name)
        d = sml.derive(f, wrt=x)
        assert d.gradient.shape == getattr(x, "shape", ())
        assert d.check(seed=1).passed is not False

    run(law, length)


@pytest.mark.parametrize("length", LENGTHS)
def test_jacobian_agrees_with_differences(length):
    @given(ANY, st.sampled_from(VARIABLES))
    def law(f, name):
        x = variable(f, name)
        assume(len(f.shape) + len(getattr(x, "shape", ())) <= 2)
        d = sml.derive(f, wrt=x)
        assert d.jacobian.shape == f.shape + getattr(x, "shape", ())

    run(law, length)


@pytest.mark.parametrize("length", LENGTHS)
def test_hessian_agrees_with_differences(length):
    @given(expression((), 2), st.sampled_from(VARIABLES))
    def law(f, name):
        x = variable(f, name)
        d = sml.derive(f, wrt=x)
        try:
            hessian = d.hessian
        except sml.NotSupportedError as error:
            assume("no matrix notation" not in str(error) and "size is not known" not in str(error))
            raise
        assert hessian.shape == 2 * getattr(x, "shape", ())
        assert d.check(order=2, seed=1).passed is not False

    run(law, length)


@pytest.mark.parametrize("length", LENGTHS)
def test_linearity_product_and_chain_rule(length):
    @given(expression((), 2), expression((), 2), st.sampled_from(VARIABLES))
    def law(f, g, name):
        x = variable(f * g, name)
        df, dg = (gradient_of(e, x) if name in e.declarations else 0 for e in (f, g))
        assert agree(gradient_of(3 * f - g / 2, x), 3 * df - dg / 2)
        assert agree(gradient_of(f * g, x), f * dg + g * df)
        if name in f.declarations:
            assert agree(gradient_of(sml.sin(f), x), sml.cos(f) * df)

    run(law, length)


@pytest.mark.parametrize("length", LENGTHS)
def test_print_reads_back(length):
    @given(ANY)
    def law(e):
        back = read_back(e, TABLE.values())
        assert back == e or agree(back, e), str(e)

    run(law, length)


@pytest.mark.parametrize("length", LENGTHS)
def test_gradient_print_reads_back(length):
    @given(expression((), 2), st.sampled_from(VARIABLES))
    def law(f, name):
        x = variable(f, name)
        g = gradient_of(f, x)
        assert agree(read_back(g, f.declarations.values()), g), str(g)

    run(law, length)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("bridge", [present, lambda node: raise_(node, False)], ids=["polished", "plain"])
def test_raise_after_lower_keeps_the_value(length, bridge):
    @given(ANY)
    def law(e):
        node = lower(e)
        back = bridge(node)
        assert back.shape == e.shape
        assert proved_equal(lower(back), node) or agree(back, e)

    run(law, length)
