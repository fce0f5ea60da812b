"""Constraints (being written)."""
from __future__ import annotations
from typing import Any
from symml.errors import NotSupportedError
def constrained(derivation: Any, subject_to: Any) -> Any:
    raise NotSupportedError("later")
