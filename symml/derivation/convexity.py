"""Joint convexity in several variables: sums of squares, exponentials, log-determinants, ... of affine functions."""

from __future__ import annotations

from collections.abc import Sequence

from symml.calculus.construct import base_and_exponent, times
from symml.calculus.nodes import Apply, Ein, Factor, Leaf, Node
from symml.calculus.reverse import derivative
from symml.codegen.structure import definiteness, is_nonnegative
from symml.derivation.definiteness import shown
from symml.derivation.separating import flat_terms

CONVEX = {"exp": "exp", "softplus": "softplus", "relu": "relu", "abs": "the absolute value", "cosh": "cosh"}
CONCAVE = {"log": "log", "sqrt": "the square root"}


def convexity(objective: Node, variables: Sequence[Leaf]) -> tuple[str, list[str]]:
    """Return "convex", "concave" or "", jointly in the variables, and the reason for each term."""
    for word, sign in (("convex", 1), ("concave", -1)):
        reasons: list[str] = []
        turned = [times(sign, t) for t in flat_terms(objective)]
        if all(_convex(t, variables, reasons) for t in turned):
            return word, list(dict.fromkeys(reasons))
    return "", []


def _convex(term: Node, variables: Sequence[Leaf], reasons: list[str]) -> bool:
    if affine(term, variables):
        return True
    if not isinstance(term, Ein):
        term_factors: list[Factor] = [(term, tuple(range(len(term.shape))))]
        return _moving(term_factors, [], 1, variables, reasons, term)
    moving = [(f, idx) for f, idx in term.factors if any(v in f.leaves for v in variables)]
    still = [(f, idx) for f, idx in term.factors if (f, idx) not in moving]
    return _moving(moving, still, 1 if term.coefficient > 0 else -1, variables, reasons, term)


def _moving(
    moving: Sequence[Factor],
    still: Sequence[Factor],
    sign: int,
    variables: Sequence[Leaf],
    reasons: list[str],
    term: Node,
) -> bool:
    if len(moving) == 2 and sign > 0:
        return _quadratic_form(moving, still, variables, reasons, term)
    if len(moving) != 1 or not all(is_nonnegative(shown(f)) == "yes" for f, _ in still):
        return False
    base, q = base_and_exponent(moving[0][0])
    if not isinstance(base, Node) or (not isinstance(base, Apply) and q == 1):
        return False
    if q != 1:
        even = sign > 0 and q.denominator == 1 and q > 0 and q.numerator % 2 == 0
        if even and affine(base, variables):
            reasons.append(
                f"{shown(term)} is a sum of even powers of affine functions"
                if q != 2
                else f"{shown(term)} is a sum of squares of affine functions"
            )
            return True
        return False
    assert isinstance(base, Apply)
    return _function(base, sign, variables, reasons)


def _function(base: Apply, sign: int, variables: Sequence[Leaf], reasons: list[str]) -> bool:
    if not affine(base.children[0], variables):
        return False
    table = CONVEX if sign > 0 else CONCAVE
    if base.op == "map" and base.param in table:
        reasons.append(f"{table[base.param]} is {'convex' if sign > 0 else 'concave'}")
        return True
    if base.op == ("lse" if sign > 0 else "logdet"):
        reasons.append("logsumexp is convex" if sign > 0 else "log det is concave on positive definite matrices")
        return True
    return False


def _quadratic_form(
    moving: Sequence[Factor], still: Sequence[Factor], variables: Sequence[Leaf], reasons: list[str], term: Node
) -> bool:
    """U' S u with u affine and S positive semidefinite, other factors nonnegative scalars."""
    (u, i), (w, j) = moving
    middle = [f for f, idx in still if len(idx) == 2 and idx[0] != idx[1] and set(idx) & set(i) and set(idx) & set(j)]
    rest = [f for f, idx in still if f not in middle]
    if u is not w or not affine(u, variables) or len(middle) != 1 or any(f.shape for f in rest):
        return False
    if not definiteness(shown(middle[0]))[0].startswith("positive") or not all(
        is_nonnegative(shown(f)) == "yes" for f in rest
    ):
        return False
    reasons.append(f"{shown(term)} is a positive quadratic form of an affine function")
    return True


def affine(node: Node, variables: Sequence[Leaf]) -> bool:
    """Whether a node is affine jointly in the variables."""
    own = [v for v in variables if v in node.leaves]
    return all(not any(u in derivative(node, v).leaves for u in variables) for v in own)
