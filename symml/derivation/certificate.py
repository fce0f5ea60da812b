"""Exact certificates by SymPy (being written)."""

from __future__ import annotations

from typing import Any

from symml.checking.reports import CheckReport
from symml.errors import NotSupportedError


def certify(objective: Any, result: Any, variables: Any, what: str, symmetric: bool) -> CheckReport:
    """Return the certificate of a derivative by SymPy at small explicit sizes."""
    raise NotSupportedError("certificates are not written yet")
