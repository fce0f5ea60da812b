"""Properties of symbols: what each word means, where it applies and what it implies.

One row a word. Declarations read the words, samplers and simplification read the implications.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import sympy as sp


@dataclass(frozen=True)
class Domain:
    """Entrywise range of a symbol: an interval or a finite set of values."""

    low: Any = None
    high: Any = None
    low_open: bool = True
    high_open: bool = True
    values: tuple[Any, ...] = ()

    def __str__(self) -> str:
        if self.values:
            return "in {" + ",".join(str(v) for v in self.values) + "}"
        if self.low is not None and self.high is not None:
            return f"in {'(' if self.low_open else '['}{self.low},{self.high}{')' if self.high_open else ']'}"
        if self.low is not None:
            return f"{'>' if self.low_open else '>='} {self.low}"
        return f"{'<' if self.high_open else '<='} {self.high}" if self.high is not None else "in R"

    @property
    def positive(self) -> bool:
        """Whether every value is above zero."""
        if self.values:
            return all(v > 0 for v in self.values)
        return self.low is not None and bool(self.low > 0 or (self.low == 0 and self.low_open))

    @property
    def nonnegative(self) -> bool:
        """Whether every value is at least zero."""
        if self.values:
            return all(v >= 0 for v in self.values)
        return self.low is not None and bool(self.low >= 0)

    @property
    def negative(self) -> bool:
        """Whether every value is below zero."""
        return self.high is not None and bool(self.high < 0 or (self.high == 0 and self.high_open))


@dataclass(frozen=True)
class Property:
    """One property word: `on` is scalar, vector, square, matrix, or any of them ("any", "array")."""

    name: str
    on: str
    implies: tuple[str, ...] = ()
    meaning: str = ""


PROPERTIES = (
    Property("symmetric", "square", (), "S = S'"),
    Property("spd", "square", ("symmetric", "psd", "invertible"), "symmetric, x'S x > 0 for x != 0"),
    Property("psd", "square", ("symmetric",), "symmetric, x'S x >= 0"),
    Property("invertible", "square", (), "det != 0"),
    Property("diagonal", "square", ("symmetric", "lower triangular", "upper triangular"), "zero off the diagonal"),
    Property("orthogonal", "square", ("invertible", "orthonormal columns"), "Q'Q = QQ' = I"),
    Property("idempotent", "square", (), "P P = P"),
    Property("identity", "square", ("diagonal", "spd", "orthogonal", "idempotent"), "the identity"),
    Property("orthonormal columns", "matrix", ("full column rank",), "Q'Q = I"),
    Property("full column rank", "matrix", (), "X'X invertible"),
    Property("full row rank", "matrix", (), "XX' invertible"),
    Property("lower triangular", "square", (), "zero above the diagonal"),
    Property("upper triangular", "square", (), "zero below the diagonal"),
    Property("positive", "any", ("nonnegative", "nonzero"), "every entry > 0"),
    Property("nonnegative", "any", (), "every entry >= 0"),
    Property("negative", "any", ("nonzero",), "every entry < 0"),
    Property("nonzero", "any", (), "every entry != 0"),
    Property("integer", "any", (), "every entry an integer"),
    Property("simplex", "array", ("nonnegative", "sums to one"), "entries >= 0 that sum to 1"),
    Property("mask", "array", ("nonnegative", "integer"), "every entry 0 or 1"),
    Property("labels", "array", ("integer",), "class labels"),
    Property("random", "any", (), "a random variable"),
    Property("given", "any", (), "a covariate, conditioned on"),
    Property("iid", "any", ("random",), "independent, identically distributed"),
    Property("centred", "array", (), "columns have mean zero"),
    Property("function", "any", (), "a function"),
    Property("one-hot rows", "matrix", ("mask", "rows sum to one", "nonnegative", "integer"), "one 1 in each row"),
    Property("unit norm", "array", (), "Euclidean norm 1"),
    Property("rows sum to one", "matrix", (), "each row sums to 1"),
    Property("contains intercept", "matrix", (), "one column is constant"),
    Property("dimension", "scalar", ("positive", "nonnegative", "nonzero", "integer"), "a size"),
)
BY_NAME = {row.name: row for row in PROPERTIES}


@cache
def closure(words: frozenset[str]) -> frozenset[str]:
    """Return the words and everything they imply."""
    found, waiting = set(words), list(words)
    while waiting:
        row = BY_NAME.get(waiting.pop())
        for word in row.implies if row else ():
            if word not in found:
                found.add(word)
                waiting.append(word)
    return frozenset(found)


def domain_facts(domain: Domain | None) -> frozenset[str]:
    """Property words that follow from an entrywise range."""
    if domain is None:
        return frozenset()
    facts = set()
    if domain.positive:
        facts |= {"positive", "nonnegative", "nonzero"}
    if domain.nonnegative:
        facts.add("nonnegative")
    if domain.negative:
        facts |= {"negative", "nonzero"}
    if domain.values:
        if all(sp.sympify(v).is_integer for v in domain.values):
            facts.add("integer")
        if set(domain.values) == {-1, 1}:
            facts |= {"sign", "nonzero"}
        if set(domain.values) == {0, 1}:
            facts.add("mask")
    return frozenset(facts)
