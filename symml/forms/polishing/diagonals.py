"""Diagonals read off a sum that holds a diagonal matrix: diag(A − diag(v)) is diag(A) − v."""

from __future__ import annotations

from symml.forms.polishing.sums import combine, joined_term, parts_of
from symml.language.expressions import Add, Call, Expression, postorder
from symml.language.operators import add, call, rebuild


def read_diagonals(e: Expression) -> Expression:
    """Return the expression with the diagonal of a diagonal matrix as its vector."""
    done: dict[Expression, Expression] = {}
    for node in postorder(e):
        new = rebuild(node, [done[a] for a in node.args]) if any(done[a] is not a for a in node.args) else node
        done[node] = _read(new) if isinstance(new, Call) and new.function == "diag" else new
    return done[e]


def _read(e: Call) -> Expression:
    (total,) = e.args
    if len(e.shape) != 1 or not isinstance(total, Add) or all(_vector(t) is None for t in total.args):
        return e
    vectors = [v for t in total.args if (v := _vector(t)) is not None]
    rest = [t for t in total.args if _vector(t) is None]
    return combine([*([call("diag", add(*rest))] if rest else []), *vectors])


def _vector(term: Expression) -> Expression | None:
    """The vector c v of a term c diag(v)."""
    value, scalars, chain = parts_of(term)
    if len(chain) != 1 or not (isinstance(chain[0], Call) and chain[0].function == "diag" and len(chain[0].shape) == 2):
        return None
    return joined_term(value, scalars, [chain[0].args[0]])
