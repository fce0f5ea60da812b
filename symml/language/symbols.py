"""Scalar symbols and dimensions: SymPy symbols that also carry an entrywise range."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sympy as sp

from symml.language.properties import Domain


class ScalarSymbol(sp.Symbol):  # type: ignore[misc]
    """A declared scalar: a SymPy symbol that remembers its range and words, such as ``in (0,1)`` or ``random``.

    SymPy keeps signs and integrality as assumptions; what it cannot express is kept in `domain` and `properties`.
    """

    __slots__ = ("domain", "properties")
    domain: Domain | None
    properties: frozenset[str]

    def __new__(
        cls, name: str, domain: Domain | None, properties: Iterable[str] = (), **assumptions: Any
    ) -> ScalarSymbol:
        """Return the symbol of a canonical name, its range, its words and SymPy's assumptions."""
        symbol: ScalarSymbol = sp.Symbol.__xnew__(cls, name, **assumptions)
        symbol.domain = domain
        symbol.properties = frozenset(properties)
        return symbol

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (self.name, self.domain, tuple(sorted(self.properties))), dict(self._assumptions_orig)

    def __getstate__(self) -> None:
        return None

    def _hashable_content(self) -> tuple[Any, ...]:
        return (*super()._hashable_content(), str(self.domain), tuple(sorted(self.properties)))


def dimension(name: str) -> sp.Symbol:
    """Return the SymPy symbol of a dimension: a positive integer."""
    return sp.Symbol(name, positive=True, integer=True)


def is_dimension(symbol: sp.Symbol) -> bool:
    """Whether a SymPy symbol has exactly the assumptions of a dimension."""
    return bool(symbol == dimension(symbol.name))
