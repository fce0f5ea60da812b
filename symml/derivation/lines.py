"""Differentials as people write them: the direction at the end of each term."""

from __future__ import annotations

from collections.abc import Collection

from symml.calculus.nodes import Node, Sum
from symml.forms.flipping import flip
from symml.forms.raising import Raising
from symml.language.expressions import Call, Expression, Mul, Symbol, Transpose
from symml.language.operators import add, call, multiply_any, scalar


def line(node: Node, moving: Collection[Symbol]) -> Expression:
    """Return a differential term by term, each with its direction last."""
    if isinstance(node, Sum) and node.shape == ():
        raising = Raising()
        return add(*(_turned(raising.run(t), moving) for t in node.terms))
    return _turned(Raising().run(node), moving)


def _turned(e: Expression, moving: Collection[Symbol]) -> Expression:
    """A trace or a product with the direction at its end: tr(A dX B) → tr(B A dX), dxᵀ a → aᵀ dx."""
    coefficient, scalars, chain = (e.coefficient, list(e.args), []) if isinstance(e, Mul) and e.shape == () else (1, [e], [])
    if isinstance(e, Mul) and e.shape == ():
        chain = [a for a in e.args if a.shape != ()]
        scalars = [a for a in e.args if a.shape == ()]
    if chain and isinstance(chain[0], Transpose) and chain[0].args[0] in moving:
        return multiply_any(scalar(coefficient), *scalars, *(flip(a) for a in reversed(chain)))
    turned = [_rotated(s, moving) for s in scalars]
    return multiply_any(scalar(coefficient), *turned, *chain)


def _rotated(e: Expression, moving: Collection[Symbol]) -> Expression:
    if not (isinstance(e, Call) and e.function == "trace" and isinstance(e.args[0], Mul)):
        return e
    chain = list(e.args[0].args)
    arrays = [a for a in chain if a.shape != ()]
    places = [k for k, a in enumerate(arrays) if a in moving]
    if len(places) != 1:
        return e
    k = places[0]
    front = [a for a in chain if a.shape == ()]
    product = multiply_any(scalar(e.args[0].coefficient), *front, *arrays[k + 1 :], *arrays[: k + 1])
    return call("trace", product) if product.shape != () else product
