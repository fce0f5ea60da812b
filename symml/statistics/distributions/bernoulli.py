"""The Bernoulli distribution of a yes or no."""

import scipy
import sympy as sp

from symml.language.properties import Domain
from symml.statistics.distribution import Distribution, Parameter

BERNOULLI = Distribution(
    name="Bernoulli",
    parameters=(Parameter("p", Domain(low=0, high=1), (0.1, 0.9), "probability of a 1"),),
    support=Domain(values=(0, 1)),
    discrete=True,
    logpdf=lambda x, p: x * sp.log(p) + (1 - x) * sp.log(1 - p),
    scipy=lambda p: scipy.stats.bernoulli(p),
    source="Casella & Berger, Statistical Inference, 2nd ed., p. 89",
)
