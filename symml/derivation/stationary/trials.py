"""Answers substituted back at random points that respect the declarations, and second-order tests there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, permutations
from typing import Any

import numpy as np
import scipy  # scipy.linalg is loaded by scipy itself when it is first used
import sympy as sp

from symml.calculus.nodes import Apply, Node, walk
from symml.checking.sampling import choose_sizes, draw
from symml.codegen.evaluate import prepare
from symml.derivation.stationary.linear_systems import Numbers, directions
from symml.errors import UNDEFINED, DataError, DomainError
from symml.forms.raising import Raising
from symml.language.expressions import Expression, Symbol
from symml.language.operators import symbol
from symml.language.tables import symbol_table
from symml.records import Counterexample, Verdict, verdict

TRIES = 40
POINTS = 3
TOLERANCE = 1e-7
CONDITION = 1e8
STEP = 1e-5
FAILURES = (*UNDEFINED, DataError, DomainError)


@dataclass(frozen=True)
class Trial:
    """One random point: all values, the solution included, and whether the solution keeps its declaration."""

    values: Mapping[str, Any]
    sizes: Mapping[str, int]
    feasible: bool
    residual: float
    symmetric: bool = True


@dataclass(frozen=True)
class Trials:
    """The outcome of substituting an answer back."""

    verdict: Verdict
    points: tuple[Trial, ...]

    @property
    def feasible(self) -> list[Trial]:
        """Points at which the solution keeps its declaration."""
        return [t for t in self.points if t.feasible]


def substitute_back(
    answer: Sequence[tuple[Any, Expression | Numbers]],
    equations: Sequence[Node],
    symbols: Mapping[str, Any],
    inverted: Sequence[Expression] = (),
    seed: int = 0,
) -> Trials:
    """Return whether all equations vanish at the answer, at random data of full rank.

    Parameters
    ----------
    answer : sequence of (variable, Expression or Numbers)
        Values of the variables, in data and the variables before.
    equations : sequence of Node
        What must be zero.
    symbols : mapping
        Declared symbols by name, for the sampler.
    inverted : sequence of Expression
        Matrices whose inverse is taken: points at which they are nearly singular are drawn again.
    """
    plain = [Raising(False).run(e) for e in equations]
    inner = list(
        dict.fromkeys(n.children[0] for e in equations for n in walk(e) if isinstance(n, Apply) and n.op == "inv")
    )
    regular = [Raising(False).run(n) for n in inner]
    own = {v.name for v, _ in answer}
    table: dict[str, Any] = {}
    for e in (*plain, *(e for _, e in answer), *inverted):
        table.update(e.table if isinstance(e, Numbers) else symbol_table(e))
    table = {k: symbols.get(k, s) for k, s in table.items() if k not in own}
    for tables in (table, _stronger(table), _positive(table)):
        found = _run(answer, plain, tables, (inverted, regular), seed)
        if found.feasible or found.verdict == "wrong":
            break
    return found


def _stronger(table: Mapping[str, Any]) -> dict[str, Any]:
    """Square data drawn positive definite, so that a definite solution exists."""
    return {
        k: symbol(k, s.shape, s.properties | {"spd"}) if isinstance(s, Symbol) and _square(s) else s
        for k, s in table.items()
    }


def _positive(table: Mapping[str, Any]) -> dict[str, Any]:
    """Data of no declared sign drawn positive, so that roots of them exist."""
    return {k: symbol(k, getattr(s, "shape", ()), ["positive"]) if _unsigned(s) else s for k, s in table.items()}


def _unsigned(s: Any) -> bool:
    if isinstance(s, Symbol):
        return not s.facts and s.domain is None
    return isinstance(s, sp.Symbol) and s.is_positive is None and getattr(s, "domain", None) is None


def _square(s: Symbol) -> bool:
    return len(s.shape) == 2 and s.shape[0] == s.shape[1] and s.facts <= {"symmetric", "psd", "invertible"}


def _run(
    answer: Sequence[tuple[Any, Expression | Numbers]],
    equations: Sequence[Expression],
    table: Mapping[str, Any],
    inverted: tuple[Sequence[Expression], Sequence[Expression]],
    seed: int,
) -> Trials:
    rng = np.random.default_rng(seed)
    rows = [prepare(e) for e in equations]
    values_of = [(v, _regular(e) if isinstance(e, Numbers) else prepare(e)) for v, e in answer]
    before, after = ([prepare(m) for m in matrices] for matrices in inverted)
    points: list[Trial] = []
    reason = "no random point was found at which the solution is finite"
    for attempt in range(TRIES):
        try:
            with np.errstate(all="ignore"):
                values, sizes = _draw(table, rng, attempt)
                if _singular(before, values, sizes):
                    reason = "a matrix that is inverted is singular at every random point drawn"
                    continue
                trial = _trial(values_of, rows, values, sizes)
                if trial is not None and _singular(after, trial.values, sizes):
                    continue
        except FAILURES:
            continue
        if trial is None:
            continue
        points.append(trial)
        if trial.residual > TOLERANCE:
            example = Counterexample(trial.values, trial.residual, 0.0, trial.residual, seed)
            return Trials(verdict("wrong", counterexample=example), tuple(points))
        if sum(t.feasible for t in points) == POINTS:
            break
    if not points:
        return Trials(verdict("unchecked", reason=reason), ())
    worst = max(t.residual for t in points)
    text = f"substituted back at {len(points)} random points: the gradient is zero to {worst:.0e}"
    return Trials(verdict("holds", certificate=text), tuple(points))


def _regular(numbers: Numbers) -> Any:
    """The value of a linear system that is far from singular."""

    def value(values: Mapping[str, Any], sizes: Mapping[str, int]) -> Any:
        found, condition = numbers.solve(values, sizes)
        if not condition < CONDITION:
            raise np.linalg.LinAlgError("the linear system is nearly singular")
        return found

    return value


def _singular(matrices: Sequence[Any], values: Mapping[str, Any], sizes: Mapping[str, int]) -> bool:
    return any(np.linalg.cond(m(values, sizes)) > CONDITION for m in matrices)


def _draw(table: Mapping[str, Any], rng: np.random.Generator, attempt: int) -> tuple[dict[str, Any], dict[str, int]]:
    sizes = choose_sizes(table.values(), {})
    orders = list(islice(permutations(sizes.values()), 24))
    if attempt:  # other orders of the sizes: a matrix may need to be wide, not tall
        chosen = orders[-1] if attempt == 1 else orders[attempt % len(orders)]
        sizes = dict(zip(sizes, chosen, strict=True))
    if attempt % 3 == 2:  # one size above the sum of the others: residuals of n rows need n >= p + q
        longest = sorted(sizes)[attempt // 3 % len(sizes)] if sizes else ""
        sizes = {k: sum(sizes.values()) if k == longest else size for k, size in sizes.items()}
    return draw(table, rng, sizes)


def _trial(
    answer: Sequence[tuple[Any, Any]], rows: Sequence[Any], values: dict[str, Any], sizes: dict[str, int]
) -> Trial | None:
    full = dict(values)
    feasible = symmetric = True
    for v, value in answer:
        found = np.asarray(value(full, sizes), float)
        if not np.all(np.isfinite(found)):
            return None
        full[v.name] = found if found.shape else float(found)
        feasible = feasible and keeps(v, found)
        symmetric = symmetric and _keeps_symmetry(v, found)
    nearby = {v.name: _moved(full[v.name], v) for v, _ in answer}
    worst = 0.0
    for row in rows:
        here = np.asarray(row(full, sizes), float)
        there = np.asarray(row({**full, **nearby}, sizes), float)
        if not np.all(np.isfinite(here)):
            return None
        scale = max(float(np.max(np.abs(there), initial=0.0)) if np.all(np.isfinite(there)) else 0.0, 1e-6)
        worst = max(worst, float(np.max(np.abs(here), initial=0.0)) / scale)
    return Trial(full, sizes, feasible, worst, symmetric)


def _moved(value: Any, v: Any) -> Any:
    """Another point of about the same size in the same domain, to set the scale of a residual."""
    array = 1.3 * np.asarray(value, float)
    tied = isinstance(v, Symbol) and v.facts & {"spd", "psd", "positive", "nonnegative", "negative"}
    if not tied and not (isinstance(v, sp.Symbol) and (v.is_positive or getattr(v, "domain", None) is not None)):
        array = array + 0.1
    return array if array.shape else float(array)


def keeps(v: Any, value: Any) -> bool:
    """Whether a value respects the declaration of its variable."""
    array = np.asarray(value, float)
    size = float(np.max(np.abs(array), initial=1e-12))
    facts = (
        v.facts
        if isinstance(v, Symbol)
        else frozenset(w for w in ("positive", "nonnegative", "negative") if getattr(v, f"is_{w}", None) is True)
    )
    if not _keeps_symmetry(v, array):
        return False
    if "spd" in facts and np.linalg.eigvalsh((array + array.T) / 2)[0] <= 1e-10 * size:
        return False
    signs = {"positive": array > 0, "nonnegative": array >= 0, "negative": array < 0}
    if any(w in facts and not np.all(ok) for w, ok in signs.items() if w in facts and "spd" not in facts):
        return False
    domain = getattr(v, "domain", None)
    if domain is None:
        return True
    low = domain.low is None or np.all(array > float(domain.low) if domain.low_open else array >= float(domain.low))
    high = domain.high is None or np.all(
        array < float(domain.high) if domain.high_open else array <= float(domain.high)
    )
    return bool(low and high)


def _keeps_symmetry(v: Any, array: Any) -> bool:
    if not (isinstance(v, Symbol) and "symmetric" in v.facts):
        return True
    return bool(np.max(np.abs(array - array.T), initial=0.0) <= 1e-8 * np.max(np.abs(array), initial=1e-12))


# -- second order -------------------------------------------------------------------------------------------------
def second_order(
    variables: Sequence[Any], gradients: Sequence[Node], points: Sequence[Trial], constraints: Sequence[Node] = ()
) -> str:
    """Return "minimum", "maximum", "saddle point" or "" from the eigenvalues of the Hessian at the points.

    With constraints, of the Hessian on the directions along which these stay zero.
    """
    rows = [prepare(Raising(False).run(g)) for g in gradients]
    tied = [prepare(Raising(False).run(c)) for c in constraints]
    kinds = set()
    for trial in points:
        try:
            with np.errstate(all="ignore"):
                hessian = hessian_at(variables, rows, trial)
                if tied:
                    free = scipy.linalg.null_space(_differences(variables, tied, trial))
                    hessian = free.T @ hessian @ free
                kinds.add(_sign(hessian) if hessian.size else "")
        except FAILURES:
            continue
    return kinds.pop() if len(kinds) == 1 else ""


def _sign(hessian: Any) -> str:
    eigenvalues = np.linalg.eigvalsh((hessian + hessian.T) / 2)
    zero = 1e-6 * max(abs(eigenvalues[0]), abs(eigenvalues[-1]))
    if np.any(np.abs(eigenvalues) <= zero):
        return ""
    return "minimum" if eigenvalues[0] > 0 else "maximum" if eigenvalues[-1] < 0 else "saddle point"


def hessian_at(variables: Sequence[Any], rows: Sequence[Any], trial: Trial) -> Any:
    """Return the Hessian at a point by differences of the gradient along a basis; symmetric variables move so."""
    basis = [(v, e) for v in variables for e in _basis(v, np.asarray(trial.values[v.name], float))]

    def gradient(values: Mapping[str, Any]) -> Any:
        parts = {v.name: np.asarray(r(values, trial.sizes), float) for v, r in zip(variables, rows, strict=True)}
        return np.array([float(np.sum(parts[v.name] * e)) for v, e in basis])

    columns = []
    for v, e in basis:
        x = np.asarray(trial.values[v.name], float)
        h = STEP * max(float(np.max(np.abs(x), initial=0.0)), 1e-3)
        high, low = (gradient({**trial.values, v.name: _number(x + s * h * e)}) for s in (1, -1))
        columns.append((high - low) / (2 * h))
    return np.array(columns).T


def _differences(variables: Sequence[Any], rows: Sequence[Any], trial: Trial) -> Any:
    """Jacobian of the constraints by differences along the basis."""
    columns = []
    for v in variables:
        x = np.asarray(trial.values[v.name], float)
        h = STEP * max(float(np.max(np.abs(x), initial=0.0)), 1e-3)
        for e in _basis(v, x):
            high, low = (
                np.concatenate(
                    [np.ravel(r({**trial.values, v.name: _number(x + s * h * e)}, trial.sizes)) for r in rows]
                )
                for s in (1, -1)
            )
            columns.append((high - low) / (2 * h))
    return np.array(columns).T


def _number(x: Any) -> Any:
    return x if x.shape else float(x)


def _basis(v: Any, x: Any) -> list[Any]:
    return list(directions(x.shape, isinstance(v, Symbol) and "symmetric" in v.facts))
