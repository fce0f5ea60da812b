"""Node classes of the matrix language: one for each way an expression is made of others.

A class says what its `args` and `fields` hold and nothing else; the constructors in `operators` build them.
"""

from __future__ import annotations

from typing import Any, final

import sympy as sp

from symml.language.base import Dim, Expression, Shape, make, postorder
from symml.language.properties import Domain, closure, domain_facts

__all__ = [
    "Action",
    "Add",
    "Apply",
    "BoundSum",
    "Call",
    "Dim",
    "Einstein",
    "ElemPow",
    "Element",
    "Expression",
    "Eye",
    "Hadamard",
    "Index",
    "Indicator",
    "Literal",
    "Mul",
    "Ones",
    "Pow",
    "Scalar",
    "Shape",
    "Symbol",
    "Transpose",
    "Where",
    "Zeros",
    "make",
    "postorder",
]


@final
class Symbol(Expression):
    """A declared vector, matrix or data array. Fields: name, properties, domain."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """Canonical name, a Python identifier."""
        return str(self.fields[0])

    @property
    def python_name(self) -> str:
        """Keyword of this symbol in `evaluate` and in generated code."""
        return self.name

    @property
    def properties(self) -> frozenset[str]:
        """Declared property words."""
        return frozenset(self.fields[1])

    @property
    def domain(self) -> Domain | None:
        """Entrywise range, if one was declared."""
        return self.fields[2]  # type: ignore[no-any-return]

    @property
    def facts(self) -> frozenset[str]:
        """Declared properties, what they imply and what the range implies."""
        return closure(self.properties | domain_facts(self.domain))


@final
class Scalar(Expression):
    """A maximal sub-expression of scalars only: one SymPy expression. Field: value."""

    __slots__ = ()

    @property
    def value(self) -> sp.Expr:
        """The SymPy expression."""
        return self.fields[0]


@final
class Literal(Expression):
    """An exact constant matrix or vector (SymPy ImmutableMatrix). Field: value."""

    __slots__ = ()

    @property
    def value(self) -> Any:
        """The SymPy matrix."""
        return self.fields[0]


@final
class Eye(Expression):
    """The identity of shape (d, d)."""

    __slots__ = ()


@final
class Ones(Expression):
    """A vector or matrix of ones."""

    __slots__ = ()


@final
class Zeros(Expression):
    """A vector or matrix of zeros (the zero scalar is Scalar(0))."""

    __slots__ = ()


@final
class Add(Expression):
    """Sum of terms of one shape; a scalar term is added to every entry. At most one Scalar among the args."""

    __slots__ = ()


@final
class Mul(Expression):
    """coefficient * args[0] @ args[1] @ ...: scalars scale, the rest is a chain of matrix products.

    `coefficient` is a SymPy scalar; args never contain a Scalar; scalar-shaped args stand where the user put them,
    and division by a scalar is an arg ``Pow(s, -1)``.
    """

    __slots__ = ()

    @property
    def coefficient(self) -> sp.Expr:
        """The scalar in front, a SymPy expression."""
        return self.fields[0]


@final
class Hadamard(Expression):
    """Elementwise product of arrays of one shape; division is an arg ``ElemPow(x, -1)``."""

    __slots__ = ()


@final
class ElemPow(Expression):
    """Elementwise power of an array; the exponent is a SymPy scalar. Field: exponent."""

    __slots__ = ()

    @property
    def exponent(self) -> sp.Expr:
        """The exponent."""
        return self.fields[0]


@final
class Pow(Expression):
    """Power of a scalar (any SymPy exponent) or of a square matrix (integer exponent, -1 the inverse)."""

    __slots__ = ()

    @property
    def exponent(self) -> sp.Expr:
        """The exponent."""
        return self.fields[0]


@final
class Transpose(Expression):
    """The transpose of a matrix, or a vector as a row."""

    __slots__ = ()


@final
class Call(Expression):
    """A registered function of expressions. Field: function name, as in `language/functions`."""

    __slots__ = ()

    @property
    def function(self) -> str:
        """Name of the function record."""
        return str(self.fields[0])


@final
class Apply(Expression):
    """A SymPy `Lambda` of one variable applied elementwise. Field: the Lambda."""

    __slots__ = ()

    @property
    def function(self) -> sp.Lambda:
        """The SymPy Lambda."""
        return self.fields[0]


@final
class Indicator(Expression):
    """Elementwise 1 where the relation holds, else 0. Field: one of ``> >= < <= ==``."""

    __slots__ = ()

    @property
    def relation(self) -> str:
        """The relation sign."""
        return str(self.fields[0])


@final
class Index(Expression):
    """A bound index of a sum, running over a dimension; shape (). Fields: name, dimension."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """Printed name."""
        return str(self.fields[0])

    @property
    def size(self) -> Dim:
        """The dimension it runs over."""
        return self.fields[1]


@final
class Element(Expression):
    """Entry, row (as a column) or column of an array.

    args[0] is the array; fields[0] is one position per axis: an int counted from 0, None for "all",
    or "index", which stands for the next of args[1:] (an `Index`).
    """

    __slots__ = ()

    @property
    def positions(self) -> tuple[int | str | None, ...]:
        """Position on each axis."""
        return tuple(self.fields[0])


@final
class BoundSum(Expression):
    """Sum of args[1] over the index args[0]."""

    __slots__ = ()


@final
class Where(Expression):
    """An expression with named sub-expressions: args = (body, value1, ...); fields[0] = the names, as Symbols.

    A name that is a scalar is a ``Call``-free Symbol of shape (); values may use names that stand later in the list.
    """

    __slots__ = ()

    @property
    def names(self) -> tuple[Symbol, ...]:
        """The named symbols, in printed order."""
        return tuple(self.fields[0])


@final
class Action(Expression):
    """A derivative of order 3 or 4 by its action on a direction: label[direction] = body.

    args = (direction Symbol, body), printed; for a structured variable followed by (free direction, its body), which
    give the value. shape = body.shape + direction.shape. Field: the label, H or J.
    """

    __slots__ = ()

    @property
    def label(self) -> str:
        """H for a Hessian, J for a Jacobian."""
        return str(self.fields[0])


@final
class Einstein(Expression):
    """An index formula, where no matrix notation exists: a sum of products of entries.

    args are the factors; fields = (index letters of each factor, letters of the result).
    """

    __slots__ = ()
