"""The cosine."""

import numpy as np
import sympy as sp

from symml.language.function import Function
from symml.language.operators import call, multiply_any

COS = Function(
    name="cos",
    kind="elementwise",
    statement="d cos(x) = −sin(x) ⊙ dx",
    source="Abramowitz & Stegun, Handbook of Mathematical Functions, 4.3.106",
    derivative=lambda x: multiply_any(-1, call("sin", x)),
    numpy=np.cos,
    sympy=sp.cos,
    latex=r"\cos",
)
