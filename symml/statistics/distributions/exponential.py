"""The exponential distribution of a waiting time, by its rate."""

import scipy
import sympy as sp

from symml.language.properties import Domain
from symml.statistics.distribution import Alternative, Distribution, Parameter

EXPONENTIAL = Distribution(
    name="Exponential",
    parameters=(Parameter("rate", Domain(low=0), (0.3, 3.0), "events per unit of time"),),
    support=Domain(low=0, low_open=False),
    discrete=False,
    logpdf=lambda x, rate: sp.log(rate) - rate * x,
    scipy=lambda rate: scipy.stats.expon(scale=1 / rate),
    source="Casella & Berger, Statistical Inference, 2nd ed., eq. 3.3.11",
    alternatives=(
        Alternative(Parameter("mean", Domain(low=0), (0.3, 3.0), "expected value"), "rate", lambda mean: 1 / mean),
        Alternative(Parameter("scale", Domain(low=0), (0.3, 3.0), "expected value"), "rate", lambda scale: 1 / scale),
    ),
)
