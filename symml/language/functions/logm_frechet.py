"""The Fréchet derivative of the matrix logarithm."""

from symml.language.frechet import block, frechet_record
from symml.language.functions.logm import LOGM

LOGM_FRECHET = frechet_record(
    "logm",
    block(LOGM.numpy),
    "logm_frechet(A, E) is the solution L of expm_frechet(logm(A), L) = E, linear in E",
    "Higham, Functions of Matrices, section 11.8",
)
