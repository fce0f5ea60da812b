"""The state of a translation from expressions to the graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import sympy as sp

from symml.codegen.chains import Orders
from symml.codegen.graph import Graph, Node
from symml.codegen.numpy_rows import FunctionRow
from symml.language.expressions import Expression, Shape


@dataclass
class Translation:
    """The state of one translation: the graph, the nodes found so far and what the whole function shares."""

    graph: Graph
    orders: Orders
    rows: Mapping[str, FunctionRow]
    common: dict[sp.Expr, sp.Expr] = field(default_factory=dict)
    operands: dict[sp.Symbol, Node] = field(default_factory=dict)
    parts: dict[Expression, tuple[Expression, ...]] = field(default_factory=dict)
    nodes: dict[Expression, Node] = field(default_factory=dict)

    def scalar(self, value: sp.Expr) -> Node:
        """Return a SymPy scalar, written with the common subexpressions of all scalars."""
        return self.graph.scalar(self.common.get(value, value), self.operands)


def array_shape(shape: Shape) -> Shape:
    """Return the shape of the array that holds an expression: a row is stored as a vector."""
    return shape[1:] if len(shape) == 2 and shape[0] == 1 else shape
