"""Minimisers of a quadratic plus a norm: entries, lengths and singular values that shrink towards zero, and stay there.

Soft thresholding belongs to the sum of absolute values, block thresholding to the length, and thresholding of singular
values to the nuclear norm; at zero the norm has no gradient, and zero lies in the subgradient of the whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp

from symml.calculus.construct import apply_map, broadcast, ein, is_zero, ones, scaled, times, total, zero
from symml.calculus.construct import power as raised
from symml.calculus.nodes import Apply, Leaf, Node, const, leaf, walk
from symml.calculus.proving import proved_equal
from symml.calculus.reverse import derivative
from symml.calculus.transform import substitute
from symml.checking.sampling import draw
from symml.codegen.evaluate import prepare
from symml.codegen.structure import is_positive
from symml.derivation.constrained.eigenproblem import bounded
from symml.derivation.curvature.convexity import convexity
from symml.derivation.curvature.definiteness import curvature, shown
from symml.derivation.points.critical import Point
from symml.derivation.stationary.assembling import tex
from symml.derivation.stationary.piecewise import Inclusion
from symml.derivation.stationary.roots import roots_of, unknown_for
from symml.derivation.stationary.separating import chain, cleared, identity_multiple, merged, split
from symml.derivation.stationary.stationary_point import StationaryPoint
from symml.errors import DataError, InternalError, NotSupportedError
from symml.forms.lowering import leaf_of
from symml.forms.textbook import present
from symml.language.expressions import Expression, Symbol
from symml.language.operators import as_expression, scalar
from symml.language.tables import symbol_table
from symml.language.where import expand_names
from symml.notation.wording import words
from symml.records import Step, Verdict, verdict

if TYPE_CHECKING:
    from symml.derivation.derivation import Derivation

SOURCE = "N. Parikh and S. Boyd (2014), Proximal Algorithms, sections 6.5 and 6.7"
HALF = sp.Rational(1, 2)
POINTS, TRIES, TOLERANCE = 3, 20, 1e-7


@dataclass(frozen=True)
class _Answer:
    """What shrinks, in words; the formula, if there is one; how it is computed; the two sides of zero."""

    told: tuple[tuple[str, str, str], ...]
    value: Expression | None
    numbers: Any
    why: str
    unique: bool = True
    meaning: str = ""


def shrunk(derivation: Derivation) -> StationaryPoint | None:
    """Return the minimiser of a quadratic plus a norm, or None."""
    if not derivation.single:
        return None
    (v,) = derivation.wrt
    if bounded(v) if isinstance(v, Symbol) else any((v.is_positive, v.is_nonnegative, v.is_negative)):
        return None
    try:
        node = derivation._tied(derivation._node)
        gradient = derivation._derivative_node(v)
    except NotSupportedError:
        return None
    x = leaf_of(v)
    if not any(isinstance(n, Apply) and x in n.leaves for n in walk(gradient)):
        return None
    for method in (_by_entries, _by_length, _by_singular_values)[: None if isinstance(v, Symbol) else 1]:
        found = method(derivation, v, x, node, cleared(gradient))
        if found is not None:
            return _told(derivation, v, x, found)
    return None


# -- entry by entry -----------------------------------------------------------------------------------------------
def _by_entries(derivation: Derivation, v: Any, x: Leaf, node: Node, gradient: Node) -> _Answer | None:
    """The roots left and right of the kink c are s + t and s − t: x = c + sign(s − c) relu(|s − c| − t)."""
    jumps = [n for n in walk(gradient) if isinstance(n, Apply) and n.op == "map" and x in n.leaves]
    place = _kink(jumps, x)
    if place is None or convexity(node, [x])[0] != "convex":
        return None
    whole = _weighted(gradient, x, jumps) if is_zero(place) else None
    roots = []
    for side in (1, -1):
        swap: dict[Node, Node] = {n: broadcast(const(side * _rise(n, x)), n.shape) for n in jumps}
        found = roots_of(substitute(gradient, swap), x, unknown_for(v))
        if found is None or len(found[0]) != 1:
            return None
        roots.append(found[0][0])
    middle, gap = (total([times(sp.Rational(q, 2), roots[0]), times(HALF, roots[1])], x.shape) for q in (1, -1))
    middle = total([middle, times(-1, place)], x.shape)
    middle, gap, below_it = (middle, gap, ones(x.shape)) if whole is None else whole
    size = total([apply_map("abs", middle), times(-1, gap)], x.shape)
    axes, sizes = tuple(range(len(x.shape))), dict(enumerate(x.shape))
    parts = [(apply_map("sign", middle), axes), (apply_map("relu", size), axes), (raised(below_it, -1), axes)]
    root = total([place, ein(1, parts, axes, sizes)], x.shape)
    value = present(root, derivation._taken)
    swap = {n: zero(n.shape) for n in jumps}
    strict = curvature(derivative(substitute(gradient, swap), x), v).kind == "positive definite"
    above, below, at = (present(r, derivation._taken) for r in (*roots, place))
    name = as_expression(v)
    zero_text = "0" if is_zero(place) else str(at)
    told = (
        (f"where {name} > {zero_text}", f"{name} = {above}", f"{tex(v)} &= {above.latex()}"),
        (f"where {name} < {zero_text}", f"{name} = {below}", f"{tex(v)} &= {below.latex()}"),
    )
    which = "an entry for which neither side fits" if x.shape else f"where neither side fits {name}"
    stays = f"is {zero_text}" if x.shape == () or is_zero(place) else f"is that of {zero_text}"
    why = f"{which} {stays}: there the sign stands for any number from −1 to 1"
    return _Answer(told, value, None, why, strict)


def _kink(jumps: Sequence[Apply], x: Leaf) -> Node | None:
    """The c of functions sign(x − c) and sign(c − x), if it is the same one in all of them."""
    places = []
    for n in jumps:
        rise = _rise(n, x) if n.param == "sign" else 0
        if not rise:
            return None
        places.append(times(-rise, substitute(n.children[0], {x: zero(x.shape) if x.shape else const(0)})))
    return places[0] if places and all(proved_equal(p, places[0]) for p in places) else None


def _rise(jump: Apply, x: Leaf) -> int:
    """The number 1 of sign(x − c), −1 of sign(c − x), 0 of any other argument."""
    u = jump.children[0]
    rest = substitute(u, {x: zero(x.shape) if x.shape else const(0)})
    if u.shape != x.shape or x in rest.leaves:
        return 0
    return next((s for s in (1, -1) if proved_equal(u, total([times(s, x), rest], x.shape))), 0)


def _weighted(gradient: Node, x: Leaf, jumps: Sequence[Node]) -> tuple[Node, Node, Node] | None:
    """b, λ and α of α x + λ sign(x) = b with positive numbers α: x is sign(b) relu(|b| − λ)/α."""
    smooth = substitute(gradient, {n: zero(n.shape) for n in jumps})
    high = substitute(gradient, {n: ones(n.shape) for n in jumps})
    found = _multiple(smooth, x, {})
    if found is None or is_positive(shown(found[0])) != "yes" or x in derivative(high, x).leaves:
        return None
    return found[1], total([high, times(-1, smooth)], x.shape), broadcast(found[0], x.shape)


# -- the length ---------------------------------------------------------------------------------------------------
def _by_length(derivation: Derivation, v: Symbol, x: Leaf, node: Node, gradient: Node) -> _Answer | None:
    """α x + λ x/‖x‖ = b has a solution along b: ‖x‖ = (‖b‖ − λ)/α."""
    axes, sizes = tuple(range(len(x.shape))), dict(enumerate(x.shape))
    square = ein(1, [(x, axes), (x, axes)], (), sizes)
    name = sp.Dummy("q", positive=True)
    length = leaf(name, "squared length", (), frozenset({"positive", "nonnegative", "nonzero"}))
    moved = substitute(gradient, {square: length})
    parts = None if moved is gradient else _multiple(moved, x, sizes)
    if parts is None:
        return None
    slope, b = parts
    alpha, weight = _two(slope, name)
    if alpha is None or weight is None or b.leaves & {x, length}:
        return None
    reach = raised(ein(1, [(b, axes), (b, axes)], (), sizes), sp.Rational(1, 2))
    below = scaled(weight, raised(reach, -1))
    factor = apply_map("relu", total([const(1), times(-1, below)], ()))
    root = scaled(ein(1, [(factor, ()), (raised(alpha, -1), ())], (), {}), b)
    value = present(root, derivation._taken)
    wanted, long, number, limit = (present(n, derivation._taken) for n in (b, reach, alpha, weight))
    e = as_expression(v)
    scaled_name = e if number == scalar(1) else number * e
    told = (
        (f"{e} is a multiple of {wanted}; the lengths of both sides", f"{number} ‖{e}‖ + {limit} = {long}",
         rf"{number.latex()} \|{tex(v)}\| + {limit.latex()} &= {long.latex()}"),
    )  # fmt: skip
    why = f"where {long} <= {limit} no length is left and {scaled_name} = 0: zero lies in the subgradient there"
    return _Answer(told, value, None, why, meaning=f"{e}/‖{e}‖ at 0 is any {_array(v)} of length at most 1")


def _array(v: Symbol) -> str:
    return "vector" if len(v.shape) == 1 else "matrix"


def _multiple(moved: Node, x: Leaf, sizes: Mapping[int, Any]) -> tuple[Node, Node] | None:
    """The number s and the array b of an equation s x − b = 0."""
    jacobian = derivative(moved, x)
    if x in jacobian.leaves:
        return None
    b = times(-1, substitute(moved, {x: zero(x.shape)}))
    if len(x.shape) == 1:
        s = identity_multiple(jacobian)
    else:
        parts = split(jacobian, False)
        whole = merged(parts) if parts is not None and not any(p.flipped for p in parts) else []
        sides = [identity_multiple(n) for n in (whole[0].left, whole[0].right)] if len(whole) == 1 else [None]
        s = None if None in sides else scaled(sides[0], sides[1])  # type: ignore[arg-type]
    return None if s is None or is_zero(b) else (s, b)


def _two(slope: Node, name: Any) -> tuple[Node | None, Node | None]:
    """α and λ of a slope α + λ/√q, both positive."""
    terms = list(slope.terms) if hasattr(slope, "terms") else [slope]
    moving = [t for t in terms if any(f.payload is name for f in t.leaves)]
    still = total([t for t in terms if t not in moving], ())
    if len(moving) != 1 or is_zero(still):
        return None, None
    q = next(f for f in moving[0].leaves if f.payload is name)
    weight = scaled(raised(q, sp.Rational(1, 2)), moving[0])
    if q in weight.leaves or any(is_positive(shown(n)) != "yes" for n in (still, weight)):
        return None, None
    return still, weight


# -- singular values ----------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class SingularValueThreshold:
    """U relu(S − λ) Vᵀ of the singular value decomposition B = U S Vᵀ."""

    matrix: Expression
    weight: Expression

    def __call__(self, given: Mapping[Any, Any]) -> Any:
        """Return the matrix at the values given."""
        b, weight = (e.evaluate(given) for e in (self.matrix, self.weight))
        left, values, right = np.linalg.svd(b, full_matrices=False)
        return (left * np.maximum(values - weight, 0.0)) @ right


def _by_singular_values(derivation: Derivation, v: Symbol, x: Leaf, node: Node, gradient: Node) -> _Answer | None:
    """α X + λ U Vᵀ = B for X = U S Vᵀ: the singular vectors are those of B, the singular values α S + λ = S_B."""
    polar = _polar_factor(gradient, x) if len(x.shape) == 2 else None
    if polar is None or convexity(node, [x])[0] != "convex":
        return None
    name = sp.Dummy("q", positive=True)
    number = leaf(name, "weight of the polar factor", (), frozenset({"positive", "nonnegative", "nonzero"}))
    moved = substitute(gradient, {polar: scaled(number, _identity_like(polar))})
    parts = _multiple(moved, x, {})
    if parts is None:
        return None
    slope, b = parts
    terms = list(slope.terms) if hasattr(slope, "terms") else [slope]
    weight = total([substitute(t, {number: const(1)}) for t in terms if number in t.leaves], ())
    alpha = total([t for t in terms if number not in t.leaves], ())
    if any(is_zero(n) or is_positive(shown(n)) != "yes" for n in (alpha, weight)):
        return None
    scale = raised(alpha, -1)
    matrix, limit = present(scaled(scale, b), derivation._taken), present(scaled(scale, weight), derivation._taken)
    e = as_expression(v)
    told = (
        (
            f"at {e} = U D Vᵀ the nuclear norm has the gradient U Vᵀ",
            f"U D Vᵀ + {limit} U Vᵀ = {matrix}",
            rf"U D V^{{\top}} + {limit.latex()} U V^{{\top}} &= {matrix.latex()}",
        ),
        (
            f"U and V are those of the singular value decomposition {matrix} = U S Vᵀ",
            f"{e} = U relu(S − {limit}) Vᵀ, where {matrix} = U S Vᵀ",
            rf"{tex(v)} &= U \operatorname{{relu}}(S - {limit.latex()}) V^{{\top}}",
        ),
    )
    why = f"a singular value of at most {limit} becomes 0: zero lies in the subgradient there"
    solver = SingularValueThreshold(expand_names(matrix), expand_names(limit))
    factor = chain(x, polar) if polar.shape[0] == x.shape[1] else chain(polar, x)
    any_w = "U Vᵀ + W with Uᵀ W = 0, W V = 0 and no singular value of W above 1"
    return _Answer(told, None, solver, why, meaning=f"{shown(factor)} at a singular {e} is any {any_w}")


def _polar_factor(gradient: Node, x: Leaf) -> Node | None:
    """The inverse root (X'X)^(−1/2), or (X X')^(−1/2), in the gradient of the nuclear norm."""
    grams = {chain(_turned(x), x).digest, chain(x, _turned(x)).digest}
    for n in walk(gradient):
        if isinstance(n, Apply) and n.op == "inv" and isinstance(n.children[0], Apply):
            root = n.children[0]
            if root.op == "sqrtm" and root.children[0].digest in grams:
                return n
    return None


def _turned(x: Node) -> Node:
    return ein(1, [(x, (1, 0))], (0, 1), {0: x.shape[1], 1: x.shape[0]})


def _identity_like(node: Node) -> Node:
    return ein(1, [], (0, 0), {0: node.shape[0]})


# -- told ---------------------------------------------------------------------------------------------------------
def _told(derivation: Derivation, v: Any, x: Leaf, found: _Answer) -> StationaryPoint:
    gradient = derivation._result("gradient", v)
    inclusion = Inclusion(gradient, found.meaning)
    sure = derivation._checked["gradient", v].report.verdict
    held = _tested(derivation, v, found)
    if held == "wrong":
        raise InternalError(f"the minimiser {found.value} failed its own check: {held.reason}")
    kind = "unique global minimum" if found.unique else "global minimum"
    first = inclusion.latex().replace(r"\in", r"&\in", 1)
    steps = [Step("subgradient", "at a minimum of a convex function 0 lies in the subgradient", gradient, None,
                  str(inclusion), first, sure)]  # fmt: skip
    rule = "formula" if found.value is None else "case"
    steps += [Step(rule, why, None, None, text, latex, held) for why, text, latex in found.told]
    if found.value is not None:
        text, latex = f"{as_expression(v)} = {found.value}", f"{tex(v)} &= {found.value.latex()}"
        steps.append(Step("solve", found.why, v, found.value, text, latex, held))
    proved = verdict("proved", f"a strictly convex function has one minimum; {SOURCE}")
    steps.append(Step("second-order", kind, None, None, found.why, rf"& \text{{{words(found.why)}}}", proved))
    points = () if found.value is None else (Point({v.name: found.value}, kind),)
    return StationaryPoint(
        equation=inclusion,
        expr=found.value,
        kind=kind,
        reasons=(found.why,),
        conditions=(),
        points=points,
        steps=tuple(steps),
        verdict=held,
        names=(v.name,),
        _solver=found.numbers,
    )


def _tested(derivation: Derivation, v: Any, found: _Answer) -> Verdict:
    """The objective at the answer against points around it, at random data: no direction may go down."""
    objective = expand_names(derivation.objective)
    table: dict[str, Any] = dict(symbol_table(objective))
    table = {k: derivation.source.symbols.get(k, s) for k, s in table.items() if k != v.name}
    f, rng = prepare(objective), np.random.default_rng(0)
    done, worst = 0, 0.0
    for _ in range(TRIES):
        try:
            values, sizes = draw(table, rng, None)
            given = {**values, **sizes}
            at = np.asarray(found.numbers(given) if found.value is None else found.value.evaluate(given), float)
        except (DataError, ValueError, np.linalg.LinAlgError):
            continue
        here = float(f({**values, v.name: at}, sizes))
        long = 1.0 + float(np.max(np.abs(at), initial=0.0))
        for step in (1e-1, 1e-2, 1e-3):
            for direction in _ways(at, rng):
                there = float(f({**values, v.name: at + step * long * direction}, sizes))
                worst = max(worst, (here - there) / max(abs(here), abs(there), 1e-12))
        done += 1
        if done == POINTS:
            break
    if not done:
        return verdict("unchecked", reason="no random point was found at which the objective is finite")
    if worst > TOLERANCE:
        return verdict("wrong", reason=f"the objective falls by {worst:.0e} nearby")
    return verdict("holds", f"no lower value in any of the directions tried at {done} random data sets")


def _ways(at: Any, rng: np.random.Generator) -> Sequence[Any]:
    """Entries up and down, towards zero and away, and anywhere."""
    units = np.eye(at.size).reshape(at.size, *at.shape)
    size = max(float(np.max(np.abs(at), initial=0.0)), 1e-12)
    random = rng.normal(size=(8, *at.shape))
    return [*units, *-units, at / size, -at / size, *random]
