"""Arrays of exact entries: free ones to differentiate by, declared ones, and rational values of both.

One row of `_BUILDERS` for each property that ties entries to each other.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import sympy as sp

from symml.checking.sampling import SUPPORTS
from symml.checking.vanishing import Facts
from symml.errors import NotSupportedError
from symml.language.expressions import Symbol
from symml.language.properties import Domain

Values = Callable[[Random], dict[Any, Any]]
ASSUMED = ("positive", "nonnegative", "negative", "nonzero")


@dataclass(frozen=True)
class Entries:
    """A matrix whose entries satisfy a declaration, in terms of parameters.

    `values` draws rational parameters; `facts` is what is known of them; `complete` is False where the parameters do
    not reach every array the declaration allows.
    """

    matrix: Any
    values: Values
    facts: Facts = field(default_factory=Facts)
    complete: bool = True


def free_entries(s: Symbol, rows: int, columns: int) -> Any:
    """Return the matrix of entries of a symbol, none tied to another; only signs are kept."""
    assumed = {word: True for word in ASSUMED if word in s.facts}
    return sp.Matrix(rows, columns, lambda i, j: _entry(s, i, j, assumed))


def _entry(s: Symbol, i: int, j: int, assumed: Mapping[str, bool]) -> Any:
    name = f"{s.name}_{i}" if len(s.shape) == 1 else f"{s.name}_{i}_{j}"
    return sp.Symbol(name, real=True, **assumed)


def declared_entries(s: Symbol, rows: int, columns: int) -> Entries:
    """Return the matrix of entries with everything its declaration says."""
    facts = s.facts | {SUPPORTS.get(w[2:].split("(")[0], "") for w in s.properties if w.startswith("~")}
    for word, build in _BUILDERS.items():
        if word in facts and (len(s.shape) == 2 or word in _ANY_ARRAY):
            return build(s, free_entries(s, rows, columns), facts)
    return _loose(s, free_entries(s, rows, columns), facts)


def scalar_values(s: Any) -> Values:
    """Return the sampler of a declared scalar."""
    facts = frozenset(w for w in (*ASSUMED, "integer") if getattr(s, f"is_{w}"))
    facts |= {"negative"} if s.is_nonpositive else frozenset()
    return lambda rng: {s: number(rng, facts, getattr(s, "domain", None))}


def scalar_facts(s: Any) -> Facts:
    """Return the relation a scalar with finitely many values satisfies."""
    domain = getattr(s, "domain", None)
    return Facts({s: tuple(domain.values)}) if domain is not None and domain.values else Facts()


def number(rng: Random, facts: frozenset[str] | set[str], domain: Domain | None) -> Any:
    """Return a rational number within a range."""
    if domain is not None and domain.values:
        return sp.sympify(rng.choice(domain.values))
    if "mask" in facts:
        return sp.Integer(rng.randint(0, 1))
    if "unit" in facts:
        return sp.Rational(rng.randint(1, 16), 17)
    size = sp.Rational(rng.randint(2, 18), rng.choice((7, 11)))
    if facts & {"counts", "integer"}:
        size = sp.Integer(rng.randint(1, 4))
    if domain is not None and domain.low is not None and domain.high is not None:
        low, high = sp.nsimplify(domain.low), sp.nsimplify(domain.high)
        return low + (high - low) * sp.Rational(rng.randint(1, 16), 17)
    if domain is not None and domain.low is not None:
        return sp.nsimplify(domain.low) + size
    if domain is not None and domain.high is not None:
        return sp.nsimplify(domain.high) - size
    if facts & {"positive", "nonnegative"}:
        return size
    return -size if "negative" in facts or rng.random() < 0.5 else size


# -- builders -----------------------------------------------------------------------------------------------------
def _drawn(parameters: list[Any], facts: frozenset[str], domain: Domain | None = None) -> Values:
    return lambda rng: {p: number(rng, facts, domain) for p in parameters}


def _loose(s: Symbol, free: Any, facts: frozenset[str]) -> Entries:
    return Entries(free, _drawn(list(free), facts, s.domain), _finite(s, list(free), facts))


def _finite(s: Symbol, parameters: list[Any], facts: frozenset[str]) -> Facts:
    values = tuple(s.domain.values) if s.domain is not None and s.domain.values else (0, 1) if "mask" in facts else ()
    return Facts(dict.fromkeys(parameters, values)) if values else Facts()


def _identity(s: Symbol, free: Any, facts: frozenset[str]) -> Entries:
    return Entries(sp.eye(free.rows), lambda rng: {})


def _diagonal(s: Symbol, free: Any, facts: frozenset[str]) -> Entries:
    parameters = [free[i, i] for i in range(free.rows)]
    values = (-1, 1) if "orthogonal" in facts else (0, 1) if "idempotent" in facts else ()
    domain = Domain(values=values) if values else s.domain
    known = Facts(dict.fromkeys(parameters, values)) if values else _finite(s, parameters, facts)
    positive = facts | {"positive"} if "psd" in facts else facts
    return Entries(sp.diag(*parameters), _drawn(parameters, frozenset(positive), domain), known)


def _idempotent(s: Symbol, free: Any, facts: frozenset[str]) -> Entries:
    u = free[:, 0]
    v = u if "symmetric" in facts else sp.Matrix([sp.Symbol(f"{s.name}_v{i}", real=True) for i in range(free.rows)])
    matrix = u * v.T / (v.T * u)[0, 0]
    return Entries(matrix, _drawn([*u, *v], frozenset({"positive"})), complete=False)


def _orthogonal(s: Symbol, free: Any, facts: frozenset[str]) -> Entries:
    rows, columns = free.shape
    if "symmetric" in facts:  # a reflection
        u = free[:, 0]
        return Entries(
            sp.eye(rows) - 2 * u * u.T / (u.T * u)[0, 0], _drawn(list(u), frozenset({"positive"})), complete=False
        )
    if rows > 3:
        raise NotSupportedError(f"{s.name} is orthonormal of {rows} rows, more than entries are written out for")
    skew = sp.zeros(rows, rows)
    for i, j in itertools.combinations(range(rows), 2):
        skew[i, j], skew[j, i] = free[i, j % columns], -free[i, j % columns]
    parameters = [skew[i, j] for i, j in itertools.combinations(range(rows), 2)]
    if len(set(parameters)) < len(parameters):
        parameters = [sp.Symbol(f"{s.name}_t{k}", real=True) for k in range(len(parameters))]
        for (i, j), t in zip(itertools.combinations(range(rows), 2), parameters, strict=True):
            skew[i, j], skew[j, i] = t, -t
    whole = sp.eye(rows) + skew
    turned = (sp.eye(rows) - skew) * whole.adjugate() / whole.det(method="berkowitz")  # Cayley: all but a null set
    sign = sp.Symbol(f"{s.name}_sign", real=True)
    turned[:, 0] = sign * turned[:, 0]
    draw = _drawn(parameters, frozenset())
    values = lambda rng: {**draw(rng), sign: sp.Integer(rng.choice((-1, 1)))}  # noqa: E731
    return Entries(turned[:, :columns], values, Facts({sign: (-1, 1)}))


def _symmetric(s: Symbol, free: Any, facts: frozenset[str]) -> Entries:
    matrix = sp.Matrix(*free.shape, lambda i, j: free[min(i, j), max(i, j)])
    upper = [free[i, j] for i in range(free.rows) for j in range(i, free.rows)]
    plain = _drawn(upper, facts, s.domain)
    known = _finite(s, upper, facts)
    if "psd" not in facts:
        return Entries(matrix, plain, known)

    def definite(rng: Random) -> dict[Any, Any]:
        found = plain(rng)
        for i in range(free.rows):  # diagonally dominant
            found[free[i, i]] = (
                1
                + abs(found[free[i, i]])
                + sum(abs(found[free[min(i, j), max(i, j)]]) for j in range(free.rows) if j != i)
            )
        return found

    return Entries(matrix, definite, known)


def _triangular(s: Symbol, free: Any, facts: frozenset[str]) -> Entries:
    lower = "lower triangular" in facts
    kept = [(i, j) for i in range(free.rows) for j in range(free.rows) if (j <= i if lower else j >= i)]
    matrix = sp.Matrix(*free.shape, lambda i, j: free[i, j] if (i, j) in kept else 0)
    return Entries(matrix, _drawn([free[p] for p in kept], facts, s.domain))


def _one_hot(s: Symbol, free: Any, facts: frozenset[str]) -> Entries:
    rows, columns = free.shape
    matrix = sp.Matrix(rows, columns, lambda i, j: free[i, j] if j < columns - 1 else 1 - sum(free[i, : columns - 1]))
    parameters = [free[i, j] for i in range(rows) for j in range(columns - 1)]
    pairs = tuple(
        frozenset((free[i, a], free[i, b]))
        for i in range(rows)
        for a, b in itertools.combinations(range(columns - 1), 2)
    )

    def values(rng: Random) -> dict[Any, Any]:
        hot = [rng.randrange(columns) for _ in range(rows)]
        return {free[i, j]: sp.Integer(hot[i] == j) for i in range(rows) for j in range(columns - 1)}

    return Entries(matrix, values, Facts(dict.fromkeys(parameters, (0, 1)), pairs))


def _rows_sum(s: Symbol, free: Any, facts: frozenset[str]) -> Entries:
    rows, columns = free.shape
    matrix = sp.Matrix(rows, columns, lambda i, j: free[i, j] if j < columns - 1 else 1 - sum(free[i, : columns - 1]))

    def values(rng: Random) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for i in range(rows):
            weights = [rng.randint(1, 9) for _ in range(columns)]
            found |= {free[i, j]: sp.Rational(weights[j], sum(weights)) for j in range(columns - 1)}
        return found

    return Entries(matrix, values)


def _simplex(s: Symbol, free: Any, facts: frozenset[str]) -> Entries:
    cells = list(free)
    matrix = sp.Matrix(*free.shape, [*cells[:-1], 1 - sum(cells[:-1])])

    def values(rng: Random) -> dict[Any, Any]:
        weights = [rng.randint(1, 9) for _ in cells]
        return {c: sp.Rational(w, sum(weights)) for c, w in zip(cells[:-1], weights, strict=False)}

    return Entries(matrix, values)


def _unit(s: Symbol, free: Any, facts: frozenset[str]) -> Entries:
    cells = list(free)
    square = sum(c**2 for c in cells[:-1])
    matrix = sp.Matrix(*free.shape, [*(2 * c / (1 + square) for c in cells[:-1]), (1 - square) / (1 + square)])
    return Entries(matrix, _drawn(cells[:-1], facts))


def _centred(s: Symbol, free: Any, facts: frozenset[str]) -> Entries:
    rows, columns = free.shape
    matrix = sp.Matrix(rows, columns, lambda i, j: free[i, j] if i < rows - 1 else -sum(free[: rows - 1, j]))
    return Entries(matrix, _drawn(list(free[: rows - 1, :]), facts))


def _intercept(s: Symbol, free: Any, facts: frozenset[str]) -> Entries:
    matrix = sp.Matrix(*free.shape, lambda i, j: 1 if j == 0 else free[i, j])
    return Entries(matrix, _drawn(list(free[:, 1:]), facts, s.domain))


_ANY_ARRAY = frozenset({"simplex", "unit norm", "centred"})
_BUILDERS: dict[str, Callable[[Symbol, Any, frozenset[str]], Entries]] = {
    "identity": _identity,
    "diagonal": _diagonal,
    "idempotent": _idempotent,
    "orthonormal columns": _orthogonal,
    "symmetric": _symmetric,
    "lower triangular": _triangular,
    "upper triangular": _triangular,
    "one-hot rows": _one_hot,
    "rows sum to one": _rows_sum,
    "simplex": _simplex,
    "unit norm": _unit,
    "centred": _centred,
    "contains intercept": _intercept,
}
