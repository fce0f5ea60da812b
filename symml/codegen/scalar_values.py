"""Values of SymPy scalars: a tree of small closures, built in microseconds where `lambdify` takes a millisecond.

The closures work on numbers and on arrays, entry by entry; what has no row here falls back to `sympy.lambdify`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import lru_cache, reduce
from operator import itemgetter
from typing import Any

import numpy as np
import sympy as sp
from sympy.logic.boolalg import BooleanAtom, BooleanFunction

from symml.errors import DomainError, NotSupportedError
from symml.language.function import functions
from symml.language.names import canonical
from symml.language.scalar_functions import ScalarFunction
from symml.libraries import special

Values = Mapping[str, Any]
Scalar = Callable[[Values], Any]

ARGUMENT = sp.Dummy("argument", real=True)  # the variable of a Lambda, under a key no symbol has


def key_of(symbol: sp.Symbol) -> str:
    """Return the key of a SymPy symbol in a mapping of values: its canonical name."""
    return f"{symbol.name}#{symbol.dummy_index}" if isinstance(symbol, sp.Dummy) else canonical(symbol.name)


@lru_cache(maxsize=4096)
def compile_scalar(value: Any) -> Scalar:
    """Return a function from values by canonical name to the value of a SymPy scalar."""
    if isinstance(value, (bool, BooleanAtom)):
        constant = bool(value)
        return lambda values: constant
    if not value.free_symbols:
        number = _number(value)
        return lambda values: number
    for cls in type(value).__mro__:
        rule = _RULES.get(cls)
        if rule is not None:
            return rule(value)
    return _by_lambdify(value)


def compile_lambda(function: sp.Lambda) -> Callable[[Any, Values], Any]:
    """Return a function of an array and the other values, for a SymPy Lambda of one variable."""
    body = compile_scalar(function(ARGUMENT))
    key = key_of(ARGUMENT)
    return lambda array, values: body({**values, key: array}) + np.zeros_like(array)


def _number(value: Any) -> Any:
    try:
        return np.float64(float(value.evalf(20)) if not value.is_Rational else float(value))
    except TypeError:
        raise DomainError(f"{value} is not a real number") from None


def _symbol(value: Any) -> Scalar:
    return itemgetter(key_of(value))


def _sum(value: Any) -> Scalar:
    return _fold(operator.add, [compile_scalar(a) for a in value.args])


def _product(value: Any) -> Scalar:
    return _fold(operator.mul, [compile_scalar(a) for a in value.args])


def _fold(op: Callable[[Any, Any], Any], parts: list[Scalar]) -> Scalar:
    if len(parts) == 2:
        a, b = parts
        return lambda values: op(a(values), b(values))
    return lambda values: reduce(op, [p(values) for p in parts])


def _power(value: Any) -> Scalar:
    base = compile_scalar(value.base)
    simple = power_of(value.exp)
    if simple is not None:
        return lambda values: simple(base(values))
    exponent = compile_scalar(value.exp)
    return lambda values: np.float64(base(values)) ** exponent(values)


def power_of(exponent: Any) -> Callable[[Any], Any] | None:
    """Return x to a constant power as a function of x; None when the exponent has symbols."""
    if exponent.free_symbols:
        return None
    if exponent in _POWERS:
        return _POWERS[exponent]
    constant = int(exponent) if exponent.is_Integer else _number(exponent)
    if isinstance(constant, int) and constant < 0:
        return lambda x: np.reciprocal(np.asarray(x, float)[()] ** -constant)
    return lambda x: np.asarray(x, float)[()] ** constant


_POWERS: dict[Any, Callable[[Any], Any]] = {
    sp.S.One: lambda x: x,
    sp.Integer(2): lambda x: x * x,
    sp.Integer(3): lambda x: x * x * x,
    sp.S.NegativeOne: lambda x: np.reciprocal(x, dtype=float),
    sp.Integer(-2): lambda x: np.reciprocal(x * x, dtype=float),
    sp.S.Half: np.sqrt,
    -sp.S.Half: lambda x: np.reciprocal(np.sqrt(x)),
}


def _function(numpy: Callable[..., Any]) -> Callable[[Any], Scalar]:
    def rule(value: Any) -> Scalar:
        parts = [compile_scalar(a) for a in value.args]
        if len(parts) == 1:
            (x,) = parts
            return lambda values: numpy(x(values))
        return lambda values: numpy(*[p(values) for p in parts])

    return rule


def _folded(numpy: Callable[[Any, Any], Any]) -> Callable[[Any], Scalar]:
    return lambda value: _fold(numpy, [compile_scalar(a) for a in value.args])


def _own(value: Any) -> Scalar:
    return _function(functions()[type(value).__name__].numpy)(value)  # type: ignore[arg-type]


def _piecewise(value: Any) -> Scalar:
    pairs = [(compile_scalar(c), compile_scalar(e)) for e, c in value.args]

    def branch(values: Values) -> Any:
        with np.errstate(all="ignore"):
            found: Any = np.nan
            for condition, expression in reversed(pairs):
                found = np.where(condition(values), expression(values), found)
        return found[()]

    return branch


def _by_lambdify(value: Any) -> Scalar:
    symbols = sorted(value.free_symbols, key=str)
    if not all(isinstance(s, sp.Symbol) for s in symbols):
        raise NotSupportedError(f"{value} holds something that is not a scalar symbol and has no value")
    keys = [key_of(s) for s in symbols]
    function = sp.lambdify(symbols, value, modules=["scipy", "numpy"])

    def found(values: Values) -> Any:
        given = [values[k] for k in keys]
        try:
            return function(*given)
        except NameError:  # no NumPy or SciPy counterpart: SymPy's own digits, entry by entry
            return np.vectorize(lambda *x: float(value.evalf(17, subs=dict(zip(symbols, x, strict=True)))))(*given)[()]

    return found


def _dirac(x: Any, order: Any = 0) -> Any:
    return np.where(np.asarray(x) == 0, np.inf, 0.0)[()]


_RULES: dict[Any, Callable[[Any], Scalar]] = {
    sp.Symbol: _symbol, sp.Add: _sum, sp.Mul: _product, sp.Pow: _power, sp.Piecewise: _piecewise, ScalarFunction: _own,
    sp.Max: _folded(np.maximum), sp.Min: _folded(np.minimum), sp.And: _folded(np.logical_and),
    sp.Or: _folded(np.logical_or), sp.Not: _function(np.logical_not), sp.Gt: _function(np.greater),
    sp.Ge: _function(np.greater_equal), sp.Lt: _function(np.less), sp.Le: _function(np.less_equal),
    sp.Eq: _function(np.equal), sp.Ne: _function(np.not_equal), BooleanFunction: lambda value: _by_lambdify(value),
    sp.exp: _function(np.exp), sp.log: _function(np.log), sp.sin: _function(np.sin), sp.cos: _function(np.cos),
    sp.tan: _function(np.tan), sp.sinh: _function(np.sinh), sp.cosh: _function(np.cosh), sp.tanh: _function(np.tanh),
    sp.asin: _function(np.arcsin), sp.acos: _function(np.arccos), sp.atan: _function(np.arctan),
    sp.atan2: _function(np.arctan2), sp.asinh: _function(np.arcsinh), sp.acosh: _function(np.arccosh),
    sp.atanh: _function(np.arctanh), sp.Abs: _function(np.abs), sp.sign: _function(np.sign),
    sp.floor: _function(np.floor), sp.ceiling: _function(np.ceil), sp.Mod: _function(np.mod),
    sp.Heaviside: _function(lambda x, at_zero=0.5: np.heaviside(x, at_zero)), sp.DiracDelta: _function(_dirac),
    sp.gamma: _function(special.gamma), sp.loggamma: _function(special.gammaln),
    sp.digamma: _function(special.digamma), sp.trigamma: _function(lambda x: special.polygamma(1, x)),
    sp.polygamma: _function(lambda m, x: special.digamma(x) if m == 0 else special.polygamma(int(m), x)),
    sp.factorial: _function(lambda x: special.gamma(x + 1.0)), sp.binomial: _function(special.binom),
    sp.beta: _function(special.beta), sp.erf: _function(special.erf), sp.erfc: _function(special.erfc),
    sp.erfinv: _function(special.erfinv), sp.zeta: _function(special.zeta),
    sp.LambertW: _function(lambda x, k=0: np.real(special.lambertw(x, int(k)))),
    sp.besseli: _function(special.iv), sp.besselj: _function(special.jv), sp.besselk: _function(special.kv),
}  # fmt: skip
