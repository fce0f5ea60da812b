"""The square root."""

import numpy as np
import sympy as sp

from symml.language.function import Function
from symml.language.operators import call, elementwise_power, multiply_any
from symml.language.properties import Domain

SQRT = Function(
    name="sqrt",
    kind="elementwise",
    statement="d √x = dx ⊘ (2 √x)",
    source="Magnus & Neudecker, Matrix Differential Calculus, 3rd ed., ch. 5",
    definition=lambda x: elementwise_power(x, sp.S.Half),
    derivative=lambda x: multiply_any(sp.S.Half, elementwise_power(call("sqrt", x), -1)),
    numpy=np.sqrt,
    sympy=sp.sqrt,
    domain=Domain(low=0, low_open=False),
    typical=(0.2, 3.0),
    properties=frozenset({"nonnegative"}),
    latex=r"\sqrt",
)
