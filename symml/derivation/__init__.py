"""Derivations: gradients, Jacobians, Hessians, their steps; stationary points, free and under constraints.

`decomposition_differentials.decomposition_differential` gives the differentials of eigenvectors, singular vectors, the
Cholesky factor and the QR factors.
"""
