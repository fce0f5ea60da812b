"""Small records of models: conditions on the data, and warnings with a code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Condition:
    """When the maximum exists or is unique: the text, and a test on the values of the sufficient statistics."""

    text: str
    test: Callable[[Mapping[str, Any]], bool] | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class ModelWarning:
    """Something to know before fitting.

    Attributes
    ----------
    code : str
        ``unbounded``, ``boundary``, ``no finite estimate``, ``not unique``, ``not identified``, ``separation``,
        ``irregular`` or ``constraint``.
    message : str
    """

    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"
