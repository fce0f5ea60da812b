"""Stationary points (being written)."""

from __future__ import annotations

from typing import Any

from symml.errors import NotSupportedError


class StationaryPoint:
    """A stationary point."""


def find_stationary(derivation: Any, subject_to: Any = None) -> StationaryPoint:
    """Return the stationary points of a derivation."""
    raise NotSupportedError("stationary points are not written yet")
