"""Additive terms of an expression after distribution: what a term regression compares a claim with."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import sympy as sp

from symml.errors import NotSupportedError
from symml.forms.lowering import lower
from symml.language.expressions import Add, Call, Expression, Hadamard, Mul, Pow, Scalar, Transpose
from symml.language.operators import call, elementwise_product, is_zero, multiply_any, ones, scalar, transpose

LIMIT = 12
Rules = Mapping[type[Expression], Callable[[Expression], "list[Expression] | None"]]
LINEAR_CALLS = ("sum", "trace", "mean", "diag", "rowsum", "colsum")


def top_terms(e: Expression) -> list[Expression]:
    """Return the terms of a sum as written; scalars of SymPy one by one."""
    found: list[Expression] = []
    for term in e.args if isinstance(e, Add) else (e,):
        if isinstance(term, Scalar) and term.value.is_Add:
            found += [scalar(t) for t in term.value.as_ordered_terms()]
        else:
            found.append(term)
    return found


def distributed_terms(e: Expression) -> list[Expression]:
    """Return the terms after distributing products over sums, squares left alone."""
    return _expanded(e, _DISTRIBUTE)


def expanded_terms(e: Expression) -> list[Expression]:
    """Return the terms after distributing products and squares over sums."""
    return _expanded(e, _EXPAND)


def _expanded(e: Expression, rules: Rules) -> list[Expression]:
    """Terms by the rules; gives up beyond `LIMIT` terms."""
    waiting = top_terms(e)
    done: list[Expression] = []
    while waiting:
        term = waiting.pop(0)
        rule = rules.get(type(term))
        parts = rule(term) if rule else None
        if not parts or len(parts) + len(waiting) + len(done) > LIMIT:
            done.append(term)
        else:
            waiting = [t for p in parts for t in top_terms(p)] + waiting
    return _merged(done)


def _merged(terms: list[Expression]) -> list[Expression]:
    """Equal terms collected."""
    if len(terms) < 2:
        return terms
    groups: dict[object, list[Expression]] = {}
    for t in terms:
        groups.setdefault(_key(t), []).append(t)
    merged = [multiply_any(scalar(len(g)), g[0]) if len(g) > 1 else g[0] for g in groups.values()]
    return [t for t in merged if not is_zero(t)]


def _key(term: Expression) -> object:
    """Equal for terms that are one in the index form, such as y'X w and (X w)'y."""
    try:
        return lower(term).digest
    except NotSupportedError:
        return term


def _product(term: Expression) -> list[Expression] | None:
    assert isinstance(term, Mul)
    numbers = sp.expand(term.coefficient)
    if numbers.is_Add:
        return [multiply_any(scalar(c), *term.args) for c in numbers.as_ordered_terms()]
    for k, factor in enumerate(term.args):
        inner = factor.args[0] if isinstance(factor, Transpose) else factor
        parts = None
        if isinstance(inner, Add):
            parts = [transpose(a) if isinstance(factor, Transpose) else a for a in _spread(inner)]
        elif isinstance(factor, (Pow, Call)):
            parts = _EXPAND[type(factor)](factor)
        if parts and all(p.shape == factor.shape for p in parts):
            before, after = term.args[:k], term.args[k + 1 :]
            return [multiply_any(scalar(term.coefficient), *before, p, *after) for p in parts]
    return None


def _spread(e: Expression) -> list[Expression]:
    """Terms of a sum, a scalar one written out as an array."""
    return [multiply_any(t, ones(*e.shape)) if t.shape == () and e.shape else t for t in e.args]


def _hadamard(term: Expression) -> list[Expression] | None:
    for k, factor in enumerate(term.args):
        if isinstance(factor, Add):
            return [elementwise_product(*term.args[:k], p, *term.args[k + 1 :]) for p in _spread(factor)]
    return None


def _power(term: Expression) -> list[Expression] | None:
    """The square of a norm of a sum, and the square of a sum of scalars."""
    assert isinstance(term, Pow)
    if term.exponent != 2:
        return None
    base = term.args[0]
    if term.shape != ():
        return [multiply_any(a, b) for a in base.args for b in base.args] if isinstance(base, Add) else None
    if isinstance(base, Call) and base.function == "norm" and isinstance(base.args[0], Add):
        parts = _spread(base.args[0])
        squares = [call("norm", p) ** 2 for p in parts]
        crossed = [multiply_any(scalar(2), _dot(a, b)) for k, a in enumerate(parts) for b in parts[k + 1 :]]
        return [*squares, *crossed]
    if isinstance(base, Add):
        return [multiply_any(a, b) for a in base.args for b in base.args]
    return None


def _dot(a: Expression, b: Expression) -> Expression:
    return multiply_any(transpose(a), b) if len(a.shape) == 1 else call("trace", multiply_any(transpose(a), b))


def _call(term: Expression) -> list[Expression] | None:
    assert isinstance(term, Call)
    if term.function not in LINEAR_CALLS or not isinstance(term.args[0], Add):
        return None
    return [call(term.function, p) for p in _spread(term.args[0])]


def _scalar(term: Expression) -> list[Expression] | None:
    assert isinstance(term, Scalar)
    found = sp.expand(term.value)
    return [scalar(t) for t in found.as_ordered_terms()] if found.is_Add else None


def _scalar_product(term: Expression) -> list[Expression] | None:
    assert isinstance(term, Scalar)
    found = sp.expand_mul(term.value)
    return [scalar(t) for t in found.as_ordered_terms()] if found.is_Add else None


def _transposed(term: Expression) -> list[Expression] | None:
    inner = term.args[0]
    return [transpose(a) for a in _spread(inner)] if isinstance(inner, Add) else None


_EXPAND: dict[type[Expression], Callable[[Expression], list[Expression] | None]] = {
    Mul: _product, Hadamard: _hadamard, Pow: _power, Call: _call, Scalar: _scalar, Transpose: _transposed,
}  # fmt: skip
_DISTRIBUTE: Rules = {k: v for k, v in _EXPAND.items() if k is not Pow} | {Scalar: _scalar_product}
