"""The principal square root of a matrix."""

from typing import Any

import numpy as np

from symml.errors import DomainError
from symml.language.function import Function
from symml.language.function_shapes import array_or, square_to_square
from symml.language.operators import call
from symml.libraries import linalg


def _real(a: Any) -> Any:
    if np.allclose(a, a.T, rtol=0, atol=1e-14 * np.max(np.abs(a), initial=0)):
        values, vectors = np.linalg.eigh((a + a.T) / 2)
        noise = len(a) * np.finfo(float).eps * np.max(np.abs(values), initial=0)
        if values[0] < -noise:
            raise DomainError(f"sqrtm of this matrix is complex: it has the negative eigenvalue {values[0]:.3g}")
        return vectors * np.sqrt(np.where(values > noise, values, 0)) @ vectors.T
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
