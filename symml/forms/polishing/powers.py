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
    """An elementwise product with one power of each base, and one exponential."""
    exponents: dict[Expression, sp.Expr] = {}
    angles = [a.args[0] for a in node.args if isinstance(a, Call) and a.function == "exp"]
    for a in node.args:
        if not (isinstance(a, Call) and a.function == "exp" and len(angles) > 1):
            base, q = (a.args[0], a.exponent) if isinstance(a, ElemPow) else (a, sp.S.One)
            exponents[base] = exponents.get(base, sp.S.Zero) + q
    if len(exponents) == len(node.args):
        return node
    ordered = sorted(exponents.items(), key=lambda item: item[1].is_negative is True)  # quotients last
    factors = [elementwise_power(base, scalar(q)) for base, q in ordered]
    if len(angles) > 1:
        total = add(*angles)
        factors.append(ones(*node.shape) if is_zero(total) else call("exp", total))
    found = elementwise_product(*factors)
    return found if cost(found) < cost(node) else node


_RULES: dict[type[Expression], Callable[[Any], Expression]] = {Mul: _gathered, Hadamard: _merged}
