"""What a function is: a record with a name, a definition in terms of other functions, and optional better answers.

One file a function in `language/functions`; this module holds the record, the look-up and the call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import sympy as sp

from symml.errors import DomainError, NotSupportedError, ShapeError
from symml.language import hooks
from symml.language.expressions import Call, Expression, Scalar, Shape, make
from symml.language.operators import agree
from symml.language.properties import Domain
from symml.registry import discover


@dataclass(frozen=True, eq=False)
class Function:
    r"""A named function of expressions.

    Attributes
    ----------
    name : str
        Canonical name, in text and in ``sml.``.
    kind : str
        ``elementwise`` (any shape, the same shape out), or ``array`` (see `shape`), or ``spelling`` (only `build`).
    statement : str
        The derivative rule in words, for a student: ``d exp(x) = exp(x) ⊙ dx``.
    source : str
        Author, work, equation or page.
    shape : callable
        Shapes of the arguments to the shape of the result; raises ShapeError. Elementwise functions need none.
    build : callable
        Constructor used instead of a `Call` node: ``inv`` is `power(x, -1)`.
    definition : callable
        The function in terms of others, on expressions. A primitive has none.
    derivative : callable
        Elementwise functions: the derivative as an expression of the argument. Default: from the definition.
    numpy : callable
        Stable whole-array evaluation; takes and returns arrays. A vector is 1-D.
    sympy : callable
        SymPy counterpart of the scalar function; None when SymPy has none.
    domain, typical : Domain, (float, float)
        Where each entry of the argument must lie, and the range samplers draw from.
    kinks : tuple
        Points where the function or its derivative jumps; samplers stay away from them.
    subgradient : str
        What holds at the kinks, in words: ``{x}`` is the argument, ``{at}`` where it is zero, ``{a}`` ``{b}`` of two.
    unicode, latex, aliases, arity, properties
        Printed names, other spellings, number of arguments (min, max), facts on every value ("positive", ...).
    """

    name: str
    kind: str
    statement: str = ""
    source: str = ""
    shape: Callable[..., Shape] | None = None
    build: Callable[..., Expression] | None = None
    definition: Callable[..., Expression] | None = None
    derivative: Callable[[Expression], Expression] | None = None
    numpy: Callable[..., Any] | None = None
    sympy: Callable[..., Any] | None = None
    domain: Domain = field(default_factory=Domain)
    typical: tuple[float, float] = (-2.0, 2.0)
    kinks: tuple[float, ...] = ()
    subgradient: str = ""
    unicode: str = ""
    latex: str = ""
    aliases: tuple[str, ...] = ()
    arity: tuple[int, int] = (1, 1)
    properties: frozenset[str] = frozenset()


@cache
def functions() -> dict[str, Function]:
    """All registered functions by name."""
    return {f.name: f for f in discover("symml.language.functions", Function)}


@cache
def spellings() -> dict[str, Function]:
    """All registered functions by name and alias."""
    found = dict(functions())
    for f in functions().values():
        found.update(dict.fromkeys(f.aliases, f))
    return found


def function(name: str) -> Function:
    """Return the record of a function by name or alias."""
    try:
        return spellings()[name]
    except KeyError:
        known = ", ".join(sorted(functions()))
        raise NotSupportedError(f"{name} is not a function symml knows; known: {known}") from None


def call(name: str, arguments: tuple[Expression, ...]) -> Expression:
    """Return the function applied to the arguments, through its `build` when it has one."""
    record = function(name)
    least, most = record.arity
    if not least <= len(arguments) <= most:
        expected = str(least) if least == most else f"{least} to {most}"
        raise ShapeError(f"{name} takes {expected} argument{'' if expected == '1' else 's'}, {len(arguments)} given")
    if len(arguments) > 1:
        arguments = tuple(agree(arguments))
    if record.build is not None:
        return record.build(*arguments)
    if record.kind == "elementwise":
        (x,) = arguments
        if isinstance(x, Scalar) and record.sympy is not None:
            return of_scalars(record, x)
        return make(Call, arguments, (record.name,), x.shape)
    return node(record.name, record.shape, *arguments)


def node(name: str, shape: Callable[..., Shape] | None, *arguments: Expression) -> Expression:
    """Return the `Call` node itself, with the shape that `shape` gives; constructors of records end here."""
    assert shape is not None, name
    return make(Call, arguments, (name,), shape(*(a.shape for a in arguments)))


def of_scalars(record: Function, *arguments: Scalar) -> Expression:
    """Return the SymPy counterpart applied to pure scalars.

    Raises
    ------
    DomainError
        If the result is infinite, undefined or complex.
    """
    assert record.sympy is not None
    found = record.sympy(*(a.value for a in arguments))
    if not found.is_Symbol and found.has(sp.zoo, sp.nan, sp.oo, -sp.oo, sp.I):
        shown = ", ".join(str(a.value) for a in arguments)
        raise DomainError(
            f"{record.name}({shown}) is not a finite real number: {record.name} needs an argument {record.domain}"
        )
    return make(Scalar, (), (found,), ())


hooks.provide("call", call)
