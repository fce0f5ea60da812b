"""Named sub-expressions: ``..., where r = X w − y``."""

from __future__ import annotations

from collections.abc import Mapping

from symml.language.expressions import Expression, Symbol, Where, make, postorder
from symml.language.operators import substitute


def where(body: Expression, names: Mapping[Symbol, Expression]) -> Expression:
    """Return `body` with named sub-expressions; a value may use names that stand later."""
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
            later: dict[Expression, Expression] = {}
            for name, value in reversed(list(zip(node.names, values, strict=True))):
                later[name] = substitute(value, later)
            done[node] = substitute(body, later)
    return substitute(expression, done)
