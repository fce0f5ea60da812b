"""The exponential function."""

import numpy as np
import sympy as sp

from symml.language.function import Function
from symml.language.operators import call

EXP = Function(
    name="exp",
    kind="elementwise",
    statement="d exp(x) = exp(x) ⊙ dx",
    source="Magnus & Neudecker, Matrix Differential Calculus, 3rd ed., ch. 5",
    derivative=lambda x: call("exp", x),
    numpy=np.exp,
    sympy=sp.exp,
    latex=r"\exp",
    properties=frozenset({"positive", "nonnegative", "nonzero"}),
)
