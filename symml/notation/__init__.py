"""Notation: reading text, writing Unicode and LaTeX, from one table."""

from symml.notation import latex_writer, reader, unicode_writer

__all__ = ["latex_writer", "reader", "unicode_writer"]
