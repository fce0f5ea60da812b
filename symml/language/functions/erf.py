"""The error function."""

import sympy as sp

from symml.language.function import Function
from symml.language.operators import call, elementwise_power, multiply_any
from symml.libraries import special

ERF = Function(
    name="erf",
    kind="elementwise",
    statement="d erf(x) = 2/√π exp(−x^∘2) ⊙ dx",
    source="Abramowitz & Stegun, Handbook of Mathematical Functions, 7.1.1",
    derivative=lambda x: multiply_any(2 / sp.sqrt(sp.pi), call("exp", multiply_any(-1, elementwise_power(x, 2)))),
    numpy=special.erf,
    sympy=sp.erf,
    latex=r"\operatorname{erf}",
)
