"""The Poisson distribution of counts."""

import scipy
import sympy as sp

from symml.language.properties import Domain
from symml.statistics.distribution import Alternative, Distribution, Parameter

POISSON = Distribution(
    name="Poisson",
    parameters=(Parameter("rate", Domain(low=0), (0.5, 6.0), "expected count"),),
    support=Domain(low=0, low_open=False),
    discrete=True,
    logpdf=lambda x, rate: x * sp.log(rate) - rate - sp.loggamma(x + 1),
    scipy=lambda rate: scipy.stats.poisson(rate),
    source="Casella & Berger, Statistical Inference, 2nd ed., p. 92",
    alternatives=(
        Alternative(Parameter("mean", Domain(low=0), (0.5, 6.0), "expected count"), "rate", lambda mean: mean),
    ),
)
