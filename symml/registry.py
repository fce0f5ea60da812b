"""Discovery of records: every module of a folder is imported and its records of one class are collected.

Adding a fact means adding a file; no list of names is kept anywhere.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from functools import cache
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


def deferred(module: str, name: str) -> Callable[..., Any]:
    """Return a function that imports `module` when it is first called and then is `module.name`.

    For rooms a plain gradient does not enter: they would double the time to the first answer.
    """

    def call(*arguments: Any, **options: Any) -> Any:
        return getattr(importlib.import_module(module), name)(*arguments, **options)

    call.__name__ = name
    return call
