"""Critical points of functions of numbers: all of them, their kinds, compared with a search from many starts."""

import numpy as np
import pytest
import sympy as sp

import symml as sml
from symml.derivation.points.degenerate import beyond
from symml.derivation.points.polynomial_systems import number
from symml.errors import NoClosedFormError

POINTS = {
    "u^3 - 3*u + v^2": [((-1, 0), "saddle", (-6, 2)), ((1, 0), "minimum", (2, 6))],
    "x^4 + y^4 - 4*x*y + 1": [
        ((-1, -1), "minimum", (8, 16)), ((0, 0), "saddle", (-4, 4)), ((1, 1), "minimum", (8, 16)),
    ],
    "x*y*exp(-(x^2 + y^2)/2)": [
        ((-1, -1), "maximum", None), ((-1, 1), "minimum", None), ((0, 0), "saddle", (-1, 1)),
        ((1, -1), "minimum", None), ((1, 1), "maximum", None),
    ],
    "x^2 - 2*x*cos(y)": [
        ((-1, sp.pi), "minimum", (2, 2)), ((0, sp.pi / 2), "saddle", None), ((0, 3 * sp.pi / 2), "saddle", None),
        ((1, 0), "minimum", (2, 2)),
    ],
    "cos(x) + cos(y) + cos(x + y)": [
        ((0, 0), "maximum", (-3, -1)), ((0, sp.pi), "saddle", None),
        ((2 * sp.pi / 3, 2 * sp.pi / 3), "minimum", (sp.Rational(1, 2), sp.Rational(3, 2))),
        ((sp.pi, 0), "saddle", None), ((sp.pi, sp.pi), "saddle", (-1, 1)),
        ((4 * sp.pi / 3, 4 * sp.pi / 3), "minimum", None),
    ],
    "x^7/7 - x^5 + 4*x^3/3": [
        ((-2,), "maximum", (-48,)), ((-1,), "minimum", (6,)), ((0,), "inflection", (0,)), ((1,), "maximum", (-6,)),
        ((2,), "minimum", (48,)),
    ],
    "x^2 + y^2 + z^2 + x*y*z": [
        ((-2, -2, -2), "saddle", (-2, 4, 4)), ((-2, 2, 2), "saddle", (-2, 4, 4)), ((0, 0, 0), "minimum", (2, 2, 2)),
        ((2, -2, 2), "saddle", (-2, 4, 4)), ((2, 2, -2), "saddle", (-2, 4, 4)),
    ],
    "tanh(x) - x/2": [((sp.log(sp.sqrt(2) - 1),), "minimum", None), ((sp.log(1 + sp.sqrt(2)),), "maximum", None)],
    "x^2*exp(y) + y^2": [((0, 0), "minimum", (2, 2))],
    "exp(x) + exp(-2*x)": [((sp.log(2) / 3,), "minimum", None)],
    "x*log(x) + y*log(y) - x - y": [((1, 1), "minimum", (1, 1))],
    "softplus(x) - x/3": [((-sp.log(2),), "minimum", (sp.Rational(2, 9),))],
    "x^4 + y^4": [((0, 0), "minimum", (0, 0))],
    "x^3 - 3*x*y^2": [((0, 0), "saddle", (0, 0))],
    "(y - x^2)*(y - 3*x^2)": [((0, 0), "saddle", (0, 2))],
    "x^2*y^4 + y^6 + x^2": [((0, 0), "minimum", (0, 2))],
}  # fmt: skip


def stationary(text):
    """The stationary points of a function of x, y, z, u, v."""
    names = [n for n in ("u", "v", "x", "y", "z") if sp.Symbol(n) in sp.sympify(text.replace("^", "**")).free_symbols]
    return sml.derive(text, wrt=names if len(names) > 1 else names[0], where=", ".join(names)).stationary()


@pytest.mark.parametrize("text", POINTS)
def test_all_points_with_kinds_and_eigenvalues(text):
    s = stationary(text)
    assert [tuple(x.value for x in p.values.values()) for p in s.points] == [
        tuple(sp.sympify(x) for x in place) for place, _, _ in POINTS[text]
    ]
    assert [p.kind for p in s.points] == [kind for _, kind, _ in POINTS[text]]
    for p, (_, _, eigenvalues) in zip(s.points, POINTS[text], strict=True):
        if eigenvalues is not None:
            assert p.eigenvalues == tuple(sp.sympify(e) for e in eigenvalues)
    assert not any("may be more" in c or "no more" in c for c in s.conditions)


SEARCHED = [
    "(x^2 + y - 11)^2 + (x + y^2 - 7)^2", "x^6 + y^6 - 3*x*y + x", "x^4 + y^4 - x^2*y + x*y^2 - y",
    "(x^2 + 2*y^2 - 1)*exp(-x^2 - y^2)", "x^3*y - x*y^3 + x^2 + y^4", "(x + y)/(1 + x^2 + y^2)", "x^6 - 3*x^4 + x",
    "x^4 - 3*x^2*y^2 + y^4 + x^2 - y", "x*y*z - x^2 - y^2 - z^2 + x", "4*x^2 - 2.1*x^4 + x^6/3 + x*y - 4*y^2 + 4*y^4",
]  # fmt: skip


@pytest.mark.parametrize("text", SEARCHED)
def test_a_search_from_many_starts_finds_the_same_points(text):
    s = stationary(text)
    value = s_value(text)
    symbols = sorted(value.free_symbols, key=str)
    found = [[float(number(x.value)) for x in p.values.values()] for p in s.points]
    gradient = sp.lambdify([symbols], [sp.diff(value, v) for v in symbols])
    hessian = sp.lambdify([symbols], sp.hessian(value, symbols))
    rng = np.random.default_rng(0)
    seen = set()
    for start in rng.uniform(-4, 4, size=(400, len(symbols))):
        x = start
        for _ in range(60):
            with np.errstate(all="ignore"):
                h = np.array(hessian(x), float)
                step = np.linalg.lstsq(h, np.array(gradient(x), float), rcond=None)[0] if np.isfinite(h).all() else x
            x = x - step
            if np.linalg.norm(x) > 10:
                break
        if np.linalg.norm(x) < 5 and np.linalg.norm(gradient(x)) < 1e-10:
            near = [k for k, p in enumerate(found) if np.linalg.norm(x - p) < 1e-6]
            assert near, f"{x} is a critical point of {text} that was not found"
            seen.add(near[0])
    assert len(seen) >= len(found) - 1
    for p, place in zip(s.points, found, strict=True):
        assert np.linalg.norm(gradient(place)) < 1e-9
        eigenvalues = np.linalg.eigvalsh(np.array(hessian(place), float))
        np.testing.assert_allclose([float(number(sp.sympify(e))) for e in p.eigenvalues], eigenvalues, atol=1e-8)
        signs = {int(np.sign(e)) for e in eigenvalues}
        assert min(abs(eigenvalues)) < 1e-9 or p.kind == {frozenset({1}): "minimum", frozenset({-1}): "maximum"}.get(
            frozenset(signs), "saddle"
        )


def s_value(text):
    """The function as SymPy has it."""
    return sp.nsimplify(sp.sympify(text.replace("^", "**")), rational=True)


CURVES = {
    "(x^2 + y^2)*exp(-x^2 - y^2)": (["minimum", "maximum, not isolated", "maximum, not isolated"], "-4*exp(-1), 0"),
    "(x - y)^2": (["minimum, not isolated"], "0, 4"),
    "x^2*y^2": (["not isolated", "not isolated"], "0, 2*y**2"),
    "(x^2 - 1)^2*(y^2 - 4)": (["not isolated", "minimum", "not isolated"], "0, 8*y**2 - 32"),
}


@pytest.mark.parametrize("text", CURVES)
def test_curves_of_stationary_points(text):
    kinds, eigenvalues = CURVES[text]
    s = stationary(text)
    assert [p.kind for p in s.points] == kinds
    shown = str(next(p for p in s.points if "not isolated" in p.kind))
    assert shown.endswith(eigenvalues)


def test_periods_are_stated_and_bounded_ranges_are_filled():
    s = stationary("sin(x) + x/2")
    assert s.conditions == ("the others are these plus whole multiples of 2 π in x",)
    s = sml.derive("sin(2*x)", "x", where="x in (-4, 0)").stationary()
    assert [p.values["x"].value for p in s.points] == [-5 * sp.pi / 4, -3 * sp.pi / 4, -sp.pi / 4]
    assert s.conditions == ()


GLOBAL = {
    "x^4 + y^4 - 4*x*y + 1": "−1 at (−1, −1) and (1, 1) is the global minimum: x⁴ + y⁴ leads",
    "(1 - x)^2 + 100*(y - x^2)^2": "0 at (1, 1) is the global minimum: the squares in it cannot get less",
    "sin(x)*cos(y)": "1 at (π/2, 0) and (3 π/2, π) is the global maximum: the function has the period 2 π in x and y",
    "x^4 + x^2*y^2 + y^4": "the function is convex",
}


@pytest.mark.parametrize("text", GLOBAL)
def test_global_extremes_and_why(text):
    s = stationary(text)
    if "convex" in GLOBAL[text]:
        assert s.kind == "unique global minimum"
    else:
        assert any(r.startswith(GLOBAL[text]) for r in s.reasons)


def test_what_has_no_global_extreme_is_not_called_one():
    for text in ("u^3 - 3*u + v^2", "x^2 + y^2 + z^2 + x*y*z", "x^4 - y^4 + x*y"):
        assert not any("global" in r for r in stationary(text).reasons)
        assert "global" not in stationary(text).kind


def test_one_point_of_a_convex_function_is_global():
    s = stationary("x^4 + y^4")
    assert s.kind == "unique global minimum"
    assert s.reasons[0].startswith("the function is convex: x⁴ is a sum of even powers")
    assert stationary("(x - y)^2").kind == "global minimum, not unique"


def test_no_solution_is_told_from_none_found():
    with pytest.raises(NoClosedFormError, match="no real solution: there is no stationary point"):
        stationary("exp(x) + x^3/3 + x")
    with pytest.raises(NoClosedFormError, match=r"has no closed form; call \.fit"):
        stationary("exp(x*y) - x - y")


def test_a_root_outside_of_the_domain_is_left_out():
    s = stationary("x^2 - 8*log(x)")
    assert [tuple(x.value for x in p.values.values()) for p in s.points] == [(2,)]
    s = stationary("log(x^2 - 1) - x")
    assert [tuple(x.value for x in p.values.values()) for p in s.points] == [(1 + sp.sqrt(2),)]


DEGENERATE = [
    ("x**4 - y**2", "saddle"), ("x**3 + y**2", "saddle"), ("(y - x**2)**2 + x**6", "minimum"),
    ("(y - x**2)**2 - x**5", "saddle"), ("-x**2 - y**4", "maximum"), ("x**4 - 3*x**2*y**2 + y**4", "saddle"),
    ("x**2*y**4 + y**6", "degenerate"), ("1 - cos(x**2) + exp(y) - y", "minimum"), ("x**2 + y**2 + z**4", "minimum"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "kind"), DEGENERATE, ids=[c[0] for c in DEGENERATE])
def test_degenerate_points_by_higher_orders(text, kind):
    names = {n: sp.Symbol(n, real=True) for n in "xyz"}
    f = sp.sympify(text, locals=names)
    variables = sorted(f.free_symbols, key=str)
    assert beyond(f, variables, dict.fromkeys(variables, sp.S.Zero)) == kind


def test_numbers_of_roots_that_evalf_is_slow_for():
    s = stationary("x^6 + y^6 - 3*x*y + x")
    assert [str(p)[: str(p).index(")") + 1] for p in s.points] == [
        "( -0.900744, -0.852539)", "(0.00823045,  0.333333)", "(  0.754668,  0.822896)",
    ]  # fmt: skip


def test_steps_show_roots_as_decimals_and_say_of_which_polynomial():
    found = sml.derive("x^6/6 - x^2*y + y^2 - x", wrt=["x", "y"], where="x, y").stationary()
    last = found.steps[-1]
    assert last.text == "(x, y) ≈ (1.23651, 0.764473)"
    assert r"(x, y) &\approx (1.23651, 0.764473)" in last.latex
    assert "x is a root of x⁵ − x³ − 1" in last.statement
    assert "Hessian eigenvalues 1.30899, 10.8505" in last.statement
    exact = sml.derive("x^2 + 2^(1/2)*x + y^2 - 2*x*y + y^4", wrt=["x", "y"], where="x, y").stationary()
    assert exact.steps[-1].text == "(x, y) = (−sqrt(2), −sqrt(2)/2)"
