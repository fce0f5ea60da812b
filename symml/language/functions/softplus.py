"""The softplus function, log(1 + exp(x))."""

import numpy as np

from symml.language.function import Function
from symml.language.operators import add, call
from symml.language.scalar_functions import softplus

SOFTPLUS = Function(
    name="softplus",
    kind="elementwise",
    statement="d softplus(x) = σ(x) ⊙ dx",
    source="Dugas et al., NIPS 2000, section 2",
    definition=lambda x: call("log", add(1, call("exp", x))),
    derivative=lambda x: call("sigmoid", x),
    numpy=lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
    sympy=softplus,
    latex=r"\operatorname{softplus}",
    properties=frozenset({"positive", "nonnegative", "nonzero"}),
)
