"""Shapes of syntax: one rule a head, run over the nodes of a text in the order they were made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from symml.notation.inference import Equations, Sizes, Unknown
from symml.notation.tree import Syntax

Resolve = Callable[[Syntax], Sizes]


class Shapes:
    """Shapes of the nodes of one text under one assumption about its undeclared names.

    Attributes
    ----------
    known : dict
        Shape of each node, by its place.
    free : dict
        The unknown size of each bare `I` and `𝟏` by place, and of each bound index by its number.
    """

    def __init__(self, resolve: Resolve) -> None:
        self.resolve = resolve
        self.equations = Equations()
        self.known: dict[int, Sizes] = {}
        self.free: dict[Any, Unknown] = {}

    def run(self, nodes: Sequence[Syntax]) -> None:
        """Find the shape of each node; parts come before wholes."""
        for node in nodes:
            rule = _RULES.get(node.head)
            self.known[node.place] = (
                rule(self, node, [self.known.get(a.place) for a in node.args]) if rule else self.resolve(node)
            )

    def index(self, serial: Any) -> Unknown:
        """Return the unknown size a bound index runs over."""
        return self.free.setdefault(("index", serial), Unknown())


Rule = Callable[[Shapes, Syntax, list[Sizes]], Sizes]


def _first(_: Shapes, __: Syntax, args: list[Sizes]) -> Sizes:
    return args[0]


def _scalar(_: Shapes, __: Syntax, ___: list[Sizes]) -> Sizes:
    return ()


def _ones(shapes: Shapes, node: Syntax, _: list[Sizes]) -> Sizes:
    if node.args or node.value:
        return shapes.resolve(node)
    return (shapes.free.setdefault(node.place, Unknown()),)


def _eye(shapes: Shapes, node: Syntax, _: list[Sizes]) -> Sizes:
    if node.args:
        return shapes.resolve(node)
    size = shapes.free.setdefault(node.place, Unknown())
    return (size, size)


def _power(shapes: Shapes, node: Syntax, args: list[Sizes]) -> Sizes:
    if is_transpose(node) and shapes.resolve(node.args[1]) is None:
        return shapes.equations.transpose(args[0])
    return shapes.equations.square(args[0])


def is_transpose(node: Syntax) -> bool:
    """Whether a power is written with the exponent T, which means the transpose unless T is declared."""
    return node.args[1].head == "name" and node.args[1].value == "T"


def _product(shapes: Shapes, node: Syntax, args: list[Sizes]) -> Sizes:
    found = args[0]
    for operator, shape in zip(node.value, args[1:], strict=True):
        found = _OPERATORS[operator](shapes.equations, found, shape)
    return found


_OPERATORS: Mapping[str, Callable[[Equations, Sizes, Sizes], Sizes]] = {
    "times": lambda e, a, b: e.chain([a, b]),
    "over": lambda e, a, b: a,
    "hadamard": lambda e, a, b: e.together([a, b]),
    "quotient": lambda e, a, b: e.together([a, b]),
    "kron": lambda e, a, b: e.function("kron", [a, b]),
}


def _call(shapes: Shapes, node: Syntax, args: list[Sizes]) -> Sizes:
    if node.value == "einsum":
        return None
    return shapes.equations.function(node.value, args) if args else None


def _element(shapes: Shapes, node: Syntax, args: list[Sizes]) -> Sizes:
    base, *positions = args
    if base is None or len(positions) > len(base):
        return None
    kept = []
    for axis, size in enumerate(base):
        part = node.args[axis + 1] if axis < len(positions) else None
        if part is None or part.head == "all":
            kept.append(size)
        elif part.head == "index":
            shapes.equations.equal(shapes.index(part.value), size)
    return tuple(kept)


def _bound_sum(shapes: Shapes, node: Syntax, args: list[Sizes]) -> Sizes:
    size = shapes.index(node.value)
    if len(args) == 2:
        shapes.equations.equal(size, (shapes.resolve(node) or (size,))[0])
    return args[-1] if args else ()


def _literal(_: Shapes, node: Syntax, __: list[Sizes]) -> Sizes:
    rows, columns = node.value, len(node.args) // node.value
    return ((rows,) if rows > 1 else ()) if columns == 1 else (rows, columns)


_RULES: Mapping[str, Rule] = {
    "number": _scalar, "index": _scalar, "variable": _scalar, "fraction": _scalar, "string": _scalar, "all": _scalar,
    "group": _first, "neg": _first, "elementwise_power": lambda s, n, a: s.equations.together(a),
    "ones": _ones, "eye": _eye, "power": _power, "product": _product, "call": _call, "element": _element,
    "sum": lambda s, n, a: s.equations.together(a), "indicator": lambda s, n, a: s.equations.together(a),
    "juxtaposition": lambda s, n, a: s.equations.chain(a), "transpose": lambda s, n, a: s.equations.transpose(a[0]),
    "bound_sum": _bound_sum, "literal": _literal, "apply": lambda s, n, a: a[-1] if a else (),
}  # fmt: skip
