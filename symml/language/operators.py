"""Constructors of the matrix language: they check shapes, flatten, and merge scalars into one SymPy expression.

The order of terms and factors that hold a vector or matrix is the user's. A shape error names both operands and both
shapes and says what would fit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from numbers import Number
from typing import Any

import sympy as sp

from symml.errors import DataError, DeclarationError, DomainError, ShapeError
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
    Index,
    Literal,
    Mul,
    Ones,
    Pow,
    Scalar,
    Shape,
    Symbol,
    Transpose,
    Zeros,
    make,
    postorder,
)  # fmt: skip
from symml.language.symbols import dimension

ZERO, ONE, MINUS_ONE = sp.S.Zero, sp.S.One, sp.S.NegativeOne


# -- shapes -------------------------------------------------------------------------------------------------------
def show_shape(shape: Shape) -> str:
    """Return a shape as people write it: ``scalar``, ``n``, ``n×d``."""
    return "×".join(str(d) for d in shape) if shape else "scalar"


def name_of(e: Expression) -> str:
    """Return an operand with its shape, for a message."""
    text = str(e)
    return f"{text if len(text) <= 60 else text[:57] + '...'} ({show_shape(e.shape)})"


def as_dim(value: Any) -> Dim:
    """Return a size: a positive int, or a SymPy expression."""
    if isinstance(value, Scalar):
        value = value.value
    if isinstance(value, sp.Integer) or (isinstance(value, (Number, float)) and not isinstance(value, sp.Basic)):
        size = int(value)  # type: ignore[arg-type]
        if size != value or size < 1:
            raise ShapeError(f"{value} is not a size: sizes are positive integers or dimension names")
        return size
    if isinstance(value, str):
        return dimension(value)
    if isinstance(value, sp.Expr):
        return value
    raise ShapeError(f"{value} is not a size: sizes are positive integers or dimension names")


def two_axes(shape: Shape) -> tuple[Dim, Dim]:
    """Rows and columns; a vector is one column."""
    return (shape[0], 1) if len(shape) == 1 else (shape[0], shape[1])


def from_axes(rows: Dim, columns: Dim) -> Shape:
    """Shape of rows × columns: scalar, vector, row or matrix."""
    if columns == 1:
        return () if rows == 1 else (rows,)
    return (rows, columns)


# -- leaves -------------------------------------------------------------------------------------------------------
def scalar(value: Any) -> Scalar:
    """Return the expression of a number or a SymPy scalar."""
    return make(Scalar, (), (sp.sympify(value),), ())  # type: ignore[return-value]


def symbol(name: str, shape: Shape, properties: Iterable[str] = (), domain: Any = None) -> Symbol:
    """Return a symbol; `name` is canonical."""
    return make(Symbol, (), (name, frozenset(properties), domain), tuple(shape))  # type: ignore[return-value]


def eye(size: Any) -> Expression:
    """Return the identity matrix of the given size."""
    d = as_dim(size)
    return make(Eye, (), (), (d, d)) if d != 1 else scalar(1)


def ones(*sizes: Any) -> Expression:
    """Return the vector or matrix of ones of the given sizes."""
    return make(Ones, (), (), tuple(as_dim(s) for s in sizes))


def zeros(*sizes: Any) -> Expression:
    """Return the zero scalar, vector or matrix of the given sizes."""
    return make(Zeros, (), (), tuple(as_dim(s) for s in sizes)) if sizes else scalar(0)


def number(value: Any) -> sp.Expr:
    """Return an exact SymPy number; a float means its shortest decimal."""
    if isinstance(value, bool):
        raise DataError(f"{value} is a truth value, not a number")
    if isinstance(value, Fraction):
        return sp.Rational(value.numerator, value.denominator)
    if isinstance(value, sp.Basic):
        return exact(value)
    if isinstance(value, int):
        return sp.Integer(value)
    if isinstance(value, complex) and value.imag:
        raise DomainError(f"{value} is complex: symml works over the real numbers")
    real = float(value.real if isinstance(value, complex) else value)
    if not math.isfinite(real):
        raise DomainError(f"{real} is not a finite number")
    if real == int(real):
        return sp.Integer(int(real))
    return sp.Rational(str(value) if hasattr(value, "dtype") else repr(real))


def exact(value: Any) -> Any:
    """Return a SymPy value with every float as its shortest decimal.

    Raises
    ------
    DomainError
        If it is complex, infinite or undefined.
    """
    if value.is_Symbol or value.is_Rational or not value.has(sp.Float, sp.I, sp.oo, -sp.oo, sp.zoo, sp.nan):
        return value
    if value.has(sp.I):
        raise DomainError(f"{value} is complex: symml works over the real numbers")
    if value.has(sp.oo, -sp.oo, sp.zoo, sp.nan):
        raise DomainError(f"{value} is not a finite number")
    return value.xreplace({f: number(float(f)) for f in value.atoms(sp.Float)})


def as_expression(value: Any) -> Expression:
    """Return `value` as an expression: ours, a number, a SymPy scalar, matrix or MatrixExpr.

    Raises
    ------
    DataError
        If it is an array of numbers: declare a symbol and pass the array to `evaluate`.
    """
    if isinstance(value, Expression):
        return value
    if isinstance(value, sp.MatrixBase):
        return literal(value)
    if isinstance(value, sp.MatrixExpr):
        return hooks.call("from_matrix_expr", value)  # type: ignore[no-any-return]
    if isinstance(value, sp.Expr):
        if not value.is_Atom and value.has(sp.MatrixSymbol):
            return hooks.call("from_matrix_expr", value)  # type: ignore[no-any-return]
        return scalar(exact(value))
    if isinstance(value, Number):
        return scalar(number(value))
    if hasattr(value, "__array__"):
        if getattr(value, "shape", None) == ():
            return scalar(number(value.item()))
        raise DataError(
            f"an array of shape {getattr(value, 'shape', '?')} stands in an expression: "
            "declare a symbol for it and pass the array to evaluate"
        )
    raise TypeError(f"{type(value).__name__} cannot be part of an expression")


def literal(value: Any) -> Expression:
    """Return an exact SymPy matrix as a constant; a single column is a vector, 1×1 a scalar."""
    rows, columns = value.shape
    value = value.applyfunc(exact)
    if (rows, columns) == (1, 1):
        return scalar(value[0, 0])
    if rows == 1:
        return transpose(literal(value.T))
    return make(Literal, (), (sp.ImmutableMatrix(value),), from_axes(rows, columns))


def is_scalar(e: Expression) -> bool:
    """Whether the expression is a pure SymPy scalar."""
    return isinstance(e, Scalar)


def is_zero(e: Expression) -> bool:
    """Whether the expression is the zero of its shape."""
    return isinstance(e, Zeros) or (isinstance(e, Scalar) and e.value == 0)


# -- sums ---------------------------------------------------------------------------------------------------------
def split_coefficient(e: Expression) -> tuple[sp.Expr, Expression | None]:
    """Coefficient and the rest of a term; the rest of a pure scalar is None."""
    if isinstance(e, Scalar):
        return e.value, None
    if isinstance(e, Mul):
        return e.coefficient, scale(ONE, e.args)
    return ONE, e


def scale(coefficient: sp.Expr, factors: Sequence[Expression]) -> Expression:
    """Return coefficient * factors without further checks: factors are a legal list of Mul args."""
    if coefficient == 0:
        return zeros(*chain_shape(factors))
    if not factors:
        return scalar(coefficient)
    if coefficient == 1 and len(factors) == 1:
        return factors[0]
    if len(factors) == 1 and isinstance(factors[0], Mul):
        return scale(coefficient * factors[0].coefficient, factors[0].args)
    return make(Mul, tuple(factors), (sp.sympify(coefficient),), chain_shape(factors))


def chain_shape(factors: Sequence[Expression]) -> Shape:
    """Shape of the product of a legal chain; scalars do not count."""
    arrays = [f for f in factors if f.shape != ()]
    if not arrays:
        return ()
    if len(arrays) == 1:
        return arrays[0].shape
    return from_axes(two_axes(arrays[0].shape)[0], two_axes(arrays[-1].shape)[1])


def add(*terms: Any) -> Expression:
    """Return the sum; shapes must agree, a scalar is added to every entry of an array."""
    flat: list[Expression] = []
    for term in (as_expression(t) for t in terms):
        flat.extend(term.args if isinstance(term, Add) else (term,))
    shape: Shape = ()
    model: Expression | None = None
    for term in flat:
        if term.shape != ():
            if model is None:
                shape, model = term.shape, term
            elif term.shape != shape:
                raise ShapeError(_cannot_add(model, term))
    order: list[Expression | None] = []
    coefficients: dict[Expression | None, sp.Expr] = {}
    for term in flat:
        if is_zero(term):
            continue
        value, rest = split_coefficient(term)
        if rest not in coefficients:
            order.append(rest)
            coefficients[rest] = value
        else:
            coefficients[rest] = coefficients[rest] + value
    kept = [
        scalar(coefficients[rest]) if rest is None else scale(coefficients[rest], _factors(rest))
        for rest in order
        if coefficients[rest] != 0
    ]
    if any(isinstance(t, Add) for t in kept):
        return add(*kept)
    if model is not None and not any(t.shape == shape for t in kept):
        total = kept[0] if len(kept) == 1 else make(Add, tuple(kept), (), ()) if kept else scalar(0)
        return zeros(*shape) if not kept else multiply_any(total, ones(*shape))
    if not kept:
        return scalar(0)
    return kept[0] if len(kept) == 1 else make(Add, tuple(kept), (), shape)


def _factors(e: Expression) -> tuple[Expression, ...]:
    return e.args if isinstance(e, Mul) else (e,)


def _cannot_add(a: Expression, b: Expression) -> str:
    if len(a.shape) == len(b.shape) == 2 and a.shape == b.shape[::-1]:
        hint = f"Did you mean ({b})'?"
    elif {len(a.shape), len(b.shape)} == {1, 2}:
        v, m = (a, b) if len(a.shape) == 1 else (b, a)
        if v.shape[0] == m.shape[0]:
            hint = f"To add the vector to every column write {v} ones({m.shape[1]})'."
        elif v.shape[0] == m.shape[1]:
            hint = f"To add the vector to every row write ones({m.shape[0]}) ({v})'."
        else:
            hint = "Check the declarations."
    else:
        hint = "Check the declarations."
    return f"cannot add {name_of(a)} and {name_of(b)}: the shapes differ. {hint}"


def check_scalar_plus_square(terms: Sequence[Expression]) -> None:
    """Refuse a scalar symbol plus a square matrix, which people write for lam*I or for lam in every entry."""
    squares = [t for t in terms if len(t.shape) == 2 and t.shape[0] == t.shape[1] and not isinstance(t, Eye)]
    scalars = [t for t in terms if isinstance(t, Scalar) and t.value.free_symbols]
    if squares and scalars:
        d = squares[0].shape[0]
        raise ShapeError(
            f"cannot add the scalar {scalars[0]} and the square matrix {name_of(squares[0])}: "
            f"write {scalars[0]}*eye({d}) for the diagonal or {scalars[0]}*ones({d},{d}) for every entry"
        )


# -- products -----------------------------------------------------------------------------------------------------
def multiply_any(*factors: Any) -> Expression:
    """Return the matrix product of the factors; scalars scale.

    Raises
    ------
    ShapeError
        If inner sizes differ; names both operands and the transposition that would fit.
    """
    coefficient = ONE
    flat: list[Expression] = []
    for factor in (as_expression(f) for f in factors):
        if isinstance(factor, Scalar):
            coefficient = coefficient * factor.value
            continue
        if isinstance(factor, Mul):
            coefficient = coefficient * factor.coefficient
            splice = factor.shape != () or not any(a.shape != () for a in factor.args) or not flat
            splice = splice and not (factor.shape == () and any(a.shape != () for a in factor.args))
            flat.extend(factor.args if splice else (scale(ONE, factor.args),))
        else:
            flat.append(factor)
    # a chain that closes to a scalar becomes one factor when more arrays follow
    done: list[Expression] = []
    run: list[Expression] = []
    first: Expression | None = None
    last: Expression | None = None
    for factor in flat:
        if factor.shape == ():
            run.append(factor)
            continue
        if first is not None and last is not None:
            if two_axes(first.shape)[0] == 1 and two_axes(last.shape)[1] == 1:
                done.append(scale(ONE, run))
                run, first, last = [factor], factor, factor
                continue
            if len(first.shape) > 2 or len(factor.shape) > 2 or two_axes(last.shape)[1] != two_axes(factor.shape)[0]:
                _check_product(scale(ONE, [f for f in run if f.shape != ()]), factor)
        run.append(factor)
        first, last = (factor if first is None else first), factor
    if done:
        rest_scalar = chain_shape(run) == () and any(f.shape != () for f in run)
        flat = [*done, *([scale(ONE, run)] if rest_scalar else run)]
    else:
        flat = run
    if any(is_zero(f) for f in flat) or coefficient == 0:
        return zeros(*chain_shape(flat))
    arrays = [f for f in flat if f.shape != ()]
    if len(arrays) > 1 and any(isinstance(f, Eye) for f in arrays):
        kept = [f for f in flat if not isinstance(f, Eye)]
        flat = kept if any(f.shape != () for f in kept) else [*kept, next(f for f in arrays if isinstance(f, Eye))]
    return scale(coefficient, flat)


def _check_product(a: Expression, b: Expression) -> None:
    if len(a.shape) > 2 or len(b.shape) > 2:
        raise ShapeError(
            f"cannot multiply {name_of(a)} by {name_of(b)}: a matrix product has two axes; index the data first"
        )
    (_, inner), (rows, columns) = two_axes(a.shape), two_axes(b.shape)
    if inner == rows:
        return
    if len(a.shape) == 1 and len(b.shape) == 1:
        if a.shape == b.shape:
            raise ShapeError(
                f"{a}*{b}: both have shape {show_shape(a.shape)}. "
                f"Write dot({a}, {b}) or {_t(a)} {b} for a number, {a} .* {b} (mul) for elementwise."
            )
        raise ShapeError(
            f"cannot multiply {name_of(a)} by {name_of(b)}: both are columns. "
            f"Did you mean {a} {_t(b)} ({show_shape((*a.shape, *b.shape))})?"
        )
    fits = []
    if two_axes(a.shape)[0] == rows:
        fits.append(f"{_t(a)}*{b} ({show_shape(from_axes(inner, columns))})")
    if inner == columns:
        fits.append(f"{a}*{_t(b)} ({show_shape(from_axes(two_axes(a.shape)[0], rows))})")
    hint = f" Did you mean {' or '.join(fits)}?" if fits else " Check the declarations."
    raise ShapeError(f"cannot multiply {name_of(a)} by {name_of(b)}: inner sizes {inner} and {rows} differ.{hint}")


def _t(e: Expression) -> str:
    return f"{e}'" if isinstance(e, (Symbol, Call)) else f"({e})'"


def divide(a: Any, b: Any) -> Expression:
    """Return a / b for a scalar b; dividing arrays elementwise is `div`."""
    a, b = as_expression(a), as_expression(b)
    if b.shape != ():
        if a.shape == b.shape or a.shape == ():
            raise ShapeError(
                f"cannot divide {name_of(a)} by {name_of(b)}: write {a} ./ {b} (div) for elementwise division"
            )
        raise ShapeError(f"cannot divide {name_of(a)} by {name_of(b)}: only division by a scalar is written with /")
    if isinstance(b, Scalar):
        if b.value == 0:
            raise DomainError(f"division of {a} by zero")
        return multiply_any(scalar(1 / b.value), a)
    return multiply_any(a, power(b, -1))


def power(base: Any, exponent: Any) -> Expression:
    """Return base ** exponent of a scalar, or the integer power of a square matrix."""
    base, exponent = as_expression(base), as_expression(exponent)
    if exponent.shape != ():
        raise ShapeError(f"the exponent {name_of(exponent)} must be a scalar; write .^ for elementwise powers")
    if not isinstance(exponent, Scalar):
        return call("power", base, exponent)
    q = exponent.value
    if base.shape != ():
        if len(base.shape) != 2 or base.shape[0] != base.shape[1]:
            square = f", {_t(base)} {base} or dot({base}, {base}) for the square of the length"
            hint = f"Write {base} .^ {exponent} for elementwise powers{square if len(base.shape) == 1 else ''}."
            raise ShapeError(f"cannot raise {name_of(base)} to a power: it is not a square matrix. {hint}")
        if q.is_integer is not True:
            raise ShapeError(
                f"the power {q} of the matrix {name_of(base)} is not an integer: "
                "use sqrtm for the square root, .^ for elementwise powers"
            )
        if q == 0:
            return eye(base.shape[0])
        if q == 1 or isinstance(base, Eye):
            return base  # type: ignore[no-any-return]
        if isinstance(base, Pow):
            return power(base.args[0], base.exponent * q)
        return make(Pow, (base,), (q,), base.shape)
    if isinstance(base, Scalar):
        return scalar(exact(base.value**q))
    if q == 0:
        return scalar(1)
    if q == 1:
        return base  # type: ignore[no-any-return]
    if isinstance(base, Mul) and base.coefficient != 1 and (q.is_integer or base.coefficient.is_positive):
        return multiply_any(scalar(base.coefficient**q), power(scale(ONE, base.args), q))
    if isinstance(base, Mul) and q.is_integer and all(a.shape == () for a in base.args):
        return multiply_any(*(power(a, q) for a in base.args))
    if isinstance(base, Pow) and (q.is_integer or _nonnegative(base.args[0])):
        return power(base.args[0], base.exponent * q)
    return make(Pow, (base,), (q,), ())


def _nonnegative(e: Expression) -> bool:
    return isinstance(e, Call) and e.function in ("norm", "exp", "norm1", "softplus", "sigmoid", "sqrt")


def elementwise_product(*factors: Any) -> Expression:
    """Return the elementwise product; scalars scale."""
    coefficient = ONE
    flat: list[Expression] = []
    scalars: list[Expression] = []
    shape: Shape = ()
    model: Expression | None = None
    for factor in (as_expression(f) for f in factors):
        parts: Sequence[Expression] = (factor,)
        if isinstance(factor, Mul) and factor.shape != ():
            coefficient = coefficient * factor.coefficient
            inner = [a for a in factor.args if a.shape != ()]
            leading = [a for a in factor.args if a.shape == ()]
            scalars.extend(leading)
            parts = (scale(ONE, inner),)
        for part in parts:
            if isinstance(part, Scalar):
                coefficient = coefficient * part.value
            elif part.shape == ():
                scalars.append(part)
            else:
                if model is None:
                    shape, model = part.shape, part
                elif part.shape != shape:
                    raise ShapeError(
                        f"cannot multiply {name_of(model)} and {name_of(part)} elementwise: the shapes differ. "
                        + (f"Did you mean {_t(part)}?" if part.shape == shape[::-1] else "Check the declarations.")
                    )
                flat.extend(part.args if isinstance(part, Hadamard) else (part,))
    if model is None:
        return multiply_any(coefficient, *scalars)
    if any(is_zero(f) for f in flat):
        return zeros(*shape)
    kept = [f for f in flat if not isinstance(f, Ones)] or [flat[0]]
    product = kept[0] if len(kept) == 1 else make(Hadamard, tuple(kept), (), shape)
    return multiply_any(scalar(coefficient), *scalars, product)


def elementwise_power(base: Any, exponent: Any) -> Expression:
    """Return the elementwise power; the exponent is a scalar, or an array of the same shape."""
    base, exponent = as_expression(base), as_expression(exponent)
    if base.shape == () and exponent.shape == ():
        return power(base, exponent)
    if not isinstance(exponent, Scalar):
        return call("power", base, exponent)
    q = exponent.value
    if q == 1:
        return base  # type: ignore[no-any-return]
    if q == 0 or isinstance(base, Ones):
        return ones(*base.shape)
    if isinstance(base, ElemPow) and (q.is_integer and base.exponent.is_integer):
        return elementwise_power(base.args[0], base.exponent * q)
    if isinstance(base, Mul) and base.coefficient != 1 and (q.is_integer or base.coefficient.is_positive):
        return multiply_any(scalar(base.coefficient**q), elementwise_power(scale(ONE, base.args), q))
    return make(ElemPow, (base,), (q,), base.shape)


def elementwise_division(a: Any, b: Any) -> Expression:
    """Return the elementwise quotient; either side may be a scalar."""
    a, b = as_expression(a), as_expression(b)
    if b.shape == ():
        return divide(a, b)
    if a.shape not in ((), b.shape):
        return elementwise_product(a, b)  # names the two shapes
    return elementwise_product(a, elementwise_power(b, -1))


def transpose(e: Any) -> Expression:
    """Return the transpose: a scalar is itself, a vector becomes a row."""
    e = as_expression(e)
    if e.shape == () or isinstance(e, Eye):
        return e  # type: ignore[no-any-return]
    if isinstance(e, Transpose):
        return e.args[0]
    if isinstance(e, Mul) and e.coefficient != 1:
        return multiply_any(scalar(e.coefficient), transpose(scale(ONE, e.args)))
    if len(e.shape) == 2 and isinstance(e, (Ones, Zeros)):
        return make(type(e), (), (), e.shape[::-1])
    if len(e.shape) > 2:
        raise ShapeError(f"cannot transpose {name_of(e)}: it has {len(e.shape)} axes")
    return make(Transpose, (e,), (), (1, e.shape[0]) if len(e.shape) == 1 else from_axes(e.shape[1], e.shape[0]))


def inverse(e: Any) -> Expression:
    """Return the inverse of a square matrix, or 1/e of a scalar."""
    return power(e, -1)


def call(function: str, *arguments: Any) -> Expression:
    """Return a registered function applied to arguments; its record says which shapes it takes."""
    return hooks.call("call", function, tuple(as_expression(a) for a in arguments))  # type: ignore[no-any-return]


def apply_lambda(function: sp.Lambda, argument: Any) -> Expression:
    """Return a SymPy Lambda of one variable applied elementwise; its variable gets a standard name."""
    argument = as_expression(argument)
    if isinstance(argument, Scalar):
        return scalar(exact(function(argument.value)))
    taken = {s.name for s in function.free_symbols}
    name = next(n for n in ("t", "s", "u", *(f"t{k}" for k in range(len(taken) + 1))) if n not in taken)
    variable = sp.Symbol(name, real=True)
    body = function(variable)
    return argument if body == variable else make(Apply, (argument,), (sp.Lambda(variable, body),), argument.shape)


def subtract(a: Any, b: Any) -> Expression:
    """Return a - b."""
    return add(a, multiply_any(MINUS_ONE, b))


def element(base: Expression, key: Any) -> Expression:
    """Return an entry, a row as a column, or a column of an array."""
    keys = key if isinstance(key, tuple) else (key,)
    if base.shape == ():
        raise ShapeError(f"cannot index the scalar {base}")
    if len(keys) > len(base.shape):
        raise ShapeError(f"{len(keys)} indices for {name_of(base)}, which has {len(base.shape)} axes")
    keys += (slice(None),) * (len(base.shape) - len(keys))
    positions: list[Any] = []
    indices: list[Expression] = []
    shape: list[Dim] = []
    for axis, k in enumerate(keys):
        size = base.shape[axis]
        if isinstance(k, slice):
            if k != slice(None):
                raise ShapeError(f"{k} is not supported: use X[i] for a row, X[:, j] for a column")
            positions.append(None)
            shape.append(size)
        elif isinstance(k, Index):
            if k.size != size:
                raise ShapeError(f"index {k.name} runs over {k.size}, axis {axis} of {name_of(base)} has size {size}")
            positions.append("index")
            indices.append(k)
        else:
            if isinstance(k, Scalar) and k.value.is_Integer:
                k = int(k.value)
            k = k.__index__()
            if isinstance(size, int) and not -size <= k < size:
                raise ShapeError(f"index {k} is out of range for axis {axis} of {name_of(base)}")
            positions.append(k)
    return make(Element, (base, *indices), (tuple(positions),), tuple(shape))


def substitute(e: Expression, replacements: dict[Expression, Expression]) -> Expression:
    """Return `e` with nodes replaced, rebuilt through the constructors."""
    done: dict[Expression, Expression] = dict(replacements)
    for node in postorder(e):
        if node not in done:
            children = tuple(done[a] for a in node.args)
            done[node] = node if children == node.args else rebuild(node, children)
    return done[e]


def rebuild(node: Expression, children: Sequence[Expression]) -> Expression:
    """Return a node of the same kind with other children."""
    builder = _BUILDERS.get(type(node))
    return builder(node, children) if builder else make(type(node), tuple(children), node.fields, node.shape)


_BUILDERS: dict[type[Expression], Any] = {
    Add: lambda node, c: add(*c),
    Mul: lambda node, c: multiply_any(scalar(node.coefficient), *c),
    Hadamard: lambda node, c: elementwise_product(*c),
    ElemPow: lambda node, c: elementwise_power(c[0], scalar(node.exponent)),
    Pow: lambda node, c: power(c[0], scalar(node.exponent)),
    Transpose: lambda node, c: transpose(c[0]),
    Call: lambda node, c: call(node.function, *c),
    Apply: lambda node, c: apply_lambda(node.function, c[0]),
}


# -- Python operators ---------------------------------------------------------------------------------------------
def _lift(operands: Sequence[Any]) -> list[Expression] | None:
    try:
        return [as_expression(o) for o in operands]
    except TypeError:
        return None


def _public(build: Any, check: Any = None) -> Any:
    def operator(*operands: Any) -> Any:
        lifted = _lift(operands)
        if lifted is None:
            return NotImplemented
        foreign = [isinstance(o, sp.Basic) for o in operands]
        if any(foreign) and not all(foreign):
            known = _union([e for e, other in zip(lifted, foreign, strict=True) if not other])
            lifted = [complete(e, known) if other else e for e, other in zip(lifted, foreign, strict=True)]
        lifted = agree(lifted)
        if check:
            check(lifted)
        return build(*lifted)

    return operator


def agree(operands: Sequence[Expression]) -> list[Expression]:
    """Return the operands with one symbol per name.

    A SymPy symbol with fewer assumptions than the declared symbol of its name is completed; anything else that
    differs is an error that shows both.
    """
    tables = [_symbols(o) for o in operands]
    first, rest = tables[0], tables[1:]
    if all(t.items() <= first.items() for t in rest):
        return list(operands)
    table: dict[str, Any] = dict(first)
    for other in rest:
        for name, found in other.items():
            known = table.get(name, found)
            table[name] = found if known == found else _richer(name, known, found)
    return [_complete(o, t, table) for o, t in zip(operands, tables, strict=True)]


def complete(e: Expression, table: Mapping[str, Any]) -> Expression:
    """Return an expression that came from SymPy with its symbols replaced by the declared ones of their names.

    A MatrixSymbol of the declared shape means the declared symbol, a SymPy symbol that says less is completed.

    Raises
    ------
    DeclarationError
        If a symbol contradicts the declaration of its name.
    """
    swaps: dict[Expression, Expression] = {}
    changed: dict[Any, Any] = {}
    for name, found in _symbols(e).items():
        known = table.get(name, found)
        if known is found or known == found:
            continue
        plain = isinstance(found, Symbol) and not found.properties and found.domain is None
        if plain and isinstance(known, Symbol) and known.shape == found.shape:
            swaps[found] = known
        else:
            changed[found] = _richer(name, found, known)
    e = substitute(e, swaps) if swaps else e
    return replace_scalars(e, changed) if changed else e


def _union(expressions: Sequence[Expression]) -> dict[str, Any]:
    return {name: found for e in expressions for name, found in _symbols(e).items()}


def _symbols(e: Expression) -> dict[str, Any]:
    return hooks.call("symbol_table", e)  # type: ignore[no-any-return]


def _richer(name: str, a: Any, b: Any) -> Any:
    if isinstance(a, sp.Symbol) and isinstance(b, sp.Symbol):
        for poor, rich in ((a, b), (b, a)):
            if type(poor) is sp.Symbol and all(rich.assumptions0.get(k) == v for k, v in poor.assumptions0.items()):
                return rich
    raise DeclarationError(
        f"two symbols are called {name}: {hooks.call('describe_symbol', a)} and {hooks.call('describe_symbol', b)}. "
        "Use one declaration, or rename one of them."
    )


def _complete(e: Expression, own: dict[str, Any], table: dict[str, Any]) -> Expression:
    changed = {v: table[k] for k, v in own.items() if table[k] is not v and table[k] != v}
    return replace_scalars(e, changed) if changed else e


def replace_scalars(e: Expression, changed: dict[Any, Any]) -> Expression:
    """Return `e` with SymPy symbols (scalars and dimensions) replaced, in shapes too."""
    done: dict[Expression, Expression] = {}

    def swap(value: Any) -> Any:
        return value.xreplace(changed) if isinstance(value, sp.Basic) else value

    for node in postorder(e):
        fields = tuple(swap(f) for f in node.fields)
        shape = tuple(swap(d) for d in node.shape)
        done[node] = make(type(node), tuple(done[a] for a in node.args), fields, shape)
    return done[e]


def _check_power(operands: Sequence[Expression]) -> None:
    base, exponent = operands
    if base.shape == () and exponent.shape != ():
        raise ShapeError(f"the exponent {name_of(exponent)} must be a scalar; use sml.power for elementwise powers")


hooks.provide("add", _public(add, check_scalar_plus_square))
hooks.provide("subtract", _public(subtract, check_scalar_plus_square))
hooks.provide("multiply", _public(multiply_any))
hooks.provide("divide", _public(divide))
hooks.provide("power", _public(power, _check_power))
hooks.provide("absolute", _public(lambda e: call("abs", e)))
hooks.provide("transpose", transpose)
hooks.provide("getitem", element)
hooks.provide("equals", lambda a, b: isinstance(a, Scalar) and a.value == b)
