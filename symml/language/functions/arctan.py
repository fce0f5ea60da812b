"""The inverse tangent."""

import numpy as np
import sympy as sp

from symml.language.function import Function
from symml.language.operators import add, elementwise_power

ARCTAN = Function(
    name="arctan",
    kind="elementwise",
    statement="d arctan(x) = dx ⊘ (1 + x^∘2)",
    source="Abramowitz & Stegun, Handbook of Mathematical Functions, 4.4.54",
    derivative=lambda x: elementwise_power(add(1, elementwise_power(x, 2)), -1),
    numpy=np.arctan,
    sympy=sp.atan,
    aliases=("atan",),
    latex=r"\arctan",
)
