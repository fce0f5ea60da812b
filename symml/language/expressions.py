"""Node classes of the matrix language: an immutable, typed, interned tree.

Every node is built through the constructors in `operators`, which check shapes; equal trees are the same object.
A node knows its children (`args`), its shape and nothing about calculus; methods that belong to higher layers
(`latex`, `evaluate`, ...) delegate to `hooks`.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping
from typing import Any, ClassVar, final

import sympy as sp

from symml.language import hooks
from symml.language.properties import Domain, closure, domain_facts

Dim = Any  # a positive int, or a SymPy expression in dimensions
Shape = tuple[Dim, ...]

_table: weakref.WeakValueDictionary[Any, Expression] = weakref.WeakValueDictionary()
_lock = threading.RLock()


class Expression:
    """A scalar, vector or matrix expression with symbolic sizes.

    Attributes
    ----------
    shape : tuple
        ``()`` scalar, ``(n,)`` vector, ``(n, d)`` matrix, ``(1, d)`` row.
    """

    __slots__ = ("__weakref__", "_hash", "args", "fields", "memo", "shape")
    _op_priority: ClassVar[float] = 20.0
    __iter__ = None
    __hash__: Any

    _hash: int
    shape: Shape
    args: tuple[Expression, ...]
    fields: tuple[Any, ...]
    memo: dict[str, Any]  # analyses of this node, made once

    def __init__(self, *_: Any, **__: Any) -> None:
        if type(self) is Expression:
            raise TypeError("write expressions with sml.declare, sml.parse and operators; Expression is not called")

    # -- identity ---------------------------------------------------------------------------------------------
    def __hash__(self) -> int:  # type: ignore[no-redef]
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return hooks.call("equals", self, other) if isinstance(other, sp.Basic) and self.shape == () else False

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __bool__(self) -> bool:
        raise TypeError("an expression has no truth value; compare two expressions with sml.equal(a, b)")

    def __lt__(self, other: object) -> bool:
        raise TypeError("expressions are not ordered; compare two expressions with sml.equal(a, b)")

    __le__ = __gt__ = __ge__ = __lt__

    def __copy__(self) -> Expression:
        return self

    def __deepcopy__(self, memo: Any) -> Expression:
        return self

    def __reduce__(self) -> Any:
        order = list(postorder(self))
        place = {node: k for k, node in enumerate(order)}
        rows = tuple((type(n), tuple(place[a] for a in n.args), n.fields, n.shape) for n in order)
        return _rebuild_flat, (rows,)

    # -- operators --------------------------------------------------------------------------------------------
    def __add__(self, other: Any) -> Expression:
        return hooks.operate("add", self, other)

    def __radd__(self, other: Any) -> Expression:
        return hooks.operate("add", other, self)

    def __sub__(self, other: Any) -> Expression:
        return hooks.operate("subtract", self, other)

    def __rsub__(self, other: Any) -> Expression:
        return hooks.operate("subtract", other, self)

    def __mul__(self, other: Any) -> Expression:
        return hooks.operate("multiply", self, other)

    def __rmul__(self, other: Any) -> Expression:
        return hooks.operate("multiply", other, self)

    __matmul__, __rmatmul__ = __mul__, __rmul__

    def __truediv__(self, other: Any) -> Expression:
        return hooks.operate("divide", self, other)

    def __rtruediv__(self, other: Any) -> Expression:
        return hooks.operate("divide", other, self)

    def __pow__(self, other: Any) -> Expression:
        return hooks.operate("power", self, other)

    def __rpow__(self, other: Any) -> Expression:
        return hooks.operate("power", other, self)

    def __neg__(self) -> Expression:
        return hooks.operate("multiply", -1, self)

    def __pos__(self) -> Expression:
        return self

    def __abs__(self) -> Expression:
        return hooks.operate("absolute", self)

    def __getitem__(self, key: Any) -> Expression:
        return hooks.operate("getitem", self, key)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return hooks.call("array_ufunc", ufunc, method, inputs, kwargs)

    @property
    def T(self) -> Expression:
        """The transpose; of a vector a row of shape ``(1, n)``."""
        return hooks.operate("transpose", self)

    @property
    def _sympy_(self) -> Any:
        if any(node.shape != () for node in postorder(self)):
            raise AttributeError("only expressions made of scalars convert to SymPy by themselves; use to_sympy()")
        return self.to_sympy

    # -- methods of higher layers -----------------------------------------------------------------------------
    def latex(self) -> str:
        r"""Return LaTeX without delimiters, as a textbook prints it."""
        return str(hooks.call("latex", self))

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    def _latex(self, printer: Any = None, **_: Any) -> str:
        return self.latex()

    def _sympystr(self, printer: Any = None, **_: Any) -> str:
        return str(self)

    def __str__(self) -> str:
        return str(hooks.call("unicode", self))

    def __repr__(self) -> str:
        return str(self)

    def evaluate(self, mapping: Mapping[Any, Any] | None = None, /, **values: Any) -> Any:
        """Return the value as a float or an ndarray.

        Parameters
        ----------
        mapping, **values : array_like
            Values by name; a vector may be 1-D or of shape (n, 1). Dimensions may be given, extra names are ignored.

        Raises
        ------
        DataError
            If a value is missing or does not have the declared shape.
        """
        return hooks.call("evaluate", self, {**(dict(mapping) if mapping else {}), **values})

    def to_sympy(self) -> Any:
        """Return the SymPy expression or MatrixExpr; raises NotSupportedError where SymPy has no class."""
        return hooks.call("to_sympy", self)

    def as_explicit(self, **sizes: int) -> Any:
        """Return a SymPy scalar or Matrix of entries at the given sizes."""
        return hooks.call("as_explicit", self, sizes)

    @property
    def free_symbols(self) -> set[Any]:
        """Symbols that occur, scalars and dimensions as SymPy symbols."""
        return set(hooks.call("free_symbols", self))

    @property
    def declarations(self) -> Any:
        """Table of the symbols: name, shape, properties."""
        return hooks.call("declarations", self)

    @property
    def readings(self) -> tuple[str, ...]:
        """Choices made while this expression was read from text; empty when there was none."""
        return tuple(hooks.call("readings", self))

    def to_dict(self) -> dict[str, Any]:
        """Return text, LaTeX and shape as plain data."""
        return {"text": str(self), "latex": self.latex(), "shape": [str(d) for d in self.shape]}

    def to_html(self) -> str:
        """Return a fragment of HTML with the LaTeX of this expression."""
        return f'<span class="symml">\\({self.latex()}\\)</span>'


def make(cls: type[Expression], args: tuple[Expression, ...], fields: tuple[Any, ...], shape: Shape) -> Expression:
    """Return the one node of this class, children, fields and shape. Only constructors call this."""
    key = (cls, args, fields, shape)
    with _lock:
        found = _table.get(key)
        if found is None:
            found = object.__new__(cls)
            found.args, found.fields, found.shape, found.memo = args, fields, shape, {}
            found._hash = hash(key)
            _table[key] = found
        return found


def _rebuild_flat(rows: tuple[Any, ...]) -> Expression:
    built: list[Expression] = []
    for cls, children, fields, shape in rows:
        built.append(make(cls, tuple(built[k] for k in children), fields, shape))
    return built[-1]


def postorder(*roots: Expression) -> list[Expression]:
    """Return every distinct node below the roots, children first, without recursion."""
    seen: set[Expression] = set()
    order: list[Expression] = []
    stack: list[tuple[Expression, bool]] = [(r, False) for r in reversed(roots)]
    while stack:
        node, done = stack.pop()
        if done:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((a, False) for a in reversed(node.args) if a not in seen)
    return order


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


