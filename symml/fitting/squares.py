"""Least-squares structure of an objective, read off its index form: a sum of c · Σ weight · residual².

It does not matter how the square was written: ‖r‖², r'r, r'Ωr, sum(v .* r .^ 2), mean(...), a sum over an index.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from symml.calculus.construct import ein
from symml.calculus.nodes import Apply, Ein, Factor, Leaf, Node, Sum
from symml.calculus.reverse import derivative
from symml.codegen.interpreter import prepare
from symml.derivation.results import direction_of
from symml.errors import NotSupportedError
from symml.fitting.binding import Bound
from symml.fitting.parameters import Parameters
from symml.forms.lowering import leaf_of
from symml.forms.raising import act, raise_
from symml.language.expressions import Expression, Symbol

Run = Callable[[Mapping[str, Any], Mapping[str, int]], Any]

_prepared: weakref.WeakKeyDictionary[Node, Run] = weakref.WeakKeyDictionary()


@dataclass(frozen=True)
class Square:
    """One term of the objective: Σ weight · residual², or residual' weight residual.

    Attributes
    ----------
    residual : Node
        Holds the parameters.
    weight : Node
        Free of the parameters; of the residual's shape, or its square when `metric`.
    metric : bool
    jacobians : tuple of Node
        ∂ residual / ∂ parameter, one for each; order = axes of the residual, then of the parameter.
    affine : bool
        Whether every Jacobian is free of the parameters.
    """

    residual: Node
    weight: Node
    metric: bool
    jacobians: tuple[Node, ...]
    affine: bool


def squares_of(node: Node, leaves: Sequence[Leaf]) -> tuple[Square, ...] | None:
    """Return the squares an objective is the sum of, up to a constant; None if it is something else."""
    moving = frozenset(leaves)
    found = []
    for term in node.terms if isinstance(node, Sum) else (node,):
        if not term.leaves & moving:
            continue
        square = _square(term, leaves, moving)
        if square is None:
            return None
        found.append(square)
    return tuple(found) or None


def _square(term: Node, leaves: Sequence[Leaf], moving: frozenset[Leaf]) -> Square | None:
    whole = term if isinstance(term, Ein) else ein(1, [(term, ())], (), {}) if term.shape == () else None
    if isinstance(whole, Apply):
        parts: tuple[Factor, ...] = ((whole, ()),)
        coefficient, sizes = Fraction(1), {}
    elif isinstance(whole, Ein) and whole.out == ():
        parts, coefficient, sizes = whole.factors, whole.coefficient, dict(enumerate(whole.sizes))
    else:
        return None
    inside = [(f, i) for f, i in parts if f.leaves & moving]
    others = [(f, i) for f, i in parts if not f.leaves & moving]
    core = _core(inside)
    if core is None or coefficient < 0:
        return None
    residual, axes, metric = core
    used = sorted({*axes, *(k for _, idx in others for k in idx)})
    weight = ein(coefficient, others, axes, {i: sizes[i] for i in used})
    jacobians = tuple(derivative(residual, leaf) for leaf in leaves)
    affine = not any(j.leaves & moving for j in jacobians)
    return Square(residual, weight, metric, jacobians, affine)


def _core(inside: Sequence[Factor]) -> tuple[Node, tuple[int, ...], bool] | None:
    """Return the residual, the indices of its weight, and whether the weight is a metric."""
    if len(inside) == 1:
        node, axes = inside[0]
        if isinstance(node, Apply) and node.op == "pow" and node.param == 2 and len(set(axes)) == len(axes):
            return node.children[0], axes, False
        return None
    if len(inside) == 2:
        (a, left), (b, right) = inside
        if a.digest == b.digest and len(left) == 1 and len(right) == 1 and left != right:
            return a, (*left, *right), True
    return None


# -- numbers ------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Rows:
    """Weighted rows of one square: √weight (jacobian, residual), and the common factor of the weights left out."""

    design: Any
    residual: Any
    factor: float = 1.0


def rows_of(square: Square, parameters: Parameters, bound: Bound, at: Mapping[str, Any], common: bool) -> Rows | None:
    """Return the rows of a square at a point, in extended precision; None when a weight is negative.

    Parameters
    ----------
    common : bool
        Whether one common factor in all weights may be left out, as it does not change the solution.
    """
    values, sizes = {**bound.values, **at}, bound.sizes
    residual = np.asarray(_evaluate(square.residual, values, sizes), float)
    blocks = [_columns(square, k, parameters, values, sizes) for k in range(len(parameters.blocks))]
    design = np.asarray(np.concatenate(blocks, axis=1), np.longdouble)
    flat = np.asarray(residual.reshape(-1), np.longdouble)
    weight = np.asarray(_evaluate(square.weight, values, sizes), float)
    if square.metric:
        return _in_metric(design, flat, weight)
    weights = np.broadcast_to(weight, residual.shape).reshape(-1)
    if np.any(weights < 0) or not np.all(np.isfinite(weights)):
        return None
    if common and len(weights) and np.all(weights == weights[0]) and weights[0] > 0:
        return Rows(design, flat, float(weights[0]))
    root = np.sqrt(np.asarray(weights, np.longdouble))
    return Rows(design * root[:, None], flat * root)


def _in_metric(design: Any, residual: Any, metric: Any) -> Rows | None:
    metric = (metric + metric.T) / 2
    try:
        root = np.asarray(np.linalg.cholesky(metric), np.longdouble).T
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(metric)
        if values[0] < -1e-12 * max(abs(values[-1]), 1e-300):
            return None
        root = np.asarray(np.sqrt(np.maximum(values, 0))[:, None] * vectors.T, np.longdouble)
    return Rows(root @ design, root @ residual)


def _columns(
    square: Square, k: int, parameters: Parameters, values: Mapping[str, Any], sizes: Mapping[str, int]
) -> Any:
    """Return the rows of the residual against the free entries of one parameter."""
    block, node = parameters.blocks[k], square.jacobians[k]
    count = int(np.prod(block.shape, dtype=int))
    if len(node.shape) <= 2:
        found = np.asarray(_evaluate(node, values, sizes), float).reshape(-1, count)
    else:
        direction = direction_of(parameters.symbols[k], frozenset())
        along = prepare(raise_(act(node, leaf_of(direction), len(square.residual.shape)), False))
        steps = np.eye(count).reshape(count, *block.shape)
        parts = [np.asarray(along({**values, direction.name: s}, sizes), float).reshape(-1) for s in steps]
        found = np.stack(parts, axis=1)
    return block.reduce(found, 1)


def _evaluate(node: Node, values: Mapping[str, Any], sizes: Mapping[str, int]) -> Any:
    run = _prepared.get(node)
    if run is None:
        run = _prepared[node] = prepare(expression_of(node))
    return run(values, sizes)


def expression_of(node: Node) -> Expression:
    """Return a node in the matrix language, as plainly as possible.

    Raises
    ------
    NotSupportedError
        If the node has no matrix form.
    """
    if len(node.shape) > 2:
        raise NotSupportedError("a residual with more than two axes is not fitted by least squares yet")
    return raise_(node, False)


def design_name(squares: Sequence[Square]) -> str:
    """Return the name of the design matrix when it is a declared one, else ``the design``."""
    for inner in (s.jacobians[0] for s in squares if len(s.jacobians) == 1):
        while isinstance(inner, Ein) and len(inner.factors) == 1 and set(inner.out) == set(inner.factors[0][1]):
            inner = inner.factors[0][0]
        if isinstance(inner, Leaf) and isinstance(inner.payload, Symbol) and len(inner.shape) == 2:
            return str(inner.payload)
    return "the design"
