"""Lowered expressions under bound indices: an index a node depends on is a leading axis of it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from symml.calculus.construct import (
    ein,
)  # fmt: skip
from symml.calculus.nodes import Node
from symml.errors import NotSupportedError
from symml.language.expressions import (
    Expression,
    Index,
)  # fmt: skip


@dataclass(frozen=True)
class Lowered:
    """A node whose first axes are bound indices, in the order of `batch`."""

    node: Node
    batch: tuple[Index, ...] = ()

    @property
    def axes(self) -> tuple[Any, ...]:
        """Sizes of the axes that are not bound indices."""
        return self.node.shape[len(self.batch) :]


def union(parts: list[Lowered]) -> tuple[Index, ...]:
    """Return the bound indices of some parts, each once."""
    return tuple(dict.fromkeys(i for p in parts for i in p.batch))


def labels(batch: tuple[Index, ...]) -> tuple[dict[Index, int], dict[int, Any]]:
    """Return the label and the size of each bound index."""
    return {i: k for k, i in enumerate(batch)}, {k: i.size for k, i in enumerate(batch)}


def product(parts: list[Lowered], idx: list[tuple[int, ...]], out: tuple[int, ...], sizes: dict[int, Any],
             coefficient: Fraction | int = 1, drop: Index | None = None) -> Lowered:  # fmt: skip
    """Ein over parts whose own labels start at 100; batch labels come first and stay, but for `drop`."""
    batch = union(parts)
    names, all_sizes = labels(batch)
    all_sizes = all_sizes | sizes
    factors = [(p.node, (*(names[i] for i in p.batch), *own)) for p, own in zip(parts, idx, strict=True)]
    kept = tuple(i for i in batch if i != drop)
    used = {i for _, f in factors for i in f} | set(out) | {names[i] for i in kept}
    node = ein(
        coefficient, factors, (*(names[i] for i in kept), *out), {i: all_sizes[i] for i in all_sizes if i in used}
    )
    return Lowered(node, kept)


def own_axes(part: Lowered, start: int = 100) -> tuple[tuple[int, ...], dict[int, Any]]:
    """Return labels and sizes of the axes that are no bound indices."""
    axes = part.axes
    return tuple(range(start, start + len(axes))), {start + k: d for k, d in enumerate(axes)}


def spread(part: Lowered, batch: tuple[Index, ...], axes: tuple[Any, ...]) -> Node:
    """The node with all of `batch` and, for a scalar, broadcast to `axes`."""
    names, sizes = labels(batch)
    out = tuple(range(100, 100 + len(axes)))
    sizes = sizes | {100 + k: d for k, d in enumerate(axes)}
    own = out if part.axes else ()
    return ein(1, [(part.node, (*(names[i] for i in part.batch), *own))], (*range(len(batch)), *out), sizes)


def real_axes(e: Expression) -> tuple[Any, ...]:
    """Return the sizes of an expression's axes, without those of size 1."""
    return tuple(d for d in e.shape if d != 1)


def no_batch(part: Lowered, e: Expression) -> None:
    """Refuse a matrix function of a bound index."""
    if part.batch:
        raise NotSupportedError(f"{e}: a matrix function under a bound sum has no index form yet")
