"""The mean of all entries."""

import math

import numpy as np
import sympy as sp

from symml.language.expressions import Expression
from symml.language.function import Function
from symml.language.function_shapes import array_or, same, whole
from symml.language.operators import call, divide


def _definition(x: Expression) -> Expression:
    return divide(call("sum", x), sp.sympify(math.prod(x.shape)))


MEAN = Function(
    name="mean",
    kind="array",
    statement="the mean is linear: d mean(x) = mean(dx)",
    source="Magnus & Neudecker, Matrix Differential Calculus, 3rd ed., ch. 8",
    shape=whole("mean"),
    build=array_or("mean", whole("mean"), same),
    definition=_definition,
    numpy=np.mean,
    latex=r"\operatorname{mean}",
)
