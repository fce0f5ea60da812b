"""Stationary points under constraints: multipliers, eigenproblems, duals, programs in numbers."""
