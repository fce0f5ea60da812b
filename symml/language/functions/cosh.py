"""The hyperbolic cosine."""

import numpy as np
import sympy as sp

from symml.language.function import Function
from symml.language.operators import add, call, multiply_any

COSH = Function(
    name="cosh",
    kind="elementwise",
    statement="d cosh(x) = sinh(x) ⊙ dx",
    source="Abramowitz & Stegun, Handbook of Mathematical Functions, 4.5.72",
    definition=lambda x: multiply_any(sp.S.Half, add(call("exp", x), call("exp", multiply_any(-1, x)))),
    derivative=lambda x: call("sinh", x),
    numpy=np.cosh,
    sympy=sp.cosh,
    properties=frozenset({"positive", "nonnegative", "nonzero"}),
    latex=r"\cosh",
)
