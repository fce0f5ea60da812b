"""Derivations: gradients, Jacobians, Hessians, their steps; stationary points, free and under constraints.

`decomposition_differential("eigen" | "svd" | "cholesky" | "qr")` gives the differentials of eigenvectors, singular
vectors, the Cholesky factor and the QR factors.
"""

from symml.registry import Later

decomposition_differential = Later("symml.derivation.decomposition_differentials").decomposition_differential
