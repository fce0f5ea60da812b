"""The step function: 1 where x > 0, else 0."""

import numpy as np

from symml.language.function import Function
from symml.language.operators import zeros
from symml.language.scalar_functions import step

STEP = Function(
    name="step",
    kind="elementwise",
    statement="step(x) is constant between its jumps: d step(x) = 0 where no entry is 0",
    source="Goodfellow, Bengio & Courville, Deep Learning, section 6.3",
    derivative=lambda x: zeros(*x.shape),
    numpy=lambda x: np.where(np.asarray(x) > 0, 1.0, 0.0),
    sympy=step,
    kinks=(0.0,),
    subgradient="[{x} > 0] jumps {at} and is constant elsewhere; its derivative is taken as 0.",
    properties=frozenset({"nonnegative", "integer", "mask"}),
    latex=r"\operatorname{step}",
)
