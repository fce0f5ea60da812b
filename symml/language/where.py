"""Named sub-expressions: ``..., where r = X w − y``."""

from __future__ import annotations

from collections.abc import Mapping

from symml.errors import DeclarationError
from symml.language.expressions import Expression, Symbol, Where, make, postorder
from symml.language.operators import substitute


def where(body: Expression, names: Mapping[Symbol, Expression]) -> Expression:
    """Return `body` with named sub-expressions; a value may use the other names, in any order."""
    if not names:
        return body
    return make(Where, (body, *names.values()), (tuple(names),), body.shape)


def expand_names(expression: Expression) -> Expression:
    """Return the expression with every name of a `Where` replaced by its value."""
    order = postorder(expression)
    if not any(isinstance(node, Where) for node in order):
        return expression
    done: dict[Expression, Expression] = {}
    for node in order:
        if isinstance(node, Where):
            body, *values = (substitute(a, done) for a in node.args)
            done[node] = substitute(body, resolved(dict(zip(node.names, values, strict=True))))
    return substitute(expression, done)


def resolved(values: Mapping[Symbol, Expression]) -> dict[Expression, Expression]:
    """Return the values without names: each is substituted once the names it uses are known."""
    known: dict[Expression, Expression] = {}
    waiting = dict(values)
    while waiting:
        ready = [n for n, v in waiting.items() if not any(m in waiting for m in postorder(v))]
        if not ready:
            circle = ", ".join(str(n) for n in waiting)
            raise DeclarationError(f"the names {circle} are defined in terms of each other")
        for name in ready:
            known[name] = substitute(waiting[name], known)
        for name in ready:
            del waiting[name]
    return known
