"""The matrix cosine."""

from symml.language.function import Function
from symml.language.function_shapes import array_or, square_to_square
from symml.language.operators import call
from symml.libraries import linalg

COSM = Function(
    name="cosm",
    kind="array",
    statement="d cos(A) is the block of cos([[A, dA], [0, A]])",
    source="Higham, Functions of Matrices, theorem 3.6",
    shape=square_to_square("cosm"),
    build=array_or("cosm", square_to_square("cosm"), lambda x: call("cos", x)),
    numpy=linalg.cosm,
    latex=r"\operatorname{cosm}",
)
