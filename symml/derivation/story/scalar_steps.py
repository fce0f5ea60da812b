"""The story of a function of numbers, as it is told at school: sum, product, quotient, chain rule, line by line.

A line is a sum of known factors times derivatives that are still to be taken; the next line takes these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sympy as sp

from symml.calculus.proving import proved_equal
from symml.checking.equality import sampled
from symml.errors import InternalError, NotSupportedError
from symml.forms.lowering import lower
from symml.forms.raising import Raising
from symml.forms.scalars import differentiated
from symml.language.expressions import Expression, Scalar
from symml.language.names import latex_name, unicode_name
from symml.language.operators import scalar
from symml.notation.latex_writer import LATEX
from symml.notation.scalars import scalar_piece
from symml.notation.style import Style, shown, tight
from symml.notation.table import JUXTAPOSITION
from symml.notation.unicode_writer import UNICODE
from symml.records import Step, Verdict, verdict

if TYPE_CHECKING:
    from symml.derivation.derivation import Derivation

Expr = Any
LONG = 120  # operations; the difference of longer lines is compared in numbers
SCHOOL = "any textbook of calculus"
PRODUCT = "product rule: (u v)′ = u′ v + u v′"
QUOTIENT = "quotient rule: (u/v)′ = (u′ v − u v′)/v²"
POWER = "power rule: (u^n)′ = n u^(n−1) u′"


@dataclass(frozen=True)
class Term:
    """A factor times a derivative that is still to be taken; None where nothing is left."""

    factor: Expr
    left: Expr | None = None


@dataclass(frozen=True)
class _Found:
    terms: tuple[Term, ...]
    rules: tuple[str, ...]


def narrate_scalar(derivation: Derivation) -> list[Step]:
    """Return the steps of the derivative of a function of numbers by each variable."""
    objective = derivation.objective
    assert isinstance(objective, Scalar)
    value = objective.value
    steps: list[Step] = []
    for v in derivation.wrt:
        steps.extend(_told(value, v, derivation._result("gradient", v), derivation.single, 1))
    return steps


def narrate_second(derivation: Derivation, a: Any, b: Any) -> list[Step]:
    """Return the steps of a second derivative: that of ∂f/∂a by b."""
    first = derivation._result("gradient", a)
    assert isinstance(first, Scalar)
    value, last = first.value, derivation._result("hessian", a, b)
    name, tex = _label(a, derivation.single)
    known = Step("gradient", "the derivative, to be differentiated once more", None, first, f"{name} = {first}",
                 rf"{tex} &= {first.latex()}", verdict("proved", "checked as the gradient"))  # fmt: skip
    return [known, *_told(value, b, last, derivation.single, 2, a)]


def _told(value: Expr, x: Any, final: Expression, single: bool, order: int, first: Any = None) -> list[Step]:
    label, tex = _label(x, single) if order == 1 else _second_label(first, x, single)
    if not value.has(x):
        words, sure = f"nothing here depends on {unicode_name(x.name)}", verdict("proved", "no occurrence")
        return [Step("constant", words, None, final, f"{label} = {final}", rf"{tex} &= {final.latex()}", sure)]
    terms: tuple[Term, ...] = (Term(sp.S.One, value),)
    steps: list[Step] = []
    start, start_latex = label, tex
    while any(t.left is not None for t in terms):
        found = [_one(t, x) for t in terms]
        terms = tuple(t for f in found for t in f.terms) or (Term(sp.S.Zero),)
        rules = list(dict.fromkeys(r for f in found for r in f.rules)) or ["x′ = 1"]
        line, line_latex = (_written(style, terms, x, single) for style in (UNICODE, LATEX))
        whole = _value(terms, x)
        sure = _agree(whole, final)
        steps.append(Step(_rule_name(rules), "; ".join(rules), None, scalar(whole), f"{start} = {line}",
                          rf"{start_latex} &= {line_latex}".lstrip(), sure, SCHOOL))  # fmt: skip
        start, start_latex = "  ", ""
    if line != str(final):
        steps.append(Step("collect", "collect terms", None, final, f"   = {final}", rf"&= {final.latex()}",
                          _agree(_value(terms, x), final)))  # fmt: skip
    return steps


def _value(terms: Sequence[Term], x: Any) -> Expr:
    return sp.Add(*(t.factor * (sp.S.One if t.left is None else differentiated(t.left, x)) for t in terms))


def _agree(value: Expr, final: Expression) -> Verdict:
    try:
        a, b = lower(scalar(value)), lower(final)
    except NotSupportedError:
        return _simplified(value, final) or verdict("unchecked", reason="a function without an index form")
    if proved_equal(a, b):
        return verdict("proved", "both sides have one canonical form")
    simple = _simplified(value, final)
    if simple is not None:
        return simple
    agreed = sampled(Raising(False).run(a), Raising(False).run(b))
    if agreed == "wrong":
        raise InternalError(f"a step disagrees with the derivative {final}: {agreed.counterexample}")
    return agreed


def _simplified(value: Expr, final: Expression) -> Verdict | None:
    difference = value - final.value  # type: ignore[attr-defined]
    if difference.count_ops() > LONG or sp.simplify(difference) != 0:
        return None
    return verdict("proved", "SymPy simplifies the difference to 0")


# -- one line -----------------------------------------------------------------------------------------------------
def _one(term: Term, x: Any) -> _Found:
    """Take the derivative that a term has left, one rule deep."""
    if term.left is None:
        return _Found((term,), ())
    found = _derivative(term.left, x)
    return _Found(tuple(Term(term.factor * t.factor, t.left) for t in found.terms), found.rules)


def _derivative(f: Expr, x: Any) -> _Found:
    if not f.has(x):
        return _Found((), ())
    if f == x:
        return _Found((Term(sp.S.One),), ())
    if f.is_Add:
        parts = [_derivative(t, x) for t in f.args]
        return _Found(tuple(t for p in parts for t in p.terms), tuple(r for p in parts for r in p.rules))
    if f.is_Mul:
        return _product(f, x)
    if f.is_Pow or isinstance(f, sp.exp):
        return _power(f, x)
    slope = _slope(f) if len(f.args) == 1 and isinstance(f, sp.Function) else None
    if slope is not None:
        return _chain(f, f.args[0], slope, x)
    return _Found((Term(differentiated(f, x)),), (f"{scalar(f)} by its own rule",))


def _slope(f: Expr) -> Expr | None:
    """f′(u) of a function of one argument u; None where SymPy knows no rule."""
    z = sp.Dummy("z", real=True)
    found = differentiated(f.func(z), z)
    return None if found.has(sp.Derivative, sp.Subs) else found.subs(z, f.args[0])


def _product(f: Expr, x: Any) -> _Found:
    still, moving = f.as_independent(x, as_Add=False)
    factors = sp.Mul.make_args(moving)
    below = sp.Mul(*(g**-1 for g in factors if _is_below(g, x)))
    above = sp.Mul(*(g for g in factors if not _is_below(g, x)))
    if below.has(x) and above.has(x):
        u, v = _derivative(above, x), _derivative(below, x)
        terms = [Term(still * t.factor / below, t.left) for t in u.terms]
        terms += [Term(-still * above * t.factor / below**2, t.left) for t in v.terms]
        return _Found(tuple(terms), (QUOTIENT, *u.rules, *v.rules))
    rules: tuple[str, ...] = (PRODUCT,) if len(factors) > 1 else ()
    terms = []
    for k, factor in enumerate(factors):
        others = sp.Mul(still, *(g for m, g in enumerate(factors) if m != k))
        found = _derivative(factor, x)
        terms += [Term(others * t.factor, t.left) for t in found.terms]
        rules += found.rules
    return _Found(tuple(terms), rules)


def _is_below(factor: Expr, x: Any) -> bool:
    return bool(factor.is_Pow and factor.base != sp.E and factor.exp.is_number and factor.exp.is_negative)


def _power(f: Expr, x: Any) -> _Found:
    base, exponent = f.as_base_exp()
    if isinstance(f, sp.exp) or base == sp.E:
        u = f.args[0] if isinstance(f, sp.exp) else exponent
        return _chain(f, u, f, x)
    if not exponent.has(x):
        if base == x:
            return _Found((Term(exponent * base ** (exponent - 1)),), (_plain_power(exponent),))
        return _chain(f, base, exponent * base ** (exponent - 1), x)
    if not base.has(x):
        return _chain(f, exponent, f * sp.log(base), x)
    told = f"u^v = exp(v log u): {scalar(f)} = exp({scalar(exponent * sp.log(base))})"
    return _Found((Term(f, exponent * sp.log(base)),), (told,))


def _plain_power(exponent: Expr) -> str:
    if exponent == sp.S.Half:
        return "(sqrt(x))′ = 1/(2 sqrt(x))"
    if exponent == -1:
        return "(1/x)′ = −1/x²"
    return "power rule: (x^n)′ = n x^(n−1)"


def _chain(f: Expr, u: Expr, slope: Expr, x: Any) -> _Found:
    """f(u) with slope f′(u); the derivative of an affine u is taken at once."""
    if u == x:
        return _Found((Term(slope),), (f"({scalar(f)})′ = {scalar(slope)}",))
    name = next(n for n in ("u", "v", "q", "s") if n not in {s.name for s in f.free_symbols})
    symbol = sp.Symbol(name, real=True) if isinstance(f, sp.Function) else sp.Symbol(name, positive=True)
    outer = symbol**f.exp if f.is_Pow and u == f.base else f.base**symbol if f.is_Pow else f.func(symbol)
    slope_shown = scalar_piece(UNICODE, differentiated(outer, symbol))
    words = (
        f"chain rule: ({scalar(outer)})′ = {tight(UNICODE, slope_shown, JUXTAPOSITION)} {name}′, {name} = {scalar(u)}"
    )
    inner = sp.diff(u, x)
    if not inner.has(x) and not (u.is_Mul and u.has(sp.Function)):
        return _Found((Term(slope * inner),), (words,))
    return _Found((Term(slope, u),), (words,))


def _rule_name(rules: Sequence[str]) -> str:
    names = (("quotient", "quotient_rule"), ("product", "product_rule"), ("chain", "chain_rule"), ("power", "d_power"))
    return next((name for word, name in names if any(r.startswith(word) for r in rules)), "linearity")


# -- writing ------------------------------------------------------------------------------------------------------
def _written(style: Style, terms: Sequence[Term], x: Any, single: bool) -> str:
    """A sum of factors times derivatives in a style."""
    plain = sp.Add(*(t.factor for t in terms if t.left is None))
    pending: dict[Expr, Expr] = {}
    for t in terms:
        if t.left is not None:
            pending[t.left] = pending.get(t.left, sp.S.Zero) + t.factor
    out = shown(style, scalar_piece(style, plain)) if plain != 0 or not pending else ""
    for u, factor in pending.items():
        negative = bool(factor.could_extract_minus_sign())
        sign = ("−" if style is UNICODE else "-") if negative else "+"
        size = -factor if negative else factor
        text = _pending(style, u, x, single)
        text = text if size == 1 else style.beside([tight(style, scalar_piece(style, size), JUXTAPOSITION), text])
        out += f" {sign} {text}" if out else f"{sign if negative else ''}{text}"
    return out


def _pending(style: Style, u: Expr, x: Any, single: bool) -> str:
    inner = shown(style, scalar_piece(style, u))
    if style is UNICODE:
        return f"({inner})′" if single else f"∂({inner})/∂{unicode_name(x.name)}"
    inner = rf"\left({inner}\right)"
    return f"{inner}'" if single else rf"\frac{{\partial}}{{\partial {latex_name(x.name)}}} {inner}"


def _label(x: Any, single: bool) -> tuple[str, str]:
    if single:
        return "f′", "f'"
    return f"∂f/∂{unicode_name(x.name)}", rf"\frac{{\partial f}}{{\partial {latex_name(x.name)}}}"


def _second_label(a: Any, b: Any, single: bool) -> tuple[str, str]:
    if single:
        return "f″", "f''"
    if a == b:
        return f"∂²f/∂{unicode_name(a.name)}²", rf"\frac{{\partial^{{2}} f}}{{\partial {latex_name(a.name)}^{{2}}}}"
    return (
        f"∂²f/∂{unicode_name(a.name)}∂{unicode_name(b.name)}",
        rf"\frac{{\partial^{{2}} f}}{{\partial {latex_name(a.name)} \, \partial {latex_name(b.name)}}}",
    )
