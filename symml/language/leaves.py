"""Leaves of the matrix language: scalars, symbols, constants; sizes and how shapes are shown."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from numbers import Number
from typing import Any

import sympy as sp

from symml.errors import DataError, DomainError, ShapeError
from symml.language import hooks
from symml.language.expressions import (
    Dim,
    Expression,
    Eye,
    Literal,
    Ones,
    Scalar,
    Shape,
    Symbol,
    Transpose,
    Zeros,
    make,
)  # fmt: skip
from symml.language.symbols import dimension


def show_shape(shape: Shape) -> str:
    """Return a shape as people write it: ``scalar``, ``n``, ``n×d``."""
    return "×".join(str(d) for d in shape) if shape else "scalar"


def name_of(e: Expression) -> str:
    """Return an operand with its shape, for a message."""
    text = str(e)
    return f"{text if len(text) <= 60 else text[:57] + '...'} ({show_shape(e.shape)})"


def as_dim(value: Any) -> Dim:
    """Return a size: a positive int, or a SymPy expression."""
    if isinstance(value, Scalar):
        value = value.value
    if isinstance(value, sp.Integer) or (isinstance(value, (Number, float)) and not isinstance(value, sp.Basic)):
        size = int(value)  # type: ignore[arg-type]
        if size != value or size < 1:
            raise ShapeError(f"{value} is not a size: sizes are positive integers or dimension names")
        return size
    if isinstance(value, str):
        return dimension(value)
    if isinstance(value, sp.Expr):
        return value
    raise ShapeError(f"{value} is not a size: sizes are positive integers or dimension names")


def two_axes(shape: Shape) -> tuple[Dim, Dim]:
    """Rows and columns; a vector is one column."""
    return (shape[0], 1) if len(shape) == 1 else (shape[0], shape[1])


def from_axes(rows: Dim, columns: Dim) -> Shape:
    """Shape of rows × columns: scalar, vector, row or matrix."""
    if columns == 1:
        return () if rows == 1 else (rows,)
    return (rows, columns)


def scalar(value: Any) -> Scalar:
    """Return the expression of a number or a SymPy scalar."""
    return make(Scalar, (), (sp.sympify(value),), ())  # type: ignore[return-value]


def symbol(name: str, shape: Shape, properties: Iterable[str] = (), domain: Any = None) -> Symbol:
    """Return a symbol; `name` is canonical."""
    return make(Symbol, (), (name, frozenset(properties), domain), tuple(shape))  # type: ignore[return-value]


def eye(size: Any) -> Expression:
    """Return the identity matrix of the given size."""
    d = as_dim(size)
    return make(Eye, (), (), (d, d)) if d != 1 else scalar(1)


def ones(*sizes: Any) -> Expression:
    """Return the vector or matrix of ones of the given sizes."""
    return make(Ones, (), (), tuple(as_dim(s) for s in sizes))


def zeros(*sizes: Any) -> Expression:
    """Return the zero scalar, vector or matrix of the given sizes."""
    return make(Zeros, (), (), tuple(as_dim(s) for s in sizes)) if sizes else scalar(0)


def number(value: Any) -> sp.Expr:
    """Return an exact SymPy number; a float means its shortest decimal."""
    if isinstance(value, bool):
        raise DataError(f"{value} is a truth value, not a number")
    if isinstance(value, Fraction):
        return sp.Rational(value.numerator, value.denominator)
    if isinstance(value, sp.Basic):
        return exact(value)
    if isinstance(value, int):
        return sp.Integer(value)
    if isinstance(value, complex) and value.imag:
        raise DomainError(f"{value} is complex: symml works over the real numbers")
    real = float(value.real if isinstance(value, complex) else value)
    if not math.isfinite(real):
        raise DomainError(f"{real} is not a finite number")
    if real == int(real):
        return sp.Integer(int(real))
    return sp.Rational(str(value) if hasattr(value, "dtype") else repr(real))


def exact(value: Any) -> Any:
    """Return a SymPy value with every float as its shortest decimal.

    Raises
    ------
    DomainError
        If it is complex, infinite or undefined.
    """
    if value.is_Symbol or value.is_Rational or not value.has(sp.Float, sp.I, sp.oo, -sp.oo, sp.zoo, sp.nan):
        return value
    if value.has(sp.I):
        raise DomainError(f"{value} is complex: symml works over the real numbers")
    if value.has(sp.oo, -sp.oo, sp.zoo, sp.nan):
        raise DomainError(f"{value} is not a finite number")
    return value.xreplace({f: number(float(f)) for f in value.atoms(sp.Float)})


def as_expression(value: Any) -> Expression:
    """Return `value` as an expression: ours, a number, a SymPy scalar, matrix or MatrixExpr.

    Raises
    ------
    DataError
        If it is an array of numbers: declare a symbol and pass the array to `evaluate`.
    """
    if isinstance(value, Expression):
        return value
    if isinstance(value, sp.MatrixBase):
        return literal(value)
    if isinstance(value, sp.MatrixExpr):
        return hooks.call("from_matrix_expr", value)  # type: ignore[no-any-return]
    if isinstance(value, sp.Expr):
        if not value.is_Atom and value.has(sp.MatrixSymbol):
            return hooks.call("from_matrix_expr", value)  # type: ignore[no-any-return]
        return scalar(exact(value))
    if isinstance(value, Number):
        return scalar(number(value))
    if hasattr(value, "__array__"):
        if getattr(value, "shape", None) == ():
            return scalar(number(value.item()))
        raise DataError(
            f"an array of shape {getattr(value, 'shape', '?')} stands in an expression: "
            "declare a symbol for it and pass the array to evaluate"
        )
    raise TypeError(f"{type(value).__name__} cannot be part of an expression")


def literal(value: Any) -> Expression:
    """Return an exact SymPy matrix as a constant; a single column is a vector, 1×1 a scalar."""
    rows, columns = value.shape
    value = value.applyfunc(exact)
    if (rows, columns) == (1, 1):
        return scalar(value[0, 0])
    if rows == 1:
        column = literal(value.T)
        return make(Transpose, (column,), (), (1, column.shape[0]))
    return make(Literal, (), (sp.ImmutableMatrix(value),), from_axes(rows, columns))


def is_scalar(e: Expression) -> bool:
    """Whether the expression is a pure SymPy scalar."""
    return isinstance(e, Scalar)


def is_zero(e: Expression) -> bool:
    """Whether the expression is the zero of its shape."""
    return isinstance(e, Zeros) or (isinstance(e, Scalar) and e.value == 0)
