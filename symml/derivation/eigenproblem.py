"""Eigenproblems recognised: a quadratic objective on a quadratic constraint gives A w = ν B w, or A W = B W N."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy  # scipy.linalg is loaded by scipy itself when it is first used

from symml.calculus.construct import delta, is_symmetric, is_zero, power, scaled, times, total, zero
from symml.calculus.nodes import Node, const
from symml.calculus.proving import proved_equal
from symml.calculus.reverse import derivative
from symml.calculus.transform import substitute
from symml.checking.sampling import draw
from symml.codegen.evaluate import prepare
from symml.codegen.interpreter import size_of
from symml.codegen.structure import definiteness
from symml.derivation.critical import Point
from symml.derivation.definiteness import shown
from symml.derivation.rendering import _words
from symml.derivation.separating import chain, cleared, identity_multiple, is_identity, merged, split
from symml.derivation.solving import Equation
from symml.errors import DataError
from symml.forms.lowering import leaf_of, lower
from symml.forms.raising import Raising
from symml.language.expressions import Expression, Symbol
from symml.language.operators import as_expression, call, multiply_any
from symml.language.tables import symbol_table
from symml.records import Step, Verdict, verdict

TOLERANCE = 1e-8


@dataclass(frozen=True)
class Eigenproblem:
    """What was recognised; `matrices` are (A, B), B only of a generalised problem."""

    equation: Equation
    kind: str
    reasons: tuple[str, ...]
    conditions: tuple[str, ...]
    points: tuple[Point, ...]
    steps: tuple[Step, ...]
    verdict: Verdict
    matrices: tuple[Expression, ...]


def eigenproblem(
    gradients: Sequence[tuple[Any, Node]],
    constraints: Sequence[tuple[Any, Expression]],
    objective: Node,
    taken: Sequence[str],
    symbols: Mapping[str, Any],
) -> Eigenproblem | None:
    """Return the eigenproblem that the multiplier equation is, or None."""
    if len(gradients) != 1 or len(constraints) != 1 or not isinstance(gradients[0][0], Symbol):
        return None
    (v, gradient), (nu, difference) = gradients[0], constraints[0]
    pair = _pair(gradient, v, nu)
    if pair is None or not all(is_symmetric(m) for m in pair):
        return None
    a, b = pair
    level = _level(lower(difference), v)
    if level is None:
        return None
    equation = _equation(a, b, v, nu)
    sure = _tested(gradient, v, nu, (a, b), lower(difference), symbols)
    if sure == "wrong":
        return None
    return _told(equation, a, b, v, nu, objective, level, sure)


def _pair(gradient: Node, v: Symbol, nu: Any) -> tuple[Node, Node] | None:
    """(A, B) of a gradient A x − B x ν, both free of x and ν."""
    x, multiplier = leaf_of(v), leaf_of(nu)
    equation = cleared(gradient)
    own = substitute(equation, {multiplier: zero(multiplier.shape) if multiplier.shape else const(0)})
    rest = total([equation, times(-1, own)], equation.shape)
    a = _operator(own, v)
    if a is None or multiplier in a.leaves or multiplier not in rest.leaves:
        return None
    if multiplier.shape == ():
        b = _operator(substitute(rest, {multiplier: const(-1)}), v)
        again = None if b is None else total([own, times(-1, scaled(multiplier, chain(b, x)))], own.shape)
    elif len(multiplier.shape) == 2 and len(x.shape) == 2:
        unit = _unit(rest, v, nu)
        b = _operator(unit, v) if unit is not None else None
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


def _operator(node: Node, v: Symbol) -> Node | None:
    """M of a node M x, free of x."""
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
    return found[0].left if s is not None and is_identity(found[0].right) else None


def _level(difference: Node, v: Symbol) -> Node | None:
    """The constant k of a constraint c(x) = k."""
    x = leaf_of(v)
    constant = times(-1, substitute(difference, {x: zero(x.shape)}))
    return None if x in constant.leaves else constant


def _equation(a: Node, b: Node, v: Symbol, nu: Any) -> Equation:
    name, multiplier = as_expression(v), as_expression(nu)
    left = multiply_any(shown(a), name)
    right = name if is_identity(b) else multiply_any(shown(b), name)
    return Equation(
        left, multiply_any(multiplier, right) if multiplier.shape == () else multiply_any(right, multiplier)
    )


def _told(
    equation: Equation, a: Node, b: Node, v: Symbol, nu: Any, objective: Node, level: Node, sure: Verdict
) -> Eigenproblem:
    plain = is_identity(b)
    kind = "eigenproblem" if plain else "generalised eigenproblem"
    name, multiplier, matrix = as_expression(v), as_expression(nu), shown(a)
    reasons, notes = [], []
    second = "" if plain else f" relative to {shown(b)}"
    if multiplier.shape == ():
        value = _value(objective, v, level, multiplier)
        reasons.append(
            f"the solutions are the eigenvectors {name} of {matrix}{second}, {multiplier} their eigenvalues; "
            f"the objective there is {value}"
        )
        reasons.append("maximum at the largest eigenvalue, minimum at the smallest, saddle points at those between")
    else:
        k = v.shape[1]
        reasons.append(
            f"{multiplier} is symmetric; turned to a diagonal, the columns of {name} are {k} eigenvectors "
            f"of {matrix}{second}"
        )
        reasons.append(
            f"maximum at the {k} largest eigenvalues, minimum at the {k} smallest, saddle points for other choices"
        )
    if not plain:
        b_kind, _ = definiteness(shown(b))
        word = "is" if b_kind == "positive definite" else "must be"
        notes.append(f"{shown(b)} {word} positive definite")
    collect = Step(
        "collect terms",
        f"{kind}: collect the terms with {name}",
        equation.lhs,
        equation.rhs,
        str(equation),
        f"{equation.lhs.latex()} &= {equation.rhs.latex()}",
        sure,
    )
    told = [
        Step("second-order", kind, None, None, r, rf"& \text{{{_words(r)}}}", verdict("proved", "Courant–Fischer"))
        for r in reasons
    ]
    return Eigenproblem(
        equation,
        kind,
        tuple(reasons),
        tuple(notes),
        _points(a, b, multiplier),
        (collect, *told),
        sure,
        (matrix,) if plain else (matrix, shown(b)),
    )


def _points(a: Node, b: Node, multiplier: Expression) -> tuple[Point, ...]:
    if not is_identity(b) or multiplier.shape != ():
        return ()
    name = str(multiplier.value.name)  # type: ignore[attr-defined]
    largest = call("eigmax", shown(a))
    smallest = multiply_any(-1, call("eigmax", multiply_any(-1, shown(a))))
    return Point({name: largest}, "global maximum"), Point({name: smallest}, "global minimum")


def _value(objective: Node, v: Symbol, level: Node, multiplier: Expression) -> Expression:
    """F = ν k + f(0) for homogeneous quadratics f − f(0) and c."""
    x = leaf_of(v)
    start = substitute(objective, {x: zero(x.shape)})
    return Raising().run(total([lower(multiply_any(multiplier, Raising().run(level))), start], ()))


def _tested(
    gradient: Node, v: Symbol, nu: Any, pair: tuple[Node, Node], difference: Node, symbols: Mapping[str, Any]
) -> Verdict:
    """Eigenvectors by SciPy put into the gradient and the constraint at random data."""
    rows = [Raising(False).run(n) for n in (gradient, difference)]
    matrices = [Raising(False).run(m) for m in pair]
    table: dict[str, Any] = {}
    for e in (*rows, *matrices):
        table.update(symbol_table(e))
    table = {k: symbols.get(k, s) for k, s in table.items() if k not in (v.name, nu.name)}
    rng = np.random.default_rng(0)
    worst, done = 0.0, 0
    for _ in range(3):
        try:
            values, sizes = draw(table, rng, None)
            a, b = (prepare(m)(values, sizes) for m in matrices)
            eigenvalues, vectors = scipy.linalg.eigh(a, b)
        except (np.linalg.LinAlgError, DataError, ValueError):
            continue
        if len(v.shape) == 1:
            w, n = vectors[:, -1], eigenvalues[-1]
        else:
            k = v.shape[1] if isinstance(v.shape[1], int) else size_of(v.shape[1])(sizes)
            if k > a.shape[0]:
                continue
            w, n = vectors[:, -k:], np.diag(eigenvalues[-k:])
        here = np.asarray(prepare(rows[0])({**values, v.name: w, nu.name: n}, sizes), float)
        done += 1
        worst = max(worst, float(np.max(np.abs(here))) / max(float(np.max(np.abs(a))), 1e-12))
    if worst > TOLERANCE:
        return verdict("wrong", reason="the eigenvectors do not solve the multiplier equation")
    if not done:
        return verdict("unchecked", reason="no random point was found at which the eigenvectors exist")
    return verdict("holds", f"eigenvectors at random data solve the multiplier equation to {worst:.0e}")


def solve_eigenproblem(matrices: Sequence[Any]) -> tuple[Any, Any]:
    """Return eigenvalues in descending order and eigenvectors as columns."""
    eigenvalues, vectors = scipy.linalg.eigh(*matrices)
    order = np.argsort(eigenvalues)[::-1]
    return eigenvalues[order], vectors[:, order]
