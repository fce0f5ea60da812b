"""Joint convexity in several variables: sums of squares, exponentials, log-determinants, ... of affine functions."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from symml.calculus.construct import base_and_exponent, ein, times
from symml.calculus.nodes import Apply, Ein, Factor, Leaf, Node, Sum, walk
from symml.calculus.reverse import derivative
from symml.codegen.structure import definiteness, is_nonnegative, is_positive
from symml.derivation.curvature.definiteness import curvature, second_derivative, shown
from symml.derivation.stationary.separating import flat_terms
from symml.errors import MissingRuleError
from symml.forms.lowering import leaf_of

CONVEX = {"exp": "exp", "softplus": "softplus", "relu": "relu", "abs": "the absolute value", "cosh": "cosh"}
CONVEX_OPERATORS = {
    "lse": "logsumexp",
    "normnuc": "the nuclear norm", "normspec": "the spectral norm", "eigmax": "the largest eigenvalue",
}  # fmt: skip
INCREASING = ("exp", "softplus", "relu")  # convex, and a convex argument may stand in them
JUMPS = ("sign", "step")
CONCAVE = {"log": "log", "sqrt": "the square root"}


def convexity(objective: Node, variables: Sequence[Leaf]) -> tuple[str, list[str]]:
    """Return "convex", "concave" or "", jointly in the variables, and the reason for each term."""
    for word, sign in (("convex", 1), ("concave", -1)):
        reasons: list[str] = []
        turned = [times(sign, t) for t in _distributed(objective, variables)]
        if all(_convex(t, variables, reasons) for t in turned):
            return word, list(dict.fromkeys(reasons))
    return "", []


def convex_or_concave(objective: Node, variables: Sequence[Any]) -> tuple[str, list[str]]:
    """Return "convex", "concave" or "" and the reasons: by its terms, or by the Hessian of a single variable."""
    word, reasons = convexity(objective, [leaf_of(v) for v in variables])
    if word or len(variables) != 1:
        return word, reasons
    (v,) = variables
    found = curvature(second_derivative(objective, leaf_of(v)), v)
    if not found.kind.startswith(("positive", "negative")):
        return "", []
    return "convex" if found.kind.startswith("positive") else "concave", [f"{found.shown} is {found.kind}"]


def _distributed(objective: Node, variables: Sequence[Leaf]) -> list[Node]:
    """The terms of a sum, and of sums over a sum: Σ (|uᵢ| + vᵢ) is Σ |uᵢ| + Σ vᵢ."""
    found: list[Node] = []
    waiting = flat_terms(objective)[::-1]
    while waiting:
        term = waiting.pop()
        factors = term.factors if isinstance(term, Ein) else ()
        moving = [k for k, (f, _) in enumerate(factors) if any(v in f.leaves for v in variables)]
        inner = factors[moving[0]][0] if len(moving) == 1 else None
        if not isinstance(term, Ein) or not isinstance(inner, Sum) or affine(inner, variables):
            found.append(term)
            continue
        (k,), sizes = moving, dict(enumerate(term.sizes))
        for t in reversed(inner.terms):
            parts = [(t if j == k else f, idx) for j, (f, idx) in enumerate(factors)]
            waiting.append(ein(term.coefficient, parts, term.out, sizes))
    return found


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
    if len(moving) > 1 and sign > 0:
        return any(rule(moving, still, variables, reasons, term) for rule in (_quadratic_form, _over_linear, _fraction))
    if len(moving) == 1 and sign > 0 and _trace_of_inverse(moving[0], still, variables, reasons, term):
        return True
    if len(moving) != 1 or not all(is_nonnegative(shown(f)) == "yes" for f, _ in still):
        return False
    base, q = base_and_exponent(moving[0][0])
    if not isinstance(base, Node) or (not isinstance(base, Apply) and q == 1):
        return False
    if q == Fraction(1, 2) and sign > 0 and _is_sum_of_squares(base, variables):
        reasons.append(f"{shown(moving[0][0])} is a norm of an affine function")
        return True
    if (sign < 0 and 0 < q < 1) or (sign > 0 and q < 0 and is_positive(shown(base)) == "yes"):
        word = "concave" if q > 0 else "convex on the positive numbers"
        reasons.append(f"the power {q} is {word}")
        return affine(base, variables)
    if q >= 1 and sign > 0 and base.shape == () and is_nonnegative(shown(base)) == "yes" and q != 1:
        inner: list[str] = []
        if all(_convex(t, variables, inner) for t in _distributed(base, variables)):
            reasons.extend([*inner, f"{shown(moving[0][0])} is a power of a nonnegative convex function"])
            return True
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


def _is_sum_of_squares(base: Node, variables: Sequence[Leaf]) -> bool:
    if not isinstance(base, Ein) or base.out or len(base.factors) != 1 or base.coefficient <= 0:
        return False
    ((u, idx),) = base.factors
    inner, q = base_and_exponent(u)
    return q == 2 and len(set(idx)) == len(idx) and affine(inner, variables)


def _function(base: Apply, sign: int, variables: Sequence[Leaf], reasons: list[str]) -> bool:
    if not affine(base.children[0], variables):
        return _composition(base, sign, variables, reasons)
    table = CONVEX if sign > 0 else CONCAVE
    if base.op == "map" and base.param in table:
        reasons.append(f"{table[base.param]} is {'convex' if sign > 0 else 'concave'}")
        return True
    if sign > 0 and base.op in CONVEX_OPERATORS:
        reasons.append(f"{CONVEX_OPERATORS[base.op]} is convex")
        return True
    if sign < 0 and base.op == "logdet" and definiteness(shown(base.children[0]))[0].startswith("positive"):
        reasons.append("log det is concave on positive definite matrices")
        return True
    return False


def _composition(base: Apply, sign: int, variables: Sequence[Leaf], reasons: list[str]) -> bool:
    """An increasing convex function of a convex number, an increasing concave one of a concave number."""
    names = INCREASING if sign > 0 else tuple(CONCAVE)
    argument = base.children[0]
    if base.op != "map" or base.param not in names or argument.shape != ():
        return False
    inner: list[str] = []
    if not all(_convex(times(sign, t), variables, inner) for t in _distributed(argument, variables)):
        return False
    name = (CONVEX if sign > 0 else CONCAVE)[str(base.param)]
    word = "convex" if sign > 0 else "concave"
    reasons.extend([*inner, f"{name} is {word} and increasing"])
    return True


def _over_linear(
    moving: Sequence[Factor], still: Sequence[Factor], variables: Sequence[Leaf], reasons: list[str], term: Node
) -> bool:
    """A sum of squares of affine functions over a positive affine one."""
    below = [f for f, idx in moving if not idx and base_and_exponent(f)[1] == -1]
    above = [(f, idx) for f, idx in moving if f not in below]
    if len(below) != 1 or len(above) != 1 or not all(is_nonnegative(shown(f)) == "yes" for f, _ in still):
        return False
    (u, q), (v, _) = base_and_exponent(above[0][0]), base_and_exponent(below[0])
    if q != 2 or not affine(u, variables) or not affine(v, variables) or is_positive(shown(v)) != "yes":
        return False
    reasons.append(f"{shown(term)} is a square of an affine function over a positive affine one")
    return True


def _fraction(
    moving: Sequence[Factor], still: Sequence[Factor], variables: Sequence[Leaf], reasons: list[str], term: Node
) -> bool:
    """The matrix fraction uᵀ S⁻¹ u, jointly in an affine u and an affine positive definite S."""
    inverses = [(f, idx) for f, idx in moving if isinstance(f, Apply) and f.op == "inv"]
    others = [(f, idx) for f, idx in moving if (f, idx) not in inverses]
    if len(inverses) != 1 or len(others) != 2 or not all(is_nonnegative(shown(f)) == "yes" for f, _ in still):
        return False
    (inverse, middle), (u, i), (w, j) = inverses[0], *others
    inner = inverse.children[0]
    if u is not w or not affine(u, variables) or not affine(inner, variables):
        return False
    ends = set(i) ^ set(j)
    if ends != set(middle) or definiteness(shown(inner))[0] != "positive definite":
        return False
    reasons.append(f"{shown(term)} is a matrix fraction, convex in both of its parts together")
    return True


def _trace_of_inverse(
    moving: Factor, still: Sequence[Factor], variables: Sequence[Leaf], reasons: list[str], term: Node
) -> bool:
    """tr(C S⁻¹) with S affine and C positive semidefinite: the inverse is convex on the positive definite matrices."""
    f, idx = moving
    if not (isinstance(f, Apply) and f.op == "inv" and affine(f.children[0], variables) and isinstance(term, Ein)):
        return False
    if not definiteness(shown(f.children[0]))[0].startswith("positive"):
        return False
    sizes = {i: term.sizes[i] for _, j in ((f, idx), *still) for i in j}
    weight = ein(1, still, idx, sizes) if idx[0] != idx[1] else None
    if weight is not None and not definiteness(shown(weight))[0].startswith("positive"):
        return False
    if weight is None and not all(is_nonnegative(shown(g)) == "yes" for g, _ in still):
        return False
    reasons.append(f"{shown(term)} is convex, as the inverse is on the positive definite matrices")
    return True


def _quadratic_form(
    moving: Sequence[Factor], still: Sequence[Factor], variables: Sequence[Leaf], reasons: list[str], term: Node
) -> bool:
    """U' S u with u affine and S positive semidefinite, other factors nonnegative scalars."""
    if len(moving) != 2:
        return False
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
    if own and any(_jumps(n) and any(v in n.leaves for v in own) for n in walk(node)):
        return False  # functions with jumps have derivative 0 and are not affine
    try:
        return all(not any(u in derivative(node, v).leaves for u in variables) for v in own)
    except MissingRuleError:
        return False


def _jumps(n: Node) -> bool:
    return isinstance(n, Apply) and n.op == "map" and (n.param in JUMPS or not isinstance(n.param, str))
