"""Eigendecomposition; of a symmetric matrix with orthonormal eigenvectors."""

from __future__ import annotations

from typing import Any

import sympy as sp

from symml.errors import ShapeError
from symml.matrices.exact import Matrix, same, tidied, vanishes
from symml.matrices.records import Equation, Found, Method
from symml.matrices.spectral import Eigenspace, eigenspaces, orthonormal
from symml.matrices.writing import latex, text
from symml.records import Step


def diagonalise(matrix: Matrix) -> Found:
    """Return A V = V D; A = V D V⁻¹ when there are enough eigenvectors, A = V D Vᵀ when A is symmetric."""
    rows, columns = matrix.shape
    if rows != columns:
        raise ShapeError(f"eigenvalues belong to a square matrix; this one is {rows}×{columns}. Use 'svd'.")
    spaces, steps = eigenspaces(matrix)
    symmetric = all(vanishes(x) for x in matrix - matrix.T) and not matrix.has(sp.I) and not matrix.free_symbols
    vectors: list[Matrix] = []
    values: list[Any] = []
    for space in spaces:
        basis = list(space.vectors)
        if symmetric:
            basis, more = orthonormal(space.vectors)
            steps.extend(more)
        vectors.extend(basis)
        values.extend([space.value] * len(basis))
    V, D = sp.ImmutableMatrix(sp.Matrix.hstack(*vectors)), sp.ImmutableMatrix(sp.diag(*values))
    complete = len(vectors) == rows
    steps.append(_last(matrix, V, D, complete, symmetric, spaces))
    facts: dict[str, Any] = {
        "eigenvalues": tuple(s.value for s in spaces),
        "multiplicities": tuple(s.multiplicity for s in spaces),
        "eigenvectors": tuple(V[:, k] for k in range(V.cols)),
        "diagonalizable": complete,
    }
    if matrix.free_symbols:  # V may be singular at special values
        del facts["diagonalizable"]
    factors = {"V": V, "D": D}
    equations: tuple[Equation, ...] = ((("A", "V"), ("V", "D")),)
    if symmetric:
        equations = ((("A",), ("V", "D", "V'")), (("V'", "V"), ("I",)))
    elif complete and not matrix.free_symbols:
        factors["W"] = tidied(V.inv())
        equations = ((("A",), ("V", "D", "W")), (("V", "W"), ("I",)))
    conditions = tuple(dict.fromkeys(c for s in spaces for c in s.conditions))
    return Found(factors, equations, tuple(steps), facts, conditions)


def _last(
    matrix: Matrix, V: Matrix, D: Matrix, complete: bool, symmetric: bool, spaces: tuple[Eigenspace, ...]
) -> Step:
    proof = same(matrix * V, V * D, "A V = V D by exact multiplication")
    shown, tex = f"V = {text(V)}, D = {text(D)}", rf"V = {latex(V)},\ D = {latex(D)}"
    if symmetric:
        return Step(
            "collect", "A is symmetric: the eigenvectors are orthonormal and A = V D Vᵀ", matrix, V, shown, tex, proof
        )
    if complete and matrix.free_symbols:
        return Step(
            "collect",
            "the eigenvectors are the columns of V; where V is invertible, A = V D V⁻¹",
            matrix,
            V,
            shown,
            tex,
            proof,
        )
    if complete:
        return Step("collect", "the eigenvectors are the columns of V and A = V D V⁻¹", matrix, V, shown, tex, proof)
    poor = next(s for s in spaces if len(s.vectors) < s.multiplicity)
    statement = (
        f"A is not diagonalizable: the eigenvalue {text(poor.value)} is a {poor.multiplicity}-fold root with "
        f"{len(poor.vectors)} independent eigenvector{'s' if len(poor.vectors) > 1 else ''}; only A V = V D holds"
    )
    return Step("too few eigenvectors", statement, matrix, V, shown, tex, proof)


EIGEN = Method(
    "eigen",
    "A = V D V⁻¹: eigenvectors in the columns of V, eigenvalues on the diagonal of D",
    diagonalise,
    "Strang, Introduction to Linear Algebra, 5th ed., 6.1, 6.2 and 6.4",
)
