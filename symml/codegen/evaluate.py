"""Values of expressions: names and shapes are checked here, the work is done by the interpreter."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import sympy as sp

from symml.codegen.interpreter import prepare, size_of
from symml.codegen.scalar_values import Values
from symml.codegen.undefined import why_undefined
from symml.errors import DataError, DomainError, NotationError
from symml.language import hooks
from symml.language.contexts import lent_sizes
from symml.language.expressions import Expression, Index, Symbol
from symml.language.names import canonical
from symml.language.operators import show_shape
from symml.language.symbols import is_dimension
from symml.language.tables import symbol_table

__all__ = ["bind", "evaluate", "prepare", "short"]

_prepared: weakref.WeakKeyDictionary[Expression, Callable[[Values, Mapping[str, int]], Any]] = (
    weakref.WeakKeyDictionary()
)


def evaluate(expression: Expression, values: Mapping[Any, Any]) -> Any:
    """Return the value of an expression.

    Parameters
    ----------
    expression : Expression
    values : mapping
        Numbers and arrays by name, in any spelling; a vector is 1-D or has shape (n, 1). Sizes may be given, extra
        names are ignored.

    Returns
    -------
    float or ndarray
        A vector is 1-D.

    Raises
    ------
    DataError
        If a value is missing, is not numeric, or does not have the declared shape, or if sizes disagree.
    DomainError
        If an entry of the result is not a number though every value is: the logarithm of a negative one, 0/0.
    """
    bound, sizes = bind(symbol_table(expression), _with_lent_sizes(expression, values))
    function = _prepared.get(expression)
    if function is None:
        function = _prepared[expression] = prepare(expression)
    try:
        with np.errstate(invalid="ignore"):  # what is not a number is reported below
            found = function(bound, sizes)
    except np.linalg.LinAlgError as error:
        raise DataError(
            f"cannot evaluate {short(expression)}: {error}. A matrix in it cannot be inverted at these values."
        ) from error
    if np.any(np.isnan(found)) and not any(np.any(np.isnan(v)) for v in bound.values()):
        whole, reason = short(expression), why_undefined(expression, bound, sizes)
        named = reason.partition(" is not a real number")[0].endswith(whole)
        raise DomainError(reason if named else f"cannot evaluate {whole}: {reason}")
    return float(found) if expression.shape == () else np.array(found, dtype=float)


def _with_lent_sizes(expression: Expression, values: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """Values with the sizes that the data of the objective tell about a result that does not hold them."""
    lent = lent_sizes(expression, _by_name(values), lambda value: np.shape(value) or None)
    return {**lent, **values} if lent else values


def bind(table: Mapping[str, Any], values: Mapping[Any, Any]) -> tuple[dict[str, Any], dict[str, int]]:
    """Return the values of the symbols of a table, checked, and the sizes of its dimensions.

    Raises
    ------
    DataError
        As `evaluate`.
    """
    given = _by_name(values)
    bound: dict[str, Any] = {}
    sizes: dict[str, int] = {}
    sources: dict[str, str] = {}
    for name, found in table.items():
        if isinstance(found, sp.Symbol) and name in given and is_dimension(found):
            sizes[name], sources[name] = _size(name, given[name]), f"{name} = {given[name]}"
    for name, found in table.items():
        if isinstance(found, Index):
            raise DataError(f"the index {name} is free: sum over it with sum_over({name}, ...)")
        if isinstance(found, Symbol) and name in given:
            bound[name] = _array(found, given[name])
            _measure(found, bound[name].shape, sizes, sources)
    missing = []
    for name, found in table.items():
        if name in bound or name in sizes:
            continue
        if isinstance(found, Symbol) or name not in given:
            missing.append(name)
        else:
            bound[name] = _number(name, given[name])
    if missing:
        raise DataError(f"no value for {', '.join(sorted(missing))}. Given: {', '.join(sorted(given)) or 'nothing'}")
    _check_products(table, bound, sizes)
    return bound, sizes


def _by_name(values: Mapping[Any, Any]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for key, value in values.items():
        try:
            name = canonical(key if isinstance(key, str) else key.name)
        except (NotationError, AttributeError):
            continue
        if name in given and given[name] is not value:
            raise DataError(f"two values are given for {name}; one spelling of a name is enough")
        given[name] = value
    return given


def _number(name: str, value: Any) -> Any:
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise DataError(f"the value of {name} is not a real number: {value!r}") from None
    if array.shape != ():
        raise DataError(f"{name} is a scalar, its value has shape {array.shape}")
    return np.float64(array)


def _size(name: str, value: Any) -> int:
    number = _number(name, value)
    if number != int(number) or number < 1:
        raise DataError(f"{name} is a size: a positive integer, found {value}")
    return int(number)


def _array(found: Symbol, value: Any) -> Any:
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise DataError(f"the value of {found.name} is not an array of real numbers") from None
    if len(found.shape) == 1 and array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != len(found.shape):
        raise DataError(f"{found.name} is declared {show_shape(found.shape)}, its value has shape {array.shape}")
    return array


def _measure(found: Symbol, shape: tuple[int, ...], sizes: dict[str, int], sources: dict[str, str]) -> None:
    for axis, (declared, size) in enumerate(zip(found.shape, shape, strict=True)):
        if isinstance(declared, int):
            expected, source = declared, f"its declaration {show_shape(found.shape)}"
        elif isinstance(declared, sp.Symbol):
            name = canonical(declared.name)
            expected = sizes.setdefault(name, size)
            source = sources.setdefault(name, f"{found.name}, axis {axis}")
        else:
            continue
        if expected != size:
            raise DataError(
                f"{found.name} ({show_shape(found.shape)}) has shape {shape}: axis {axis} is {size}, "
                f"but {declared} is {expected} from {source}"
            )


def _check_products(table: Mapping[str, Any], bound: Values, sizes: Mapping[str, int]) -> None:
    for name, found in table.items():
        if isinstance(found, Symbol):
            for axis, declared in enumerate(found.shape):
                if not isinstance(declared, (int, sp.Symbol)) and size_of(declared)(sizes) != bound[name].shape[axis]:
                    raise DataError(f"{name} has shape {bound[name].shape}; axis {axis} is declared {declared}")


def short(expression: Expression) -> str:
    """Return the text of an expression, cut where it is long."""
    text = str(expression)
    return text if len(text) <= 80 else text[:77] + "..."


hooks.provide("evaluate", evaluate)
