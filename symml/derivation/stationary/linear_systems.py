"""Solutions that are numbers and no formula: linear equations for a matrix, solved row by row, through vec, or at once.

Every record here names the expressions it is computed from, and says how well conditioned the system was: an answer of
a nearly singular system is not returned.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
import scipy  # scipy.linalg is loaded by scipy itself when it is first used

from symml.codegen.evaluate import bind, prepare
from symml.codegen.interpreter import size_of
from symml.errors import DataError
from symml.language.expressions import Element, Expression, Index, Symbol, postorder
from symml.language.operators import substitute, symbol
from symml.language.tables import symbol_table

SINGULAR = 1e14  # condition number from which a system has no answer in double precision
RESIDUAL = 1e-7


class Numbers(ABC):
    """How the value of a matrix is computed where no formula holds it."""

    def __getstate__(self) -> dict[str, Any]:  # prepared functions are not pickled
        return {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]

    @property
    @abstractmethod
    def expressions(self) -> tuple[Expression, ...]:
        """What it is computed from."""

    @abstractmethod
    def solve(self, values: Mapping[str, Any], sizes: Mapping[str, int]) -> tuple[Any, float]:
        """Return the value and the condition number of the system."""

    def __call__(self, values: Mapping[str, Any], sizes: Mapping[str, int]) -> Any:
        """Return the value.

        Raises
        ------
        numpy.linalg.LinAlgError
            If the system is singular.
        """
        value, condition = self.solve(values, sizes)
        if not condition < SINGULAR or not np.all(np.isfinite(value)):
            raise np.linalg.LinAlgError("the linear system is singular")
        return value

    @property
    def table(self) -> dict[str, Any]:
        """The symbols needed, by name."""
        found: dict[str, Any] = {}
        for e in self.expressions:
            found.update({k: s for k, s in symbol_table(e).items() if not isinstance(s, Index)})
        return found


# -- row by row ---------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class RowByRow(Numbers):
    """Row i of X (column i where `axis` is 1) solves matrix · X[i] = right, both free in the index."""

    matrix: Expression
    right: Expression
    index: Index
    axis: int

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """What it is computed from."""
        return (self.matrix, self.right)

    @cached_property
    def _prepared(self) -> tuple[Any, Any, tuple[tuple[str, Element], ...]]:
        """Both sides with a symbol for every row of data, and these rows by the name of the symbol."""
        found = dict.fromkeys(n for n in postorder(*self.expressions) if isinstance(n, Element) and self._picks(n))
        names = {e: symbol(f"row{k}", e.shape) if e.shape else None for k, e in enumerate(found)}
        swap: dict[Expression, Expression] = {e: s for e, s in names.items() if s is not None}
        left, right = (prepare(substitute(e, swap)) for e in self.expressions)
        return left, right, tuple((s.name, e) for e, s in names.items() if s is not None)

    def _picks(self, e: Element) -> bool:
        return any(a is self.index for a in e.args[1:])

    def solve(self, values: Mapping[str, Any], sizes: Mapping[str, int]) -> tuple[Any, float]:
        """Return the value and the condition number of the system."""
        left, right, rows = self._prepared
        found, worst = [], 0.0
        for k in range(size_of(self.index.size)(sizes)):
            at = {**values, **{name: self._row(e, values, k) for name, e in rows}}
            matrix = np.asarray(left(at, sizes), float)
            condition = float(np.linalg.cond(matrix))
            if not condition < SINGULAR:
                line = "row" if self.axis == 0 else "column"
                raise np.linalg.LinAlgError(f"{line} {k} is not determined, {self.matrix} is singular there")
            worst = max(worst, condition)
            found.append(np.linalg.solve(matrix, np.asarray(right(at, sizes), float)))
        return np.stack(found, axis=self.axis), worst

    def _row(self, e: Element, values: Mapping[str, Any], k: int) -> Any:
        base = e.args[0]
        assert isinstance(base, Symbol)
        places = tuple(slice(None) if p is None else k if p == "index" else p for p in e.fields[0])
        return np.asarray(values[base.name], float)[places]


# -- at once ------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class LinearMap(Numbers):
    """left = right for a `left` linear in the variable: its value at a basis gives the matrix of the system."""

    left: Expression
    right: Expression
    variable: Symbol

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """What it is computed from."""
        return (self.left, self.right)

    @property
    def table(self) -> dict[str, Any]:
        """The symbols needed, by name."""
        found: dict[str, Any] = {}
        for e in self.expressions:
            found.update(symbol_table(e))
        return {k: s for k, s in found.items() if k != self.variable.name}

    @cached_property
    def _prepared(self) -> tuple[Any, Any]:
        return prepare(self.left), prepare(self.right)

    def solve(self, values: Mapping[str, Any], sizes: Mapping[str, int]) -> tuple[Any, float]:
        """Return the value and the condition number of the system."""
        left, right = self._prepared
        shape = tuple(size_of(d)(sizes) for d in self.variable.shape)
        basis = list(directions(shape, "symmetric" in self.variable.facts))
        images = [np.asarray(left({**values, self.variable.name: e}, sizes), float) for e in basis]
        target = np.asarray(right(values, sizes), float)
        if "symmetric" in self.variable.facts:  # rows and columns both along symmetric directions
            matrix = np.array([[np.sum(e * image) for image in images] for e in basis])
            target = np.array([np.sum(e * target) for e in basis])
        else:
            matrix, target = np.array([np.ravel(image) for image in images]).T, np.ravel(target)
        weights = np.linalg.solve(matrix, target)
        return np.tensordot(weights, np.array(basis), axes=1), float(np.linalg.cond(matrix))


@dataclass(frozen=True)
class Sylvester(Numbers):
    """A X + X B = C, by the Schur forms of A and B (Bartels and Stewart)."""

    a: Expression
    b: Expression
    right: Expression
    whole: LinearMap

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """What it is computed from."""
        return (self.a, self.b, self.right)

    @cached_property
    def _prepared(self) -> tuple[Any, ...]:
        return tuple(prepare(e) for e in self.expressions)

    def solve(self, values: Mapping[str, Any], sizes: Mapping[str, int]) -> tuple[Any, float]:
        """Return the value and the condition number of the system."""
        return self.whole.solve(values, sizes)

    def __call__(self, values: Mapping[str, Any], sizes: Mapping[str, int]) -> Any:
        """Return the value; a singular equation raises."""
        a, b, right = (np.asarray(f(values, sizes), float) for f in self._prepared)
        value = scipy.linalg.solve_sylvester(a, b, right)
        size = (np.linalg.norm(a) + np.linalg.norm(b)) * np.linalg.norm(value) + np.linalg.norm(right)
        if not np.linalg.norm(a @ value + value @ b - right) <= RESIDUAL * size or not np.all(np.isfinite(value)):
            raise np.linalg.LinAlgError("the linear system is singular")
        return value


def directions(shape: Sequence[int], symmetric: bool = False) -> Iterator[Any]:
    """Yield the unit arrays of a shape; of a symmetric one the pairs of mirrored entries."""
    for place in np.ndindex(*shape):
        if symmetric and place[0] > place[1]:
            continue
        e = np.zeros(shape)
        e[place] = 1.0
        if symmetric:
            e[place[::-1]] = 1.0
        yield e


# -- for users ----------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class NumberSolver:
    """Numbers at the values given, then the variables that are formulas in them, in order."""

    variable: str
    numbers: Numbers
    others: tuple[tuple[str, Expression], ...]
    condition: str

    def __call__(self, given: Mapping[Any, Any]) -> Any:
        """Return the value of the variable; a mapping by name where there are several.

        Raises
        ------
        DataError
            If a value is missing or the system is singular.
        """
        values, sizes = bind(self.numbers.table, given)
        try:
            value = self.numbers(values, sizes)
        except np.linalg.LinAlgError as error:
            raise DataError(f"no unique {self.variable} at these values: {error}; {self.condition}") from None
        found = {self.variable: value}
        for name, e in self.others:
            found[name] = e.evaluate({**given, **found})
        return found if self.others else value
