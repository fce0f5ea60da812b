"""Data of order 3 and more, slice by slice: what no matrix notation holds is a sum over an index of products."""

from __future__ import annotations

from collections.abc import Sequence

from symml.calculus.construct import apply_map, ein, operator, power, total
from symml.calculus.nodes import Apply, Ein, Leaf, Node, Sum, leaf
from symml.errors import NotSupportedError
from symml.language.expressions import Element, Expression, Index, Symbol, make, postorder

LETTERS = ("i", "j", "k", "l", "m", "s", "t")


def batch_index(node: Ein) -> int | None:
    """Return a summed index that all factors of order 3 or more carry, and no other place needs twice."""
    large = [idx for f, idx in node.factors if len(f.shape) > 2]
    shared = [i for i in large[0] if i not in node.out and all(idx.count(i) == 1 for idx in large)] if large else []
    for i in shared:
        if all(idx.count(i) <= 1 for _, idx in node.factors):
            return i
    return None


def sliced(node: Ein, index: int, place: Index) -> Node:
    """Return the product without its coefficient, at one value of a summed index."""
    factors = [_drop(f, idx, index, place) for f, idx in node.factors]
    return ein(1, factors, node.out, {i: s for i, s in enumerate(node.sizes) if i != index})


def picked(node: Ein) -> Node | None:
    """Return a product with an entry picked by a unit vector, X'e₁, as a product of slices; None when there is none."""
    for k, (f, idx) in enumerate(node.factors):
        if not is_unit(f) or idx[0] in node.out:
            continue
        rest = [x for m, x in enumerate(node.factors) if m != k]
        if any(j.count(idx[0]) > 1 for _, j in rest):
            return None
        factors = [_drop(g, j, idx[0], f.payload[2]) for g, j in rest]  # type: ignore[attr-defined]
        sizes = {i: s for i, s in enumerate(node.sizes) if i != idx[0]}
        return ein(node.coefficient, factors, node.out, sizes)
    return None


def is_unit(node: Node) -> bool:
    """Whether a node is a unit vector, the index form of an integer position."""
    return isinstance(node, Leaf) and isinstance(node.payload, tuple) and node.payload[0] == "unit"


def fresh_index(node: Node, size: object) -> Index:
    """Return a bound index whose name occurs nowhere below a node."""
    taken = {leaf.name for leaf in node.leaves}
    for found in node.leaves:
        if isinstance(found.payload, Element):
            taken |= {n.name for n in postorder(found.payload) if isinstance(n, (Index, Symbol))}
    name = next(letter for letter in LETTERS if letter not in taken)
    index = make(Index, (), (name, size), ())
    assert isinstance(index, Index)
    return index


def _drop(f: Node, idx: tuple[int, ...], index: int, place: Index | int) -> tuple[Node, tuple[int, ...]]:
    if index not in idx:
        return f, idx
    axis = idx.index(index)
    return slice_at(f, axis, place), idx[:axis] + idx[axis + 1 :]


def slice_at(node: Node, axis: int, place: Index | int) -> Node:
    """Return a node at one value of an axis; slicing passes through sums, products and elementwise functions."""
    if isinstance(node, Leaf):
        return _leaf_slice(node, axis, place)
    if isinstance(node, Sum):
        terms = [slice_at(t, axis, place) for t in node.terms]
        return total(terms, _without(node.shape, axis))
    if isinstance(node, Ein):
        label = node.out[axis]
        if node.out.count(label) > 1:
            raise NotSupportedError("a diagonal of order 3 or more has no matrix notation")
        factors = [_drop(f, idx, label, place) for f, idx in node.factors]
        sizes = {i: s for i, s in enumerate(node.sizes) if i != label}
        return ein(node.coefficient, factors, _without(node.out, axis), sizes)
    assert isinstance(node, Apply)
    if node.op == "map":
        return apply_map(node.param, slice_at(node.children[0], axis, place))
    if node.op == "pow":
        return power(slice_at(node.children[0], axis, place), node.param)
    if node.op in ("softmax", "lse") and axis < len(node.children[0].shape) - 1:
        return operator(node.op, (slice_at(node.children[0], axis, place),), _without(node.shape, axis))
    raise NotSupportedError(f"a slice of {node.op} has no matrix notation")


def _leaf_slice(node: Leaf, axis: int, place: Index | int) -> Node:
    payload = node.payload
    if not isinstance(payload, Expression):
        raise NotSupportedError(f"{payload} has no slices")
    positions: list[object] = list(payload.positions) if isinstance(payload, Element) else [None] * len(payload.shape)
    base, indices = (payload.args[0], list(payload.args[1:])) if isinstance(payload, Element) else (payload, [])
    free = [k for k, p in enumerate(positions) if p is None]
    if isinstance(place, int):
        positions[free[axis]] = place
    else:
        positions[free[axis]] = "index"
        order = [k for k, p in enumerate(positions) if p == "index"]
        indices.insert(order.index(free[axis]), place)
    shape = _without(node.shape, axis)
    element = make(Element, (base, *indices), (tuple(positions),), shape)
    return leaf(
        element, f"{node.name}[{place if isinstance(place, int) else place.name}@{axis}]", shape, node.facts & ENTRYWISE
    )


ENTRYWISE = frozenset({"positive", "nonnegative", "negative", "nonzero", "mask", "sign", "integer"})


def _without(items: Sequence[int] | tuple[object, ...], axis: int) -> tuple:  # type: ignore[type-arg]
    return (*items[:axis], *items[axis + 1 :])
