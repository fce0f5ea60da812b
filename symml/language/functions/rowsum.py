"""The sum of each row, as a column."""

from typing import Any

import numpy as np

from symml.language.expressions import Expression
from symml.language.function import Function
from symml.language.function_shapes import matrix
from symml.language.operators import from_axes, multiply_any, ones

_shape = matrix("rowsum", lambda rows, columns: from_axes(rows, 1))


def _definition(x: Expression) -> Expression:
    return multiply_any(x, ones(x.shape[1]))


def _rowsum(x: Any) -> Any:
    return np.sum(x, axis=1)


ROWSUM = Function(
    name="rowsum",
    kind="array",
    statement="rowsum is linear: d rowsum(A) = rowsum(dA)",
    source="Magnus & Neudecker, Matrix Differential Calculus, 3rd ed., ch. 8",
    shape=_shape,
    definition=_definition,
    numpy=_rowsum,
    latex=r"\operatorname{rowsum}",
)
