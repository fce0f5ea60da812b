"""One symbol a name: expressions that meet agree on their symbols, or an error shows both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sympy as sp

from symml.errors import DeclarationError
from symml.language import hooks
from symml.language.expressions import (
    Expression,
    Symbol,
)  # fmt: skip
from symml.language.rebuilding import replace_scalars, substitute


def agree(operands: Sequence[Expression]) -> list[Expression]:
    """Return the operands with one symbol per name.

    A SymPy symbol with fewer assumptions than the declared symbol of its name is completed; anything else that
    differs is an error that shows both.
    """
    tables = [_symbols(o) for o in operands]
    first, rest = tables[0], tables[1:]
    if all(t.items() <= first.items() for t in rest):
        return list(operands)
    table: dict[str, Any] = dict(first)
    for other in rest:
        for name, found in other.items():
            known = table.get(name, found)
            table[name] = found if known == found else _richer(name, known, found)
    return [_complete(o, t, table) for o, t in zip(operands, tables, strict=True)]


def complete(e: Expression, table: Mapping[str, Any]) -> Expression:
    """Return an expression that came from SymPy with its symbols replaced by the declared ones of their names.

    A MatrixSymbol of the declared shape means the declared symbol, a SymPy symbol that says less is completed.

    Raises
    ------
    DeclarationError
        If a symbol contradicts the declaration of its name.
    """
    swaps: dict[Expression, Expression] = {}
    changed: dict[Any, Any] = {}
    for name, found in _symbols(e).items():
        known = table.get(name, found)
        if known is found or known == found:
            continue
        plain = isinstance(found, Symbol) and not found.properties and found.domain is None
        if plain and isinstance(known, Symbol) and known.shape == found.shape:
            swaps[found] = known
        else:
            changed[found] = _richer(name, found, known)
    e = substitute(e, swaps) if swaps else e
    return replace_scalars(e, changed) if changed else e


def symbols_of(expressions: Sequence[Expression]) -> dict[str, Any]:
    """Return all symbols of some expressions by name."""
    return {name: found for e in expressions for name, found in _symbols(e).items()}


def _symbols(e: Expression) -> dict[str, Any]:
    return hooks.call("symbol_table", e)  # type: ignore[no-any-return]


def _richer(name: str, a: Any, b: Any) -> Any:
    if isinstance(a, sp.Symbol) and isinstance(b, sp.Symbol):
        for poor, rich in ((a, b), (b, a)):
            if type(poor) is sp.Symbol and all(rich.assumptions0.get(k) == v for k, v in poor.assumptions0.items()):
                return rich
    raise DeclarationError(
        f"two symbols are called {name}: {hooks.call('describe_symbol', a)} and {hooks.call('describe_symbol', b)}. "
        "Use one declaration, or rename one of them."
    )


def _complete(e: Expression, own: dict[str, Any], table: dict[str, Any]) -> Expression:
    changed = {v: table[k] for k, v in own.items() if table[k] is not v and table[k] != v}
    return replace_scalars(e, changed) if changed else e
