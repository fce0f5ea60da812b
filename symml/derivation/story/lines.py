"""Differentials as people write them: the direction at the end of each term."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from symml.calculus.nodes import Node, Sum
from symml.calculus.reverse import derivative
from symml.forms.flipping import flip
from symml.forms.lowering import leaf_of
from symml.forms.raising import Raising
from symml.language.expressions import Call, ElemPow, Expression, Hadamard, Mul, Scalar, Symbol, Transpose, postorder
from symml.language.operators import add, call, elementwise_product, multiply_any, rebuild, scalar, transpose


def line(node: Node, moving: Collection[Symbol]) -> Expression:
    """Return a differential term by term, each with its direction last."""
    raising = Raising()
    if node.shape == ():
        return add(*(_term(t, raising, moving) for t in (node.terms if isinstance(node, Sum) else (node,))))
    return _turned(raising.run(node), moving)


def _term(node: Node, raising: Raising, moving: Collection[Symbol]) -> Expression:
    """A term of the differential of a number; a sum over entries as the product of a coefficient and the direction."""
    shown = raising.run(node)
    leaves = [leaf_of(s) for s in moving if leaf_of(s) in node.leaves]
    if not _sums_entries(shown, {s.name for s in moving}) or len(leaves) != 1 or len(leaves[0].shape) not in (1, 2):
        return _turned(shown, moving)
    product = multiply_any(flip(Raising().run(derivative(node, leaves[0]))), leaves[0].payload)
    if product.shape == () or not isinstance(product, Mul):
        return product if product.shape == () else call("trace", product)
    front = [a for a in product.args if a.shape == ()]
    arrays = multiply_any(*(a for a in product.args if a.shape != ()))
    return multiply_any(scalar(product.coefficient), *front, call("trace", arrays))


def _sums_entries(e: Expression, names: set[str]) -> bool:
    """Whether a term is the sum of the entries of a product that holds a direction."""
    calls = [a for a in (e.args if isinstance(e, Mul) else (e,)) if isinstance(a, Call) and a.function == "sum"]
    return any(not isinstance(c.args[0], Symbol) and _moves(c, names) for c in calls)


def _turned(e: Expression, moving: Collection[Symbol]) -> Expression:
    """An expression with every product in it turned: tr(A dX B) → tr(B A dX), (h ⊙ dr)ᵀ s → (h ⊙ s)ᵀ dr."""
    names = {s.name for s in moving}
    done: dict[Expression, Expression] = {}
    for node in postorder(e):
        children = [done[a] for a in node.args]
        found = rebuild(node, children) if tuple(children) != node.args else node
        turn = _TURN.get(type(found))
        done[node] = turn(found, names) if turn and _moves(found, names) else found
    return done[e]


def _moves(e: Expression, names: set[str]) -> bool:
    for node in postorder(e):
        if isinstance(node, Symbol) and node.name in names:
            return True
        if isinstance(node, Scalar) and any(s.name in names for s in node.value.free_symbols):
            return True
    return False


def _hadamard(e: Hadamard, names: set[str]) -> Expression:
    """What is divided by stays at the end."""
    below = [a for a in e.args if isinstance(a, ElemPow) and a.exponent.is_negative and not _moves(a, names)]
    above = [a for a in e.args if a not in below]
    return elementwise_product(*sorted(above, key=lambda a: _moves(a, names)), *below)


def _mul(e: Mul, names: set[str]) -> Expression:
    scalars = sorted((a for a in e.args if a.shape == ()), key=lambda a: _moves(a, names))
    chain = [a for a in e.args if a.shape != ()]
    if e.shape == ():
        places = [k for k, a in enumerate(chain) if _moves(a, names)]
        if places == [0] and len(chain) > 1:
            chain = [flip(a) for a in reversed(chain)]
        return multiply_any(scalar(e.coefficient), *scalars, *_upright(_gathered(chain, names)))
    moved = [s for s in scalars if _moves(s, names)]
    inner = moved[0] if len(moved) == 1 else None
    if len(e.shape) == 1 and isinstance(inner, Mul) and not any(_moves(a, names) for a in chain):
        tail = [a for a in inner.args if a.shape != ()]
        if tail and _moves(tail[-1], names):
            rest = [s for s in scalars if s is not inner] + [a for a in inner.args if a.shape == ()]
            return multiply_any(scalar(e.coefficient * inner.coefficient), *rest, multiply_any(*chain), *tail)
    return e


def _upright(chain: list[Expression]) -> list[Expression]:
    """A row in front as the transpose of a column: (x^∘2)ᵀ dx."""
    if chain and isinstance(chain[0], (ElemPow, Hadamard)) and len(chain[0].shape) == 2:
        return [transpose(flip(chain[0])), *chain[1:]]
    return chain


def _gathered(chain: list[Expression], names: set[str]) -> list[Expression]:
    """Factors of an elementwise product gathered on the left: aᵀ (b ⊙ dr) → (a ⊙ b)ᵀ dr."""
    if len(chain) != 2 or not isinstance(chain[1], Hadamard) or len(chain[1].shape) != 1:
        return chain
    moved = [a for a in chain[1].args if _moves(a, names)]
    still = [a for a in chain[1].args if not _moves(a, names)]
    if len(moved) != 1 or isinstance(moved[0], ElemPow):
        return chain
    return [transpose(elementwise_product(flip(chain[0]), *still)), moved[0]]


def _call(e: Call, names: set[str]) -> Expression:
    """A trace with the direction last."""
    if e.function != "trace" or not isinstance(e.args[0], Mul):
        return e
    product = e.args[0]
    arrays = [a for a in product.args if a.shape != ()]
    places = [k for k, a in enumerate(arrays) if _moves(a, names)]
    if len(places) != 1:
        return e
    k = places[0]
    if isinstance(arrays[k], Transpose):
        arrays = [flip(a) for a in reversed(arrays)]
        k = len(arrays) - 1 - k
    front = [a for a in product.args if a.shape == ()]
    found = multiply_any(scalar(product.coefficient), *front, *arrays[k + 1 :], *arrays[: k + 1])
    return call("trace", found) if found.shape != () else found


_TURN: Mapping[type[Expression], Callable[[Any, set[str]], Expression]] = {Hadamard: _hadamard, Mul: _mul, Call: _call}
