"""The gamma function."""

import sympy as sp

from symml.language.function import Function
from symml.language.operators import call, elementwise_product
from symml.language.properties import Domain
from symml.libraries import special

GAMMA = Function(
    name="gamma",
    kind="elementwise",
    statement="d Γ(x) = Γ(x) ⊙ digamma(x) ⊙ dx",
    source="Abramowitz & Stegun, Handbook of Mathematical Functions, 6.1.1",
    definition=lambda x: call("exp", call("loggamma", x)),
    derivative=lambda x: elementwise_product(call("gamma", x), call("digamma", x)),
    numpy=special.gamma,
    sympy=sp.gamma,
    domain=Domain(low=0),
    typical=(0.5, 4.0),
    properties=frozenset({"positive", "nonnegative", "nonzero"}),
    latex=r"\Gamma",
)
