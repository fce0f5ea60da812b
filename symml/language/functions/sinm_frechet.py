"""The Fréchet derivative of the matrix sine."""

from symml.language.frechet import block, frechet_record
from symml.language.functions.sinm import SINM

SINM_FRECHET = frechet_record(
    "sinm",
    block(SINM.numpy),
    "sinm_frechet(A, E) is the upper right block of sinm([[A, E], [0, A]]), linear in E",
    "Higham, Functions of Matrices, theorem 3.6",
)
