"""The standard normal density."""

import numpy as np
import sympy as sp

from symml.language.function import Function
from symml.language.operators import call, divide, elementwise_power, elementwise_product, multiply_any

NORMPDF = Function(
    name="normpdf",
    kind="elementwise",
    statement="d φ(x) = −x ⊙ φ(x) ⊙ dx",
    source="Abramowitz & Stegun, Handbook of Mathematical Functions, 26.2.1",
    definition=lambda x: divide(call("exp", multiply_any(-sp.S.Half, elementwise_power(x, 2))), sp.sqrt(2 * sp.pi)),
    derivative=lambda x: elementwise_product(-1, x, call("normpdf", x)),
    numpy=lambda x: np.exp(-0.5 * np.square(x)) / np.sqrt(2 * np.pi),
    sympy=lambda x: sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi),
    properties=frozenset({"positive", "nonnegative", "nonzero"}),
    latex=r"\phi",
)
