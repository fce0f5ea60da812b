"""The story of an estimate: what is told, line by line, and the ends of the domain where it breaks down."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp

from symml.language.expressions import Expression, Scalar
from symml.language.names import latex_name, unicode_name
from symml.language.operators import scalar
from symml.records import Step, Verdict, verdict
from symml.statistics.estimators import Estimators, tidy
from symml.statistics.records import Condition, ModelWarning
from symml.statistics.sufficient import Statistic

PROVED = verdict("proved", certificate="a definition")


@dataclass(frozen=True)
class Story:
    """What is told of a model with sufficient statistics."""

    logpdf: sp.Expr
    loglike: Scalar
    statistics: tuple[Statistic, ...]
    parameters: tuple[sp.Symbol, ...]
    size: sp.Symbol
    found: Estimators


def narrate(story: Story, information: sp.Matrix | None) -> tuple[Step, ...]:
    """Return the steps from the log-density to the estimators, the maximum and the information."""
    density, whole = scalar(story.logpdf), story.loglike
    steps = [
        _line("density", "the log-density of one observation", "log f", r"\log f", density),
        _line("loglike", "the observations are independent: sum over the sample", "ℓ", r"\ell", whole),
    ]
    for s in story.statistics:
        name, moves = s.symbol.name, any(s.symbol in sp.diff(whole.value, p).free_symbols for p in story.parameters)
        words = (
            "what the data enter through"
            if moves
            else "free of the parameters: it moves the log-likelihood up and down"
        )
        steps.append(_line("sufficient_statistic", words, unicode_name(name), latex_name(name), s.expression))
    for solved in story.found.solved:
        steps.extend(_solved(solved.parameter, tidy(story.size * solved.equation), solved.root, solved.dropped))
    if story.found.hessian is not None:
        steps.append(_second_order(tidy_matrix(story.size * story.found.hessian), story.found.maximum))
    elif story.found.profile is not None:
        steps.append(
            _line(
                "profile",
                f"one equation is left, for {story.found.profile.variable}",
                "0",
                "0",
                scalar(story.found.profile.equation),
            )
        )
    if information is not None:
        text = f"I({', '.join(unicode_name(p.name) for p in story.parameters)}) = {_shown(information)}"
        words = "expected negative second derivative of one observation"
        held = verdict("proved", certificate="E[score] = 0 gives the expected statistics")
        steps.append(Step("information", words, None, information, text, rf"I &= {_latex(information)}", held))
    return tuple(steps)


def tidy_matrix(matrix: sp.Matrix) -> sp.Matrix:
    """Return a matrix with its entries in short form."""
    return matrix.applyfunc(tidy)


def _line(
    rule: str, statement: str, left: str, latex: str, right: Expression, before: Any = None, found: Verdict = PROVED
) -> Step:
    return Step(rule, statement, before, right, f"{left} = {right}", f"{latex} &= {right.latex()}", found)


def _solved(p: sp.Symbol, equation: sp.Expr, root: sp.Expr, dropped: Sequence[sp.Expr]) -> list[Step]:
    name, shown, value = unicode_name(p.name), scalar(equation), scalar(root)
    left_out = f"; {', '.join(str(scalar(r)) for r in dropped)} lies outside its domain" if dropped else ""
    tex = latex_name(p.name)
    return [
        Step("score", f"the score of {name}, set to zero", None, shown, f"∂ℓ/∂{name} = {shown} = 0",
             rf"\frac{{\partial \ell}}{{\partial {tex}}} &= {shown.latex()} = 0", PROVED),
        Step("solve", f"solved for {name}{left_out}", shown, value, f"{name} = {value}",
             rf"\hat{{{tex}}} &= {value.latex()}", verdict("proved", certificate="the score vanishes at the root")),
    ]  # fmt: skip


def _second_order(hessian: sp.Matrix, maximum: Verdict) -> Step:
    return Step("second_order", "the Hessian at the root is negative definite: a maximum", None, hessian,
                f"H = {_shown(hessian)}, negative definite", rf"H &= {_latex(hessian)} \prec 0", maximum)  # fmt: skip


def _shown(matrix: sp.Matrix) -> str:
    return "[" + "; ".join(", ".join(str(scalar(e)) for e in row) for row in matrix.tolist()) + "]"


def _latex(matrix: sp.Matrix) -> str:
    rows = r" \\ ".join(" & ".join(scalar(e).latex() for e in row) for row in matrix.tolist())
    return rf"\begin{{pmatrix}} {rows} \end{{pmatrix}}"


# -- where it breaks down -----------------------------------------------------------------------------------------
def ends(
    found: Estimators, loglike: sp.Expr, parameters: Sequence[sp.Symbol], statistics: Sequence[sp.Symbol]
) -> tuple[tuple[Condition, ModelWarning], ...]:
    """Return the values of statistics at which an estimate leaves its domain, with what the likelihood does there."""
    closed = {p: found.closed.get(p.name) for p in parameters}
    if any(v is None for v in closed.values()):
        return ()
    highest = loglike.subs(closed)
    rows = []
    for s in statistics:
        for end, sign in _ends_of(s, closed):
            label = unicode_name(s.name)
            relation = f"{label} {'>' if sign == '+' else '<'} {end}"
            code = "unbounded" if _grows(highest, s, end, sign) else "boundary"
            what = (
                "the likelihood grows without bound"
                if code == "unbounded"
                else "the maximum lies on the boundary of the domain"
            )
            rows.append((Condition(relation, _test(s.name, end, sign)), ModelWarning(code, f"{label} = {end}: {what}")))
    return tuple(rows)


def _ends_of(s: sp.Symbol, closed: Mapping[sp.Symbol, Any]) -> list[tuple[Any, str]]:
    """Ends of the range of a statistic at which some estimate reaches an end of its domain."""
    rows = []
    if s.is_nonnegative and any(s in v.free_symbols and p.is_positive and _touches(v, s) for p, v in closed.items()):
        rows.append((0, "+"))
    for p, v in closed.items():
        domain = getattr(p, "domain", None)
        if v == s and domain is not None and domain.low is not None and domain.high is not None:
            rows += [(domain.low, "+"), (domain.high, "-")]
    return list(dict.fromkeys(rows))


def _grows(highest: sp.Expr, s: sp.Symbol, end: Any, sign: str) -> bool:
    """Whether the highest likelihood goes to infinity as a statistic goes to the end of its range."""
    a, b, c = (_near(highest, s, end, sign, digits) for digits in (10, 20, 40))
    return c - b > 1 and c - b > 1.5 * (b - a)


def _touches(value: sp.Expr, s: sp.Symbol) -> bool:
    """Whether an estimate goes to zero or infinity as a statistic goes to zero."""
    found = abs(_near(value, s, 0, "+", 60))
    return found < 1e-20 or found > 1e20


def _near(e: sp.Expr, s: sp.Symbol, end: Any, sign: str, digits: int) -> float:
    """Value of an expression close to an end of the range of a statistic, at a fixed point of everything else."""
    step = sp.Float(10, 80) ** -digits
    at = {other: sp.Rational(3 + k, 7) for k, other in enumerate(sorted(e.free_symbols - {s}, key=str))}
    found = sp.N(e.xreplace(at | {s: end + step if sign == "+" else end - step}), 60)
    return float(found) if found.is_Float or found.is_Rational else float("nan")


def _test(name: str, end: Any, sign: str) -> Callable[[Mapping[str, Any]], bool]:
    bound = float(end)
    return lambda values: values[name] > bound if sign == "+" else values[name] < bound
