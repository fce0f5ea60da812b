"""The record of a stationary point: equation, solution, conditions, kind, and the steps that lead there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from symml.derivation.mappings import ByName
from symml.derivation.points.critical import Point
from symml.derivation.story.rendering import inline
from symml.errors import NoClosedFormError
from symml.language.expressions import Expression
from symml.notation.layout import align
from symml.records import Step, Verdict


@dataclass(frozen=True)
class StationaryPoint:
    """What `Derivation.stationary` returns.

    Attributes
    ----------
    equation : Equation
        The stationarity equation with the unknown on the left; a mapping by name for several variables.
    expr : Expression
        The solution; a mapping by name for several variables; a tuple of these for several points. Of a Sylvester or
        Kronecker equation the formula of vec(X), of an eigenproblem and of a median None.
    kind : str
        "unique global minimum", "global maximum", "local minimum (second-order test at random data)", ...
    reasons, conditions : tuple of str
        Why it is of that kind, and what must hold for the solution to exist.
    points : tuple of Point
        Every stationary point with its kind; iterating over the result gives these.
    steps : tuple of Step
    verdict : Verdict
        Of the answer substituted back.
    multipliers : mapping
        Lagrange multipliers by name, with their values where they have one.
    kkt : KKT or None
        Under inequalities: stationarity, primal and dual feasibility, complementary slackness.
    dual : Dual or None
        Under inequalities on a convex objective: the dual objective `expr` and its `constraints`.
    """

    equation: Any
    expr: Any
    kind: str
    reasons: tuple[str, ...]
    conditions: tuple[str, ...]
    points: tuple[Point, ...]
    steps: tuple[Step, ...]
    verdict: Verdict
    multipliers: Mapping[str, Any] = field(default_factory=lambda: ByName({}))
    names: tuple[str, ...] = ()
    kkt: Any = None
    dual: Any = None
    _solver: Callable[[Mapping[Any, Any]], Any] | None = field(default=None, compare=False, repr=False)

    def __iter__(self) -> Iterator[Point]:
        return iter(self.points)

    def __len__(self) -> int:
        return len(self.points)

    def __str__(self) -> str:
        lines = [str(s.text) for s in self.steps if s.rule in ("collect terms", "solve")]
        if len(self.points) > 1 or self.expr is None or self.kkt is not None:
            left = [str(s.text) for s in self.steps if s.rule in ("multiplier", "formula")]
            lines = [str(self.equation if self.kkt is None else self.kkt), *(str(p) for p in self.points), *left]
        lines.append(self.kind + (f": {self.reasons[0]}" if self.reasons else ""))
        lines += [f"condition: {c}" for c in self.conditions]
        lines += [f"dual: {self.dual}"] if self.dual is not None else []
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def evaluate(self, mapping: Mapping[Any, Any] | None = None, /, *, multipliers: bool = False, **values: Any) -> Any:
        """Return the value of the solution, in the shape of the variable; a mapping by name for several variables.

        With `multipliers` these too, by name; those of inequalities are zero where these are not active.

        Of an eigenproblem all eigenvalues in descending order, by the name of the multiplier, and the eigenvectors as
        columns, by the name of the variable; of a singular value problem likewise. Where one equation for the
        multiplier is left it is solved numerically, and of several cases the one that holds at the data is taken; a
        convex problem under inequalities without such cases is solved by an interior point method, and its conditions
        are verified before anything is returned.

        Raises
        ------
        NoClosedFormError
            If the solution is no formula, or there are several.
        DataError
            If a value is missing or does not have the declared shape.
        """
        given = {**(dict(mapping) if mapping else {}), **values}
        if multipliers:
            return self._with_multipliers(given)
        if self._solver is not None:
            return self._solver(given)
        if isinstance(self.expr, ByName):
            return ByName({name: e.evaluate(given) for name, e in self.expr.items()})
        if not isinstance(self.expr, Expression):
            raise NoClosedFormError(f"{self.equation} has no single solution to evaluate: {self.kind}")
        return self.expr.evaluate(given)

    def _with_multipliers(self, given: Mapping[Any, Any]) -> ByName:
        by_name = getattr(self._solver, "by_name", None)
        if by_name is not None:
            return ByName(dict(by_name(given)))
        found = self.evaluate(given)
        own = dict(found) if isinstance(found, ByName) else {self.names[0]: found}
        return ByName({**own, **{n: e.evaluate(given) for n, e in self.multipliers.items() if n not in own}})

    def latex(self) -> str:
        r"""Return an ``align*`` environment with every step and its reason."""
        return align(_row(s) for s in self.steps)

    def _repr_latex_(self) -> str:
        return self.latex()

    def to_html(self) -> str:
        """Return an HTML fragment with the steps."""
        items = "".join(f"<li>\\({inline(s.latex)}\\) <span>{s.statement}</span></li>" for s in self.steps)
        return f'<div class="symml-stationary"><ol>{items}</ol></div>'

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return {
            "equation": str(self.equation),
            "expr": _plain(self.expr),
            "kind": self.kind,
            "reasons": list(self.reasons),
            "conditions": list(self.conditions),
            "points": [p.to_dict() for p in self.points],
            "verdict": str(self.verdict),
            "kkt": None if self.kkt is None else [f"{name}: {row}" for name, row in self.kkt.rows],
            "dual": None if self.dual is None else str(self.dual),
            "multipliers": {k: str(v) for k, v in self.multipliers.items()},
            "steps": [
                {"rule": s.rule, "statement": s.statement, "text": s.text, "latex": s.latex, "verdict": str(s.verdict)}
                for s in self.steps
            ],
        }


def _row(step: Step) -> tuple[str, str]:
    """Formula and reason of a step; sentences have no formula, and how well an answer was tried is not typeset."""
    if step.rule == "condition":
        return "", f"condition: {step.text}"
    if step.latex.startswith(r"& \text"):
        return "", str(step.text)
    return step.latex, step.statement.split(" (substituted back")[0]


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    if isinstance(value, Mapping):
        return {k: str(v) for k, v in value.items()}
    return None if value is None else str(value)
