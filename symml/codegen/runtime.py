"""What generated code calls: weighted Gram matrices in row blocks, factorisations, and checks of arguments."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from symml.errors import DataError
from symml.language.function import function
from symml.libraries import linalg

FLOAT = np.dtype(float)
NUMBERS = frozenset({float, int, np.float64})
FEW_ROWS = 512
LEAST_ROWS, MOST_ROWS = 2048, 8192
BLOCK_BYTES = 1 << 20
Array = np.ndarray[Any, Any]


# -- products -----------------------------------------------------------------------------------------------------
def weighted_gram(X: Array, s: Array) -> Array:
    """Return X' diag(s) X, in row blocks for many rows.

    Weights of one sign enter as square roots, so that the product is a symmetric rank-k update.
    """
    n, d = X.shape
    if n < FEW_ROWS:
        return np.asarray(X.T @ (X * s[:, None]))
    one_sign = s.min() >= 0
    if not one_sign and s.max() <= 0:
        return np.negative(weighted_gram(X, -s))
    weights = np.sqrt(s) if one_sign else s
    rows = block_rows(d)
    if n <= rows:
        scaled = X * weights[:, None]
        return np.asarray(scaled.T @ (scaled if one_sign else X))
    buffer = np.empty((rows, d))
    out = np.zeros((d, d))
    for start in range(0, n, rows):
        block = X[start : start + rows]
        scaled = np.multiply(block, weights[start : start + rows, None], out=buffer[: len(block)])
        out += scaled.T @ (scaled if one_sign else block)
    return out


def block_rows(columns: int) -> int:
    """Return how many rows are worked on at a time."""
    return min(MOST_ROWS, max(LEAST_ROWS, BLOCK_BYTES // (8 * columns)))


def over_rows(block: Callable[..., Any], *arrays: Array) -> Any:
    """Return the sums that `block` gives for all rows, added up over blocks of rows."""
    n = len(arrays[0])
    rows = block_rows(sum(a.shape[1] if a.ndim == 2 else 1 for a in arrays))
    if n < 2 * rows:
        return block(*arrays)
    found = block(*(a[:rows] for a in arrays))
    totals = list(found) if isinstance(found, tuple) else [found]
    for start in range(rows, n, rows):
        found = block(*(a[start : start + rows] for a in arrays))
        for k, part in enumerate(found if isinstance(found, tuple) else (found,)):
            totals[k] += part
    return tuple(totals) if isinstance(found, tuple) else totals[0]


def sum_over(term: Callable[[int], Any], times: Any) -> Any:
    """Return term(0) + ... + term(times - 1)."""
    total = term(0)
    for i in range(1, int(times)):
        total = total + term(i)
    return total


def dense_action(along: Callable[[Array], Any], shape: tuple[int, ...]) -> Array:
    """Return the array of a linear map from its values on the basis of its argument."""
    parts = []
    for k in range(int(np.prod(shape))):
        direction = np.zeros(shape)
        direction.flat[k] = 1.0
        parts.append(np.array(along(direction), float))
    return np.moveaxis(np.array(parts), 0, -1).reshape(*parts[0].shape, *shape)


def index_sum(formula: str, *arrays: Array) -> Array:
    """Return an index formula whose factors share a summed index: two groups of factors, then one matrix product."""
    words, target = formula.split("->")
    terms = list(zip(words.split(","), arrays, strict=True))
    sizes = {letter: size for word, array in terms for letter, size in zip(word, array.shape, strict=True)}
    splits = [
        (chosen, tuple(k for k in range(len(terms)) if k not in chosen))
        for count in range(1, len(terms) // 2 + 1)
        for chosen in itertools.combinations(range(len(terms)), count)
    ]

    def letters(group: tuple[int, ...]) -> str:
        return "".join(dict.fromkeys(c for k in group for c in terms[k][0]))

    def cost(split: tuple[tuple[int, ...], tuple[int, ...]]) -> int:
        return sum(math.prod(sizes[c] for c in letters(group)) for group in split)

    merged = []
    for group in min(splits, key=cost):
        inner = ",".join(terms[k][0] for k in group)
        values = [terms[k][1] for k in group]
        merged.append(values[0] if len(group) == 1 else np.einsum(f"{inner}->{letters(group)}", *values))
    outer = ",".join(letters(group) for group in min(splits, key=cost))
    return np.asarray(np.einsum(f"{outer}->{target}", *merged, optimize=True))


def embed(formula: str, values: Any, shape: tuple[int, ...]) -> Array:
    """Return an array that holds `values` where indices of one letter are equal, and zeros elsewhere."""
    out = np.zeros(shape)
    np.einsum(formula, out)[...] = values
    return out


def call(name: str, *arrays: Any) -> Any:
    """Return a registered function of arrays, by its record."""
    numpy_code = function(name).numpy
    assert numpy_code is not None
    return numpy_code(*arrays)


# -- factorisations -----------------------------------------------------------------------------------------------
class Cholesky:
    """The factorisation of a symmetric positive definite matrix."""

    def __init__(self, factor: Array) -> None:
        self.factor = factor

    def solve(self, B: Array) -> Array:
        """Return the inverse times B."""
        return np.asarray(linalg.cho_solve((self.factor, True), B, check_finite=False))

    def inverse(self) -> Array:
        """Return the inverse, exactly symmetric."""
        inverse, _ = linalg.lapack.dpotri(self.factor, lower=1)
        return np.asarray(np.tril(inverse) + np.tril(inverse, -1).T)

    def logdet(self) -> Any:
        """Return the logarithm of the determinant."""
        return 2 * np.log(self.factor.diagonal()).sum()


class LU:
    """The factorisation of a square matrix."""

    def __init__(self, A: Array) -> None:
        self.size = len(A)
        self.factor = linalg.lu_factor(A, check_finite=False)
        if not self.factor[0].diagonal().all():
            raise np.linalg.LinAlgError("Singular matrix")

    def solve(self, B: Array, transposed: bool = False) -> Array:
        """Return the inverse, or its transpose, times B."""
        return np.asarray(linalg.lu_solve(self.factor, B, trans=int(transposed), check_finite=False))

    def inverse(self) -> Array:
        """Return the inverse."""
        return self.solve(np.eye(self.size))

    def logdet(self) -> Any:
        """Return the logarithm of the absolute determinant."""
        return np.log(np.abs(self.factor[0].diagonal())).sum()


def cholesky(A: Array) -> Cholesky | LU:
    """Return the Cholesky factorisation; of a matrix that is not positive definite the LU factorisation."""
    symmetric = np.array_equal(A, A.T) or np.abs(A - A.T).max() <= 1e-8 * np.abs(A).max()
    if not symmetric:
        return LU(A)
    try:
        return Cholesky(linalg.cholesky(A, lower=True, check_finite=False))
    except np.linalg.LinAlgError:
        return LU(A)


def lu(A: Array) -> LU:
    """Return the LU factorisation."""
    return LU(A)


def log_det(A: Array) -> Any:
    """Return the logarithm of the determinant, nan where it is negative."""
    sign, value = np.linalg.slogdet(A)
    return value if sign >= 0 else np.float64(np.nan)


# -- arguments ----------------------------------------------------------------------------------------------------
def number(name: str, value: Any) -> Any:
    """Return a scalar argument as a float."""
    array = np.asarray(value)
    if array.size != 1 or array.dtype.kind not in "biufO":
        raise DataError(f"{name} is a scalar; found {_described(array)}. Pass one real number.")
    try:
        return np.float64(float(array.reshape(())[()]))
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} is a scalar; found {value!r}. Pass one real number.") from error


def count(name: str, value: Any) -> int:
    """Return a dimension given by the caller."""
    if value is None:
        raise DataError(f"the size {name} cannot be found from the arrays: pass {name}=...")
    if int(value) != value or value < 1:
        raise DataError(f"{name} is a size; found {value!r}. Pass a positive integer.")
    return int(value)


def same_size(name: str, given: Any, found: int) -> None:
    """Check a size that the caller gave beside arrays that show it.

    Raises
    ------
    DataError
        If they differ.
    """
    if given is not None and given != found:
        raise DataError(f"{name} = {given} is given, the arrays have {name} = {found}.")


def conform(declared: tuple[tuple[str, tuple[Any, ...]], ...], *values: Any, **sizes: int) -> tuple[Array, ...]:
    """Return the arguments as float arrays of the declared shapes; a column is taken for a vector.

    Raises
    ------
    DataError
        If an argument has the wrong number of axes, or sizes of one name differ; names the argument and both shapes.
    """
    found: dict[str, int] = dict(sizes)
    origin = dict.fromkeys(sizes, "as given")
    arrays = []
    for (name, shape), value in zip(declared, values, strict=True):
        array = _as_float(name, value)
        if len(shape) == 1 and array.ndim == 2 and array.shape[1] == 1:
            array = array.reshape(-1)
        fits = array.ndim == len(shape)
        for dim, size in zip(shape, array.shape, strict=False) if fits else ():
            if isinstance(dim, int):
                fits = fits and dim == size
            elif dim is not None and dim not in found:
                found[dim], origin[dim] = size, f"from {name}"
            elif dim is not None:
                fits = fits and found[dim] == size
        if not fits:
            raise mismatch(name, shape, array.shape, {d: (found[d], origin[d]) for d in shape if d in found})
        arrays.append(array)
    return tuple(arrays)


def mismatch(
    name: str, shape: tuple[Any, ...], found: tuple[int, ...], sizes: dict[Any, tuple[int, str]] | None = None
) -> DataError:
    """Return the error of an argument whose shape is not the declared one."""
    expected = f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
    known = ", ".join(f"{d} = {size} {where}" for d, (size, where) in (sizes or {}).items())
    return DataError(f"{name} has shape {found}, expected {expected}{f' with {known}' if known else ''}.")


def _as_float(name: str, value: Any) -> Array:
    array = np.asarray(value)
    if array.dtype.kind not in "biufO":
        raise DataError(f"{name} must hold real numbers; found {_described(array)}.")
    try:
        return np.asarray(array, FLOAT)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} must hold real numbers: {error}") from error


def _described(array: Array) -> str:
    return f"an array of shape {array.shape}" if array.ndim else f"{array.dtype} {array!r}"
