"""The matrix sine."""

from symml.language.function import Function
from symml.language.function_shapes import array_or, square_to_square
from symml.language.operators import call
from symml.libraries import linalg

SINM = Function(
    name="sinm",
    kind="array",
    statement="d sin(A) is the block of sin([[A, dA], [0, A]])",
    source="Higham, Functions of Matrices, theorem 3.6",
    shape=square_to_square("sinm"),
    build=array_or("sinm", square_to_square("sinm"), lambda x: call("sin", x)),
    numpy=linalg.sinm,
    latex=r"\operatorname{sinm}",
)
