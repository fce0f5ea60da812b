"""Where the derivative of an objective does not exist, and where the objective itself is not defined, in sentences.

The facts are those of the function records: `subgradient` and `domain`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import sympy as sp

from symml.codegen.structure import definiteness, is_nonnegative, is_positive
from symml.derivation.stationary.conditions import of_inverse
from symml.language.expressions import Call, ElemPow, Expression, Pow, Scalar, Where, postorder
from symml.language.function import Function, functions
from symml.language.operators import multiply_any, scalar
from symml.language.where import expand_names

if TYPE_CHECKING:
    from symml.derivation.derivation import Derivation

DETERMINANTS = ("logdet", "logm", "sqrtm")


def conditions_on(derivation: Derivation) -> tuple[str, ...]:
    """Return where the derivative does not exist and what the objective needs, of functions that hold a variable."""
    objective = derivation.objective
    objective = expand_names(objective) if any(isinstance(e, Where) for e in postorder(objective)) else objective
    own = set(derivation.wrt)
    smoothed = _smoothed(objective)
    found: list[str] = []
    for e in postorder(objective):
        if own.isdisjoint(e.free_symbols):
            continue
        if isinstance(e, Scalar):
            found.extend(_of_scalar(e.value, own))
        elif isinstance(e, Call):
            record = functions().get(e.function)
            found.extend(_of_call(record, e.args, e in smoothed) if record else ())
        elif isinstance(e, (ElemPow, Pow)):
            found.extend(_of_power(e.args[0], sp.sympify(e.exponent)))
    return tuple(dict.fromkeys(found))


def _smoothed(objective: Expression) -> set[Expression]:
    """Norms and absolute values that occur only in powers of at least 2: these have a derivative everywhere."""
    inside: set[Expression] = set()
    bare: set[Expression] = {objective}
    for e in postorder(objective):
        power = isinstance(e, (Pow, ElemPow)) and e.exponent.is_number and e.exponent >= 2
        (inside if power else bare).update(e.args)
    return inside - bare


# -- calls --------------------------------------------------------------------------------------------------------
def _of_call(record: Function, arguments: Sequence[Expression], smooth: bool) -> Iterator[str]:
    x = arguments[0]
    if record.name in DETERMINANTS:
        yield from _of_matrix(x, record.name)
    elif record.domain.low is not None and record.kind != "spelling":
        yield from _needs(f"{record.name}({x})", x)
    if record.subgradient and not smooth:
        yield _kink(record, arguments)


def _kink(record: Function, arguments: Sequence[Expression]) -> str:
    zero = scalar(0)
    moving = [a for a in arguments if a is not zero]
    if len(arguments) == 2 and len(moving) == 1:  # max(0, u) is relu(u)
        (u,) = moving
        return f"{record.name}(0, {u}) has no derivative {_at(u)}; the subgradient there is [0, 1]."
    text = record.subgradient.replace("{at}", _at(arguments[0])).replace("{x}", str(arguments[0]))
    if len(arguments) == 2:
        return text.replace("{a}", str(arguments[0])).replace("{b}", str(arguments[1]))
    if "{a}" in record.subgradient:
        return f"{record.name}({arguments[0]}) has no derivative where its {record.name}imum is repeated."
    return text


def _at(u: Expression) -> str:
    return f"where an entry of {u} is 0" if u.shape else f"at {u} = 0"


def _of_matrix(m: Expression, name: str) -> Iterator[str]:
    if definiteness(m)[0] != "positive definite":
        what = "must be invertible" if name == "logdet" else "must be positive definite"
        yield f"{name}({m}): {m} {what}"


def _needs(what: str, u: Expression) -> Iterator[str]:
    if is_positive(u) != "yes":
        yield f"{what} needs {'every entry of ' if u.shape else ''}{u} > 0"


# -- powers -------------------------------------------------------------------------------------------------------
def _of_power(base: Expression, exponent: Any) -> Iterator[str]:
    if len(base.shape) == 2 and exponent.is_negative:
        text = of_inverse(base)
        if " must " in text:
            yield text
        return
    yield from _of_root(base, exponent)


def _of_root(base: Expression, exponent: Any) -> Iterator[str]:
    if not exponent.is_Rational or (exponent.is_Integer and exponent > 0) or is_positive(base) == "yes":
        return
    entries = "no entry of " if base.shape else ""
    name = f"sqrt({base})" if exponent == sp.S.Half else f"the power {exponent} of {base}"
    if exponent.is_Integer:
        if is_positive(multiply_any(-1, base)) != "yes":
            yield f"{entries}{base} may be 0" if entries else f"{base} must not be 0"
    elif is_nonnegative(base) == "yes":
        if exponent < 1:
            yield f"{name} has no derivative {_at(base)}"
    else:
        yield from _needs(name, base)


# -- functions of scalars -----------------------------------------------------------------------------------------
@cache
def _by_class() -> dict[Any, Function]:
    return {f.sympy: f for f in functions().values() if isinstance(f.sympy, type)}


def _of_scalar(value: sp.Expr, own: set[Any]) -> Iterator[str]:
    inside: set[sp.Expr] = set()
    bare: set[sp.Expr] = {value}
    for e in sp.preorder_traversal(value):
        if isinstance(e, sp.Expr):
            (inside if e.is_Pow and e.exp.is_number and e.exp >= 2 else bare).update(e.args)
    for e in sp.postorder_traversal(value):
        if not isinstance(e, sp.Expr) or own.isdisjoint(e.free_symbols) or e.is_Atom:
            continue
        if e.is_Pow:
            yield from _of_root(scalar(e.base), e.exp) if e.base != sp.E else ()
            continue
        record = _by_class().get(e.func)
        if record is not None:
            yield from _of_call(record, [scalar(a) for a in e.args], e in inside - bare)


def has_kinks(derivation: Derivation) -> bool:
    """Whether a function with kinks holds a variable."""
    return any(" has no derivative " in text or " jumps " in text for text in conditions_on(derivation))
