"""Every registered function: NumPy against the definition, derivative against differences, shapes."""

import importlib

import numpy as np
import pytest
import sympy as sp

import symml.codegen.evaluate
import symml.notation.sympy_bridge  # noqa: F401
from symml.errors import DomainError, MissingRuleError, NotSupportedError, ShapeError
from symml.language.declarations import declare
from symml.language.expressions import Call, Scalar
from symml.language.function import call, function, functions, spellings
from symml.language.operators import as_expression, symbol
from symml.language.symbols import dimension

n, d = dimension("n"), dimension("d")
ELEMENTWISE = [f.name for f in functions().values() if f.kind == "elementwise"]
ARRAY = [f.name for f in functions().values() if f.kind == "array"]
PAIRS = {
    "dot": [("nd", "nd")],
    "kron": [("n", "nd"), ("nd", "dd"), ("n", "d")],
    "power": [("n", "n"), ("nd", ""), ("", "n")],
    "max": [("n", "n"), ("nd", "")],
    "min": [("n", "n"), ("nd", "")],
    **{f"{f}m_frechet": [("dd", "dd")] for f in ("exp", "log", "sqrt", "sin", "cos")},
}
SINGLE = ["", "n", "nd", "dd", "1d"]


def away_from_kinks(record, shape, rng):
    low, high = record.typical
    x = rng.uniform(low, high, shape)
    for kink in record.kinks:
        x = np.where(np.abs(x - kink) < 0.2, kink + 0.3, x)
    return x


def array(letters, rng, low, high):
    shape = tuple({"n": 4, "d": 3}[c] for c in letters if c != "1")
    x = rng.uniform(low, high, shape)
    return x + 2.5 * np.eye(3) if letters == "dd" else x


def expression(name, letters):
    shape = tuple({"n": n, "d": d}[c] for c in letters if c != "1")
    x = symbol(name, shape) if shape else declare(f"{name} > 0")
    return as_expression(x).T if letters.startswith("1") else as_expression(x)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise_keeps_the_shape(name):
    for letters in ("n", "nd", "1d"):
        x = expression("x", letters)
        assert call(name, (x,)).shape == x.shape
    assert call(name, (as_expression(declare("u > 0")),)).shape == ()


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise_numpy_equals_definition(name):
    record = function(name)
    if record.definition is None:
        assert record.numpy is not None
        return
    x = symbol("x", (n, d))
    value = away_from_kinks(record, (4, 3), np.random.default_rng(1))
    want = record.definition(x).evaluate(x=value)
    assert np.allclose(record.numpy(value), want, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise_derivative_equals_differences(name):
    record = function(name)
    x = symbol("x", (n,))
    value = away_from_kinks(record, (7,), np.random.default_rng(2))
    h = 2e-3

    def central(step):
        return (record.numpy(value + step) - record.numpy(value - step)) / (2 * step)

    want = (64 * central(h / 4) - 20 * central(h / 2) + central(h)) / 45
    got = record.derivative(x).evaluate(x=value, n=7)
    assert np.allclose(got, want, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_scalar_counterpart_agrees_in_value_and_derivative(name):
    record = function(name)
    u = sp.Symbol("u", real=True)
    found = call(name, (as_expression(u),))
    assert isinstance(found, Scalar)
    for value in away_from_kinks(record, (4,), np.random.default_rng(3)):
        assert np.isclose(found.evaluate(u=value), float(record.numpy(value)), rtol=1e-12)
        exact = found.value.subs(u, sp.Rational(str(round(value, 6)))).evalf(20)
        assert np.isclose(float(exact), float(record.numpy(round(value, 6))), rtol=1e-12)
        slope = record.derivative(as_expression(u)).evaluate(u=value)
        assert np.isclose(as_expression(found.value.diff(u)).evaluate(u=value), slope, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_no_warning_far_out(name):
    record = function(name)
    if name in ("exp", "sinh", "cosh", "gamma", "tan"):
        return
    far = np.array([1e-3, 1.0, 800.0]) if record.domain.low is not None else np.array([-800.0, -1e-3, 0.5, 800.0])
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        assert np.isfinite(record.numpy(far)).all()


def arrays_of(name):
    record = function(name)
    if record.arity[1] == 1 or name in ("max", "min"):
        yield from ((letters,) for letters in SINGLE)
    yield from PAIRS.get(name, [("n",), ("n", "d")] if name == "toeplitz" else [])


@pytest.mark.parametrize("name", ARRAY)
def test_array_function_shape_numpy_and_definition(name):
    record = function(name)
    rng = np.random.default_rng(4)
    seen = 0
    for kinds in arrays_of(name):
        args = [expression(v, k) for v, k in zip("xy", kinds, strict=False)]
        try:
            found = call(name, tuple(args))
        except ShapeError as error:
            assert name in str(error)  # noqa: PT017
            continue
        seen += 1
        low, high = record.typical
        values = {v: array(k, rng, low, high) if k else 0.7 for v, k in zip("xy", kinds, strict=False)}
        got = found.evaluate(values, n=4, d=3)
        sizes = {n: 4, d: 3}
        assert np.shape(got) == tuple(int(sp.sympify(s).xreplace(sizes)) for s in found.shape), (name, kinds)
        if record.definition is not None and isinstance(found, Call) and found.function == name:
            try:
                definition = record.definition(*found.args)
            except MissingRuleError:
                continue
            assert definition.shape == found.shape
            assert np.allclose(definition.evaluate(values, n=4, d=3), got, rtol=1e-10), (name, kinds)
    assert seen


@pytest.mark.parametrize("name", ARRAY)
def test_array_function_entries_agree(name):
    rng = np.random.default_rng(5)
    record = function(name)
    for kinds in arrays_of(name):
        args = [expression(v, k) for v, k in zip("xy", kinds, strict=False)]
        try:
            found = call(name, tuple(args))
            entries = found.as_explicit(n=3, d=2)
        except (ShapeError, NotSupportedError):
            continue
        low, high = record.typical
        values = {
            v: rng.uniform(low, high, tuple({"n": 3, "d": 2}[c] for c in k if c != "1"))
            for v, k in zip("xy", kinds, strict=False)
        }
        values = {v: a + 2 * np.eye(2) if a.shape == (2, 2) else a for v, a in values.items()}
        spots = {"_".join([v, *map(str, i)]): a[i] for v, a in values.items() for i in np.ndindex(a.shape)}
        flat = list(entries) if isinstance(entries, sp.MatrixBase) else [entries]
        got = [
            complex(sp.sympify(e).evalf(25, subs={s: spots[s.name] for s in sp.sympify(e).free_symbols})) for e in flat
        ]
        assert np.allclose(got, np.ravel(found.evaluate(values, n=3, d=2)), rtol=1e-9), (name, kinds)


def test_norm_of_a_scalar_is_its_absolute_value():
    u = sp.Symbol("u", real=True)
    assert call("norm", (as_expression(u),)) == sp.Abs(u)
    assert call("sumsq", (as_expression(u),)) == u**2
    assert call("sqrt", (as_expression(sp.Integer(4)),)) == sp.Integer(2)


def test_scalars_stay_scalars():
    X, y, w = declare("X: n x d, y: n, w: d")
    assert call("trace", (w.T * w,)) is w.T * w
    assert call("sumsq", (X * w - y,)).shape == ()
    assert call("dot", (y, X * w)) is y.T * (X * w)


def test_refusals_name_function_and_shape():
    X, w = declare("X: n x d, w: d")
    for name, x in (("trace", X), ("logdet", X), ("inv", X), ("det", w), ("rowsum", w), ("toeplitz", X), ("expm", X)):
        with pytest.raises(ShapeError, match=rf"{name} needs .*found"):
            call(name, (x,))
    with pytest.raises(ShapeError, match="takes 2 arguments, 1 given"):
        call("dot", (w,))
    with pytest.raises(ShapeError, match="one shape"):
        call("dot", (X, w))
    with pytest.raises(DomainError, match="log"):
        call("log", (as_expression(0),))
    with pytest.raises(DomainError, match="sqrt"):
        call("sqrt", (as_expression(-1),))
    with pytest.raises(NotSupportedError, match="known"):
        call("nosuch", (w,))


def test_every_record_is_complete():
    for name, record in functions().items():
        assert record.name == name
        assert importlib.import_module(f"symml.language.functions.{name}").__doc__
        assert record.statement, name
        if record.kind != "spelling":
            assert record.source, name
            assert record.latex, name
            assert record.numpy is not None or record.definition is not None, name
        if record.kind == "elementwise":
            assert record.derivative is not None, name
    assert len(spellings()) == sum(1 + len(f.aliases) for f in functions().values())


CONTRACT = (
    "sum mean dot norm norm1 norm2 normnuc normspec sumsq trace tr det logdet inv diag kron vec eye ones rowsum colsum "
    "toeplitz mul div power exp log sqrt abs sign sin cos tan sinh cosh tanh arctan erf sigmoid softplus relu step "
    "softmax logsumexp normcdf loggamma lgamma digamma max min expm logm sqrtm sinm eigmax eigmaxprojector"
)


def test_the_contract_is_covered():
    assert set(CONTRACT.split()) <= set(spellings())
