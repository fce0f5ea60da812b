"""Linear maps of a matrix that act on each row, or each column, alone: the block of row i, with i free."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from symml.calculus.construct import ein, total
from symml.calculus.nodes import Ein, Node
from symml.derivation.stationary.separating import flat_terms
from symml.errors import NotSupportedError
from symml.forms.slicing import slice_at
from symml.language.expressions import Element, Expression, Index, Symbol, make, postorder

LETTERS = {0: ("i", "j", "s", "t", "l"), 1: ("j", "i", "s", "t", "l")}


@dataclass(frozen=True)
class Block:
    """The matrix of a linear map on row i (column i where `axis` is 1), as a node that holds the index."""

    matrix: Node
    index: Index
    axis: int


def block_of(jacobian: Node, *others: Node) -> Block | None:
    """Return the block of a map with axes (i, j, k, l) that is zero unless i = k, or unless j = l; None for others.

    Parameters
    ----------
    jacobian : Node, of order 4
    others : Node
        What else is shown beside the block: the index has no name of theirs.
    """
    for axis in (0, 1):
        nodes = [_alone(t, axis) for t in flat_terms(jacobian)]
        if not nodes or any(n is None for n in nodes):
            continue
        shape = (jacobian.shape[axis], jacobian.shape[1 - axis], jacobian.shape[3 - axis])
        index = fresh((jacobian, *others), shape[0], axis)
        try:
            return Block(slice_at(total([n for n in nodes if n is not None], shape), 0, index), index, axis)
        except NotSupportedError:
            continue
    return None


def _alone(term: Node, axis: int) -> Node | None:
    """A term as a stack of blocks, one for each value of the axis."""
    if not isinstance(term, Ein) or len(term.out) != 4 or term.out[axis] != term.out[axis + 2]:
        return None
    out = (term.out[axis], term.out[1 - axis], term.out[3 - axis])
    return ein(term.coefficient, term.factors, out, dict(enumerate(term.sizes)))


def fresh(nodes: Iterable[Node], size: object, axis: int) -> Index:
    """Return an index whose name occurs in none of the nodes."""
    taken: set[str] = set()
    for leaf in {leaf for n in nodes for leaf in n.leaves}:
        taken.add(leaf.name)
        if isinstance(leaf.payload, Element):
            taken |= {n.name for n in postorder(leaf.payload) if isinstance(n, (Index, Symbol))}
    index = make(Index, (), (next(name for name in LETTERS[axis] if name not in taken), size), ())
    assert isinstance(index, Index)
    return index


def line_of(e: Expression, block: Block) -> Expression:
    """Return row i, or column i, of an expression."""
    places = ("index", None) if block.axis == 0 else (None, "index")
    return make(Element, (e, block.index), (places,), (e.shape[1 - block.axis],))
