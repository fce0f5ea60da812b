"""The logistic sigmoid, 1/(1 + exp(−x))."""

from typing import Any

import numpy as np

from symml.language.function import Function
from symml.language.operators import add, call, elementwise_power, elementwise_product, multiply_any
from symml.language.scalar_functions import sigmoid


def _sigmoid(x: Any) -> Any:
    e = np.exp(-np.abs(x))
    return np.where(np.asarray(x) >= 0, 1.0, e) / (1.0 + e)


SIGMOID = Function(
    name="sigmoid",
    kind="elementwise",
    statement="d σ(x) = σ(x) ⊙ (1 − σ(x)) ⊙ dx",
    source="Bishop, Pattern Recognition and Machine Learning, eq. 4.88",
    definition=lambda x: elementwise_power(add(1, call("exp", multiply_any(-1, x))), -1),
    derivative=lambda x: elementwise_product(call("sigmoid", x), add(1, multiply_any(-1, call("sigmoid", x)))),
    numpy=_sigmoid,
    sympy=sigmoid,
    unicode="σ",
    aliases=("expit", "logistic"),
    properties=frozenset({"positive", "nonnegative", "nonzero"}),
    latex=r"\sigma",
)
