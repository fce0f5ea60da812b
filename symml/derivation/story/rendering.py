"""A derivation as LaTeX, Markdown, HTML and plain data; every rendering comes from the same steps."""

from __future__ import annotations

import html as _html
from typing import TYPE_CHECKING, Any

from symml.errors import NotSupportedError
from symml.notation import layout
from symml.records import Step

if TYPE_CHECKING:
    from symml.derivation.derivation import Derivation

LEVELS = ("short", "full")


def chosen(derivation: Derivation, level: str, of: str = "gradient") -> tuple[Step, ...]:
    """Return the steps of a level: "full" is all, "short" leaves out the substitutions."""
    if level not in LEVELS:
        raise NotSupportedError(f"steps={level!r} is not known; choose 'short' or 'full'")
    return tuple(s for s in derivation.steps_of(of) if level == "full" or s.rule != "substitute")


def align(derivation: Derivation, level: str = "full", of: str = "gradient") -> str:
    r"""Return an ``align*`` environment: the objective, then one line a step with its rule.

    Of a program the lines of the program tell the objective.
    """
    told = of == "gradient" and _is_program(derivation)
    rows = [] if told else [(f"f = {derivation.objective.latex()}", "")]
    return layout.align(rows + [(s.latex, s.statement) for s in chosen(derivation, level, of)])


def _is_program(derivation: Derivation) -> bool:
    """Whether the steps begin with the lines of a program, which tell the objective."""
    return bool(derivation.source.definitions) and derivation.objective.shape == ()


def inline(latex: str) -> str:
    r"""Return the LaTeX of a step without its alignment mark."""
    return latex.removeprefix("& ").replace("&=", "=", 1)


def markdown(derivation: Derivation, level: str = "full") -> str:
    """Return Markdown with displayed LaTeX and one numbered line a step."""
    rows = [] if _is_program(derivation) else [f"**Objective** $f = {derivation.objective.latex()}$", ""]
    for number, s in enumerate(chosen(derivation, level), 1):
        rows.append(f"{number}. ${inline(s.latex)}$ — {s.statement} ({s.verdict})")
    return "\n".join(rows) + "\n"


def html(derivation: Derivation) -> str:
    """Return an HTML fragment with an ordered list of the steps."""
    items = "".join(
        f"<li>\\({_html.escape(inline(s.latex))}\\) <span>{_html.escape(s.statement)}</span> <em>{s.verdict}</em></li>"
        for s in derivation.steps
    )
    objective = f"<p>\\(f = {_html.escape(derivation.objective.latex())}\\)</p>"
    objective = "" if _is_program(derivation) else objective
    return f'<div class="symml-derivation">{objective}<ol>{items}</ol></div>'


def plain(derivation: Derivation) -> dict[str, Any]:
    """Return objective, results and steps as plain data."""
    steps = [
        {
            "rule": s.rule,
            "statement": s.statement,
            "text": s.text,
            "latex": s.latex,
            "verdict": str(s.verdict),
            "source": s.source,
        }
        for s in derivation.steps
    ]
    results = {what: str(derivation._result(what, *v)) for what, *v in derivation._checked}
    return {
        "objective": derivation.objective.to_dict(),
        "wrt": [str(v) for v in derivation.wrt],
        "results": results,
        "steps": steps,
    }
