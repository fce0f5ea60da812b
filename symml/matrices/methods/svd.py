"""Singular value decomposition through the eigenvalues of AᵀA, or of AAᵀ when that is smaller."""

from __future__ import annotations

from typing import Any

import sympy as sp

from symml.errors import DomainError, NotSupportedError
from symml.matrices.exact import Matrix, is_nested, over, root, same, tidied, vanishes
from symml.matrices.records import Found, Method, real
from symml.matrices.spectral import eigenspaces, orthonormal
from symml.matrices.writing import factor, latex, subscript, text
from symml.records import Step


def decompose(matrix: Matrix) -> Found:
    """Return A = U S Vᵀ with one column of U and V for each positive singular value, largest first."""
    real(matrix, "the singular value decomposition")
    if matrix.free_symbols:
        raise NotSupportedError(
            "singular values of a matrix with symbols are not supported yet; give numbers, or use 'lu' or 'qr'"
        )
    if all(vanishes(x) for x in matrix):
        raise DomainError("the matrix is zero: it has no positive singular value, so U, S and V have no columns")
    wide = matrix.cols > matrix.rows
    base, name = (matrix.T, "A Aᵀ") if wide else (matrix, "AᵀA")
    gram = tidied(base.T * base)
    tex = r"A A^{\top}" if wide else r"A^{\top} A"
    steps = [
        Step(
            "Gram matrix",
            f"form {name}, the smaller of the two products",
            matrix,
            gram,
            f"{name} = {text(gram)}",
            f"{tex} = {latex(gram)}",
            same(gram, gram.T, "symmetric"),
        )
    ]
    spaces, more = eigenspaces(gram, "G")
    steps.extend(more)
    inner: list[Matrix] = []
    outer: list[Matrix] = []
    sizes: list[Any] = []
    for space in spaces:
        if vanishes(space.value):
            continue
        basis, more = orthonormal(space.vectors)
        steps.extend(more)
        for v in basis:
            size = root(space.value)
            u = _image(base, v, size)
            steps.append(_side(matrix, wide, v, u, size, len(sizes) + 1))
            inner.append(v)
            outer.append(u)
            sizes.append(size)
    left, right = (inner, outer) if wide else (outer, inner)
    U, V = (sp.ImmutableMatrix(sp.Matrix.hstack(*side)) for side in (left, right))
    S = sp.ImmutableMatrix(sp.diag(*sizes))
    equations = ((("A",), ("U", "S", "V'")), (("U'", "U"), ("I",)), (("V'", "V"), ("I",)))
    facts = {"singular_values": tuple(sizes), "rank": len(sizes)}
    return Found({"U": U, "S": S, "V": V}, equations, tuple(steps), facts)


def _image(base: Matrix, v: Matrix, size: Any) -> Matrix:
    """A v divided by the singular value; a nested norm of v stays below the line."""
    powers = (p for x in v for p in sorted(x.atoms(sp.Pow), key=sp.default_sort_key))
    nested = next((p for p in powers if p.exp == -sp.S.Half and is_nested(p)), None)
    if nested is None:
        return over(tidied(base * v), size)
    image = base * (v / nested).expand()
    if is_nested(size):
        return over(tidied(image) * nested, size)
    return sp.ImmutableMatrix(tidied(image / size) * nested)


def _side(matrix: Matrix, wide: bool, v: Matrix, u: Matrix, size: Any, number: int) -> Step:
    k = subscript(number)
    here, there, product = ("u", "v", "Aᵀ u") if wide else ("v", "u", "A v")
    statement = f"the singular value is the square root of the eigenvalue; {there} is {product} divided by it"
    shown = f"σ{k} = {text(size)}, {here}{k} = {text(v)}, {there}{k} = {product}{k}/{factor(size)} = {text(u)}"
    tex = rf"\sigma_{{{number}}} = {latex(size)},\ {here}_{{{number}}} = {latex(v)},\ {there}_{{{number}}} = {latex(u)}"
    image = (matrix.T if wide else matrix) * v
    return Step(
        "singular vectors",
        statement,
        v,
        u,
        shown,
        tex,
        same(image, size * u, f"{product} = σ {there} by exact multiplication"),
    )


SVD = Method(
    "svd",
    "A = U S Vᵀ: orthonormal columns of U and V, positive singular values in S, largest first",
    decompose,
    "Golub & Van Loan, Matrix Computations, 4th ed., 2.4; Strang, Introduction to Linear Algebra, 5th ed., 7.2",
)
