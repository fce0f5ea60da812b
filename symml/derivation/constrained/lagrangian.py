"""The first steps of a problem with constraints: these, the Lagrangian, its gradients set to zero."""

from __future__ import annotations

from symml.derivation.constrained.constraints import Constraint, Problem
from symml.derivation.stationary.assembling import tex
from symml.derivation.stationary.elimination import is_zero_text
from symml.forms.textbook import present
from symml.language.expressions import Add, Expression, Mul, Symbol, Zeros
from symml.language.operators import as_expression, scalar, transpose
from symml.records import Step, verdict


def opening_steps(problem: Problem) -> list[Step]:
    """Return the constraints, the Lagrangian and its gradients set to zero."""
    steps = [
        Step(
            "constraint",
            "the constraint, both sides squared" if c.squared else "the constraint",
            c.left,
            c.right,
            str(c),
            c.latex().replace("=", "&=", 1),
            verdict("proved", "given"),
        )
        for c in problem.constraints
    ]
    terms = [(" + " if c.sign < 0 else " − ") + _product(c) for c in problem.constraints]
    steps.append(
        Step(
            "lagrangian",
            _statement(problem),
            problem.objective,
            problem.lagrangian,
            f"L = {problem.objective}{''.join(terms)}",
            f"L &= {problem.lagrangian.latex()}",
            verdict("proved", "by definition"),
        )
    )
    for v, g in problem.gradients:
        e = present(g, problem.taken)
        name = as_expression(v)
        steps.append(
            Step(
                "gradient set to zero",
                "at a constrained stationary point the gradient of the Lagrangian is zero",
                e,
                None,
                f"∂L/∂{name} = {is_zero_text(e)}",
                rf"\frac{{\partial L}}{{\partial {tex(v)}}} &= {e.latex()} = 0",
                verdict("holds", "differentiated by the rules of the calculus"),
            )
        )
    return steps


def _statement(problem: Problem) -> str:
    names = ", ".join(str(as_expression(c.multiplier)) for c in problem.constraints)
    which = "each constraint" if len(problem.constraints) > 1 else "the constraint"
    if all(c.equality for c in problem.constraints):
        verb = "add" if all(c.sign < 0 for c in problem.constraints) else "subtract"
        return f"{verb} {which} times its multiplier {names}"
    return f"{which} times its multiplier {names}; those of inequalities are never negative"


def _product(c: Constraint) -> str:
    nu = as_expression(c.multiplier)
    zero = isinstance(c.right, Zeros) or c.right == scalar(0)
    inner = str(c.left) if zero else f"{c.left} − {_bracketed(c.right)}"
    if zero and isinstance(c.left, (Symbol, Mul)) and len(c.left.shape) < 2:
        return f"{nu if nu.shape == () else transpose(nu)} {inner}"
    if nu.shape == ():
        return f"{nu} ({inner})"
    turned = nu if isinstance(nu, Symbol) and "symmetric" in nu.facts else transpose(nu)
    return f"{turned} ({inner})" if len(nu.shape) == 1 else f"tr({turned} ({inner}))"


def _bracketed(e: Expression) -> str:
    return f"({e})" if isinstance(e, Add) else str(e)
