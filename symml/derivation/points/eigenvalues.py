"""Eigenvalues of a small symmetric matrix of numbers: exactly where square roots suffice, else with many digits."""

from __future__ import annotations

from typing import Any

import mpmath
import sympy as sp

from symml.derivation.points.polynomial_systems import number

EXACT = 30  # digits of what is compared in numbers


def size(x: sp.Expr) -> float:
    """Return a number as a float; 0 for what has symbols."""
    return float(sp.re(number(x))) if x.is_number else 0.0


def eigenvalues_of(matrix: Any) -> tuple[Any, ...]:
    """Return the eigenvalues in ascending order, with square roots where these suffice, else as numbers."""
    if matrix.has(sp.Float):
        return _numeric_eigenvalues(matrix)
    if matrix.rows <= 2 or matrix.is_diagonal():
        found = [sp.radsimp(sp.simplify(e)) for e, k in matrix.eigenvals().items() for _ in range(k)]
        return tuple(sorted(found, key=size))
    coefficients = [sp.simplify(c) for c in matrix.charpoly().all_coeffs()]
    if not all(c.is_Rational for c in coefficients):
        return _numeric_eigenvalues(matrix)
    factors = sp.factor_list(sp.Poly(coefficients, sp.Dummy("x")))[1]
    return tuple(sorted((r for factor, k in factors for r in _roots_of(factor) for _ in range(k)), key=size))


def _numeric_eigenvalues(matrix: Any) -> tuple[Any, ...]:
    with mpmath.workdps(EXACT):
        rows = [[str(sp.re(number(e))) for e in row] for row in matrix.tolist()]
        found = mpmath.eigsy(mpmath.matrix(rows), eigvals_only=True)
        scale = 1 + max(abs(e) for e in found)
        return tuple(sp.S.Zero if abs(e) < scale * 1e-20 else sp.Float(e, EXACT) for e in sorted(found))


def _roots_of(factor: Any) -> list[sp.Expr]:
    if factor.degree() <= 2:
        return list(sp.roots(factor, multiple=True))
    return [number(r) for r in sp.real_roots(factor)]
