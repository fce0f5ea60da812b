"""Labels of steps: which rules differentiate a short expression, term by term, said for a student."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fractions import Fraction

from symml.calculus.construct import base_and_exponent, is_symmetric
from symml.calculus.nodes import Apply, Const, Ein, Leaf, Node, Sum, walk
from symml.calculus.rule import rule
from symml.language.function import function
from symml.language.names import unicode_name

MAGNUS = "Magnus & Neudecker, Matrix Differential Calculus, 3rd ed., ch. 5"
SHOWN = 4  # constants named in a label
SQUARE = Fraction(2)
HALF = Fraction(1, 2)
LINEAR = ("linearity", "", MAGNUS)
Label = tuple[str, str, str]


def labels(node: Node, moving: Collection[Leaf]) -> Label:
    """Return name, statement and source of the rules that differentiate a short expression.

    Every term of a sum is named: by its rules, or as linear with what is constant in it.
    """
    moved = frozenset(moving)
    found: dict[str, Label] = {}
    linear: list[Node] = []
    for term in node.terms if isinstance(node, Sum) else (node,):
        if term.leaves & moved:
            rules = _of_term(term, moved)
            linear.extend([] if rules else [term])
            found.update({label[1]: label for label in rules if label[1] not in found})
    if not found:
        return "linearity", _linear([node], moved), MAGNUS
    names, statements = [label[0] for label in found.values()], list(found)
    sources = dict.fromkeys(label[2] for label in found.values() if label[2])
    if linear:
        statements.append(_linear(linear, moved))
    return names[-1], "; ".join(statements), "; ".join(sources)


def _linear(terms: Sequence[Node], moving: frozenset[Leaf]) -> str:
    """What is constant, by name."""
    leaves = list(dict.fromkeys(leaf for term in terms for leaf in _leaves(term)))
    names = ", ".join(dict.fromkeys(unicode_name(leaf.name) for leaf in leaves if leaf in moving))
    still = [leaf.name for leaf in leaves if leaf not in moving and "dimension" not in leaf.facts]
    if not still:
        return f"linear in {names}"
    if len(still) > SHOWN:
        return f"linear in {names}: everything else is constant"
    constants = ", ".join(unicode_name(n) for n in still)
    return f"linear in {names}: {constants} {'is' if len(still) == 1 else 'are'} constant"


def _leaves(node: Node) -> list[Leaf]:
    return [n for n in walk(node) if isinstance(n, Leaf)]


def _of_term(term: Node, moving: frozenset[Leaf]) -> list[Label]:
    """The rules of a term, the inner ones first."""
    parts = [p for p in walk(term) if p.leaves & moving and not isinstance(p, (Leaf, Const, Sum))]
    inside_norm = {q for p in parts if _is_norm(p) for q in walk(p.children[0])}
    found = [_rule_of(p, moving, term) for p in parts if p not in inside_norm or not _is_sum_of_squares(p, inside_norm)]
    return [label for label in found if label is not LINEAR]


# -- one operation ------------------------------------------------------------------------------------------------
def _rule_of(part: Node, moving: frozenset[Leaf], root: Node) -> Label:
    if isinstance(part, Ein):
        return _product(part, moving)
    assert isinstance(part, Apply)
    row = rule(part)
    if part.op == "map" and isinstance(part.param, str):
        record = function(part.param)
        return f"d_{record.name}", record.statement or row.statement, record.source
    if part.op == "pow":
        return "d_square" if part.param == 2 else row.name, _power(part, moving, root), row.source
    return row.name, row.statement, row.source


def _power(part: Apply, moving: frozenset[Leaf], root: Node) -> str:
    if part.param == SQUARE:
        return _square(part, root)
    if _is_norm(part):
        quotient = "; quotient rule: d(u/v) = (v du − u dv)/v²" if part.param < 0 else ""
        return f"norm: d‖r‖ = rᵀ dr/‖r‖{quotient}"
    if _is_quotient(part, moving, root):
        return "quotient rule: d(u/v) = (v du − u dv)/v²"
    if part.shape == () and part.param == -1:
        return "reciprocal: d(1/u) = −du/u²"
    if part.param == HALF:
        root_of = "d sqrt(u) = du/(2 sqrt(u))" if part.shape == () else "d sqrt(u) = du ⊘ (2 sqrt(u)), entry by entry"
        return f"square root: {root_of}"
    if part.shape == ():
        return "power rule: d x^q = q x^(q−1) dx"
    return rule(part).statement


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


def _is_norm(part: Node) -> bool:
    """Whether a part is (Σ r²)^(1/2)."""
    if not isinstance(part, Apply) or part.op != "pow" or part.param not in (HALF, -HALF):
        return False
    below = part.children[0]
    return isinstance(below, Ein) and len(below.factors) == 1 and base_and_exponent(below.factors[0][0])[1] == SQUARE


def _is_sum_of_squares(part: Node, inside: Collection[Node]) -> bool:
    return part in inside and (isinstance(part, Ein) or (isinstance(part, Apply) and part.op == "pow"))


def _is_quotient(part: Apply, moving: frozenset[Leaf], root: Node) -> bool:
    """Whether a power −1 of a number stands beside something else that moves."""
    if part.shape != () or part.param != -1:
        return False
    products = [n for n in walk(root) if part in n.children and isinstance(n, Ein)]
    return any(f is not part and f.leaves & moving for n in products for f, _ in n.factors)


def _product(part: Ein, moving: frozenset[Leaf]) -> Label:
    moved = [(f, idx) for f, idx in part.factors if f.leaves & moving]
    if len(moved) < 2:
        return LINEAR
    if any(base_and_exponent(f)[1] < 0 and f.shape == () for f, _ in moved):
        return LINEAR  # the quotient rule names both
    form = _quadratic_form(part, moved)
    if form:
        return "d_quadratic_form", form, MAGNUS
    if all(f.shape == () for f, _ in moved):
        return "product_rule", "product rule: d(u v) = v du + u dv", MAGNUS
    if len({idx for _, idx in moved}) == 1:
        return "product_rule", "product rule, entry by entry: d(u ⊙ v) = v ⊙ du + u ⊙ dv", MAGNUS
    return "product_rule", "product rule: d(A B) = dA B + A dB", MAGNUS


def _quadratic_form(part: Ein, moved: Sequence[tuple[Node, tuple[int, ...]]]) -> str:
    """What is said of xᵀ A x, tr(Xᵀ A X), tr(X A Xᵀ) with a constant A in the middle; "" for other products."""
    (u, i), (v, j) = moved[0], moved[-1]
    middle = [(f, idx) for f, idx in part.factors if (f, idx) not in moved and idx]
    if len(moved) != 2 or u is not v or part.shape != () or len(middle) != 1 or len(middle[0][1]) != 2:
        return ""
    apart = [k for k, (a, b) in enumerate(zip(i, j, strict=True)) if a != b]
    if len(apart) != 1 or {i[apart[0]], j[apart[0]]} != set(middle[0][1]):
        return ""
    symmetric = is_symmetric(middle[0][0])
    if len(u.shape) == 1:
        return f"quadratic form: d(xᵀ A x) = {'2 xᵀ A dx' if symmetric else 'xᵀ (A + Aᵀ) dx'}"
    both = "2 tr({} A {})" if symmetric else "tr({} (A + Aᵀ) {})"
    whole, change = ("tr(Xᵀ A X)", both.format("Xᵀ", "dX")) if apart == [0] else ("tr(X A Xᵀ)", both.format("X", "dXᵀ"))
    return f"quadratic form: d {whole} = {change}"
