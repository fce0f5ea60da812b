"""Functions of a matrix by its eigenvalues where it is symmetric, else by SciPy's algorithm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symml.errors import DomainError

SYMMETRIC = 1e-14  # relative


def spectral(
    name: str, of_values: Callable[[Any], Any], whole: Callable[[Any], Any], zero: bool
) -> Callable[[Any], Any]:
    """Return the real function `name` of a matrix.

    Parameters
    ----------
    name : str
        For messages.
    of_values : callable
        The function of an array of eigenvalues above zero, and of zeros where `zero` allows them.
    whole : callable
        The function of a matrix that is not symmetric.
    zero : bool
        Whether an eigenvalue may be zero.
    """

    def function(a: Any) -> Any:
        scale = np.max(np.abs(a), initial=0)
        if np.allclose(a, a.T, rtol=0, atol=SYMMETRIC * scale):
            values, vectors = np.linalg.eigh((a + a.T) / 2)
            noise = len(a) * np.finfo(float).eps * np.max(np.abs(values), initial=0)
            if values[0] < -noise or (values[0] <= noise and not zero):
                raise DomainError(
                    f"{name} of this symmetric matrix is not real: its smallest eigenvalue is {values[0]:.3g}, "
                    f"where {'at least 0' if zero else 'more than 0'} is needed"
                )
            return (vectors * of_values(np.where(values > noise, values, 0))) @ vectors.T
        found = np.real_if_close(whole(a), tol=1e6)
        if np.iscomplexobj(found):
            raise DomainError(f"{name} of this matrix is complex: it has a negative eigenvalue")
        return found

    return function
