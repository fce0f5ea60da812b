"""A problem brought into an easier form with the same solutions: its objective on the constraint, a quotient."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sympy as sp

from symml.calculus.construct import base_and_exponent, dimension, ein, total, zero
from symml.calculus.expand import expand
from symml.calculus.nodes import Ein, Leaf, Node, const
from symml.calculus.reverse import derivative
from symml.calculus.transform import substitute
from symml.derivation.constrained.constraints import Constraint, Problem, pose
from symml.derivation.curvature.convexity import affine
from symml.derivation.stationary.separating import flat_terms
from symml.forms.lowering import leaf_of, lower
from symml.forms.textbook import present
from symml.language.expressions import Symbol
from symml.language.names import canonical
from symml.language.operators import eye, multiply_any, scalar, subtract, symbol, transpose
from symml.records import Step, verdict

if TYPE_CHECKING:
    from symml.derivation.derivation import Derivation


def on_the_constraint(problem: Problem) -> tuple[Problem, list[Step]]:
    """Return the problem with its objective simplified by X' X = I or w' w = 1, and the step that says so.

    ‖A Q − B‖² is linear on the orthogonal matrices, ‖X − X W Wᵀ‖² quadratic on those with orthonormal columns.
    """
    if len(problem.variables) != 1 or len(problem.constraints) != 1 or not isinstance(problem.variables[0], Symbol):
        return problem, []
    (v,), (c,) = problem.variables, problem.constraints
    fact = orthonormal(lower(c.difference), v)
    if not fact:
        return problem, []
    x, objective = leaf_of(v), lower(problem.objective)
    before = _degree(objective, x)
    if before == 1 or (before == 2 and len(v.shape) == 1):
        return problem, []
    node = _simplified(objective, v, fact)
    if _degree(node, x) >= before:
        return problem, []
    objective_there = present(node, problem.taken)
    easier = pose(problem.derivation, problem.variables, objective_there, [c], problem.taken, problem.symbols)
    told = Step(
        "constraint",
        f"where {c} holds, the objective is",
        problem.objective,
        objective_there,
        f"f = {objective_there}",
        f"f &= {objective_there.latex()}",
        verdict("proved", f"multiplied out; {c}"),
    )
    return replace(easier, original=problem.objective), [told]


def turned(problem: Problem) -> Problem:
    """Return the problem with its multiplier added in the Lagrangian, not subtracted."""
    constraints = [replace(c, sign=-c.sign) for c in problem.constraints]
    return pose(problem.derivation, problem.variables, problem.objective, constraints, problem.taken, problem.symbols)


def orthonormal(difference: Node, v: Symbol) -> str:
    """Return what a constraint says of a variable, in the words of a declaration: orthogonal, unit norm, ..."""
    if len(v.shape) == 1:
        unit = lower(subtract(multiply_any(transpose(v), v), scalar(1)))
        return "unit norm" if difference.digest == unit.digest else ""
    if len(v.shape) != 2:
        return ""
    for product in ((transpose(v), v), (v, transpose(v))):
        whole = multiply_any(*product)
        if lower(subtract(whole, eye(whole.shape[0]))).digest == difference.digest:
            if v.shape[0] == v.shape[1]:
                return "orthogonal"
            return "orthonormal columns" if product[1] is v else ""
    return ""


def _simplified(objective: Node, v: Symbol, fact: str) -> Node:
    x = leaf_of(v)
    if fact == "unit norm":
        return _without_squares(expand(objective), x, const(1))
    tied = leaf_of(symbol(v.name, v.shape, v.facts | {fact}, v.domain))
    there = expand(substitute(objective, {x: tied}))
    return substitute(_without_squares(there, tied, dimension(v.shape[1])), {tied: x})


def _without_squares(node: Node, x: Leaf, amount: Node) -> Node:
    """Put in the sum of the squares of all entries of x: 1, or the number of columns."""
    terms = [_without_square(t, x, amount) for t in flat_terms(node)]
    return total(terms, node.shape)


def _without_square(term: Node, x: Leaf, amount: Node) -> Node:
    if not isinstance(term, Ein):
        return term
    kept: list[Any] = []
    for f, idx in term.factors:
        base, q = base_and_exponent(f)
        alone = all(sum(i in other for _, other in term.factors) == 1 and i not in term.out for i in idx)
        kept.append((amount, ()) if base is x and q == 2 and idx and alone else (f, idx))
    used = {i for _, idx in kept for i in idx} | set(term.out)
    return ein(term.coefficient, kept, term.out, {i: term.sizes[i] for i in used})


def _degree(node: Node, x: Leaf) -> int:
    """1 for an affine function, 2 for a quadratic, 3 for all others."""
    if affine(node, [x]):
        return 1
    return 2 if affine(derivative(node, x), [x]) else 3


# -- quotients ----------------------------------------------------------------------------------------------------
def quotient(derivation: Derivation) -> tuple[Problem, list[Step]] | None:
    """Return a quotient of quadratic forms as a problem: the numerator where the denominator is 1."""
    if len(derivation.wrt) != 1 or not isinstance(derivation.wrt[0], Symbol) or len(derivation.wrt[0].shape) != 1:
        return None
    (v,) = derivation.wrt
    parts = _fraction(derivation._node, leaf_of(v))
    if parts is None:
        return None
    above, below = parts
    top, bottom = present(above, derivation._taken), present(below, derivation._taken)
    symbols = dict(derivation.source.symbols)
    name = next(n for n in ("nu", *(f"nu{k}" for k in range(1, 100))) if canonical(n) not in derivation._taken)
    nu = sp.Symbol(name, real=True)
    constraint = Constraint(bottom, scalar(1), subtract(bottom, scalar(1)), nu)
    taken = (*derivation._taken, name)
    problem = pose(derivation, (v,), top, [constraint], taken, symbols)
    told = Step(
        "homogeneous quotient",
        f"the quotient does not change when {v} is scaled: the denominator may be set to 1",
        derivation.objective,
        top,
        f"f = {top} where {constraint}",
        rf"f &= {top.latex()} \quad \text{{where}} \quad {constraint.latex()}",
        verdict("proved", "numerator and denominator are quadratic forms"),
    )
    return problem, [told]


def _fraction(node: Node, x: Leaf) -> tuple[Node, Node] | None:
    if not isinstance(node, Ein) or node.shape != ():
        return None
    below = [f for f, idx in node.factors if x in f.leaves and idx == () and base_and_exponent(f)[1] == -1]
    if len(below) != 1:
        return None
    under = base_and_exponent(below[0])[0]
    sizes = dict(enumerate(node.sizes))
    above = ein(node.coefficient, [(f, idx) for f, idx in node.factors if f is not below[0]], (), sizes)
    return (above, under) if all(_quadratic_form(q, x) for q in (above, under)) else None


def _quadratic_form(node: Node, x: Leaf) -> bool:
    slope = derivative(node, x)
    return (
        x in node.leaves
        and affine(slope, [x])
        and all(t.digest == zero(t.shape).digest for t in (substitute(n, {x: zero(x.shape)}) for n in (node, slope)))
    )
