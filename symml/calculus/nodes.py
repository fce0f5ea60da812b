"""Nodes of the index form: immutable, interned, with a digest that equal things share.

A node has a `shape` (a tuple of dimensions, order 0 to 4) and a `digest`: two nodes with one digest are equal whatever
the order of their terms, factors and index names. The order in which a node holds its terms and factors is the order
in which the user wrote them; it never enters the digest.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from fractions import Fraction
from hashlib import blake2b
from typing import Any, final

Indices = tuple[int, ...]
Factor = tuple["Node", Indices]

_table: weakref.WeakValueDictionary[Any, Node] = weakref.WeakValueDictionary()
_lock = threading.RLock()


def fingerprint(*parts: object) -> bytes:
    """Return 16 bytes that identify a structure: the same for the same parts in every process."""
    return blake2b(repr(parts).encode(), digest_size=16).digest()


class Node:
    """Base of the index form; built only through the functions of `construct`."""

    __slots__ = ("__weakref__", "batched", "children", "digest", "leaves", "memo", "shape", "sign", "unsigned")

    shape: tuple[Any, ...]
    digest: bytes
    unsigned: bytes  # digest up to sign; self is `sign` times the representative
    sign: int
    children: tuple[Node, ...]
    leaves: frozenset[Leaf]
    batched: bool  # sums and products hold a linear primitive that runs along further axes
    memo: dict[str, Any]

    @property
    def order(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __reduce__(self) -> Any:
        raise TypeError("index nodes are not pickled; pickle the expression they came from")


@final
class Leaf(Node):
    """A symbol, a dimension used as a number, or an irrational constant.

    `payload` is what `forms` raises it to; `facts` are property words.
    """

    __slots__ = ("facts", "name", "payload")
    payload: Any
    name: str
    facts: frozenset[str]


@final
class Const(Node):
    """An exact rational number, of order 0."""

    __slots__ = ("value",)
    value: Fraction


@final
class Ein(Node):
    """coefficient · Σ over the indices not in `out` of the product of `factors`.

    An `out` index on no factor broadcasts; a repeated `out` index is a delta or a diagonal.
    `sizes[i]` is the dimension of index i.
    """

    __slots__ = ("coefficient", "factors", "out", "sizes")
    coefficient: Fraction
    factors: tuple[Factor, ...]
    out: Indices
    sizes: tuple[Any, ...]


@final
class Sum(Node):
    """A flat sum of terms of one shape, like terms collected."""

    __slots__ = ("terms",)
    terms: tuple[Node, ...]


@final
class Apply(Node):
    """A primitive with a rule row: `op` names it, `param` is a hashable parameter (function name, exponent)."""

    __slots__ = ("op", "param")
    op: str
    param: Any


def intern(cls: type[Node], key: Any, shape: tuple[Any, ...], children: tuple[Node, ...], **slots: Any) -> Any:
    """Return the one node of this class and key; `slots` fills it when it is new."""
    key = (cls, key)
    with _lock:
        node = _table.get(key)
        if node is None:
            node = object.__new__(cls)
            node.shape, node.children, node.memo = shape, children, {}
            node.batched = cls is not Apply and any(c.batched for c in children)
            for name, value in slots.items():
                setattr(node, name, value)
            if cls is not Leaf:
                node.leaves = _union(children)
            else:
                node.leaves = frozenset((node,))  # type: ignore[arg-type]
            _table[key] = node
        return node


def _union(children: tuple[Node, ...]) -> frozenset[Leaf]:
    found: frozenset[Leaf] = frozenset()
    for child in children:
        if not child.leaves <= found:
            found = found | child.leaves if found else child.leaves
    return found


def leaf(payload: Any, name: str, shape: tuple[Any, ...], facts: frozenset[str]) -> Leaf:
    """Return the leaf of a symbol; its identity includes shape and facts."""
    digest = fingerprint("leaf", name, shape, sorted(facts))
    return intern(  # type: ignore[no-any-return]
        Leaf, (payload, name, shape, facts), shape, (),
        payload=payload, name=name, facts=facts, digest=digest, unsigned=digest, sign=1,
    )  # fmt: skip


def const(value: Fraction | int) -> Const:
    """Return an exact number."""
    value = Fraction(value)
    digest = fingerprint("const", value.numerator, value.denominator)
    positive = fingerprint("const", abs(value).numerator, value.denominator)
    sign = -1 if value < 0 else 1
    return intern(Const, value, (), (), value=value, digest=digest, unsigned=positive, sign=sign)  # type: ignore[no-any-return]


def walk(*roots: Node, right_to_left: bool = False) -> Iterator[Node]:
    """Yield every distinct node below the roots, children first, without recursion."""
    seen: set[Node] = set()
    stack: list[tuple[Node, bool]] = [(r, False) for r in reversed(roots)]
    while stack:
        node, done = stack.pop()
        if done:
            yield node
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            children = node.children if right_to_left else node.children[::-1]
            stack.extend((c, False) for c in children if c not in seen)
