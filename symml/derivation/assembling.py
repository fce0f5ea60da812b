"""Results put together: answers substituted back, judged, and told in steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from symml.calculus.construct import is_symmetric
from symml.calculus.nodes import Apply, Node, walk
from symml.calculus.proving import proved_equal
from symml.derivation import conditions
from symml.derivation.critical import Point
from symml.derivation.definiteness import shown
from symml.derivation.elimination import Branch, Stage, answers, is_zero_text
from symml.derivation.judging import Judgement, judge_branch
from symml.derivation.mappings import ByName
from symml.derivation.separating import cleared
from symml.derivation.stationary_point import StationaryPoint
from symml.derivation.trials import Trials, substitute_back
from symml.errors import InternalError, NoClosedFormError
from symml.forms.lowering import lower
from symml.forms.textbook import present
from symml.language.expressions import Expression, Symbol
from symml.language.operators import as_expression, subtract
from symml.notation.wording import words
from symml.records import Step, Verdict, verdict

if TYPE_CHECKING:
    from symml.derivation.derivation import Derivation

Kept = tuple[Branch, list[tuple[Any, Expression]], Trials]


def assemble(
    derivation: Derivation, branches: Sequence[Branch], gradients: Sequence[tuple[Any, Node]]
) -> StationaryPoint:
    """Return the result: answers substituted back, judged, with steps.

    Raises
    ------
    InternalError
        If an answer does not make the gradient zero; it is never shown.
    """
    kept: list[Kept] = []
    for branch in branches:
        answer = answer_of(derivation, branch)
        trials = substitute_back(answer, [g for _, g in gradients], derivation.source.symbols, inverted(branch))
        if trials.verdict == "wrong":
            raise InternalError(
                f"the stationary point {show_answer(answer)} failed its own check: {trials.verdict.counterexample}"
            )
        if not trials.points:
            raise NoClosedFormError(
                f"{show_answer(answer)} solves {branch[-1].solution.equation}, but {trials.verdict.reason}: "
                "no stationary point could be confirmed"
            )
        if not trials.feasible and (len(branches) > 1 or not trials.points[0].symmetric):
            continue
        kept.append((branch, answer, trials))
    if not kept:
        v, equation = gradients[0]
        name = as_expression(v)
        text = is_zero_text(
            present(cleared(equation), derivation._taken), f" has no closed form within the declaration of {name}"
        )
        raise NoClosedFormError(f"{text}; call .fit(...) for numbers")
    judged = [judge_branch(b, derivation._tied(derivation._node), gradients, t, len(kept) == 1) for b, _, t in kept]
    return _result(derivation, kept, judged)


def answer_of(derivation: Derivation, branch: Branch) -> list[tuple[Any, Expression]]:
    """Return the variables with their values as they are shown."""
    if branch[-1].root is None:
        vec = branch[-1].solution.vec
        assert vec is not None, branch
        return [(branch[-1].variable, vec)]
    return [(v, present(node, derivation._taken, True, derivation._given)) for v, node in answers(branch)]


def show_answer(answer: Sequence[tuple[Any, Expression]]) -> str:
    """Return an answer for a message."""
    return ", ".join(f"{as_expression(v)} = {e}" for v, e in answer)


def inverted(branch: Branch) -> list[Expression]:
    """Return the matrices whose inverse is in the answer."""
    found: dict[Node, Expression] = {}
    for _, root in answers(branch):
        for node in walk(root):
            if isinstance(node, Apply) and node.op == "inv":
                found[node] = shown(node.children[0])
    return list(found.values())


def _result(derivation: Derivation, kept: Sequence[Kept], judged: Sequence[Judgement]) -> StationaryPoint:
    order = {v.name: k for k, v in enumerate(derivation.wrt)}
    points = []
    for (_, answer, _), j in zip(kept, judged, strict=True):
        values = {v.name: e for v, e in sorted(answer, key=lambda a: order[a[0].name])}
        points.append(Point(values, j.kind))
    branch, answer, trials = kept[0]
    notes = conditions_of(branch)
    steps = [*first_steps(derivation), *solving_steps(kept, judged), *closing_steps(notes, judged)]
    values_of = [p.values[derivation.wrt[0].name] if derivation.single else ByName(p.values) for p in points]
    equations = ByName(
        {s.variable.name: s.solution.equation for s in sorted(branch, key=lambda s: order[s.variable.name])}
    )
    kind = judged[0].kind if len(kept) == 1 else f"{len(kept)} stationary points: " + ", ".join(j.kind for j in judged)
    last = branch[-1].solution
    return StationaryPoint(
        equation=branch[0].solution.equation if derivation.single else equations,
        expr=values_of[0] if len(values_of) == 1 else tuple(values_of),
        kind=kind,
        reasons=tuple(dict.fromkeys(r for j in judged for r in j.reasons)),
        conditions=tuple(notes),
        points=tuple(points),
        steps=tuple(steps),
        verdict=trials.verdict,
        names=tuple(order),
        _sylvester=last.parts if last.method in ("sylvester", "lyapunov") else (),
    )


def conditions_of(branch: Branch) -> list[str]:
    """Return what must hold for the answer to exist."""
    notes: list[str] = []
    roots: list[tuple[Any, Node | None]] = [*answers(branch)] or [(branch[0].variable, None)]
    for stage, (v, root) in zip(branch, roots, strict=True):
        notes.extend(stage.solution.notes)
        if root is not None:
            notes.extend(conditions.of_roots([root], v))
        else:
            notes.append(conditions.of_sylvester(stage.solution.method, stage.solution.parts))
    return list(dict.fromkeys(notes))


# -- steps --------------------------------------------------------------------------------------------------------
def first_steps(derivation: Derivation) -> list[Step]:
    """Return the gradient set to zero, for each variable, with the verdict of the gradient."""
    steps = []
    for v in derivation.wrt:
        gradient = derivation._result("gradient", v)
        sure = derivation._checked["gradient", v].report.verdict
        name, label = (
            ("∇f", r"\nabla f")
            if derivation.single and isinstance(v, Symbol)
            else (f"∂f/∂{as_expression(v)}", rf"\frac{{\partial f}}{{\partial {tex(v)}}}")
        )
        statement = "at a stationary point the gradient is zero"
        if isinstance(v, Symbol) and "symmetric" in v.facts and not is_symmetric(derivation._derivative_node(v)):
            statement = f"{v} is symmetric: the symmetric part of the gradient is zero"
        steps.append(
            Step(
                "gradient set to zero",
                statement,
                gradient,
                None,
                f"{name} = {is_zero_text(gradient)}",
                f"{label} &= {gradient.latex()} = 0",
                sure,
            )
        )
    return steps


_COLLECT = {
    "affine": "collect the terms with {v} on the left, cancel common factors",
    "inverse": "{v} occurs only as {v}⁻¹: solve for {v}⁻¹",
    "multiplied": "multiply by {v} until no inverse of {v} is left",
    "entrywise": "multiply out and collect {v}",
    "system": "collect: a linear system for the unknowns",
    "sylvester": "collect the terms with {v}: a Sylvester equation",
    "lyapunov": "collect the terms with {v}: a Lyapunov equation",
    "kronecker": "collect the terms with {v}: a linear equation for vec({v})",
}


def solving_steps(kept: Sequence[Kept], judged: Sequence[Judgement]) -> list[Step]:
    """Return the equation as it is collected, and its solution, for each variable."""
    steps: list[Step] = []
    for branch, answer, trials in kept:
        for stage in branch:
            equation = stage.solution.equation
            statement = _COLLECT[stage.solution.method].format(v=as_expression(stage.variable))
            latex = equation.latex("&=")
            step = Step(
                "collect terms", statement, equation.lhs, equation.rhs, str(equation), latex, _same(stage, trials)
            )
            if str(step) not in map(str, steps):
                steps.append(step)
        for v, e in answer:
            vec = isinstance(v, Symbol) and e.shape != v.shape
            name, label = (f"vec({v})", rf"\operatorname{{vec}}({tex(v)})") if vec else (str(as_expression(v)), tex(v))
            steps.append(
                Step(
                    "solve",
                    "solve; substituted back below",
                    as_expression(v),
                    e,
                    f"{name} = {e}",
                    f"{label} &= {e.latex()}",
                    trials.verdict,
                )
            )
    return [_plain_statement(s) for s in steps]


def _plain_statement(s: Step) -> Step:
    if s.rule != "solve":
        return s
    told = s.verdict.certificate if s.verdict.ok else s.verdict.reason
    return Step(s.rule, f"solve ({told})" if told else "solve", s.before, s.after, s.text, s.latex, s.verdict)


def _same(stage: Stage, trials: Trials) -> Verdict:
    """Whether the collected equation is the gradient set to zero, up to factors."""
    equation = stage.solution.equation
    if stage.solution.method in ("affine", "sylvester", "lyapunov", "kronecker", "entrywise"):
        target = cleared(stage.equation)
        sides = ((equation.lhs, equation.rhs), (equation.rhs, equation.lhs))
        if any(proved_equal(cleared(lower(subtract(a, b))), target) for a, b in sides):
            return verdict("proved", "the same equation, up to a nonzero factor")
    return trials.verdict


def closing_steps(notes: Sequence[str], judged: Sequence[Judgement]) -> list[Step]:
    """Return the conditions and the second-order test."""
    steps = []
    for note in notes:
        must = " must " in note or " when " in note
        sure = verdict("unchecked", reason="an assumption on the data") if must else verdict("proved", note)
        steps.append(
            Step(
                "condition",
                "the solution exists under this condition",
                None,
                None,
                note,
                rf"& \text{{{words(note)}}}",
                sure,
            )
        )
    for j in judged:
        text = f"{j.kind}: {j.reasons[0]}" if j.reasons else j.kind
        steps.append(
            Step(
                "second-order",
                j.kind,
                None,
                None,
                text,
                f"& {j.latex}" if j.latex else rf"& \text{{{words(text)}}}",
                j.verdict,
            )
        )
    return steps


def tex(v: Any) -> str:
    """Return the LaTeX of a variable."""
    return as_expression(v).latex()
