"""Data for a model: named arrays, a data frame, or the path of a CSV file; columns are found by name.

No data-frame library is imported: anything with columns that are taken by name will do.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from symml.errors import DataError
from symml.fitting.binding import by_name
from symml.language.names import canonical, unicode_name

CONSTANT = "1"


def read_data(source: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return data by canonical name.

    Parameters
    ----------
    source : mapping, data frame, path, or None
    values : mapping
        Arrays by name; or, beside a frame, a column name or a list of column names ("1" is the constant).

    Raises
    ------
    DataError
        If the file cannot be read, or a column is missing.
    """
    columns = {} if source is None else _columns(source)
    found = {k: v for k, v in columns.items() if k is not None}
    named = by_name(values)
    for name, value in named.items():
        found[name] = _chosen(value, columns, source, name) if columns and _names_columns(value) else value
    return found


def _columns(source: Any) -> dict[Any, Any]:
    if isinstance(source, (str, Path)):
        return read_csv(Path(source))
    if not (hasattr(source, "keys") or hasattr(source, "columns")):
        raise DataError(f"data are a mapping, a data frame or the path of a CSV file, not {type(source).__name__}")
    return by_name(source)


def _names_columns(value: Any) -> bool:
    return isinstance(value, str) or (
        isinstance(value, (list, tuple)) and bool(value) and all(isinstance(v, str) for v in value)
    )


def _chosen(value: Any, columns: Mapping[str, Any], source: Any, name: str) -> Any:
    if isinstance(value, str):
        return _column(value, columns)
    size = len(np.asarray(next(iter(columns.values()))))
    return np.column_stack([np.ones(size) if c == CONSTANT else np.asarray(_column(c, columns), float) for c in value])


def _column(label: str, columns: Mapping[str, Any]) -> Any:
    found = columns.get(canonical(label))
    if found is None:
        raise DataError(f"there is no column {label!r}; columns: {', '.join(unicode_name(c) for c in columns)}")
    return found


def read_csv(path: Path) -> dict[str, Any]:
    """Return the columns of a CSV file with a header by canonical name; an empty cell is a missing value.

    Raises
    ------
    DataError
        If the file cannot be read or its rows differ in length.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from None
    rows = [row for row in csv.reader(text.splitlines(), _dialect(text)) if row]
    if len(rows) < 2:
        raise DataError(f"{path} has no rows of data under its header")
    header, body = rows[0], rows[1:]
    for number, row in enumerate(body, 2):
        if len(row) != len(header):
            raise DataError(f"{path}, line {number}: {len(row)} cells, the header has {len(header)}")
    return by_name({name.strip(): _parsed([row[k] for row in body]) for k, name in enumerate(header)})


def _dialect(text: str) -> type[csv.Dialect]:
    header = text.split("\n", 1)[0]

    class Found(csv.excel):
        delimiter = max(",;\t", key=header.count)

    return Found


def _parsed(cells: Sequence[str]) -> Any:
    try:
        return np.array([float(c) if c.strip() not in ("", "NA", "NaN", "nan") else np.nan for c in cells])
    except ValueError:
        return np.array(cells)


def lengths(data: Mapping[str, Any], names: Sequence[str]) -> int | None:
    """Return the common length of data columns; None when none of them has one.

    Raises
    ------
    DataError
        If two columns differ in length.
    """
    found: dict[str, int] = {}
    for name in names:
        if name in data and np.ndim(data[name]) >= 1:
            found[name] = len(data[name])
    if len(set(found.values())) > 1:
        shown = ", ".join(f"{unicode_name(k)} has {v}" for k, v in found.items())
        raise DataError(f"the columns differ in length: {shown}")
    return next(iter(found.values()), None)
