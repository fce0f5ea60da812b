"""Labels of steps: which rule differentiates a short expression, said for a student."""

from __future__ import annotations

from collections.abc import Collection

from symml.calculus.nodes import Apply, Const, Ein, Leaf, Node, Sum, walk
from symml.calculus.rule import rule
from symml.language.function import function
from symml.language.names import unicode_name

MAGNUS = "Magnus & Neudecker, Matrix Differential Calculus, 3rd ed., ch. 5"
SHOWN = 4  # constants named in a label


def labels(node: Node, moving: Collection[Leaf]) -> tuple[str, str, str]:
    """Return name, statement and source of the rules that differentiate a short expression."""
    found: dict[str, tuple[str, str]] = {}
    moving = frozenset(moving)
    for part in walk(node):
        if part.leaves & moving and not isinstance(part, (Leaf, Const, Sum)):
            name, statement, source = _rule_of(part, moving, node)
            found.setdefault(name, (statement, source))
    found = {name: rest for name, rest in found.items() if name != "linearity"}
    if not found:
        return "linearity", _linear(node, moving), MAGNUS
    sources = dict.fromkeys(s for _, s in found.values() if s)
    return list(found)[-1], "; ".join(s for s, _ in found.values()), "; ".join(sources)


def _linear(node: Node, moving: frozenset[Leaf]) -> str:
    """What is constant, by name."""
    moved = [leaf.name for leaf in _leaves(node) if leaf in moving]
    still = [leaf.name for leaf in _leaves(node) if leaf not in moving and "dimension" not in leaf.facts]
    names = ", ".join(unicode_name(n) for n in dict.fromkeys(moved))
    if not still:
        return f"linear in {names}"
    if len(still) > SHOWN:
        return f"linear in {names}: everything else is constant"
    constants = ", ".join(unicode_name(n) for n in still)
    return f"linear in {names}: {constants} {'is' if len(still) == 1 else 'are'} constant"


def _leaves(node: Node) -> list[Leaf]:
    return [n for n in walk(node) if isinstance(n, Leaf)]


def _square(part: Node, root: Node) -> str:
    """A square under nothing but a sum is a squared norm."""
    if part.shape == ():
        return "square: d(r²) = 2 r dr"
    above = [n for n in walk(root) if part in n.children]
    if all(
        isinstance(n, Ein) and n.shape == () and all(f is part or f.shape == () for f, _ in n.factors) for n in above
    ):
        return "square: d‖r‖² = 2 rᵀ dr" if len(part.shape) == 1 else "square: d‖E‖² = 2 tr(Eᵀ dE)"
    return "square, entry by entry: d r^∘2 = 2 r ⊙ dr"


def _rule_of(part: Node, moving: frozenset[Leaf], root: Node) -> tuple[str, str, str]:
    if isinstance(part, Ein):
        moved = sum(1 for f, _ in part.factors if f.leaves & moving)
        if moved > 1:
            return "product_rule", "product rule: d(A B) = dA B + A dB", MAGNUS
        return "linearity", "", MAGNUS
    assert isinstance(part, Apply)
    row = rule(part)
    if part.op == "map" and isinstance(part.param, str):
        record = function(part.param)
        return f"d_{record.name}", record.statement or row.statement, record.source
    if part.op == "pow" and part.param == 2:
        return "d_square", _square(part, root), row.source
    if part.op == "pow" and part.shape == ():
        return row.name, "power rule: d x^q = q x^(q−1) dx", row.source
    return row.name, row.statement, row.source
