"""The tangent."""

import numpy as np
import sympy as sp

from symml.language.function import Function
from symml.language.operators import add, call, elementwise_division, elementwise_power

TAN = Function(
    name="tan",
    kind="elementwise",
    statement="d tan(x) = (1 + tan(x)^∘2) ⊙ dx",
    source="Abramowitz & Stegun, Handbook of Mathematical Functions, 4.3.107",
    definition=lambda x: elementwise_division(call("sin", x), call("cos", x)),
    derivative=lambda x: add(1, elementwise_power(call("tan", x), 2)),
    numpy=np.tan,
    sympy=sp.tan,
    typical=(-1.2, 1.2),
    latex=r"\tan",
)
