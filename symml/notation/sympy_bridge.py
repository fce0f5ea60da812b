"""SymPy at the edges: matrix expressions come in, SymPy expressions go out.

In: every class of `sympy.matrices.expressions` that has a meaning here; an n×1 MatrixSymbol is a vector.
Out: scalars are SymPy scalars, a 1×1 product is its trace, the rest a MatrixExpr; what SymPy has no class for is an
error that names the node. Nothing is differentiated on the way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy.core.function import Application
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.matrices.expressions.diagonal import DiagMatrix, DiagonalMatrix, DiagonalOf
from sympy.matrices.expressions.matexpr import MatrixElement
from sympy.matrices.expressions.slice import MatrixSlice

from symml.errors import NotSupportedError
from symml.language import hooks
from symml.language.expressions import (
    Add,
    Apply,
    Call,
    Dim,
    Element,
    ElemPow,
    Expression,
    Eye,
    Hadamard,
    Literal,
    Mul,
    Ones,
    Pow,
    Scalar,
    Shape,
    Symbol,
    Transpose,
    Zeros,
    postorder,
)  # fmt: skip
from symml.language.function import function, functions
from symml.language.names import canonical
from symml.language.operators import (
    apply_lambda,
    as_dim,
    call,
    element,
    elementwise_power,
    elementwise_product,
    exact,
    eye,
    from_axes,
    literal,
    ones,
    power,
    scalar,
    symbol,
    transpose,
    zeros,
)  # fmt: skip
from symml.language.properties import closure
from symml.language.symbols import dimension
from symml.language.where import expand_names
from symml.notation.explicit import as_explicit


# -- in -----------------------------------------------------------------------------------------------------------
def from_sympy(value: Any) -> Expression:
    """Return a SymPy matrix expression, or a scalar that holds one, as an expression.

    Raises
    ------
    NotSupportedError
        If a class has no counterpart; it is named.
    """
    done: dict[Any, Expression] = {}
    waiting = [value]
    while waiting:
        part = waiting[-1]
        below = [a for a in _below(part) if a not in done]
        if below:
            waiting.extend(below)
            continue
        waiting.pop()
        if part not in done:
            done[part] = _read(part, [done[a] for a in _below(part)])
    return done[value]


def _below(part: Any) -> tuple[Any, ...]:
    if not _holds_matrix(part) or isinstance(part, sp.MatrixSymbol):
        return ()
    if isinstance(part, (MatrixElement, MatrixSlice)):
        return (part.parent,)
    if isinstance(part, ElementwiseApplyFunction):
        return (part.expr,)
    if not any(cls in _IN for cls in type(part).__mro__) and not isinstance(part, Application):
        raise NotSupportedError(f"{type(part).__name__} of SymPy has no counterpart in symml: {part}")
    return tuple(part.args)


def _holds_matrix(part: Any) -> bool:
    return isinstance(part, (sp.MatrixBase, sp.MatrixExpr)) or (isinstance(part, sp.Expr) and part.has(sp.MatrixExpr))


def _read(part: Any, args: list[Expression]) -> Expression:
    if isinstance(part, sp.MatrixBase):
        return literal(part)
    if not _holds_matrix(part):
        return scalar(exact(part.xreplace(_dimensions(part))))
    for cls in type(part).__mro__:
        rule = _IN.get(cls)
        if rule is not None:
            return rule(part, args)
    name = _function_of(type(part))
    return call(name, *args) if len(args) == 1 else _folded(name, args)


def _dimensions(part: Any) -> dict[Any, Any]:
    """Sizes of SymPy matrices are often plain symbols; here they are dimensions."""
    return {s: dimension(canonical(s.name)) for s in part.free_symbols if isinstance(s, sp.Symbol) and s.is_integer}


def _size(value: Any) -> Dim:
    value = sp.sympify(value)
    return as_dim(value.xreplace({s: dimension(canonical(s.name)) for s in value.free_symbols}))


def _matrix_symbol(part: Any, _: list[Expression]) -> Expression:
    rows, columns = _size(part.rows), _size(part.cols)
    if rows == 1 and columns != 1:
        return transpose(symbol(canonical(part.name), (columns,)))
    if rows == columns == 1:
        return scalar(sp.Symbol(canonical(part.name), real=True))
    return symbol(canonical(part.name), from_axes(rows, columns))


def _constant(build: Callable[..., Expression]) -> Callable[[Any, list[Expression]], Expression]:
    def rule(part: Any, _: list[Expression]) -> Expression:
        rows, columns = _size(part.rows), _size(part.cols)
        if rows == 1 and columns != 1:
            return transpose(build(columns))
        return build(*from_axes(rows, columns)) if (rows, columns) != (1, 1) else scalar(1 if build is ones else 0)

    return rule


def _product(part: Any, args: list[Expression]) -> Expression:
    found = args[0]
    for factor in args[1:]:
        found = found * factor
    return found


def _sum(part: Any, args: list[Expression]) -> Expression:
    found = args[0]
    for term in args[1:]:
        found = found + term
    return found


def _matrix_element(part: Any, args: list[Expression]) -> Expression:
    (base,) = args
    if base.shape == ():
        return base
    row, column = (_position(part, k, size) for k, size in zip((part.i, part.j), part.parent.shape, strict=True))
    if len(base.shape) == 1:
        return element(base, row)
    return element(transpose(base), column) if base.shape[0] == 1 else element(base, (row, column))


def _position(part: Any, position: Any, size: Any) -> int:
    for found in (position, sp.expand(position - size)):  # d - 1 of d is the last
        if found.is_Integer:
            return int(found)
    raise NotSupportedError(f"{part}: an entry at a symbolic position; write sum_over(i, ...) with an index instead")


def _matrix_slice(part: Any, args: list[Expression]) -> Expression:
    (base,) = args
    whole = [
        tuple(s) == (0, size, 1) for s, size in zip((part.rowslice, part.colslice), part.parent.shape, strict=True)
    ]
    if whole == [True, True]:
        return base
    if whole == [False, True] and part.shape[0] == 1:
        return transpose(element(base, _position(part, part.rowslice[0], part.parent.shape[0])))
    if whole == [True, False] and part.shape[1] == 1:
        return element(base, (slice(None), _position(part, part.colslice[0], part.parent.shape[1])))
    raise NotSupportedError(f"{part}: only a whole row or column of a matrix has a counterpart in symml")


def _applied(part: Any, args: list[Expression]) -> Expression:
    inner = part.function
    if isinstance(inner, sp.Lambda):
        (variable,) = inner.variables
        body = inner.expr
        known = isinstance(body, sp.Function) and body.args == (variable,) and _known(type(body))
        return call(known, args[0]) if known else apply_lambda(inner, args[0])
    return call(_function_of(inner), *args)


def _known(cls: Any) -> str:
    """Name of the record whose SymPy counterpart is a class, or nothing."""
    return next((f.name for f in functions().values() if f.kind == "elementwise" and f.sympy is cls), "")


def _function_of(cls: Any) -> str:
    name = _known(cls) or {sp.Max: "max", sp.Min: "min"}.get(cls, "")
    if not name:
        raise NotSupportedError(f"the SymPy function {cls.__name__} of a matrix expression has no counterpart in symml")
    return name


_IN: dict[Any, Callable[[Any, list[Expression]], Expression]] = {
    sp.MatrixSymbol: _matrix_symbol, sp.MatAdd: _sum, sp.Add: _sum, sp.MatMul: _product, sp.Mul: _product,
    sp.Identity: lambda part, _: eye(_size(part.rows)),
    sp.matrices.expressions.special.GenericIdentity: lambda part, _: scalar(1),
    sp.OneMatrix: _constant(ones), sp.ZeroMatrix: _constant(zeros),
    sp.Transpose: lambda part, args: transpose(args[0]), sp.Adjoint: lambda part, args: transpose(args[0]),
    sp.Inverse: lambda part, args: power(args[0], -1), sp.MatPow: lambda part, args: power(*args),
    sp.Pow: lambda part, args: power(*args), sp.HadamardProduct: lambda part, args: elementwise_product(*args),
    sp.HadamardPower: lambda part, args: elementwise_power(*args),
    sp.Trace: lambda part, args: call("trace", *args), sp.Determinant: lambda part, args: call("det", *args),
    sp.KroneckerProduct: lambda part, args: _folded("kron", args),
    DiagMatrix: lambda part, args: call("diag", *args), DiagonalOf: lambda part, args: call("diag", *args),
    DiagonalMatrix: lambda part, args: call("diag", call("diag", *args)),
    sp.DotProduct: lambda part, args: call("dot", *args), MatrixElement: _matrix_element, MatrixSlice: _matrix_slice,
    ElementwiseApplyFunction: _applied,
}  # fmt: skip


def _folded(name: str, args: list[Expression]) -> Expression:
    found = args[0]
    for other in args[1:]:
        found = call(name, found, other)
    return found


# -- out ----------------------------------------------------------------------------------------------------------
def to_sympy(expression: Expression) -> Any:
    """Return the SymPy scalar or MatrixExpr that means the same; a vector becomes an n×1 MatrixExpr.

    Raises
    ------
    NotSupportedError
        If SymPy has no class for a node; it is named.
    """
    root = expand_names(expression)
    done: dict[Expression, Any] = {}
    for node in postorder(root):
        done[node] = _write(node, [done[a] for a in node.args])
    return done[root]


def _write(node: Expression, args: list[Any]) -> Any:
    rule = _OUT.get(type(node))
    if rule is None:
        raise NotSupportedError(
            f"SymPy has no class for {type(node).__name__}: {node}. as_explicit(n=...) gives the entries"
        )
    return rule(node, args)


def _rows_columns(shape: Shape) -> tuple[Any, Any]:
    rows, columns = (*shape, 1) if len(shape) == 1 else shape
    return sp.sympify(rows), sp.sympify(columns)


def _write_symbol(node: Symbol, _: list[Any]) -> Any:
    if node.shape == ():
        return sp.Symbol(node.name, real=True)
    if len(node.shape) > 2:
        raise NotSupportedError(f"SymPy has no symbol with {len(node.shape)} axes: {node}")
    return sp.MatrixSymbol(node.name, *_rows_columns(node.shape))


def _write_add(node: Add, args: list[Any]) -> Any:
    if node.shape == ():
        return sp.Add(*args)
    all_ones = sp.OneMatrix(*_rows_columns(node.shape))
    return sp.MatAdd(*(a if part.shape else a * all_ones for a, part in zip(args, node.args, strict=True)))


def _write_mul(node: Mul, args: list[Any]) -> Any:
    scalars = [a for a, part in zip(args, node.args, strict=True) if part.shape == ()]
    arrays = [a for a, part in zip(args, node.args, strict=True) if part.shape != ()]
    front = sp.Mul(node.coefficient, *scalars)
    if not arrays:
        return front
    product = sp.MatMul(*arrays) if len(arrays) > 1 else arrays[0]
    return front * sp.Trace(product) if node.shape == () else sp.MatMul(front, product) if front != 1 else product


def _write_power(node: Pow, args: list[Any]) -> Any:
    if node.shape == ():
        return sp.Pow(args[0], node.exponent)
    return sp.Inverse(args[0]) if node.exponent == -1 else sp.MatPow(args[0], node.exponent)


def _write_call(node: Call, args: list[Any]) -> Any:
    record = function(node.function)
    rule = _CALLS.get(record.name)
    if rule is not None:
        return rule(node, args)
    if record.kind == "elementwise" and record.sympy is not None:
        return record.sympy(args[0]) if node.shape == () else _each(record.sympy, args[0])
    if record.sympy is not None and node.shape == () and all(a.shape == () for a in node.args):
        return record.sympy(*args)
    if record.definition is not None:
        return to_sympy(record.definition(*node.args))
    raise NotSupportedError(f"SymPy has no class for {record.name}: {node}. as_explicit(n=...) gives the entries")


def _each(head: Any, matrix: Any) -> Any:
    z = sp.Dummy("z", real=True)
    return ElementwiseApplyFunction(sp.Lambda(z, head(z)), matrix)


def _total(node: Call, args: list[Any]) -> Any:
    rows, columns = _rows_columns(node.args[0].shape)
    left = [sp.OneMatrix(1, rows)] if rows != 1 else []
    right = [sp.OneMatrix(columns, 1)] if columns != 1 else []
    return sp.Trace(sp.MatMul(*left, args[0], *right))


def _logdet(node: Call, args: list[Any]) -> Any:
    base = node.args[0]
    positive = isinstance(base, Symbol) and "spd" in closure(base.facts)
    determinant = sp.Determinant(args[0])
    return sp.log(determinant if positive else sp.Abs(determinant))


def _diag(node: Call, args: list[Any]) -> Any:
    return DiagMatrix(args[0]) if len(node.shape) == 2 else DiagonalOf(args[0])


def _write_element(node: Element, args: list[Any]) -> Any:
    base, shape = args[0], node.args[0].shape
    if len(node.args) > 1:
        raise NotSupportedError(
            f"SymPy has no class for an entry at a bound index: {node}. as_explicit(n=...) gives the entries"
        )
    row, column = (*node.positions, 0) if len(shape) == 1 else node.positions
    if row is not None and column is not None:
        return base[_from_zero(row, shape[0]), _from_zero(column, shape[-1])]
    if row is None:
        return base[:, _from_zero(column, shape[1])]
    return base[_from_zero(row, shape[0]), :].T


def _from_zero(position: Any, size: Dim) -> Any:
    return position if position >= 0 else size + position


_CALLS: dict[str, Callable[[Call, list[Any]], Any]] = {
    "trace": lambda node, args: sp.Trace(args[0]),
    "det": lambda node, args: sp.Determinant(args[0]),
    "logdet": _logdet,
    "sum": _total,
    "norm": lambda node, args: sp.sqrt(sp.Trace(sp.MatMul(sp.Transpose(args[0]), args[0]))),
    "dot": lambda node, args: sp.Trace(sp.MatMul(sp.Transpose(args[0]), args[1])),
    "diag": _diag,
    "kron": lambda node, args: sp.KroneckerProduct(*args),
}
_OUT: dict[type[Expression], Callable[[Any, list[Any]], Any]] = {
    Scalar: lambda node, _: node.value,
    Symbol: _write_symbol,
    Literal: lambda node, _: node.value,
    Eye: lambda node, _: sp.Identity(sp.sympify(node.shape[0])),
    Ones: lambda node, _: sp.OneMatrix(*_rows_columns(node.shape)),
    Zeros: lambda node, _: sp.ZeroMatrix(*_rows_columns(node.shape)),
    Add: _write_add,
    Mul: _write_mul,
    Pow: _write_power,
    Hadamard: lambda node, args: sp.HadamardProduct(*args),
    ElemPow: lambda node, args: sp.HadamardPower(args[0], node.exponent),
    Transpose: lambda node, args: sp.Transpose(args[0]),
    Call: _write_call,
    Apply: lambda node, args: ElementwiseApplyFunction(node.function, args[0]),
    Element: _write_element,
}

hooks.provide("from_matrix_expr", from_sympy)
hooks.provide("to_sympy", to_sympy)
hooks.provide("as_explicit", as_explicit)
