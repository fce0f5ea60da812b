"""Cholesky: column by column, each entry from those before it."""

from __future__ import annotations

from typing import Any

import sympy as sp

from symml.errors import DomainError, ShapeError
from symml.matrices.exact import Matrix, is_zero, same, tidied, tidy
from symml.matrices.records import Found, Method, real
from symml.matrices.writing import factor as show
from symml.matrices.writing import factor_latex, latex, subscript, text
from symml.records import Step


def factor(matrix: Matrix) -> Found:
    """Return A = L Lᵀ."""
    _symmetric(matrix)
    size = matrix.rows
    lower = sp.zeros(size, size)
    steps: list[Step] = []
    conditions: list[str] = []
    for j in range(size):
        rest = tidy(matrix[j, j] - sum((lower[j, k] ** 2 for k in range(j)), sp.S.Zero))
        _positive(matrix, j, rest, conditions)
        for i in range(j, size):
            before = sp.ImmutableMatrix(lower)
            value = tidy(matrix[i, j] - sum((lower[i, k] * lower[j, k] for k in range(j)), sp.S.Zero))
            lower[i, j] = tidy(sp.sqrt(rest)) if i == j else tidy(value / lower[j, j])
            steps.append(_step(matrix, before, lower, i, j))
    found = sp.ImmutableMatrix(lower)
    minors = tuple(tidy(matrix[: k + 1, : k + 1].det()) for k in range(size))
    facts = {"leading_minors": minors, "rank": size}
    return Found({"L": found}, ((("A",), ("L", "L'")),), tuple(steps), facts, tuple(conditions))


def _symmetric(matrix: Matrix) -> None:
    rows, columns = matrix.shape
    if rows != columns:
        raise ShapeError(f"the Cholesky factor needs a square matrix; this one is {rows}×{columns}")
    real(matrix, "the Cholesky factor")
    for i in range(rows):
        for j in range(i):
            if is_zero(matrix[i, j] - matrix[j, i]) is False:
                raise DomainError(
                    f"the Cholesky factor needs a symmetric matrix: entry ({i + 1}, {j + 1}) is {text(matrix[i, j])}, "
                    f"entry ({j + 1}, {i + 1}) is {text(matrix[j, i])}. Use 'lu', or decompose (A + Aᵀ)/2."
                )


def _positive(matrix: Matrix, j: int, rest: Any, conditions: list[str]) -> None:
    """Refuse a pivot that is not positive: the leading minor there is the product of the pivots."""
    if rest.free_symbols and rest.is_positive is None:
        conditions.append(f"{text(rest)} > 0")
        return
    if rest.is_positive or (not rest.free_symbols and is_zero(rest) is False and sp.N(rest, 30) > 0):
        return
    minor = tidy(matrix[: j + 1, : j + 1].det())
    raise DomainError(
        f"the matrix is not positive definite: its leading minor of order {j + 1}, the determinant of the first "
        f"{j + 1} rows and columns, is {text(minor)}, not > 0. A Cholesky factor does not exist; use 'lu' or 'eigen'."
    )


def _step(matrix: Matrix, before: Matrix, lower: Matrix, i: int, j: int) -> Step:
    after = sp.ImmutableMatrix(lower)
    spent = [(lower[i, k], lower[j, k]) for k in range(j) if lower[i, k] != 0 and lower[j, k] != 0]
    squares = [f"{show(a)}²" if i == j else f"{show(a)}·{show(b)}" for a, b in spent]
    squares_latex = [f"{_base(a)}^{{2}}" if i == j else rf"{factor_latex(a)} \cdot {factor_latex(b)}" for a, b in spent]
    inner = " − ".join([text(matrix[i, j]), *squares])
    inner_latex = " - ".join([latex(matrix[i, j]), *squares_latex])
    name, sub = f"l{subscript(i + 1)}{subscript(j + 1)}", f"l_{{{i + 1}{j + 1}}}"
    if i == j:
        less = f", less the squares in row {j + 1} of L so far" if j else ""
        statement = f"the square root of entry ({j + 1}, {j + 1}){less}"
        line, tex = f"{name} = sqrt({inner})", rf"{sub} = \sqrt{{{inner_latex}}}"
        rule = "diagonal entry"
    else:
        over = show(lower[j, j])
        less = f" less the products of rows {i + 1} and {j + 1} of L so far" if j else ""
        statement = f"entry ({i + 1}, {j + 1}){less}, divided by the diagonal entry of column {j + 1}"
        line = f"{name} = ({inner})/{over}" if spent else f"{name} = {show(matrix[i, j])}/{over}"
        tex, rule = rf"{sub} = \frac{{{inner_latex}}}{{{latex(lower[j, j])}}}", "entry below the diagonal"
    product = tidied(lower[: i + 1, : j + 1] * lower[: i + 1, : j + 1].T)
    proof = same(
        product[i : i + 1, j : j + 1], matrix[i : i + 1, j : j + 1], f"entry ({i + 1}, {j + 1}) of L Lᵀ is that of A"
    )
    if not line.endswith(f" = {text(lower[i, j])}"):
        line, tex = f"{line} = {text(lower[i, j])}", f"{tex} = {latex(lower[i, j])}"
    return Step(rule, statement, before, after, line, tex, proof)


def _base(value: Any) -> str:
    shown = latex(value)
    return shown if value.is_Integer and value >= 0 else rf"\left({shown}\right)"


CHOLESKY = Method("cholesky", "A = L Lᵀ: L lower triangular with a positive diagonal", factor,
                  "Golub & Van Loan, Matrix Computations, 4th ed., 4.2")  # fmt: skip
