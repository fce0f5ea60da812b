"""A bound of the Hessian that holds at every point: Lᵀ diag(s(L w)) L where the function s is bounded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import sympy as sp

from symml.derivation.curvature.structure import factor_parts
from symml.derivation.points.critical import critical_points
from symml.derivation.points.polynomial_systems import number
from symml.errors import NoClosedFormError
from symml.language.expressions import Add, Call, ElemPow, Expression, Hadamard, Mul, Ones, Scalar, postorder
from symml.language.function import function
from symml.language.operators import add, call, multiply_any, scalar, transpose

if TYPE_CHECKING:
    from symml.derivation.derivation import Derivation

HALF = sp.S.Half  # diag(p) − p pᵀ of a point of the simplex has no larger eigenvalue


def bound_everywhere(derivation: Derivation) -> Expression | None:
    """Return a number that no eigenvalue of the Hessian exceeds at any point; None where none is known."""
    v = derivation.wrt[0]
    if not derivation.single or len(getattr(v, "shape", ())) != 1:
        return None
    found = factor_parts(derivation)
    if found is None:
        return None
    _, parts = found
    side, beside = parts.get("L"), parts.get("D", scalar(0))
    if side is None or v in side.free_symbols or v in beside.free_symbols or beside.shape != () or "S" in parts:
        return None
    top = _of_middle(parts, v)
    if top is None or not top.is_positive:
        return None
    gram = multiply_any(transpose(side), side)
    return add(multiply_any(scalar(top), call("eigmax", gram)), beside)


def _of_middle(parts: Mapping[str, Expression], v: Any) -> Any:
    entries = parts.get("s")
    if entries is None:
        return None
    front = parts.get("a", scalar(1))
    if "u" not in parts:
        return _largest_value(multiply_any(front, entries), v)
    is_softmax = isinstance(entries, Call) and entries.function == "softmax" and parts["u"] == entries
    return HALF if is_softmax and parts["c"] == scalar(-1) and front == scalar(1) else None


def _largest_value(entries: Expression, v: Any) -> Any:
    """The least upper bound of a function of one argument, such as 1/4 for σ(z) ⊙ (1 − σ(z))."""
    z = sp.Symbol("z", real=True)
    for argument in reversed(postorder(entries)):
        if (
            isinstance(argument, (Add, Mul, Hadamard))
            and argument.shape == entries.shape
            and v in argument.free_symbols
        ):
            value = _as_function(entries, argument, z)
            if value is None:
                continue
            front, rest = value.as_independent(z, as_Add=False)
            sign, front = front.as_coeff_Mul()
            known = rest.free_symbols == {z} and front.is_positive
            top = _supremum(sign * rest, z) if known else None
            if top is not None:
                return front * top
    return None


def _supremum(value: Any, z: sp.Symbol) -> Any:
    """The least upper bound of a function on the real numbers; None where it is not known or infinite."""
    try:
        found = critical_points(value, [z])
    except NoClosedFormError:
        return None
    places = [p.values["z"].value for p in found.points if isinstance(p.values["z"], Scalar)]
    if not found.complete or found.periodic or any(x.free_symbols for x in places):
        return None
    ends = [sp.limit(value.rewrite(sp.exp), z, end) for end in (sp.oo, -sp.oo)]
    values = [sp.simplify(value.subs(z, x).rewrite(sp.exp)) for x in places] + ends
    if not all(x.is_number and x.is_finite for x in values):
        return None
    return max(values, key=lambda x: float(number(x)))


def _as_function(e: Expression, argument: Expression, z: sp.Symbol) -> Any:
    """An elementwise expression as a function of its argument; None for anything else."""
    done: dict[Expression, Any] = {argument: z}
    for node in postorder(e):
        if node not in done:
            write = _WRITE.get(type(node))
            parts = [done.get(a) for a in node.args]
            done[node] = None if write is None or None in parts else write(node, parts)
    return done[e]


def _call(node: Call, parts: list[Any]) -> Any:
    record = function(node.function)
    return record.sympy(parts[0]) if len(parts) == 1 and record.sympy is not None else None


_WRITE: Mapping[type[Expression], Callable[[Any, list[Any]], Any]] = {
    Scalar: lambda node, parts: node.value,
    Ones: lambda node, parts: sp.S.One,
    Add: lambda node, parts: sp.Add(*parts),
    Hadamard: lambda node, parts: sp.Mul(*parts),
    Mul: lambda node, parts: sp.Mul(node.coefficient, *parts) if sum(a.shape != () for a in node.args) == 1 else None,
    ElemPow: lambda node, parts: parts[0] ** node.exponent,
    Call: _call,
}
