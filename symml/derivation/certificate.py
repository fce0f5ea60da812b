"""Exact certificates: objective and result in entries at small sizes, differentiated entry by entry by SymPy.

The entries of the variable are independent while SymPy differentiates; what is declared of them is imposed afterwards.
Nothing of the calculus of symml takes part.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import sympy as sp

from symml.checking.digits import NoValueError, values_at
from symml.checking.entries import declared_entries, free_entries, scalar_facts, scalar_values
from symml.checking.kernels import distinct, smooth_pieces
from symml.checking.reports import CheckReport
from symml.checking.vanishing import Facts, vanish
from symml.derivation.objective import untied, untied_symbol
from symml.derivation.small_sizes import choose
from symml.errors import NotSupportedError
from symml.language.expressions import Action, Call, Expression, Symbol, postorder
from symml.language.names import canonical
from symml.language.symbols import is_dimension
from symml.language.tables import symbol_table
from symml.language.where import expand_names
from symml.notation.explicit import Sizes, expand
from symml.records import Counterexample, verdict

POINTS = 3
TRIES = 30
AGREEMENT = 50  # digits
WORK, MOST_WORK = 20_000, 400_000  # length of the entries times the number of derivatives; at the smallest sizes
SEED = 0
METHOD = "SymPy's derivative of the entries"


@dataclass
class _Problem:
    """What is compared, in entries."""

    sizes: Mapping[str, int]
    work: int
    samplers: list[Any] = field(default_factory=list)
    facts: Facts = field(default_factory=Facts)
    complete: bool = True
    tie: dict[Any, Any] = field(default_factory=dict)  # free entries of the variables -> declared ones


def certify(
    objective: Expression, result: Expression, variables: Sequence[Any], what: str, symmetric: bool
) -> CheckReport:
    """Return the certificate of a derivative by SymPy at small explicit sizes.

    Parameters
    ----------
    objective, result : Expression
        The objective and its derivative; an `Action` is compared by its action on a symbolic direction.
    variables : sequence of symbols
        One for a gradient or Jacobian, two for a Hessian.
    what : str
        Name of the result, for the report.
    symmetric : bool
        The result holds the derivative along the free entries of a symmetric variable.

    Returns
    -------
    CheckReport
        `proved` where the difference vanishes symbolically, `holds` where it does at random rational points to 50
        digits, `wrong` with a point, `unchecked` with the reason.
    """
    objective, result = expand_names(objective), expand_names(result)
    sizes: Mapping[str, int] = {}
    try:
        _refuse(objective, result)
        choices = list(choose(objective, result))
        for sizes in choices[:-1]:
            with contextlib.suppress(_TooLargeError):
                return _at_sizes(objective, result, tuple(variables), what, symmetric, _Problem(sizes, WORK))
        sizes = choices[-1]
        return _at_sizes(objective, result, tuple(variables), what, symmetric, _Problem(sizes, MOST_WORK))
    except NotSupportedError as error:
        return _report(None, verdict("unchecked", reason=str(error)), what, sizes, float("nan"))


class _TooLargeError(NotSupportedError):
    """The entries are too large to differentiate at these sizes."""


def _refuse(*expressions: Expression) -> None:
    for node in postorder(*expressions):
        if isinstance(node, Call) and node.function in _NO_ENTRIES:
            raise NotSupportedError(f"SymPy has no entries of {node.function}: {node}")


_NO_ENTRIES = frozenset({"expm", "logm", "sqrtm", "sinm", "cosm", "eigmax", "eigmaxprojector", "normnuc", "normspec"})


def _at_sizes(objective: Expression, result: Expression, variables: tuple[Any, ...], what: str, symmetric: bool,
              problem: _Problem) -> CheckReport:  # fmt: skip
    sizes = problem.sizes
    entries = _variables(problem, variables, symmetric)
    bound = {untied_symbol(v): m for v, m in entries.items() if isinstance(v, Symbol)}
    bound |= _given(problem, objective, result, variables)
    f = [smooth_pieces(e) for e in _flat(expand(untied(objective, variables), Sizes(sizes, bound)))]
    _check_size(f, problem, entries, variables)
    expected = _derivatives(f, [entries[v] for v in variables])
    tied = {v: entries[v].xreplace(problem.tie) if isinstance(v, Symbol) else v for v in variables}
    declared = bound | {v: m for v, m in tied.items() if isinstance(v, Symbol)}
    expected, claimed = _pair(problem, expected, result, variables[-1], declared)
    expected = [e.xreplace(problem.tie) for e in expected]
    return _judge(problem, expected, claimed, what)


# -- entries ------------------------------------------------------------------------------------------------------
def _variables(problem: _Problem, variables: tuple[Any, ...], symmetric: bool) -> dict[Any, Any]:
    """Free entries of the variables, and what ties them."""
    found: dict[Any, Any] = {}
    for v in dict.fromkeys(variables):
        if not isinstance(v, Symbol):
            plain = untied_symbol(v)
            found[v] = sp.Matrix([plain])
            problem.samplers.append(scalar_values(v))
            problem.tie |= {plain: v} if plain != v else {}
            problem.facts = _joined(problem.facts, scalar_facts(v))
            continue
        rows, columns = _axes(v, problem.sizes)
        free = free_entries(untied_symbol(v), rows, columns)
        entries = declared_entries(v, rows, columns)
        if symmetric:
            free = sp.Matrix(rows, columns, lambda i, j, m=free: m[min(i, j), max(i, j)])
        problem.tie |= {a: b for a, b in zip(free, entries.matrix, strict=True) if a != b}
        _add(problem, entries)
        found[v] = free
    return found


def _given(problem: _Problem, objective: Expression, result: Expression, variables: tuple[Any, ...]) -> dict[Any, Any]:
    """Entries of the other symbols, as declared; samplers of the scalars."""
    table = {**symbol_table(objective), **symbol_table(result)}
    names = {v.name for v in variables}
    bound = {}
    for name in sorted(table):
        s = table[name]
        if s.name in names or (not isinstance(s, Symbol) and is_dimension(s)):
            continue
        if isinstance(s, Symbol):
            entries = declared_entries(s, *_axes(s, problem.sizes))
            bound[s] = entries.matrix
            _add(problem, entries)
        else:
            problem.samplers.append(scalar_values(s))
            problem.facts = _joined(problem.facts, scalar_facts(s))
    return bound


def _axes(s: Symbol, sizes: Mapping[str, int]) -> tuple[int, int]:
    if len(s.shape) not in (1, 2):
        raise NotSupportedError(f"{s} has {len(s.shape)} axes and no matrix of entries")
    return Sizes(sizes).axes(s.shape)


def _add(problem: _Problem, entries: Any) -> None:
    problem.samplers.append(entries.values)
    problem.facts = _joined(problem.facts, entries.facts)
    problem.complete = problem.complete and entries.complete


def _joined(a: Facts, b: Facts) -> Facts:
    return Facts({**a.values, **b.values}, (*a.exclusive, *b.exclusive))


def _flat(value: Any) -> list[Any]:
    if isinstance(value, sp.MatrixBase):
        return list(value)
    return list(sp.flatten(value.tolist())) if isinstance(value, sp.NDimArray) else [value]


# -- derivatives --------------------------------------------------------------------------------------------------
def _derivatives(f: list[Any], by: list[Any]) -> list[Any]:
    """Derivatives of the entries of f by the entries of each variable, the last one fastest."""
    for entries in by:
        f = [sp.diff(e, x) for e in f for x in entries]
    return f


def _pair(problem: _Problem, expected: list[Any], result: Expression, variable: Any,
          bound: Mapping[Any, Any]) -> tuple[list[Any], list[Any]]:  # fmt: skip
    """Expected and claimed entries; of an action, along a direction of symbols."""
    if isinstance(result, Action):
        direction, body = result.args[-2:]
        assert isinstance(direction, Symbol)
        entries = declared_entries(direction, *_axes(direction, problem.sizes))
        _add(problem, entries)
        steps = list(entries.matrix)
        claimed = expand(body, Sizes(problem.sizes, {**bound, direction: entries.matrix}))
        count = len(steps)
        expected = [
            sp.Add(*(e * d for e, d in zip(expected[k : k + count], steps, strict=True)))
            for k in range(0, len(expected), count)
        ]
    else:
        claimed = expand(result, Sizes(problem.sizes, bound))
    flat = [smooth_pieces(c) for c in _flat(claimed)]
    if len(flat) != len(expected):
        raise NotSupportedError(f"the result has {len(flat)} entries, the derivative {len(expected)}")
    return expected, flat


def _check_size(f: list[Any], problem: _Problem, entries: Mapping[Any, Any], variables: tuple[Any, ...]) -> None:
    length: dict[Any, int] = {}
    for node in distinct(*f):
        length[node] = 1 + sum(length[a] for a in node.args)
    work = sum(length[e] for e in f)
    for v in variables:
        work *= len(entries[v])
    if work > problem.work:
        sizes = ", ".join(f"{k} = {v}" for k, v in problem.sizes.items())
        raise _TooLargeError(f"the entries are too large to differentiate at {sizes}")


# -- judgement ----------------------------------------------------------------------------------------------------
def _judge(problem: _Problem, expected: list[Any], claimed: list[Any], what: str) -> CheckReport:
    differences = [a - b for a, b in zip(expected, claimed, strict=True)]
    shown = ", ".join(f"{k} = {v}" for k, v in problem.sizes.items()) or "scalar size"
    if problem.complete:
        try:
            proved = vanish(differences, problem.facts)
        except (ZeroDivisionError, sp.PolynomialError):
            proved = False
        if proved:
            found = verdict(
                "proved", certificate=f"{len(differences)} entries by SymPy at {shown}: each difference is 0"
            )
            return _report(True, found, what, problem.sizes, 0.0)
    rng = Random(SEED)
    done, worst = 0, 0.0
    for _ in range(TRIES):
        point = {s: v for draw in problem.samplers for s, v in draw(rng).items()}
        try:
            values = values_at([*expected, *claimed], point)
        except NoValueError:
            continue
        left, right = values[: len(expected)], values[len(expected) :]
        error, place = _distance(left, right)
        worst = max(worst, error)
        if error > 10.0 ** (-AGREEMENT):
            return _wrong(problem, point, left, right, error, place, what)
        done += 1
        if done == POINTS:
            agreed = f"equal to {AGREEMENT} digits at {POINTS} random rational points"
            certificate = f"{len(expected)} entries by SymPy at {shown}: {agreed}"
            return _report(True, verdict("holds", certificate=certificate), what, problem.sizes, worst, done)
    return _report(
        None,
        verdict("unchecked", reason="no rational point was found at which both are finite"),
        what,
        problem.sizes,
        float("nan"),
    )


def _distance(left: list[Any], right: list[Any]) -> tuple[float, int]:
    size = max(abs(v) for v in [*left, *right])
    gaps = [abs(a - b) for a, b in zip(left, right, strict=True)]
    place = max(range(len(gaps)), key=lambda k: gaps[k])
    return (float(gaps[place] / size) if size else 0.0), place


def _wrong(problem: _Problem, point: Mapping[Any, Any], left: list[Any], right: list[Any], error: float, place: int,
           what: str) -> CheckReport:  # fmt: skip
    values = {s.name: str(v) for s, v in sorted(point.items(), key=lambda item: canonical(item[0].name))}
    example = Counterexample(values, [float(v) for v in right], [float(v) for v in left], error, SEED)
    located = (
        f"entry {place + 1} of {len(left)}: SymPy gives {float(left[place]):.6g}, the {what} {float(right[place]):.6g}"
    )
    found = verdict("wrong", counterexample=example)
    return _report(False, found, what, problem.sizes, error, 1, located, example)


def _report(passed: bool | None, found: Any, what: str, sizes: Mapping[str, int], worst: float, points: int = 0,
            located: str = "", example: Counterexample | None = None) -> CheckReport:  # fmt: skip
    return CheckReport(
        passed, found, worst, points, points, dict(sizes), SEED, 10.0 ** (-AGREEMENT), what, located, example, METHOD
    )
