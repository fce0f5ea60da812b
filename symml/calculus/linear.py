"""Linear primitives that work on the last axes of an array, and what their transposes are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from symml.calculus.nodes import Node
from symml.calculus.rewriting import Build, transposed


def _same(build: Build, args: tuple[Node, ...]) -> tuple[Node, ...]:
    return args


def _transposed(build: Build, args: tuple[Node, ...]) -> tuple[Node, ...]:
    (a,) = args
    return (transposed(build, a),)


@dataclass(frozen=True)
class Linear:
    """A linear primitive: axes it takes and gives, its transpose, and other arguments of that (frechet: Aᵀ)."""

    op: str
    takes: int
    gives: int
    transpose: str
    others: Callable[[Build, tuple[Node, ...]], tuple[Node, ...]] = _same

    def shape(self, x: Node) -> tuple[Any, ...]:
        """Shape of the result."""
        lead = x.shape[: len(x.shape) - self.takes]
        return (*lead, *(x.shape[-1:] * self.gives))


LINEAR = {
    "toeplitz": Linear("toeplitz", 1, 2, "diagsums"),
    "diagsums": Linear("diagsums", 2, 1, "toeplitz"),
    "frechet": Linear("frechet", 2, 2, "frechet", _transposed),
}


def runs_along(op: str, args: tuple[Node, ...]) -> bool:
    """Whether a linear primitive has axes before those it works on."""
    return op in LINEAR and len(args[-1].shape) > LINEAR[op].takes
