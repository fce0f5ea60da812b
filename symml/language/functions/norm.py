"""The Euclidean norm of a vector, the Frobenius norm of a matrix."""

import numpy as np

from symml.language.function import Function
from symml.language.function_shapes import array_or, whole
from symml.language.operators import call, elementwise_power

NORM = Function(
    name="norm",
    kind="array",
    statement="d ‖x‖ = xᵀ dx/‖x‖ where x ≠ 0",
    source="Petersen & Pedersen, The Matrix Cookbook, eq. 129",
    shape=whole("norm"),
    build=array_or("norm", whole("norm"), lambda x: call("abs", x)),
    definition=lambda x: call("sqrt", call("sum", elementwise_power(x, 2))),
    numpy=np.linalg.norm,
    subgradient="‖{x}‖ has no derivative at {x} = 0; the subgradient there is the unit ball.",
    latex=r"\operatorname{norm}",
    aliases=("norm2",),
    properties=frozenset({"nonnegative"}),
)
