"""Results of several variables: a mapping by name that takes any spelling of a name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from symml.language.names import canonical, unicode_name


class ByName(Mapping[Any, Any]):
    """A read-only mapping keyed by variable names, or by pairs of them; any spelling works.

    Examples
    --------
    >>> from symml.derivation.mappings import ByName
    >>> ByName({"W1": 1})["W_1"]
    1
    """

    def __init__(self, items: Mapping[Any, Any]) -> None:
        self._items = dict(items)

    def __getitem__(self, key: Any) -> Any:
        return self._items[_key(key)]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return "\n".join(f"{_show(k)}: {v}" for k, v in self._items.items())

    def _repr_latex_(self) -> str:
        rows = [rf"{_show(k)} &: {v.latex() if hasattr(v, 'latex') else v}" for k, v in self.items()]
        return r"$\displaystyle\begin{aligned}" + r" \\ ".join(rows) + r"\end{aligned}$"

    def to_html(self) -> str:
        """Return an HTML fragment with one entry a line."""
        return f'<div class="symml">\\({self._repr_latex_().strip("$")}\\)</div>'

    def to_dict(self) -> dict[str, str]:
        """Return the entries as text by name."""
        return {_show(k): str(self[k]) for k in self}


class LazyPairs(ByName):
    """Hessian blocks by pairs of names, computed when asked for."""

    def __init__(self, pairs: Mapping[tuple[str, str], tuple[Any, Any]], block: Callable[[Any, Any], Any]) -> None:
        super().__init__(pairs)
        self._block = block

    def __getitem__(self, key: Any) -> Any:
        return self._block(*super().__getitem__(key))

    def __repr__(self) -> str:
        return "\n".join(f"{a}, {b}: {self[a, b]}" for a, b in self)


def _key(key: Any) -> Any:
    if isinstance(key, tuple):
        return tuple(_key(k) for k in key)
    return canonical(key) if isinstance(key, str) else canonical(str(getattr(key, "name", key)))


def _show(key: Any) -> str:
    return ", ".join(unicode_name(k) for k in key) if isinstance(key, tuple) else unicode_name(key)
