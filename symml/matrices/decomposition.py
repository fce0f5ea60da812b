"""The verb `decompose`: an explicit matrix taken apart exactly, with the steps a student writes."""

from __future__ import annotations

from typing import Any

from symml.errors import NotSupportedError
from symml.matrices.reading import read_matrix
from symml.matrices.records import Decomposition, Method, decomposition
from symml.registry import discover


def decompose(A: Any, method: str = "lu") -> Decomposition:
    r"""Decompose an explicit matrix with exact entries, step by step.

    Parameters
    ----------
    A : SymPy Matrix, nested list, array or text
        At most 8×8. Integers, fractions, decimals (0.1 is 1/10), text such as ``"sqrt(2)/3"``.
    method : {"lu", "qr", "cholesky", "eigen", "svd", "rref", "nullspace"}
        "lu" P A = L U; "qr" A = Q R by Gram–Schmidt; "cholesky" A = L Lᵀ; "eigen" A = V D V⁻¹, with orthonormal V
        when A is symmetric; "svd" A = U S Vᵀ, one column for each positive singular value; "rref" the reduced
        echelon form, rank and pivots; "nullspace" a basis of the null space.

    Returns
    -------
    Decomposition
        Factors by name (`result.L`, `result.U`, ...), `rank`, `basis` and other facts, `steps`, `check()`, `latex()`.

    Raises
    ------
    ShapeError
        If the matrix is not square where it must be, or rows differ in length.
    DomainError
        If A is not positive definite (Cholesky: names the leading minor) or its columns are dependent (QR: names the
        column).
    NotSupportedError
        If A is larger than 8×8, or has complex entries where real ones are needed.
    NoClosedFormError
        If eigenvalues are roots of a polynomial that square roots cannot write.

    Notes
    -----
    Factors are multiplied out exactly; `check()` is `proved` unless many radicals could only be compared to 50 digits.

    Examples
    --------
    >>> import symml as sml
    >>> r = sml.decompose([[2, 1], [4, 5]], "lu")
    >>> print(r)
    A = L U, A = [2, 1; 4, 5]
    P = [1, 0; 0, 1]
    L = [1, 0; 2, 1]
    U = [2, 1; 0, 3]
    rank: 2
    >>> print(r.steps[0].statement)
    subtract 2 × row 1 from row 2
    >>> r.check()
    <Verdict.proved: 'proved'>
    >>> sml.decompose([[1, 2], [2, 1]], "cholesky")
    Traceback (most recent call last):
        ...
    symml.errors.DomainError: ...
    """
    known = {m.name: m for m in discover("symml.matrices.methods", Method)}
    chosen = known.get(str(method).strip().lower())
    if chosen is None:
        raise NotSupportedError(f"{method!r} is no decomposition; choose one of {', '.join(sorted(known))}")
    return decomposition(chosen, read_matrix(A))
