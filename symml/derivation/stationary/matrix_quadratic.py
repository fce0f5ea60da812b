"""Quadratic equations for a positive definite matrix: X B X + c X = A, the geometric mean, and λ X² + S X = a I.

Completing the square in Y = B^{1/2} X B^{1/2}, which is positive definite with X, leaves one root that is.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from symml.calculus.construct import delta, ein, is_symmetric, is_zero, operator, power, scaled, times, total
from symml.calculus.nodes import Apply, Ein, Leaf, Node, const, walk
from symml.codegen.structure import definiteness, is_positive
from symml.derivation.stationary.affine import negated
from symml.derivation.stationary.conditions import of_definite
from symml.derivation.stationary.equations import Equation, Solution, inverse, shown
from symml.derivation.stationary.separating import chain, cleared, expand_in, flat_terms, identity_multiple
from symml.language.expressions import Expression, Symbol
from symml.language.operators import add, multiply_any
from symml.language.operators import power as raised

HALF = Fraction(1, 2)
SOURCE = "R. Bhatia, Positive Definite Matrices (2007), section 4.1: the solution of X B X = A is the mean of B⁻¹ and A"


@dataclass(frozen=True)
class _Quadratic:
    """X · second · X + first · X + constant = 0."""

    second: Node
    first: Node
    constant: Node

    def negated(self) -> _Quadratic:
        """Return the same equation with the other sign."""
        return _Quadratic(*(times(-1, n) for n in (self.second, self.first, self.constant)))


def quadratic(equation: Node, v: Symbol, x: Leaf, name: Expression) -> Solution | None:
    """Return the positive definite solution of a quadratic equation, or None."""
    if "spd" not in v.facts or not any(isinstance(n, Apply) and x in n.leaves for n in walk(equation)):
        return None
    terms = flat_terms(expand_in(equation, x))
    for before, after, solve in (((x,), (x,), _by_congruence), ((x,), (), _commuting), ((), (x,), _commuting)):
        trial = cleared(total([chain(*before, t, *after) for t in terms], equation.shape))
        found = _read(trial, x)
        solution = None if found is None else solve(found, v, name)
        if solution is not None:
            return solution
    return None


def _read(trial: Node, x: Leaf) -> _Quadratic | None:
    """The three coefficients; None for an equation of another form."""
    degrees: dict[int, list[Node]] = {0: [], 1: [], 2: []}
    for t in flat_terms(expand_in(trial, x)):
        count = sum(f is x for f, _ in t.factors) if isinstance(t, Ein) else 0
        if count > 2 or (x in t.leaves and not (isinstance(t, Ein) and _plain(t, x))):
            return None
        coefficient = _without(t, x) if count else t
        if coefficient is None:
            return None
        degrees[count].append(coefficient)
    if not degrees[2]:
        return None
    second, first, constant = (total(degrees[k], trial.shape) for k in (2, 1, 0))
    return _Quadratic(second, first, constant)


def _plain(term: Ein, x: Leaf) -> bool:
    return all(f is x or x not in f.leaves for f, _ in term.factors)


def _without(term: Node, x: Leaf) -> Node | None:
    """B of a term X B X, L of a term L X or X Lᵀ; None for other places of X."""
    assert isinstance(term, Ein)
    places = [idx for f, idx in term.factors if f is x]
    rest = [(f, idx) for f, idx in term.factors if f is not x]
    if any(len(set(idx)) != 2 for idx in places) or len(set(term.out)) != 2:
        return None
    ends = [_inner(idx, term.out) for idx in places]
    if any(e is None for e in ends):
        return None
    if len(places) == 2:
        by_end = {o: i for o, i in ends if o is not None and i is not None}  # type: ignore[misc]
        if set(by_end) != set(term.out):
            return None
        out: tuple[int, ...] = (by_end[term.out[0]], by_end[term.out[1]])
    else:
        ((end, inside),) = ends  # type: ignore[misc]
        out = tuple(inside if o == end else o for o in term.out)
    used = {i for _, idx in rest for i in idx} | set(out)
    return ein(term.coefficient, rest, out, {i: term.sizes[i] for i in used})


def _inner(idx: tuple[int, ...], out: tuple[int, ...]) -> tuple[int, int] | None:
    """The index of a symmetric factor that is an axis of the result, and the other one."""
    at_end = [i for i in idx if i in out]
    if not at_end:
        return None
    if len(at_end) == 2:
        return at_end[0], at_end[1]
    return at_end[0], next(i for i in idx if i != at_end[0])


# -- X B X + c X = A ----------------------------------------------------------------------------------------------
def _by_congruence(q: _Quadratic, v: Symbol, name: Expression) -> Solution | None:
    c = const(0) if is_zero(q.first) else identity_multiple(q.first)
    if c is None or not is_symmetric(q.second) or not is_symmetric(q.constant):
        return None
    if definiteness(shown(q.second))[0].startswith("negative") or definiteness(shown(q.constant))[0] in POSITIVE:
        q = q.negated()
        c = times(-1, c)
    b, a = q.second, negated(q.constant)
    kinds = [definiteness(shown(n))[0] for n in (b, a)]
    if is_zero(a) or any(k.startswith("negative") for k in kinds):
        return None
    bare = is_zero(c)
    root = _mean(b, a) if bare else _shifted(b, a, c)
    notes = [of_definite(shown(n)) for n in (b, a) if identity_multiple(n) is None]
    square = _square(b, name)
    left = square if bare else add(square, multiply_any(shown(c), name))
    return Solution(v, Equation(left, shown(a)), (root,), "quadratic", tuple(notes))


POSITIVE = ("positive definite", "positive semidefinite")


def _square(b: Node, name: Expression) -> Expression:
    """X B X, or s X²."""
    s = identity_multiple(b)
    return multiply_any(name, shown(b), name) if s is None else multiply_any(shown(s), raised(name, 2))


def _mean(b: Node, a: Node) -> Node:
    """The geometric mean of B⁻¹ and A."""
    s, t = identity_multiple(b), identity_multiple(a)
    if s is not None:
        return scaled(power(s, -HALF), _root(a))
    if t is not None:
        return scaled(power(t, HALF), inverse(_root(b)))
    half = _root(b)
    return chain(inverse(half), _root(chain(half, a, half)), inverse(half))


def _shifted(b: Node, a: Node, c: Node) -> Node:
    """B^{-1/2} (√(c²/4 I + B^{1/2} A B^{1/2}) − c/2 I) B^{-1/2}."""
    s = identity_multiple(b)
    half = _root(b) if s is None else None
    core = chain(half, a, half) if half is not None else scaled(s, a)  # type: ignore[arg-type]
    eye = delta(b.shape[:1])
    inside = total([core, scaled(times(Fraction(1, 4), power(c, 2)), eye)], b.shape)
    y = total([_root(inside), scaled(times(-HALF, c), eye)], b.shape)
    if half is None:
        return scaled(power(s, -1), y)  # type: ignore[arg-type]
    return chain(inverse(half), y, inverse(half))


def _root(node: Node) -> Node:
    s = identity_multiple(node)
    if s is not None:
        return scaled(power(s, HALF), delta(node.shape[:1]))
    number, core = _without_number(node)
    return scaled(power(number, HALF), operator("sqrtm", (core,), core.shape))


def _without_number(node: Node) -> tuple[Node, Node]:
    """The positive number in front of a matrix, and the matrix."""
    if not isinstance(node, Ein) or node.coefficient <= 0:
        return const(1), node
    outside = [(f, idx) for f, idx in node.factors if not idx and is_positive(shown(f)) == "yes"]
    inside = [pair for pair in node.factors if pair not in outside]
    return ein(node.coefficient, outside, (), {}), ein(1, inside, node.out, dict(enumerate(node.sizes)))


# -- λ X² + S X = a I ---------------------------------------------------------------------------------------------
def _commuting(q: _Quadratic, v: Symbol, name: Expression) -> Solution | None:
    """X⁻¹ is a function of X and S, so X commutes with S: complete the square as for numbers."""
    s, a = identity_multiple(q.second), identity_multiple(times(-1, q.constant))
    if s is None or a is None or not is_symmetric(q.first):
        return None
    if is_positive(shown(times(-1, s))) == "yes":
        s, a, q = times(-1, s), times(-1, a), q.negated()
    if is_positive(shown(s)) != "yes" or is_positive(shown(a)) != "yes":
        return None
    if is_zero(q.first):
        return _by_congruence(q, v, name)
    linear = q.first
    inside = total([chain(linear, linear), scaled(times(4, _product(s, a)), delta(linear.shape[:1]))], linear.shape)
    top = total([operator("sqrtm", (inside,), inside.shape), times(-1, linear)], linear.shape)
    root = scaled(times(HALF, power(s, -1)), top)
    left = add(_square(q.second, name), multiply_any(shown(linear), name))
    equation = Equation(left, shown(scaled(a, delta(linear.shape[:1]))))
    return Solution(v, equation, (root,), "commuting")


def _product(*numbers: Node) -> Node:
    return ein(1, [(n, ()) for n in numbers], (), {})
