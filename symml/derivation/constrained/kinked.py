"""Convex objectives with kinks in numbers: lasso, least absolute deviations, hinges, quantile regression.

Every |u| and relu(u) of an affine u becomes a variable t with t >= u and t >= −u, or t >= 0: the same minimum, without
kinks, for an interior point method. Where such an objective has a closed form, `shrinking` gives it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from symml.calculus.nodes import Apply, Leaf, Node, walk
from symml.calculus.transform import substitute
from symml.derivation.constrained.programs import ConvexSolver, Row
from symml.derivation.curvature.convexity import affine, convexity
from symml.derivation.curvature.definiteness import curvature, second_derivative
from symml.derivation.mappings import ByName
from symml.derivation.stationary.assembling import tex
from symml.derivation.stationary.piecewise import KINKED, Inclusion
from symml.derivation.stationary.stationary_point import StationaryPoint
from symml.errors import NotSupportedError
from symml.forms.lowering import leaf_of, lower
from symml.forms.raising import Raising
from symml.forms.textbook import present
from symml.language.expressions import Expression
from symml.language.names import canonical
from symml.language.operators import add, as_expression, multiply_any, symbol
from symml.notation.wording import words
from symml.records import Step, verdict

if TYPE_CHECKING:
    from symml.derivation.derivation import Derivation


def kinked(derivation: Derivation) -> StationaryPoint | None:
    """Return what is known of the minimum of a convex objective with kinks, or None for any other objective."""
    own = derivation.wrt
    leaves = [leaf_of(v) for v in own]
    try:
        node = derivation._tied(derivation._node)
    except NotSupportedError:
        return None
    kinks = _kinks([node], leaves)
    if not kinks or convexity(node, leaves)[0] != "convex":
        return None
    return _told(derivation, node, kinks)


def _kinks(nodes: Sequence[Node], leaves: Sequence[Leaf]) -> list[Apply]:
    """The functions with kinks, of affine arguments; none if one has another argument."""
    found = [
        n
        for n in walk(*nodes)
        if isinstance(n, Apply) and n.op == "map" and n.param in KINKED and any(x in n.leaves for x in leaves)
    ]
    return found if all(affine(n.children[0], leaves) for n in found) else []


def smooth(program: ConvexSolver, taken: Sequence[str]) -> ConvexSolver:
    """Return a convex program with a variable t for every kink |u| or relu(u): t >= u, and t >= −u or t >= 0."""
    own = [leaf_of(v) for v in program.variables]
    nodes = [lower(program.objective), *(lower(r.value) for r in program.rows)]
    kinks = _kinks(nodes, own)
    names = [*taken]
    swap: dict[Node, Node] = {}
    extra, rows, hidden = [], [], []
    for kink in kinks:
        t, a, b = (_fresh(letter, kink.shape, names) for letter in ("t", "a", "b"))
        swap[kink] = leaf_of(t)
        extra.append(t)
        hidden += [t.name, a.name, b.name]
        e, u = as_expression(t), Raising(False).run(kink.children[0])
        rows.append(Row(add(e, multiply_any(-1, u)), a, False))
        rows.append(Row(e if kink.param == "relu" else add(e, u), b, False))
    objective, *values = (Raising(False).run(substitute(n, swap)) for n in nodes)
    if not swap:
        objective, values = program.objective, [r.value for r in program.rows]
    variables = (*program.variables, *extra)
    everything = [leaf_of(v) for v in variables]
    return replace(
        program,
        variables=variables,
        objective=objective,
        rows=(*(replace(r, value=e) for r, e in zip(program.rows, values, strict=True)), *rows),
        affine=all(affine(lower(e), everything) for e in values),
        hidden=tuple(hidden),
        sparse=tuple(v.name for v in program.variables if any(n.children[0] is leaf_of(v) for n in kinks)),
    )


def _fresh(letter: str, shape: Any, taken: list[str]) -> Any:
    """A symbol of a name that nothing has yet."""
    name = next(n for n in (letter, *(f"{letter}{k}" for k in range(1, 1000))) if canonical(n) not in taken)
    taken.append(canonical(name))
    return symbol(name, shape)


def _told(derivation: Derivation, node: Node, kinks: Sequence[Apply]) -> StationaryPoint:
    leaves = [leaf_of(v) for v in derivation.wrt]
    symbols = tuple(sorted(derivation.source.symbols.items()))
    plain = ConvexSolver(derivation.wrt, Raising(False).run(node), (), 1, True, symbols)
    program = smooth(plain, derivation._taken)
    inclusions, steps = {}, []
    for v in derivation.wrt:
        gradient = derivation._result("gradient", v)
        inclusions[v.name] = Inclusion(gradient)
        latex = inclusions[v.name].latex().replace(r"\in", r"&\in", 1)
        sure = derivation._checked["gradient", v].report.verdict
        why = "at a minimum of a convex function 0 lies in the subgradient"
        steps.append(Step("subgradient", why, gradient, None, str(inclusions[v.name]), latex, sure))
    steps.append(_epigraph(derivation, program, kinks))
    reasons = convexity(node, leaves)[1]
    kind = "unique global minimum" if _strict(derivation, node, kinks) else "global minimum"
    text = f"the objective is convex ({'; '.join(reasons)}): where 0 lies in the subgradient it has its minimum"
    steps.append(Step("second-order", kind, None, None, text, rf"& \text{{{words(text)}}}", verdict("proved", text)))
    return StationaryPoint(
        equation=inclusions[derivation.wrt[0].name] if derivation.single else ByName(inclusions),
        expr=None,
        kind=kind,
        reasons=(text,),
        conditions=(),
        points=(),
        steps=tuple(steps),
        verdict=verdict("unchecked", reason="there is no formula; .evaluate verifies the conditions at the data"),
        names=tuple(v.name for v in derivation.wrt),
        _solver=program,
    )


def _strict(derivation: Derivation, node: Node, kinks: Sequence[Apply]) -> bool:
    """Whether the part without kinks is strictly convex in the only variable."""
    if not derivation.single:
        return False
    x = leaf_of(derivation.wrt[0])
    rest = substitute(node, {n: n.children[0] for n in kinks})
    return curvature(second_derivative(rest, x), derivation.wrt[0]).kind == "positive definite"


def _epigraph(derivation: Derivation, program: ConvexSolver, kinks: Sequence[Apply]) -> Step:
    """The same problem without kinks."""
    extra = program.variables[len(derivation.wrt) :]
    bounds, shown_bounds = [], []
    for t, kink in zip(extra, kinks, strict=True):
        u: Expression = present(kink.children[0], derivation._taken)
        low = "0" if kink.param == "relu" else f"−{t}"
        bounds.append(f"{u} <= {t}, {low} <= {t if kink.param == 'relu' else u}")
        below = "0" if kink.param == "relu" else f"-{tex(t)}"
        right = tex(t) if kink.param == "relu" else u.latex()
        shown_bounds.append(rf"{u.latex()} \leq {tex(t)},\; {below} \leq {right}")
    objective = present(lower(program.objective), derivation._taken)
    names = ", ".join(str(as_expression(v)) for v in program.variables)
    text = f"minimise {objective} over {names} subject to {', '.join(bounds)}"
    statement = "a variable for every kink: the same minimum, solved at the data by an interior point method"
    latex = rf"& \min\; {objective.latex()} \quad \text{{subject to}} \quad " + r",\; ".join(shown_bounds)
    proved = verdict("proved", "at the minimum a new variable stands at its bound")
    return Step("formula", statement, derivation.objective, objective, text, latex, proved)
