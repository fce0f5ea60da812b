"""Equations solved by a detour: first for a matrix around the unknown, or with an injective factor cancelled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symml.calculus.construct import ein, operator, times, total, transposed
from symml.calculus.construct import power as reciprocal
from symml.calculus.nodes import Apply, Ein, Leaf, Node, walk
from symml.calculus.reverse import derivative
from symml.calculus.transform import substitute
from symml.codegen.structure import definiteness
from symml.derivation.stationary.affine import collected
from symml.derivation.stationary.equations import Equation, Solution, shown
from symml.derivation.stationary.separating import chain, flat_terms, identity_multiple, merged, split
from symml.errors import MissingRuleError
from symml.forms.lowering import leaf_of
from symml.language.expressions import Expression, Symbol
from symml.language.operators import multiply_any, symbol

NAMES = ("W", "Z", "Q", "inner1", "inner2")
Solve = Callable[[Node, Any], Solution | None]


def around(equation: Node, v: Symbol, x: Leaf, solve: Solve) -> Solution | None:
    """Return the solution of an equation in which X occurs only in (A + B X C)⁻¹: solve for that matrix, then for X."""
    inner = {n.children[0] for n in walk(equation) if isinstance(n, Apply) and n.op == "inv" and x in n.leaves}
    if len(inner) != 1 or x in inner:
        return None
    (whole,) = inner
    try:
        if x in derivative(whole, x).leaves:
            return None
    except MissingRuleError:
        return None
    taken = {leaf.name for leaf in equation.leaves}
    facts = ["spd"] if definiteness(shown(whole))[0] == "positive definite" else ["invertible"]
    name = symbol(next(n for n in NAMES if n not in taken), whole.shape, facts)
    w = leaf_of(name)
    moved = substitute(equation, {whole: w})
    found = None if x in moved.leaves or moved.shape != w.shape else solve(moved, name)
    if found is None or len(found.roots) != 1:
        return None
    last = solve(total([whole, times(-1, found.roots[0])], whole.shape), v)
    if last is None or len(last.roots) != 1:
        return None
    return Solution(v, Equation(shown(whole), shown(found.roots[0])), last.roots, "around", found.notes)


# -- least norm ---------------------------------------------------------------------------------------------------
def least_norm(equation: Node, v: Symbol, x: Leaf, name: Expression) -> Solution | None:
    """Return the solution of least norm of Aᵀ (A x − b) = 0 with A of full row rank: A x = b, x = Aᵀ (A Aᵀ)⁻¹ b."""
    for side in range(len(x.shape)):
        for a in _wide(equation, x):
            rest = _cancelled(equation, a, side)
            found = None if rest is None else _solved(rest, a, side, v, x, name)
            if found is not None:
                return found
    return None


def _wide(equation: Node, x: Leaf) -> list[Leaf]:
    """Data whose transpose sends no vector but zero to zero, and which are not square."""
    leaves = (f for f in walk(equation) if isinstance(f, Leaf) and len(f.shape) == 2 and f is not x)
    found = [f for f in leaves if f.facts & {"full row rank", "full column rank"} and "invertible" not in f.facts]
    return [f for f in found if not {"full row rank", "full column rank"} <= f.facts]


def _cancelled(equation: Node, a: Leaf, side: int) -> Node | None:
    """The equation without the injective factor that every term has at one axis; None where a term has none."""
    inner = 0 if "full row rank" in a.facts else 1
    terms = []
    for t in flat_terms(equation):
        places = [k for k, (f, _) in enumerate(t.factors) if f is a] if isinstance(t, Ein) else []
        outer = [k for k in places if t.factors[k][1][1 - inner] == t.out[side]]  # type: ignore[attr-defined]
        if len(outer) != 1 or not isinstance(t, Ein) or sum(t.out[side] in idx for _, idx in t.factors) != 1:
            return None
        label = t.factors[outer[0]][1][inner]
        factors = [pair for k, pair in enumerate(t.factors) if k != outer[0]]
        out = tuple(label if k == side else o for k, o in enumerate(t.out))
        used = {i for _, idx in factors for i in idx} | set(out)
        terms.append(ein(t.coefficient, factors, out, {i: t.sizes[i] for i in used}))
    shape = tuple(a.shape[inner] if k == side else d for k, d in enumerate(equation.shape))
    return total(terms, shape)


def _solved(rest: Node, a: Leaf, side: int, v: Symbol, x: Leaf, name: Expression) -> Solution | None:
    """A x = b, X A = B and the like."""
    parted = collected(rest, x)
    if parted is None:
        return None
    jacobian, b = parted
    wide = a if "full row rank" in a.facts else transposed(a)
    number = _number(jacobian, wide, side, x)
    if number is None or x in b.leaves:
        return None
    gram = operator("inv", (chain(wide, transposed(wide)),), (wide.shape[0],) * 2)
    one = ein(1, [(reciprocal(number, -1), ())], (), {})
    root = chain(transposed(wide), gram, b) if side == 0 else chain(b, gram, wide)
    axes = tuple(range(len(x.shape)))
    root = ein(1, [(one, ()), (root, axes)], axes, dict(enumerate(x.shape)))
    matrix = shown(wide if side == 0 else transposed(wide))
    left = multiply_any(shown(number), *((matrix, name) if side == 0 else (name, matrix)))
    z = "z" if len(x.shape) == 1 else "Z"
    null = f"{matrix} {z} = 0" if side == 0 else f"{z} {matrix} = 0"
    others = f"it is not unique: {v} + {z} with {null} is one too; the one given has the least norm"
    return Solution(v, Equation(left, shown(b)), (root,), "least norm", complete=False, others=others)


def _number(jacobian: Node, wide: Node, side: int, x: Leaf) -> Node | None:
    """The s of a Jacobian that multiplies x by s A."""
    matrix, s = jacobian, ein(1, [], (), {})
    if len(x.shape) == 2:
        found = split(jacobian, "symmetric" in x.facts)
        if found is None or any(p.flipped for p in found) or len(merged(found)) != 1:
            return None
        (p,) = merged(found)
        matrix, other = (p.left, p.right) if side == 0 else (p.right, p.left)
        number = identity_multiple(other)
        if number is None:
            return None
        s = number
    if matrix.digest == wide.digest:
        return s
    term = matrix
    if not isinstance(term, Ein) or sum(len(idx) > 0 for _, idx in term.factors) != 1:
        return None
    own = next((f, idx) for f, idx in term.factors if idx)
    bare = ein(1, [own], term.out, dict(enumerate(term.sizes)))
    scalars = ein(term.coefficient, [pair for pair in term.factors if not pair[1]], (), {})
    return ein(1, [(s, ()), (scalars, ())], (), {}) if bare.digest == wide.digest else None
