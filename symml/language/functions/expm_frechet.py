"""The Fréchet derivative of the matrix exponential."""

from symml.language.frechet import frechet_record
from symml.libraries import linalg

EXPM_FRECHET = frechet_record(
    "expm",
    lambda a, e: linalg.expm_frechet(a, e, compute_expm=False),
    "expm_frechet(A, E) = ∫₀¹ exp(sA) E exp((1 − s)A) ds, linear in E",
    "Higham, Functions of Matrices, eq. 10.15",
)
