"""The sine."""

import numpy as np
import sympy as sp

from symml.language.function import Function
from symml.language.operators import call

SIN = Function(
    name="sin",
    kind="elementwise",
    statement="d sin(x) = cos(x) ⊙ dx",
    source="Abramowitz & Stegun, Handbook of Mathematical Functions, 4.3.105",
    derivative=lambda x: call("cos", x),
    numpy=np.sin,
    sympy=sp.sin,
    latex=r"\sin",
)
