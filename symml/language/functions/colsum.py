"""The sum of each column, as a column."""

from typing import Any

import numpy as np

from symml.language.expressions import Expression
from symml.language.function import Function
from symml.language.function_shapes import matrix
from symml.language.operators import from_axes, multiply_any, ones, transpose

_shape = matrix("colsum", lambda rows, columns: from_axes(columns, 1))


def _definition(x: Expression) -> Expression:
    return multiply_any(transpose(x), ones(x.shape[0])) if x.shape[0] != 1 else transpose(x)


def _colsum(x: Any) -> Any:
    return np.sum(x, axis=0)


COLSUM = Function(
    name="colsum",
    kind="array",
    statement="colsum is linear: d colsum(A) = colsum(dA)",
    source="Magnus & Neudecker, Matrix Differential Calculus, 3rd ed., ch. 8",
    shape=_shape,
    definition=_definition,
    numpy=_colsum,
    latex=r"\operatorname{colsum}",
)
