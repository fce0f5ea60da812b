"""Records of an equation and of its solution, and how their parts are shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from symml.calculus.construct import delta, ein, operator, scaled
from symml.calculus.construct import power as reciprocal
from symml.calculus.nodes import Node
from symml.derivation.curvature.definiteness import shown
from symml.derivation.stationary.linear_systems import Numbers
from symml.derivation.stationary.roots import Reading
from symml.derivation.stationary.separating import diagonal, identity_multiple, is_identity
from symml.language.expressions import Expression, Index, Zeros

__all__ = ["Equation", "Solution", "inverse", "shown"]


@dataclass(frozen=True)
class Equation:
    """An equation between two expressions; one for every value of the index `each` if there is one."""

    lhs: Expression
    rhs: Expression
    each: Index | None = None

    def __str__(self) -> str:
        return f"{self.lhs} = {'0' if isinstance(self.rhs, Zeros) else self.rhs}{every(self.each)}"

    def latex(self, relation: str = "=") -> str:
        """Return LaTeX without delimiters."""
        right = "0" if isinstance(self.rhs, Zeros) else self.rhs.latex()
        return f"{self.lhs.latex()} {relation} {right}{every_tex(self.each)}"

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"


def every(index: Index | None) -> str:
    """Return the range of an index for a line of text: "for i = 1, …, n"."""
    return "" if index is None else f"  for {index} = 1, …, {index.size}"


def every_tex(index: Index | None) -> str:
    """Return the range of an index for a formula."""
    return "" if index is None else rf" \qquad {index.latex()} = 1, \dots, {index.size}"


@dataclass(frozen=True)
class Solution:
    """How one equation was solved.

    Attributes
    ----------
    variable : Symbol or sympy.Symbol
    equation : Equation
        Terms with the unknown on the left, data on the right.
    roots : tuple of Node
        Empty for an equation that has no formula for X itself.
    method : str
        affine, inverse, multiplied, quadratic, entrywise, sylvester, lyapunov, kronecker, rows, columns or linear.
    notes : tuple of str
        Conditions met on the way.
    complete : bool
        Whether these are all solutions.
    formula, label : Expression or None
        What is known instead of a root: the formula of vec(X), or of row i of X, and vec(X) or X[i].
    numbers : Numbers or None
        How such a solution is computed.
    parts : tuple of Expression
        Matrices that decide whether there is exactly one solution.
    tail : tuple of str
        What is said behind the formula, as text and as LaTeX: the range of i, the meaning of K.
    others : str
        What else solves the equation, where that is known.
    """

    variable: Any
    equation: Equation
    roots: tuple[Node, ...]
    method: str
    notes: tuple[str, ...] = ()
    complete: bool = True
    formula: Expression | None = None
    label: Expression | None = None
    numbers: Numbers | None = None
    parts: tuple[Expression, ...] = ()
    reading: Reading | None = None
    tail: tuple[str, str] = ("", "")
    others: str = ""


def inverse(node: Node) -> Node:
    """Return the inverse of a matrix: of s I and diag(v) entry by entry."""
    if is_identity(node):
        return node
    s = identity_multiple(node)
    if s is not None:
        return scaled(reciprocal(s, -1), delta(node.shape[:1]))
    v = diagonal(node)
    if v is not None:
        return ein(1, [(reciprocal(v, -1), (0,))], (0, 0), {0: node.shape[0]})
    return operator("inv", (node,), node.shape)
