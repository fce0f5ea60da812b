"""Products, powers, quotients, transposes, calls and elements: shapes are checked, scalars merge in front."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from symml.errors import DomainError, ShapeError
from symml.language import hooks
from symml.language.expressions import (
    Apply,
    Call,
    Dim,
    Element,
    ElemPow,
    Expression,
    Eye,
    Hadamard,
    Index,
    Mul,
    Ones,
    Pow,
    Scalar,
    Shape,
    Symbol,
    Transpose,
    Zeros,
    make,
)  # fmt: skip
from symml.language.leaves import (
    as_expression,
    exact,
    eye,
    from_axes,
    is_zero,
    name_of,
    ones,
    scalar,
    show_shape,
    two_axes,
    zeros,
)

ZERO, ONE, MINUS_ONE = sp.S.Zero, sp.S.One, sp.S.NegativeOne


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
