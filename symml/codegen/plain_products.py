"""Matrix products of the plain interpreter: a vector is 1-D, a row has shape (1, d)."""

from __future__ import annotations

import operator
from typing import Any

from symml.codegen.program import Program
from symml.language.expressions import Dim, Shape


def _axes(shape: Shape) -> tuple[Dim, Dim]:
    return (shape[0], 1) if len(shape) == 1 else (shape[0], shape[1])


def is_row(shape: Shape) -> bool:
    """Whether a shape is that of a transposed vector."""
    return len(shape) == 2 and shape[0] == 1


def _row_by_vector(a: Any, b: Any) -> Any:
    return a[0] @ b


def _outer(a: Any, b: Any) -> Any:
    return a[:, None] * b


def multiply(program: Program, a: tuple[int, Shape], b: tuple[int, Shape]) -> tuple[int, Shape]:
    """Append the product of two arrays given as (slot, shape)."""
    (left, shape), (right, other) = a, b
    if shape == () or other == ():
        return program.emit(operator.mul, left, right), shape or other
    rows, columns = _axes(shape)[0], _axes(other)[1]
    if len(shape) == 1:
        return program.emit(_outer, left, right), (rows, columns)
    if len(other) == 1:
        return program.emit(_row_by_vector if is_row(shape) else operator.matmul, left, right), () if rows == 1 else (
            rows,
        )
    return program.emit(operator.matmul, left, right), (rows, columns)


def chain(program: Program, factors: list[tuple[int, Shape]]) -> tuple[int, Shape]:
    """Append a chain of products, in the order that costs least when all named sizes are equal."""
    if len(factors) <= 2 or len(factors) > 24:
        while len(factors) > 1:
            factors = [*factors[:-2], multiply(program, *factors[-2:])]
        return factors[0]
    sizes = [_nominal(_axes(s)[0]) for _, s in factors] + [_nominal(_axes(factors[-1][1])[1])]
    return _multiply_split(program, factors, _splits(sizes), 0, len(factors) - 1)


def _nominal(dim: Dim) -> int:
    return dim if isinstance(dim, int) else 100


def _splits(sizes: list[int]) -> dict[tuple[int, int], int]:
    count = len(sizes) - 1
    cost = {(i, i): 0 for i in range(count)}
    split: dict[tuple[int, int], int] = {}
    for width in range(1, count):
        for i in range(count - width):
            j = i + width
            cost[i, j], split[i, j] = min(
                (cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j)
            )
    return split


def _multiply_split(
    program: Program, factors: list[tuple[int, Shape]], split: dict[tuple[int, int], int], i: int, j: int
) -> tuple[int, Shape]:
    if i == j:
        return factors[i]
    k = split[i, j]
    return multiply(
        program, _multiply_split(program, factors, split, i, k), _multiply_split(program, factors, split, k + 1, j)
    )
