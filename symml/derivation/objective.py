"""Reading of what is to be derived: text, programs, SymPy objects, expressions; and of the variables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import sympy as sp

from symml.errors import DeclarationError
from symml.language.declarations import describe, read_declarations
from symml.language.expressions import Expression, Scalar, Symbol
from symml.language.names import canonical, unicode_name
from symml.language.operators import as_expression, replace_scalars, substitute, symbol
from symml.language.symbols import is_dimension
from symml.language.tables import symbol_table
from symml.notation.reader import parse_program

Variable: TypeAlias = "Symbol | sp.Symbol"
OPEN_FACTS = frozenset(
    {"positive", "nonnegative", "negative", "nonzero", "invertible", "full column rank", "full row rank"}
)


@dataclass(frozen=True)
class Objective:
    """An objective, the names defined on the way to it, its last line in terms of them, and all its symbols."""

    expression: Expression
    definitions: tuple[tuple[Symbol, Expression], ...]
    symbols: Mapping[str, Any]
    last: Expression | None = None


def read_objective(source: Any, where: Any = None) -> Objective:
    """Return the objective of text, a program, a SymPy object or an expression.

    Raises
    ------
    NotationError, DeclarationError, ShapeError
        If the text cannot be read, a symbol is not declared, or shapes do not fit.
    """
    declared = read_declarations(where) if where is not None else {}
    if isinstance(source, str):
        definitions, expression = parse_program(source, where)
    else:
        definitions, expression = [], as_expression(source)
        expression = _with_declared(expression, declared)
    last = expression
    table = dict(symbol_table(expression))
    for _, value in definitions:
        table.update(symbol_table(value))
    table.update({k: v for k, v in declared.items() if k not in table})
    for name, value in reversed(definitions):
        table.pop(name.name, None)
        expression = substitute(expression, {name: value})
    return Objective(expression, tuple(definitions), table, last)


def _with_declared(expression: Expression, declared: Mapping[str, Any]) -> Expression:
    """An expression whose plain SymPy symbols mean the declared ones of their names."""
    changed = {}
    for name, found in symbol_table(expression).items():
        known = declared.get(name)
        if known is None or known == found:
            continue
        if type(found) is sp.Symbol and isinstance(known, sp.Symbol):
            changed[found] = known
            continue
        raise DeclarationError(
            f"two symbols are called {unicode_name(name)}: {describe(known)} and {describe(found)}. "
            "Use one declaration, or rename one of them."
        )
    return replace_scalars(expression, changed) if changed else expression


def read_variables(wrt: Any, objective: Objective) -> tuple[tuple[Variable, ...], bool]:
    """Return the variables and whether a single one was asked for.

    Raises
    ------
    DeclarationError
        If a name is not a symbol of the objective.
    """
    if isinstance(wrt, (str, Symbol, Scalar, sp.Basic)):
        return (_variable(wrt, objective),), True
    if not isinstance(wrt, Iterable):
        raise DeclarationError(f"wrt = {wrt!r} is not a symbol, a name, or a list of them")
    return tuple(_variable(w, objective) for w in wrt), False


def _variable(wrt: Any, objective: Objective) -> Variable:
    name = canonical(wrt) if isinstance(wrt, str) else canonical(str(getattr(wrt, "name", wrt)))
    found = objective.symbols.get(name)
    if found is None:
        known = [unicode_name(k) for k, v in objective.symbols.items() if isinstance(v, Symbol) or not is_dimension(v)]
        has = f"It has: {', '.join(known)}" if known else "It has no symbols"
        defined = next((value for s, value in objective.definitions if s.name == name), None)
        if defined is not None:
            raise DeclarationError(f"{unicode_name(name)} is a line of the program, {defined}, and no variable. {has}.")
        raise DeclarationError(f"{unicode_name(name)!r} does not occur in the objective. {has}.")
    return found


def untied(expression: Expression, variables: Iterable[Variable]) -> Expression:
    """Return the expression with variables freed of facts that tie their entries to each other.

    The gradient by a symmetric, orthogonal or binary variable is the unconstrained one: no declared relation between
    the entries of the variable may be used before it has been differentiated.
    """
    swap: dict[Expression, Expression] = {}
    plain: dict[Any, Any] = {}
    for v in variables:
        twin = untied_symbol(v)
        if twin is v:
            continue
        if isinstance(v, Symbol):
            swap[v] = twin
        else:
            plain[v] = twin
    expression = substitute(expression, swap) if swap else expression
    return replace_scalars(expression, plain) if plain else expression


def untied_symbol(v: Variable) -> Any:
    """Return the variable without facts that tie its entries; the same object when there are none."""
    if isinstance(v, Symbol):
        tied = not v.facts <= OPEN_FACTS
        if not tied:
            return v
        interval = v.domain if v.domain is not None and not v.domain.values else None
        return symbol(v.name, v.shape, v.facts & OPEN_FACTS, interval)
    domain = getattr(v, "domain", None)
    return sp.Symbol(v.name, real=True) if domain is not None and domain.values else v
