"""The Toeplitz matrix of its first column, symmetric unless a first row is given."""

from symml.errors import ShapeError
from symml.language.expressions import Shape
from symml.language.function import Function
from symml.language.operators import show_shape
from symml.libraries import linalg


def _shape(column: Shape, row: Shape | None = None) -> Shape:
    if len(column) != 1 or (row is not None and len(row) != 1):
        raise ShapeError(f"toeplitz needs a vector, found {show_shape(column if len(column) != 1 else row or ())}")
    return (column[0], column[0] if row is None else row[0])


TOEPLITZ = Function(
    name="toeplitz",
    kind="array",
    statement="toeplitz is linear: d toeplitz(c) = toeplitz(dc)",
    source="Golub & Van Loan, Matrix Computations, 4th ed., section 4.7",
    shape=_shape,
    numpy=linalg.toeplitz,
    arity=(1, 2),
    latex=r"\operatorname{toeplitz}",
)
