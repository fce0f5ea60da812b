"""Checks: sampling from declarations, finite differences, equality, reports."""
