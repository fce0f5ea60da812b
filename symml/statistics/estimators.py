"""Estimators in closed form: scores solved one after another, roots filtered by domain, the maximum confirmed.

Everything is a function of the parameters and the sufficient statistics. A root counts only if, at data drawn from the
support, it lies in the domain of the parameter, makes the scores vanish and the Hessian negative definite.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import sympy as sp

from symml.checking.sampling import draw_scalar
from symml.language.properties import Domain
from symml.records import Verdict, verdict
from symml.statistics.sufficient import Statistic

DRAWS, OBSERVATIONS = 4, 9
MOST_ROOTS = 4
TOLERANCE = 1e-9
SOLVABLE = (sp.log, sp.exp, sp.Pow, sp.Add, sp.Mul)


@dataclass(frozen=True)
class Problem:
    """A mean log-likelihood in the parameters and the statistics, with what is needed to draw data.

    Attributes
    ----------
    loglike : sympy.Expr
    parameters : tuple of sympy.Symbol
    statistics : tuple of Statistic
    data : mapping
        The range of each data symbol.
    known : tuple of sympy.Symbol
        Symbols that are neither.
    """

    loglike: sp.Expr
    parameters: tuple[sp.Symbol, ...]
    statistics: tuple[Statistic, ...]
    data: Mapping[sp.Symbol, Domain | None]
    known: tuple[sp.Symbol, ...] = ()


@dataclass(frozen=True)
class Solved:
    """One score equation and its solution for one parameter."""

    parameter: sp.Symbol
    equation: sp.Expr
    root: sp.Expr
    dropped: tuple[sp.Expr, ...]


@dataclass(frozen=True)
class Profile:
    """What is left when only part is closed: equation = 0 in one variable, and the others in terms of it."""

    equation: sp.Expr
    variable: sp.Symbol
    given: Mapping[str, sp.Expr]

    def __str__(self) -> str:
        return f"{self.variable} solves {self.equation} = 0" + "".join(f"; {k} = {v}" for k, v in self.given.items())


@dataclass(frozen=True)
class Estimators:
    """Closed forms by parameter (None where there is none), how they were found, and the evidence of the maximum."""

    closed: Mapping[str, sp.Expr | None]
    solved: tuple[Solved, ...]
    profile: Profile | None
    hessian: sp.Matrix | None
    maximum: Verdict


def estimators(problem: Problem, seed: int = 0) -> Estimators:
    """Return the estimators of a problem."""
    samples = _samples(problem, np.random.default_rng(seed))
    branches = _solve(problem, samples)
    full = [b for b in branches if len(b) == len(problem.parameters)]
    for branch in _best_first(problem, full, samples):
        values = _back_substituted(branch)
        if all(_is_maximum(problem, values, at) for at in samples):
            hessian = _at_root(problem, values)
            closed = {p.name: values[p] for p in problem.parameters}
            return Estimators(closed, branch, None, hessian, _evidence(hessian.subs(_interior(problem, values))))
    partial = max(branches, key=len, default=())
    partial = partial if len(partial) < len(problem.parameters) else ()
    none = {p.name: None for p in problem.parameters}
    return Estimators(
        none, partial, _profile(problem, partial), None, verdict("unchecked", reason="no closed form was found")
    )


# -- solving ------------------------------------------------------------------------------------------------------
def _solve(problem: Problem, samples: Sequence[Mapping[sp.Symbol, float]]) -> list[tuple[Solved, ...]]:
    """Branches of solved parameters; each is extended while one of its scores can be solved."""
    finished: list[tuple[Solved, ...]] = []
    waiting: list[tuple[Solved, ...]] = [()]
    while waiting and len(finished) < MOST_ROOTS:
        branch = waiting.pop()
        extended = _extend(problem, branch, samples)
        if extended:
            waiting.extend(reversed(extended))
        else:
            finished.append(branch)
    return finished


def _extend(
    problem: Problem, branch: tuple[Solved, ...], samples: Sequence[Mapping[sp.Symbol, float]]
) -> list[tuple[Solved, ...]]:
    done = {s.parameter for s in branch}
    rows: list[tuple[int, int, sp.Symbol, sp.Expr, sp.Expr]] = []
    for p in problem.parameters:
        if p not in done:
            equation = _substituted(sp.diff(problem.loglike, p), branch)
            numerator = sp.expand(sp.fraction(sp.together(equation))[0])
            rows.append((_difficulty(numerator, p), len(rows), p, equation, numerator))
    for difficulty, _, p, equation, numerator in sorted(rows, key=lambda r: r[:2]):
        if difficulty >= 3:
            continue
        roots = _roots(numerator, p)
        kept = [r for r in roots if all(_inside(problem, p, r, at) for at in samples)]
        if kept:
            return [(*branch, Solved(p, equation, r, tuple(o for o in roots if o != r))) for r in kept[:MOST_ROOTS]]
    return []


def _substituted(equation: sp.Expr, branch: tuple[Solved, ...]) -> sp.Expr:
    for s in branch:
        equation = equation.subs(s.parameter, s.root)
    return equation


def _difficulty(numerator: sp.Expr, p: sp.Symbol) -> int:
    """0 linear, 1 quadratic, 2 logarithms, exponentials and powers, 3 anything else."""
    if p not in numerator.free_symbols:
        return 3
    if numerator.is_polynomial(p):
        return min(int(sp.degree(numerator, p)) - 1, 2)
    inside = [n for n in sp.preorder_traversal(numerator) if n.args and n.has(p)]
    return 2 if all(isinstance(n, SOLVABLE) for n in inside) else 3


def _roots(numerator: sp.Expr, p: sp.Symbol) -> list[sp.Expr]:
    plain = sp.Dummy(p.name, real=True)
    if numerator.is_polynomial(p) and sp.degree(numerator, p) <= 2:
        found = _polynomial_roots(sp.Poly(numerator, p).all_coeffs())
    else:
        try:
            found = sp.solve(numerator.subs(p, plain), plain)
        except NotImplementedError:
            return []
    found = [tidy(r) for r in found if not r.has(plain)]
    return [r for r in found if not r.has(sp.I, sp.nan, sp.zoo)]


def _polynomial_roots(coefficients: list[sp.Expr]) -> list[sp.Expr]:
    *_, b, c = coefficients
    if len(coefficients) == 2:
        return [-c / b]
    a = coefficients[0]
    if b == 0:
        root = sp.sqrt(tidy(-c / a))
        return [root, -root]
    root = sp.sqrt(tidy(b**2 - 4 * a * c))
    return [(-b + root) / (2 * a), (-b - root) / (2 * a)]


def tidy(e: sp.Expr) -> sp.Expr:
    """Return the shortest of a few exact forms of an expression."""
    together = sp.cancel(sp.together(e))
    forms = [e, together, sp.factor(together)]
    if together.has(sp.exp):
        forms.append(sp.powsimp(forms[-1]))
    return min(forms, key=lambda form: (sp.count_ops(form), str(form)))


def _back_substituted(branch: tuple[Solved, ...]) -> dict[sp.Symbol, sp.Expr]:
    values: dict[sp.Symbol, sp.Expr] = {}
    for s in reversed(branch):
        values[s.parameter] = tidy(s.root.subs(values)) if values else s.root
    return values


def _profile(problem: Problem, branch: tuple[Solved, ...]) -> Profile | None:
    left = [p for p in problem.parameters if p not in {s.parameter for s in branch}]
    if len(left) != 1:
        return None
    equation = tidy(_substituted(sp.diff(problem.loglike, left[0]), branch))
    given = _back_substituted(branch)
    return Profile(equation, left[0], {p.name: given[p] for p in problem.parameters if p in given})


# -- numbers ------------------------------------------------------------------------------------------------------
def _samples(problem: Problem, rng: np.random.Generator) -> list[dict[sp.Symbol, float]]:
    """Values of the statistics at data drawn from the support, of known symbols, and of parameters in their domain."""
    found = []
    for _ in range(DRAWS):
        data = {x: _column(x, domain, rng) for x, domain in problem.data.items()}
        arrays = {str(x.name): values for x, values in data.items()}
        at = {s.symbol: float(s.expression.evaluate(arrays)) for s in problem.statistics}
        at |= {p: draw_scalar(p, rng) for p in (*problem.parameters, *problem.known)}
        found.append(at)
    return found


def _column(x: sp.Symbol, domain: Domain | None, rng: np.random.Generator) -> np.ndarray:
    if domain is not None and domain.values:
        values = np.array([float(v) for v in domain.values])
        return np.concatenate([values, rng.choice(values, OBSERVATIONS - len(values))])
    found = np.array([draw_scalar(x, rng) for _ in range(OBSERVATIONS)])
    return found if np.ptp(found) else np.concatenate([found[1:], found[:1] + 1])


def value_at(e: sp.Expr, at: Mapping[sp.Symbol, float]) -> float:
    """Return the number of an expression at given values, computed to 30 digits; nan if it is not a real number."""
    found = sp.N(sp.sympify(e).xreplace({s: sp.Float(v, 30) for s, v in at.items()}), 30)
    return float(found) if found.is_Float or found.is_Rational else float("nan")


def in_domain(p: sp.Symbol, value: float) -> bool:
    """Whether a number lies in the declared range of a scalar."""
    if not np.isfinite(value):
        return False
    domain = getattr(p, "domain", None)
    if domain is not None:
        if domain.values:
            return any(abs(value - float(v)) < TOLERANCE for v in domain.values)
        below = domain.low is not None and (
            value < float(domain.low) or (domain.low_open and value == float(domain.low))
        )
        above = domain.high is not None and (
            value > float(domain.high) or (domain.high_open and value == float(domain.high))
        )
        return not (below or above)
    return not ((p.is_positive and value <= 0) or (p.is_nonnegative and value < 0) or (p.is_negative and value >= 0))


def _inside(problem: Problem, p: sp.Symbol, root: sp.Expr, at: Mapping[sp.Symbol, float]) -> bool:
    return in_domain(p, value_at(root, at))


def _is_maximum(problem: Problem, values: Mapping[sp.Symbol, sp.Expr], at: Mapping[sp.Symbol, float]) -> bool:
    point = {s.symbol: at[s.symbol] for s in problem.statistics} | {k: at[k] for k in problem.known}
    point |= {p: value_at(values[p], point) for p in problem.parameters}
    if not all(in_domain(p, point[p]) for p in problem.parameters):
        return False
    gradient = [value_at(e, point) for e in _gradient(problem)]
    scale = max(1.0, *(abs(point[p]) for p in problem.parameters))
    hessian = np.array([[value_at(e, point) for e in row] for row in _hessian(problem).tolist()])
    if not (np.all(np.isfinite(gradient)) and np.all(np.isfinite(hessian))):
        return False
    return (
        max(map(abs, gradient)) < TOLERANCE * scale * max(1.0, float(np.max(np.abs(hessian))))
        and float(np.linalg.eigvalsh(hessian)[-1]) < 0
    )


@lru_cache(maxsize=64)
def _derivatives(loglike: sp.Expr, parameters: tuple[sp.Symbol, ...]) -> tuple[list[sp.Expr], sp.Matrix]:
    slopes = [sp.diff(loglike, p) for p in parameters]
    return slopes, sp.Matrix([[sp.diff(g, p) for p in parameters] for g in slopes])


def _gradient(problem: Problem) -> list[sp.Expr]:
    return _derivatives(problem.loglike, problem.parameters)[0]


def _hessian(problem: Problem) -> sp.Matrix:
    return _derivatives(problem.loglike, problem.parameters)[1]


def _at_root(problem: Problem, values: Mapping[sp.Symbol, sp.Expr]) -> sp.Matrix:
    return _hessian(problem).subs(dict(values)).applyfunc(tidy)


def _interior(problem: Problem, values: Mapping[sp.Symbol, sp.Expr]) -> dict[sp.Symbol, sp.Expr]:
    """Statistics that are themselves an estimate, written so that they lie inside the domain of their parameter."""
    found = {}
    for p in problem.parameters:
        domain, inside = getattr(p, "domain", None), sp.Dummy(positive=True)
        if values[p].is_Symbol and domain is not None and domain.low is not None and domain.high is not None:
            found[values[p]] = domain.low + (domain.high - domain.low) * inside / (1 + inside)
        elif p.is_positive:
            found |= {s: sp.Dummy(positive=True) for s in values[p].free_symbols if s.is_nonnegative and s not in found}
    return found


def _evidence(hessian: sp.Matrix) -> Verdict:
    """Negative definite by the signs of its leading minors, as far as assumptions show them."""
    minors = [sp.factor(hessian[: k + 1, : k + 1].det()) for k in range(hessian.rows)]
    if all(((-1) ** (k + 1) * m).is_positive for k, m in enumerate(minors)):
        return verdict("proved", certificate="the leading minors of the Hessian at the root alternate in sign")
    return verdict("holds", certificate=f"the Hessian at the root is negative definite for {DRAWS} random samples")


def _best_first(
    problem: Problem, branches: Iterable[tuple[Solved, ...]], samples: Sequence[Mapping[sp.Symbol, float]]
) -> list[tuple[Solved, ...]]:
    def height(branch: tuple[Solved, ...]) -> float:
        at = {s.symbol: samples[0][s.symbol] for s in problem.statistics} | {k: samples[0][k] for k in problem.known}
        values = {p: value_at(v, at) for p, v in _back_substituted(branch).items()}
        found = value_at(problem.loglike, at | values)
        return -found if np.isfinite(found) else float("inf")

    return sorted(branches, key=height)
