"""Linear equations for a matrix X: two-sided products, Sylvester and vec, mixed X and Xᵀ, row by row, numbers only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from symml.calculus.construct import is_zero, scaled, times, total, transposed, zero
from symml.calculus.construct import power as reciprocal
from symml.calculus.nodes import Ein, Leaf, Node
from symml.calculus.transform import substitute
from symml.derivation.stationary.affine import collected, negated
from symml.derivation.stationary.blocks import block_of, line_of
from symml.derivation.stationary.equations import Equation, Solution, every, every_tex, inverse, shown
from symml.derivation.stationary.linear_systems import LinearMap, RowByRow, Sylvester
from symml.derivation.stationary.separating import (
    Part,
    chain,
    expand_in,
    flat_terms,
    identity_multiple,
    is_identity,
    merged,
    split,
)
from symml.errors import NotSupportedError
from symml.forms.lowering import lower
from symml.forms.slicing import slice_at
from symml.language.expressions import Expression, Scalar, Symbol
from symml.language.operators import add, call, eye, multiply_any, power, scalar, symbol, transpose

COMMUTATION = ("K", "T", "Com")


def two_sided(jacobian: Node, target: Node, v: Symbol, x: Leaf, name: Expression) -> Solution | None:
    """Return the solution of Σ P X Qᵀ = C, also with Xᵀ; None where a term has no such form."""
    found = split(jacobian, "symmetric" in v.facts)
    if found is None:
        return None
    if all(p.flipped for p in found):
        found = [Part(p.right, p.left) for p in found]
        target = transposed(target)
    if any(p.flipped for p in found):
        return _mixed(found, target, v, name)
    parts = merged(found)
    equation = Equation(add(*(_term(p, name) for p in parts)), shown(target))
    if len(parts) == 1:
        p = parts[0]
        root = chain(inverse(p.left), target, transposed(inverse(p.right)))
        return Solution(v, equation, (root,), "affine", parts=(shown(p.left), shown(p.right)))
    return _sylvester(parts, v, equation)


def _term(p: Part, name: Expression) -> Expression:
    return multiply_any(shown(p.left), transpose(name) if p.flipped else name, shown(transposed(p.right)))


def _sylvester(parts: Sequence[Part], v: Symbol, equation: Equation) -> Solution:
    """P₁ X Q₁ᵀ + P₂ X Q₂ᵀ + … = C: a formula for vec(X) only."""
    left = [p for p in parts if is_identity(p.right)]
    right = [p for p in parts if is_identity(p.left) and not is_identity(p.right)]
    whole = LinearMap(equation.lhs, equation.rhs, v)
    krons = add(*(_kron(p) for p in parts))
    vec = multiply_any(power(krons, -1), call("vec", equation.rhs))
    label = call("vec", v)
    if len(left) == 1 and len(right) == 1 and len(parts) == 2:
        a, b = shown(left[0].left), shown(transposed(right[0].right))
        method = "lyapunov" if left[0].left.digest == right[0].right.digest else "sylvester"
        numbers = Sylvester(a, b, equation.rhs, whole)
        return Solution(v, equation, (), method, formula=vec, label=label, numbers=numbers, parts=(a, b))
    return Solution(v, equation, (), "kronecker", formula=vec, label=label, numbers=whole, parts=(krons,))


def _kron(p: Part) -> Expression:
    return call("kron", _or_eye(p.right), _or_eye(p.left))


def _or_eye(node: Node) -> Expression:
    return eye(node.shape[0]) if is_identity(node) else shown(node)


# -- X and Xᵀ -----------------------------------------------------------------------------------------------------
def _mixed(found: Sequence[Part], target: Node, v: Symbol, name: Expression) -> Solution:
    """Σ P X Qᵀ + Σ P Xᵀ Qᵀ = C: with the commutation matrix, K vec(X) = vec(Xᵀ)."""
    straight, turned = ([p for p in found if p.flipped is side] for side in (False, True))
    groups = [*merged(straight), *(Part(p.left, p.right, True) for p in merged(turned))]
    equation = Equation(add(*(_term(p, name) for p in groups)), shown(target))
    scalars = [_number(p) for p in groups]
    if len(groups) == 2 and None not in scalars:
        return _own_transpose(scalars, target, v, equation)
    leaves = {leaf.name for p in groups for n in (p.left, p.right) for leaf in n.leaves} | {v.name}
    commutation = symbol(next(k for k in COMMUTATION if k not in leaves), (v.shape[0] * v.shape[1],) * 2)
    krons = add(*(multiply_any(_kron(p), commutation) if p.flipped else _kron(p) for p in groups))
    vec = multiply_any(power(krons, -1), call("vec", equation.rhs))
    label, turned_label = call("vec", v), call("vec", transpose(v))
    told = f", where {commutation} {label} = {turned_label} (the commutation matrix)"
    tail = (told, rf",\quad {commutation} {label.latex()} = {turned_label.latex()}")
    numbers = LinearMap(equation.lhs, equation.rhs, v)
    return Solution(v, equation, (), "mixed", formula=vec, label=label, numbers=numbers, parts=(krons,), tail=tail)


def _number(p: Part) -> Node | None:
    """The number s of P X Qᵀ = s X."""
    left, right = identity_multiple(p.left), identity_multiple(p.right)
    return None if left is None or right is None else scaled(left, right)


def _own_transpose(scalars: Sequence[Any], target: Node, v: Symbol, equation: Equation) -> Solution:
    """Return X = (s C − t Cᵀ)/(s² − t²), the solution of s X + t Xᵀ = C: with its transpose two equations."""
    s, t = scalars
    below = total([reciprocal(s, 2), times(-1, reciprocal(t, 2))], ())
    weights = [scaled(reciprocal(below, -1), n) for n in (s, times(-1, t))]
    values = [shown(n) for n in (*weights, below)]
    if all(isinstance(e, Scalar) for e in values):
        weights = [lower(scalar(sp.cancel(e.value))) for e in values[:2]]  # type: ignore[attr-defined]
        values[2] = scalar(sp.factor(values[2].value))  # type: ignore[attr-defined]
    root = total([scaled(weights[0], target), scaled(weights[1], transposed(target))], target.shape)
    return Solution(v, equation, (root,), "transposed", parts=(values[2],))


# -- no two-sided products ----------------------------------------------------------------------------------------
def row_by_row(equation: Node, v: Symbol, x: Leaf, name: Expression) -> Solution | None:
    """The equation falls apart into one for each row, or each column, of X."""
    parted = collected(equation, x)
    if parted is None:
        return None
    jacobian, target = parted
    block = block_of(jacobian, target, x)
    if block is None:
        return None
    try:
        right = slice_at(target, block.axis, block.index)
    except NotSupportedError:
        return None
    line = line_of(name, block)
    matrix, wanted = shown(block.matrix), shown(right)
    formula = shown(chain(inverse(block.matrix), right))
    return Solution(
        v,
        Equation(multiply_any(matrix, line), wanted, block.index),
        (),
        "columns" if block.axis else "rows",
        formula=formula,
        label=line,
        numbers=RowByRow(matrix, wanted, block.index, block.axis),
        parts=(matrix,),
        tail=(every(block.index), every_tex(block.index)),
    )


def at_once(equation: Node, v: Symbol, x: Leaf, name: Expression) -> Solution | None:
    """Any other equation linear in X: its entries are one linear system, solved at the data."""
    if collected(equation, x) is None:
        return None
    whole = expand_in(equation, x)
    terms = [t for t in flat_terms(whole) if x in t.leaves]
    moving = total(terms, whole.shape)
    still = negated(substitute(whole, {x: zero(x.shape)}))
    if not is_zero(substitute(moving, {x: zero(x.shape)})):
        return None
    if isinstance(terms[0], Ein) and terms[0].coefficient < 0:
        moving, still = negated(moving), negated(still)
    try:
        sides = Equation(shown(moving), shown(still))
    except NotSupportedError:
        return None
    return Solution(v, sides, (), "linear", numbers=LinearMap(sides.lhs, sides.rhs, v))
