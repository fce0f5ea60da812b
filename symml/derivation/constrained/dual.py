"""The Lagrange dual of a convex problem: the Lagrangian minimised over the variables, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import sympy as sp

from symml.calculus.construct import ein, is_zero, times, total, zero
from symml.calculus.expand import expand
from symml.calculus.nodes import Apply, Ein, Node, const, walk
from symml.calculus.proving import proved_equal
from symml.calculus.reverse import derivative
from symml.calculus.transform import substitute
from symml.checking.sampling import draw
from symml.codegen.evaluate import prepare
from symml.derivation.constrained.constraints import RELATION_TEX, Problem
from symml.derivation.curvature.convexity import affine
from symml.derivation.mappings import ByName
from symml.derivation.stationary.affine import negated
from symml.derivation.stationary.assembling import tex
from symml.derivation.stationary.conditions import of_declaration, of_roots
from symml.derivation.stationary.elimination import tidied
from symml.derivation.stationary.separating import cleared, flat_terms
from symml.derivation.stationary.solving import solve
from symml.errors import DataError, DomainError, InternalError
from symml.forms.contractions import data_first
from symml.forms.cost import cost
from symml.forms.lowering import leaf_of, lower
from symml.forms.raising import Raising
from symml.forms.textbook import present
from symml.language.expressions import Expression, Zeros
from symml.language.operators import add, as_expression, call, multiply_any, power, scalar, zeros
from symml.language.tables import symbol_table
from symml.records import Step, Verdict, verdict

SOURCE = "S. Boyd and L. Vandenberghe, Convex Optimization (2004), sections 5.1.2 and 5.2.3"
TOLERANCE = 1e-8
SQUARES = (Fraction(-1, 2), Fraction(1, 2), Fraction(-1), Fraction(1), Fraction(-1, 4))


@dataclass(frozen=True)
class Relation:
    """A relation between two expressions, such as a >= 0."""

    lhs: Expression
    sign: str
    rhs: Expression

    def __str__(self) -> str:
        body, *clause = str(self.lhs).split(", where ", 1)
        right = "0" if isinstance(self.rhs, Zeros) else str(self.rhs)
        return f"{body} {self.sign} {right}" + (f", where {clause[0]}" if clause else "")

    def latex(self) -> str:
        """Return LaTeX without delimiters."""
        right = "0" if isinstance(self.rhs, Zeros) else self.rhs.latex()
        return f"{self.lhs.latex()} {RELATION_TEX[self.sign]} {right}"

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"


@dataclass(frozen=True)
class Dual:
    """The dual problem.

    Attributes
    ----------
    expr : Expression
        The dual objective, in the multipliers.
    constraints : tuple of Relation
        On the multipliers.
    variables : mapping
        The variables of the problem in terms of the multipliers, where these determine them.
    sense : str
        maximise, or minimise for the dual of a maximum.
    strong : str
        When the optimal values of both problems agree.
    conditions : tuple of str
        What must hold for the elimination: matrices that must be invertible.
    steps : tuple of Step
    verdict : Verdict
        Of the elimination, at random data and multipliers.
    """

    expr: Expression
    constraints: tuple[Relation, ...]
    variables: Mapping[str, Expression]
    sense: str
    strong: str
    conditions: tuple[str, ...]
    steps: tuple[Step, ...]
    verdict: Verdict

    def __str__(self) -> str:
        return f"{self.sense} {self.expr} subject to {', '.join(str(c) for c in self.constraints)}"

    def latex(self) -> str:
        """Return LaTeX without delimiters."""
        word = {"maximise": r"\max", "minimise": r"\min"}[self.sense]
        rows = r",\; ".join(c.latex() for c in self.constraints)
        return rf"{word}\; {self.expr.latex()} \quad \text{{subject to}} \quad {rows}"

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"


def dual_of(problem: Problem, which: str) -> Dual | None:
    """Return the dual of a convex problem, or None where a variable cannot be eliminated in closed form."""
    node = lower(problem.lagrangian)
    equations: list[tuple[Any, Node]] = []
    solved: list[tuple[Any, Node]] = []
    waiting = list(problem.variables)
    while waiting:
        found = _eliminated(node, waiting)
        if found is None:
            return None
        v, root, equation = found
        x = leaf_of(v)
        waiting = [u for u in waiting if u is not v]
        if root is None:
            equations.append((v, equation))
            node = substitute(node, {x: zero(x.shape) if x.shape else const(0)})
            continue
        swap: dict[Node, Node] = {x: root}
        solved = [(u, substitute(e, swap)) for u, e in solved] + [(v, root)]
        equations = [(u, substitute(e, swap)) for u, e in equations]
        node = substitute(node, swap)
    sure = _tested(problem, node, solved, equations)
    return _told(problem, node, solved, equations, which, sure)


def _eliminated(node: Node, waiting: Sequence[Any]) -> tuple[Any, Node | None, Node] | None:
    """The next variable: one with a closed form for the minimum, or one in which the Lagrangian is linear."""
    own = {leaf_of(v) for v in waiting}
    for v in waiting:
        x = leaf_of(v)
        gradient = tidied(derivative(node, x), v)
        if x not in gradient.leaves and not gradient.leaves & own:
            return v, None, gradient
    for v in waiting:
        x = leaf_of(v)
        gradient = tidied(derivative(node, x), v)
        if x not in gradient.leaves:
            continue
        found = solve(gradient, v)
        if found is None or len(found.roots) != 1 or not found.complete or of_declaration(found.roots, v):
            continue  # outside the declared range the minimum is not where the gradient is zero
        if any(isinstance(n, Apply) and n.op == "map" and n.param == "sign" for n in walk(found.roots[0])):
            continue  # roots of odd degree: the dual would be harder to read than the problem
        return v, found.roots[0], gradient
    return None


def _told(
    problem: Problem,
    node: Node,
    solved: Sequence[tuple[Any, Node]],
    equations: Sequence[tuple[Any, Node]],
    which: str,
    sure: Verdict,
) -> Dual:
    expr = _shortest(node, [e for _, e in solved], problem)
    tied = [(v, _relation(e, problem)) for v, e in equations if not is_zero(e)]
    rows = [(v, cleared(e)) for v, e in equations if not is_zero(e)]
    slack = _slacks(problem, rows, [node, *(e for _, e in solved)])
    on_multipliers = [slack[v.name][1] if v.name in slack else r for v, r in tied]
    for c in problem.constraints:
        nu = as_expression(c.multiplier)
        if not c.equality and not any(c.multiplier is m for m, _ in slack.values()):
            on_multipliers.append(Relation(nu, ">=", zeros(*nu.shape) if nu.shape else scalar(0)))
    variables = {v.name: present(e, problem.taken) for v, e in solved}
    sense = "maximise" if which == "minimum" else "minimise"
    steps = [*_eliminations(variables, solved, tied, slack, which, sure)]
    label = "put back: the dual objective"
    steps.append(Step("dual", label, problem.lagrangian, expr, f"q = {expr}", f"q &= {expr.latex()}", sure))
    strong = _strong(problem)
    text = f"{sense} q subject to {', '.join(str(r) for r in on_multipliers)}"
    conditions = r",\; ".join(r.latex() for r in on_multipliers)
    slater = verdict("proved", f"Slater's condition; {SOURCE}")
    steps.append(Step("dual", strong, None, None, text, f"& {conditions}", slater))
    notes = tuple(dict.fromkeys(n for v, e in solved for n in of_roots([e], v)))
    return Dual(expr, tuple(on_multipliers), ByName(variables), sense, strong, notes, tuple(steps), sure)


def _eliminations(
    variables: Mapping[str, Expression],
    solved: Sequence[tuple[Any, Node]],
    tied: Sequence[tuple[Any, Relation]],
    slack: Mapping[str, tuple[Any, Relation]],
    which: str,
    sure: Verdict,
) -> Iterator[Step]:
    """How each variable left the Lagrangian."""
    lowest = "minimised" if which == "minimum" else "maximised"
    for v, _ in solved:
        value = variables[v.name]
        statement = f"the Lagrangian is {lowest} over {as_expression(v)} where its gradient is zero"
        latex = f"{tex(v)} &= {value.latex()}"
        yield Step("dual", statement, as_expression(v), value, f"{as_expression(v)} = {value}", latex, sure)
    bounded = "bounded below" if which == "minimum" else "bounded above"
    for v, r in tied:
        statement = f"the Lagrangian is linear in {as_expression(v)}: it is {bounded} only if its slope is zero"
        yield Step("dual", statement, r.lhs, r.rhs, str(r), r.latex().replace("=", "&=", 1), sure)
        if v.name in slack:
            m, left = slack[v.name]
            statement = f"{as_expression(m)} >= 0 stands nowhere else: it is the slack of an inequality"
            latex = left.latex().replace(RELATION_TEX[left.sign], "&" + RELATION_TEX[left.sign], 1)
            yield Step("dual", statement, left.lhs, left.rhs, str(left), latex, sure)


def _slacks(
    problem: Problem, rows: Sequence[tuple[Any, Node]], others: Sequence[Node]
) -> dict[str, tuple[Any, Relation]]:
    """Multipliers m >= 0 that stand in one equation R ± m = 0 alone: R <= 0 or R >= 0 says the same without m."""
    found: dict[str, tuple[Any, Relation]] = {}
    for v, row in rows:
        for c in problem.constraints:
            m = leaf_of(c.multiplier)
            elsewhere = any(m in n.leaves for n in (*others, *(e for u, e in rows if u is not v)))
            if c.equality or m not in row.leaves or elsewhere or v.name in found:
                continue
            rest = substitute(row, {m: zero(m.shape) if m.shape else const(0)})
            sign = next((s for s in (1, -1) if proved_equal(row, total([rest, times(s, m)], row.shape))), 0)
            if sign and not is_zero(rest):
                found[v.name] = c.multiplier, _inequality(times(-sign, rest), problem)
    return found


def _inequality(node: Node, problem: Problem) -> Relation:
    """The relation node >= 0 with the terms that have a minus on the left: a <= C."""
    terms = flat_terms(node)
    minus = [t for t in terms if isinstance(t, Ein) and t.coefficient < 0]
    above = total([t for t in terms if t not in minus], node.shape)
    nothing = zeros(*node.shape) if node.shape else scalar(0)
    right = present(above, problem.taken) if len(minus) < len(terms) else nothing
    if not minus:
        return Relation(right, ">=", nothing)
    return Relation(present(times(-1, total(minus, node.shape)), problem.taken), "<=", right)


def _shortest(node: Node, roots: Sequence[Node], problem: Problem) -> Expression:
    """The dual objective as it prints shortest: as it is, multiplied out, or with a square ‖w‖² of a variable."""
    spread = expand(node)
    candidates = [present(node, problem.taken), present(spread, problem.taken)]
    if len(roots) == 1:
        candidates += [present(n, problem.taken) for n in _half(problem, roots[0])]
    for root in roots:
        square = _squared(root)
        for number in SQUARES:
            rest = expand(total([spread, times(-number, square)], ()))
            if len(flat_terms(rest)) < len(flat_terms(spread)):
                norm = power(call("norm", present(root, problem.taken)), 2)
                candidates.append(add(present(rest, problem.taken), multiply_any(sp.Rational(number), norm)))
    return data_first(min(candidates, key=cost), [c.multiplier for c in problem.constraints])


def _half(problem: Problem, root: Node) -> list[Node]:
    """The value L(0) + ½ ⟨∇L(0), x⟩ of a quadratic L at the x at which its gradient is zero, with either sign of ∇L."""
    node, own = lower(problem.lagrangian), [leaf_of(v) for v in problem.variables]
    moving = [x for x in own if derivative(derivative(node, x), x).leaves]
    if len(moving) != 1 or moving[0].shape != root.shape or not affine(derivative(node, moving[0]), own):
        return []
    start: dict[Node, Node] = {x: zero(x.shape) if x.shape else const(0) for x in own}
    slope, axes = substitute(derivative(node, moving[0]), start), tuple(range(len(root.shape)))
    return [
        total([substitute(node, start), ein(q, [(g, axes), (root, axes)], (), dict(enumerate(root.shape)))], ())
        for q, g in ((Fraction(1, 2), slope), (Fraction(-1, 2), negated(slope)))
    ]


def _squared(root: Node) -> Node:
    axes = tuple(range(len(root.shape)))
    return ein(1, [(root, axes), (root, axes)], (), dict(enumerate(root.shape)))


def _relation(equation: Node, problem: Problem) -> Relation:
    plain = cleared(equation)
    turned = all(isinstance(t, Ein) and t.coefficient < 0 for t in flat_terms(plain))
    e = present(times(-1, plain) if turned else plain, problem.taken)
    e = data_first(e, [c.multiplier for c in problem.constraints])
    return Relation(e, "=", zeros(*e.shape) if e.shape else scalar(0))


def _strong(problem: Problem) -> str:
    own = [leaf_of(v) for v in problem.variables]
    if all(affine(lower(c.difference), own) for c in problem.constraints):
        return "the constraints are affine: both problems have the same optimal value wherever a feasible point exists"
    return "both problems have the same optimal value if some point satisfies the inequalities strictly"


def _tested(
    problem: Problem, node: Node, solved: Sequence[tuple[Any, Node]], equations: Sequence[tuple[Any, Node]]
) -> Verdict:
    """The Lagrangian at the values found is the dual objective plus slope times variable for those that dropped out."""
    lagrangian, dual = (Raising(False).run(n) for n in (lower(problem.lagrangian), node))
    answers = [(v, Raising(False).run(e)) for v, e in solved]
    slopes = [(v, Raising(False).run(e)) for v, e in equations]
    gradients = [Raising(False).run(g) for v, g in problem.gradients if any(v is u for u, _ in solved)]
    table: dict[str, Any] = {v.name: v for v in (*problem.variables, *(c.multiplier for c in problem.constraints))}
    for e in (lagrangian, dual, *gradients, *(e for _, e in (*answers, *slopes))):
        table.update({k: problem.symbols.get(k, s) for k, s in symbol_table(e).items() if k not in table})
    rng = np.random.default_rng(0)
    worst, done = 0.0, 0
    for _ in range(8):
        try:
            with np.errstate(all="ignore"):
                values, sizes = draw(table, rng, None)
                at = {**values, **{v.name: prepare(e)(values, sizes) for v, e in answers}}
                left, right = (float(prepare(e)(at, sizes)) for e in (lagrangian, dual))
                right += sum(float(np.sum(prepare(e)(at, sizes) * np.asarray(at[v.name]))) for v, e in slopes)
                steep = [float(np.max(np.abs(prepare(g)(at, sizes)), initial=0.0)) for g in gradients]
        except (DataError, DomainError, ValueError, np.linalg.LinAlgError):
            continue
        if not (np.isfinite(left) and np.isfinite(right)):
            continue
        scale = max(1.0, abs(left), *(float(np.max(np.abs(a), initial=0.0)) for a in at.values()))
        worst = max(worst, abs(left - right) / scale, *(g / scale for g in steep))
        done += 1
        if done == 3:
            break
    if not done:
        return verdict("unchecked", reason="no random multipliers were found at which the dual objective exists")
    if worst > TOLERANCE:
        raise InternalError(f"the dual objective {dual} failed its own check: relative error {worst:.1e}")
    return verdict("holds", f"equal to the Lagrangian at {done} random data sets and multipliers to {worst:.0e}")
