"""Trees rebuilt through the constructors: substitution of nodes and of SymPy symbols."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from symml.language.expressions import (
    Add,
    Apply,
    Call,
    ElemPow,
    Expression,
    Hadamard,
    Mul,
    Pow,
    Transpose,
    make,
    postorder,
)  # fmt: skip
from symml.language.leaves import scalar
from symml.language.products import (
    apply_lambda,
    call,
    elementwise_power,
    elementwise_product,
    multiply_any,
    power,
    transpose,
)
from symml.language.sums import add


def substitute(e: Expression, replacements: dict[Expression, Expression]) -> Expression:
    """Return `e` with nodes replaced, rebuilt through the constructors."""
    done: dict[Expression, Expression] = dict(replacements)
    for node in postorder(e):
        if node not in done:
            children = tuple(done[a] for a in node.args)
            done[node] = node if children == node.args else rebuild(node, children)
    return done[e]


def rebuild(node: Expression, children: Sequence[Expression]) -> Expression:
    """Return a node of the same kind with other children."""
    builder = _BUILDERS.get(type(node))
    return builder(node, children) if builder else make(type(node), tuple(children), node.fields, node.shape)


_BUILDERS: dict[type[Expression], Any] = {
    Add: lambda node, c: add(*c),
    Mul: lambda node, c: multiply_any(scalar(node.coefficient), *c),
    Hadamard: lambda node, c: elementwise_product(*c),
    ElemPow: lambda node, c: elementwise_power(c[0], scalar(node.exponent)),
    Pow: lambda node, c: power(c[0], scalar(node.exponent)),
    Transpose: lambda node, c: transpose(c[0]),
    Call: lambda node, c: call(node.function, *c),
    Apply: lambda node, c: apply_lambda(node.function, c[0]),
}


def replace_scalars(e: Expression, changed: dict[Any, Any]) -> Expression:
    """Return `e` with SymPy symbols (scalars and dimensions) replaced, in shapes too."""
    done: dict[Expression, Expression] = {}

    def swap(value: Any) -> Any:
        return value.xreplace(changed) if isinstance(value, sp.Basic) else value

    for node in postorder(e):
        fields = tuple(swap(f) for f in node.fields)
        shape = tuple(swap(d) for d in node.shape)
        done[node] = make(type(node), tuple(done[a] for a in node.args), fields, shape)
    return done[e]
