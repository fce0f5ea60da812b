"""LU: Gaussian elimination without scaling; rows are swapped where a pivot is zero."""

from __future__ import annotations

import sympy as sp

from symml.matrices.exact import Matrix, same
from symml.matrices.records import Equation, Found, Method
from symml.matrices.row_operations import Rows
from symml.matrices.writing import latex, text
from symml.records import Step


def factor(matrix: Matrix) -> Found:
    """Return P A = L U: L has the multipliers, U is the echelon form."""
    size = matrix.rows
    rows = Rows(matrix)
    order = list(range(size))
    lower = sp.eye(size)
    row = 0
    for column in range(matrix.cols):
        if row == size:
            break
        found = rows.pivot(row, column)
        if found is None:
            continue
        if found != row:
            rows.swap(row, found)
            order[row], order[found] = order[found], order[row]
            for k in range(row):
                lower[row, k], lower[found, k] = lower[found, k], lower[row, k]
        for below in range(row + 1, size):
            lower[below, row] = rows.now[below, column] / rows.now[row, column]
            rows.subtract(lower[below, row], row, below)
        row += 1
    permutation = sp.Matrix(size, size, lambda i, j: int(order[i] == j))
    swapped = order != list(range(size))
    equation: Equation = (("P", "A") if swapped else ("A",), ("L", "U"))
    factors = {"P": sp.ImmutableMatrix(permutation), "L": sp.ImmutableMatrix(lower), "U": rows.now}
    last = Step(
        "collect the multipliers", "the multipliers, below a diagonal of ones, are L; what is left is U",
        matrix, factors["L"], f"L = {text(factors['L'])}", f"L = {latex(factors['L'])}",
        same(permutation * matrix, lower * rows.now),
    )  # fmt: skip
    return Found(factors, (equation,), (*rows.steps, last), {"rank": row}, tuple(rows.conditions))


LU = Method("lu", "P A = L U: L lower triangular with ones on its diagonal, U the echelon form, P the swaps of rows",
            factor, "Golub & Van Loan, Matrix Computations, 4th ed., 3.2 and 3.4")  # fmt: skip
