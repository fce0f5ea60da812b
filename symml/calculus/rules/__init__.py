"""Derivative rules, one row a primitive, discovered by `rule`."""
