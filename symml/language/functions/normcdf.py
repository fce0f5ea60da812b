"""The standard normal distribution function."""

import sympy as sp

from symml.language.function import Function
from symml.language.operators import add, call, divide, multiply_any
from symml.language.scalar_functions import normcdf
from symml.libraries import special

NORMCDF = Function(
    name="normcdf",
    kind="elementwise",
    statement="d Φ(x) = φ(x) ⊙ dx, φ the standard normal density",
    source="Abramowitz & Stegun, Handbook of Mathematical Functions, 26.2.2",
    definition=lambda x: multiply_any(sp.S.Half, add(1, call("erf", divide(x, sp.sqrt(2))))),
    derivative=lambda x: call("normpdf", x),
    numpy=special.ndtr,
    sympy=normcdf,
    properties=frozenset({"positive", "nonnegative", "nonzero"}),
    latex=r"\Phi",
)
