"""One-edit mutants of an expression: a sign, a transpose, a factor, an order, an inverse, a term, an exponent."""

from __future__ import annotations

import sympy as sp

from symml.errors import SymmlError
from symml.language.expressions import (
    Add,
    Call,
    ElemPow,
    Expression,
    Hadamard,
    Index,
    Mul,
    Pow,
    Scalar,
    Symbol,
    Transpose,
    postorder,
)
from symml.language.operators import (
    add,
    call,
    elementwise_power,
    elementwise_product,
    multiply_any,
    power,
    rebuild,
    transpose,
)

TWINS = {
    "sigmoid": "tanh", "tanh": "sigmoid", "softplus": "exp", "exp": "softplus", "log": "exp", "trace": "det",
    "det": "trace", "sum": "mean", "mean": "sum", "softmax": "exp", "rowsum": "diag", "colsum": "diag", "norm": "norm1",
}  # fmt: skip


def _square(e):
    return len(e.shape) == 2 and e.shape[0] == e.shape[1]


def _of_any(e):
    yield "sign", lambda: multiply_any(-1, e)
    yield "factor", lambda: multiply_any(2, e)
    if _square(e):
        yield "transpose", lambda: transpose(e)
        if isinstance(e, (Symbol, Mul, Add)):
            yield "inverse", lambda: power(e, -1)


def _of_add(e):
    for k, term in enumerate(e.args):
        rest = [t for m, t in enumerate(e.args) if m != k]
        yield "term", lambda rest=rest: add(*rest)
        yield "sign", lambda k=k, term=term: add(*e.args[:k], multiply_any(-1, term), *e.args[k + 1 :])
        yield "factor", lambda k=k, term=term: add(*e.args[:k], multiply_any(sp.Rational(1, 2), term), *e.args[k + 1 :])


def _of_mul(e):
    arrays = list(e.args)
    for k in range(len(arrays) - 1):
        if arrays[k].shape and arrays[k + 1].shape:
            moved = [*arrays[:k], arrays[k + 1], arrays[k], *arrays[k + 2 :]]
            yield "order", lambda moved=moved: multiply_any(e.coefficient, *moved)
    for k in range(len(arrays)):
        rest = [*arrays[:k], *arrays[k + 1 :]]
        yield "lost factor", lambda rest=rest: multiply_any(e.coefficient, *rest)


def _of_hadamard(e):
    for k in range(len(e.args)):
        yield "lost factor", lambda k=k: elementwise_product(*e.args[:k], *e.args[k + 1 :])


def _of_pow(e):
    yield "inverse", lambda: e.args[0]
    yield "exponent", lambda: power(e.args[0], -e.exponent)
    yield "exponent", lambda: power(e.args[0], e.exponent + 1)


def _of_elem_pow(e):
    yield "exponent", lambda: e.args[0]
    yield "exponent", lambda: elementwise_power(e.args[0], e.exponent + 1)


def _of_call(e):
    if e.function in TWINS:
        yield "function", lambda: call(TWINS[e.function], *e.args)
    if len(e.args) == 2:
        yield "order", lambda: call(e.function, *e.args[::-1])


def _of_scalar(e):
    for s in sorted(e.value.free_symbols, key=str):
        yield "lost factor", lambda s=s: Expression.__add__(multiply_any(0, e), e.value.subs(s, 1))
    yield "shift", lambda: e + 1


_EDITS = {
    Add: _of_add, Mul: _of_mul, Hadamard: _of_hadamard, Pow: _of_pow, ElemPow: _of_elem_pow, Call: _of_call,
    Transpose: lambda e: iter([("transpose", lambda: e.args[0])]), Scalar: _of_scalar,
}  # fmt: skip


def mutants(e):
    """Yield (what was edited, where, the mutant), every different well-typed one once."""
    seen = {e}
    order = postorder(e)
    for node in order:
        if isinstance(node, Index):
            continue
        for what, build in (*_of_any(node), *(_EDITS[type(node)](node) if type(node) in _EDITS else ())):
            try:
                changed = build()
                if changed.shape != node.shape:
                    continue
                found = _replace(e, order, node, changed)
            except (SymmlError, AttributeError, ValueError, TypeError, AssertionError):
                continue
            if found.shape == e.shape and found not in seen:
                seen.add(found)
                yield what, node, found


def _replace(e, order, node, changed):
    """The expression with one node replaced, wherever it occurs."""
    done = {}
    for part in order:
        if part is node:
            done[part] = changed
        else:
            children = tuple(done[a] for a in part.args)
            done[part] = part if children == part.args else rebuild(part, children)
    return done[e]
