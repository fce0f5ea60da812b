"""The rule table of the calculus: one row a primitive, its differential; reverse and forward mode both come from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from symml.calculus.nodes import Apply, Node
from symml.errors import MissingRuleError
from symml.registry import discover


@dataclass(frozen=True)
class Rule:
    """The differential of one primitive.

    Attributes
    ----------
    op : str
        The primitive (`Apply.op`).
    name, statement, source : str
        Name of the rule, the rule in words and symbols for a student, where it stands.
    differential : callable
        (node, differentials of its arguments, None where constant) -> the differential, linear in each.
        Only sums and products of nodes may appear around the differentials: reverse mode transposes this expression.
    pull_back : callable, optional
        (node, place of the argument, adjoint, leading axes of the adjoint) -> adjoint of the argument, for a linear
        operator that is no sum of products.
    """

    op: str
    name: str
    statement: str
    source: str
    differential: Callable[[Apply, Sequence[Node | None]], Node]
    pull_back: Callable[[Apply, int, Node, int], Node] | None = None


@cache
def table() -> dict[str, Rule]:
    """All rules by primitive."""
    return {r.op: r for r in discover("symml.calculus.rules", Rule)}


def rule(node: Apply) -> Rule:
    """Return the rule of a primitive; a missing one raises and is never a zero."""
    try:
        return table()[node.op]
    except KeyError:
        raise MissingRuleError(
            f"there is no derivative rule for {node.op}; known: {', '.join(sorted(table()))}"
        ) from None
