"""Values of SymPy expressions at rational points to many digits, every shared sub-expression once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import mpmath
import sympy as sp

DIGITS = 60


class NoValueError(ArithmeticError):
    """The expression has no finite real value at the point, or lies at a kink."""


def values_at(expressions: Sequence[Any], point: Mapping[Any, Any], digits: int = DIGITS) -> list[Any]:
    """Return the values as mpmath reals.

    Raises
    ------
    NoValueError
        If one is infinite, complex, or at a kink.
    """
    with mpmath.workdps(digits):
        known: dict[Any, Any] = {s: _number(v) for s, v in point.items()}
        try:
            found = [_value(e, known) for e in expressions]
        except (ZeroDivisionError, ValueError, OverflowError, TypeError) as error:
            raise NoValueError(str(error)) from error
        if not all(mpmath.isfinite(v) and not isinstance(v, mpmath.mpc) for v in found):
            raise NoValueError("not finite and real")
        return found


def _number(value: Any) -> Any:
    return mpmath.mpf(int(value.p)) / int(value.q) if value.is_Rational else value._to_mpmath(mpmath.mp.prec)


def _value(root: Any, known: dict[Any, Any]) -> Any:
    waiting = [root]
    while waiting:
        node = waiting[-1]
        missing = [a for a in node.args if a not in known]
        if missing:
            waiting.extend(missing)
            continue
        waiting.pop()
        if node not in known:
            known[node] = _one(node, [known[a] for a in node.args])
    return known[root]


def _one(node: Any, args: list[Any]) -> Any:
    if node.is_Number or node.is_NumberSymbol:
        return _number(node)
    rule = _FUNCTIONS.get(type(node).__name__)
    if rule is None:
        if node.is_Symbol:
            raise ValueError(f"{node} has no value")
        exact = [sp.Float._new(a._mpf_, mpmath.mp.prec) for a in args]
        return node.func(*exact).evalf(mpmath.mp.dps)._to_mpmath(mpmath.mp.prec)
    return rule(*args)


def _side(x: Any) -> Any:
    if abs(x) < mpmath.mpf("1e-20"):
        raise ValueError("at a kink")
    return mpmath.sign(x)


def _product(*factors: Any) -> Any:
    found = mpmath.mpf(1)
    for f in factors:
        found = found * f
    return found


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "Add": lambda *terms: mpmath.fsum(terms), "Mul": _product, "Pow": lambda x, q: x**q, "side": _side,
    "exp": mpmath.exp, "log": mpmath.log, "sin": mpmath.sin, "cos": mpmath.cos, "tan": mpmath.tan, "sinh": mpmath.sinh,
    "cosh": mpmath.cosh, "tanh": mpmath.tanh, "atan": mpmath.atan, "erf": mpmath.erf, "erfc": mpmath.erfc,
    "gamma": mpmath.gamma, "loggamma": mpmath.loggamma, "polygamma": lambda n, x: mpmath.polygamma(int(n), x),
    "digamma": mpmath.digamma, "factorial": mpmath.factorial, "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log(1 + mpmath.exp(x)),
}  # fmt: skip
