"""The graph that code is written from: operations on NumPy arrays, each one once.

A node is an operation on other nodes; its shape is the shape of the array (a vector and a row are both one axis).
Equal operations are the same node, so that all outputs of a function share what they have in common.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from symml.language.expressions import Shape


@dataclass(frozen=True, eq=False)
class Node:
    """One operation: its name, operands, constants, the shape of the array and a number in order of creation."""

    op: str
    args: tuple[Node, ...]
    attrs: tuple[Any, ...]
    shape: Shape
    number: int

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __repr__(self) -> str:
        return f"{self.op}{self.number}({', '.join(str(a.number) for a in self.args)}; {self.attrs})"


@dataclass(eq=False)
class Graph:
    """All nodes made so far, found by what they do."""

    table: dict[tuple[Any, ...], Node] = field(default_factory=dict)

    def find(self, op: str, args: tuple[Node, ...], attrs: tuple[Any, ...], shape: Shape) -> Node | None:
        """Return the node of this operation if it has been made."""
        return self.table.get((op, args, attrs, tuple(shape)))

    def make(self, op: str, args: tuple[Node, ...], attrs: tuple[Any, ...], shape: Shape) -> Node:
        """Return the one node of this operation."""
        key = (op, args, attrs, tuple(shape))
        found = self.table.get(key)
        if found is None:
            found = self.table[key] = Node(op, args, attrs, tuple(shape), len(self.table))
        return found

    def argument(self, name: str, shape: Shape = ()) -> Node:
        """Return an argument of the function, or a dimension, by its Python name."""
        return self.make("argument", (), (name,), shape)

    def scalar(self, value: Any, operands: dict[sp.Symbol, Node] | None = None) -> Node:
        """Return a SymPy scalar; its symbols are arguments or the given nodes."""
        value = sp.sympify(value)
        symbols = tuple(sorted(value.free_symbols, key=lambda s: (s.name, str(s.assumptions0))))
        given = operands or {}
        nodes = tuple(given[s] if s in given else self.argument(s.name) for s in symbols)
        if value.is_Symbol:
            return nodes[0]
        return self.make("scalar", nodes, (value, symbols), ())


def postorder(roots: Iterable[Node]) -> list[Node]:
    """Return every node below the roots, operands first."""
    seen: set[Node] = set()
    order: list[Node] = []
    stack = [(r, False) for r in reversed(list(roots))]
    while stack:
        node, done = stack.pop()
        if done:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((a, False) for a in reversed(node.args) if a not in seen)
    return order


def depends(body: Node, variable: Node) -> set[Node]:
    """Return the nodes below `body` that depend on `variable`."""
    found: set[Node] = set()
    for node in postorder([body]):
        if node is variable or any(a in found for a in node.args):
            found.add(node)
    return found


def scoped(g: Graph, op: str, variable: Node, body: Node, attrs: tuple[object, ...], shape: Shape) -> Node:
    """Return a node whose body runs for each value of `variable`; its operands are what the body takes from outside."""
    inside = depends(body, variable)
    outside = [a for node in postorder([body]) if node in inside for a in node.args if a not in inside]
    if body not in inside:
        outside = [body]
    return g.make(op, tuple(dict.fromkeys(outside)), (variable, body, *attrs), shape)
