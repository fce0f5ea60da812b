"""The normal distribution, by mean and standard deviation."""

import scipy
import sympy as sp

from symml.language.properties import Domain
from symml.statistics.distribution import Alternative, Distribution, Parameter

NORMAL = Distribution(
    name="Normal",
    parameters=(
        Parameter("mean", Domain(), (-2.0, 2.0), "expected value"),
        Parameter("sd", Domain(low=0), (0.5, 2.0), "standard deviation"),
    ),
    support=Domain(),
    discrete=False,
    logpdf=lambda x, mean, sd: -sp.log(2 * sp.pi) / 2 - sp.log(sd) - (x - mean) ** 2 / (2 * sd**2),
    scipy=lambda mean, sd: scipy.stats.norm(mean, sd),
    source="Casella & Berger, Statistical Inference, 2nd ed., eq. 3.3.13",
    alternatives=(
        Alternative(Parameter("var", Domain(low=0), (0.3, 3.0), "variance"), "sd", sp.sqrt),
        Alternative(
            Parameter("precision", Domain(low=0), (0.3, 3.0), "1/variance"), "sd", lambda tau: 1 / sp.sqrt(tau)
        ),
    ),
)
