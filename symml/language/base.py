"""The base of the matrix language: an immutable, typed, interned tree.

Every node is built through the constructors in `operators`, which check shapes; equal trees are the same object.
A node knows its children (`args`), its shape and nothing about calculus; methods that belong to higher layers
(`latex`, `evaluate`, ...) delegate to `hooks`.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping
from typing import Any, ClassVar

import sympy as sp

from symml.language import hooks

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

    def applyfunc(self, function: Any) -> Expression:
        """Return a SymPy function, Lambda or expression-valued callable of one variable, entry by entry.

        SymPy differentiates it: ``w.applyfunc(sympy.Lambda(z, z**3/(1 + z**2)))``.
        """
        return hooks.operate("applyfunc", self, function)

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
        DomainError
            If the result is not a number though every value is, such as the logarithm of a negative number.
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
