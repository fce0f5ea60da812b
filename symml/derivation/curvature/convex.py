"""Whether an objective is convex: proved from its structure, or refuted at a point; otherwise unknown, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp

from symml.calculus.construct import total
from symml.calculus.nodes import Apply, Leaf, Node, walk
from symml.calculus.reverse import derivative
from symml.checking.sampling import draw
from symml.codegen.evaluate import prepare
from symml.codegen.structure import definiteness, is_positive
from symml.derivation.curvature.convexity import affine, convexity
from symml.derivation.curvature.definiteness import curvature, shown
from symml.derivation.points.critical import one_sign
from symml.derivation.stationary.separating import flat_terms
from symml.derivation.stationary.trials import FAILURES, Trial, hessian_at
from symml.errors import NotSupportedError
from symml.forms.lowering import leaf_of
from symml.forms.raising import Raising
from symml.language.expressions import Action, Expression, Scalar, Symbol
from symml.language.operators import as_expression, multiply_any
from symml.language.tables import symbol_table
from symml.language.where import expand_names
from symml.records import Counterexample, Verdict, verdict

if TYPE_CHECKING:
    from symml.derivation.derivation import Derivation

SMOOTH = ("exp", "softplus", "sigmoid", "sin", "cos", "tanh", "sinh", "cosh", "arctan", "erf", "normcdf", "normpdf")
ON_POSITIVES = ("log", "loggamma", "digamma", "gamma", "trigamma", "sqrt")
PLAIN = ("lse", "softmax", "det", "expm")
DEFINITE = ("inv", "logdet", "sqrtm", "logm")
CONVEX_SETS = frozenset({
    "symmetric", "psd", "spd", "diagonal", "positive", "nonnegative", "negative", "simplex", "sums to one",
    "rows sum to one", "lower triangular", "upper triangular", "centred", "random", "given", "iid",
})  # fmt: skip
FREE = frozenset({
    "symmetric", "psd", "spd", "invertible", "positive", "nonnegative", "negative", "nonzero", "random", "given", "iid",
})  # fmt: skip
Sample = tuple[dict[str, Any], float, float]
POINTS = 12
CLEAR = 1e-5  # an eigenvalue, or a gap to a chord, counts from this size on, relative to the largest


@dataclass(frozen=True)
class Convexity:
    """What `Derivation.convexity` returns.

    Attributes
    ----------
    kind : str
        "convex", "strictly convex", "strongly convex", "concave", "neither" or "unknown".
    reasons : tuple of str
    verdict : Verdict
        `proved` from the structure; `holds` for "neither", with the point as counterexample; `unchecked` for "unknown".
    """

    kind: str
    reasons: tuple[str, ...]
    verdict: Verdict

    def __str__(self) -> str:
        return f"{self.kind}: {'; '.join(self.reasons)}" if self.reasons else self.kind

    def __repr__(self) -> str:
        return str(self)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return {"kind": self.kind, "reasons": list(self.reasons), "verdict": str(self.verdict)}

    def to_html(self) -> str:
        """Return a fragment of HTML."""
        return f'<span class="symml">{self}</span>'

    _repr_html_ = to_html


def find_convexity(derivation: Derivation) -> Convexity:
    """Return whether the objective is convex in its variables jointly, and why."""
    derivation._scalar_objective("convexity")
    for v in derivation.wrt:
        outside = _set_of(v)
        if outside:
            return _unknown(f"{as_expression(v)} is declared {outside}: that is no convex set")
    try:
        node = derivation._tied(derivation._node)
    except NotSupportedError as error:
        return _unknown(str(error))
    leaves = [leaf_of(v) for v in derivation.wrt]
    if affine(node, leaves):
        return _proved("convex", ["the objective is affine: convex and concave, not strictly"])
    rough = _rough(node, leaves)
    found = _by_hessian(derivation, leaves) if not rough else None
    return found or _by_structure(node, leaves, derivation.wrt) or _by_points(derivation, rough)


def _set_of(v: Any) -> str:
    """The declared property that makes the set of values of a variable no convex set, or an empty text."""
    domain = getattr(v, "domain", None)
    if domain is not None and domain.values:
        return str(domain)
    facts = v.facts if isinstance(v, Symbol) else {w for w in ("integer", "nonzero") if getattr(v, f"is_{w}", None)}
    if isinstance(v, sp.Symbol):
        signed = v.is_positive or v.is_negative
        return "integer" if v.is_integer else "nonzero" if v.is_nonzero and not signed else ""
    signed = facts & {"positive", "negative", "spd"}
    odd = sorted(facts - CONVEX_SETS - ({"nonzero", "invertible"} if signed else frozenset()))
    declared = [word for word in odd if word in v.properties]
    return (declared or odd or [""])[0]


def _proved(kind: str, reasons: Sequence[str]) -> Convexity:
    return Convexity(kind, tuple(reasons), verdict("proved", "; ".join(reasons)))


def _unknown(*reasons: str) -> Convexity:
    return Convexity("unknown", reasons, verdict("unchecked", reason="; ".join(reasons)))


# -- smooth on a convex set? --------------------------------------------------------------------------------------
def _rough(node: Node, leaves: Sequence[Leaf]) -> str:
    """A part that has kinks, or is not defined on a convex set; empty where the Hessian decides."""
    for n in walk(node):
        if isinstance(n, Apply) and any(x in n.leaves for x in leaves) and not _regular(n, leaves):
            return str(shown(n))
    return ""


def _regular(n: Apply, leaves: Sequence[Leaf]) -> bool:
    u = n.children[0]
    if n.op == "map":
        name = str(n.param)
        positive = name in ON_POSITIVES and (affine(u, leaves) or is_positive(shown(u)) == "yes")
        return isinstance(n.param, str) and (name in SMOOTH or positive)
    if n.op == "pow":
        if n.param.denominator == 1 and n.param > 0:
            return True
        if is_positive(shown(u)) == "yes":
            return True
        if n.param.denominator == 1:
            return is_positive(multiply_any(-1, shown(u))) == "yes"
        return bool(affine(u, leaves)) and (n.param.denominator % 2 == 0)
    if n.op in DEFINITE:
        return definiteness(shown(u))[0] == "positive definite"
    return n.op in PLAIN


# -- proofs -------------------------------------------------------------------------------------------------------
def _by_hessian(derivation: Derivation, leaves: Sequence[Leaf]) -> Convexity | None:
    if not derivation.single:
        return _by_sympy(derivation)
    (x,), (v,) = leaves, derivation.wrt
    hessian = derivation._derivative_node(v, v)
    found = curvature(hessian, v)
    kind, reasons = str(found.kind), list(found.reasons)
    if kind == "unknown" and len(hessian.shape) == 2:
        polished = derivation._result("hessian", v, v)
        if not isinstance(polished, Action):
            kind, reasons = definiteness(expand_names(polished))
    if kind in ("unknown", "zero"):
        return _by_sympy(derivation)
    if kind.startswith("negative"):
        strict = ["strictly concave"] if kind.endswith(" definite") else []
        return _proved("concave", [*strict, *reasons])
    if kind != "positive definite":
        return _proved("convex", reasons)
    return _proved("strongly convex" if _strong(hessian, x, v) else "strictly convex", reasons)


def _strong(hessian: Node, x: Leaf, v: Any) -> bool:
    """A part of the Hessian that does not depend on the variable is positive definite, the rest has its sign."""
    terms = flat_terms(hessian)
    still = [t for t in terms if x not in t.leaves]
    if not still:
        return False
    if curvature(total(still, hessian.shape), v).kind != "positive definite":
        return False
    moving = [t for t in terms if x in t.leaves]
    return not moving or curvature(total(moving, hessian.shape), v).kind.startswith("positive")


def _by_sympy(derivation: Derivation) -> Convexity | None:
    """The Hessian of a function of scalars, by its leading minors or its eigenvalues."""
    objective = derivation.objective
    if not isinstance(objective, Scalar) or any(isinstance(v, Symbol) for v in derivation.wrt):
        return None
    hessian = sp.hessian(objective.value, list(derivation.wrt))
    which = one_sign(hessian)
    if which:
        constant = hessian.free_symbols.isdisjoint(derivation.wrt)
        sign = "positive" if which == "minimum" else "negative"
        text = f"the Hessian is {sign} definite: its leading minors have the signs for it"
        if which == "maximum":
            return _proved("concave", ["strictly concave", text])
        return _proved("strongly convex" if constant else "strictly convex", [text])
    if hessian.free_symbols:
        return _by_principal_minors(hessian)
    signs = {int(sp.sign(sp.re(sp.N(e)))) if e != 0 else 0 for e in hessian.eigenvals()}
    text = "the Hessian is constant, with eigenvalues " + ", ".join(str(e) for e in hessian.eigenvals())
    if signs <= {0, 1} or signs <= {0, -1}:
        return _proved("convex" if 1 in signs else "concave", [text])
    return Convexity("neither", (text,), verdict("proved", text))


def _by_principal_minors(hessian: Any) -> Convexity | None:
    """A Hessian none of whose principal minors is negative is positive semidefinite."""
    for sign, kind, word in ((1, "convex", "positive"), (-1, "concave", "negative")):
        minors = [
            sp.simplify((sign * hessian).extract(list(rows), list(rows)).det())
            for size in range(1, hessian.rows + 1)
            for rows in combinations(range(hessian.rows), size)
        ]
        if hessian.rows <= 3 and all(m.is_nonnegative for m in minors):
            return _proved(kind, [f"the Hessian is {word} semidefinite: its principal minors have the signs for it"])
    return None


def _by_structure(node: Node, leaves: Sequence[Leaf], variables: Sequence[Any]) -> Convexity | None:
    word, reasons = convexity(node, leaves)
    if word != "convex" or len(variables) != 1:
        turned = word == "concave" and any(r.endswith("convex") for r in reasons)
        return _proved(word, ["minus the objective is convex", *reasons] if turned else reasons) if word else None
    (x,), (v,) = leaves, variables
    squares = [t for t in flat_terms(node) if _is_quadratic(t, x)]
    if squares:
        found = curvature(derivative(derivative(total(squares, ()), x), x), v)
        if found.kind == "positive definite":
            return _proved("strongly convex", [*reasons, *found.reasons])
    return _proved(word, reasons)


def _is_quadratic(term: Node, x: Leaf) -> bool:
    return x in term.leaves and not _rough(term, [x]) and x not in derivative(derivative(term, x), x).leaves


# -- points -------------------------------------------------------------------------------------------------------
def _by_points(derivation: Derivation, rough: str) -> Convexity:
    """A point where the Hessian has both signs, or chords on both sides of the graph, refute; nothing is proved."""
    nodes = [derivation._derivative_node(v) for v in derivation.wrt]
    constant = not rough and _depends_on_data_alone(derivation)
    if constant:
        return _unknown(f"it depends on the data: convex where the Hessian {constant} is positive semidefinite")
    tied = [v for v in derivation.wrt if isinstance(v, Symbol) and not v.facts <= FREE]
    if tied and not rough:
        return _unknown(f"no proof was found, and the values of {tied[0]} are tied: no point was tried")
    rng = np.random.default_rng(0)
    signs: dict[int, str] = {}
    samples = _chords(derivation, rng) if rough or tied else _curvatures(derivation, nodes, rng)
    for values, low, high in samples:
        scale = max(abs(low), abs(high))
        both = low < -CLEAR * scale and high > CLEAR * scale
        for sign, value in ((-1, low), (1, high)):
            if sign * value > CLEAR * scale:
                signs.setdefault(sign, f"{value:.3g}")
        if both:
            text = f"the Hessian has the eigenvalues {low:.3g} and {high:.3g} at a random point (seed 0)"
            return _refuted(text, values, low, high)
        if len(signs) == 2:
            what = f"the Hessian has the eigenvalues {signs[-1]} and {signs[1]} at two random points (seed 0)"
            if rough:
                what = "the graph lies above one chord and below another (random points, seed 0)"
            return _refuted(what, values, low, high)
    smooth = "the definiteness of the Hessian does not follow from its structure"
    if rough:
        smooth = f"{rough} has kinks or no convex domain, and the rules for sums and compositions do not reach it"
    seen = {1: "convex", -1: "concave"}.get(next(iter(signs), 0)) if len(signs) == 1 else None
    tried = f"no counterexample to {seen} was found at {POINTS} random points; that is no proof" if seen else ""
    return _unknown(*(t for t in (smooth, tried) if t))


def _refuted(text: str, values: dict[str, Any], low: float, high: float) -> Convexity:
    example = Counterexample(values, low, high, 1.0, 0)
    return Convexity("neither", (text,), verdict("holds", certificate=text, counterexample=example))


def _depends_on_data_alone(derivation: Derivation) -> str:
    """The Hessian in words, if it does not depend on the variables but on data."""
    leaves = [leaf_of(v) for v in derivation.wrt]
    data = False
    for a in derivation.wrt:
        for b in derivation.wrt:
            block = derivation._derivative_node(a, b)
            if any(x in block.leaves for x in leaves):
                return ""
            data = data or any(not _is_size(leaf) for leaf in block.leaves)
    if not data:
        return ""
    return str(derivation._result("hessian", *derivation.wrt * 2)) if derivation.single else "of all variables"


def _is_size(x: Leaf) -> bool:
    return {"integer", "positive"} <= x.facts and x.shape == ()


def _table(derivation: Derivation, e: Expression) -> dict[str, Any]:
    known = derivation.source.symbols
    table = {k: known.get(k, s) for k, s in symbol_table(e).items()}
    return {**table, **{v.name: v for v in derivation.wrt}}


def _curvatures(derivation: Derivation, nodes: Sequence[Node], rng: Any) -> Iterator[Sample]:
    """Points with the smallest and the largest eigenvalue of the Hessian there."""
    rows = [prepare(Raising(False).run(g)) for g in nodes]
    table = _table(derivation, derivation.objective)
    for _ in range(POINTS):
        values, sizes = draw(table, rng)
        try:
            with np.errstate(all="ignore"):
                hessian = hessian_at(derivation.wrt, rows, Trial(values, sizes, True, 0.0))
                if not np.all(np.isfinite(hessian)):
                    continue
                found = np.linalg.eigvalsh((hessian + hessian.T) / 2)
        except FAILURES:
            continue
        yield values, float(found[0]), float(found[-1])


def _chords(derivation: Derivation, rng: Any) -> Iterator[Sample]:
    """Segments, with the height of the chord above the graph in the middle: once as a low, once as a high value."""
    value = prepare(derivation.objective)
    table = _table(derivation, derivation.objective)
    own = {v.name for v in derivation.wrt}
    for _ in range(4 * POINTS):
        values, sizes = draw(table, rng)
        other, _ = draw(table, rng, sizes)
        there = {**values, **{k: other[k] for k in own}}
        middle = {**values, **{k: (np.asarray(values[k]) + np.asarray(other[k])) / 2 for k in own}}
        middle = {k: float(x) if np.shape(x) == () else x for k, x in middle.items()}
        try:
            with np.errstate(all="ignore"):
                a, b, m = (float(value(at, sizes)) for at in (values, there, middle))
        except FAILURES:
            continue
        gap, scale = (a + b) / 2 - m, max(abs(a), abs(b), abs(m), 1e-300)
        if np.isfinite(gap):
            gap = gap if abs(gap) > CLEAR * scale else 0.0
            yield middle, min(gap, 0.0), max(gap, 0.0)
