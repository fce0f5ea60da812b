"""Hooks: bodies of `Expression` methods that belong to higher layers, filled by those layers when they are imported.

`Expression` stays free of imports from above, and `help()` still shows every method. A room that many sessions never
enter is only announced: it is imported when one of its methods is first called.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symml.language.expressions import Expression

_bodies: dict[str, Callable[..., Any]] = {}
_homes: dict[str, str] = {}


def provide(name: str, body: Callable[..., Any]) -> None:
    """Register the body of the method `name`."""
    _bodies[name] = body


def announce(module: str, *names: str) -> None:
    """Say that importing `module` provides the bodies of these methods."""
    _homes.update(dict.fromkeys(names, module))


def call(name: str, *arguments: Any) -> Any:
    """Run a hooked method."""
    if name not in _bodies:  # a spawned process unpickles an expression before it has imported anything else
        importlib.import_module(_homes.get(name, "symml.api"))
    return _bodies[name](*arguments)


def operate(name: str, *operands: Any) -> Expression:
    """Run an operator; an operand it does not know gives NotImplemented."""
    if name not in _bodies:
        importlib.import_module("symml.api")
    return _bodies[name](*operands)  # type: ignore[no-any-return]
