"""Distributions, one file a family."""
