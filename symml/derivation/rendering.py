"""A derivation as LaTeX, Markdown, HTML and plain data; every rendering comes from the same steps."""

from __future__ import annotations

import html as _html
from typing import TYPE_CHECKING, Any

from symml.errors import NotSupportedError
from symml.records import Step

if TYPE_CHECKING:
    from symml.derivation.derivation import Derivation

LEVELS = ("short", "full")


def chosen(derivation: Derivation, level: str) -> tuple[Step, ...]:
    """Return the steps of a level: "full" is all, "short" leaves out the substitutions."""
    if level not in LEVELS:
        raise NotSupportedError(f"steps={level!r} is not known; choose 'short' or 'full'")
    return tuple(s for s in derivation.steps if level == "full" or s.rule != "substitute")


def align(derivation: Derivation, level: str = "full") -> str:
    r"""Return an ``align*`` environment: the objective, then one line a step with its rule."""
    rows = [rf"f &= {derivation.objective.latex()}"]
    rows += [rf"{_aligned(s.latex)} && \text{{{_words(s.statement)}}}" for s in chosen(derivation, level)]
    return "\\begin{align*}\n" + " \\\\\n".join(rows) + "\n\\end{align*}"


def _aligned(latex: str) -> str:
    return latex if "&=" in latex else latex.replace("=", "&=", 1)


_TEXT = {"⊙": r"$\odot$", "ᵀ": r"$^{\top}$", "⁻¹": r"$^{-1}$", "σ": r"$\sigma$", "′": "$'$", "‖": r"$\|$", "²": "$^2$", "−": "$-$",
         "Σ": r"$\Sigma$", "_": r"\_", "^": r"\^{}", "&": r"\&", "%": r"\%", "#": r"\#", "𝟏": r"$\mathbf{1}$", "λ": r"$\lambda$",
         "⇒": r"$\Rightarrow$", "μ": r"$\mu$", "Λ": r"$\Lambda$", "θ": r"$\theta$", "α": r"$\alpha$", "τ": r"$\tau$", "∘": r"$\circ$",
         "ρ": r"$\rho$", "β": r"$\beta$", "₁": "$_1$", "₂": "$_2$", "₃": "$_3$", "π": r"$\pi$", "ψ": r"$\psi$", "Φ": r"$\Phi$", "φ": r"$\varphi$",
         "√": r"$\surd$", "Γ": r"$\Gamma$", "·": r"$\cdot$", "≥": r"$\ge$", "≤": r"$\le$", "≠": r"$\ne$", "ᶻ": "$^z$", "∂": r"$\partial$",
         "⊘": r"$\oslash$", "γ": r"$\gamma$", "δ": r"$\delta$", "κ": r"$\kappa$", "ν": r"$\nu$", "ω": r"$\omega$", "Ω": r"$\Omega$",
         "⊗": r"$\otimes$", "↦": r"$\mapsto$", "″": "$''$", "³": "$^3$", "⁴": "$^4$", "⁻": "$^-$", "ᵢ": "$_i$", "ⱼ": "$_j$", "ₖ": "$_k$",
         "ₘ": "$_m$", "ₙ": "$_n$", "ₚ": "$_p$", "₀": "$_0$", "₄": "$_4$", "Δ": r"$\Delta$", "η": r"$\eta$",
         "ξ": r"$\xi$", "ε": r"$\varepsilon$", "χ": r"$\chi$", "ζ": r"$\zeta$", "Ψ": r"$\Psi$", "Ξ": r"$\Xi$"}  # fmt: skip


def _words(statement: str) -> str:
    """A statement as LaTeX text."""
    return "".join(_TEXT.get(c, c) for c in statement.replace("⁻¹", "\u0001")).replace("\u0001", "$^{-1}$")


def markdown(derivation: Derivation, level: str = "full") -> str:
    """Return Markdown with displayed LaTeX and one numbered line a step."""
    rows = [f"**Objective** $f = {derivation.objective.latex()}$", ""]
    for number, s in enumerate(chosen(derivation, level), 1):
        rows.append(f"{number}. ${s.latex.replace('&', '')}$ — {s.statement} ({s.verdict})")
    return "\n".join(rows) + "\n"


def html(derivation: Derivation) -> str:
    """Return an HTML fragment with an ordered list of the steps."""
    items = "".join(
        f"<li>\\({_html.escape(s.latex.replace('&', ''))}\\) <span>{_html.escape(s.statement)}</span> <em>{s.verdict}</em></li>"
        for s in derivation.steps
    )
    return f'<div class="symml-derivation"><p>\\(f = {_html.escape(derivation.objective.latex())}\\)</p><ol>{items}</ol></div>'


def plain(derivation: Derivation) -> dict[str, Any]:
    """Return objective, results and steps as plain data."""
    steps = [
        {"rule": s.rule, "statement": s.statement, "text": s.text, "latex": s.latex, "verdict": str(s.verdict), "source": s.source}
        for s in derivation.steps
    ]
    results = {what: str(derivation._result(what, *v)) for what, *v in derivation._checked}
    return {"objective": derivation.objective.to_dict(), "wrt": [str(v) for v in derivation.wrt], "results": results, "steps": steps}
