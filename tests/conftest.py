"""Tests of single rooms need the printers too, because messages show expressions."""

import symml.api  # noqa: F401
