"""QR by Gram–Schmidt: each column less its parts along those before, then divided by its norm."""

from __future__ import annotations

from typing import Any

import sympy as sp

from symml.errors import DomainError
from symml.matrices.exact import Matrix, over, root, same, tidied, tidy, vanishes
from symml.matrices.records import Found, Method, real
from symml.matrices.row_operations import null_vectors, reduced
from symml.matrices.writing import factor, factor_latex, latex, multiplier, subscript, text
from symml.records import Step


def orthonormalise(matrix: Matrix) -> Found:
    """Return A = Q R with orthonormal columns of Q and a positive diagonal of R."""
    real(matrix, "Gram–Schmidt")
    size = matrix.cols
    columns: list[Matrix] = []
    upper = sp.zeros(size, size)
    steps: list[Step] = []
    conditions: list[str] = []
    for j in range(size):
        left = matrix[:, j]
        for i, q in enumerate(columns):
            upper[i, j] = tidy((q.T * matrix[:, j])[0])
            left = tidied(left - upper[i, j] * q)
        steps.append(_orthogonal(matrix, columns, upper, j, left))
        square = tidy((left.T * left)[0])
        if vanishes(square):
            raise DomainError(_dependent(matrix, j))
        if square.free_symbols and not square.is_positive:
            conditions.append(f"{text(square)} > 0")
        upper[j, j] = root(square)
        columns.append(over(left, upper[j, j]))
        steps.append(_normalised(left, columns[-1], upper[j, j], j))
    factors = {"Q": sp.ImmutableMatrix(sp.Matrix.hstack(*columns)), "R": sp.ImmutableMatrix(upper)}
    equations = ((("A",), ("Q", "R")), (("Q'", "Q"), ("I",)))
    return Found(factors, equations, tuple(steps), {"rank": size}, tuple(conditions))


def _orthogonal(matrix: Matrix, columns: list[Matrix], upper: Matrix, j: int, left: Matrix) -> Step:
    number = subscript(j + 1)
    parts = [(i, upper[i, j]) for i in range(j)]
    if not parts:
        statement, tail, tex = "take column 1", "", ""
    else:
        statement = f"subtract from column {j + 1} its parts along the columns before"
        tail = "".join(f" − (q{subscript(i + 1)}ᵀ a{number}) q{subscript(i + 1)}" for i, _ in parts)
        tail += f" = a{number}" + "".join(_signed(r, f"q{subscript(i + 1)}", " − ", " + ", factor) for i, r in parts)
        tex = "".join(rf" - \left(q_{{{i + 1}}}^{{\top}} a_{{{j + 1}}}\right) q_{{{i + 1}}}" for i, _ in parts)
        tex += f" = a_{{{j + 1}}}" + "".join(_signed(r, f"q_{{{i + 1}}}", " - ", " + ", factor_latex) for i, r in parts)
    zero = [(q.T * left)[0] for q in columns] or [sp.S.Zero]
    proof = same(sp.Matrix(zero), sp.zeros(len(zero), 1), "orthogonal to the columns before, by exact multiplication")
    return Step("subtract projections", statement, matrix[:, j], left, f"u{number} = a{number}{tail} = {text(left)}",
                f"u_{{{j + 1}}} = a_{{{j + 1}}}{tex} = {latex(left)}", proof)  # fmt: skip


def _signed(value: Any, name: str, minus: str, plus: str, show: Any) -> str:
    if value == 0:
        return ""
    negative = value.could_extract_minus_sign() and not value.is_Add
    size = -value if negative else value
    return (plus if negative else minus) + (name if size == 1 else f"{show(size)} {name}")


def _normalised(left: Matrix, q: Matrix, norm: Any, j: int) -> Step:
    number = subscript(j + 1)
    return Step(
        "divide by the norm", "divide by the norm", left, q,
        f"q{number} = u{number}/{factor(norm)} = {text(q)}",
        rf"q_{{{j + 1}}} = \frac{{u_{{{j + 1}}}}}{{{latex(norm)}}} = {latex(q)}",
        same(q.T * q, sp.eye(1), "norm 1 by exact multiplication"),
    )  # fmt: skip


def _dependent(matrix: Matrix, j: int) -> str:
    rows, pivots = reduced(matrix[:, : j + 1])
    vector = null_vectors(rows.now, pivots)[-1]
    parts = [(k, -vector[k]) for k in range(j) if vector[k] != 0]
    if not parts:
        return f"column {j + 1} is zero: Gram–Schmidt needs independent columns. Leave it out, or use 'rref' or 'svd'."
    combination = "".join(_signed(-c, f"column {k + 1}", " − ", " + ", _times) for k, c in parts)
    return (
        f"column {j + 1} depends on the columns before it: it is {combination.removeprefix(' + ').strip()}. "
        "Gram–Schmidt needs independent columns; leave it out, or use 'rref' or 'svd'."
    )


def _times(value: Any) -> str:
    return f"{multiplier(value)} ×"


QR = Method("qr", "A = Q R: Q with orthonormal columns, R upper triangular with a positive diagonal", orthonormalise,
            "Golub & Van Loan, Matrix Computations, 4th ed., 5.2")  # fmt: skip
