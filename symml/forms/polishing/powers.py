"""Powers of a repeated factor: X X X → X³, Xᵀ Xᵀ → (X²)ᵀ, r ⊙ r ⊘ r^∘2 → 1; exp(x) ⊙ exp(−x) → 1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp

from symml.forms.cost import cost
from symml.forms.polishing.sums import combine
from symml.language.expressions import Add, Call, ElemPow, Expression, Hadamard, Mul, Transpose, postorder
from symml.language.operators import (
    add,
    call,
    elementwise_power,
    elementwise_product,
    is_zero,
    multiply_any,
    ones,
    power,
    rebuild,
    scalar,
    transpose,
)  # fmt: skip


def gather_powers(e: Expression) -> Expression:
    """Return the expression with runs of one factor written as a power, where that prints shorter."""
    done: dict[Expression, Expression] = {}
    for node in postorder(e):
        changed = any(done[a] is not a for a in node.args)
        new = rebuild(node, [done[a] for a in node.args]) if changed else node
        rule = _RULES.get(type(new))
        if rule is not None:
            new = rule(new)
        elif changed and isinstance(new, Add):
            new = combine(new.args)
        done[node] = new
    return done[e]


def _gathered(node: Mul) -> Expression:
    factors: list[Expression] = []
    k = 0
    while k < len(node.args):
        run = 1
        while k + run < len(node.args) and node.args[k + run] is node.args[k] and len(node.args[k].shape) == 2:
            run += 1
        factors.append(_power(node.args[k], run))
        k += run
    found = multiply_any(scalar(node.coefficient), *factors)
    return found if cost(found) <= cost(node) else node


def _power(e: Expression, run: int) -> Expression:
    if run == 1:
        return e
    return transpose(power(e.args[0], run)) if isinstance(e, Transpose) else power(e, run)


def _merged(node: Hadamard) -> Expression:
    """An elementwise product with one power of each base, and one exponential where exponents cancel."""
    total = _joint_exponent(node)
    exponents: dict[Expression, sp.Expr] = {}
    for a in node.args:
        if total is None or not _is_exponential(a):
            base, q = (a.args[0], a.exponent) if isinstance(a, ElemPow) else (a, sp.S.One)
            exponents[base] = exponents.get(base, sp.S.Zero) + q
    if len(exponents) == len(node.args):
        return node
    ordered = sorted(exponents.items(), key=lambda item: item[1].is_negative is True)  # quotients last
    factors = [elementwise_power(base, scalar(q)) for base, q in ordered]
    if total is not None and not is_zero(total):
        factors.append(call("exp", total))
    found = elementwise_product(*(factors or [ones(*node.shape)]))
    return found if cost(found) < cost(node) else node


def _joint_exponent(node: Hadamard) -> Expression | None:
    """The sum of the exponents of exponentials, where terms of it cancel; else None."""
    angles = [a.args[0] for a in node.args if _is_exponential(a)]
    terms = [t for a in angles for t in (a.args if isinstance(a, Add) else (a,))]
    if len(angles) < 2:
        return None
    total = add(*terms)
    left = 0 if is_zero(total) else len(total.args) if isinstance(total, Add) else 1
    return total if left < len(terms) else None


def _is_exponential(e: Expression) -> bool:
    return isinstance(e, Call) and e.function == "exp"


_RULES: dict[type[Expression], Callable[[Any], Expression]] = {Mul: _gathered, Hadamard: _merged}
