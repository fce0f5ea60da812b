"""Canonical rewriting rules, one function each, discovered by `rewriting`."""
