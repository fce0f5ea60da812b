"""The sum of all entries."""

import numpy as np

from symml.language.function import Function
from symml.language.function_shapes import array_or, same, whole

SUM = Function(
    name="sum",
    kind="array",
    statement="the sum is linear: d sum(x) = sum(dx)",
    source="Magnus & Neudecker, Matrix Differential Calculus, 3rd ed., ch. 8",
    shape=whole("sum"),
    build=array_or("sum", whole("sum"), same),
    numpy=np.sum,
    latex=r"\operatorname{sum}",
)
