"""Which `I`, `𝟏` and bound indices need their size spelled out, because nothing around them shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import sympy as sp

from symml.language.expressions import (
    Action,
    Add,
    Apply,
    BoundSum,
    Call,
    Einstein,
    Element,
    ElemPow,
    Expression,
    Eye,
    Hadamard,
    Index,
    Indicator,
    Mul,
    Ones,
    Pow,
    Scalar,
    Symbol,
    Transpose,
    Where,
)
from symml.language.symbols import is_dimension
from symml.notation.inference import Equations, Sizes, Unknown, find


def needs_size(order: list[Expression]) -> set[Expression]:
    """Return the nodes to be printed with a size; `order` is the postorder of the expression."""
    if not any(isinstance(n, (Eye, BoundSum)) or (isinstance(n, Ones) and len(n.shape) == 1) for n in order):
        return set()
    root = order[-1]
    state = _State()
    bound = Counter(node.args[0] for node in order if isinstance(node, BoundSum))
    state.shared = {index for index, count in bound.items() if count > 1}
    for node in order:
        if isinstance(node, Where):
            for name in node.names:
                state.known.setdefault(name, tuple(Unknown() for _ in name.shape))
    for node in order:
        if _open(node.args[0] if isinstance(node, Transpose) else node):
            continue
        rule = _RULES.get(type(node))
        if rule is not None:
            state.known[node] = rule(state, node, [state.of(a) for a in node.args])
        elif node not in state.known:
            state.known[node] = node.shape
    last = state.of(root)
    found = {leaf for leaf, size in state.open if isinstance(find(size), Unknown)}
    if found and last is not None and len(_dimensions(order)) == 1:
        for a, b in zip(last, root.shape, strict=True):
            state.equations.equal(a, b)
        found = {leaf for leaf, size in state.open if isinstance(find(size), Unknown)}
    return found


def _open(node: Expression) -> bool:
    return isinstance(node, Eye) or (isinstance(node, Ones) and len(node.shape) == 1)


def _dimensions(order: list[Expression]) -> set[Any]:
    sizes: set[Any] = set()
    for node in order:
        for d in node.shape:
            sizes |= {d} if isinstance(d, int) else d.free_symbols
        for value in node.fields[:1] if isinstance(node, (Scalar, Mul)) else ():
            sizes |= {s for s in value.free_symbols if isinstance(s, sp.Symbol) and is_dimension(s)}
    return {d for d in sizes if not (isinstance(d, int) and d == 1)}


class _State:
    def __init__(self) -> None:
        self.equations = Equations()
        self.known: dict[Expression, Sizes] = {}
        self.open: list[tuple[Expression, Unknown]] = []
        self.indices: dict[Expression, Unknown] = {}
        self.shared: set[Expression] = set()  # bound by several sums: what one shows says nothing about another

    def of(self, node: Expression) -> Sizes:
        """Shape of a child; each place where `I`, `𝟏` or `𝟏ᵀ` stands has an unknown of its own."""
        inner = node.args[0] if isinstance(node, Transpose) else node
        if not _open(inner):
            return self.known[node]
        size = Unknown()
        self.open.append((inner, size))
        if isinstance(inner, Eye):
            return (size, size)
        return (size,) if inner is node else (1, size)

    def index(self, node: Expression) -> Unknown:
        if node not in self.indices:
            self.indices[node] = Unknown()
            self.open.append((node, self.indices[node]))
        return self.indices[node]


Rule = Callable[[_State, Any, list[Sizes]], Sizes]


def _element(state: _State, node: Element, args: list[Sizes]) -> Sizes:
    base, used = args[0], iter(node.args[1:])
    kept = []
    for axis, position in enumerate(node.positions):
        size = base[axis] if base is not None else node.args[0].shape[axis]
        if position is None:
            kept.append(size)
        elif position == "index":
            index = next(used)
            if index not in state.shared or not isinstance(find(size), Unknown):
                state.equations.equal(state.index(index), size)
    return tuple(kept)


def _bound_sum(state: _State, node: BoundSum, args: list[Sizes]) -> Sizes:
    state.index(node.args[0])
    return args[1]


def _where(state: _State, node: Where, args: list[Sizes]) -> Sizes:
    for name, value in zip(node.names, args[1:], strict=True):
        own = state.known[name]
        if own is not None and value is not None:
            for a, b in zip(own, value, strict=True):
                state.equations.equal(a, b)
    return args[0]


def _action(state: _State, node: Action, args: list[Sizes]) -> Sizes:
    body, direction = args[1], args[0]
    return None if body is None or direction is None else (*body, *direction)


_RULES: Mapping[type[Expression], Rule] = {
    Add: lambda s, n, a: s.equations.together(a),
    Hadamard: lambda s, n, a: s.equations.together(a),
    Indicator: lambda s, n, a: s.equations.together(a),
    Mul: lambda s, n, a: s.equations.chain(a),
    Pow: lambda s, n, a: s.equations.square(a[0]),
    ElemPow: lambda s, n, a: a[0],
    Apply: lambda s, n, a: a[0],
    Transpose: lambda s, n, a: s.equations.transpose(a[0]),
    Call: lambda s, n, a: s.equations.function(n.function, a),
    Einstein: lambda s, n, a: n.shape,
    Element: _element,
    BoundSum: _bound_sum,
    Where: _where,
    Action: _action,
    Index: lambda s, n, a: (),
    Symbol: lambda s, n, a: s.known.get(n, n.shape),
}
