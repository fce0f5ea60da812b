"""Parameters as one flat vector: blocks for scalars, vectors and matrices, free entries, ranges, starting values.

A symmetric, diagonal or triangular matrix contributes its free entries only, so that every step keeps the structure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from symml.errors import DataError, DomainError, NotSupportedError
from symml.fitting.binding import Bound, by_name
from symml.fitting.declared import words_of
from symml.language.names import canonical, unicode_name
from symml.language.operators import show_shape

UNKEPT = (
    "orthogonal", "orthonormal columns", "idempotent", "unit norm", "sums to one", "rows sum to one", "integer", "mask",
)  # fmt: skip


@dataclass(frozen=True)
class Block:
    """One parameter inside the flat vector.

    Attributes
    ----------
    name : str
        Canonical name.
    shape : tuple of int
    spread : ndarray or None
        Matrix that takes the free entries to all entries, row by row; None when every entry is free.
    start, stop : int
        Place of the free entries in the flat vector.
    low, high : float
        Range of every entry; `open_low`, `open_high` tell whether the ends are excluded.
    definite : bool
        Whether the matrix must stay positive definite.
    labels : tuple of str
        Printed names of the free entries.
    """

    name: str
    shape: tuple[int, ...]
    spread: Any
    start: int
    stop: int
    low: float
    high: float
    open_low: bool
    open_high: bool
    definite: bool
    labels: tuple[str, ...]

    def expand(self, theta: Any) -> Any:
        """Return the value of the parameter: a float or an array."""
        part = theta[self.start : self.stop]
        if self.shape == ():
            return float(part[0])
        return np.array(part if self.spread is None else self.spread @ part, float).reshape(self.shape)

    def flatten(self, value: Any) -> Any:
        """Return the free entries of a value."""
        flat = np.asarray(value, float).reshape(-1)
        return flat if self.spread is None else (flat @ self.spread) / self.spread.sum(axis=0)

    def reduce(self, derivative: Any, axis: int) -> Any:
        """Return a derivative along all entries, on one axis, as the derivative along the free entries."""
        if self.spread is None:
            return derivative
        return np.moveaxis(np.tensordot(derivative, self.spread, axes=(axis, 0)), -1, axis)


@dataclass(frozen=True)
class Parameters:
    """All parameters, in the order of `wrt`."""

    blocks: tuple[Block, ...]
    symbols: tuple[Any, ...]

    @property
    def size(self) -> int:
        """Number of free entries."""
        return self.blocks[-1].stop

    @property
    def labels(self) -> tuple[str, ...]:
        """Printed names of the free entries."""
        return tuple(label for block in self.blocks for label in block.labels)

    def expand(self, theta: Any) -> dict[str, Any]:
        """Return the values by canonical name."""
        return {block.name: block.expand(theta) for block in self.blocks}

    def flatten(self, values: Mapping[str, Any]) -> Any:
        """Return the flat vector of values by canonical name."""
        return np.concatenate([block.flatten(values[block.name]) for block in self.blocks])

    def bounds(self) -> tuple[Any, Any, Any]:
        """Return lower ends, upper ends, and whether each end is excluded (two columns)."""
        low = np.concatenate([np.full(b.stop - b.start, b.low) for b in self.blocks])
        high = np.concatenate([np.full(b.stop - b.start, b.high) for b in self.blocks])
        opened = np.concatenate([np.tile([b.open_low, b.open_high], (b.stop - b.start, 1)) for b in self.blocks])
        return low, high, opened

    def definite(self, theta: Any) -> bool:
        """Whether every matrix that must be positive definite is."""
        for block in self.blocks:
            if block.definite:
                try:
                    np.linalg.cholesky(block.expand(theta))
                except np.linalg.LinAlgError:
                    return False
        return True


def parameters_of(symbols: Sequence[Any], bound: Bound) -> Parameters:
    """Return the blocks of the variables of a derivation.

    Raises
    ------
    DataError
        If the size of a parameter is determined neither by the data nor by a start.
    NotSupportedError
        If a parameter has a property that steps would not keep, such as orthogonal.
    """
    blocks: list[Block] = []
    place = 0
    for s in symbols:
        unkept = [word for word in UNKEPT if word in words_of(s)]
        if unkept:
            raise NotSupportedError(
                f"{unicode_name(s.name)} is declared {unkept[0]}; fitting by Newton steps does not keep that. "
                "Declare it without, or solve d.stationary(subject_to=...)."
            )
        shape = _shape(s, bound)
        spread = _spread(words_of(s), shape)
        count = int(np.prod(shape, dtype=int)) if spread is None else spread.shape[1]
        low, high, open_low, open_high = _range(s)
        blocks.append(Block(
            canonical(s.name), shape, spread, place, place + count, low, high, open_low, open_high,
            bool({"spd", "psd"} & words_of(s)), _labels(s, shape, spread, bound),
        ))  # fmt: skip
        place += count
    return Parameters(tuple(blocks), tuple(symbols))


def named_start(start: Any, symbols: Sequence[Any]) -> dict[str, Any]:
    """Return starting values by canonical name; a bare value is that of the only parameter.

    Raises
    ------
    DataError
        If a name is not a parameter, or a bare value is given for several.
    """
    if start is None:
        return {}
    known = [canonical(s.name) for s in symbols]
    shown = ", ".join(unicode_name(name) for name in known)
    if not hasattr(start, "keys"):
        if len(symbols) > 1:
            raise DataError(f"start must be a mapping by name, since there are several parameters: {shown}")
        return {known[0]: start}
    given = by_name(start)
    for name in given:
        if name not in known:
            raise DataError(f"start gives {unicode_name(name)}, which is not a parameter. Parameters: {shown}.")
    return given


def default_start(parameters: Parameters, given: Mapping[str, Any]) -> Any:
    """Return the flat start: what is given, else zeros, ones where positive, the identity where definite."""
    values = {}
    for block, s in zip(parameters.blocks, parameters.symbols, strict=True):
        if block.name in given:
            values[block.name] = given[block.name]
        elif block.definite or "invertible" in words_of(s):
            values[block.name] = np.eye(block.shape[0])
        else:
            values[block.name] = np.full(block.shape, _inner(block))
    return parameters.flatten(values)


def _inner(block: Block) -> float:
    if np.isfinite(block.low) and np.isfinite(block.high):
        return (block.low + block.high) / 2
    if block.low > 0 or (block.low == 0 and block.open_low) or np.isfinite(block.low):
        return block.low + 1
    return block.high - 1 if np.isfinite(block.high) else 0.0


def _shape(s: Any, bound: Bound) -> tuple[int, ...]:
    shape = []
    for dim in getattr(s, "shape", ()):
        known = {t: bound.sizes[canonical(t.name)] for t in _dims(dim) if canonical(t.name) in bound.sizes}
        size = sp.sympify(dim).subs(known)
        if not size.is_Integer:
            raise DataError(
                f"the size {dim} of {unicode_name(s.name)} ({show_shape(s.shape)}) does not follow from the data: "
                f"pass {dim}=... or start={{{s.name!r}: ...}}"
            )
        shape.append(int(size))
    return tuple(shape)


def _dims(dim: Any) -> list[Any]:
    return sorted(getattr(dim, "free_symbols", ()), key=str)


def _spread(words: frozenset[str], shape: tuple[int, ...]) -> Any:
    """Free entries of a structured matrix: one column each, ones at the entries it fills."""
    if len(shape) != 2:
        return None
    rows, columns = np.indices(shape)
    if "diagonal" in words:
        keep = rows == columns
    elif words & {"symmetric", "lower triangular"}:
        keep = rows >= columns
    elif "upper triangular" in words:
        keep = rows <= columns
    else:
        return None
    places = np.argwhere(keep)
    spread = np.zeros((shape[0] * shape[1], len(places)))
    for k, (i, j) in enumerate(places):
        spread[i * shape[1] + j, k] = 1.0
        if "symmetric" in words:
            spread[j * shape[1] + i, k] = 1.0
    return spread


def _range(s: Any) -> tuple[float, float, bool, bool]:
    domain = getattr(s, "domain", None)
    if domain is not None and domain.values:
        raise DomainError(f"{unicode_name(s.name)} is declared {domain}: a fit needs an interval")
    if domain is not None:
        low = -np.inf if domain.low is None else float(domain.low)
        high = np.inf if domain.high is None else float(domain.high)
        return low, high, bool(domain.low_open), bool(domain.high_open)
    words = words_of(s)
    if words & {"spd", "psd"}:
        return -np.inf, np.inf, True, True
    low = 0.0 if words & {"positive", "nonnegative"} else -np.inf
    high = 0.0 if words & {"negative", "nonpositive"} else np.inf
    return low, high, "positive" in words, "negative" in words


def _labels(s: Any, shape: tuple[int, ...], spread: Any, bound: Bound) -> tuple[str, ...]:
    name = unicode_name(s.name)
    if not shape:
        return (name,)
    axes = [bound.columns.get(canonical(str(dim)) if isinstance(dim, sp.Symbol) else "") for dim in s.shape]
    places = np.indices(shape).reshape(len(shape), -1).T
    if spread is not None:
        places = places[[int(np.argmax(column)) for column in spread.T]]
    parts = [[str(k + 1) if labels is None else labels[k] for k, labels in zip(p, axes, strict=True)] for p in places]
    return tuple(f"{name}[{', '.join(part)}]" for part in parts)
