"""What kind of stationary point was found, and why: proved from the structure of the Hessian, or tested and said so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp

from symml.calculus.nodes import Node
from symml.calculus.reverse import derivative
from symml.calculus.transform import substitute
from symml.derivation.curvature.convexity import convexity
from symml.derivation.curvature.definiteness import Curvature, curvature, in_the_inverse, second_derivative
from symml.derivation.stationary.elimination import Branch, Stage
from symml.derivation.stationary.roots import second_derivative_sign
from symml.derivation.stationary.separating import expand_in
from symml.derivation.stationary.trials import Trials, second_order
from symml.forms.lowering import leaf_of
from symml.language.expressions import Symbol
from symml.language.operators import as_expression, symbol
from symml.records import Verdict, verdict

TESTED = "second-order test at random data"


@dataclass(frozen=True)
class Judgement:
    """Kind of a point, the reasons, and how sure it is."""

    kind: str
    reasons: tuple[str, ...]
    verdict: Verdict
    latex: str = ""


def _extremum(kind: str) -> str:
    return "minimum" if kind.startswith("positive") else "maximum"


def judge(stage: Stage, objective: Node, trials: Trials, alone: bool) -> Judgement:
    """Return the kind of the answer of one stage.

    Parameters
    ----------
    stage : Stage
    objective : Node
        The objective in the variables not yet solved for.
    trials : Trials
        Where the answer was substituted back.
    alone : bool
        Whether this is the only root.
    """
    v, x = stage.variable, leaf_of(stage.variable)
    hessian = _hessian(stage.equation, x)
    found = curvature(hessian, v)
    if found.kind not in ("unknown", "zero"):
        return _everywhere(found, stage, constant=x not in hessian.leaves)
    if x not in hessian.leaves:
        return _depends(found, stage)
    by_test = tested([v], [stage.equation], trials)
    return _by_inverse(stage, objective) or _at_the_point(stage, hessian, alone, by_test.kind) or by_test


def _hessian(equation: Node, x: Any) -> Node:
    hessian = derivative(equation, x)
    if x in hessian.leaves:
        opened = expand_in(hessian, x)
        return opened if x not in opened.leaves else hessian
    return hessian


def _because(found: Curvature, kind: str = "") -> str:
    why = "; ".join(
        r
        for r in found.reasons
        if not r.startswith(found.shown.removeprefix("the Hessian ")) or " (" in r or "because" in r
    )
    text = f"{found.shown} is {kind or found.kind}"
    own = found.shown.removeprefix("the Hessian ")
    if len(found.reasons) == 1 and found.reasons[0].startswith(f"{own} is "):
        tail = found.reasons[0].removeprefix(f"{own} is {found.kind}").strip()
        return f"{text} {tail}".strip()
    return f"{text}: {why}" if why else text


def _scalar_sign(found: Curvature) -> str:
    relation = {
        "positive definite": "> 0",
        "negative definite": "< 0",
        "positive semidefinite": ">= 0",
        "negative semidefinite": "<= 0",
    }[found.kind]
    return f"{found.shown} {relation}"


def _everywhere(found: Curvature, stage: Stage, constant: bool) -> Judgement:
    """The Hessian has one sign on the whole (convex) domain."""
    which = _extremum(found.kind)
    text = _scalar_sign(found) if found.shown.startswith("f″") else _because(found)
    sure = verdict("proved", text)
    if not found.kind.endswith("semidefinite"):
        return Judgement(f"unique global {which}", (text,), sure, found.latex)
    if stage.solution.others:
        return Judgement(f"global {which}", (stage.solution.others, text), sure, found.latex)
    if constant and stage.root is None:
        one = "it is the only one where the equation has one solution"
        return Judgement(f"unique global {which}", (text, one), sure, found.latex)
    if constant and found.shown.startswith("f″"):
        return Judgement(f"unique global {which}", (text, "and not 0 where the solution exists"), sure, found.latex)
    if constant:
        definite = found.kind.replace("semi", "")
        return Judgement(
            f"unique global {which}",
            (text, f"it is {definite} where the inverse in the solution exists"),
            sure,
            found.latex,
        )
    return Judgement(f"global {which}", (text,), sure, found.latex)


def _convex(stage: Stage, objective: Node) -> Judgement | None:
    """A quadratic function that is convex or concave term by term, whatever the structure of its Hessian."""
    word, why = convexity(objective, [leaf_of(stage.variable)])
    if not word:
        return None
    which = "minimum" if word == "convex" else "maximum"
    text = f"the objective is {word} in {as_expression(stage.variable)}: {'; '.join(why)}"
    one = "it is the only stationary point where the equation has one solution"
    return Judgement(f"unique global {which}", (text, one), verdict("proved", text))


def _depends(found: Curvature, stage: Stage) -> Judgement:
    shown = found.shown.removeprefix("the Hessian ")
    text = f"minimum if {shown} is positive definite, maximum if negative definite, saddle point if it has both signs"
    if found.shown.startswith("f″"):
        text = f"minimum if {found.shown} > 0, maximum if it is < 0"
    return Judgement(
        "stationary point",
        (text,),
        verdict("unchecked", reason="the sign of the Hessian depends on the data"),
        found.latex,
    )


def _by_inverse(stage: Stage, objective: Node) -> Judgement | None:
    """A function of X⁻¹ that is convex in Y = X⁻¹: X ↦ X⁻¹ is one to one on the positive definite matrices."""
    v = stage.variable
    if not (isinstance(v, Symbol) and "spd" in v.facts):
        return None
    moved = in_the_inverse(objective, leaf_of(v), v)
    if moved is None:
        return None
    inner, y = moved
    taken = {leaf.name for leaf in objective.leaves}
    name = symbol(next(n for n in ("Y", "Z", "P", "Q", f"{v.name}inv") if n not in taken), v.shape, v.facts)
    plain = substitute(inner, {y: leaf_of(name)})
    found = curvature(second_derivative(plain, leaf_of(name)), name)
    if found.kind not in ("positive definite", "negative definite"):
        return None
    shape = "convex" if found.kind == "positive definite" else "concave"
    text = f"in {name} = {v}⁻¹ the objective is strictly {shape}: {_because(found)}"
    one = f"{v} ↦ {v}⁻¹ maps the positive definite matrices one to one onto themselves"
    return Judgement(f"unique global {_extremum(found.kind)}", (text, one), verdict("proved", text), found.latex)


def _at_the_point(stage: Stage, hessian: Node, alone: bool, by_test: str) -> Judgement | None:
    """The Hessian with the solution put in has one sign; on an interval a single strict extremum is the global one."""
    assert stage.root is not None
    v = stage.variable
    found = curvature(substitute(hessian, {leaf_of(v): stage.root}), v)
    if found.kind in ("unknown", "zero"):
        return None
    which = _extremum(found.kind)
    scalar = found.shown.startswith("f″")
    strict = not found.kind.endswith("semidefinite")
    if not strict and not (scalar and by_test.startswith(f"local {which}")):
        return None
    strict = strict or second_derivative_sign(stage.equation, v, stage.root) == which
    relation = "> 0" if which == "minimum" else "< 0"
    text = f"{found.shown} {relation} at the solution" if scalar else f"at the solution {_because(found)}"
    if not strict:
        text += " unless it is 0"
    sure = verdict("proved" if strict else "holds", text)
    entries = not scalar and strict and stage.solution.method == "entrywise"
    if (scalar or entries) and alone and stage.solution.complete:
        each = "every entry has its own equation and " if entries else ""
        one = f"{each}it is the only stationary point{_range(v)}, so it is the global {which}"
        return Judgement(f"unique global {which}", (text, one), sure, found.latex)
    return Judgement(f"local {which}", (text,), sure, found.latex)


def _range(v: Any) -> str:
    domain = getattr(v, "domain", None)
    if domain is not None and str(domain) != "in R":
        return f" with {as_expression(v)} {domain}"
    return f" with {as_expression(v)} > 0" if isinstance(v, sp.Symbol) and v.is_positive else ""


def tested(variables: Sequence[Any], gradients: Sequence[Node], trials: Trials) -> Judgement:
    """Return the kind that eigenvalues of the Hessian show at random data; labelled so."""
    which = second_order(variables, gradients, trials.feasible)
    if not which:
        return Judgement("stationary point", (), verdict("unchecked", reason="the second-order test decides nothing"))
    count = len(trials.feasible)
    word = which if which == "saddle point" else f"local {which}"
    signs = {"minimum": "positive", "maximum": "negative", "saddle point": "of both signs"}[which]
    where = f"at {count} random data sets; this is a test, not a proof"
    text = f"the eigenvalues of the Hessian at the solution are {signs} {where}"
    return Judgement(f"{word} ({TESTED})", (text,), verdict("holds", text))


def judge_branch(
    branch: Branch, objective: Node, gradients: Sequence[tuple[Any, Node]], trials: Trials, alone: bool
) -> Judgement:
    """Return the kind of a solution found stage by stage: the extremum of an extremum is one."""
    if any(s.solution.method == "system" for s in branch):
        found = _jointly(objective, gradients, alone)
        return found or tested([v for v, _ in gradients], [g for _, g in gradients], trials)
    judged, start = [], objective
    for stage in branch:
        judged.append(judge(stage, objective, trials, alone))
        if stage.root is not None:
            objective = substitute(objective, {leaf_of(stage.variable): stage.root})
    if len(judged) == 1:
        sure = "global" in judged[0].kind or not branch[0].solution.complete
        return (not sure and alone and _convex(branch[0], start)) or judged[0]
    reasons = [f"in {as_expression(s.variable)}: {r}" for s, j in zip(branch, judged, strict=True) for r in j.reasons]
    for which in ("minimum", "maximum"):
        if all(j.kind in (f"unique global {which}", f"global {which}") for j in judged):
            kind = f"unique global {which}" if all(j.kind.startswith("unique") for j in judged) else f"global {which}"
            verb = "minimised" if which == "minimum" else "maximised"
            order = ", then over ".join(str(as_expression(s.variable)) for s in branch)
            return Judgement(kind, (f"{verb} over {order}", *reasons), verdict("proved", "; ".join(reasons)))
    return _jointly(start, gradients, alone) or tested([v for v, _ in gradients], [g for _, g in gradients], trials)


def _jointly(objective: Node, gradients: Sequence[tuple[Any, Node]], alone: bool) -> Judgement | None:
    """Every stationary point of a convex function is a global minimum."""
    word, why = convexity(objective, [leaf_of(v) for v, _ in gradients])
    if not word:
        return None
    which = "minimum" if word == "convex" else "maximum"
    names = ", ".join(str(as_expression(v)) for v, _ in gradients)
    text = f"the objective is {word} in ({names}) jointly: {'; '.join(why)}; every stationary point is a global {which}"
    one = ("it is the only stationary point where the inverse in the solution exists",) if alone else ()
    return Judgement(f"{'unique ' if alone else ''}global {which}", (text, *one), verdict("proved", text))
