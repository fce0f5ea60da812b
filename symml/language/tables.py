"""Symbol tables: which symbols an expression is made of, memoised on its nodes.

The table of a node is the union of its children's, so that building a long chain stays linear; names bound by a sum,
a `Where` or an action are not in it. Two symbols of one name that differ are an error that shows both.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp

from symml.errors import DeclarationError
from symml.language import hooks
from symml.language.declarations import describe
from symml.language.expressions import Action, BoundSum, Expression, Index, Symbol, Where, postorder
from symml.language.names import canonical

Table = dict[str, Any]

_tables: weakref.WeakKeyDictionary[Expression, Table] = weakref.WeakKeyDictionary()
_EMPTY: Table = {}


@dataclass(frozen=True)
class Declarations(Mapping[str, Any]):
    """The symbols of an expression by name; prints as declarations, one a line."""

    table: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.table[name if name in self.table else canonical(name)]

    def __iter__(self) -> Iterator[str]:
        return iter(self.table)

    def __len__(self) -> int:
        return len(self.table)

    def __str__(self) -> str:
        return "\n".join(describe(found) for found in self.table.values())

    __repr__ = __str__


def symbol_table(expression: Expression) -> Table:
    """Return every free symbol by canonical name, dimensions in shapes included. The dict must not be changed."""
    found = _known(expression)
    if found is not None:
        return found
    waiting = [expression]
    while waiting:
        node = waiting[-1]
        missing = [a for a in node.args if _known(a) is None]
        if missing:
            waiting.extend(missing)
            continue
        waiting.pop()
        if node not in _tables:
            _tables[node] = _table(node)
    return _tables[expression]


def _known(node: Expression) -> Table | None:
    """The table of a node, if it is known; that of a symbol holds the symbol, and to keep it would keep both alive."""
    return _own(node) if isinstance(node, (Symbol, Index)) else _tables.get(node)


def free_symbols(expression: Expression) -> set[Any]:
    """Return the free symbols: ours for vectors and matrices, SymPy's for scalars and dimensions."""
    return set(symbol_table(expression).values())


def declarations(expression: Expression) -> Declarations:
    """Return the table of the symbols, named or undeclared, in order of first appearance."""
    order: dict[str, int] = {}
    for node in postorder(expression):
        if isinstance(node, Symbol):
            order[node.name] = len(order)
    table = symbol_table(expression)
    names = sorted(table, key=lambda name: (isinstance(table[name], sp.Symbol), order.get(name, 0), name))
    return Declarations({name: table[name] for name in names})


def _table(node: Expression) -> Table:
    own = _own(node)
    bound = _bound(node)
    tables = [found for a in node.args if (found := _known(a)) is not None]
    if bound:
        tables = [{k: v for k, v in t.items() if k not in bound} for t in tables]
    return _merge([*tables, own] if own else tables)


def _merge(tables: list[Table]) -> Table:
    if not tables:
        return _EMPTY
    largest = max(tables, key=len)
    others = [t for t in tables if t is not largest and not t.items() <= largest.items()]
    if not others:
        return largest
    merged = dict(tables[0])
    for table in tables[1:]:
        for name, found in table.items():
            known = merged.setdefault(name, found)
            if known != found:
                raise DeclarationError(
                    f"two symbols are called {name}: '{describe(known)}' and '{describe(found)}'. "
                    "Use one declaration, or rename one of them."
                )
    return merged


def _own(node: Expression) -> Table:
    if isinstance(node, Symbol):
        return _named([(node.name, node)], node.shape)
    if isinstance(node, Index):
        return _named([(node.name, node)], (node.size,))
    values = [f for f in node.fields if isinstance(f, sp.Basic) and not f.is_Number]
    return _named([], [*values, *(() if node.args else node.shape)])


def _named(first: list[tuple[str, Any]], values: Iterable[Any]) -> Table:
    found: Table = dict(first)
    for value in values:
        for s in sorted(getattr(value, "free_symbols", ()), key=str):
            if isinstance(s, sp.Symbol) and not isinstance(s, sp.Dummy):
                name = canonical(s.name)
                known = found.setdefault(name, s)
                if known != s:
                    raise DeclarationError(f"two symbols are called {name}: '{describe(known)}' and '{describe(s)}'")
    return found


def _bound(node: Expression) -> frozenset[str]:
    if isinstance(node, Where):
        return frozenset(s.name for s in node.names)
    if isinstance(node, (BoundSum, Action)):
        return frozenset({node.args[0].name})  # type: ignore[attr-defined]
    return frozenset()


hooks.provide("symbol_table", symbol_table)
hooks.provide("free_symbols", free_symbols)
hooks.provide("declarations", declarations)
