"""Every registered distribution: log-density against SciPy, moments and information against sums and integrals."""

import numpy as np
import pytest
import sympy as sp
from scipy import integrate

from symml.checking.sampling import _entries
from symml.statistics.distribution import families, observation_symbol
from symml.statistics.information import expected_terms, family_information, own_symbol
from symml.statistics.sufficient import split

FAMILIES = sorted(families())


def draws(distribution, rng):
    return [float(rng.uniform(*p.typical)) for p in distribution.parameters]


def observations(distribution, rng):
    facts = {"integer"} if distribution.discrete and not distribution.support.values else set()
    facts |= {"nonnegative"} if distribution.support.nonnegative else set()
    return [
        float(_entries((), facts, distribution.support if distribution.support.values else None, rng))
        for _ in range(20)
    ]


@pytest.mark.parametrize("name", FAMILIES)
def test_log_density_against_scipy(name):
    d, rng = families()[name], np.random.default_rng(0)
    x = observation_symbol("x", d.support)
    own = [own_symbol(p.name, p.domain) for p in d.parameters]
    f = sp.lambdify([x, *own], d.logpdf(x, *own), "scipy")
    for _ in range(5):
        at, values = draws(d, rng), observations(d, rng)
        law = d.scipy(*at)
        want = law.logpmf(values) if d.discrete else law.logpdf(values)
        np.testing.assert_allclose([f(v, *at) for v in values], want, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("name", FAMILIES)
def test_alternatives_give_the_same_density(name):
    d, rng = families()[name], np.random.default_rng(1)
    own = {p.name for p in d.parameters}
    for a in d.alternatives:
        assert a.replaces in own
        low, high = a.parameter.typical
        assert float(a.value(sp.Float(rng.uniform(low, high)))) > 0


@pytest.mark.parametrize("name", FAMILIES)
def test_expected_statistics_and_information_against_the_law(name):
    d, rng = families()[name], np.random.default_rng(2)
    symbols, matrix = family_information(d)
    x = observation_symbol("x", d.support)
    logpdf = d.logpdf(x, *symbols)
    moments = expected_terms(split(logpdf, [x]), symbols)
    at = draws(d, rng)
    here = dict(zip(symbols, at, strict=True))
    law = d.scipy(*at)

    def expected(e):
        f = sp.lambdify(x, e.subs(here), "scipy")
        if d.discrete:
            grid = np.arange(0, 200)
            return float(np.sum([law.pmf(k) * f(float(k)) for k in grid if law.pmf(k) > 0]))
        low, high = law.ppf([1e-16, 1 - 1e-16])
        return integrate.quad(lambda v: law.pdf(v) * f(v), low, high, epsabs=1e-13, limit=200)[0]

    for t, value in moments.items():
        assert expected(sp.sympify(t)) == pytest.approx(float(sp.sympify(value).subs(here)), rel=1e-7)
    for j, a in enumerate(symbols):
        for k, b in enumerate(symbols):
            want = expected(-sp.diff(logpdf, a, b))
            assert want == pytest.approx(float(matrix[j, k].subs(here)), rel=1e-7, abs=1e-7)
