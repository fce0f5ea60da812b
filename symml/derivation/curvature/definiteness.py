"""Definiteness of a Hessian from its structure: a sum of parts of one sign, with the reason of each part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from symml.calculus.construct import ein, operator, times, total, transposed
from symml.calculus.nodes import Apply, Ein, Leaf, Node, leaf, walk
from symml.calculus.reverse import derivative
from symml.calculus.transform import rebuild, substitute
from symml.codegen.entries import Kind
from symml.codegen.structure import FLIPPED, definiteness, is_nonnegative, is_positive
from symml.derivation.stationary.blocks import block_of, line_of
from symml.derivation.stationary.separating import Part, flat_terms, is_identity, merged, split
from symml.forms.lowering import leaf_of
from symml.forms.polishing.powers import gather_powers
from symml.forms.raising import Raising
from symml.language.expressions import Expression, Symbol
from symml.language.operators import add, multiply_any, power, symbol

WEAK: dict[str, Kind] = {"positive definite": "positive semidefinite", "negative definite": "negative semidefinite"}


@dataclass(frozen=True)
class Curvature:
    """Definiteness of a Hessian, its reasons, and the Hessian in words."""

    kind: Kind
    reasons: tuple[str, ...]
    shown: str
    latex: str


UNKNOWN = Curvature("unknown", (), "the Hessian", r"\nabla^2 f")


def shown(node: Node) -> Expression:
    """Return a node in matrix notation without names for its parts."""
    return gather_powers(Raising().run(node))


def curvature(hessian: Node, v: Any) -> Curvature:
    """Return the definiteness of a Hessian wherever it is evaluated, from its structure.

    A map H[dX] = Σ P dX Qᵀ has the sign of the products of the signs of P and Q.
    """
    if len(hessian.shape) == 4:
        return _of_map(hessian, v)
    matrix = shown(hessian)
    kind, reasons = definiteness(matrix)
    if hessian.shape == ():
        return Curvature(kind, tuple(reasons), f"f″ = {matrix}", f"f'' = {matrix.latex()}")
    return Curvature(kind, tuple(reasons), f"the Hessian {matrix}", rf"\nabla^2 f = {matrix.latex()}")


def _of_map(hessian: Node, v: Symbol) -> Curvature:
    entries = _entries(hessian)
    if entries is not None:
        return entries
    parts = split(hessian, "symmetric" in v.facts)
    if parts is None:
        return _line_by_line(hessian, v)
    if any(p.flipped for p in parts):
        return UNKNOWN
    direction = symbol(f"d{v.name}", v.shape, v.facts & {"symmetric"})
    kinds: list[Kind] = []
    reasons: list[str] = []
    terms = []
    for p in merged(parts):
        kind, why = _pair(p)
        kinds.append(kind)
        reasons.extend(w for w in why if w not in reasons)
        terms.append(multiply_any(shown(p.left), direction, shown(transposed(p.right))))
    action = add(*terms)
    return Curvature(
        _sum_kind(kinds),
        tuple(reasons),
        f"the Hessian H[{direction}] = {action}",
        rf"H[{direction.latex()}] = {action.latex()}",
    )


def _entries(hessian: Node) -> Curvature | None:
    """H[dX] = M ⊙ dX has the sign of the entries of M."""
    terms = flat_terms(hessian)
    if not all(
        isinstance(t, Ein) and t.out[:2] == t.out[2:] and t.out[0] != t.out[1] and len(t.factors) for t in terms
    ):
        return None
    short = [ein(t.coefficient, t.factors, t.out[:2], dict(enumerate(t.sizes))) for t in terms if isinstance(t, Ein)]
    matrix = shown(total(short, hessian.shape[:2]))
    kinds: tuple[tuple[int, Kind], ...] = ((1, "positive definite"), (-1, "negative definite"))
    for sign, kind in kinds:
        value = multiply_any(sign, matrix)
        strict, weak = is_positive(value) == "yes", is_nonnegative(value) == "yes"
        if strict or weak:
            found: Kind = kind if strict else WEAK[kind]
            relation = (">" if sign > 0 else "<") + ("" if strict else "=")
            return Curvature(
                found,
                (f"every entry of {matrix} is {relation} 0",),
                f"the Hessian (entry by entry) {matrix}",
                rf"\nabla^2 f = {matrix.latex()}",
            )
    return None


def _line_by_line(hessian: Node, v: Symbol) -> Curvature:
    """A map of each row alone has the sign of the blocks it acts by."""
    block = block_of(hessian, leaf_of(v))
    if block is None:
        return UNKNOWN
    matrix = shown(block.matrix)
    kind, reasons = definiteness(matrix)
    row = multiply_any(matrix, line_of(symbol(f"d{v.name}", v.shape), block))
    text = f"the Hessian, {row} in {'column' if block.axis else 'row'} {block.index},"
    return Curvature(kind, tuple(reasons), text, rf"\nabla^2 f \colon\; {row.latex()}")


def _pair(p: Part) -> tuple[Kind, list[str]]:
    sides = [definiteness(shown(side)) for side in (p.left, p.right)]
    told = [r for side, (_, why) in zip((p.left, p.right), sides, strict=True) if not is_identity(side) for r in why]
    (a, _), (b, _) = sides
    if "unknown" in (a, b):
        return "unknown", told
    kind: Kind = "zero" if "zero" in (a, b) else FLIPPED[b] if a.startswith("negative") else b
    return (WEAK.get(kind, kind) if a.endswith("semidefinite") else kind), told


def _sum_kind(kinds: Sequence[Kind]) -> Kind:
    strict_kinds: tuple[Kind, ...] = ("positive definite", "negative definite")
    for strict in strict_kinds:
        sign = strict.split()[0]
        if kinds and all(k.startswith(sign) or k == "zero" for k in kinds):
            return strict if strict in kinds else WEAK[strict]
    return "unknown"


def in_the_inverse(objective: Node, x: Leaf, v: Symbol) -> tuple[Node, Leaf] | None:
    """Return the objective as a function of Y = X⁻¹, and Y, where X⁻¹ occurs in it."""
    y = leaf(power(v, -1), f"{v.name} inverse", x.shape, x.facts)
    done: dict[Node, Node] = {}
    for node in walk(objective):
        over_x = isinstance(node, Apply) and node.children[0] is x
        log_det = isinstance(node, Apply) and node.op == "map" and node.param == "log" and _is_det(node.children[0], x)
        if over_x and node.op == "inv":  # type: ignore[attr-defined]
            done[node] = y
        elif log_det or (over_x and node.op == "logdet"):  # type: ignore[attr-defined]
            done[node] = times(-1, operator("logdet", (y,), ()))
        else:
            done[node] = rebuild(node, [done[c] for c in node.children])
    found = done[objective]
    if y not in found.leaves:
        return None
    return (substitute(found, {x: operator("inv", (y,), x.shape)}) if x in found.leaves else found), y


def _is_det(node: Node, x: Leaf) -> bool:
    return isinstance(node, Apply) and node.op == "det" and node.children[0] is x


def second_derivative(objective: Node, x: Leaf) -> Node:
    """Return the Hessian by one leaf."""
    return derivative(derivative(objective, x), x)
