"""The trigamma function, the derivative of digamma."""

import sympy as sp

from symml.language.function import Function
from symml.language.operators import apply_lambda
from symml.language.properties import Domain
from symml.libraries import special

_Z = sp.Symbol("z", positive=True)
_TETRAGAMMA = sp.Lambda(_Z, sp.polygamma(2, _Z))

TRIGAMMA = Function(
    name="trigamma",
    kind="elementwise",
    statement="d trigamma(x) = polygamma(2, x) ⊙ dx",
    source="Abramowitz & Stegun, Handbook of Mathematical Functions, 6.4.1",
    derivative=lambda x: apply_lambda(_TETRAGAMMA, x),
    numpy=lambda x: special.polygamma(1, x),
    sympy=sp.trigamma,
    domain=Domain(low=0),
    typical=(0.5, 4.0),
    properties=frozenset({"positive", "nonnegative", "nonzero"}),
    latex=r"\psi'",
)
