"""Known functions recognised in an answer: exp(z − logsumexp(z) 𝟏) is softmax(z)."""

from __future__ import annotations

from symml.calculus.construct import is_zero, operator, times, total
from symml.calculus.expand import expand
from symml.calculus.nodes import Apply, Ein, Node, Sum, walk
from symml.calculus.transform import rebuild


def recognised(node: Node) -> Node:
    """Return the node with normalised exponentials written as softmax."""
    done: dict[Node, Node] = {}
    for part in walk(node):
        new = rebuild(part, [done[c] for c in part.children])
        done[part] = _softmax(new) or new
    return done[node]


def _softmax(node: Node) -> Node | None:
    if not (isinstance(node, Apply) and node.op == "map" and node.param == "exp" and len(node.shape) == 1):
        return None
    exponent = expand(node.children[0])
    if not isinstance(exponent, Sum):
        return None
    for term in exponent.terms:
        level = _level(term)
        if level is None:
            continue
        rest = [t for t in exponent.terms if t is not term]
        inner = level.children[0]
        if is_zero(expand(total([*rest, times(-1, inner)], inner.shape))):
            moving = [t for t in rest if not _same_everywhere(t)]  # softmax(z + s 𝟏) = softmax(z)
            z = total(moving, inner.shape) if moving else inner
            return operator("softmax", (z,), z.shape)
    return None


def _level(term: Node) -> Apply | None:
    """The logsumexp of a term −logsumexp(z) 𝟏."""
    if not isinstance(term, Ein) or term.coefficient != -1 or len(term.factors) != 1:
        return None
    (found, idx) = term.factors[0]
    return found if isinstance(found, Apply) and found.op == "lse" and idx == () else None


def _same_everywhere(term: Node) -> bool:
    return isinstance(term, Ein) and all(idx == () for _, idx in term.factors)
