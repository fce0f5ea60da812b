"""From a derivative in the index form to the expression that is shown, with its check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from symml.calculus.construct import ein, times, total
from symml.calculus.nodes import Node
from symml.checking.derivatives import Derivative, check
from symml.checking.reports import CheckReport
from symml.codegen.evaluate import prepare
from symml.errors import InternalError, NotSupportedError
from symml.forms.lowering import leaf_of
from symml.forms.raising import act, action
from symml.forms.textbook import present
from symml.language.expressions import Action, Expression, Index, Scalar, Symbol
from symml.language.operators import call, multiply_any, symbol, transpose
from symml.language.tables import symbol_table

DIRECTION_FACTS = frozenset({"symmetric", "diagonal", "lower triangular", "upper triangular"})


def show(node: Node, taken: Sequence[str], variable: Any = None, label: str = "", polish: bool = True,
         given: Sequence[tuple[Symbol, Expression]] = ()) -> Expression:  # fmt: skip
    """Return the expression of a derivative; its action on a direction of `variable` where it has no matrix notation.

    That is so for order 3 or 4, and for a few of order 2, such as the Jacobian of toeplitz(c) b. The direction has the
    variable's declared structure; the value is that of unconstrained directions.
    """
    axes = getattr(variable, "shape", ())
    if len(node.shape) <= 2 and len(axes) <= 2:
        try:
            return present(node, taken, polish, given)
        except NotSupportedError:
            if not axes:
                raise
    free = direction_of(variable, frozenset())
    tied = direction_of(variable, DIRECTION_FACTS)
    lead = len(node.shape) - len(free.shape)
    bodies = [
        present(act(node, leaf_of(d), lead), [*taken, d.name], polish, given) for d in dict.fromkeys((tied, free))
    ]
    return action(label, [tied, free], bodies)


def direction_of(variable: Any, keep: frozenset[str]) -> Symbol:
    """Return the symbol of a direction of a variable: dW for W."""
    if isinstance(variable, Symbol):
        return symbol(f"d{variable.name}", variable.shape, variable.facts & keep)
    return symbol(f"d{variable.name}", ())


@dataclass(frozen=True)
class Checked:
    """A derivative as it is shown and the report of its check."""

    expression: Expression
    report: CheckReport


def derivative_check(
    function: Expression, result: Expression, variable: Any, symbols: Mapping[str, Any], what: str,
    symmetric: bool = False, seed: int = 0, points: int = 1,
) -> CheckReport:  # fmt: skip
    """Return the report of `result` as the derivative of `function` by `variable`, against finite differences."""
    table = {**symbol_table(function), **symbol_table(result), variable.name: variable}
    direction = direction_of(variable, frozenset()).name
    table = {
        name: symbols.get(name, found)
        for name, found in table.items()
        if name != direction and not isinstance(found, Index)
    }
    value = prepare(function)
    item = Derivative(
        function=value, action=directional(result, variable), symbols=table, variable=variable.name,
        symmetric=symmetric, what=what,
    )  # fmt: skip
    return check(item, seed=seed, points=points)


def directional(result: Expression, variable: Any) -> Any:
    """Return (values, sizes, direction) -> the derivative along a direction."""
    if isinstance(result, Action):
        free, body = result.args[-2], result.args[-1]
        assert isinstance(free, Symbol)
        along, name = prepare(body), free.name
        return lambda values, sizes, step: along({**values, name: step}, sizes)
    whole = prepare(result)

    def act_on(values: Mapping[str, Any], sizes: Mapping[str, int], step: Any) -> Any:
        found = np.asarray(whole(values, sizes), float)
        return np.tensordot(found, step, axes=np.ndim(step)) if np.ndim(step) else found * step

    return act_on


def confirm(report: CheckReport, result: Expression) -> None:
    """Refuse a result that its own check contradicts."""
    if report.passed is False:
        raise InternalError(
            f"the {report.what} {result} failed its own check and is not shown: {report.counterexample}. "
            "Please report this with the objective."
        )


def free_entries(gradient: Node) -> Node:
    """Return the derivative along the free entries of a symmetric variable: G + Gᵀ − G ⊙ I."""
    sizes = {0: gradient.shape[0], 1: gradient.shape[1]}
    flipped = ein(1, [(gradient, (1, 0))], (0, 1), sizes)
    diagonal = ein(1, [(gradient, (0, 0))], (0, 0), {0: gradient.shape[0]})
    return total([gradient, flipped, times(-1, diagonal)], gradient.shape)


def as_sympy_scalar(e: Expression) -> sp.Expr:
    """Return the SymPy form of a scalar expression."""
    return e.to_sympy()


def inner(gradient: Expression, direction: Symbol) -> Expression:
    """Return the differential: the gradient times its direction, summed."""
    if gradient.shape == ():
        return multiply_any(gradient, direction)
    if len(gradient.shape) == 1:
        return multiply_any(transpose(gradient), direction)
    return call("trace", multiply_any(transpose(gradient), direction))


def sympy_matrix(rows: list[list[Expression]]) -> Any:
    """Return scalar expressions as a SymPy matrix."""
    if not all(isinstance(e, Scalar) for row in rows for e in row):
        names = [str(e) for row in rows for e in row if not isinstance(e, Scalar)]
        raise NotSupportedError(f"{names[0]} is no SymPy scalar: ask for one variable at a time")
    return sp.Matrix([[e.to_sympy() for e in row] for row in rows])
