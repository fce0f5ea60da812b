"""The records of structures, and what they share: the matrix in the middle of a product, the diagonal beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symml.calculus.construct import total
from symml.calculus.nodes import Leaf, Node
from symml.derivation.curvature.structures.terms import Outer, Peeled, Term, constant, diagonal, is_diagonal, outer
from symml.language.expressions import Expression
from symml.language.operators import add, call, eye, multiply_any, transpose

Array = Any
Parts = Mapping[str, Node]
Shown = Mapping[str, Expression]
Act = Callable[[Mapping[str, Array], Array], Array]


@dataclass(frozen=True)
class Claim:
    """A structure found: its parts, how the Hessian is written in them and how it acts on a direction.

    `title` may hold ``{formula}``; `lead` and `lead_latex` stand before the formula in the statement. Parts whose role
    is in `inline` are written out where they are short; the others get names.
    """

    title: str
    parts: Parts
    act: Act
    formula: Callable[[Shown], Expression]
    lead: str = "H = "
    lead_latex: str = "H = "
    inline: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kind:
    """One structure of the Hessian of a vector (order 1) or a matrix (order 2); the lowest rank is tried first."""

    name: str
    rank: int
    order: int
    detect: Callable[[Sequence[Term], Leaf], Claim | None]
    statement: str


# -- what stands between: c I, diag(s), diag(s) + c u uᵀ, S -------------------------------------------------------
def middle(terms: Sequence[Term]) -> Parts:
    """Return the parts of a sum of terms of order 2: s or t on the diagonal, c and u of a product; else all as S."""
    rest = [t for t in terms if not is_diagonal(t)]
    found: dict[str, Node] = {}
    entries = diagonal([t for t in terms if is_diagonal(t)], 1)
    if entries is not None:
        scalar = constant(entries)
        found["t" if scalar is not None else "s"] = scalar if scalar is not None else entries
    if not rest:
        return found
    crossed = outer(rest[0], rest[0].out[:1], rest[0].out[1:]) if len(rest) == 1 else None
    if crossed is None:
        return {"S": total([t.node() for t in terms], [terms[0].sizes[o] for o in terms[0].out])}
    return {**found, **outer_parts(crossed)}


def outer_parts(found: Outer) -> dict[str, Node]:
    """Return the parts of an outer product by role."""
    return {"c": found.scale, "u": found.vector}


def act_middle(values: Mapping[str, Array], z: Array) -> Array:
    """Return the matrix in the middle times a vector."""
    if "S" in values:
        return values["S"] @ z
    found = values.get("t", values.get("s", 0.0)) * z
    return found + values["c"] * values["u"] * np.sum(values["u"] * z) if "u" in values else found


def show_middle(shown: Shown, size: Any) -> Expression:
    """Return the matrix in the middle."""
    if "S" in shown:
        return shown["S"]
    found = []
    if "t" in shown:
        found.append(multiply_any(shown["t"], eye(size)))
    if "s" in shown:
        found.append(call("diag", shown["s"]))
    if "u" in shown:
        found.append(multiply_any(shown["c"], shown["u"], transpose(shown["u"])))
    return add(*found)


# -- a product and its diagonal -----------------------------------------------------------------------------------
def common(peeled: Sequence[Peeled | None]) -> Node | None:
    """Return the matrix that all terms are seen through; None when there is none."""
    first = peeled[0] if peeled else None
    if first is None or not all(p is not None and p.side.digest == first.side.digest for p in peeled):
        return None
    return first.side


def through(x: Leaf, side: Node, beside: bool) -> str:
    """Return the title of a product."""
    name = "product" if x in side.leaves else "product through the data"
    return name + (" plus a diagonal" if beside else "") + ": {formula}"


def beside(terms: Sequence[Term], count: int) -> dict[str, Node]:
    """Return the diagonal part of a sum by role: one number or all entries."""
    entries = diagonal(terms, count)
    if entries is None:
        return {}
    scalar = constant(entries)
    return {"D": entries if scalar is None else scalar}


def with_diagonal(whole: Expression | None, shown: Shown, size: Any) -> Expression:
    """Return an expression plus the diagonal part."""
    if "D" not in shown:
        assert whole is not None
        return whole
    d = shown["D"]
    entries = call("vec", d) if len(d.shape) == 2 else d
    added = multiply_any(d, eye(size)) if d.shape == () else call("diag", entries)
    return added if whole is None else add(whole, added)
