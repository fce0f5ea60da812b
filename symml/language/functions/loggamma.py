"""The logarithm of the gamma function."""

import sympy as sp

from symml.language.function import Function
from symml.language.operators import call
from symml.language.properties import Domain
from symml.libraries import special

LOGGAMMA = Function(
    name="loggamma",
    kind="elementwise",
    statement="d log Γ(x) = digamma(x) ⊙ dx",
    source="Abramowitz & Stegun, Handbook of Mathematical Functions, 6.3.1",
    derivative=lambda x: call("digamma", x),
    numpy=special.gammaln,
    sympy=sp.loggamma,
    domain=Domain(low=0),
    typical=(0.5, 4.0),
    aliases=("lgamma", "gammaln"),
    latex=r"\log\Gamma",
)
