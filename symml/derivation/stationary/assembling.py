"""Results put together: answers substituted back, judged, and told in steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from symml.calculus.construct import is_symmetric
from symml.calculus.nodes import Apply, Node, walk
from symml.calculus.proving import proved_equal
from symml.derivation.curvature.definiteness import shown
from symml.derivation.mappings import ByName
from symml.derivation.points.critical import Point
from symml.derivation.stationary import conditions
from symml.derivation.stationary.elimination import Branch, Stage, answers, is_zero_text
from symml.derivation.stationary.judging import Judgement, judge_branch
from symml.derivation.stationary.linear_systems import Numbers, NumberSolver
from symml.derivation.stationary.separating import cleared
from symml.derivation.stationary.stationary_point import StationaryPoint
from symml.derivation.stationary.trials import Trials, substitute_back
from symml.errors import InternalError, NoClosedFormError
from symml.forms.lowering import lower
from symml.forms.textbook import present
from symml.language.contexts import remember
from symml.language.expressions import Expression, Symbol, Zeros
from symml.language.operators import as_expression, subtract
from symml.language.where import expand_names
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
        trials = substitute_back(
            computed(branch, answer), [g for _, g in gradients], derivation.source.symbols, inverted(branch)
        )
        if trials.verdict == "wrong":
            raise InternalError(
                f"the stationary point {show_answer(answer)} failed its own check: {trials.verdict.counterexample}"
            )
        if not trials.points:
            why = trials.verdict.reason
            hint = "; if the solution is not unique, fix what is free with subject_to=" if "singular" in why else ""
            raise NoClosedFormError(
                f"{show_answer(answer)} solves {branch[-1].solution.equation}, but {why}: "
                f"no stationary point could be confirmed{hint}"
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
    """Return the variables with their values as they are shown: of one without a formula what is known instead."""
    last = branch[-1]
    first = [(last.variable, last.solution.formula)] if last.root is None and last.solution.formula is not None else []
    return [*first, *((v, present(n, derivation._taken, True, derivation._given)) for v, n in answers(branch))]


def computed(branch: Branch, answer: Sequence[tuple[Any, Expression]]) -> list[tuple[Any, Expression | Numbers]]:
    """Return the variables with what their numbers are computed from, in order."""
    last = branch[-1]
    if last.root is not None:
        return list(answer)
    assert last.solution.numbers is not None, branch
    return [(last.variable, last.solution.numbers), *((v, e) for v, e in answer if v is not last.variable)]


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
        for _, e in answer:
            remember(e, derivation.source.symbols.values())
        values = {v.name: e for v, e in sorted(answer, key=lambda a: order[a[0].name])}
        points.append(Point(values, j.kind))
    branch, answer, trials = kept[0]
    notes = conditions_of(branch)
    steps = [*first_steps(derivation), *solving_steps(kept, judged), *closing_steps(notes, judged)]
    values_of = [p.values.get(derivation.wrt[0].name) if derivation.single else ByName(p.values) for p in points]
    equations = ByName(
        {s.variable.name: s.solution.equation for s in sorted(branch, key=lambda s: order[s.variable.name])}
    )
    kind = judged[0].kind if len(kept) == 1 else f"{len(kept)} stationary points: " + ", ".join(j.kind for j in judged)
    return StationaryPoint(
        equation=branch[0].solution.equation if derivation.single else equations,
        expr=values_of[0] if len(values_of) == 1 else tuple(values_of),
        kind=kind,
        reasons=tuple(dict.fromkeys(r for j in judged for r in j.reasons)),
        conditions=tuple(notes),
        points=tuple(p for p in points if p.values),
        steps=tuple(steps),
        verdict=trials.verdict,
        names=tuple(order),
        _solver=_solver(branch, answer, notes),
    )


def _solver(branch: Branch, answer: Sequence[tuple[Any, Expression]], notes: Sequence[str]) -> NumberSolver | None:
    """How numbers are found where a variable has no formula."""
    last = branch[-1]
    if last.root is not None or last.solution.numbers is None:
        return None
    others = tuple((v.name, expand_names(e)) for v, e in answer if v is not last.variable)
    return NumberSolver(last.variable.name, last.solution.numbers, others, notes[0] if notes else "")


def conditions_of(branch: Branch) -> list[str]:
    """Return what must hold for the answer to exist."""
    notes: list[str] = []
    roots = {v.name: root for v, root in answers(branch)}
    for stage in branch:
        s, root = stage.solution, roots.get(stage.variable.name)
        if s.method in ("quadratic", "commuting"):
            pass
        elif root is None:
            notes.append(conditions.of_linear(s.method, s.parts, s.variable))
        else:
            notes.extend(conditions.of_roots([root], stage.variable))
        notes.extend(s.notes)
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
    "mixed": "collect the terms with {v} and {v}ᵀ: a linear equation for vec({v})",
    "transposed": "collect the terms with {v} and {v}ᵀ; its transpose is a second equation for both",
    "rows": "collect the terms with {v}: row {i} of the equation holds row {i} of {v} alone",
    "columns": "collect the terms with {v}: column {i} of the equation holds column {i} of {v} alone",
    "linear": "collect the terms with {v}: a linear system for the entries of {v}, solved at the data",
    "around": "the matrix around {v} occurs only in its inverse: solve for it",
    "least norm": "cancel the factor on the outside, which sends no vector but 0 to 0",
    "homogeneous": "the matrix is definite for every {v}: only {v} = 0 is sent to 0",
    "quadratic": "multiply by {v} until no inverse of {v} is left: a quadratic equation for {v}",
    "commuting": "multiply by {v}; {v} commutes with the matrix beside it, as {v}⁻¹ is a sum of multiples of both",
}


def solving_steps(kept: Sequence[Kept], judged: Sequence[Judgement]) -> list[Step]:
    """Return the equation as it is collected, and its solution, for each variable."""
    steps: list[Step] = []
    for branch, answer, trials in kept:
        for stage in branch:
            equation = stage.solution.equation
            statement = _COLLECT[stage.solution.method].format(v=as_expression(stage.variable), i=equation.each)
            latex = equation.latex("&=")
            step = Step(
                "collect terms", statement, equation.lhs, equation.rhs, str(equation), latex, _same(stage, trials)
            )
            if str(step) not in map(str, steps):
                steps.append(step)
        last = branch[-1]
        for v, e in answer:
            own = last.solution if last.root is None and v is last.variable else None
            label = as_expression(v) if own is None or own.label is None else own.label
            text_tail, tex_tail = ("", "") if own is None else own.tail
            steps.append(
                Step(
                    "solve",
                    "solve; substituted back below",
                    as_expression(v),
                    e,
                    f"{label} = {'0' if isinstance(e, Zeros) else e}{text_tail}",
                    f"{label.latex()} &= {'0' if isinstance(e, Zeros) else e.latex()}{tex_tail}",
                    trials.verdict,
                )
            )
    return [_plain_statement(s) for s in steps]


def _plain_statement(s: Step) -> Step:
    if s.rule != "solve":
        return s
    told = s.verdict.certificate if s.verdict.ok else s.verdict.reason
    return Step(s.rule, f"solve ({told})" if told else "solve", s.before, s.after, s.text, s.latex, s.verdict)


SAME = ("affine", "sylvester", "lyapunov", "kronecker", "mixed", "transposed", "linear", "entrywise")


def _same(stage: Stage, trials: Trials) -> Verdict:
    """Whether the collected equation is the gradient set to zero, up to factors."""
    equation = stage.solution.equation
    if stage.solution.method in SAME:
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
