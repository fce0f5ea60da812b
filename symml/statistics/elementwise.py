"""Between one observation and the whole sample: scalars of SymPy become elementwise arrays, and back.

`lift` puts arrays for the symbols of a scalar expression; `sum_over_sample` sums the result over the observations;
`peel` undoes the elementwise functions around a linear predictor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sympy as sp

from symml.errors import NotSupportedError
from symml.language.expressions import Add, Call, ElemPow, Expression, Hadamard, Mul, Scalar, postorder
from symml.language.function import function, functions
from symml.language.operators import (
    add,
    call,
    elementwise_power,
    elementwise_product,
    multiply_any,
    ones,
    scalar,
    transpose,
)  # fmt: skip
from symml.language.scalar_functions import sigmoid, softplus

Arrays = Mapping[sp.Symbol, Expression]


# -- scalars to arrays --------------------------------------------------------------------------------------------
def lift(value: sp.Expr, arrays: Arrays) -> Expression:
    """Return a scalar expression with arrays of one shape put for some of its symbols, elementwise.

    Raises
    ------
    NotSupportedError
        If a function of an array has no record; it is named.
    """
    done: dict[Any, Expression] = {}
    waiting = [value]
    while waiting:
        part = waiting[-1]
        if part in arrays or not part.has(*arrays) or part in done:
            waiting.pop()
            done.setdefault(part, arrays[part] if part in arrays else scalar(part))
            continue
        below = [a for a in part.args if a not in done]
        if below:
            waiting.extend(below)
            continue
        waiting.pop()
        done[part] = _lifted(part, [done[a] for a in part.args])
    return done[value]


def _lifted(part: Any, args: list[Expression]) -> Expression:
    for cls in type(part).__mro__:
        rule = _LIFT.get(cls)
        if rule is not None:
            return rule(args)
    name = next((f.name for f in functions().values() if f.kind == "elementwise" and f.sympy is type(part)), "")
    if not name:
        raise NotSupportedError(f"{type(part).__name__} of a whole sample has no counterpart: {part}")
    return call(name, *args)


def _power(args: list[Expression]) -> Expression:
    base, exponent = args
    if isinstance(base, Scalar) and base.value == sp.E:
        return call("exp", exponent)
    return elementwise_power(base, exponent)


def _last_in_sum(e: Expression) -> tuple[bool, bool]:
    """Terms with a minus stand last, a number behind what is not one: y + 1, 1 − σ."""
    minus = (
        e.value.could_extract_minus_sign()
        if isinstance(e, Scalar)
        else isinstance(e, Mul) and e.coefficient.could_extract_minus_sign()
    )
    return bool(minus), isinstance(e, Scalar) and e.value.is_number


_LIFT: dict[Any, Callable[[list[Expression]], Expression]] = {
    sp.Add: lambda args: add(*sorted(args, key=_last_in_sum)),
    sp.Mul: lambda args: elementwise_product(*sorted(args, key=lambda a: isinstance(a, Add))),
    sp.Pow: _power,
    sp.exp: lambda args: call("exp", args[-1]),
}


def sum_over_sample(value: sp.Expr, arrays: Arrays, size: Any) -> Expression:
    """Return the sum over the sample of a scalar expression of one observation, one additive term at a time.

    A product of two arrays becomes a dot product, a square a squared norm, what holds no array is counted `size` times.
    """
    terms, plain = [], []
    for term in sorted(sp.Add.make_args(value), key=lambda t: t.could_extract_minus_sign()):
        if not term.has(*arrays):
            plain.append(size * term)
            continue
        outside, inside = term.as_independent(*arrays, as_Add=False)
        terms.append(multiply_any(scalar(outside), _total(inside, arrays)))
    return add(*([scalar(sp.Add(*plain))] if plain else []), *terms)


def _total(inside: sp.Expr, arrays: Arrays) -> Expression:
    factors = list(sp.Mul.make_args(inside))
    if len(factors) == 1 and factors[0].is_Pow and factors[0].exp == 2:
        return multiply_any(*[call("norm", lift(factors[0].base, arrays)) ** 2])
    if len(factors) == 2:
        a, b = (lift(f, arrays) for f in sorted(factors, key=lambda f: (f not in arrays, str(f))))
        return multiply_any(transpose(a), b)
    return call("sum", lift(inside, arrays))


def ones_like(size: Any) -> Expression:
    """Return the vector of ones of the sample."""
    return ones(size)


# -- arrays to scalars --------------------------------------------------------------------------------------------
def peel(e: Expression, fresh: Callable[[Expression], sp.Symbol]) -> sp.Expr:
    """Return a vector expression as a SymPy function of linear predictors; `fresh` names each of these.

    Examples
    --------
    ``exp(X β)`` gives ``exp(z)`` with z for X β.
    """
    nonlinear: dict[Expression, sp.Expr] = {}

    def value(node: Expression) -> sp.Expr:
        if isinstance(node, Scalar):
            return node.value
        return nonlinear[node] if node in nonlinear else fresh(node)

    for node in postorder(e):
        if node.shape != e.shape or isinstance(node, Scalar):
            continue
        rule = _PEEL.get(type(node))
        if rule is not None:
            found = rule(node, value, nonlinear)
            if found is not None:
                nonlinear[node] = found
    return value(e)


Value = Callable[[Expression], sp.Expr]
Known = Mapping[Expression, sp.Expr]


def _peel_call(node: Call, value: Value, known: Known) -> sp.Expr | None:
    record = function(node.function)
    return record.sympy(value(node.args[0])) if record.kind == "elementwise" and record.sympy else None


def _peel_add(node: Add, value: Value, known: Known) -> sp.Expr | None:
    if not any(a in known for a in node.args):
        return None
    linear = [a for a in node.args if a.shape != () and a not in known]
    rest = sp.Add(*(value(a) for a in node.args if a not in linear))
    return rest + value(add(*linear)) if linear else rest


def _peel_mul(node: Mul, value: Value, known: Known) -> sp.Expr | None:
    arrays = [a for a in node.args if a.shape != ()]
    if len(arrays) != 1 or arrays[0] not in known or len(node.args) != 1:
        return None
    return node.coefficient * known[arrays[0]]


_PEEL: dict[type[Expression], Callable[[Any, Value, Known], sp.Expr | None]] = {
    Call: _peel_call,
    Add: _peel_add,
    Mul: _peel_mul,
    Hadamard: lambda node, value, known: (
        sp.Mul(*(value(a) for a in node.args)) if any(a in known for a in node.args) else None
    ),
    ElemPow: lambda node, value, known: value(node.args[0]) ** node.exponent,
}


# -- links --------------------------------------------------------------------------------------------------------
def expand_links(value: sp.Expr) -> sp.Expr:
    """Return a log-density with the logarithms of sigmoids written by softplus: log σ(u) = u − softplus(u)."""
    u = sp.Wild("u")
    found = value.replace(sp.log(sigmoid(u)), u - softplus(u)).replace(sp.log(1 - sigmoid(u)), -softplus(u))
    return sp.expand(found) if found != value else found
