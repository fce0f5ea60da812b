"""The solution of a matrix equation E(X) = 0: affine, through the inverse, quadratic, or entry by entry.

Every answer is substituted back into the equation before it is shown; that happens in `trials`, not here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import sympy as sp

from symml.calculus.construct import (
    DIMENSION_FACTS,
    base_and_exponent,
    broadcast,
    ein,
    operator,
    total,
    transposed,
    zero,
)
from symml.calculus.nodes import Apply, Ein, Indices, Leaf, Node, leaf, walk
from symml.calculus.transform import substitute
from symml.codegen.structure import definiteness
from symml.derivation.stationary.affine import collected
from symml.derivation.stationary.conditions import of_divisor
from symml.derivation.stationary.equations import Equation, Solution, inverse, shown
from symml.derivation.stationary.indirect import around, least_norm
from symml.derivation.stationary.matrix_linear import at_once, row_by_row, two_sided
from symml.derivation.stationary.matrix_quadratic import quadratic
from symml.derivation.stationary.roots import Reading, linear_system, roots_of, unknown_for
from symml.derivation.stationary.separating import chain, cleared, diagonal, divided, expand_in, flat_terms
from symml.forms.lowering import leaf_of
from symml.forms.scalars import lower_scalar
from symml.language.expressions import Expression, Symbol
from symml.language.operators import as_expression, multiply_any, power, scalar, zeros


def solve(equation: Node, v: Any, taken: Sequence[str] = ()) -> Solution | None:
    """Return the solution of `equation` = 0 for v, or None when no method applies."""
    x = leaf_of(v)
    known = equation.memo.setdefault("solutions", {})  # one system asks for the same solution several times
    if x.digest not in known:
        plain, notes = _without_lengths(cleared(equation), x)
        methods = _METHODS.get(len(x.shape), (_entrywise,))
        found = (method(plain, v, x, as_expression(v)) for method in methods)
        first = next((s for s in found if s is not None), None)
        known[x.digest] = replace(first, notes=(*first.notes, *notes)) if first is not None and notes else first
    solution: Solution | None = known[x.digest]
    return solution


def _without_lengths(equation: Node, x: Leaf) -> tuple[Node, list[str]]:
    """The equation without scalars 1/‖…‖ that hold the unknown and stand in every term: they are never zero."""
    terms = flat_terms(equation)
    if not x.shape or not all(isinstance(t, Ein) for t in terms):
        return equation, []
    below = [{f.digest: f for f, idx in t.factors if _divides(f, idx, x)} for t in terms]  # type: ignore[attr-defined]
    common = [f for digest, f in below[0].items() if all(digest in b for b in below[1:])]
    if not common:
        return equation, []
    plain = total([divided(t, [(base, q) for base, q in map(base_and_exponent, common)]) for t in terms], x.shape)
    if x not in plain.leaves:
        return equation, []
    return cleared(plain), [note for f in common for note in of_divisor(base_and_exponent(f)[0])]


def _divides(f: Node, idx: Indices, x: Leaf) -> bool:
    return idx == () and x in f.leaves and base_and_exponent(f)[1] < 0


# -- affine -------------------------------------------------------------------------------------------------------
def _affine(equation: Node, v: Any, x: Leaf, name: Expression) -> Solution | None:
    parted = collected(equation, x)
    if parted is None:
        return None
    return (_vector if len(x.shape) == 1 else two_sided)(*parted, v, x, name)


def _vector(jacobian: Node, target: Node, v: Any, x: Leaf, name: Expression) -> Solution:
    root = chain(inverse(jacobian), target)
    matrix = shown(jacobian)
    entries = diagonal(jacobian)
    left = multiply_any(matrix, name)
    if entries is not None:
        left = shown(ein(1, [(entries, (0,)), (x, (0,))], (0,), {0: x.shape[0]}))
    return Solution(v, Equation(left, shown(target)), (root,), "affine", parts=(matrix,))


# -- through the inverse ------------------------------------------------------------------------------------------
def _through_inverse(equation: Node, v: Symbol, x: Leaf, name: Expression) -> Solution | None:
    """X occurs only as X⁻¹: the equation is affine in Y = X⁻¹."""
    if x.shape[0] != x.shape[1] or x not in equation.leaves:
        return None
    inverted = operator("inv", (x,), x.shape)
    y = leaf(power(v, -1), f"{v.name} inverse", x.shape, x.facts - DIMENSION_FACTS)
    moved = substitute(equation, {inverted: y})
    if x in moved.leaves or y not in moved.leaves:
        return None
    found = _affine(moved, v, y, power(v, -1))
    if found is None or not found.roots:
        return None
    roots = tuple(operator("inv", (r,), r.shape) for r in found.roots)
    return replace(found, roots=roots, method="inverse")


def _multiplied(equation: Node, v: Symbol, x: Leaf, name: Expression) -> Solution | None:
    """Multiply by X left, right or on both sides until no inverse is left."""
    if not any(isinstance(n, Apply) and n.op == "inv" and n.children[0] is x for n in walk(equation)):
        return None
    terms = flat_terms(expand_in(equation, x))
    turned = [x] if "symmetric" in x.facts else [x, transposed(x)]
    trials = []
    for m in turned:
        for before, after in (((m,), ()), ((), (m,)), ((m,), (m,))):
            trials.append(cleared(total([chain(*before, t, *after) for t in terms], equation.shape)))
    for method in (_affine, _through_inverse):
        for trial in trials:
            found = method(trial, v, x, name)
            if found is not None and found.roots:
                return replace(found, method="multiplied")
    return None


# -- entry by entry -----------------------------------------------------------------------------------------------
def _entrywise(equation: Node, v: Any, x: Leaf, name: Expression) -> Solution | None:
    unknown = unknown_for(v)
    found = roots_of(equation, x, unknown)
    if found is None:
        return None
    roots, reading, complete, value = found
    return Solution(v, _scalar_equation(value, reading), tuple(roots), "entrywise", complete=complete, reading=reading)


def _scalar_equation(value: sp.Expr, reading: Reading) -> Equation:
    """The equation with the denominators multiplied out, terms with the unknowns on the left."""
    unknowns = list(reading.known.values())
    top = sp.numer(sp.together(value))
    if top.is_polynomial(*unknowns):
        top = sp.collect(sp.expand(top), unknowns)
        if sp.LC(top, *unknowns).could_extract_minus_sign():
            top = sp.collect(sp.expand(-top), unknowns)
    else:
        top = value
    terms = sp.Add.make_args(top.as_content_primitive()[1] if top.is_polynomial(*unknowns) else top)
    moving = sp.Add(*(t for t in terms if t.has(*unknowns)))
    still = sp.Add(*(-t for t in terms if not t.has(*unknowns)))
    return Equation(_restored(moving, reading), _restored(still, reading))


def solve_scalars(equations: Sequence[tuple[Any, Node]]) -> list[Solution] | None:
    """Return the solutions of several scalars whose equations are linear in all of them."""
    found = linear_system(equations)
    if found is None:
        return None
    nodes, values, reading = found
    return [
        Solution(v, _scalar_equation(value, reading), (nodes[v],), "system")
        for (v, _), value in zip(equations, values, strict=True)
    ]


def _restored(value: sp.Expr, reading: Reading) -> Expression:
    env = {s: n for s, n in {**reading.data, **{s: n for n, s in reading.known.items()}}.items() if value.has(s)}
    if not any(s in reading.data for s in env) and not reading.shape:
        return scalar(value)
    node = lower_scalar(value, env)
    return shown(node if node.shape == reading.shape else broadcast(node, reading.shape))


def _homogeneous(equation: Node, v: Any, x: Leaf, name: Expression) -> Solution | None:
    """M x = 0 with M definite for every x: x is zero."""
    if not isinstance(equation, Ein) or equation.shape != x.shape:
        return None
    own = [k for k, (f, _) in enumerate(equation.factors) if f is x]
    if len(own) != 1 or equation.factors[own[0]][1] == equation.out:
        return None
    (end,) = equation.factors[own[0]][1]
    rest = [pair for k, pair in enumerate(equation.factors) if k != own[0]]
    if equation.out[0] == end or not all({*equation.out, end} & set(idx) or not idx for _, idx in rest):
        return None
    matrix = ein(equation.coefficient, rest, (equation.out[0], end), dict(enumerate(equation.sizes)))
    if not definiteness(shown(matrix))[0].endswith(" definite"):
        return None
    return Solution(v, Equation(shown(equation), zeros(*x.shape)), (zero(x.shape),), "homogeneous")


def _around(equation: Node, v: Symbol, x: Leaf, name: Expression) -> Solution | None:
    return around(equation, v, x, solve)


Method = Callable[[Node, Any, Leaf, Expression], Solution | None]
_METHODS: dict[int, tuple[Method, ...]] = {
    0: (_entrywise,),
    1: (least_norm, _affine, _entrywise, _homogeneous),
    2: (least_norm, _affine, _through_inverse, _multiplied, _entrywise, quadratic, _around, row_by_row, at_once),
}
