"""Gradients on batches of rows, for objectives that are a sum or a mean over rows plus terms without rows.

The batch gradient is scaled so that its mean over batches is the full gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from symml.calculus.construct import total
from symml.calculus.nodes import Ein, Leaf, Node, Sum, walk
from symml.calculus.reverse import derivative
from symml.codegen.interpreter import prepare
from symml.errors import NotSupportedError
from symml.fitting.problem import Problem
from symml.forms.raising import raise_
from symml.language.expressions import Symbol
from symml.language.names import canonical

Batch = Callable[[Any, Any], Any]
PARTS = ("sum", "mean", "rest")


def batched(problem: Problem) -> tuple[int, Batch]:
    """Return the number of rows, and (theta, rows chosen) -> estimate of the gradient.

    Raises
    ------
    NotSupportedError
        If the objective is not a sum or a mean over rows.
    """
    rows = _rows_dimension(problem)
    derivation = problem.plan.derivation
    leaves = [derivation._leaf(v) for v in derivation.wrt]
    parts = _split(derivation._node, rows, frozenset(leaves))
    functions = {
        part: [prepare(raise_(derivative(node, leaf), False)) for leaf in leaves] for part, node in parts.items()
    }
    axes = {
        name: [k for k, d in enumerate(found.shape) if str(d) == rows]
        for name, found in problem.table.items() if isinstance(found, Symbol) and name in problem.bound.values
    }  # fmt: skip
    count = problem.bound.sizes[canonical(rows)]

    def gradient(theta: Any, chosen: Any) -> Any:
        values = {**problem.bound.values, **problem.parameters.expand(theta)}
        batch = {name: _taken(values[name], axes.get(name, ()), chosen) for name in values}
        sizes = {**problem.bound.sizes, canonical(rows): len(chosen)}
        scale = {"sum": count / len(chosen), "mean": 1.0, "rest": 1.0}
        return sum(scale[part] * _flat(found, batch, sizes, problem) for part, found in functions.items())

    return count, gradient


def _taken(value: Any, axes: Sequence[int], chosen: Any) -> Any:
    for axis in axes:
        value = np.take(value, chosen, axis=axis)
    return value


def _flat(functions: Sequence[Any], values: Mapping[str, Any], sizes: Mapping[str, int], problem: Problem) -> Any:
    found = [np.asarray(run(values, sizes), float).reshape(-1) for run in functions]
    return np.concatenate([b.reduce(f, 0) for b, f in zip(problem.parameters.blocks, found, strict=True)])


def _rows_dimension(problem: Problem) -> str:
    dims = {str(d) for s in problem.parameters.symbols for d in getattr(s, "shape", ())}
    for name, found in problem.table.items():
        shape = getattr(found, "shape", ())
        if shape and name in problem.bound.values and not isinstance(shape[0], int) and str(shape[0]) not in dims:
            return str(shape[0])
    raise NotSupportedError("sgd needs data with rows; the objective has none. Use method='gd'.")


def _split(node: Node, rows: str, moving: frozenset[Leaf]) -> dict[str, Node]:
    """Return the sums over rows, the means over rows, and the rest."""
    found: dict[str, list[Node]] = {}
    for term in node.terms if isinstance(node, Sum) else (node,):
        if term.leaves & moving:
            found.setdefault(_kind(term, rows), []).append(term)
    return {part: total(found[part], ()) for part in PARTS if part in found}


def _kind(term: Node, rows: str) -> str:
    if not any(_has(leaf, rows) for leaf in term.leaves):
        return "rest"
    problem = f"sgd needs a sum or a mean over the {rows} rows; this term is not one: {raise_(term)}"
    if not isinstance(term, Ein):
        raise NotSupportedError(problem)
    summed = [i for i, size in enumerate(term.sizes) if i not in term.out and str(size) == rows]
    inner = any(_sums_inside(part, rows) for f, _ in term.factors for part in walk(f))
    explicit = [f for f, idx in term.factors if not idx and any(leaf.name == rows for leaf in f.leaves)]
    over = [f for f in explicit if getattr(f, "op", "") == "pow" and f.param == -1]  # type: ignore[attr-defined]
    if len(summed) != 1 or inner or len(explicit) != len(over) or len(over) > 1:
        raise NotSupportedError(problem)
    return "mean" if over else "sum"


def _has(leaf: Leaf, rows: str) -> bool:
    return leaf.name == rows or any(str(d) == rows for d in leaf.shape)


def _sums_inside(node: Node, rows: str) -> bool:
    return isinstance(node, Ein) and any(i not in node.out and str(size) == rows for i, size in enumerate(node.sizes))
