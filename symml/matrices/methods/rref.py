"""Reduced row echelon form: rank, pivots, bases of the column space and the row space."""

from __future__ import annotations

import sympy as sp

from symml.matrices.exact import Matrix, same
from symml.matrices.records import Found, Method
from symml.matrices.row_operations import reduced
from symml.records import Step


def reduce(matrix: Matrix) -> Found:
    """Return A = C F: C the pivot columns of A, F the nonzero rows of the reduced echelon form."""
    rows, pivots = reduced(matrix)
    rank = len(pivots)
    columns = sp.ImmutableMatrix(matrix.extract(list(range(matrix.rows)), list(pivots)))
    nonzero = rows.now[:rank, :]
    numbers = ", ".join(str(p + 1) for p in pivots) or "none"
    last = Step(
        "count the pivots",
        f"pivot columns: {numbers}; rank {rank}; these columns of A are a basis of its column space",
        rows.now,
        columns,
        f"rank A = {rank}",
        rf"\operatorname{{rank}} A = {rank}",
        same(matrix, columns * nonzero if rank else sp.zeros(*matrix.shape), "A = C F by exact multiplication"),
    )
    steps = (*rows.steps, last)
    facts = {
        "rank": rank,
        "pivots": pivots,
        "basis": tuple(columns[:, k] for k in range(rank)),
        "row_basis": tuple(nonzero[k, :].T for k in range(rank)),
    }
    if not rank:
        return Found({"R": rows.now}, ((("A",), ("R",)),), steps, facts, tuple(rows.conditions))
    return Found(
        {"R": rows.now, "C": columns, "F": sp.ImmutableMatrix(nonzero)},
        ((("A",), ("C", "F")),),
        steps,
        facts,
        tuple(rows.conditions),
    )


RREF = Method(
    "rref",
    "R the reduced row echelon form; A = C F: C the pivot columns of A, F the nonzero rows of R",
    reduce,
    "Strang, Introduction to Linear Algebra, 5th ed., 3.2 and 3.5",
)
