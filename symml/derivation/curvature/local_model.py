"""Gradients and Hessian blocks of a derivation evaluated together at a point: steps and curvature in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from symml.codegen.evaluate import bind
from symml.derivation.mappings import ByName
from symml.derivation.results import directional
from symml.errors import DataError, MissingRuleError
from symml.language.expressions import Action, Expression, Symbol
from symml.language.names import canonical
from symml.language.tables import symbol_table

if TYPE_CHECKING:
    from symml.derivation.derivation import Derivation

Given = Mapping[Any, Any]
SINGULAR = "the Hessian is singular there: there is no Newton step. Use gradient_step, or add a ridge term."
RATES = ("eta", "rate", "eta_0", "rate_0")


@dataclass(frozen=True)
class LocalModel:
    """Gradients and Hessian blocks, evaluated together."""

    variables: tuple[Any, ...]
    single: bool
    gradients: tuple[Expression, ...]
    hessians: tuple[tuple[Expression, ...], ...]
    symbols: Mapping[str, Any]
    rate: str

    def at(self, given: Given, order: int = 2) -> tuple[dict[str, Any], dict[str, int]]:
        """Return the values and sizes that the gradients need, or the Hessian alone for order 0."""
        table = {v.name: v for v in self.variables}
        gradients = self.gradients if order else ()
        hessians = [h for row in self.hessians for h in row] if order != 1 else []
        for e in (*gradients, *hessians):
            hidden = {s.name for s in e.args[:-1] if isinstance(s, Symbol)} if isinstance(e, Action) else set()
            table.update({k: self.symbols.get(k, s) for k, s in symbol_table(e).items() if k not in hidden})
        known = {canonical(str(getattr(k, "name", k))) for k in given}
        lenders = {k: s for k, s in self.symbols.items() if k in known and k not in table}
        return bind({**table, **lenders}, given)

    def _gradient(self, values: Mapping[str, Any], sizes: Mapping[str, int]) -> list[Any]:
        given = {**values, **sizes}
        shapes = [np.shape(values[v.name]) for v in self.variables]
        found = [np.asarray(g.evaluate(given), float) for g in self.gradients]
        return [np.broadcast_to(g, s) for g, s in zip(found, shapes, strict=True)]

    def hessian(self, values: Mapping[str, Any], sizes: Mapping[str, int]) -> Any:
        """Return the Hessian of all variables, flattened in order, as one matrix."""
        columns = []
        for k, b in enumerate(self.variables):
            acts = [directional(row[k], b) for row in self.hessians]
            for place in np.ndindex(np.shape(values[b.name])):
                step = np.zeros(np.shape(values[b.name]))
                step[place] = 1.0
                along = step if step.shape else 1.0
                columns.append(np.concatenate([np.ravel(act(values, sizes, along)) for act in acts]))
        return np.array(columns).T

    def _shown(self, values: Mapping[str, Any], step: Any) -> Any:
        found, start = {}, 0
        for v in self.variables:
            x = np.asarray(values[v.name], float)
            new = x - step[start : start + x.size].reshape(x.shape)
            found[v.name] = new if new.shape else float(new)
            start += x.size
        return next(iter(found.values())) if self.single else ByName(found)

    def newton(self, given: Given) -> Any:
        """Return the variables after a Newton step."""
        values, sizes = self.at(given)
        gradient = np.concatenate([np.ravel(g) for g in self._gradient(values, sizes)])
        hessian = self.hessian(values, sizes)
        if not np.all(np.isfinite(hessian)) or np.linalg.matrix_rank(hessian, hermitian=True) < len(hessian):
            raise DataError(SINGULAR)
        return self._shown(values, np.linalg.solve(hessian, gradient))

    def descent(self, given: Given) -> Any:
        """Return the variables after a gradient step."""
        named = {canonical(str(getattr(k, "name", k))): v for k, v in given.items()}
        if self.rate not in named:
            raise DataError(f"no value for the rate {self.rate}; largest_rate(...) is the bound at a point")
        values, sizes = self.at({k: v for k, v in named.items() if k != self.rate}, 1)
        gradient = np.concatenate([np.ravel(g) for g in self._gradient(values, sizes)])
        return self._shown(values, float(named[self.rate]) * gradient)

    def largest_rate(self, given: Given) -> float:
        """Return 2 over the largest eigenvalue of the Hessian."""
        named = {canonical(str(getattr(k, "name", k))): v for k, v in given.items()}
        for v, row in zip(self.variables, self.hessians, strict=True):
            if all(v.name not in symbol_table(h) for h in row):  # the Hessian does not need the point: its shape may do
                named.setdefault(v.name, _any_point(v, named, self.symbols))
        values, sizes = self.at({k: v for k, v in named.items() if k != self.rate}, 0)
        hessian = self.hessian(values, sizes)
        top = float(np.linalg.eigvalsh((hessian + hessian.T) / 2)[-1])
        return 2.0 / top if top > 0 else float("inf")


def _any_point(v: Any, named: Mapping[str, Any], symbols: Mapping[str, Any]) -> Any:
    if not isinstance(v, Symbol):
        return 0.0
    table = {k: s for k, s in symbols.items() if k in named}
    _, sizes = bind(table, named)
    try:
        return np.zeros([d if isinstance(d, int) else sizes[canonical(d.name)] for d in v.shape])
    except (KeyError, AttributeError):
        raise DataError(f"no value for {v.name}; its size does not follow from the data given") from None


def local_model(derivation: Derivation, optional: bool = False) -> LocalModel:
    """Return the gradients and the Hessian blocks of a derivation, to be evaluated."""
    derivation._scalar_objective("gradient step")
    gradients = tuple(derivation._result("gradient", v) for v in derivation.wrt)
    hessians: tuple[tuple[Expression, ...], ...] = ()
    try:
        hessians = tuple(tuple(derivation._result("hessian", a, b) for b in derivation.wrt) for a in derivation.wrt)
    except MissingRuleError:
        if not optional:
            raise
    taken = {canonical(n) for n in derivation._taken}
    rate = next((r for r in RATES if canonical(r) not in taken), "stepsize")
    return LocalModel(derivation.wrt, derivation.single, gradients, hessians, derivation.source.symbols, rate)
