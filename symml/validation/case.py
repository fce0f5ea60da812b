"""What a diagnosis works on, and the numbers it reads off: ratios, and coefficients of terms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp

from symml.language.expressions import Expression, Symbol
from symml.language.symbols import is_dimension
from symml.validation.points import Compiled, Point, finite, points, size_choices

NEAR = 1e-7
LARGEST_DENOMINATOR = 60
POWERS = tuple(Fraction(q) for q in (1, -1, 2, -2, "1/2", "-1/2", 3, -3))  # of a scalar symbol


@dataclass(frozen=True)
class Case:
    """A wrong equation: the truth, the claim (None if its shapes do not fit), its text, and how text is read.

    Attributes
    ----------
    truth : Expression
    claim : Expression or None
    text : str
    read : callable
        Text to an expression; raises SymmlError.
    symbols : mapping
        All symbols by name.
    derived : str
        What the truth is when it was derived, such as ``gradient``; empty for a chain of lines.
    known : frozenset of str
        Names that are declared or defined, for the syntax of the text.
    """

    truth: Expression
    claim: Expression | None
    text: str
    read: Callable[[str], Expression]
    symbols: Mapping[str, Any]
    derived: str = ""
    known: frozenset[str] = frozenset()
    seed: int = 0

    @cached_property
    def compiled(self) -> Compiled:
        """The truth, prepared."""
        return Compiled(self.truth)

    @cached_property
    def groups(self) -> list[list[Point]]:
        """Points at which the truth is finite: several at each choice of sizes."""
        return [self.draws(sizes, 3) for sizes in size_choices(self.symbols)]

    @property
    def points(self) -> tuple[Point, ...]:
        """All points of all sizes."""
        return tuple(p for group in self.groups for p in group)

    def draws(self, sizes: Mapping[str, int], count: int) -> list[Point]:
        """Return points of one choice of sizes at which truth and claim are finite."""
        rng = np.random.default_rng(self.seed + 1)
        sides = [self.compiled, *([Compiled(self.claim)] if self.claim is not None else [])]
        found = []
        for at in points(self.symbols, rng, sizes):
            if all(finite(s.value(at)) for s in sides):
                found.append(at)
            if len(found) == count:
                break
        return found

    @property
    def dimensions(self) -> list[str]:
        """Names of the dimensions."""
        found = {
            d.name for s in self.symbols.values() if isinstance(s, Symbol) for d in s.shape if isinstance(d, sp.Symbol)
        }
        return sorted(found | {n for n, s in self.symbols.items() if isinstance(s, sp.Symbol) and is_dimension(s)})

    @property
    def scalars(self) -> list[str]:
        """Names of the scalar symbols that are not dimensions."""
        return sorted(n for n, s in self.symbols.items() if isinstance(s, sp.Symbol) and not is_dimension(s))


@dataclass(frozen=True)
class Ratio:
    """A number read off: a rational, times a power of a dimension or of a scalar symbol (or n/(n−1) and the like).

    Attributes
    ----------
    number : Fraction
    symbol : str
        Empty for a plain number.
    power : Fraction
    expression : sympy.Expr
    """

    number: Fraction
    symbol: str = ""
    power: Fraction = Fraction(0)
    expression: Any = None

    @property
    def plain(self) -> bool:
        """Whether it is a number."""
        return not self.symbol

    def __str__(self) -> str:
        return str(self.expression) if self.symbol else str(self.number)


def rational(value: float) -> Fraction | None:
    """Return the simple fraction a number is close to, or None."""
    for largest, near in ((LARGEST_DENOMINATOR, NEAR), (10_000, 1e-11)):
        found = Fraction(value).limit_denominator(largest)
        if abs(float(found) - value) <= near * max(1.0, abs(value)):
            return found
    return None


def ratio_of(
    values: Sequence[float], at: Sequence[Point], dimensions: Sequence[str], scalars: Sequence[str] = ()
) -> Ratio | None:
    """Return what numbers observed at points have in common: a constant, or one that tracks a dimension or a scalar."""
    found = _constant(values)
    if found is not None:
        return Ratio(found)
    for name in dimensions:
        n = np.array([p.sizes[name] for p in at], float)
        if len(set(n)) > 1:
            shapes = [(n**q, sp.Symbol(name) ** q, q) for q in (-1, 1, -2, 2)]
            shapes += [
                ((n - 1) / n, (sp.Symbol(name) - 1) / sp.Symbol(name), 0),
                (n / (n - 1), sp.Symbol(name) / (sp.Symbol(name) - 1), 0),
            ]
            for numbers, expression, order in shapes:
                constant = _constant([v / m for v, m in zip(values, numbers, strict=True)])
                if constant is not None:
                    return Ratio(constant, name, Fraction(order), _exact(constant) * expression)
    for name in scalars:
        s = np.array([float(p.values[name]) for p in at])
        for q in POWERS:
            with np.errstate(all="ignore"):
                constant = _constant([float(v / m) for v, m in zip(values, s ** float(q), strict=True)])
            if constant is not None:
                factor = sp.Symbol(name) ** sp.Rational(q.numerator, q.denominator)
                return Ratio(constant, name, q, _exact(constant) * factor)
    return None


def _exact(number: Fraction) -> sp.Rational:
    return sp.Rational(number.numerator, number.denominator)


def _constant(values: Sequence[float]) -> Fraction | None:
    if (
        not values
        or not np.all(np.isfinite(values))
        or np.ptp(values) > NEAR * max(1e-2, float(np.max(np.abs(values))))
    ):
        return None
    return rational(float(np.mean(values)))


def whole_ratio(case: Case) -> Ratio | None:
    """Return the claim over the truth if it is the same number in every entry, at every point, of every size."""
    assert case.claim is not None
    claim = Compiled(case.claim)
    values, used = [], []
    for at in case.points:
        x, y = np.ravel(claim.value(at)), np.ravel(case.compiled.value(at))
        size = float(y @ y)
        if size == 0:
            return None
        r = float(x @ y) / size
        if np.max(np.abs(x - r * y)) > NEAR * max(np.max(np.abs(x)), np.max(np.abs(r * y)), 1e-300):
            return None
        values.append(r)
        used.append(at)
    return ratio_of(values, used, case.dimensions, case.scalars) if len(values) >= 4 else None


def coefficients(case: Case, terms: Sequence[Expression]) -> list[Ratio] | None:
    """Return the coefficient of each term of the truth in the claim, if the claim is a combination of them."""
    assert case.claim is not None
    claim, basis = Compiled(case.claim), [Compiled(t) for t in terms]
    rows, used = [], []
    for sizes in size_choices(case.symbols):
        at = case.draws(sizes, 2 * len(terms) + 2)
        found = _fit(claim, basis, at) if at else None
        if found is None:
            return None
        rows.append(found)
        used.append(at[0])
    ratios = [ratio_of([float(row[k]) for row in rows], used, case.dimensions) for k in range(len(terms))]
    return None if any(r is None for r in ratios) else [r for r in ratios if r is not None]


def _fit(claim: Compiled, basis: Sequence[Compiled], at: Sequence[Point]) -> Any:
    """Least squares of the claim on the terms at points of one size; None if it does not fit or is not determined."""
    target = np.concatenate([np.ravel(claim.value(p)) for p in at])
    columns = []
    for b in basis:
        values = [b.value(p) for p in at]
        if not all(finite(v) for v in values):
            return None
        columns.append(
            np.concatenate(
                [np.ravel(np.broadcast_to(v, claim.value(p).shape)) for v, p in zip(values, at, strict=True)]
            )
        )
    matrix = np.stack(columns, axis=1)
    scale = np.linalg.norm(matrix, axis=0)
    if len(target) < len(basis) + 1 or not np.all(scale > 0):
        return None
    solution, _, rank, singular = np.linalg.lstsq(matrix / scale, target, rcond=None)
    if rank < len(basis) or singular[-1] < 1e-6 * singular[0]:
        return None
    found = solution / scale
    error = np.max(np.abs(matrix @ found - target))
    return found if error <= 1e-8 * max(np.max(np.abs(target)), np.max(np.abs(matrix * found)), 1e-300) else None
