"""A convex problem with inequalities in numbers: gradients and Hessian by the rules, the solution by `interior`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np

from symml.calculus.construct import times, total
from symml.calculus.nodes import Leaf, Node
from symml.calculus.reverse import derivative
from symml.codegen.evaluate import bind, prepare
from symml.codegen.interpreter import size_of
from symml.derivation.constrained.constraints import paired
from symml.derivation.constrained.feasibility import Program
from symml.derivation.constrained.interior import solve
from symml.derivation.mappings import ByName
from symml.derivation.stationary.linear_systems import directions
from symml.derivation.stationary.trials import keeps
from symml.errors import DataError, NoClosedFormError, SymmlError
from symml.forms.lowering import leaf_of, lower
from symml.forms.raising import Raising, act
from symml.language.expressions import Expression, Symbol
from symml.language.operators import as_expression, symbol
from symml.language.tables import symbol_table

Values = dict[str, Any]
ZERO = 1e-9  # an entry this small beside the largest, at a kink of its own, is zero


@dataclass(frozen=True)
class Row:
    """One constraint: an expression that is zero, or never negative, and its multiplier."""

    value: Expression
    multiplier: Any
    equality: bool


@dataclass(frozen=True)
class ConvexSolver:
    """The solution of a convex problem at the data; it satisfies the conditions to the accuracy of `interior`.

    Attributes
    ----------
    variables : tuple of symbols
    objective : Expression
        Convex where `sign` is 1, concave where it is −1.
    rows : tuple of Row
    affine : bool
        Whether all constraints are affine.
    symbols : tuple of (str, symbol)
        Declared symbols by name.
    hidden : tuple of str
        Variables and multipliers that stand for kinks, and are not returned.
    sparse : tuple of str
        Variables with kinks at zero: entries that are zero but for rounding are exactly zero.
    """

    variables: tuple[Any, ...]
    objective: Expression
    rows: tuple[Row, ...]
    sign: int
    affine: bool
    symbols: tuple[tuple[str, Any], ...] = ()
    hidden: tuple[str, ...] = ()
    sparse: tuple[str, ...] = ()

    def __getstate__(self) -> Values:
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def __call__(self, given: Mapping[Any, Any]) -> Any:
        """Return the variable at the values given; a mapping by name for several variables."""
        found = self.by_name(given)
        names = [v.name for v in self.variables if v.name not in self.hidden]
        return found[names[0]] if len(names) == 1 else ByName({name: found[name] for name in names})

    def by_name(self, given: Mapping[Any, Any]) -> Values:
        """Return variables and multipliers.

        Raises
        ------
        DataError
            If a value is missing, or there is no extremum at these values.
        NoClosedFormError
            If the conditions could not be satisfied.
        """
        numbers = _Numbers(self, *bind(self._table, given))
        x, a, nu = solve(numbers.program())
        found = {k: _cleaned(v) if k in self.sparse else v for k, v in numbers.variables(x).items()}
        for v in self.variables:
            if not keeps(v, found[v.name]):
                raise DataError(f"the solution {found[v.name]} is not within the declaration of {v}.")
        whole = {**found, **numbers.multipliers(a, self.sign * nu)}
        return {k: v for k, v in whole.items() if k not in self.hidden}

    @cached_property
    def _table(self) -> Values:
        known, table = dict(self.symbols), {}
        for e in (self.objective, *(r.value for r in self.rows), *map(as_expression, self.variables)):
            table.update({k: known.get(k, s) for k, s in symbol_table(e).items()})
        return {k: s for k, s in table.items() if k not in {v.name for v in self.variables}}

    @cached_property
    def _functions(self) -> _Functions:
        own = [leaf_of(v) for v in self.variables]
        unknown = frozenset({*own, *(leaf_of(r.multiplier) for r in self.rows)})
        f = times(self.sign, lower(self.objective))
        lagrangian = total([f, *(times(-1, lower(paired(r.multiplier, r.value))) for r in self.rows)], ())
        return _Functions(
            _prepared(f),
            tuple(_prepared(derivative(f, x)) for x in own),
            tuple(tuple(_slope(derivative(lagrangian, x), v, unknown) for v in self.variables) for x in own),
            tuple(prepare(r.value) for r in self.rows),
            tuple(tuple(_slope(lower(r.value), v, unknown) for v in self.variables) for r in self.rows),
        )


@dataclass(frozen=True)
class Either:
    """What a special method finds, or else the interior point method."""

    special: Any
    numbers: ConvexSolver

    def __call__(self, given: Mapping[Any, Any]) -> Any:
        """Return the variable at the values given."""
        try:
            return self.special(given)
        except (DataError, NoClosedFormError) as why:
            return self._otherwise(self.numbers, given, why)

    def by_name(self, given: Mapping[Any, Any]) -> Mapping[str, Any]:
        """Return variables and multipliers by name."""
        try:
            found: Mapping[str, Any] = self.special.by_name(given)
        except (DataError, NoClosedFormError) as why:
            found = self._otherwise(self.numbers.by_name, given, why)
        return found

    @staticmethod
    def _otherwise(method: Callable[[Mapping[Any, Any]], Any], given: Mapping[Any, Any], why: SymmlError) -> Any:
        """The result of the other method; the special one tells better why there is none."""
        try:
            return method(given)
        except (DataError, NoClosedFormError):
            raise why from None


# -- functions of values by name ----------------------------------------------------------------------------------
@dataclass(frozen=True)
class _Slope:
    """The derivative of something by one variable, along a direction of it; constant where it holds no unknown."""

    along: Any
    direction: str
    constant: bool


@dataclass(frozen=True)
class _Functions:
    value: Any
    gradients: tuple[Any, ...]
    hessian: tuple[tuple[_Slope | None, ...], ...]
    rows: tuple[Any, ...]
    slopes: tuple[tuple[_Slope | None, ...], ...]


def _prepared(node: Node) -> Any:
    return prepare(Raising(False).run(node))


def _slope(node: Node, v: Any, unknown: frozenset[Leaf]) -> _Slope | None:
    """The derivative of a node by a variable; None where it is zero."""
    x = leaf_of(v)
    if x not in node.leaves:
        return None
    slope = derivative(node, x)
    direction = symbol(f"d{v.name}direction", x.shape)
    along = act(slope, leaf_of(direction), len(node.shape))
    return _Slope(_prepared(along), direction.name, not slope.leaves & unknown)


# -- functions of flat arrays -------------------------------------------------------------------------------------
class _Numbers:
    """The problem at its data, with the unknowns in flat arrays: weights of the basis of each variable."""

    def __init__(self, solver: ConvexSolver, values: Mapping[str, Any], sizes: Mapping[str, int]) -> None:
        self.solver, self.functions = solver, solver._functions
        self.values, self.sizes = dict(values), sizes
        self.bases = [np.array(list(directions(self._shape(v), _symmetric(v)))) for v in solver.variables]
        self.constants: dict[int, Any] = {}
        self.shapes = [self._shape(r.multiplier) for r in solver.rows]

    def _shape(self, v: Any) -> tuple[int, ...]:
        return tuple(size_of(d)(self.sizes) for d in getattr(v, "shape", ()))

    def variables(self, x: Any) -> Values:
        """Return the variables of a flat array by name."""
        found, start = {}, 0
        for v, basis in zip(self.solver.variables, self.bases, strict=True):
            found[v.name] = _number(np.tensordot(x[start : start + len(basis)], basis, axes=1))
            start += len(basis)
        return found

    def multipliers(self, a: Any, nu: Any) -> Values:
        """Return the multipliers of flat arrays by name."""
        found, places = {}, {False: 0, True: 0}
        for r, shape in zip(self.solver.rows, self.shapes, strict=True):
            start, size = places[r.equality], int(np.prod(shape))
            array = (nu if r.equality else a)[start : start + size]
            found[r.multiplier.name] = _number(array.reshape(shape))
            places[r.equality] += size
        return found

    def _at(self, x: Any, more: Mapping[str, Any] | None = None) -> Values:
        return {**self.values, **self.variables(x), **(more or {})}

    def _columns(self, slope: _Slope | None, k: int, rows: int, at: Values) -> Any:
        """The values of a derivative along the basis of variable k, as columns."""
        basis = self.bases[k]
        if slope is None:
            return np.zeros((rows, len(basis)))
        found = [np.ravel(slope.along({**at, slope.direction: _number(e)}, self.sizes)) for e in basis]
        return np.array(found, float).T.reshape(rows, len(basis))

    def _matrix(self, slopes: tuple[_Slope | None, ...], rows: int, at: Values) -> Any:
        if all(s is None or s.constant for s in slopes) and id(slopes) in self.constants:
            return self.constants[id(slopes)]
        found = np.hstack([self._columns(s, k, rows, at) for k, s in enumerate(slopes)])
        self.constants[id(slopes)] = found
        return found

    def _hessian(self, x: Any, a: Any, nu: Any) -> Any:
        try:
            return self._bent(x, a, nu)
        except np.linalg.LinAlgError:
            return np.full((len(x), len(x)), np.nan)

    def _bent(self, x: Any, a: Any, nu: Any) -> Any:
        at = self._at(x, self.multipliers(a, nu))
        found = []
        for basis, slopes in zip(self.bases, self.functions.hessian, strict=True):
            size = int(np.prod(basis.shape[1:]))
            found.append(basis.reshape(len(basis), size) @ self._matrix(slopes, size, at))
        whole = np.vstack(found)
        return (whole + whole.T) / 2

    def _gradient(self, x: Any) -> Any:
        at = self._at(x)
        pairs = zip(self.bases, self.functions.gradients, strict=True)
        try:
            found = [(b, np.ravel(np.asarray(g(at, self.sizes), float))) for b, g in pairs]
        except np.linalg.LinAlgError:
            return np.full(len(x), np.nan)
        return np.concatenate([b.reshape(len(b), -1) @ g for b, g in found])

    def _rows(self, x: Any, equality: bool) -> Any:
        at = self._at(x)
        own = zip(self.solver.rows, self.functions.rows, strict=True)
        found = [np.ravel(np.asarray(f(at, self.sizes), float)) for r, f in own if r.equality is equality]
        return np.concatenate(found) if found else np.zeros(0)

    def _slopes(self, x: Any, equality: bool) -> Any:
        at = self._at(x)
        own = zip(self.solver.rows, self.functions.slopes, self.shapes, strict=True)
        found = [self._matrix(s, int(np.prod(shape)), at) for r, s, shape in own if r.equality is equality]
        return np.vstack(found) if found else np.zeros((0, len(x)))

    def _start(self) -> Any:
        """Zero where the objective is finite there, else one, else the middle of a simplex; I for definite matrices."""
        count = sum(map(len, self.bases))
        for x in (np.zeros(count), np.ones(count), np.full(count, 1.0 / count)):
            started = self._definite(x)
            if np.isfinite(self._value(started)) and np.all(np.isfinite(self._gradient(started))):
                return started
        return self._definite(np.ones(count))

    def _definite(self, x: Any) -> Any:
        """The weights with those of definite matrices set to the identity."""
        found, start = np.array(x), 0
        for v, basis in zip(self.solver.variables, self.bases, strict=True):
            if isinstance(v, Symbol) and "spd" in v.facts:
                found[start : start + len(basis)] = [float(np.trace(e)) for e in basis]
            start += len(basis)
        return found

    def _value(self, x: Any) -> float:
        at = self._at(x)
        try:
            for v in self.solver.variables:
                if isinstance(v, Symbol) and "spd" in v.facts:
                    np.linalg.cholesky(at[v.name])  # log det is finite at indefinite matrices too
            return float(self.functions.value(at, self.sizes))
        except np.linalg.LinAlgError:
            return np.nan

    def program(self) -> Program:
        """Return the problem as functions of flat arrays."""
        with np.errstate(all="ignore"):
            start = self._start()
        return Program(
            start,
            self._value,
            self._gradient,
            self._hessian,
            lambda x: self._rows(x, False),
            lambda x: self._slopes(x, False),
            lambda x: self._rows(x, True),
            lambda x: self._slopes(x, True),
            self.solver.affine,
        )


def _cleaned(value: Any) -> Any:
    if not np.ndim(value):
        return value
    return np.where(np.abs(value) <= ZERO * np.max(np.abs(value), initial=0.0), 0.0, value)


def _symmetric(v: Any) -> bool:
    return isinstance(v, Symbol) and "symmetric" in v.facts


def _number(value: Any) -> Any:
    return value if np.ndim(value) else float(value)
