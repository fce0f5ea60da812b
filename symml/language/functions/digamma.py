"""The digamma function, the derivative of log Γ."""

import sympy as sp

from symml.language.function import Function
from symml.language.operators import call
from symml.language.properties import Domain
from symml.libraries import special

DIGAMMA = Function(
    name="digamma",
    kind="elementwise",
    statement="d digamma(x) = trigamma(x) ⊙ dx",
    source="Abramowitz & Stegun, Handbook of Mathematical Functions, 6.3.1",
    derivative=lambda x: call("trigamma", x),
    numpy=special.digamma,
    sympy=sp.digamma,
    domain=Domain(low=0),
    typical=(0.5, 4.0),
    aliases=("psi_0",),
    latex=r"\psi",
)
