"""Small values for people to read: integers from -3 to 3 and few of them, where the declarations allow it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from symml.checking.sampling import choose_sizes, draw_array, sizes_at
from symml.errors import DataError
from symml.language.expressions import Symbol
from symml.language.operators import symbol
from symml.language.properties import closure
from symml.language.symbols import is_dimension

LARGEST = 3
TRIES = 12
DECIMALS = 2


def draw_small(
    symbols: Mapping[str, Any], rng: np.random.Generator, turn: int = 0
) -> tuple[dict[str, Any], dict[str, int]]:
    """Return values and sizes like `sampling.draw`, as small as the declarations allow; sizes differ, none is 1.

    Later turns have larger sizes, even and odd ones in other combinations.

    Values that cannot be integers are rounded to two decimals, or drawn as they are where a property would be lost.
    """
    sizes = sizes_at(symbols.values(), turn, small_sizes(symbols))
    values = {}
    for name in sorted(symbols):
        found = symbols[name]
        if isinstance(found, Symbol) or not is_dimension(found):
            values[name] = _small(_as_symbol(found), rng, sizes)
    return values, sizes


def small_sizes(symbols: Mapping[str, Any]) -> dict[str, int]:
    """Return the smallest different sizes above 1, in the order of size the sampler gives them."""
    chosen = choose_sizes(symbols.values(), {})
    literal = {d for s in symbols.values() if isinstance(s, Symbol) for d in s.shape if isinstance(d, int)}
    pool = [k for k in range(2, 2 + len(chosen) + len(literal)) if k not in literal]
    ordered = sorted(chosen, key=lambda name: (chosen[name], name))
    return dict(sorted(zip(ordered, pool, strict=False)))


def plain(value: Any) -> Any:
    """Return a number or nested lists of numbers, integers where the value is whole: what one pastes into Python."""
    array = np.asarray(value, float)
    found = array.astype(int) if np.all(array == np.round(array)) and np.all(np.abs(array) < 1e15) else array
    return found.tolist()


def _as_symbol(s: Any) -> Symbol:
    if isinstance(s, Symbol):
        return s
    words = [w for w in ("positive", "nonnegative", "negative", "nonzero", "integer") if getattr(s, f"is_{w}")]
    return symbol(s.name, (), (*words, *getattr(s, "properties", ())), getattr(s, "domain", None))


def _small(s: Symbol, rng: np.random.Generator, sizes: Mapping[str, int]) -> Any:
    whole = symbol(s.name, s.shape, s.properties | {"integer"}, s.domain)
    for word, build in _BUILDERS.items():
        if word in s.facts:
            if s.facts - closure(frozenset({word})) - _HARMLESS or s.domain is not None:
                break
            return build(draw_array(s, rng, sizes), rng)
    try:
        tries = [draw_array(whole, rng, sizes) for _ in range(TRIES)]
    except (DataError, ValueError):
        tries = []
    limit = 4 * LARGEST if "psd" in s.facts else LARGEST
    good = [t for t in tries if np.all(t == np.round(t)) and np.max(np.abs(t), initial=0.0) <= limit]
    if not good:
        return _rounded(s, draw_array(s, rng, sizes))
    found = max(good, key=lambda t: len(np.unique(t)))  # entries that differ: a transpose shows
    return found if found.shape else float(found)


def _rounded(s: Symbol, value: Any) -> Any:
    """Two decimals where no property ties the entries to each other and they stay inside the range."""
    tied = s.facts - {"positive", "nonnegative", "negative", "nonzero"}
    near = np.round(value, DECIMALS)
    low, high = (getattr(s.domain, end, None) for end in ("low", "high"))
    inside = (low is None or np.all(near > float(low))) and (high is None or np.all(near < float(high)))
    found = near if inside and not tied and not (np.any(near == 0) and np.all(value != 0)) else np.asarray(value)
    return found if found.shape else float(found)


# -- matrices with whole entries --------------------------------------------------------------------------------------
def _turn(a: Any, rng: np.random.Generator) -> Any:
    """Columns of a permutation with signs; of a symmetric matrix an exchange of two rows."""
    rows, columns = a.shape
    if rows == columns and np.allclose(a, a.T):
        return np.vstack([np.eye(rows)[1::-1], np.eye(rows)[2:]])
    found = np.eye(rows)[:, rng.permutation(rows)] * rng.choice([-1.0, 1.0], rows)
    return found[:, :columns]


def _projection(a: Any, rng: np.random.Generator) -> Any:
    found = np.diag(np.arange(len(a)) % 2 == 0).astype(float)
    if np.any(a != a.T):
        found[0, 1:] = rng.integers(1, LARGEST, len(a) - 1) * (np.diag(found)[1:] == 0)
    return found


def _quarters(a: Any, rng: np.random.Generator) -> Any:
    """Entries 0, 1/4, 1/2, 3/4, 1 that sum to one."""
    return np.bincount(rng.integers(0, a.size, 4), minlength=a.size).reshape(a.shape) / 4.0


def _unit(a: Any, rng: np.random.Generator) -> Any:
    """(3/5, -4/5, 0, ...) in some order, which has norm 1."""
    found = np.zeros(a.size)
    found[:2] = (0.6, -0.8)
    return rng.permutation(found).reshape(a.shape)


def _one_hot(a: Any, rng: np.random.Generator) -> Any:
    return np.eye(a.shape[1])[rng.permutation(np.arange(a.shape[0]) % a.shape[1])]


def _rows(a: Any, rng: np.random.Generator) -> Any:
    if np.all(a >= 0):
        return np.array([_quarters(row, rng) for row in a])
    found = rng.integers(-1, 2, a.shape).astype(float)
    found[:, -1] = 1.0 - found[:, :-1].sum(axis=1)
    return found


def _balanced(a: Any, rng: np.random.Generator) -> Any:
    found = rng.integers(-1, 2, a.shape).astype(float)
    found[-1] = 0.0
    found[-1] = -found.sum(axis=0)
    return found


_HARMLESS = frozenset({"symmetric", "invertible", "orthogonal", "full column rank", "full row rank"})
_BUILDERS: dict[str, Callable[[Any, np.random.Generator], Any]] = {
    "identity": lambda a, rng: np.eye(len(a)),
    "orthonormal columns": _turn,
    "idempotent": _projection,
    "simplex": _quarters,
    "one-hot rows": _one_hot,
    "rows sum to one": _rows,
    "unit norm": _unit,
    "centred": _balanced,
}
