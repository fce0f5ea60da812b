"""Eigenproblems recognised: a quadratic objective on a quadratic constraint gives A w = ν B w, or A W = B W N."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import scipy  # scipy.linalg is loaded by scipy itself when it is first used

from symml.calculus.construct import delta, is_symmetric, is_zero, power, scaled, times, total, zero
from symml.calculus.nodes import Const, Ein, Node, const
from symml.calculus.proving import proved_equal
from symml.calculus.reverse import derivative
from symml.calculus.transform import substitute
from symml.checking.sampling import draw
from symml.codegen.evaluate import prepare
from symml.codegen.interpreter import size_of
from symml.codegen.structure import definiteness
from symml.derivation.constrained.constraints import Problem
from symml.derivation.curvature.definiteness import shown
from symml.derivation.mappings import ByName
from symml.derivation.points.critical import Point
from symml.derivation.stationary.equations import Equation
from symml.derivation.stationary.separating import (
    chain,
    cleared,
    flat_terms,
    identity_multiple,
    is_identity,
    merged,
    split,
)
from symml.errors import DataError
from symml.forms.lowering import leaf_of, lower
from symml.forms.raising import Raising
from symml.language.expressions import Expression, Symbol
from symml.language.operators import as_expression, call, multiply_any
from symml.language.tables import symbol_table
from symml.notation.wording import words
from symml.records import Step, Verdict, verdict

TOLERANCE = 1e-8


@dataclass(frozen=True)
class Eigenpairs:
    """All eigenvalues in descending order and eigenvectors x as columns, by name, with x' C x = level."""

    matrices: tuple[Expression, ...]
    form: Expression
    level: Expression
    names: tuple[str, str]

    def __call__(self, given: Mapping[Any, Any]) -> ByName:
        """Return eigenvalues and eigenvectors at the values given."""
        try:
            eigenvalues, vectors = scipy.linalg.eigh(*(m.evaluate(given) for m in self.matrices))
        except np.linalg.LinAlgError:
            raise DataError(f"{self.matrices[-1]} is not positive definite: the eigenproblem has no basis.") from None
        order = np.argsort(eigenvalues)[::-1]
        vectors = to_level(vectors[:, order], self.form, self.level, given)
        return ByName({self.names[0]: eigenvalues[order], self.names[1]: vectors})


def to_level(vectors: Any, form: Expression, level: Expression, given: Mapping[Any, Any]) -> Any:
    """Return the columns x scaled so that x' C x = level; C is a matrix, or a number of the identity.

    Raises
    ------
    DataError
        If the level is not positive.
    """
    value = float(level.evaluate(given))
    if not value > 0:
        raise DataError(f"{level} is {value:.6g}: the constraint has no solution, it must be positive.")
    matrix = form.evaluate(given)
    lengths = np.sum(vectors * (matrix @ vectors if np.ndim(matrix) else matrix * vectors), axis=0)
    return vectors * np.sqrt(value / lengths)


@dataclass(frozen=True)
class Eigenproblem:
    """What was recognised, in the words of a stationary point."""

    equation: Equation
    kind: str
    reasons: tuple[str, ...]
    conditions: tuple[str, ...]
    points: tuple[Point, ...]
    steps: tuple[Step, ...]
    verdict: Verdict
    solver: Eigenpairs


@dataclass(frozen=True)
class _Parts:
    """A x − B x ν, up to the `sign` of the objective, on x' C x = level; C is B up to a number."""

    a: Node
    b: Node
    form: Node
    v: Symbol
    nu: Any
    level: Node
    sign: int


def eigenproblem(problem: Problem) -> Eigenproblem | None:
    """Return the eigenproblem that the multiplier equation is, or None."""
    if len(problem.gradients) != 1 or len(problem.constraints) != 1 or not isinstance(problem.variables[0], Symbol):
        return None
    ((v, gradient),), (c,) = problem.gradients, problem.constraints
    if bounded(v):
        return None
    pair = _pair(times(c.sign, gradient), v, c.multiplier) if c.equality else None
    if pair is None or not all(is_symmetric(m) for m in pair):
        return None
    difference = lower(c.difference)
    level, form = level_of(difference, v), form_of(c.difference, v)
    if level is None or form is None:
        return None
    parts = _Parts(*pair, form, v, c.multiplier, level, c.sign)
    sure = _tested(times(c.sign, gradient), parts, problem.symbols)
    if sure == "wrong":
        return None
    return _told(parts, lower(problem.objective), sure)


def bounded(v: Symbol) -> bool:
    """Whether the entries of a variable are declared within a range, which its eigenvectors need not keep."""
    domain = v.domain
    ranged = domain is not None and (domain.low is not None or domain.high is not None or domain.values != ())
    return ranged or bool(v.facts & {"positive", "nonnegative", "negative", "spd", "psd"})


def descends(problem: Problem) -> bool:
    """Whether the matrix of the objective has a minus sign: the multiplier is then added, not subtracted."""
    if len(problem.gradients) != 1 or len(problem.constraints) != 1 or not isinstance(problem.variables[0], Symbol):
        return False
    ((v, gradient),), (c,) = problem.gradients, problem.constraints
    pair = _pair(gradient, v, c.multiplier) if c.equality else None
    return pair is not None and all(isinstance(t, Ein) and t.coefficient < 0 for t in flat_terms(pair[0]))


def _pair(gradient: Node, v: Symbol, nu: Any) -> tuple[Node, Node] | None:
    """(A, B) of a gradient A x − B x ν, both free of x and ν."""
    x, multiplier = leaf_of(v), leaf_of(nu)
    equation = cleared(gradient)
    own = substitute(equation, {multiplier: zero(multiplier.shape) if multiplier.shape else const(0)})
    rest = total([equation, times(-1, own)], equation.shape)
    a = operator_of(own, v)
    if a is None or multiplier in a.leaves or multiplier not in rest.leaves:
        return None
    if multiplier.shape == ():
        b = operator_of(substitute(rest, {multiplier: const(-1)}), v)
        again = None if b is None else total([own, times(-1, scaled(multiplier, chain(b, x)))], own.shape)
    elif len(multiplier.shape) == 2 and len(x.shape) == 2:
        unit = _unit(rest, v, nu)
        b = operator_of(unit, v) if unit is not None else None
        again = None if b is None else total([own, times(-1, chain(b, x, multiplier))], own.shape)
    else:
        return None
    if b is None or again is None or x in b.leaves or is_zero(a) or is_zero(b) or not proved_equal(again, equation):
        return None
    s = identity_multiple(b)
    return (a, b) if s is None else (scaled(power(s, -1), a), delta(b.shape[:1]))


def _unit(rest: Node, v: Symbol, nu: Symbol) -> Node | None:
    """−rest with the identity for the multiplier."""
    return times(-1, substitute(rest, {leaf_of(nu): delta(nu.shape[:1])}))


def operator_of(node: Node, v: Symbol) -> Node | None:
    """Return M of a node M x, free of x."""
    x = leaf_of(v)
    jacobian = derivative(node, x)
    if x in jacobian.leaves or not is_zero(substitute(node, {x: zero(x.shape)})):
        return None
    if len(x.shape) == 1:
        return jacobian
    parts = split(jacobian, False)
    if parts is None or any(p.flipped for p in parts):
        return None
    found = merged(parts)
    if len(found) != 1:
        return None
    s = identity_multiple(found[0].right)
    return None if s is None else scaled(s, found[0].left)


def level_of(difference: Node, v: Symbol) -> Node | None:
    """Return the constant k of a constraint c(x) = k, or of C(X) = k I; None where it is no such constant."""
    x = leaf_of(v)
    constant = times(-1, substitute(difference, {x: zero(x.shape)}))
    if x in constant.leaves:
        return None
    level = identity_multiple(constant) if constant.shape else constant
    return None if level is None or (isinstance(level, Const) and level.value <= 0) else level


def form_of(difference: Expression, v: Symbol) -> Node | None:
    """Return C of a constraint x' C x = k, or X' C X = k I; the number c of C = c I."""
    value = difference if difference.shape == () else call("trace", difference)
    found = operator_of(derivative(lower(value), leaf_of(v)), v)
    if found is None:
        return None
    half = times(Fraction(1, 2), found)
    return identity_multiple(half) or half


def _equation(p: _Parts) -> Equation:
    name, multiplier = as_expression(p.v), as_expression(p.nu)
    left = multiply_any(shown(p.a), name)
    right = name if is_identity(p.b) else multiply_any(shown(p.b), name)
    return Equation(
        left, multiply_any(multiplier, right) if multiplier.shape == () else multiply_any(right, multiplier)
    )


def _told(p: _Parts, objective: Node, sure: Verdict) -> Eigenproblem:
    equation, plain = _equation(p), is_identity(p.b)
    kind = "eigenproblem" if plain else "generalised eigenproblem"
    matrix, notes = shown(p.a), []
    reasons = _of_vector(p, objective) if as_expression(p.nu).shape == () else _of_columns(p)
    if not plain:
        b_kind, _ = definiteness(shown(p.b))
        word = "is" if b_kind == "positive definite" else "must be"
        notes.append(f"{shown(p.b)} {word} positive definite")
    collect = Step(
        "collect terms",
        f"{kind}: collect the terms with {p.v}",
        equation.lhs,
        equation.rhs,
        str(equation),
        f"{equation.lhs.latex()} &= {equation.rhs.latex()}",
        sure,
    )
    told = [
        Step("second-order", kind, None, None, r, rf"& \text{{{words(r)}}}", verdict("proved", "Courant–Fischer"))
        for r in reasons
    ]
    matrices = (matrix,) if plain else (matrix, shown(p.b))
    return Eigenproblem(
        equation,
        kind,
        tuple(reasons),
        tuple(notes),
        _points(p),
        (collect, *told),
        sure,
        Eigenpairs(matrices, shown(p.form), shown(p.level), (p.nu.name, p.v.name)),
    )


def _second(p: _Parts) -> str:
    return "" if is_identity(p.b) else f" relative to {shown(p.b)}"


def _of_vector(p: _Parts, objective: Node) -> list[str]:
    name, multiplier = as_expression(p.v), as_expression(p.nu)
    top, bottom = ("maximum", "minimum") if p.sign > 0 else ("minimum", "maximum")
    return [
        f"the solutions are the eigenvectors {name} of {shown(p.a)}{_second(p)}, {multiplier} their eigenvalues; "
        f"the objective there is {_value(p, objective)}",
        f"{top} at the largest eigenvalue, {bottom} at the smallest, saddle points at those between",
        f"{name} is unique up to its sign exactly where its eigenvalue is simple",
    ]


def _of_columns(p: _Parts) -> list[str]:
    k, name = p.v.shape[1], as_expression(p.v)
    top, bottom = ("maximum", "minimum") if p.sign > 0 else ("minimum", "maximum")
    return [
        f"{as_expression(p.nu)} is symmetric; turned to a diagonal, the columns of {name} are {k} eigenvectors "
        f"of {shown(p.a)}{_second(p)}",
        f"{top} at the {k} largest eigenvalues, {bottom} at the {k} smallest, saddle points for other choices",
        f"the space that {name} spans at the {top} is unique exactly if eigenvalue {k} is larger than the next; "
        f"{name} itself up to {name} R with R orthogonal",
    ]


def _points(p: _Parts) -> tuple[Point, ...]:
    if not is_identity(p.b) or as_expression(p.nu).shape != ():
        return ()
    largest = call("eigmax", shown(p.a))
    smallest = multiply_any(-1, call("eigmax", multiply_any(-1, shown(p.a))))
    top, bottom = ("maximum", "minimum") if p.sign > 0 else ("minimum", "maximum")
    return Point({p.nu.name: largest}, f"global {top}"), Point({p.nu.name: smallest}, f"global {bottom}")


def _value(p: _Parts, objective: Node) -> Expression:
    """F = ± ν k + f(0) for homogeneous quadratics f − f(0) and c."""
    x = leaf_of(p.v)
    start = substitute(objective, {x: zero(x.shape)})
    multiplier = as_expression(p.nu)
    return Raising().run(total([times(p.sign, lower(multiply_any(multiplier, Raising().run(p.level)))), start], ()))


def _tested(gradient: Node, p: _Parts, symbols: Mapping[str, Any]) -> Verdict:
    """Eigenvectors by SciPy put into the gradient at random data."""
    row = Raising(False).run(gradient)
    matrices = [Raising(False).run(m) for m in (p.a, p.b)]
    table: dict[str, Any] = {}
    for e in (row, *matrices):
        table.update(symbol_table(e))
    table = {k: symbols.get(k, s) for k, s in table.items() if k not in (p.v.name, p.nu.name)}
    rng = np.random.default_rng(0)
    worst, done = 0.0, 0
    for _ in range(3):
        try:
            values, sizes = draw(table, rng, None)
            a, b = (prepare(m)(values, sizes) for m in matrices)
            eigenvalues, vectors = scipy.linalg.eigh(a, b)
        except (np.linalg.LinAlgError, DataError, ValueError):
            continue
        if len(p.v.shape) == 1:
            w, n = vectors[:, -1], eigenvalues[-1]
        else:
            k = p.v.shape[1] if isinstance(p.v.shape[1], int) else size_of(p.v.shape[1])(sizes)
            if k > a.shape[0]:
                continue
            w, n = vectors[:, -k:], np.diag(eigenvalues[-k:])
        here = np.asarray(prepare(row)({**values, p.v.name: w, p.nu.name: n}, sizes), float)
        done += 1
        worst = max(worst, float(np.max(np.abs(here))) / max(float(np.max(np.abs(a))), 1e-12))
    if worst > TOLERANCE:
        return verdict("wrong", reason="the eigenvectors do not solve the multiplier equation")
    if not done:
        return verdict("unchecked", reason="no random point was found at which the eigenvectors exist")
    return verdict("holds", f"eigenvectors at random data solve the multiplier equation to {worst:.0e}")
