"""From the index form to the matrix language.

Raising never guesses: what has no matrix notation becomes an index formula (`Einstein`), what has order 3 or 4 becomes
its action on a direction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import sympy as sp

from symml.calculus.construct import ein, is_symmetric, total
from symml.calculus.nodes import Apply, Const, Ein, Leaf, Node, Sum, walk
from symml.errors import NotSupportedError
from symml.forms.graph import Graph, reduce
from symml.forms.kronecker import raise_fused
from symml.forms.polishing.sums import combine
from symml.forms.slicing import batch_index, fresh_index, is_unit, picked, sliced
from symml.language.expressions import Action, BoundSum, Call, Einstein, Element, Expression, Mul, Scalar, Symbol, make
from symml.language.function import functions
from symml.language.operators import (
    add,
    apply_lambda,
    as_expression,
    call,
    elementwise_power,
    eye,
    multiply_any,
    ones,
    power,
    scalar,
    zeros,
)  # fmt: skip

LETTERS = "ijklmnpqrstuvw"


def raise_(node: Node, polish: bool = True) -> Expression:
    """Return the matrix-language form of a node of order at most 2."""
    return Raising(polish).run(node)


class Raising:
    """One raising: remembers what every node became and which results are symmetric."""

    def __init__(self, polish: bool = True) -> None:
        self.polish = polish
        self.done: dict[Node, Expression] = {}
        self.symmetric: set[Expression] = set()

    def run(self, node: Node) -> Expression:
        """Return the expression of a node."""
        for part in _readable(node):
            if part not in self.done:
                self.done[part] = self._one(part)
                if len(part.shape) == 2 and is_symmetric(part):
                    self.symmetric.add(self.done[part])
        if node not in self.done:
            raise NotSupportedError(f"an array of {len(node.shape)} axes has no matrix notation")
        return self.done[node]

    def _one(self, node: Node) -> Expression:
        if isinstance(node, Leaf):
            return _leaf(node)
        if isinstance(node, Const):
            return scalar(sp.Rational(node.value.numerator, node.value.denominator))
        if isinstance(node, Sum):
            numbers = _broadcast_numbers(node)
            if numbers:
                return multiply_any(self.run(total(numbers, ())), ones(*node.shape))
            terms = [self._get(t) for t in node.terms]
            return combine(terms) if self.polish else add(*terms)
        if isinstance(node, Ein):
            return self._product(node)
        assert isinstance(node, Apply)
        if node.op == "fuse":
            return raise_fused(node, self.run)
        args = [self._get(c) for c in node.children]
        if node.op in _PRIMITIVES:
            return _PRIMITIVES[node.op](node, args)
        if node.op not in functions():
            raise NotSupportedError(f"{_OPERATIONS.get(node.op, node.op)} has no matrix notation")
        return call(node.op, *args)

    def _get(self, node: Node) -> Expression:
        if node not in self.done:
            return self.run(node)
        return self.done[node]

    def _product(self, node: Ein) -> Expression:
        coefficient = scalar(sp.Rational(node.coefficient.numerator, node.coefficient.denominator))
        if node.coefficient == 0:
            return zeros(*node.shape)
        if any(is_unit(f) for f, _ in node.factors):
            found = self._picked(node)
            if found is not None:
                return found
        large = any(len(f.shape) > 2 for f, _ in node.factors)
        if large and any(len(leaf.shape) > 2 for leaf in node.leaves):
            return self._sum_of_slices(node)
        spread = _distributed(node) if large else None
        if spread is not None:
            return self.run(spread)
        graph = Graph(node.sizes, node.out, self.symmetric)
        graph.scalars.append(coefficient)
        for place, (factor, idx) in enumerate(node.factors):
            value = self._get(factor)
            if not idx:
                graph.scalars.append(value)
            elif len(idx) == 1:
                graph.add_weight(idx[0], place, value)
            elif idx[0] == idx[1]:
                graph.add_weight(idx[0], place, call("diag", value))
            else:
                graph.add_edge(value, idx[0], idx[1], place)
        found = reduce(graph)
        return found if found is not None else self._formula(node)

    def _picked(self, node: Ein) -> Expression | None:
        """An entry, row or column where a unit vector picks it; None where slices do not pass."""
        try:
            found = picked(node)
        except NotSupportedError:
            return None
        return None if found is None else self.run(found)

    def _sum_of_slices(self, node: Ein) -> Expression:
        """Data of order 3: a sum over one index of products of slices."""
        index = batch_index(node)
        if index is None:
            return self._formula(node)
        place = fresh_index(node, node.sizes[index])
        body = self.run(sliced(node, index, place))
        value = sp.Rational(node.coefficient.numerator, node.coefficient.denominator)
        return multiply_any(scalar(value), make(BoundSum, (place, body), (), body.shape))

    def _formula(self, node: Ein) -> Expression:
        """An index formula: no matrix notation exists for this product."""
        if any(len(f.shape) > 2 for f, _ in node.factors) or len(node.sizes) > len(LETTERS):
            raise NotSupportedError("a product of arrays of order 3 or more has no matrix notation")
        words = ["".join(LETTERS[i] for i in idx) for _, idx in node.factors]
        parts = [self._get(f) for f, _ in node.factors]
        out = "".join(LETTERS[o] for o in node.out)
        lost = [o for o in node.out if not any(o in idx for _, idx in node.factors)]
        for o in dict.fromkeys(lost):
            words.append(LETTERS[o])
            parts.append(ones(node.sizes[o]))
        formula = make(Einstein, tuple(parts), (tuple(words), out), node.shape)
        return multiply_any(sp.Rational(node.coefficient.numerator, node.coefficient.denominator), formula)


def _broadcast_numbers(node: Sum) -> list[Node]:
    """The scalars c, d of a sum c 𝟏 + d 𝟏; empty for any other sum."""
    found = []
    for t in node.terms if node.shape else ():
        if not isinstance(t, Ein) or len(set(t.out)) < len(t.out):
            return []
        if any(i in t.out for _, idx in t.factors for i in idx):
            return []
        found.append(ein(t.coefficient, t.factors, (), {i: d for i, d in enumerate(t.sizes) if i not in t.out}))
    return found


def _readable(node: Node) -> Iterator[Node]:
    """Nodes below a node that are raised one by one, children first: those of order at most 2."""
    for part in walk(node):
        if len(part.shape) <= 2:
            yield part


def _leaf(node: Leaf) -> Expression:
    payload = node.payload
    if isinstance(payload, (Expression, sp.Basic)):
        return as_expression(payload)
    if isinstance(payload, tuple) and payload[0] == "unit":
        _, size, place = payload
        return make(Element, (eye(size),), ((None, place),), (size,))
    raise NotSupportedError(f"{payload} has no matrix notation")


def _distributed(node: Ein) -> Node | None:
    """The product spread over a factor of order 3 or more that is a sum; None when there is none."""
    for k, (factor, idx) in enumerate(node.factors):
        base, repeats = (factor.children[0], 2) if _is_square(factor) else (factor, 1)
        if len(factor.shape) > 2 and isinstance(base, Sum):
            sizes = dict(enumerate(node.sizes))
            rest = [f for m, f in enumerate(node.factors) if m != k] + [(base, idx)] * (repeats - 1)
            return total([ein(node.coefficient, [*rest, (t, idx)], node.out, sizes) for t in base.terms], node.shape)
    return None


def _is_square(node: Node) -> bool:
    return isinstance(node, Apply) and node.op == "pow" and node.param == 2


def _map(node: Apply, args: list[Expression]) -> Expression:
    if isinstance(node.param, sp.Lambda):
        return apply_lambda(node.param, args[0])
    (x,) = args
    found = _as_power(x) if node.param == "exp" else None
    return call(node.param, x) if found is None else found


def _as_power(x: Expression) -> Expression | None:
    """x^a for exp(a log x)."""
    if isinstance(x, Mul) and len(x.args) == 1:
        (inner,) = x.args
        if isinstance(inner, Call) and inner.function == "log":
            return elementwise_power(inner.args[0], scalar(x.coefficient))
    if isinstance(x, Scalar) and x.value.is_Mul:
        logarithms = [f for f in x.value.args if isinstance(f, sp.log)]
        if len(logarithms) == 1:
            return scalar(logarithms[0].args[0] ** (x.value / logarithms[0]))
    return None


def _power(node: Apply, args: list[Expression]) -> Expression:
    q = sp.Rational(node.param.numerator, node.param.denominator)
    (x,) = args
    if abs(q) == sp.S.Half and x.shape != ():
        root = call("sqrt", x)
        return root if q > 0 else elementwise_power(root, -1)
    return power(x, scalar(q)) if x.shape == () else elementwise_power(x, scalar(q))


_OPERATIONS = {
    "split": "a vector taken apart into a matrix",
}
_PRIMITIVES: dict[str, Callable[[Apply, list[Expression]], Expression]] = {
    "map": _map,
    "pow": _power,
    "inv": lambda node, args: power(args[0], -1),
    "frechet": lambda node, args: call(f"{node.param}_frechet", *args),
    "lse": lambda node, args: call("logsumexp", args[0]),
}


def act(node: Node, direction: Node, lead: int) -> Node:
    """Return Σ node[F, axes] direction[axes]: the action of a derivative on a direction."""
    order = len(node.shape)
    sizes = dict(enumerate(node.shape))
    return ein(1, [(node, tuple(range(order))), (direction, tuple(range(lead, order)))], tuple(range(lead)), sizes)


def action(label: str, directions: Sequence[Symbol], bodies: Sequence[Expression]) -> Expression:
    """Return label[direction] = body.

    Two directions and bodies are given when the variable is structured: the first pair is printed, for directions with
    the variable's structure; the last pair gives the value, for unconstrained ones.
    """
    pairs = [x for pair in zip(directions, bodies, strict=False) for x in pair]
    shape: tuple[Any, ...] = (*(d for d in bodies[0].shape if d != 1), *directions[0].shape)
    return make(Action, tuple(pairs), (label,), shape)
