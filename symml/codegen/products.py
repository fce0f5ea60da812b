"""Products taken apart: coefficient, scalar factors and the chain of factors, transposes pushed to the factors."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from symml.language.expressions import Call, Expression, Eye, Mul, Ones, Pow, Scalar, Symbol, Transpose


@dataclass(frozen=True)
class Factor:
    """One factor of a chain: an expression, read as its transpose when `transposed`."""

    base: Expression
    transposed: bool = False

    @property
    def axes(self) -> tuple[object, object]:
        """Rows and columns; a vector is one column."""
        shape = self.base.shape
        rows, columns = (shape[0], 1) if len(shape) == 1 else (shape[0], shape[1])
        return (columns, rows) if self.transposed else (rows, columns)

    def flipped(self) -> Factor:
        """Return the transposed factor."""
        return self if own_transpose(self.base) else Factor(self.base, not self.transposed)


@dataclass(frozen=True)
class Product:
    """coefficient * scalars * chain."""

    coefficient: sp.Expr
    scalars: tuple[Expression, ...]
    chain: tuple[Factor, ...]


def own_transpose(e: Expression) -> bool:
    """Whether the expression is symmetric by its own making: declared, the identity, a square of ones, a diagonal."""
    if len(e.shape) != 2 or e.shape[0] != e.shape[1]:
        return False
    while isinstance(e, Pow):
        e = e.args[0]
    if isinstance(e, Symbol):
        return "symmetric" in e.facts
    return isinstance(e, (Eye, Ones)) or (isinstance(e, Call) and e.function == "diag")


def product(e: Expression) -> Product:
    """Return the parts of a product; an expression that is no product is a chain of one factor."""
    if isinstance(e, Scalar):
        return Product(e.value, (), ())
    coefficient: sp.Expr = sp.S.One
    scalars: list[Expression] = []
    chain: list[Factor] = []
    stack: list[Factor] = [Factor(e)]
    while stack:
        top = stack.pop()
        base = top.base
        if isinstance(base, Mul):
            coefficient = coefficient * base.coefficient
            scalars.extend(a for a in base.args if a.shape == ())
            arrays = [Factor(a, top.transposed) for a in base.args if a.shape != ()]
            stack.extend(arrays if top.transposed else reversed(arrays))
        elif isinstance(base, Transpose):
            stack.append(Factor(base.args[0], not top.transposed))
        elif base.shape == ():
            scalars.append(base)
        else:
            chain.append(Factor(base, top.transposed and not own_transpose(base)))
    return Product(coefficient, tuple(scalars), tuple(chain))


def flipped(chain: tuple[Factor, ...]) -> tuple[Factor, ...]:
    """Return the chain of the transposed product."""
    return tuple(f.flipped() for f in reversed(chain))
