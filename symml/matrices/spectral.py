"""Exact eigenvalues and eigenvectors: characteristic polynomial, its roots, one null space for each root."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from symml.errors import NoClosedFormError
from symml.matrices.exact import Matrix, over, root, same, tidied, tidy, vanishes
from symml.matrices.row_operations import null_vectors, reduced
from symml.matrices.writing import factor, factor_latex, latex, text
from symml.records import Step


@dataclass(frozen=True)
class Eigenspace:
    """An eigenvalue, its algebraic multiplicity and a basis of its eigenvectors, not normalised."""

    value: Any
    multiplicity: int
    vectors: tuple[Matrix, ...]
    conditions: tuple[str, ...] = ()


def eigenspaces(matrix: Matrix, name: str = "A") -> tuple[tuple[Eigenspace, ...], list[Step]]:
    """Return the eigenspaces of a square matrix, real eigenvalues in descending order, and the steps.

    Raises
    ------
    NoClosedFormError
        If a root of the characteristic polynomial needs more than square roots.
    """
    unknown = sp.Symbol("mu" if "lambda" in {s.name for s in matrix.free_symbols} else "lambda")
    polynomial = sp.expand((unknown * sp.eye(matrix.rows) - matrix).det(method="berkowitz"))
    roots = _roots(polynomial, unknown, matrix)
    steps = [_polynomial_step(matrix, name, polynomial, unknown), _roots_step(polynomial, unknown, roots)]
    spaces = []
    for value, multiplicity in roots:
        shifted = tidied(matrix - value * sp.eye(matrix.rows))
        rows, pivots = reduced(shifted)
        vectors = tuple(_whole(v) for v in null_vectors(rows.now, pivots))
        steps.append(_vectors_step(matrix, name, value, shifted, rows.now, vectors))
        spaces.append(Eigenspace(value, multiplicity, vectors, tuple(rows.conditions)))
    return tuple(spaces), steps


def _roots(polynomial: Any, unknown: Any, matrix: Matrix) -> list[tuple[Any, int]]:
    found: dict[Any, int] = {}
    degree = matrix.rows
    _, parts = sp.factor_list(polynomial, unknown)
    for part, multiplicity in parts:
        roots = sp.roots(part, unknown, cubics=False, quartics=False, quintics=False)
        if sum(roots.values()) < sp.degree(part, unknown):
            _refuse(part, unknown, matrix)
        for value, count in roots.items():
            found[tidy(value)] = found.get(tidy(value), 0) + count * multiplicity
    if sum(found.values()) != degree:
        _refuse(polynomial, unknown, matrix)
    if any(root.free_symbols for root in found):
        return sorted(found.items(), key=lambda item: sp.default_sort_key(item[0]))
    return sorted(found.items(), key=lambda item: _place(item[0]))


def _place(value: Any) -> tuple[float, float]:
    number = complex(sp.N(value, 30))
    return -number.real, -number.imag


def _refuse(part: Any, unknown: Any, matrix: Matrix) -> None:
    hint = ""
    if not matrix.free_symbols:
        values = sorted(np.linalg.eigvals(np.array(matrix.tolist(), dtype=complex)), key=lambda z: (-z.real, -z.imag))
        hint = (
            " Numerically: "
            + ", ".join(f"{z.real:.6g}" + (f"{z.imag:+.6g}i" if abs(z.imag) > 1e-12 else "") for z in values)
            + "."
        )
    raise NoClosedFormError(
        f"the eigenvalues are roots of {text(part)}, which has no roots that square roots can write.{hint}"
    )


def _whole(vector: Matrix) -> Matrix:
    """A vector without fractions, its first nonzero entry positive where that is known."""
    rational = [x for x in vector if x.is_Rational]
    if len(rational) == len(vector):
        scale = sp.ilcm(1, *(x.q for x in rational))
        content = sp.igcd(0, *(x * scale for x in rational))
        vector = vector * scale / content
    else:
        scale = sp.ilcm(
            1, *(sp.fraction(sp.together(x))[1] for x in vector if sp.fraction(sp.together(x))[1].is_Integer)
        )
        vector = vector * scale
    first = next((x for x in vector if x != 0), sp.S.One)
    negative = first.is_negative is True
    return tidied(-vector if negative else vector)


def _polynomial_step(matrix: Matrix, name: str, polynomial: Any, unknown: Any) -> Step:
    symbol = text(unknown)
    proof = tidied(sum_of_powers(polynomial, unknown, matrix))
    return Step(
        "characteristic polynomial",
        f"the characteristic polynomial det({symbol} I − {name})",
        matrix,
        polynomial,
        f"det({symbol} I − {name}) = {text(polynomial)}",
        rf"\det\left({latex(unknown)} I - {name}\right) = {latex(polynomial)}",
        same(proof, sp.zeros(*matrix.shape), f"p({name}) = 0 (Cayley–Hamilton) by exact multiplication"),
    )


def sum_of_powers(polynomial: Any, unknown: Any, matrix: Matrix) -> Matrix:
    """Return a polynomial of a matrix, by Horner's rule."""
    found = sp.zeros(*matrix.shape)
    for coefficient in sp.Poly(polynomial, unknown).all_coeffs():
        found = (found * matrix + coefficient * sp.eye(matrix.rows)).expand()
    return found


def _roots_step(polynomial: Any, unknown: Any, roots: list[tuple[Any, int]]) -> Step:
    product = sp.Mul(*((unknown - r) ** m for r, m in roots))
    shown = ", ".join(text(r) + (f" ({m} times)" if m > 1 else "") for r, m in roots)
    tex = ", ".join(latex(r) + (rf"\ ({m}\times)" if m > 1 else "") for r, m in roots)
    difference = [tidy(c) for c in sp.Poly(sp.expand(product - polynomial), unknown).all_coeffs()]
    return Step(
        "roots",
        "its roots are the eigenvalues",
        polynomial,
        tuple(r for r, _ in roots),
        f"{text(unknown)} = {shown}",
        f"{latex(unknown)} = {tex}",
        same(sp.Matrix([difference]), sp.zeros(1, len(difference)), "the product of the linear factors, expanded"),
    )


def _vectors_step(
    matrix: Matrix, name: str, value: Any, shifted: Matrix, echelon: Matrix, vectors: tuple[Matrix, ...]
) -> Step:
    together = sp.Matrix.hstack(*vectors)
    shift = _less(name, value, factor, "−")
    shown = ", ".join(f"v = {text(v)}" for v in vectors)
    tex = r",\ ".join(f"v = {latex(v)}" for v in vectors)
    return Step(
        "eigenvectors",
        f"solve {shift if value == 0 else f'({shift})'} v = 0 by row reduction",
        shifted,
        together,
        f"{shift} → {text(echelon)} ⇒ {shown}",
        rf"{_less(name, value, factor_latex, '-')} \longrightarrow {latex(echelon)} \implies {tex}",
        same(
            tidied(matrix * together), tidied(value * together), f"{name} v = {text(value)} v by exact multiplication"
        ),
    )


def _less(name: str, value: Any, show: Any, minus: str) -> str:
    if value == 0:
        return name
    negative = value.could_extract_minus_sign() and not value.is_Add
    size = -value if negative else value
    return f"{name} {'+' if negative else minus} " + ("I" if size == 1 else f"{show(size)} I")


def orthonormal(vectors: tuple[Matrix, ...]) -> tuple[list[Matrix], list[Step]]:
    """Return an orthonormal basis of the span of independent vectors, and the steps that changed them."""
    basis: list[Matrix] = []
    steps = []
    for vector in vectors:
        left = vector
        for other in basis:
            left = tidied(left - (other.T * vector)[0] / (other.T * other)[0] * other)
        basis.append(_whole(left) if not left.equals(vector) else vector)
    found = []
    for vector in basis:
        norm = root((vector.T * vector)[0])
        unit = over(vector, norm)
        found.append(unit)
        if norm != 1:
            steps.append(
                Step(
                    "divide by the norm",
                    "divide the eigenvector by its norm",
                    vector,
                    unit,
                    f"v/‖v‖ = {text(vector)}/{factor(norm)} = {text(unit)}",
                    rf"\frac{{v}}{{\|v\|}} = \frac{{1}}{{{latex(norm)}}} {latex(vector)} = {latex(unit)}",
                    same(unit.T * unit, sp.eye(1), "norm 1 by exact multiplication"),
                )
            )
    if len(vectors) > 1 and any(not vanishes((a.T * b)[0]) for k, a in enumerate(vectors) for b in vectors[:k]):
        together = sp.Matrix.hstack(*basis)
        gram = tidied(together.T * together)
        steps.insert(
            0,
            Step(
                "Gram–Schmidt",
                "make the vectors of this eigenvalue orthogonal",
                sp.Matrix.hstack(*vectors),
                together,
                ", ".join(f"v = {text(v)}" for v in basis),
                r",\ ".join(f"v = {latex(v)}" for v in basis),
                same(gram, sp.diag(*gram.diagonal()), "VᵀV is diagonal by exact multiplication"),
            ),
        )
    return found, steps
