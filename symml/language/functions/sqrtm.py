"""The principal square root of a matrix."""

from typing import Any

import numpy as np

from symml.errors import DomainError
from symml.language.function import Function
from symml.language.function_shapes import array_or, square_to_square
from symml.language.operators import call
from symml.libraries import linalg


def _real(a: Any) -> Any:
    found = np.real_if_close(linalg.sqrtm(a), tol=1e6)
    if np.iscomplexobj(found):
        raise DomainError("sqrtm of this matrix is complex: it has a negative eigenvalue")
    return found


SQRTM = Function(
    name="sqrtm",
    kind="array",
    statement="d √A is the solution L of √A L + L √A = dA",
    source="Higham, Functions of Matrices, eq. 6.5",
    shape=square_to_square("sqrtm"),
    build=array_or("sqrtm", square_to_square("sqrtm"), lambda x: call("sqrt", x)),
    numpy=_real,
    latex=r"\operatorname{sqrtm}",
)
