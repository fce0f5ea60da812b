"""Elementary row operations, each recorded as a step that is proved by the product with its elementary matrix."""

from __future__ import annotations

from typing import Any

import sympy as sp

from symml.matrices.exact import Matrix, same, tidied, vanishes
from symml.matrices.writing import factor_latex, latex, multiplier, text
from symml.records import Step


class Rows:
    """A matrix under row operations: what it is now, the steps so far, and what was assumed nonzero."""

    def __init__(self, matrix: Matrix) -> None:
        self.now = matrix
        self.steps: list[Step] = []
        self.conditions: list[str] = []

    def swap(self, i: int, k: int) -> None:
        """Swap two rows."""
        elementary = sp.eye(self.now.rows)
        elementary = elementary.elementary_row_op("n<->m", row1=i, row2=k)
        self._apply(
            "swap rows", f"swap rows {i + 1} and {k + 1}", elementary, rf"R_{{{i + 1}}} \leftrightarrow R_{{{k + 1}}}"
        )

    def subtract(self, multiple: Any, source: int, target: int) -> None:
        """Subtract a multiple of one row from another."""
        if vanishes(multiple):
            return
        elementary = sp.eye(self.now.rows)
        elementary[target, source] = -multiple
        minus = multiple.could_extract_minus_sign() and not multiple.is_Add
        size = -multiple if minus else multiple
        times = "" if size == 1 else f"{multiplier(size)} × "
        verb, word = ("add", "to") if minus else ("subtract", "from")
        arrow = "" if size == 1 else factor_latex(size) + " "
        self._apply(
            "subtract a multiple of a row", f"{verb} {times}row {source + 1} {word} row {target + 1}", elementary,
            rf"R_{{{target + 1}}} {'+' if minus else '-'} {arrow}R_{{{source + 1}}}",
        )  # fmt: skip

    def divide(self, row: int, divisor: Any) -> None:
        """Divide a row by a nonzero number."""
        if divisor == 1:
            return
        elementary = sp.eye(self.now.rows)
        elementary[row, row] = 1 / divisor
        self._apply("divide a row", f"divide row {row + 1} by {multiplier(divisor)}", elementary,
                    rf"R_{{{row + 1}}} / {factor_latex(divisor)}")  # fmt: skip

    def pivot(self, row: int, column: int) -> int | None:
        """Return the first row from `row` on with a nonzero entry in the column; symbols get a condition."""
        candidates = [k for k in range(row, self.now.rows) if not vanishes(self.now[k, column])]
        if not candidates:
            return None
        numbers = [k for k in candidates if not self.now[k, column].free_symbols]
        chosen = (numbers or candidates)[0]
        entry = self.now[chosen, column]
        if entry.free_symbols and not entry.is_nonzero:
            condition = f"{text(entry)} ≠ 0"
            self.conditions.extend([condition] if condition not in self.conditions else [])
        return chosen

    def _apply(self, rule: str, statement: str, elementary: Matrix, arrow: str) -> None:
        before = self.now
        after = tidied(elementary * before)
        self.now = after
        back = tidied(elementary.inv() * after)  # the operation is undone, so nothing was lost
        self.steps.append(
            Step(rule, statement, before, after, f"{text(before)} → {text(after)}",
                 rf"{latex(before)} \xrightarrow{{{arrow}}} {latex(after)}",
                 same(back, before, "the elementary matrix is undone by its inverse"))
        )  # fmt: skip


def reduced(matrix: Matrix) -> tuple[Rows, tuple[int, ...]]:
    """Return the row operations that lead to the reduced echelon form, and its pivot columns."""
    rows = Rows(matrix)
    pivots: list[int] = []
    for column in range(matrix.cols):
        row = len(pivots)
        if row == matrix.rows:
            break
        found = rows.pivot(row, column)
        if found is None:
            continue
        if found != row:
            rows.swap(row, found)
        rows.divide(row, rows.now[row, column])
        for other in range(matrix.rows):
            if other != row:
                rows.subtract(rows.now[other, column], row, other)
        pivots.append(column)
    return rows, tuple(pivots)


def null_vectors(echelon: Matrix, pivots: tuple[int, ...]) -> list[Matrix]:
    """Return the special solutions of R x = 0: one free variable is 1, the others 0."""
    found = []
    for column in range(echelon.cols):
        if column in pivots:
            continue
        vector = sp.zeros(echelon.cols, 1)
        vector[column] = 1
        for row, p in enumerate(pivots):
            vector[p] = -echelon[row, column]
        found.append(tidied(vector))
    return found
