"""Exact matrices and scalars as text and LaTeX, in symml's own notation."""

from __future__ import annotations

from typing import Any

import sympy as sp

from symml.notation.latex_writer import LATEX
from symml.notation.scalars import scalar_piece
from symml.notation.style import Style, shown, tight
from symml.notation.unicode_writer import UNICODE

_LATEX_TEXT = {
    "×": r"$\times$",
    "−": "$-$",
    "λ": r"$\lambda$",
    "ᵀ": r"$^{\top}$",
    "≠": r"$\ne$",
    "·": r"$\cdot$",
    "σ": r"$\sigma$",
    "²": "$^2$",
    "‖": r"$\|$",
    "_": r"\_",
    "^": r"\^{}",
    "&": r"\&",
    "μ": r"$\mu$",
    "–": "--",
}
_SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉"


def text(value: Any) -> str:
    """Return a scalar or a matrix as one line of Unicode."""
    return _write(UNICODE, value)


def latex(value: Any) -> str:
    """Return a scalar or a matrix as LaTeX."""
    return _write(LATEX, value)


def factor(value: Any, style: Style = UNICODE) -> str:
    """Return a scalar as a factor of a product, in brackets where it needs them."""
    return tight(style, scalar_piece(style, _plain(value)))


def factor_latex(value: Any) -> str:
    """Return a scalar as a factor, in LaTeX."""
    return factor(value, LATEX)


def multiplier(value: Any) -> str:
    """Return a scalar in front of a multiplication sign."""
    return f"({text(value)})" if value.is_Add else text(value)


def _write(style: Style, value: Any) -> str:
    if isinstance(value, sp.MatrixBase):
        rows, columns = value.shape
        return style.matrix([[_write(style, value[i, j]) for j in range(columns)] for i in range(rows)])
    return shown(style, scalar_piece(style, _plain(value)))


def _plain(value: Any) -> Any:
    """The scalar with the imaginary unit as the letter i: I is the identity."""
    return value.xreplace({sp.I: sp.Symbol("i")}) if value.has(sp.I) else value


def subscript(number: int) -> str:
    """Return a number as Unicode subscripts."""
    return "".join(_SUBSCRIPTS[int(c)] for c in str(number))


def words(statement: str) -> str:
    """Return a statement as the inside of LaTeX's text command."""
    return "".join(_LATEX_TEXT.get(c, c) for c in statement.replace("⁻¹", "\u0001")).replace("\u0001", "$^{-1}$")
