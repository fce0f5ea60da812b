"""Signs as people write them: no minus in every term of a bracket, and no minus in front of a difference that turns."""

from __future__ import annotations

from collections.abc import Sequence

from symml.language.expressions import Add, Call, Expression, Hadamard, Mul, Scalar, Symbol, Transpose, postorder
from symml.language.operators import add, multiply_any, rebuild

LINEAR = ("diag", "sum", "mean", "trace", "rowsum", "colsum", "vec")


def pull_signs(e: Expression) -> Expression:
    """Return the expression with −(a + b) for a factor −a − b."""
    done: dict[Expression, Expression] = {}
    for node in postorder(e):
        new = rebuild(node, [done[a] for a in node.args]) if any(done[a] is not a for a in node.args) else node
        done[node] = _pulled(new) if isinstance(new, (Mul, Hadamard, Transpose, Call)) else new
    return done[e]


def _pulled(node: Expression) -> Expression:
    if isinstance(node, Call) and node.function not in LINEAR:
        return node
    negative = [isinstance(a, Add) and all(map(is_negative, a.args)) for a in node.args]
    if not any(negative):
        return node
    args = [_opposite(a) if minus else a for a, minus in zip(node.args, negative, strict=True)]
    return multiply_any((-1) ** sum(negative), rebuild(node, args))


def is_negative(e: Expression) -> bool:
    """Whether a term is written with a minus sign."""
    if not isinstance(e, (Scalar, Mul)):
        return False
    value = e.value if isinstance(e, Scalar) else e.coefficient
    return bool(value.could_extract_minus_sign())


def turn_difference(e: Expression) -> Expression:
    """Return −c A (f − y) as c A (y − f): a product of that sign whose difference ends with a name."""
    if not (isinstance(e, Mul) and is_negative(e)):
        return e
    places = [k for k, a in enumerate(e.args) if _turns(_core(a))]
    if len(places) != 1:
        return e
    (k,) = places
    core = _core(e.args[k])
    args: Sequence[Expression] = [_with_core(a, _opposite(core)) if m == k else a for m, a in enumerate(e.args)]
    return multiply_any(-e.coefficient, *args)


def _core(e: Expression) -> Expression:
    """What stands under transposes and linear functions."""
    while isinstance(e, Transpose) or (isinstance(e, Call) and e.function in LINEAR):
        e = e.args[0]
    return e


def _with_core(e: Expression, core: Expression) -> Expression:
    above = []
    while isinstance(e, Transpose) or (isinstance(e, Call) and e.function in LINEAR):
        above.append(e)
        e = e.args[0]
    for outer in reversed(above):
        core = rebuild(outer, [core])
    return core


def _turns(e: Expression) -> bool:
    """Whether e is a difference f − y of something that is no name and a name."""
    if not (isinstance(e, Add) and len(e.args) == 2):
        return False
    first, last = e.args
    name = isinstance(last, Mul) and last.coefficient == -1 and len(last.args) == 1 and isinstance(last.args[0], Symbol)
    return name and not is_negative(first) and not isinstance(first, Symbol) and first.shape == last.shape


def _opposite(e: Expression) -> Expression:
    """The negative of a sum, a positive term first."""
    terms = [multiply_any(-1, a) for a in e.args]
    return add(*sorted(terms, key=is_negative))
