"""The generated function of a derivation as a function of one flat vector of parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp

from symml.codegen.interpreter import prepare
from symml.codegen.lambdify import lambdify
from symml.errors import NotSupportedError
from symml.fitting.binding import Bound
from symml.fitting.parameters import Parameters
from symml.language.expressions import Expression
from symml.language.symbols import is_dimension
from symml.language.tables import symbol_table

if TYPE_CHECKING:
    from symml.derivation.derivation import Derivation

Generated = Callable[[Mapping[str, Any], Mapping[str, int]], tuple[Any, ...]]


def generate(derivation: Derivation, order: int) -> Generated:
    """Return values by name -> value, gradients and, for order 2, Hessian blocks, all from one generated function."""
    outputs = [derivation.objective, *(derivation._result("gradient", v) for v in derivation.wrt)]
    if order == 2:
        outputs += [derivation._result("hessian", a, b) for a, b in pairs(derivation.wrt)]
    arguments = _arguments(derivation, outputs)
    try:
        function = lambdify(arguments, *outputs)
    except NotSupportedError:
        runs = [prepare(e) for e in outputs]
        return lambda values, sizes: tuple(run(values, sizes) for run in runs)
    names = function.arguments

    def run(values: Mapping[str, Any], sizes: Mapping[str, int]) -> tuple[Any, ...]:
        found = function(**{k: values[k] if k in values else sizes[k] for k in names if k in values or k in sizes})
        return found if isinstance(found, tuple) else (found,)

    return run


def pairs(wrt: Sequence[Any]) -> list[tuple[Any, Any]]:
    """Return the blocks of the lower triangle of the Hessian; the others are their transposes."""
    return [(a, b) for k, a in enumerate(wrt) for b in wrt[: k + 1]]


def _arguments(derivation: Derivation, outputs: Sequence[Expression]) -> list[Any]:
    table: dict[str, Any] = {}
    for e in outputs:
        table.update(symbol_table(e))
    order = list(derivation.source.symbols)
    names = sorted(table, key=lambda name: (order.index(name) if name in order else len(order), name))
    return [table[n] for n in names if not (isinstance(table[n], sp.Symbol) and is_dimension(table[n]))]


def joint(run: Generated, parameters: Parameters, bound: Bound) -> Callable[[Any], tuple[float, Any, Any]]:
    """Return theta -> value, gradient, Hessian along the free entries; zeros for a Hessian that was not generated."""
    blocks = parameters.blocks
    sizes = bound.sizes

    def evaluate(theta: Any) -> tuple[float, Any, Any]:
        found = run({**bound.values, **parameters.expand(theta)}, sizes)
        flat = [np.asarray(g, float).reshape(-1) for g in found[1 : 1 + len(blocks)]]
        gradient = np.concatenate([b.reduce(g, 0) for b, g in zip(blocks, flat, strict=True)])
        return float(found[0]), gradient, _hessian(found[1 + len(blocks) :], parameters)

    return evaluate


def _hessian(found: Sequence[Any], parameters: Parameters) -> Any:
    whole = np.zeros((parameters.size, parameters.size))
    for value, (a, b) in zip(found, pairs(parameters.blocks), strict=False):
        rows, columns = (int(np.prod(x.shape, dtype=int)) for x in (a, b))
        part = b.reduce(a.reduce(np.asarray(value, float).reshape(rows, columns), 0), 1)
        whole[a.start : a.stop, b.start : b.stop] = part
        if a is not b:
            whole[b.start : b.stop, a.start : a.stop] = part.T
    return whole
