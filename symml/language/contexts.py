"""Where a result comes from: the symbols of its derivation, so that `I` of a gradient knows its size from the data.

A result may hold a dimension that none of its own symbols has (∇ tr X = I). The symbols it was derived from are
remembered beside it; they are consulted for sizes only.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping
from typing import Any

from symml.language.expressions import Expression, Symbol
from symml.language.tables import symbol_table

_context: weakref.WeakKeyDictionary[Expression, tuple[Symbol, ...]] = weakref.WeakKeyDictionary()


def remember(result: Expression, symbols: Iterable[Any]) -> Expression:
    """Remember the symbols a result was derived from, if it needs them for a size; returns the result."""
    own = symbol_table(result)
    known = {d for s in own.values() if isinstance(s, Symbol) for d in s.shape}
    needed = {s for s in own.values() if not isinstance(s, Symbol)} - known
    if needed:
        found = [s for s in symbols if isinstance(s, Symbol) and needed & set(s.shape) and s not in own.values()]
        _context[result] = tuple(dict.fromkeys((*_context.get(result, ()), *found)))
    return result


def lent_sizes(result: Expression, given: Mapping[str, Any], shape_of: Any) -> dict[str, int]:
    """Return sizes that remembered symbols lend: those on which all symbols that fit their given values agree."""
    sizes: dict[str, int] = {}
    disputed: set[str] = set()
    for s in _context.get(result, ()):
        if s.name not in given:
            continue
        shape = shape_of(given[s.name])
        if shape is None or len(shape) != len(s.shape):
            continue
        for declared, size in zip(s.shape, shape, strict=True):
            name = getattr(declared, "name", None)
            if name is not None and sizes.setdefault(name, size) != size:
                disputed.add(name)
    return {k: v for k, v in sizes.items() if k not in disputed}
