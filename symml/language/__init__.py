"""The language: symbols with shape and domain, expressions, operators and functions."""

from symml.language import function, indices, tables, ufuncs

__all__ = ["function", "indices", "tables", "ufuncs"]
