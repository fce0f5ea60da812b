"""Powers of a repeated factor: X X X → X³, Xᵀ Xᵀ → (X²)ᵀ."""

from __future__ import annotations

from symml.forms.cost import cost
from symml.language.expressions import Expression, Mul, Transpose, postorder
from symml.language.operators import multiply_any, power, rebuild, scalar, transpose


def gather_powers(e: Expression) -> Expression:
    """Return the expression with runs of one square factor written as a power, where that prints shorter."""
    done: dict[Expression, Expression] = {}
    for node in postorder(e):
        new = rebuild(node, [done[a] for a in node.args]) if any(done[a] is not a for a in node.args) else node
        done[node] = _gathered(new) if isinstance(new, Mul) else new
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
