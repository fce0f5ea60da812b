"""The Newton step and the gradient step as formulas, with the largest stable rate, and their values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sympy as sp

from symml.derivation.curvature.curvature_bounds import bound_everywhere
from symml.derivation.curvature.local_model import LocalModel, local_model
from symml.derivation.curvature.special_steps import factors_of, largest_eigenvalue, numbers_of, reduced
from symml.derivation.kinks import has_kinks
from symml.forms.lowering import leaf_of
from symml.language.expressions import Action, Add, Expression, Scalar, Where, Zeros, postorder
from symml.language.operators import as_expression, divide, multiply_any, power, subtract
from symml.language.where import expand_names

if TYPE_CHECKING:
    from symml.derivation.derivation import Derivation


@dataclass(frozen=True)
class Iteration:
    """One step of an iteration, as a formula and as a function.

    Attributes
    ----------
    name : str
        "Newton step" or "gradient step".
    text : str
        Such as ``w ← w − (Xᵀ X)⁻¹ (Xᵀ (X w − y))``.
    update : Expression or None
        What the variable becomes; None where several variables move together, or the Hessian acts on matrices.
    rate : Expression or None
        Of a gradient step: the largest stable rate, where it has a formula.
    statement : str
        When the step is stable, or why it ends at once.
    """

    name: str
    text: str
    update: Expression | None
    rate: Expression | None
    statement: str
    _latex: str = field(repr=False)
    _model: LocalModel = field(repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.text}\n{self.statement}"

    def __repr__(self) -> str:
        return str(self)

    def latex(self) -> str:
        """Return the step as LaTeX without delimiters."""
        return self._latex

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self._latex}$"

    def to_html(self) -> str:
        """Return a fragment of HTML."""
        return f'<span class="symml">\\({self._latex}\\)</span>'

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data."""
        rate = None if self.rate is None else str(self.rate)
        return {"name": self.name, "text": self.text, "latex": self._latex, "rate": rate, "statement": self.statement}

    def evaluate(self, mapping: Mapping[Any, Any] | None = None, /, **values: Any) -> Any:
        """Return the variable after the step; a mapping by name for several variables.

        Raises
        ------
        DataError
            If a value is missing or does not fit, or the Hessian is singular at the point.
        """
        given = {**(dict(mapping) if mapping else {}), **values}
        return self._model.newton(given) if self.name == "Newton step" else self._model.descent(given)

    def largest_rate(self, mapping: Mapping[Any, Any] | None = None, /, **values: Any) -> float:
        """Return 2/L at the given values, L the largest eigenvalue of the Hessian there; infinite if L <= 0."""
        return self._model.largest_rate({**(dict(mapping) if mapping else {}), **values})


# -- the Newton step ----------------------------------------------------------------------------------------------
def newton_step(derivation: Derivation) -> Iteration:
    """Return the Newton step: the inverse of the Hessian times the gradient is subtracted."""
    model = local_model(derivation)
    statement = "quadratic near a stationary point with an invertible Hessian; far from it the step needs damping"
    if _is_quadratic(derivation):
        statement = "the objective is quadratic: one step ends at the stationary point, if the Hessian is invertible"
    gradient, hessian = model.gradients[0], model.hessians[0][0]
    if not derivation.single:
        return _of_several(derivation, statement, model)
    v = as_expression(derivation.wrt[0])
    if _is_zero(hessian):
        text = "the Hessian is 0: there is no Newton step"
        return _iteration("Newton step", text, rf"\text{{{text}}}", None, None, "use the gradient step", model)
    if isinstance(hessian, Action):
        return _of_a_matrix(derivation, gradient, hessian, statement, model)
    gradient, hessian = reduced(gradient, hessian)
    g, h = _Part.of(gradient, "g"), _Part.of(hessian, "H")
    if v.shape == ():
        update = subtract(v, divide(expand_names(gradient), expand_names(hessian)))
        above = g.divisor if h.factor.isdigit() and isinstance(gradient, Scalar) else g.factor
        text, tex = f"{above}/{h.divisor}", rf"\frac{{{g.latex}}}{{{h.latex}}}"
    else:
        inverse = power(expand_names(hessian), -1)
        update = subtract(v, multiply_any(inverse, expand_names(gradient)))
        text = f"{'H⁻¹' if h.where else inverse} {g.factor}"
        tex = f"{'H^{-1}' if h.where else inverse.latex()} {g.factor_latex}"
    text, tex = _step(v, text, tex, g, h)
    if isinstance(update, Scalar) and isinstance(hessian, Scalar) and hessian.value.is_number:
        text, tex = f"{text} = {update}", f"{tex} = {update.latex()}"
    return _iteration("Newton step", text, tex, update, None, statement, model)


def _of_several(derivation: Derivation, statement: str, model: LocalModel) -> Iteration:
    """The step of several variables; of numbers with gradient, Hessian and what comes out."""
    names, tex = _tuple(derivation, str), _tuple(derivation, lambda v: v.latex())
    text, tex_step = f"{names} ← {names} − H⁻¹ g", rf"{tex} \leftarrow {tex} - H^{{-1}} g"
    numbers = numbers_of(derivation)
    if numbers is None:
        text += f", with the gradient g and the Hessian H over {names}"
        return _iteration("Newton step", text, tex_step, None, None, statement, model)
    g, h = (as_expression(sp.ImmutableMatrix(m)) for m in (numbers.gradient, numbers.hessian))
    new = numbers.update(derivation.wrt)
    if new is not None:
        text += " = (" + ", ".join(str(as_expression(e)) for e in new) + ")"
        tex_step += r" = \left(" + ", ".join(as_expression(e).latex() for e in new) + r"\right)"
    text += f";  g = {g}, H = {h}"
    tex_step += rf";\quad g = {g.latex()},\ H = {h.latex()}"
    return _iteration("Newton step", text, tex_step, None, None, statement, model)


def _of_a_matrix(
    derivation: Derivation, gradient: Expression, hessian: Action, statement: str, model: LocalModel
) -> Iteration:
    """The step of a matrix: by the factors of its Hessian, or the equation for the direction."""
    v, direction = as_expression(derivation.wrt[0]), hessian.args[0]
    factors = factors_of(derivation)
    if factors is not None and not any(isinstance(n, Where) for n in postorder(gradient)):
        update = subtract(v, factors.solved(gradient))
        text, tex = f"{v} ← {update}", rf"{v.latex()} \leftarrow {update.latex()}"
        return _iteration("Newton step", text, tex, update, None, statement, model)
    text = f"{v} ← {v} − {direction}, where H[{direction}] = {gradient} is solved for {direction};  {hessian}"
    d, arrow = direction.latex(), r"\leftarrow"
    tex = rf"{v.latex()} {arrow} {v.latex()} - {d},\quad H[{d}] = {gradient.latex()};\quad {hessian.latex()}"
    return _iteration("Newton step", text, tex, None, None, statement, model)


# -- the gradient step --------------------------------------------------------------------------------------------
def gradient_step(derivation: Derivation) -> Iteration:
    """Return the gradient step and the largest rate at which it is stable."""
    model = local_model(derivation, optional=True)
    hessian = model.hessians[0][0] if model.hessians else None
    eta = as_expression(sp.Symbol(model.rate, positive=True))
    bound = None
    if derivation.single and hessian is not None and not isinstance(hessian, Action) and not _is_zero(hessian):
        curvature = expand_names(hessian)
        bound = divide(2, curvature if curvature.shape == () else largest_eigenvalue(curvature))
    elif hessian is not None:
        largest = _largest(derivation, hessian)
        bound = None if largest is None else divide(2, largest)
    lines = []
    for variable, gradient in zip(derivation.wrt, model.gradients, strict=True):
        v, g = as_expression(variable), _Part.of(gradient, "g")
        if v.shape == ():
            lines.append(_minus(v, multiply_any(eta, expand_names(gradient))))
        elif g.where:
            lines.append(_step(v, f"{eta} {g.factor}", f"{eta.latex()} {g.factor_latex}", g))
        else:
            new = subtract(v, multiply_any(eta, gradient))
            lines.append((f"{v} ← {new}", rf"{v.latex()} \leftarrow {new.latex()}"))
    text = "\n".join(line for line, _ in lines)
    tex = r" \\ ".join(line for _, line in lines)
    tex = tex if derivation.single else rf"\begin{{aligned}}{tex}\end{{aligned}}"
    v = as_expression(derivation.wrt[0])
    update = subtract(v, multiply_any(eta, expand_names(model.gradients[0]))) if derivation.single else None
    return _iteration("gradient step", text, tex, update, bound, _stable(derivation, hessian, bound, eta), model)


def _largest(derivation: Derivation, hessian: Expression) -> Expression | None:
    """The largest eigenvalue of the Hessian of a matrix with factors, or of a constant Hessian of numbers."""
    if isinstance(hessian, Action):
        factors = factors_of(derivation)
        return factors.largest() if factors is not None else None
    numbers = numbers_of(derivation) if not derivation.single else None
    found = numbers.largest() if numbers is not None else None
    return as_expression(sp.nsimplify(found) if found.is_Float else found) if found is not None else None


def _stable(derivation: Derivation, hessian: Expression | None, bound: Expression | None, eta: Expression) -> str:
    largest = "L the largest eigenvalue of the Hessian"
    if has_kinks(derivation):
        return f"the objective has kinks: a constant rate stops short of the minimum; let {eta} fall with the steps"
    if hessian is None:
        return "the largest stable rate is not known: the Hessian has no rule"
    if _is_quadratic(derivation):
        if derivation.single and _is_zero(hessian):
            return "the Hessian is 0 and limits no rate: the objective is affine, or piecewise so"
        rate = f"stable for 0 < {eta} < {'2/L, ' + largest if bound is None else bound}"
        return rate + _doubt(derivation)
    shown = f" = {bound}" if bound is not None and not _Part.of(hessian, "H").where else ""
    text = f"the largest stable rate depends on the point: {eta} < 2/L{shown}, {largest} there"
    most = bound_everywhere(derivation)
    if most is None:
        return text
    return f"{text}; L is at most {most}, so {eta} < {divide(2, most)} is stable at every point"


def _doubt(derivation: Derivation) -> str:
    """What is said of a quadratic objective that is not known to be convex."""
    kind = derivation.convexity.kind
    if kind == "unknown":
        return ", where the Hessian is positive semidefinite; elsewhere no rate is stable"
    return "" if "convex" in kind else " along the directions of positive curvature; along the others no rate is stable"


# -- text ---------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class _Part:
    """A gradient or Hessian as a factor; by a name where it has named parts of its own."""

    factor: str
    divisor: str
    latex: str
    factor_latex: str
    where: str = ""
    where_latex: str = ""

    @staticmethod
    def of(e: Expression, name: str) -> _Part:
        """Return the part of an expression."""
        if any(isinstance(n, Where) for n in postorder(e)):
            return _Part(name, name, name, name, f"{name} = {e}", f"{name} = {e.latex()}")
        text, tex = str(e), e.latex()
        bracketed = rf"\left({tex}\right)"
        value = e.value if isinstance(e, Scalar) else None
        atom = value is not None and (value.is_Symbol or (value.is_Integer and value >= 0) or value.func == sp.exp)
        single = not isinstance(e, Add) and not text.startswith(("−", "-")) and not (value is not None and value.is_Add)
        return _Part(text if single else f"({text})", text if atom else f"({text})", tex, tex if single else bracketed)


def _step(v: Expression, text: str, tex: str, *parts: _Part) -> tuple[str, str]:
    named = [p for p in parts if p.where]
    text = f"{v} ← {v} − {text}" + "".join(f";  {p.where}" for p in named)
    tex = rf"{v.latex()} \leftarrow {v.latex()} - {tex}" + "".join(rf";\quad {p.where_latex}" for p in named)
    return text, tex


def _minus(v: Expression, moved: Expression) -> tuple[str, str]:
    found = []
    for show, arrow in ((str, "←"), (lambda e: e.latex(), r"\leftarrow")):
        text, name = show(moved), show(v)
        found.append(f"{name} {arrow} {name} " + (f"+ {text[1:].strip()}" if text[0] in "-−" else f"− {text}"))
    return found[0], found[1].replace("−", "-")


def _iteration(name: str, text: str, tex: str, update: Any, rate: Any, statement: str, model: LocalModel) -> Iteration:
    return Iteration(name, text, update, rate, statement, tex, model)


def _tuple(derivation: Derivation, show: Any) -> str:
    return "(" + ", ".join(show(as_expression(v)) for v in derivation.wrt) + ")"


def _is_zero(e: Expression) -> bool:
    return isinstance(e, Zeros) or (isinstance(e, Scalar) and e.value == 0)


def _is_quadratic(derivation: Derivation) -> bool:
    leaves = [leaf_of(v) for v in derivation.wrt]
    blocks = (derivation._derivative_node(a, b) for a in derivation.wrt for b in derivation.wrt)
    return all(x not in block.leaves for block in blocks for x in leaves)
