"""Riemannian gradients: one row a manifold, with the Euclidean gradient projected and a curve for the check.

The Euclidean gradient treats the entries of the variable as independent; the Riemannian one is the tangent vector whose
inner product with every tangent vector is the derivative of the objective along it, in the metric of the row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from symml.calculus.construct import base_and_exponent, ein, is_zero, times, total, transposed
from symml.calculus.expand import expand
from symml.calculus.nodes import Ein, Node, walk
from symml.calculus.transform import rebuild
from symml.checking.derivatives import DRAWS, TOLERANCE
from symml.checking.differences import relative_error, slope
from symml.checking.reports import CheckReport
from symml.checking.sampling import draw
from symml.codegen.evaluate import prepare
from symml.derivation.results import Checked, confirm
from symml.derivation.stationary.separating import chain, flat_terms
from symml.errors import DeclarationError, NotSupportedError, ShapeError
from symml.forms.lowering import leaf_of
from symml.forms.textbook import present
from symml.language.contexts import remember
from symml.language.expressions import Expression, Symbol
from symml.language.operators import show_shape
from symml.language.tables import symbol_table
from symml.records import Counterexample, Step, verdict

if TYPE_CHECKING:
    from symml.derivation.derivation import Derivation

Array = Any
_HALF = Fraction(1, 2)


@dataclass(frozen=True)
class Manifold:
    """One manifold with its metric.

    Attributes
    ----------
    name : str
        What the user asks for.
    facts : tuple of str
        Property words, one of which the variable must be declared with.
    declare : str
        An example of such a declaration.
    metric : str
        The inner product of tangent vectors u, v at x.
    formula, latex : str
        The gradient in terms of the Euclidean one.
    project : callable
        (Euclidean gradient, variable) -> Riemannian gradient, both in the index form.
    tangent : callable
        (point, any array) -> a tangent vector.
    residual : callable
        (point, vector) -> zero exactly when the vector is tangent.
    curve : callable
        (point, tangent vector, t) -> a point of the manifold; velocity at t = 0 is the vector.
    inner : callable
        (point, u, v) -> inner product.
    """

    name: str
    facts: tuple[str, ...]
    declare: str
    metric: str
    formula: str
    latex: str
    project: Callable[[Node, Node], Node]
    tangent: Callable[[Array, Array], Array]
    residual: Callable[[Array, Array], Array]
    curve: Callable[[Array, Array, float], Array]
    inner: Callable[[Array, Array, Array], float]
    source: str


def _of_unit_norm(f: Node, x: Node) -> Node:
    """Return f with ‖x‖² = 1."""
    done: dict[Node, Node] = {}
    for node in walk(f):
        new = rebuild(node, [done[c] for c in node.children])
        done[node] = _without_norm(new, x) if isinstance(new, Ein) else new
    return done[f]


def _without_norm(node: Ein, x: Node) -> Node:
    def is_norm(k: int) -> bool:
        base, q = base_and_exponent(node.factors[k][0])
        others = {*node.out, *(i for m, (_, idx) in enumerate(node.factors) if m != k for i in idx)}
        return base is x and q == 2 and not others & set(node.factors[k][1])

    kept = [factor for k, factor in enumerate(node.factors) if not is_norm(k)]
    if len(kept) == len(node.factors):
        return node
    used = {*node.out, *(i for _, idx in kept for i in idx)}
    return ein(node.coefficient, kept, node.out, {i: node.sizes[i] for i in used})


def _radial(gradient: Node, x: Node) -> Node:
    axes = tuple(range(len(x.shape)))
    sizes = dict(enumerate(x.shape))
    gradient = _of_unit_norm(gradient, x)
    along = ein(1, [(x, axes), (gradient, axes)], (), sizes)
    short = _of_unit_norm(expand(along), x)
    if is_zero(short):
        return gradient
    along = short if x not in short.leaves else along
    found = total([gradient, ein(-1, [(along, ()), (x, axes)], axes, sizes)], x.shape)
    opened = _of_unit_norm(expand(found), x)
    return opened if len(flat_terms(opened)) <= len(flat_terms(found)) else found


def _less_normal(gradient: Node, w: Node) -> Node:
    inner = chain(transposed(w), gradient)
    symmetric = total([inner, transposed(inner)], inner.shape)
    if is_zero(expand(symmetric)):
        return gradient
    return total([gradient, times(-1, times(_HALF, chain(w, symmetric)))], gradient.shape)


def _skew(gradient: Node, q: Node) -> Node:
    flipped = chain(q, transposed(gradient), q)
    return times(_HALF, total([gradient, times(-1, flipped)], gradient.shape))


def _affine_invariant(gradient: Node, s: Node) -> Node:
    both = total([gradient, transposed(gradient)], gradient.shape)
    return times(_HALF, chain(s, both, s))


def _symmetric_part(a: Array) -> Array:
    return (a + a.T) / 2


def _frobenius(x: Array, u: Array, v: Array) -> float:
    return float(np.sum(u * v))


def _orthonormalised(w: Array, v: Array, t: float) -> Array:
    """The QR retraction."""
    q, r = np.linalg.qr(w + t * v)
    return q * np.sign(np.diag(r))


def _on_sphere(x: Array, v: Array, t: float) -> Array:
    moved = x + t * v
    return moved / np.linalg.norm(moved)


def _definite_inner(s: Array, u: Array, v: Array) -> float:
    return float(np.trace(np.linalg.solve(s, u) @ np.linalg.solve(s, v)))


SOURCE = "Absil, Mahony & Sepulchre, Optimization Algorithms on Matrix Manifolds (2008)"
MANIFOLDS = (
    Manifold(
        "sphere",
        ("unit norm",),
        "x: d unit norm",
        "the Euclidean inner product uᵀ v",
        "(I − x xᵀ) g",
        r"\left(I - x x^{\top}\right) g",
        _radial,
        lambda x, a: a - np.sum(x * a) * x,
        lambda x, v: np.sum(x * v),
        _on_sphere,
        _frobenius,
        f"{SOURCE}, example 3.6.1",
    ),
    Manifold(
        "stiefel",
        ("orthonormal columns",),
        "W: n x k orthonormal columns",
        "the embedded (Euclidean) metric tr(Uᵀ V)",
        "G − W sym(Wᵀ G)",
        r"G - W \operatorname{sym}\left(W^{\top} G\right)",
        _less_normal,
        lambda w, a: a - w @ _symmetric_part(w.T @ a),
        lambda w, v: w.T @ v + v.T @ w,
        _orthonormalised,
        _frobenius,
        f"{SOURCE}, example 3.6.2",
    ),
    Manifold(
        "orthogonal",
        ("orthogonal",),
        "Q: n x n orthogonal",
        "the embedded (Euclidean) metric tr(Uᵀ V)",
        "(G − Q Gᵀ Q)/2",
        r"\frac{1}{2}\left(G - Q G^{\top} Q\right)",
        _skew,
        lambda q, a: (a - q @ a.T @ q) / 2,
        lambda q, v: q.T @ v + v.T @ q,
        _orthonormalised,
        _frobenius,
        f"{SOURCE}, example 3.6.2 with p = n",
    ),
    Manifold(
        "spd",
        ("spd",),
        "S: d x d spd",
        "the affine-invariant metric tr(S⁻¹ U S⁻¹ V)",
        "S sym(G) S",
        r"S \operatorname{sym}\left(G\right) S",
        _affine_invariant,
        lambda s, a: _symmetric_part(a),
        lambda s, v: v - v.T,
        lambda s, v, t: s + t * v,
        _definite_inner,
        "Bhatia, Positive Definite Matrices (2007), chapter 6",
    ),
)
BY_NAME = {m.name: m for m in MANIFOLDS}


# -- the gradient -------------------------------------------------------------------------------------------------
def gradient_on(derivation: Derivation, name: str) -> Expression:
    """Return the Riemannian gradient; see `Derivation.gradient_on`."""
    manifold = _chosen(name)
    derivation._scalar_objective("gradient")
    if not derivation.single:
        raise NotSupportedError("gradient_on takes one variable: derive with respect to one name")
    variable = derivation.wrt[0]
    key = (f"gradient on {manifold.name}", variable)
    if key not in derivation._checked:
        _require(manifold, variable)
        gradient = derivation._derivative_node(variable)
        node = manifold.project(gradient, leaf_of(variable))
        shown = present(node, derivation._taken, derivation._polish, derivation._given)
        report = check(manifold, derivation.objective, shown, variable, derivation.source.symbols)
        confirm(report, shown)
        derivation._checked[key] = Checked(remember(shown, derivation.source.symbols.values()), report)
    return derivation._checked[key].expression


def steps(derivation: Derivation, name: str) -> tuple[Step, ...]:
    """Return the Euclidean gradient and its projection, with the metric in words."""
    manifold = _chosen(name)
    result = gradient_on(derivation, name)
    gradient = derivation.gradient
    key = (f"gradient on {manifold.name}", derivation.wrt[0])
    first = Step(
        "euclidean gradient",
        "the Euclidean gradient, entries taken as independent",
        derivation.objective,
        gradient,
        f"g = {gradient}",
        f"g = {gradient.latex()}",
        derivation._checked["gradient", derivation.wrt[0]].report.verdict,
    )
    second = Step(
        "riemannian gradient",
        f"the gradient on the manifold in {manifold.metric}: {manifold.formula}",
        gradient,
        result,
        f"grad f = {result}",
        rf"\operatorname{{grad}} f = {result.latex()}",
        derivation._checked[key].report.verdict,
        manifold.source,
    )
    return first, second


def _chosen(name: str) -> Manifold:
    found = BY_NAME.get(str(name).strip().lower())
    if found is None:
        raise NotSupportedError(f"{name!r} is no known manifold; choose one of {', '.join(sorted(BY_NAME))}")
    return found


def _require(manifold: Manifold, variable: Any) -> None:
    if not isinstance(variable, Symbol):
        raise ShapeError(f"{variable} is a scalar; a manifold needs a vector or a matrix, such as {manifold.declare}")
    if not set(manifold.facts) & variable.facts:
        given = ", ".join(sorted(variable.properties)) or "nothing more"
        words = " or ".join(manifold.facts)
        raise DeclarationError(
            f"the gradient on {manifold.name!r} needs {variable} declared {words}; "
            f"it is declared {show_shape(variable.shape)}, "
            f'{given}. Write for example where="{variable}: {show_shape(variable.shape)} {words}".'
        )


# -- the check ----------------------------------------------------------------------------------------------------
def check(
    manifold: Manifold, objective: Expression, result: Expression, variable: Symbol, symbols: Any, seed: int = 0
) -> CheckReport:
    """Return the report of a Riemannian gradient: tangent, and right along curves on the manifold."""
    table = {**symbol_table(objective), **symbol_table(result), variable.name: variable}
    table = {name: symbols.get(name, found) for name, found in table.items()}
    function, gradient = prepare(objective), prepare(result)
    rng = np.random.default_rng(seed)
    evaluations = 0
    sizes: dict[str, int] = {}
    what = f"gradient on the {manifold.name} manifold"
    for _ in range(DRAWS):
        values, sizes = draw(table, rng)
        x = np.asarray(values[variable.name], float)
        direction = manifold.tangent(x, rng.standard_normal(x.shape))

        def along(t: Array, x: Array = x, v: Array = direction, values: Any = values, sizes: Any = sizes) -> Array:
            return np.asarray(function({**values, variable.name: manifold.curve(x, v, float(t))}, sizes), float)

        try:
            with np.errstate(all="ignore"):
                found = slope(along, np.asarray(0.0), np.asarray(1.0))
                claimed = np.asarray(gradient(values, sizes), float)
        except (np.linalg.LinAlgError, FloatingPointError, ZeroDivisionError, OverflowError):
            continue
        evaluations += found.evaluations
        if not (np.all(np.isfinite(found.value)) and found.smooth and np.all(np.isfinite(claimed))):
            continue
        size = max(float(np.max(np.abs(claimed), initial=0.0)), 1e-3)
        off = float(np.max(np.abs(manifold.residual(x, claimed)), initial=0.0)) / size
        got = np.asarray(manifold.inner(x, claimed, direction))
        floor = 1e-3 * size * float(np.linalg.norm(direction))
        error = max(off, relative_error(got, found.value, floor))
        if error > max(TOLERANCE, 100 * found.error):
            example = Counterexample(values, claimed, found.value, error, seed)
            return CheckReport(
                False,
                verdict("wrong", counterexample=example),
                error,
                1,
                evaluations,
                sizes,
                seed,
                TOLERANCE,
                what,
                counterexample=example,
            )
        held = verdict("holds", certificate=f"tangent, and the slope along a curve agrees to {error:.1e}")
        return CheckReport(True, held, error, 1, evaluations, sizes, seed, TOLERANCE, what)
    reason = "no point was found at which the objective is finite and smooth"
    return CheckReport(
        None, verdict("unchecked", reason=reason), float("nan"), 0, evaluations, sizes, seed, TOLERANCE, what
    )
