"""The matrix exponential."""

from symml.language.function import Function
from symml.language.function_shapes import array_or, square_to_square
from symml.language.operators import call
from symml.libraries import linalg

EXPM = Function(
    name="expm",
    kind="array",
    statement="d exp(A) = ∫₀¹ exp(sA) dA exp((1 − s)A) ds",
    source="Higham, Functions of Matrices, eq. 10.15",
    shape=square_to_square("expm"),
    build=array_or("expm", square_to_square("expm"), lambda x: call("exp", x)),
    numpy=linalg.expm,
    latex=r"\operatorname{expm}",
)
