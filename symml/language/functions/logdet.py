"""The logarithm of the absolute determinant of a square matrix."""

from typing import Any

import numpy as np

from symml.language.function import Function
from symml.language.function_shapes import array_or, square_to_scalar
from symml.language.operators import call


def _logdet(a: Any) -> Any:
    return np.linalg.slogdet(a)[1]


LOGDET = Function(
    name="logdet",
    kind="array",
    statement="d log det(A) = tr(A⁻¹ dA)",
    source="Magnus & Neudecker, Matrix Differential Calculus, 3rd ed., ch. 8, theorem 2",
    shape=square_to_scalar("logdet"),
    build=array_or("logdet", square_to_scalar("logdet"), lambda x: call("log", call("abs", x))),
    definition=lambda x: call("log", call("abs", call("det", x))),
    numpy=_logdet,
    unicode="logdet",
    latex=r"\log\det",
)
