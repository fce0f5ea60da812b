"""Null space: row reduction, then one special solution for each free variable."""

from __future__ import annotations

import sympy as sp

from symml.matrices.exact import Matrix, same
from symml.matrices.records import Found, Method
from symml.matrices.row_operations import null_vectors, reduced
from symml.matrices.writing import latex, subscript, text
from symml.records import Step


def solve(matrix: Matrix) -> Found:
    """Return A N = 0 with a basis of the null space as the columns of N."""
    rows, pivots = reduced(matrix)
    basis = null_vectors(rows.now, pivots)
    free = tuple(c for c in range(matrix.cols) if c not in pivots)
    facts = {"rank": len(pivots), "nullity": len(basis), "pivots": pivots, "free": free, "basis": tuple(basis)}
    steps = list(rows.steps)
    for column, vector in zip(free, basis, strict=True):
        others = [f"x{subscript(c + 1)} = 0" for c in free if c != column]
        given = ", ".join([f"x{subscript(column + 1)} = 1", *others])
        steps.append(
            Step(
                "special solution",
                f"set {'the free variable' if not others else 'the free variables'} "
                f"{_plain(column, free)} and solve R x = 0",
                rows.now,
                vector,
                f"{given} ⇒ x = {text(vector)}",
                f"x = {latex(vector)}",
                same(matrix * vector, sp.zeros(matrix.rows, 1), "A x = 0 by exact multiplication"),
            )
        )
    if not basis:
        steps.append(
            Step(
                "no free variable",
                "every column has a pivot: only x = 0 solves A x = 0",
                rows.now,
                sp.zeros(matrix.cols, 1),
                "A x = 0 ⇒ x = 0",
                r"A x = 0 \implies x = 0",
                same(rows.now[: matrix.cols, :], sp.eye(matrix.cols), "the reduced echelon form is the identity"),
            )
        )
    null = sp.ImmutableMatrix(sp.Matrix.hstack(*basis)) if basis else sp.ImmutableMatrix(sp.zeros(matrix.cols, 0))
    return Found({"R": rows.now, "N": null}, ((("A", "N"), ("0",)),), tuple(steps), facts, tuple(rows.conditions))


def _plain(column: int, free: tuple[int, ...]) -> str:
    return ", ".join(f"x{subscript(c + 1)} = {int(c == column)}" for c in free)


NULLSPACE = Method(
    "nullspace",
    "A N = 0: the columns of N are a basis of the null space",
    solve,
    "Strang, Introduction to Linear Algebra, 5th ed., 3.2",
)
