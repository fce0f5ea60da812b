"""The Fréchet derivative of the matrix square root."""

from typing import Any

from symml.language.frechet import frechet_record
from symml.language.functions.sqrtm import SQRTM
from symml.libraries import linalg


def _sylvester(a: Any, e: Any) -> Any:
    assert SQRTM.numpy is not None
    root = SQRTM.numpy(a)
    return linalg.solve_sylvester(root, root, e)


SQRTM_FRECHET = frechet_record(
    "sqrtm",
    _sylvester,
    "sqrtm_frechet(A, E) is the solution L of √A L + L √A = E, linear in E",
    "Higham, Functions of Matrices, eq. 6.5",
)
