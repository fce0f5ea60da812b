"""Reading of explicit matrices: SymPy, nested lists, NumPy arrays, text entries; decimals become exact."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import sympy as sp

from symml.errors import DataError, NotSupportedError, ShapeError
from symml.language.expressions import Expression, Literal, Scalar
from symml.matrices.exact import Matrix, tidied
from symml.notation.reader import parse

LARGEST = 8


def read_matrix(source: Any) -> Matrix:
    """Return the exact matrix of a SymPy matrix, a nested list, an array or text such as ``"[1, 2; 3, 4]"``.

    Raises
    ------
    ShapeError
        If rows differ in length, or there are not two axes.
    DataError
        If an entry is not finite or not a scalar.
    NotSupportedError
        If there are more than eight rows or columns.
    """
    if isinstance(source, str):
        source = parse(source)
    if isinstance(source, Literal):
        source = source.value
    if isinstance(source, Expression):
        raise DataError(
            f"{source} has no explicit entries: decompose takes a matrix of numbers, such as [[2, 1], [1, 3]]"
        )
    matrix = sp.Matrix(source) if isinstance(source, sp.MatrixBase) else _from_rows(source)
    rows, columns = matrix.shape
    if 0 in (rows, columns):
        raise ShapeError(f"the matrix is empty ({rows}×{columns})")
    if max(rows, columns) > LARGEST:
        raise NotSupportedError(
            f"the matrix is {rows}×{columns}; steps are written out up to {LARGEST}×{LARGEST}. "
            "Use numpy.linalg for larger matrices."
        )
    return tidied(sp.Matrix(rows, columns, [_entry(x) for x in matrix]))


def _from_rows(source: Any) -> Matrix:
    if hasattr(source, "to_numpy"):
        source = source.to_numpy()
    rows = source.tolist() if isinstance(source, np.ndarray) else source
    if not isinstance(rows, Sequence) or not all(isinstance(r, Sequence) and not isinstance(r, str) for r in rows):
        raise ShapeError(f"a matrix is a list of rows, such as [[2, 1], [1, 3]]; found {_short(source)}")
    lengths = [len(r) for r in rows]
    if len(set(lengths)) > 1:
        raise ShapeError(f"the rows have {', '.join(map(str, lengths))} entries: every row needs the same number")
    if any(isinstance(x, (list, tuple, np.ndarray)) for r in rows for x in r):
        raise ShapeError(f"a matrix has two axes; found an array of more in {_short(source)}")
    return sp.Matrix(len(rows), lengths[0] if rows else 0, [_entry(x) for r in rows for x in r])


def _entry(value: Any) -> sp.Expr:
    if isinstance(value, str):
        value = _from_text(value)
    if isinstance(value, Scalar):
        value = value.value
    if isinstance(value, (float, np.floating, sp.Float)):
        return _decimal(float(value))
    if isinstance(value, (bool, np.bool_)):
        value = int(value)
    try:
        found = sp.sympify(value, strict=True)
    except (sp.SympifyError, TypeError):
        raise DataError(f"the entry {value!r} is not a number") from None
    if not isinstance(found, sp.Expr) or found.has(sp.oo, sp.zoo, sp.nan):
        raise DataError(f"the entry {value} is not a finite number")
    return found.replace(lambda e: e.is_Float, lambda e: _decimal(float(e)))


def _from_text(text: str) -> Any:
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        return parse(text)


def _decimal(value: float) -> sp.Rational:
    """The shortest decimal that is this float, as a fraction: 0.1 is 1/10."""
    if not np.isfinite(value):
        raise DataError(f"the entry {value} is not a finite number")
    fraction = Fraction(repr(value))
    return sp.Rational(fraction.numerator, fraction.denominator)


def _short(value: Any) -> str:
    text = str(value).replace("\n", "")
    return text if len(text) <= 60 else text[:57] + "..."
