"""Why a claim is wrong: shape, constant ratio, coefficients of terms, a dropped factor, or one edit of its text.

The order is that of how sure each test is: a ratio that is one rational number at every point of every size is no
accident.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial

import sympy as sp

from symml.errors import UNREADABLE, ShapeError
from symml.language.expressions import Call, ElemPow, Expression, Hadamard, Indicator, Mul, Pow, Scalar, postorder
from symml.language.function import function
from symml.language.operators import (
    add,
    elementwise_product,
    multiply_any,
    scalar,
    show_shape,
    substitute,
    transpose,
)  # fmt: skip
from symml.validation.case import Case, Ratio, coefficients, whole_ratio
from symml.validation.edits import edits
from symml.validation.judge import same
from symml.validation.points import Compiled
from symml.validation.records import Diagnosis
from symml.validation.terms import distributed_terms, expanded_terms, top_terms

MOST_EDITS = 400


def diagnose(case: Case) -> Diagnosis:
    """Return the diagnosis of a wrong claim."""
    if case.claim is None or case.claim.shape != case.truth.shape:
        return _shape(case)
    for test in (_ratio, _terms, _extra, _dropped_factor, _edit):
        found = test(case)
        if found is not None:
            return found
    return Diagnosis("other", "no single change makes the claim true", _truth(case))


def _truth(case: Case) -> str:
    return str(case.truth)


def _fixed(case: Case, repaired: Expression) -> str:
    """The correction: the derived result, or the repaired claim of a chain."""
    return _truth(case) if case.derived else str(repaired)


def _agrees(case: Case, e: Expression) -> bool:
    return same(Compiled(e), case.compiled, case.points)


# -- shapes -------------------------------------------------------------------------------------------------------
def _shape(case: Case) -> Diagnosis:
    claim, expected = case.claim, show_shape(case.truth.shape)
    what = f"the {case.derived}" if case.derived else "the other side"
    if claim is not None and len(claim.shape) in (1, 2):
        turned = transpose(claim)
        if turned.shape == case.truth.shape and _agrees(case, turned):
            message = (
                f"your answer is the transpose: {what} has the shape {expected}, yours is {show_shape(claim.shape)}."
            )
            return Diagnosis("transpose", message, _fixed(case, turned))
    found = _edit(case)
    if found is not None:
        return found
    yours = f"yours is {show_shape(claim.shape)}" if claim is not None else _why_not(case)
    return Diagnosis("shape", f"{what} has the shape {expected}; {yours}", _truth(case))


def _why_not(case: Case) -> str:
    try:
        case.read(case.text)
    except UNREADABLE as error:
        return f"yours does not fit together: {str(error).splitlines()[0]}"
    return "yours does not fit together"


# -- ratio --------------------------------------------------------------------------------------------------------
def _ratio(case: Case) -> Diagnosis | None:
    r = whole_ratio(case)
    if r is None or r.number == 0 or (r.plain and r.number == 1):
        return _zero(case) if r is not None and r.number == 0 else None
    where = f"{'in every entry ' if case.truth.shape else ''}at {len(case.points)} random points"
    correction = _truth(case)
    if not case.derived and case.claim is not None:
        correction = str(multiply_any(_inverse(case, r), case.claim))
    kind, missing = _kind_of_ratio(case, r)
    if r.plain and r.number == -1:
        return Diagnosis(kind, f"the claim is minus the truth {where}: the sign is wrong.", correction)
    times = f"{r} times the truth" if r.symbol or r.number.denominator == 1 else f"{r} of the truth"
    return Diagnosis(kind, f"the claim is {times} {where}: {missing}{_usual_cause(case, r)}", correction)


def _zero(case: Case) -> Diagnosis:
    return Diagnosis("lost term", "the claim is zero and the truth is not: everything is missing.", _truth(case))


def _inverse(case: Case, r: Ratio) -> Expression:
    if not r.symbol:
        return scalar(sp.Rational(r.number.denominator, r.number.numerator))
    swap = {sp.Symbol(name): s for name, s in case.symbols.items() if isinstance(s, sp.Symbol)}
    swap |= {
        sp.Symbol(s.name): s
        for e in case.symbols.values()
        for d in getattr(e, "shape", ())
        for s in getattr(d, "free_symbols", ())
    }
    return scalar(1 / r.expression.xreplace(swap))


def _kind_of_ratio(case: Case, r: Ratio) -> tuple[str, str]:
    if r.plain:
        inverse = 1 / r.number
        return ("sign" if r.number == -1 else "factor"), f"a factor {inverse} is missing."
    if r.symbol in case.dimensions:
        if r.power == 0:
            return (
                "wrong denominator",
                f"it is divided by {sp.denom(1 / r.expression)} where it should be by {sp.numer(1 / r.expression)}.",
            )
        return "dropped n", f"a factor {_shown_inverse(r)} is missing."
    occurs = case.claim is not None and any(str(s) == r.symbol for s in case.claim.free_symbols)
    if not occurs:
        return "factor", f"a factor {_shown_inverse(r)} is missing."
    below = any(_divides(node, r.symbol) for node in postorder(case.truth))
    return (
        "wrong denominator" if below else "wrong exponent"
    ), f"the power of {r.symbol} is not right: {_shown_inverse(r)} is missing."


def _shown_inverse(r: Ratio) -> str:
    return str(scalar(1 / r.expression))


def _divides(node: Expression, name: str) -> bool:
    values = [f for f in node.fields if isinstance(f, sp.Basic)]
    return any(p.exp.is_negative and str(p.base) == name for v in values for p in v.atoms(sp.Pow))


def _usual_cause(case: Case, r: Ratio) -> str:
    if case.derived and r.plain and r.number in (Fraction(1, 2), Fraction(2)):
        return (
            " Usual cause: the function has no 1/2 in front."
            if r.number < 1
            else " Usual cause: the 1/2 in front of the function."
        )
    return ""


# -- terms --------------------------------------------------------------------------------------------------------
def _terms(case: Case) -> Diagnosis | None:
    seen: list[list[Expression]] = []
    for split in (top_terms, distributed_terms, expanded_terms):
        terms = split(case.truth)
        if len(terms) < 2 or terms in seen:
            continue
        seen.append(terms)
        found = coefficients(case, terms)
        if found is not None:
            return _of_coefficients(case, terms, found)
    return None


def _of_coefficients(case: Case, terms: Sequence[Expression], found: Sequence[Ratio]) -> Diagnosis | None:
    wrong = [(t, r) for t, r in zip(terms, found, strict=True) if not (r.plain and r.number == 1)]
    if not wrong or case.claim is None:
        return None
    repaired = case.claim
    for t, r in wrong:
        if not r.plain:
            break
        repaired = add(repaired, multiply_any(scalar(1 - sp.Rational(r.number.numerator, r.number.denominator)), t))
    term, r = wrong[0]
    correction = _fixed(case, repaired)
    shown = _unsigned(term)
    if len(wrong) > 1 and _one_product(wrong[0][0], wrong[1][0]):
        message = f"{_unsigned(wrong[0][0])} and {_unsigned(wrong[1][0])} are not equal: the factors do not commute."
        return Diagnosis("product order", message, correction)
    if r.plain and r.number == 0:
        return Diagnosis("lost term", f"the term {shown} is missing.", correction)
    if r.plain and r.number == -1:
        return Diagnosis("sign", f"the sign of the term {shown} is wrong.", correction)
    if not r.plain:
        kind = "wrong denominator" if r.power == 0 else "dropped n"
        return Diagnosis(
            kind, f"the term {shown} stands there {r} times: a factor {_shown_inverse(r)} is missing.", _truth(case)
        )
    return Diagnosis(
        "factor", f"the term {shown} stands there {r} times: a factor {1 / r.number} is missing.", correction
    )


def _one_product(a: Expression, b: Expression) -> bool:
    """Whether two terms are products of the same matrices in different orders."""
    return (
        isinstance(a, Mul)
        and isinstance(b, Mul)
        and len(a.args) > 1
        and sorted(map(str, a.args)) == sorted(map(str, b.args))
    )


def _unsigned(term: Expression) -> str:
    return str(term).removeprefix("−")


def _extra(case: Case) -> Diagnosis | None:
    """A term of the claim without which it is true."""
    assert case.claim is not None
    for split in (top_terms, expanded_terms):
        terms = split(case.claim)
        for k, t in enumerate(terms if len(terms) > 1 else ()):
            rest = add(*(o for j, o in enumerate(terms) if j != k))
            if rest.shape == case.truth.shape and _agrees(case, rest):
                return Diagnosis("extra term", f"the term {_unsigned(t)} does not belong there.", _fixed(case, rest))
    return None


# -- a factor of the truth that the claim lacks -------------------------------------------------------------------
def _dropped_factor(case: Case) -> Diagnosis | None:
    for node in postorder(case.truth):
        for factor, rest in _without_one(node):
            try:
                lacking = substitute(case.truth, {node: rest})
            except UNREADABLE:
                continue
            if lacking.shape == case.truth.shape and _agrees_with_claim(case, lacking):
                return _lacks(case, factor)
    return None


def _agrees_with_claim(case: Case, e: Expression) -> bool:
    assert case.claim is not None
    return same(Compiled(e), Compiled(case.claim), case.points)


def _without_one(node: Expression) -> list[tuple[Expression, Expression]]:
    rule = _FACTORS.get(type(node))
    if rule is None:
        return []
    found = []
    for factor, build in rule(node):
        try:
            rest = build()
        except ShapeError:
            continue
        if rest.shape == node.shape:
            found.append((factor, rest))
    return found


Without = list[tuple[Expression, Callable[[], Expression]]]


def _of_product(node: Expression) -> Without:
    assert isinstance(node, Mul)
    rows: Without = [(f, _later(multiply_any, node.coefficient, node.args, k)) for k, f in enumerate(node.args)]
    if node.coefficient.free_symbols:
        factors = sp.Mul.make_args(node.coefficient)
        rows += [(scalar(f), partial(multiply_any, scalar(node.coefficient / f), *node.args)) for f in factors]
    return rows


def _of_hadamard(node: Expression) -> Without:
    return [(f, _later(elementwise_product, sp.S.One, node.args, k)) for k, f in enumerate(node.args)]


def _of_scalar(node: Expression) -> Without:
    assert isinstance(node, Scalar)
    if not node.value.is_Mul:
        return []
    return [(scalar(f), partial(scalar, node.value / f)) for f in node.value.args if f.free_symbols]


def _later(
    build: Callable[..., Expression], coefficient: sp.Expr, args: Sequence[Expression], k: int
) -> Callable[[], Expression]:
    rest = [a for j, a in enumerate(args) if j != k]
    return lambda: build(scalar(coefficient), *rest)


_FACTORS: dict[type[Expression], Callable[[Expression], Without]] = {
    Mul: _of_product, Hadamard: _of_hadamard, Scalar: _of_scalar,
}  # fmt: skip


def _lacks(case: Case, factor: Expression) -> Diagnosis:
    if isinstance(factor, Pow) and factor.exponent == -1 and factor.shape != ():
        return Diagnosis("inverse missing", f"the factor {factor} is missing.", _truth(case))
    if case.derived and (
        any(_is_inner_derivative(node) for node in postorder(factor)) or _inside_a_function(case.truth, factor)
    ):
        return Diagnosis("chain-rule factor missing", f"the inner derivative {factor} is missing.", _truth(case))
    if factor.shape == () and all(str(s) in case.dimensions for s in factor.free_symbols) and factor.free_symbols:
        return Diagnosis("dropped n", f"the factor {factor} is missing.", _truth(case))
    return Diagnosis("factor", f"the factor {factor} is missing.", _truth(case))


def _is_inner_derivative(node: Expression) -> bool:
    if isinstance(node, Call):
        return function(node.function).kind == "elementwise"
    return isinstance(node, (Indicator, ElemPow)) or (isinstance(node, Pow) and node.shape == ())


def _inside_a_function(truth: Expression, factor: Expression) -> bool:
    """Whether a factor also stands in the argument of an elementwise function: then it is an inner derivative."""
    calls = [
        node for node in postorder(truth) if isinstance(node, Call) and function(node.function).kind == "elementwise"
    ]
    if isinstance(factor, Scalar):
        inner = sp.Tuple(
            *(f for node in postorder(truth) if isinstance(node, Scalar) for f in node.value.atoms(sp.Function))
        )
        return bool(factor.value.free_symbols & inner.free_symbols) or factor.value.has(sp.Function)
    return any(factor in postorder(c.args[0]) for c in calls)


# -- one edit -----------------------------------------------------------------------------------------------------
def _edit(case: Case) -> Diagnosis | None:
    tried: set[str] = set()
    for edit in edits(case.text, tuple(sorted(case.known)), case.dimensions)[:MOST_EDITS]:
        if edit.text in tried:
            continue
        tried.add(edit.text)
        try:
            repaired = case.read(edit.text)
        except (*UNREADABLE, ArithmeticError):
            continue
        if repaired.shape == case.truth.shape and _agrees(case, repaired):
            message = f"with {edit.words} the claim holds at {len(case.points)} random points."
            return Diagnosis(edit.kind, message, _truth(case) if case.derived else str(repaired))
    return None
