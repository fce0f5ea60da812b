"""The rectifier, max(x, 0)."""

import numpy as np

from symml.language.function import Function
from symml.language.operators import call
from symml.language.scalar_functions import relu

RELU = Function(
    name="relu",
    kind="elementwise",
    statement="d relu(x) = [x > 0] ⊙ dx where no entry is 0",
    source="Goodfellow, Bengio & Courville, Deep Learning, section 6.3",
    definition=lambda x: call("max", x, 0),
    derivative=lambda x: call("step", x),
    numpy=lambda x: np.maximum(x, 0.0),
    sympy=relu,
    kinks=(0.0,),
    subgradient="relu({x}) has no derivative {at}; the subgradient there is [0, 1].",
    properties=frozenset({"nonnegative"}),
    latex=r"\operatorname{relu}",
)
