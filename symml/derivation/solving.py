"""The solution of a matrix equation E(X) = 0: affine, through the inverse, or entry by entry.

Every answer is substituted back into the equation before it is shown; that happens in `trials`, not here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from symml.calculus.construct import (
    DIMENSION_FACTS,
    broadcast,
    delta,
    ein,
    is_zero,
    operator,
    scaled,
    times,
    total,
    transposed,
    zero,
)
from symml.calculus.construct import power as reciprocal
from symml.calculus.nodes import Apply, Ein, Leaf, Node, Sum, leaf, walk
from symml.calculus.reverse import derivative
from symml.calculus.transform import substitute
from symml.derivation.roots import Reading, linear_system, roots_of, unknown_for
from symml.derivation.separating import (
    Part,
    chain,
    cleared,
    divided,
    expand_in,
    flat_terms,
    identity_multiple,
    is_identity,
    merged,
    nonzero_scalars,
    split,
)
from symml.forms.cost import cost
from symml.forms.lowering import leaf_of
from symml.forms.polishing.powers import gather_powers
from symml.forms.raising import Raising
from symml.forms.scalars import lower_scalar
from symml.language.expressions import Expression, Symbol, Zeros
from symml.language.operators import add, as_expression, call, eye, multiply_any, power, scalar

INVERTIBLE = frozenset({"invertible", "spd"})


@dataclass(frozen=True)
class Equation:
    """An equation between two expressions."""

    lhs: Expression
    rhs: Expression

    def __str__(self) -> str:
        return f"{self.lhs} = {'0' if isinstance(self.rhs, Zeros) else self.rhs}"

    def latex(self, relation: str = "=") -> str:
        """Return LaTeX without delimiters."""
        return f"{self.lhs.latex()} {relation} {'0' if isinstance(self.rhs, Zeros) else self.rhs.latex()}"

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"


@dataclass(frozen=True)
class Solution:
    """How one equation was solved.

    Attributes
    ----------
    variable : Symbol or sympy.Symbol
    equation : Equation
        Terms with the unknown on the left, data on the right.
    roots : tuple of Node
        Empty for an equation that only has a formula for vec(X).
    method : str
        affine, inverse, multiplied, entrywise, sylvester, lyapunov or kronecker.
    notes : tuple of str
        Conditions met on the way.
    complete : bool
        Whether these are all solutions.
    vec : Expression or None
        Formula of vec(X).
    """

    variable: Any
    equation: Equation
    roots: tuple[Node, ...]
    method: str
    notes: tuple[str, ...] = ()
    complete: bool = True
    vec: Expression | None = None
    parts: tuple[Expression, ...] = ()
    reading: Reading | None = None


def solve(equation: Node, v: Any, taken: Sequence[str] = ()) -> Solution | None:
    """Return the solution of `equation` = 0 for v, or None when no method applies."""
    x = leaf_of(v)
    known = equation.memo.setdefault("solutions", {})  # one system asks for the same solution several times
    if x.digest not in known:
        plain = cleared(equation)
        methods = _METHODS.get(len(x.shape), (_entrywise,))
        found = (method(plain, v, x, as_expression(v)) for method in methods)
        known[x.digest] = next((s for s in found if s is not None), None)
    solution: Solution | None = known[x.digest]
    return solution


def shown(node: Node) -> Expression:
    """Return a node in matrix notation without names for its parts."""
    return gather_powers(Raising().run(node))


# -- affine -------------------------------------------------------------------------------------------------------
def _affine(equation: Node, v: Any, x: Leaf, name: Expression) -> Solution | None:
    parted = _linear_part(equation, x)
    if parted is None:
        return None
    equation, jacobian = parted
    if is_zero(jacobian):
        return None
    equation, jacobian = _stripped(*_normalised(equation, jacobian), x)
    target = substitute(equation, {x: zero(x.shape)})
    if _leading_sign(jacobian) < 0:
        jacobian = negated(jacobian)
    else:
        target = negated(target)
    if len(x.shape) == 1:
        return _vector(jacobian, target, v, x, name)
    return _matrix(jacobian, target, v, x, name)


def _linear_part(equation: Node, x: Leaf) -> tuple[Node, Node] | None:
    for candidate in (equation, expand_in(equation, x)):
        if any(isinstance(n, Apply) and x in n.leaves for n in walk(candidate)):
            continue  # sign(x) and step(x) have derivative 0 and are not constant
        jacobian = derivative(candidate, x)
        if x not in jacobian.leaves:
            return candidate, jacobian
    return None


def _normalised(equation: Node, jacobian: Node) -> tuple[Node, Node]:
    """Divide by the scalars of the longest term of the Jacobian, where they stand in a denominator."""
    terms = flat_terms(jacobian)
    main = max(terms, key=lambda t: sum(1 for _, idx in t.factors if idx) if isinstance(t, Ein) else 1)
    scalars = list(nonzero_scalars(main).values())
    if len(terms) < 2 or not any(q < 0 for _, q in scalars):
        return equation, jacobian
    return tuple(total([divided(t, scalars) for t in flat_terms(n)], n.shape) for n in (equation, jacobian))  # type: ignore[return-value]


def negated(node: Node) -> Node:
    """Return −node, the sign taken into the terms of a sum: −Xᵀ (b − y) is Xᵀ (y − b)."""
    terms = [times(-1, t) for t in flat_terms(node)]
    return _sign_inside(terms[0]) if len(terms) == 1 else total(terms, node.shape)


def _sign_inside(node: Node) -> Node:
    if not isinstance(node, Ein) or node.coefficient >= 0:
        return node
    for k, (f, idx) in enumerate(node.factors):
        if isinstance(f, Sum):
            turned = total([times(-1, t) for t in f.terms], f.shape)
            factors = [*node.factors[:k], (turned, idx), *node.factors[k + 1 :]]
            return ein(-node.coefficient, factors, node.out, dict(enumerate(node.sizes)))
    return node


def _leading_sign(node: Node) -> int:
    first = flat_terms(node)[0]
    return -1 if isinstance(first, Ein) and first.coefficient < 0 else 1


def _stripped(equation: Node, jacobian: Node, x: Leaf) -> tuple[Node, Node]:
    """Cancel an invertible matrix that stands on the left or right of the whole equation."""
    for side in range(len(equation.shape)):
        for factor in _outer_factors(equation, side, x):
            inverse = operator("inv", (factor,), factor.shape)
            trial = total([_times_side(t, inverse, side) for t in flat_terms(equation)], equation.shape)
            new = set(walk(trial)) - set(walk(equation))
            if inverse not in new and cost(Raising().run(trial)) < cost(Raising().run(equation)):
                return _stripped(trial, derivative(trial, x), x)
    return equation, jacobian


def _times_side(term: Node, factor: Node, side: int) -> Node:
    if len(term.shape) == 1 or side == 0:
        return chain(factor, term)
    return chain(term, factor)


def _outer_factors(equation: Node, side: int, x: Leaf) -> list[Node]:
    """Invertible matrices that stand at one axis of every term, read towards the inside."""
    found: dict[bytes, Node] = {}
    seen: Counter[bytes] = Counter()
    terms = flat_terms(equation)
    for term in terms:
        if not isinstance(term, Ein):
            continue
        label = term.out[side]
        for f, idx in term.factors:
            known = (isinstance(f, Leaf) and bool(f.facts & INVERTIBLE)) or (isinstance(f, Apply) and f.op == "inv")
            if known and x not in f.leaves and idx.count(label) == 1:
                inward = f if (idx[0] == label) == (side == 0) else transposed(f)
                found.setdefault(inward.digest, inward)
                seen[inward.digest] += 1
    return [f for digest, f in found.items() if seen[digest] == len(terms)]


def _inverse(node: Node) -> Node:
    if is_identity(node):
        return node
    s = identity_multiple(node)
    if s is not None:
        return scaled(reciprocal(s, -1), delta(node.shape[:1]))
    return operator("inv", (node,), node.shape)


def _vector(jacobian: Node, target: Node, v: Any, x: Leaf, name: Expression) -> Solution:
    root = chain(_inverse(jacobian), target)
    matrix = shown(jacobian)
    plain = identity_multiple(jacobian) is not None or (
        isinstance(jacobian, Ein) and jacobian.out[0] == jacobian.out[1]
    )
    left = shown(chain(jacobian, x)) if plain else multiply_any(matrix, name)
    return Solution(v, Equation(left, shown(target)), (root,), "affine", parts=(matrix,))


def _matrix(jacobian: Node, target: Node, v: Symbol, x: Leaf, name: Expression) -> Solution | None:
    found = split(jacobian, "symmetric" in v.facts)
    if found is None:
        return None
    if all(p.flipped for p in found):
        found = [Part(p.right, p.left) for p in found]
        target = transposed(target)
    if any(p.flipped for p in found):
        return None
    parts = merged(found)
    left = add(*(_term(p, name) for p in parts))
    equation = Equation(left, shown(target))
    if len(parts) == 1:
        p = parts[0]
        root = chain(_inverse(p.left), target, transposed(_inverse(p.right)))
        return Solution(v, equation, (root,), "affine", parts=(shown(p.left), shown(p.right)))
    return _sylvester(parts, v, equation)


def _term(p: Part, name: Expression) -> Expression:
    return multiply_any(shown(p.left), name, shown(transposed(p.right)))


def _sylvester(parts: Sequence[Part], v: Symbol, equation: Equation) -> Solution:
    """P₁ X Q₁ᵀ + P₂ X Q₂ᵀ + … = C: a formula for vec(X) only."""
    left = [p for p in parts if is_identity(p.right)]
    right = [p for p in parts if is_identity(p.left) and not is_identity(p.right)]
    krons = [call("kron", _or_eye(p.right), _or_eye(p.left)) for p in parts]
    vec = multiply_any(power(add(*krons), -1), call("vec", equation.rhs))
    if len(left) == 1 and len(right) == 1 and len(parts) == 2:
        a, b = shown(left[0].left), shown(transposed(right[0].right))
        lyapunov = left[0].left.digest == right[0].right.digest
        return Solution(v, equation, (), "lyapunov" if lyapunov else "sylvester", vec=vec, parts=(a, b))
    return Solution(v, equation, (), "kronecker", vec=vec, parts=(add(*krons),))


def _or_eye(node: Node) -> Expression:
    return eye(node.shape[0]) if is_identity(node) else shown(node)


def is_linear(equation: Node, v: Any) -> bool:
    """Whether an equation is affine in a variable."""
    return _linear_part(equation, leaf_of(v)) is not None


# -- through the inverse ------------------------------------------------------------------------------------------
def _through_inverse(equation: Node, v: Symbol, x: Leaf, name: Expression) -> Solution | None:
    """X occurs only as X⁻¹: the equation is affine in Y = X⁻¹."""
    if x.shape[0] != x.shape[1] or x not in equation.leaves:
        return None
    inverse = operator("inv", (x,), x.shape)
    y = leaf(power(v, -1), f"{v.name} inverse", x.shape, x.facts - DIMENSION_FACTS)
    moved = substitute(equation, {inverse: y})
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


Method = Callable[[Node, Any, Leaf, Expression], Solution | None]
_METHODS: dict[int, tuple[Method, ...]] = {
    0: (_entrywise,),
    1: (_affine, _entrywise),
    2: (_affine, _through_inverse, _multiplied, _entrywise),
}
