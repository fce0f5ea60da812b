"""The sum of the absolute values of all entries."""

import numpy as np

from symml.language.function import Function
from symml.language.function_shapes import array_or, whole
from symml.language.operators import call

NORM1 = Function(
    name="norm1",
    kind="array",
    statement="d ‖x‖₁ = sign(x)ᵀ dx where no entry is 0",
    source="Boyd & Vandenberghe, Convex Optimization, section A.1.2",
    shape=whole("norm1"),
    build=array_or("norm1", whole("norm1"), lambda x: call("abs", x)),
    definition=lambda x: call("sum", call("abs", x)),
    numpy=lambda x: np.sum(np.abs(x)),
    kinks=(0.0,),
    subgradient="‖{x}‖₁ has no derivative {at}; the subgradient of that entry is [-1, 1]. sign(0) is taken as 0.",
    latex=r"\operatorname{norm1}",
    properties=frozenset({"nonnegative"}),
)
