"""The inverse of a square matrix."""

from symml.errors import ShapeError
from symml.language.expressions import Expression
from symml.language.function import Function
from symml.language.operators import name_of, power


def _build(x: Expression) -> Expression:
    if x.shape and (len(x.shape) != 2 or x.shape[0] != x.shape[1]):
        raise ShapeError(f"inv needs a square matrix, found {name_of(x)}")
    return power(x, -1)


INV = Function(name="inv", kind="spelling", statement="inv(A) = A⁻¹", build=_build)
