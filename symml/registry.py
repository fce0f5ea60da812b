"""Discovery of records: every module of a folder is imported and its records of one class are collected.

Adding a fact means adding a file; no list of names is kept anywhere. `Later` imports what is seldom needed when it is.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar

T = TypeVar("T")


@cache
def _modules(package: str) -> tuple[str, ...]:
    folder = importlib.import_module(package)
    return tuple(sorted(f"{package}.{info.name}" for info in pkgutil.iter_modules(folder.__path__)))


@cache
def discover(package: str, kind: type[T]) -> tuple[T, ...]:
    """Return all module-level records of class `kind` in the modules of `package`, in a fixed order."""
    found: list[T] = []
    for name in _modules(package):
        for value in vars(importlib.import_module(name)).values():
            candidates = value if isinstance(value, tuple) else (value,)
            found.extend(c for c in candidates if isinstance(c, kind) and c not in found)
    return tuple(found)


class Later:
    """A module, or something in it, that is imported when it is first called.

    For rooms a plain gradient does not enter: they would double the time to the first answer. Attributes may be asked
    for without importing: ``special.erf`` is again a `Later`; calling it imports.
    """

    def __init__(self, module: str, path: str = "") -> None:
        self._module = module
        self._path = path
        self._found: Any = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = Later(self._module, f"{self._path}.{name}" if self._path else name)
        setattr(self, name, found)
        return found

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Call what this stands for."""
        if self._found is None:
            self._found = attrgetter(self._path)(importlib.import_module(self._module))
        return self._found(*arguments, **options)

    def __repr__(self) -> str:
        return f"{self._module}.{self._path}" if self._path else self._module
