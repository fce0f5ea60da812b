"""A derivation together with its data: what is made once for a derivation, and what is bound at every call."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import sympy as sp

from symml.calculus.nodes import walk
from symml.errors import DataError, InternalError, ShapeError, SymmlError
from symml.fitting.binding import Bound, bind, by_name
from symml.fitting.joint import Generated, generate, joint
from symml.fitting.newton import Joint, Point, Region, evaluate
from symml.fitting.parameters import Parameters, default_start, named_start, parameters_of
from symml.fitting.squares import Square, squares_of
from symml.language.names import canonical, unicode_name
from symml.language.operators import name_of, show_shape
from symml.language.symbols import is_dimension
from symml.language.tables import declarations

if TYPE_CHECKING:
    from symml.derivation.derivation import Derivation
    from symml.derivation.stationary.stationary_point import StationaryPoint


MAX_UNKNOWNS = 3  # larger objectives are not searched for closed forms: the search takes longer than the fit
MAX_NODES = 60


class Plan:
    """What a derivation needs for fitting, made once and kept for further data."""

    def __init__(self, derivation: Derivation) -> None:
        self._source = weakref.ref(derivation)

    @property
    def derivation(self) -> Derivation:
        """The derivation this plan belongs to."""
        found = self._source()
        assert found is not None
        return found

    @cached_property
    def squares(self) -> tuple[Square, ...] | None:
        """Least-squares structure of the objective."""
        d = self.derivation
        return squares_of(d._node, [d._leaf(v) for v in d.wrt])

    @cached_property
    def quadratic(self) -> bool:
        """Whether the Hessian is free of the parameters."""
        d = self.derivation
        moving = {d._leaf(v) for v in d.wrt}
        nodes = [d._derivative_node(a, b) for a in d.wrt for b in d.wrt]
        return not any({leaf.name for leaf in node.leaves} & {leaf.name for leaf in moving} for node in nodes)

    @cached_property
    def closed(self) -> StationaryPoint | None:
        """The stationary points, when the objective is small and stationary() finds closed forms."""
        d = self.derivation
        curved = self.squares is not None and not all(s.affine for s in self.squares)
        if curved or len(d.wrt) > MAX_UNKNOWNS or sum(1 for _ in walk(d._node)) > MAX_NODES:
            return None
        try:
            found: StationaryPoint = d.stationary()
            return found
        except InternalError:
            raise  # a refuted result is a bug to be seen, never a reason to go on
        except SymmlError:  # whatever else keeps it from a formula, Newton needs none
            return None

    @cached_property
    def first(self) -> Generated:
        """Value and gradient."""
        return generate(self.derivation, 1)

    @cached_property
    def second(self) -> Generated:
        """Value, gradient and Hessian."""
        return generate(self.derivation, 2)


_plans: weakref.WeakKeyDictionary[Any, Plan] = weakref.WeakKeyDictionary()


def plan_of(derivation: Derivation) -> Plan:
    """Return the plan of a derivation, made at the first call."""
    found = _plans.get(derivation)
    if found is None:
        found = _plans[derivation] = Plan(derivation)
    return found


@dataclass(frozen=True)
class Problem:
    """A derivation with its data."""

    plan: Plan
    bound: Bound
    parameters: Parameters
    start: Any
    table: Mapping[str, Any]

    def region(self) -> Region:
        """Return the domain of the parameters."""
        return Region(*self.parameters.bounds(), self.parameters.definite)

    def joint(self, order: int = 2) -> Joint:
        """Return theta -> value, gradient and, for order 2, Hessian."""
        return joint(self.plan.second if order == 2 else self.plan.first, self.parameters, self.bound)

    def point(self, theta: Any, order: int = 2) -> Point:
        """Return value, gradient and, for order 2, Hessian at a point."""
        return evaluate(self.joint(order), theta)


def prepare_problem(
    derivation: Derivation, data: Mapping[Any, Any] | None, values: Mapping[str, Any], start: Any
) -> Problem:
    """Return the derivation with its data, all checked.

    Raises
    ------
    ShapeError
        If the objective is not a scalar.
    DataError, DomainError
        If data or start do not fit the declarations.
    """
    if derivation.objective.shape != ():
        raise ShapeError(
            f"the objective {name_of(derivation.objective)} has shape {show_shape(derivation.objective.shape)}: only a "
            "number can be minimised. Take sum() or sumsq() first."
        )
    own = {canonical(v.name): v for v in derivation.wrt}
    fitted = tuple(own)
    table = {**declarations(derivation.objective), **own}
    given = _merged(data, values, table, fitted)
    bound = bind(table, {**given, **named_start(start, derivation.wrt)}, fitted)
    parameters = parameters_of(derivation.wrt, bound)
    sizes = {**bound.sizes, **_sizes(parameters)}
    bound = replace(bound, sizes=sizes)
    return Problem(plan_of(derivation), bound, parameters, default_start(parameters, bound.values), table)


def _sizes(parameters: Parameters) -> dict[str, int]:
    return {
        canonical(dim.name): size
        for block, s in zip(parameters.blocks, parameters.symbols, strict=True)
        for dim, size in zip(getattr(s, "shape", ()), block.shape, strict=True)
        if isinstance(dim, sp.Symbol)
    }


def _merged(data: Any, values: Mapping[str, Any], table: Mapping[str, Any], fitted: tuple[str, ...]) -> dict[str, Any]:
    mapped = {} if data is None else by_name(data)
    named = by_name(values)
    shapes = [d for found in table.values() for d in getattr(found, "shape", ())]
    dims = {canonical(t.name) for d in shapes for t in getattr(d, "free_symbols", ())}
    for name in named:
        if name not in table and name not in dims:
            known = ", ".join(unicode_name(n) for n, s in table.items() if n not in fitted and not _is_dimension(s))
            raise DataError(f"{unicode_name(name)} is not a symbol of the objective. It needs: {known}.")
    for name in fitted:
        if name in named or name in mapped:
            raise DataError(f"{unicode_name(name)} is what is fitted: pass a first guess as start={{{name!r}: ...}}")
    twice = [unicode_name(name) for name in named if name in mapped]
    if twice:
        raise DataError(f"two values are given for {twice[0]}: in the mapping and by name")
    return {**{k: v for k, v in mapped.items() if k in table}, **named}


def _is_dimension(found: Any) -> bool:
    return isinstance(found, sp.Symbol) and is_dimension(found)


def observations(problem: Problem) -> int | None:
    """Return the number of rows: the first axis of a data array that no parameter shares."""
    dims = {canonical(str(d)) for s in problem.parameters.symbols for d in getattr(s, "shape", ())}
    for name, found in problem.table.items():
        shape = getattr(found, "shape", ())
        if shape and name in problem.bound.values and canonical(str(shape[0])) not in dims:
            size = problem.bound.sizes.get(canonical(str(shape[0])))
            if size is not None:
                return size
    return None
