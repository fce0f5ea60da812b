"""Products that are symmetric about a sum: Aᵀ (A − u uᵀ A) is written Aᵀ (I − u uᵀ) A."""

from __future__ import annotations

from symml.forms.flipping import flip, mirrors
from symml.forms.polishing.sums import combine, joined_term, parts_of
from symml.language.expressions import Add, Expression, Mul, Transpose, postorder
from symml.language.operators import eye, multiply_any, rebuild, scalar, transpose


def open_sandwiches(e: Expression) -> Expression:
    """Return the expression with a factor taken out of a sum where its mirror image stands on the other side."""
    done: dict[Expression, Expression] = {}
    for node in postorder(e):
        new = rebuild(node, [done[a] for a in node.args]) if any(done[a] is not a for a in node.args) else node
        done[node] = _opened(new) if isinstance(new, Mul) else new
    return done[e]


def _opened(node: Mul) -> Expression:
    args = node.args
    for k, factor in enumerate(args):
        terms = factor.args if isinstance(factor, Add) else ()
        if isinstance(factor, Transpose) and isinstance(factor.args[0], Add):
            terms = tuple(flip(t) for t in factor.args[0].args)
        if len(terms) != 2:
            continue
        for side, beside in ((0, args[k + 1 : k + 2]), (-1, args[k - 1 : k] if k else ())):
            outer = _outer_factor(terms, side)
            if outer is None or not beside or not mirrors(outer, beside[0]):
                continue
            value, scalars, chain = parts_of(combine([_without(t, side) for t in terms]))
            middle = [outer, *chain] if side == 0 else [*chain, outer]
            return multiply_any(scalar(node.coefficient * value), *args[:k], *scalars, *middle, *args[k + 1 :])
    return node


def _outer_factor(terms: tuple[Expression, ...], side: int) -> Expression | None:
    """The factor c of c and c u uᵀ, or of c and u uᵀ c."""
    one, two = sorted((parts_of(t)[2] for t in terms), key=len)
    rest = two[1:] if side == 0 else two[:-1]
    if len(one) != 1 or len(rest) != 2 or two[side] is not one[0]:
        return None
    return one[0] if len(rest[0].shape) == 1 and rest[1] is transpose(rest[0]) else None


def _without(term: Expression, side: int) -> Expression:
    """A term without its first or last array, c alone as c I or I c."""
    value, scalars, chain = parts_of(term)
    rest = chain[1:] if side == 0 else chain[:-1]
    return joined_term(value, scalars, rest or [eye(chain[0].shape[1 if side == 0 else 0])])
