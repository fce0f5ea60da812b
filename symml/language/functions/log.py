"""The natural logarithm."""

import numpy as np
import sympy as sp

from symml.language.function import Function
from symml.language.operators import elementwise_power
from symml.language.properties import Domain

LOG = Function(
    name="log",
    kind="elementwise",
    statement="d log(x) = dx ⊘ x",
    source="Magnus & Neudecker, Matrix Differential Calculus, 3rd ed., ch. 5",
    derivative=lambda x: elementwise_power(x, -1),
    numpy=np.log,
    sympy=sp.log,
    domain=Domain(low=0),
    typical=(0.2, 3.0),
    aliases=("ln",),
    latex=r"\log",
)
