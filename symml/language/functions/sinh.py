"""The hyperbolic sine."""

import numpy as np
import sympy as sp

from symml.language.function import Function
from symml.language.operators import add, call, multiply_any

SINH = Function(
    name="sinh",
    kind="elementwise",
    statement="d sinh(x) = cosh(x) ⊙ dx",
    source="Abramowitz & Stegun, Handbook of Mathematical Functions, 4.5.71",
    definition=lambda x: multiply_any(
        sp.S.Half, add(call("exp", x), multiply_any(-1, call("exp", multiply_any(-1, x))))
    ),
    derivative=lambda x: call("cosh", x),
    numpy=np.sinh,
    sympy=sp.sinh,
    latex=r"\sinh",
)
