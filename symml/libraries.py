"""SciPy's rooms, entered when one of their functions is first called.

Importing ``scipy.special`` costs as much as half of SymPy, and most derivations call none of it:
``from symml.libraries import special`` in place of ``from scipy import special``.
"""

from __future__ import annotations

import importlib
from operator import attrgetter
from typing import Any


class Later:
    """A module, or something in it, that is imported when it is first called.

    Attributes may be asked for without importing: ``special.erf`` is again a `Later`; calling it imports.
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


special = Later("scipy.special")
linalg = Later("scipy.linalg")
