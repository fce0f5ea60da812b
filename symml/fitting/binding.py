"""Binding of data to declared symbols: names, shapes against each other, missing values, ranges and properties.

Data may be arrays, nested lists, (n, 1) columns, or anything with ``to_numpy`` or ``columns`` such as a data frame;
no data-frame library is imported. Rows and columns in messages are counted from 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from symml.checking.sampling import LARGE
from symml.errors import DataError, NotationError
from symml.fitting.declared import check_declared
from symml.language.expressions import Symbol
from symml.language.names import canonical, unicode_name
from symml.language.operators import show_shape
from symml.language.symbols import is_dimension

SHOWN_ROWS = 6


@dataclass(frozen=True)
class Bound:
    """Values and sizes by canonical name, and the column names that data frames brought along.

    Attributes
    ----------
    values : dict
        float, or ndarray of the declared number of axes.
    sizes : dict
        Sizes of the dimensions.
    columns : dict
        Labels by dimension name, such as the columns of a data frame bound to X (n x d) under ``d``.
    sources : dict
        For every dimension the symbol and axis that set it, in words.
    """

    values: Mapping[str, Any]
    sizes: Mapping[str, int]
    columns: Mapping[str, tuple[str, ...]]
    sources: Mapping[str, str]


def bind(table: Mapping[str, Any], data: Mapping[Any, Any], optional: Iterable[str] = ()) -> Bound:
    """Return the values of declared symbols, checked against their declarations and against each other.

    Parameters
    ----------
    table : mapping
        Declared symbols by canonical name, dimensions included.
    data : mapping
        Values by name, in any spelling, or by symbol. Names that are not in the table are ignored.
    optional : iterable of str
        Symbols that need no value.

    Raises
    ------
    DataError
        If a value is missing, not numeric or not finite, or has another shape than declared, or sizes disagree.
    DomainError
        If a value is outside its declared range or lacks a declared property.
    """
    given = by_name(data)
    raw = {name: _read(table[name], value) for name, value in given.items() if name in table}
    waiting = set(optional) | {n for n, found in table.items() if isinstance(found, sp.Symbol) and is_dimension(found)}
    missing = [unicode_name(name) for name in table if name not in raw and name not in waiting]
    if missing:
        shown = ", ".join(unicode_name(name) for name in given) or "nothing"
        raise DataError(f"no value for {', '.join(missing)}. Given: {shown}. Pass {missing[0]}=... or a mapping.")
    sizes, sources = _sizes(table, raw)
    values: dict[str, Any] = {}
    columns: dict[str, tuple[str, ...]] = {}
    for name, (value, labels) in raw.items():
        found = table[name]
        if isinstance(found, sp.Symbol) and is_dimension(found):
            continue
        check_finite(found, value, labels)
        check_declared(found, value)
        values[name] = float(value) if value.ndim == 0 else np.ascontiguousarray(value)
        if labels and isinstance(found.shape[1], sp.Symbol):
            columns.setdefault(canonical(found.shape[1].name), labels)
    return Bound(values, sizes, columns, sources)


def by_name(data: Mapping[Any, Any]) -> dict[str, Any]:
    """Return values by canonical name; a data frame gives its columns.

    Raises
    ------
    DataError
        If two spellings of one name are given.
    """
    given: dict[str, Any] = {}
    keys = data.columns if hasattr(data, "columns") else data.keys()
    for key in keys:
        try:
            name = canonical(key if isinstance(key, str) else str(getattr(key, "name", key)))
        except NotationError:
            continue
        if name in given:
            raise DataError(f"two values are given for {unicode_name(name)}; one spelling of a name is enough")
        given[name] = data[key]
    return given


# -- numbers ------------------------------------------------------------------------------------------------------
def _read(found: Any, value: Any) -> tuple[Any, tuple[str, ...]]:
    name, shape = unicode_name(found.name), getattr(found, "shape", ())
    labels = _labels(value)
    array = _numbers(name, value, labels)
    if array.ndim == 2 and array.shape[1] == 1 and len(shape) == 1:
        array = array[:, 0]
    if array.shape == (1,) and shape == ():
        array = array[0]
    if array.ndim != len(shape):
        advice = _advice(shape, array)
        raise DataError(f"{name} is declared {_declared(shape)}, its value has shape {array.shape}.{advice}")
    return array, labels if len(shape) == 2 and array.ndim == 2 else ()


def _labels(value: Any) -> tuple[str, ...]:
    columns = getattr(value, "columns", None)
    return tuple(str(c) for c in columns) if columns is not None and np.ndim(value) == 2 else ()


def _numbers(name: str, value: Any, labels: tuple[str, ...]) -> Any:
    if isinstance(value, np.ma.MaskedArray):
        value = np.ma.filled(value.astype(float), np.nan)
    array = np.asarray(value.to_numpy() if hasattr(value, "to_numpy") else value)
    if array.dtype.kind == "O":
        array = _objects(name, array, labels)
    if array.dtype.kind not in "biuf":
        kind = f"{array.dtype}{_guilty(value, labels)}"
        raise DataError(f"the value of {name} is not made of real numbers: its type is {kind}")
    return array.astype(float)


def _objects(name: str, array: Any, labels: tuple[str, ...]) -> Any:
    words = np.argwhere(np.vectorize(lambda v: isinstance(v, (str, bytes, complex)), otypes=[bool])(array))
    if len(words):
        place = tuple(words[0])
        raise DataError(f"{_place(name, place, labels)} is {array[place]!r}, not a real number")
    try:
        return array.astype(float)
    except (TypeError, ValueError):
        raise DataError(f"the value of {name} is not a regular array of real numbers: {str(array)[:80]}") from None


def _guilty(value: Any, labels: tuple[str, ...]) -> str:
    kinds = getattr(value, "dtypes", None)
    if not labels or kinds is None:
        return ""
    bad = [c for c, kind in zip(labels, kinds, strict=False) if getattr(kind, "kind", "f") not in "biuf"]
    return f" (column {bad[0]!r})" if bad else ""


def _declared(shape: tuple[Any, ...]) -> str:
    kinds = {0: "a scalar", 1: "a vector", 2: "a matrix"}
    kind = kinds.get(len(shape), "an array")
    return f"{kind} ({show_shape(shape)})" if shape else kind


def _advice(shape: tuple[Any, ...], array: Any) -> str:
    if len(shape) == 2 and array.ndim == 1:
        return " Pass it with two axes: reshape(-1, 1) for one column."
    if len(shape) == 1 and array.ndim == 2:
        return " Pass a 1-D array or one column."
    return ""


# -- missing values -----------------------------------------------------------------------------------------------
def check_finite(found: Any, array: Any, labels: tuple[str, ...] = ()) -> None:
    """Refuse NaN and infinities; the message names columns and rows.

    Raises
    ------
    DataError
        If an entry is not finite.
    """
    bad = np.argwhere(~np.isfinite(array))
    if not len(bad):
        return
    name = unicode_name(found.name)
    missing = int(np.isnan(array).sum())
    kind = "missing" if missing == len(bad) else "infinite" if missing == 0 else "missing or infinite"
    count = f"{len(bad)} {kind} value{'s' if len(bad) > 1 else ''}"
    raise DataError(f"{count}: {_located(name, bad, labels)}. Drop or fill them first.")


def _located(name: str, bad: Any, labels: tuple[str, ...]) -> str:
    if bad.shape[1] == 0:
        return name
    if bad.shape[1] == 1:
        return f"{name}, {_rows(bad[:, 0])}"
    parts = []
    for column in dict.fromkeys(sorted(int(k) for k in bad[:, 1])):
        shown = f'column "{labels[column]}"' if labels else f"column {column + 1}"
        parts.append(f"{shown} of {name}, {_rows(bad[bad[:, 1] == column, 0])}")
    return "; ".join(parts[:4]) + ("; ..." if len(parts) > 4 else "")


def _rows(rows: Any) -> str:
    shown = ", ".join(str(int(r) + 1) for r in rows[:SHOWN_ROWS]) + (", ..." if len(rows) > SHOWN_ROWS else "")
    return f"row{'s' if len(rows) > 1 else ''} {shown}"


def _place(name: str, place: tuple[int, ...], labels: tuple[str, ...]) -> str:
    if len(place) == 2 and labels:
        return f'column "{labels[place[1]]}" of {name}, row {place[0] + 1}'
    return f"{name}[{', '.join(str(k + 1) for k in place)}]" if place else name


# -- sizes --------------------------------------------------------------------------------------------------------
NOUNS = ("row", "column", "layer")
PLURALS = {"row": "rows", "column": "columns", "layer": "layers", "entry": "entries"}


def _sizes(table: Mapping[str, Any], raw: Mapping[str, tuple[Any, Any]]) -> tuple[dict[str, int], dict[str, str]]:
    sizes: dict[str, int] = {}
    sources: dict[str, str] = {}
    for name, (value, _) in raw.items():
        if isinstance(table[name], sp.Symbol) and is_dimension(table[name]):
            sizes[name], sources[name] = _size(name, value), f"{unicode_name(name)} is given as {value:g}"
    arrays = [(table[name], value) for name, (value, _) in raw.items() if getattr(table[name], "shape", ())]
    for found, value in arrays:
        for axis, dim in enumerate(found.shape):
            _measure(found, axis, dim, value.shape[axis], sizes, sources)
    for found, value in arrays:
        for axis, dim in enumerate(found.shape):
            if not isinstance(dim, (int, sp.Symbol, sp.Integer)):
                _check_compound(found, axis, dim, value.shape[axis], sizes)
    return sizes, sources


def _size(name: str, value: Any) -> int:
    if value != int(value) or value < 1:
        raise DataError(f"{name} is a size: a positive whole number, found {value:g}")
    return int(value)


def _measure(found: Symbol, axis: int, dim: Any, size: int, sizes: dict[str, int], sources: dict[str, str]) -> None:
    shown = _counted(found, axis, size)
    if isinstance(dim, (int, sp.Integer)):
        if int(dim) != size:
            raise DataError(f"{shown}; it is declared {show_shape(found.shape)}, so that number must be {dim}")
    elif isinstance(dim, sp.Symbol):
        name = canonical(dim.name)
        if size == 0:
            raise DataError(f"{shown}: there are no data")
        if sizes.setdefault(name, size) != size:
            raise DataError(f"{shown}, {sources[name]}: {dim} must be one number")
        sources.setdefault(name, shown)


def _check_compound(found: Symbol, axis: int, dim: Any, size: int, sizes: Mapping[str, int]) -> None:
    known = {s: sizes[canonical(s.name)] for s in sorted(dim.free_symbols, key=str) if canonical(s.name) in sizes}
    expected = dim.subs(known)
    if expected.is_Integer and int(expected) != size:
        raise DataError(f"{_counted(found, axis, size)}; {dim} is {expected}")


def _counted(found: Symbol, axis: int, size: int) -> str:
    """Return a size in words: ``y has 22 rows``."""
    if len(found.shape) == 1:
        noun = "row" if str(found.shape[0]) in LARGE else "entry"
    else:
        noun = NOUNS[min(axis, len(NOUNS) - 1)]
    return f"{unicode_name(found.name)} has {size} {noun if size == 1 else PLURALS[noun]}"
