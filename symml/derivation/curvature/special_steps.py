"""Newton steps and rates that have a formula of their own: Hessians with Kronecker factors, functions of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sympy as sp

from symml.codegen.structure import definiteness, is_nonnegative, is_positive
from symml.derivation.curvature.structure import factor_parts
from symml.derivation.points.eigenvalues import eigenvalues_of, size
from symml.language.expressions import Add, Expression, Eye, Mul, Scalar, Symbol
from symml.language.operators import (
    add,
    call,
    divide,
    elementwise_power,
    elementwise_product,
    multiply_any,
    power,
    scalar,
)  # fmt: skip

if TYPE_CHECKING:
    from symml.derivation.derivation import Derivation

LONG = 40  # operations of an update of numbers that is still written out


@dataclass(frozen=True)
class Factors:
    """A Hessian that acts as P dX Q, or entry by entry as S ⊙ dX."""

    left: Expression | None = None
    right: Expression | None = None
    entries: Expression | None = None

    def solved(self, gradient: Expression) -> Expression:
        """Return the direction that the Hessian takes to the gradient."""
        if self.entries is not None:
            return elementwise_product(gradient, elementwise_power(self.entries, scalar(-1)))
        front = [] if self.left is None else [_inverse(self.left)]
        behind = [] if self.right is None else [_inverse(self.right)]
        return multiply_any(*front, gradient, *behind)

    def largest(self) -> Expression | None:
        """Return the largest eigenvalue, the product of those of the factors where these are not negative."""
        if self.entries is not None:
            return call("max", self.entries) if is_nonnegative(self.entries) == "yes" else None
        sides = [e for e in (self.left, self.right) if e is not None]
        if not all(definiteness(e)[0].startswith("positive") for e in sides):
            return None
        if len(sides) == 2 and sides[0] == sides[1]:
            return power(largest_eigenvalue(sides[0]), 2)
        return multiply_any(*(largest_eigenvalue(e) for e in sides))


def largest_eigenvalue(e: Expression) -> Expression:
    """Return the largest eigenvalue of a symmetric matrix, with a positive number in front of it."""
    front, rest = _split(e)
    if front is None or is_positive(front) != "yes":
        return call("eigmax", e)
    return multiply_any(front, call("eigmax", rest))


def _inverse(e: Expression) -> Expression:
    front, rest = _split(e)
    return power(e, -1) if front is None else multiply_any(divide(1, front), power(rest, -1))


def _split(e: Expression) -> tuple[Expression | None, Expression]:
    """The number in front of a matrix, and the rest."""
    if not isinstance(e, Mul):
        return None, e
    numbers = [a for a in e.args if a.shape == ()]
    arrays = [a for a in e.args if a.shape != ()]
    if e.coefficient == 1 and not numbers:
        return None, e
    return multiply_any(scalar(e.coefficient), *numbers), multiply_any(*arrays)


def factors_of(derivation: Derivation) -> Factors | None:
    """Return the factors of the Hessian of a matrix, where its structure has them."""
    if not derivation.single or len(getattr(derivation.wrt[0], "shape", ())) != 2:
        return None
    found = factor_parts(derivation)
    if found is None:
        return None
    structure, parts = found
    if structure.kind == "diagonal" and set(parts) == {"S"}:
        return Factors(entries=parts["S"])
    if structure.kind.startswith("Kronecker") and set(parts) == {"left", "right"} and not structure.turned:
        left, right = _plain(parts["right"]), _plain(parts["left"])
        return Factors(left, right) if left is not None or right is not None else None
    return None


def _plain(e: Expression) -> Expression | None:
    return None if isinstance(e, Eye) else e


# -- a number in front of both ------------------------------------------------------------------------------------
def reduced(gradient: Expression, hessian: Expression) -> tuple[Expression, Expression]:
    """Return gradient and Hessian without the number that both have in front."""
    number = _content(gradient)
    if number == 1 or number != _content(hessian) or number < 0:
        return gradient, hessian
    return _divided(gradient, number), _divided(hessian, number)


def _content(e: Expression) -> Any:
    if isinstance(e, Mul):
        return e.coefficient if e.coefficient.is_Rational else sp.S.One
    if isinstance(e, Add):
        found = [_content(a) for a in e.args]
        return found[0] if all(c == found[0] for c in found) else sp.S.One
    if isinstance(e, Scalar):
        return sp.S.One
    return sp.S.One


def _divided(e: Expression, number: Any) -> Expression:
    terms = e.args if isinstance(e, Add) else (e,)
    return add(*(multiply_any(scalar(1 / number), t) for t in terms))


# -- functions of numbers -----------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Numbers:
    """Gradient and Hessian of a function of numbers as SymPy matrices."""

    gradient: Any
    hessian: Any

    def update(self, variables: Sequence[sp.Symbol]) -> tuple[sp.Expr, ...] | None:
        """Return the variables after a Newton step; None where this gets long or the Hessian is singular."""
        if len(variables) > 3 or self.hessian.det() == 0:
            return None
        step = self.hessian.LUsolve(self.gradient)
        found = tuple(sp.factor(sp.simplify(v - s)) for v, s in zip(variables, step, strict=True))
        return found if sum(sp.count_ops(e) for e in found) <= LONG else None

    def largest(self) -> sp.Expr | None:
        """Return the largest eigenvalue of a constant Hessian."""
        if self.hessian.free_symbols:
            return None
        found = eigenvalues_of(self.hessian)[-1]
        return found if size(found) > 0 else None


def numbers_of(derivation: Derivation) -> Numbers | None:
    """Return gradient and Hessian of a function of several numbers."""
    if any(isinstance(v, Symbol) for v in derivation.wrt) or not isinstance(derivation.objective, Scalar):
        return None
    gradient = sp.Matrix([derivation._result("gradient", v).value for v in derivation.wrt])  # type: ignore[attr-defined]
    rows = [[derivation._result("hessian", a, b).value for b in derivation.wrt] for a in derivation.wrt]  # type: ignore[attr-defined]
    return Numbers(gradient, sp.Matrix(rows))
