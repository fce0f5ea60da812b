"""Random values that respect the declarations and nothing more: all sizes differ, values spread over their range.

One row of `_MATRICES` or `_ARRAYS` for each property that shapes an array; the rest are ranges of entries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import sympy as sp

from symml.errors import DataError
from symml.language.expressions import Symbol
from symml.language.names import canonical
from symml.language.properties import Domain
from symml.language.symbols import is_dimension

SIZES = (5, 4, 3, 2, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)
LARGE = ("n", "N", "m", "M", "T")  # numbers of observations: larger than numbers of features where nothing is said
MASKS = 7
SMALL = 0.1
SUPPORTS = {
    "Bernoulli": "mask", "Poisson": "counts", "Binomial": "counts", "NegativeBinomial": "counts", "Geometric": "counts",
    "Exponential": "positive", "Gamma": "positive", "InverseGamma": "positive", "LogNormal": "positive",
    "Weibull": "positive", "Pareto": "positive", "ChiSquared": "positive", "Rayleigh": "positive",
    "Beta": "unit", "Uniform": "unit",
}  # fmt: skip


def draw(
    symbols: Mapping[str, Symbol | sp.Symbol], rng: np.random.Generator, sizes: Mapping[str, int] | None = None
) -> tuple[dict[str, Any], dict[str, int]]:
    """Return values and sizes for declared symbols.

    Parameters
    ----------
    symbols : mapping
        Symbols by canonical name.
    rng : numpy.random.Generator
    sizes : mapping, optional
        Sizes by dimension name; the others are chosen, all different and none 1.

    Returns
    -------
    values : dict
        A float or an array of floats for every symbol that is not a dimension.
    sizes : dict
        The size of every dimension.

    Raises
    ------
    DataError
        If the sizes given leave a property impossible, such as full column rank with fewer rows than columns.
    """
    chosen = choose_sizes(symbols.values(), sizes or {})
    values: dict[str, Any] = {}
    for name in sorted(symbols):
        found = symbols[name]
        if isinstance(found, Symbol):
            values[name] = draw_array(found, rng, chosen)
        elif not is_dimension(found):
            values[name] = draw_scalar(found, rng)
    return values, chosen


def choose_sizes(symbols: Iterable[Any], given: Mapping[str, int]) -> dict[str, int]:
    """Return a size for every dimension of the symbols: all different, none 1, literal ones avoided."""
    arrays = sorted((s for s in symbols if isinstance(s, Symbol)), key=lambda s: s.name)
    names: set[str] = set()
    literals: set[int] = set()
    for dim in (d for s in arrays for d in s.shape):
        literals |= {dim} if isinstance(dim, int) else set()
        names |= {canonical(t.name) for t in getattr(dim, "free_symbols", ())}
    names |= {canonical(s.name) for s in symbols if isinstance(s, sp.Symbol) and is_dimension(s)}
    sizes = {canonical(name): int(size) for name, size in given.items()}
    pool = [s for s in SIZES if s not in literals and s not in sizes.values()]
    waiting = sorted(names - set(sizes), key=lambda name: (name not in LARGE, name))
    pool += [max(SIZES) + 1 + k for k in range(max(0, len(waiting) - len(pool)))]
    sizes |= dict(zip(waiting, pool, strict=False))
    for _ in range(len(arrays)):  # rows before columns where a rank is declared
        for s in arrays:
            _order(s, sizes, waiting)
    return dict(sorted(sizes.items()))


def sizes_at(symbols: Iterable[Any], turn: int, base: Mapping[str, int] | None = None) -> dict[str, int]:
    """Return other sizes turn by turn, none smaller than the base ones and in their order.

    In four turns any two of three dimensions are even and odd in all combinations, as (-1)^(n m) needs.
    """
    listed = list(symbols)
    base = choose_sizes(listed, {}) if base is None else base
    literals = {d for s in listed if isinstance(s, Symbol) for d in s.shape if isinstance(d, int)}
    found: dict[str, int] = {}
    least = 0
    for k, name in enumerate(sorted(base, key=lambda name: (base[name], name))):
        flip = (turn & (k % MASKS + 1)).bit_count()
        size = max(base[name], least + 1)
        size += (size - base[name] + flip) % 2
        while size in literals:
            size += 2
        found[name] = least = size
    return dict(sorted(found.items()))


def tamed(symbols: Mapping[str, Any], values: Mapping[str, Any], turn: int) -> dict[str, Any]:
    """Return values with those of undeclared range made positive, small, or both, turn by turn.

    So log(x) and log(1 - x'x) have values sooner or later, though x is any real vector.
    """
    positive, small = turn % 4 in (1, 3), turn % 4 in (2, 3)
    return {name: _tamed(v, positive, small) if _ranges_free(symbols[name]) else v for name, v in values.items()}


def _tamed(value: Any, positive: bool, small: bool) -> Any:
    found = abs(value) if positive else value
    return SMALL * found if small else found


def _ranges_free(s: Any) -> bool:
    """Whether a symbol may have any real values."""
    if isinstance(s, Symbol):
        return not s.facts and not s.properties and s.domain is None
    known = (s.is_positive, s.is_negative, s.is_nonnegative, s.is_nonpositive, s.is_integer, s.is_nonzero)
    return getattr(s, "domain", None) is None and not any(k for k in known)


def _order(s: Symbol, sizes: dict[str, int], free: list[str]) -> None:
    if len(s.shape) != 2 or not {"full column rank", "full row rank"} & s.facts:
        return
    tall, wide = s.shape if "full column rank" in s.facts else s.shape[::-1]
    a, b = (canonical(d.name) if isinstance(d, sp.Symbol) else "" for d in (tall, wide))
    if a in free and b in free and sizes[a] < sizes[b]:
        sizes[a], sizes[b] = sizes[b], sizes[a]
    elif a in free and isinstance(wide, int) and sizes[a] < wide:
        sizes[a] = max(*sizes.values(), wide) + 1


def draw_scalar(s: sp.Symbol, rng: np.random.Generator) -> float:
    """Return a value of a declared scalar, within its range."""
    facts = {word for word in ("positive", "nonnegative", "negative", "nonzero", "integer") if getattr(s, f"is_{word}")}
    facts |= {"nonpositive"} if s.is_nonpositive and "negative" not in facts else set()
    return float(_entries((), facts | _support(getattr(s, "properties", ())), getattr(s, "domain", None), rng))


def draw_array(s: Symbol, rng: np.random.Generator, sizes: Mapping[str, int]) -> Any:
    """Return an array with the shape and properties of a declared symbol."""
    shape = tuple(_size(d, sizes) for d in s.shape)
    facts = set(s.facts) | _support(s.properties)
    _check_rank(s, shape)
    for _ in range(200):
        array = _shaped(shape, facts, s.domain, rng)
        if _regular(array, facts):
            return array
    raise DataError(
        f"no value found for {s.name} with the properties {', '.join(sorted(s.properties))} at shape {shape}"
    )


def _size(dim: Any, sizes: Mapping[str, int]) -> int:
    if isinstance(dim, int):
        return dim
    return int(dim.xreplace({t: sp.Integer(sizes[canonical(t.name)]) for t in dim.free_symbols}))


def _check_rank(s: Symbol, shape: tuple[int, ...]) -> None:
    wide = "full column rank" in s.facts and shape[0] < shape[1]
    if wide or ("full row rank" in s.facts and shape[0] > shape[1]):
        word = "full column rank" if wide else "full row rank"
        raise DataError(f"{s.name} has {word} and cannot have the shape {shape[0]}×{shape[1]}; give other sizes")


def _support(words: Iterable[str]) -> set[str]:
    families = [w[2:].split("(")[0] for w in words if w.startswith("~")]
    found = {SUPPORTS[f] for f in families if f in SUPPORTS}
    return found | ({"nonnegative", "integer"} if found & {"counts", "mask"} else set())


def _shaped(shape: tuple[int, ...], facts: set[str], domain: Domain | None, rng: np.random.Generator) -> Any:
    for word, build in _MATRICES.items():
        if word in facts and len(shape) == 2:
            return build(shape, facts, domain, rng)
    array = _entries(shape, facts, domain, rng)
    for word, change in _ARRAYS.items():
        if word in facts:
            array = change(array, facts, rng)
    return array


def _regular(array: Any, facts: set[str]) -> bool:
    if array.ndim == 2 and facts & {"invertible", "full column rank", "full row rank"}:
        return bool(np.linalg.cond(array) < 60)
    return True


# -- entries ------------------------------------------------------------------------------------------------------
def _entries(shape: tuple[int, ...], facts: set[str], domain: Domain | None, rng: np.random.Generator) -> Any:
    if domain is not None and domain.values:
        return _mixed(np.array([float(v) for v in domain.values]), shape, rng)
    if "mask" in facts:
        return _mixed(np.array([0.0, 1.0]), shape, rng)
    if "unit" in facts:
        return rng.uniform(0.05, 0.95, shape)
    if "integer" in facts:
        return _integers(shape, facts, domain, rng)
    if domain is not None:
        return _within(shape, domain, rng)
    size = np.exp(rng.normal(0.0, 0.5, shape))
    if facts & {"positive", "nonnegative"}:
        return size
    if facts & {"negative", "nonpositive"}:
        return -size
    return size * _mixed(np.array([-1.0, 1.0]), shape, rng) if "nonzero" in facts else rng.normal(0.0, 0.8, shape)


def _mixed(values: Any, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    """Entries from a finite set; two or more different ones where there is room."""
    array = rng.choice(values, shape)
    if np.size(array) > 1 and np.all(array == array.flat[0]):
        array.flat[int(rng.integers(array.size))] = rng.choice(values[values != array.flat[0]])
    return array


def _integers(shape: tuple[int, ...], facts: set[str], domain: Domain | None, rng: np.random.Generator) -> Any:
    if "labels" in facts:
        return _mixed(np.array([0.0, 1.0, 2.0]), shape, rng)
    if domain is not None and (domain.low is not None or domain.high is not None):
        low = (
            int(np.ceil(float(domain.low))) + (domain.low_open and domain.low == int(domain.low))
            if domain.low is not None
            else None
        )
        high = (
            int(np.floor(float(domain.high))) - (domain.high_open and domain.high == int(domain.high))
            if domain.high is not None
            else None
        )
        low, high = (high - 6 if low is None else low), (low + 6 if high is None else high)  # type: ignore[operator]
        return rng.integers(low, high + 1, shape).astype(float)
    if "positive" in facts:
        return 1.0 + rng.poisson(1.5, shape)
    if "nonnegative" in facts:
        return rng.poisson(2.0, shape).astype(float)
    if "negative" in facts:
        return -1.0 - rng.poisson(1.5, shape)
    array = rng.integers(-3, 4, shape).astype(float)
    return np.where(array == 0, 2.0, array) if "nonzero" in facts else array


def _within(shape: tuple[int, ...], domain: Domain, rng: np.random.Generator) -> Any:
    size = np.exp(rng.normal(0.0, 0.5, shape))
    if domain.low is None:
        return float(domain.high) - size
    if domain.high is None:
        return float(domain.low) + size
    low, high = float(domain.low), float(domain.high)
    return low + (high - low) * rng.uniform(0.04, 0.96, shape)


# -- arrays: entries changed to fit -------------------------------------------------------------------------------
def _simplex(array: Any, facts: set[str], rng: np.random.Generator) -> Any:
    return rng.dirichlet(np.full(array.size, 2.0)).reshape(array.shape)


def _rows_sum(array: Any, facts: set[str], rng: np.random.Generator) -> Any:
    if facts & {"positive", "nonnegative"}:
        return rng.dirichlet(np.full(array.shape[1], 2.0), array.shape[0])
    return array - array.mean(axis=1, keepdims=True) + 1.0 / array.shape[1]


def _intercept(array: Any, facts: set[str], rng: np.random.Generator) -> Any:
    array[:, 0] = 1.0
    return array


_ARRAYS: dict[str, Callable[[Any, set[str], np.random.Generator], Any]] = {
    "simplex": _simplex,
    "rows sum to one": _rows_sum,
    "contains intercept": _intercept,
    "centred": lambda array, facts, rng: array - array.mean(axis=0),
    "unit norm": lambda array, facts, rng: array / np.linalg.norm(array),
}


# -- matrices built as a whole ------------------------------------------------------------------------------------
def _rotation(rows: int, columns: int, rng: np.random.Generator) -> Any:
    q, r = np.linalg.qr(rng.normal(size=(rows, columns)))
    return q * np.sign(np.diag(r))


def _spectral(values: Any, rng: np.random.Generator) -> Any:
    q = _rotation(len(values), len(values), rng)
    found = (q * values) @ q.T
    return (found + found.T) / 2


def _diagonal(shape: tuple[int, ...], facts: set[str], domain: Domain | None, rng: np.random.Generator) -> Any:
    if "identity" in facts:
        return np.eye(shape[0])
    if "orthogonal" in facts:
        return np.diag(_mixed(np.array([-1.0, 1.0]), shape[:1], rng))
    if "idempotent" in facts:
        return np.diag(_mixed(np.array([0.0, 1.0]), shape[:1], rng))
    extra = {"positive"} if "psd" in facts else {"nonzero"} if "invertible" in facts else set()
    return np.diag(_entries(shape[:1], facts | extra, domain, rng))


def _idempotent(shape: tuple[int, ...], facts: set[str], domain: Domain | None, rng: np.random.Generator) -> Any:
    rank = max(1, shape[0] // 2)
    if "symmetric" in facts:
        return _spectral(np.r_[np.ones(rank), np.zeros(shape[0] - rank)], rng)
    a = _rotation(shape[0], rank, rng)
    b = a + 0.4 * rng.normal(size=a.shape)
    return a @ np.linalg.solve(b.T @ a, b.T)


def _orthogonal(shape: tuple[int, ...], facts: set[str], domain: Domain | None, rng: np.random.Generator) -> Any:
    if "symmetric" in facts:
        return _spectral(_mixed(np.array([-1.0, 1.0]), shape[:1], rng), rng)
    return _rotation(shape[0], shape[1], rng)


def _definite(shape: tuple[int, ...], facts: set[str], domain: Domain | None, rng: np.random.Generator) -> Any:
    if domain is not None or facts & {"positive", "nonnegative", "integer"}:
        array = _symmetric(shape, facts, domain, rng)
        return array if domain is not None else array + np.diag(np.ceil(np.abs(array).sum(axis=1)))
    return _spectral(rng.uniform(0.5, 2.5, shape[0]), rng)


def _symmetric(shape: tuple[int, ...], facts: set[str], domain: Domain | None, rng: np.random.Generator) -> Any:
    array = np.tril(_entries(shape, facts, domain, rng))
    return array + np.tril(array, -1).T


def _triangular(shape: tuple[int, ...], facts: set[str], domain: Domain | None, rng: np.random.Generator) -> Any:
    array = _entries(shape, facts - {"lower triangular", "upper triangular"}, domain, rng)
    np.fill_diagonal(array, np.diag(_entries(shape, facts | {"positive"}, domain, rng)))
    return np.tril(array) if "lower triangular" in facts else np.triu(array)


def _one_hot(shape: tuple[int, ...], facts: set[str], domain: Domain | None, rng: np.random.Generator) -> Any:
    return np.eye(shape[1])[_mixed(np.arange(shape[1]), shape[:1], rng)]


_Builder = Callable[[tuple[int, ...], set[str], Domain | None, np.random.Generator], Any]
_MATRICES: dict[str, _Builder] = {
    "diagonal": _diagonal,
    "idempotent": _idempotent,
    "orthonormal columns": _orthogonal,
    "psd": _definite,
    "symmetric": _symmetric,
    "lower triangular": _triangular,
    "upper triangular": _triangular,
    "one-hot rows": _one_hot,
}
