"""Stationary points: equations of the unknowns, ways to solve them, conditions, kind, and trials of the answers."""
