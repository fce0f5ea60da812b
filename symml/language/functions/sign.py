"""The sign: −1, 0 or 1."""

import numpy as np
import sympy as sp

from symml.language.function import Function
from symml.language.operators import zeros

SIGN = Function(
    name="sign",
    kind="elementwise",
    statement="sign(x) is constant between its jumps: d sign(x) = 0 where no entry is 0",
    source="Boyd & Vandenberghe, Convex Optimization, section 3.1",
    derivative=lambda x: zeros(*x.shape),
    numpy=np.sign,
    sympy=sp.sign,
    kinks=(0.0,),
    subgradient="sign({x}) jumps {at} and is constant elsewhere; its derivative is taken as 0.",
    latex=r"\operatorname{sign}",
)
