"""Several equations in several unknowns: solve one, put it into the others, go on; then put everything back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from symml.calculus.construct import is_symmetric, is_zero, times, total, transposed
from symml.calculus.nodes import Apply, Node, walk
from symml.calculus.transform import substitute
from symml.derivation.stationary.affine import is_linear
from symml.derivation.stationary.equations import Solution, shown
from symml.derivation.stationary.recognising import recognised
from symml.derivation.stationary.separating import cleared, flat_terms
from symml.derivation.stationary.solving import solve, solve_scalars
from symml.errors import NoClosedFormError, NotSupportedError
from symml.forms.cost import cost
from symml.forms.lowering import leaf_of
from symml.forms.textbook import present
from symml.language.expressions import Expression, Symbol
from symml.language.operators import as_expression, symbol


@dataclass(frozen=True)
class Stage:
    """One equation as it was solved: for `variable`, with the variables solved before put in."""

    variable: Any
    equation: Node
    solution: Solution
    root: Node | None


Branch = tuple[Stage, ...]


def eliminate(equations: Sequence[tuple[Any, Node]], taken: Sequence[str]) -> list[Branch]:
    """Return the solutions of a system, each as the stages by which it was found.

    Parameters
    ----------
    equations : sequence of (variable, Node)
        An equation and the variable it is solved for if possible.

    Raises
    ------
    NoClosedFormError
        If no equation left has a closed form; names it.
    """
    system = _scalars(equations)
    if system is not None:
        return [system]
    waiting: list[tuple[Branch, list[tuple[Any, Node]]]] = [((), list(equations))]
    done: list[Branch] = []
    while waiting:
        branch, left = waiting.pop(0)
        if not left:
            done.append(branch)
            continue
        together = _scalars(left) if branch else None
        if together is not None:
            done.append((*branch, *together))
            continue
        v, equation, found = _next(left, taken, branch)
        rest = [(u, e) for u, e in left if u is not v]
        if not found.roots:
            done.append((*branch, Stage(v, equation, found, None)))
            continue
        for root in found.roots:
            swap: dict[Node, Node] = {leaf_of(v): root}
            moved = [(u, substitute(e, swap)) for u, e in rest]
            waiting.append(((*branch, Stage(v, equation, found, root)), moved))
    return done


def _scalars(equations: Sequence[tuple[Any, Node]]) -> Branch | None:
    """The solution of several equations linear in as many scalars, all at once."""
    if len(equations) < 2 or any(isinstance(v, Symbol) for v, _ in equations):
        return None
    system = solve_scalars(equations)
    if system is None:
        return None
    return tuple(Stage(s.variable, e, s, s.roots[0]) for s, (_, e) in zip(system, equations, strict=True))


def eliminate_partly(
    equations: Sequence[tuple[Any, Node]], taken: Sequence[str]
) -> tuple[Branch, list[tuple[Any, Node]]]:
    """Return the stages solved one after the other, each with a single root, and the equations left."""
    branch: Branch = ()
    left = list(equations)
    while left:
        try:
            v, equation, found = _next(left, taken, branch)
        except NoClosedFormError:
            break
        if len(found.roots) != 1:
            break
        (root,) = found.roots
        swap: dict[Node, Node] = {leaf_of(v): root}
        left = [(u, substitute(e, swap)) for u, e in left if u is not v]
        branch = (*branch, Stage(v, equation, found, root))
    return branch, left


def _next(left: Sequence[tuple[Any, Node]], taken: Sequence[str], solved: Branch) -> tuple[Any, Node, Solution]:
    """The equation to solve first: one whose answer holds no other unknown, else a single root, the shortest."""
    unknowns = [leaf_of(v) for v, _ in left]
    options: list[Any] = []
    for v, equation in left:
        if leaf_of(v) not in equation.leaves:
            continue
        found = solve(equation, v, taken)
        if found is None or (not found.roots and len(left) > 1):
            continue
        free = not any(u in r.leaves for r in found.roots for u in unknowns)
        length = sum(cost(shown(r)) for r in found.roots)
        inverses = sum(1 for n in walk(*found.roots) if isinstance(n, Apply) and n.op == "inv")
        options.append((not free, len(found.roots), inverses, length, len(options), v, equation, found))
        if free and len(found.roots) == 1:
            break
    if not options:
        crossed = _crossed(left, taken)
        if crossed is not None:
            return crossed
        raise NoClosedFormError(_left_over(left, taken, solved))
    *_, v, equation, found = min(options, key=lambda o: o[:5])
    return v, equation, found


def _crossed(left: Sequence[tuple[Any, Node]], taken: Sequence[str]) -> tuple[Any, Node, Solution] | None:
    """An equation solved for the unknown of another one; the two change places in `left`."""
    assert isinstance(left, list)
    for i, (v, equation) in enumerate(left):
        for j, (u, other) in enumerate(left):
            if i == j or leaf_of(u) not in equation.leaves or leaf_of(u).shape != equation.shape:
                continue
            found = solve(equation, u, taken)
            if found is not None and found.roots:
                left[i], left[j] = (v, other), (u, equation)
                return u, equation, found
    return None


def _left_over(left: Sequence[tuple[Any, Node]], taken: Sequence[str], solved: Branch) -> str:
    v, equation = left[0]
    if all(leaf_of(u) not in e.leaves for u, e in left):
        return _constant(v, equation, taken, solved)
    for u, e in left:
        if leaf_of(u) in e.leaves:
            v, equation = u, e
            break
    name = as_expression(v)
    end = f" has no closed form for {name}"
    if is_linear(equation, v):
        end = f" is linear in {name}, but no matrix formula solves it: it is a linear system for vec({name})"
    elif _solved_when_definite(v, equation):
        shape = " x ".join(map(str, v.shape))
        end += f'; it has one where {name} is positive definite, declared "{v.name}: {shape} spd"'
    try:
        text = is_zero_text(present(cleared(equation), taken), end)
    except NotSupportedError:
        text = f"the equation for {name}{end}"
    known = [f"{as_expression(s.variable)} = {present(s.root, taken)}" for s in solved if s.root is not None]
    first = f"given the others, {', '.join(known)}; put in, " if known else ""
    return f"{first}{text}; call .fit(...) for numbers"


def _solved_when_definite(v: Any, equation: Node) -> bool:
    """Whether an equation for a square matrix has a closed form once that is declared positive definite."""
    if not isinstance(v, Symbol) or len(v.shape) != 2 or v.shape[0] != v.shape[1] or "spd" in v.facts:
        return False
    definite = symbol(v.name, v.shape, ["spd"])
    found = solve(substitute(equation, {leaf_of(v): leaf_of(definite)}), definite)
    return found is not None and bool(found.roots)


def is_zero_text(e: Expression, after: str = "") -> str:
    """Return "e = 0" and what comes after it, before a `where` clause if e has one."""
    body, *clause = str(e).split(", where ", 1)
    return f"{body} = 0{after}" + (f", where {clause[0]}" if clause else "")


def _constant(v: Any, equation: Node, taken: Sequence[str], solved: Branch) -> str:
    if is_zero(equation):
        return f"the gradient by {as_expression(v)} is zero everywhere: every {as_expression(v)} is stationary"
    known = [f"{as_expression(s.variable)} = {present(s.root, taken)}" for s in solved if s.root is not None]
    if known:
        return (
            f"given the others, {', '.join(known)}; put in, {present(equation, taken)} = 0 is left, which is never "
            "true: a solution can exist only where a matrix that was inverted is singular"
        )
    return (
        f"the gradient {present(equation, taken)} does not depend on {as_expression(v)}: there is no stationary point"
    )


def answers(branch: Branch) -> list[tuple[Any, Node]]:
    """Return every variable with its value in data alone."""
    known: dict[Node, Node] = {}
    found: list[tuple[Any, Node]] = []
    for stage in reversed(branch):
        if stage.root is None:
            continue
        value = stage.root
        if value.leaves & known.keys():
            value = recognised(substitute(value, known))
        known[leaf_of(stage.variable)] = value
        found.append((stage.variable, value))
    return found[::-1]


def tidied(gradient: Node, v: Any) -> Node:
    """Return the gradient along what may vary: its symmetric part for a symmetric variable."""
    if isinstance(v, Symbol) and "symmetric" in v.facts and not is_symmetric(gradient):
        terms = [gradient, transposed(gradient)]
        return total([times(Fraction(1, 2), t) for both in terms for t in flat_terms(both)], gradient.shape)
    return gradient
