"""Length of an expression in printed tokens, the measure by which forms are chosen."""

from __future__ import annotations

import sympy as sp

from symml.language.expressions import (
    Action,
    Add,
    Apply,
    BoundSum,
    Call,
    Einstein,
    Element,
    ElemPow,
    Expression,
    Eye,
    Hadamard,
    Index,
    Indicator,
    Literal,
    Mul,
    Ones,
    Pow,
    Scalar,
    Symbol,
    Transpose,
    Where,
    Zeros,
)  # fmt: skip

ATOMS = (Symbol, Scalar, Eye, Ones, Zeros, Literal, Index)


def cost(expression: Expression) -> int:
    """Return the number of tokens in which an expression prints, approximately."""
    found = expression.memo.get("cost")
    if found is None:
        waiting = [expression]
        while waiting:
            node = waiting[-1]
            missing = [a for a in node.args if "cost" not in a.memo]
            if missing:
                waiting.extend(missing)
                continue
            waiting.pop()
            node.memo["cost"] = _own(node) + sum(a.memo["cost"] + _brackets(node, a) for a in node.args)
        found = expression.memo["cost"]
    return int(found)


def scalar_cost(value: sp.Expr) -> int:
    """Tokens of a SymPy scalar."""
    if value.is_Symbol:
        return 1
    if value.is_Integer:
        return 2 if value.is_negative else 1
    if value.is_Rational:
        return 4 if value.is_negative else 3
    if value.is_Pow:
        base = scalar_cost(value.base) + (0 if value.base.is_Atom else 2)
        if value.exp == -1:
            return 2 + base
        return base + (1 if value.exp.is_Integer and value.exp > 0 else 2 + scalar_cost(value.exp))
    inner = sum(scalar_cost(a) for a in value.args)
    if value.is_Mul:
        return inner + (1 if value.could_extract_minus_sign() else 0)
    return inner + len(value.args) - 1 if value.is_Add else inner + 3


def _own(node: Expression) -> int:
    if isinstance(node, Scalar):
        return scalar_cost(node.value)
    if isinstance(node, Mul):
        return 0 if node.coefficient == 1 else 1 if node.coefficient == -1 else scalar_cost(node.coefficient)
    if isinstance(node, Where):
        return 1 + 3 * len(node.names)
    if isinstance(node, Add):
        return len(node.args) - 1
    if isinstance(node, Hadamard):
        return len(node.args) - 1 - 2 * sum(_is_quotient(a) for a in node.args[1:])  # u ⊘ v
    if isinstance(node, (Pow, ElemPow)):
        if node.shape == () and node.exponent.is_negative:
            return 1 + (0 if node.exponent == -1 else 1)
        return (2 if _is_quotient(node) else 0) + (0 if isinstance(node, ElemPow) and node.exponent == -1 else 1)
    return _WEIGHT.get(type(node), 1)


def _is_quotient(node: Expression) -> bool:
    """Whether a power is written 1 ⊘ x."""
    return isinstance(node, ElemPow) and bool(node.exponent.is_Integer and node.exponent < 0)


_WEIGHT: dict[type[Expression], int] = {
    Symbol: 1, Transpose: 1, Call: 3, Apply: 4, Indicator: 3, Element: 4, BoundSum: 5, Einstein: 12, Action: 5,
    Where: 1, Literal: 8,
}  # fmt: skip


def _brackets(node: Expression, child: Expression) -> int:
    """Two tokens where a child needs brackets under its parent."""
    if isinstance(child, ATOMS) or isinstance(node, (Add, Call, Where, Action, Indicator, Apply)):
        return 0
    if isinstance(node, Mul):
        tight = isinstance(child, (Add, Hadamard)) or (isinstance(child, Mul) and child is not node.args[0])
        tight = tight or _is_quotient(child)
        return 2 if tight and len(node.args) + (node.coefficient != 1) > 1 else 0
    if isinstance(node, Hadamard):
        return 2 if isinstance(child, Add) else 0
    return 2 if isinstance(child, (Add, Mul, Hadamard, Transpose, Pow, ElemPow)) and not _fused(node, child) else 0


def _fused(node: Expression, child: Expression) -> bool:
    """Z⁻ᵀ and ‖x‖² need no brackets."""
    return isinstance(node, Transpose) and isinstance(child, Pow) and child.exponent == -1
