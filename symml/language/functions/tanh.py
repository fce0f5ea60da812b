"""The hyperbolic tangent."""

import numpy as np
import sympy as sp

from symml.language.function import Function
from symml.language.operators import add, call, elementwise_division, elementwise_power, multiply_any

TANH = Function(
    name="tanh",
    kind="elementwise",
    statement="d tanh(x) = (1 − tanh(x)^∘2) ⊙ dx",
    source="Abramowitz & Stegun, Handbook of Mathematical Functions, 4.5.73",
    definition=lambda x: elementwise_division(call("sinh", x), call("cosh", x)),
    derivative=lambda x: add(1, multiply_any(-1, elementwise_power(call("tanh", x), 2))),
    numpy=np.tanh,
    sympy=sp.tanh,
    latex=r"\tanh",
)
