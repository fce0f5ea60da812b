"""The principal matrix logarithm."""

from typing import Any

import numpy as np

from symml.errors import DomainError
from symml.language.function import Function
from symml.language.function_shapes import array_or, square_to_square
from symml.language.operators import call
from symml.libraries import linalg


def _real(a: Any) -> Any:
    found = np.real_if_close(linalg.logm(a), tol=1e6)
    if np.iscomplexobj(found):
        raise DomainError("logm of this matrix is complex: it has a negative eigenvalue")
    return found


LOGM = Function(
    name="logm",
    kind="array",
    statement="d log(A) is the solution L of Dexp(log A)[L] = dA",
    source="Higham, Functions of Matrices, section 11.8",
    shape=square_to_square("logm"),
    build=array_or("logm", square_to_square("logm"), lambda x: call("log", x)),
    numpy=_real,
    latex=r"\operatorname{logm}",
)
