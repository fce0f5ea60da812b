"""The Fréchet derivative of the matrix cosine."""

from symml.language.frechet import block, frechet_record
from symml.language.functions.cosm import COSM

COSM_FRECHET = frechet_record(
    "cosm",
    block(COSM.numpy),
    "cosm_frechet(A, E) is the upper right block of cosm([[A, E], [0, A]]), linear in E",
    "Higham, Functions of Matrices, theorem 3.6",
)
