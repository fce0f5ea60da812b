"""Kind of a stationary point: definiteness of the Hessian as a sum of parts, or a second-order test at the point.

What is proved is said with its reason; what was only tested at random data says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from symml.calculus.construct import times
from symml.calculus.nodes import Apply, Leaf, Node, leaf, walk
from symml.calculus.reverse import derivative
from symml.calculus.transform import rebuild
from symml.codegen.structure import FLIPPED, Kind, definiteness
from symml.derivation.separating import Part, merged, split
from symml.forms.raising import Raising
from symml.language.expressions import Add, Expression, Symbol
from symml.language.operators import multiply_any, symbol
from symml.records import Verdict, verdict

WEAK = {"positive definite": "positive semidefinite", "negative definite": "negative semidefinite"}
UNCONSTRAINED = ("orthogonal", "diagonal", "identity", "idempotent", "lower triangular", "upper triangular",
                 "orthonormal columns", "unit norm", "sums to one", "rows sum to one", "mask", "centred")  # fmt: skip


@dataclass(frozen=True)
class Curvature:
    """Definiteness of a Hessian, its reasons, how it is shown and how sure it is."""

    kind: Kind
    reasons: tuple[str, ...]
    shown: str
    verdict: Verdict


def curvature(hessian: Node, v: Any) -> Curvature:
    """Return the definiteness of a Hessian wherever it is evaluated, from its structure."""
    if len(hessian.shape) == 4:
        return _of_map(hessian, v)
    shown = Raising().run(hessian)
    kind, reasons = definiteness(shown)
    name = "f″" if hessian.shape == () else "the Hessian"
    return _told(kind, [r for r in reasons if isinstance(shown, Add)] or reasons, f"{name} {shown}" if hessian.shape else f"{name} = {shown}")


def _told(kind: Kind, reasons: Sequence[str], shown: str) -> Curvature:
    sure = verdict("unchecked", reason="nothing is known of its sign") if kind == "unknown" else verdict("proved", "; ".join(reasons))
    return Curvature(kind, tuple(reasons), shown, sure)


def _of_map(hessian: Node, v: Symbol) -> Curvature:
    """H[dX] = Σ P dX Qᵀ is definite when each pair P, Q is."""
    symmetric = "symmetric" in v.facts
    parts = split(hessian, symmetric)
    if parts is None or any(p.flipped for p in parts):
        return _told("unknown", ("the Hessian has no form P dX Q whose sign can be read off",), "the Hessian")
    direction = symbol(f"d{v.name}", v.shape, v.facts & {"symmetric"})
    kinds: list[Kind] = []
    reasons: list[str] = []
    terms = []
    for p in merged(parts):
        one, two = Raising().run(p.left), Raising().run(p.right)
        kind, why = _pair(one, two)
        kinds.append(kind)
        reasons.extend(w for w in why if w not in reasons)
        terms.append(map_term(p, direction))
    total = " + ".join(str(t) for t in terms).replace("+ −", "− ")
    return _told(_sum_kind(kinds), reasons, f"the Hessian H[{direction}] = {total}")


def map_term(p: Part, x: Expression) -> Expression:
    """Return P X Qᵀ."""
    return multiply_any(Raising().run(p.left), x, Raising().run(times(1, _transposed(p.right))))


def _transposed(node: Node) -> Node:
    from_axes = rebuild(node, list(node.children))
    return from_axes


def _pair(one: Expression, two: Expression) -> tuple[Kind, list[str]]:
    (a, why), (b, also) = definiteness(one), definiteness(two)
    if "unknown" in (a, b):
        return "unknown", [*why, *also]
    kind: Kind = b
    if a.startswith("negative"):
        kind = FLIPPED[b]
    if "zero" in (a, b):
        kind = "zero"
    elif a.endswith("semidefinite"):
        kind = WEAK.get(kind, kind)  # type: ignore[assignment]
    return kind, [r for r in (*why, *also) if not r.startswith("I is ") and " I_" not in r.split(" is ")[0]]


def _sum_kind(kinds: Sequence[Kind]) -> Kind:
    for sign in ("positive", "negative"):
        if kinds and all(k.startswith(sign) or k == "zero" for k in kinds):
            strict: Kind = "positive definite" if sign == "positive" else "negative definite"
            return strict if strict in kinds else WEAK[strict]  # type: ignore[return-value]
    return "unknown"


# -- another variable ---------------------------------------------------------------------------------------------
def in_the_inverse(objective: Node, x: Leaf, v: Symbol) -> tuple[Node, Leaf] | None:
    """Return the objective as a function of Y = X⁻¹, if X occurs only in X⁻¹ and log det X."""
    y = leaf(v, f"{v.name}inverse", x.shape, x.facts)
    done: dict[Node, Node] = {}
    for node in walk(objective):
        if isinstance(node, Apply) and node.op == "inv" and node.children[0] is x:
            done[node] = y
        elif isinstance(node, Apply) and node.op == "logdet" and node.children[0] is x:
            from symml.calculus.construct import operator

            done[node] = times(-1, operator("logdet", (y,), ()))
        else:
            done[node] = rebuild(node, [done[c] for c in node.children])
    found = done[objective]
    return None if x in found.leaves else (found, y)


def second_derivative(objective: Node, x: Leaf) -> Node:
    """Return the Hessian by one leaf."""
    return derivative(derivative(objective, x), x)
