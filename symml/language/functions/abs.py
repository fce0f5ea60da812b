"""The absolute value."""

import numpy as np
import sympy as sp

from symml.language.function import Function
from symml.language.operators import call

ABS = Function(
    name="abs",
    kind="elementwise",
    statement="d |x| = sign(x) ⊙ dx where no entry is 0",
    source="Boyd & Vandenberghe, Convex Optimization, section 3.1",
    derivative=lambda x: call("sign", x),
    numpy=np.abs,
    sympy=sp.Abs,
    kinks=(0.0,),
    subgradient="abs({x}) has no derivative {at}; the subgradient there is [-1, 1]. sign(0) is taken as 0.",
    unicode="abs",
    properties=frozenset({"nonnegative"}),
    latex=r"\operatorname{abs}",
)
