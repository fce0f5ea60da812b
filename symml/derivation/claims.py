"""Checks of a derivation: of its own results again, of somebody's claim, or exactly by SymPy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from symml.checking.reports import CheckReport
from symml.derivation.certificate import certify
from symml.derivation.results import derivative_check
from symml.errors import NotSupportedError, ShapeError
from symml.language.expressions import Action, Expression
from symml.language.operators import as_expression, show_shape, substitute, transpose
from symml.notation.reader import parse
from symml.records import verdict

if TYPE_CHECKING:
    from symml.derivation.derivation import Derivation


def check(derivation: Derivation, claim: Any, order: int, seed: int, method: str, points: int) -> CheckReport:
    """Return the worst report over the variables; see `Derivation.check`."""
    if method not in ("differences", "sympy"):
        raise NotSupportedError(f"method {method!r} is not known; choose 'differences' or 'sympy'")
    if order not in (1, 2):
        raise NotSupportedError(f"order {order} is not offered; 1 is the gradient or Jacobian, 2 the Hessian")
    reports = []
    for variables in _targets(derivation, order):
        what = _what(derivation, len(variables))
        result = _claimed(derivation, claim, variables) if claim is not None else derivation._result(what, *variables)
        reports.append(_one(derivation, what, variables, result, seed, method, points))
    return _worst(reports)


def _targets(derivation: Derivation, order: int) -> list[tuple[Any, ...]]:
    if order == 1:
        return [(v,) for v in derivation.wrt]
    return [(a, b) for a in derivation.wrt for b in derivation.wrt]


def _what(derivation: Derivation, order: int) -> str:
    if order == 2:
        return "hessian"
    return "gradient" if derivation.objective.shape == () else "jacobian"


def _claimed(derivation: Derivation, claim: Any, variables: tuple[Any, ...]) -> Expression:
    if isinstance(claim, Mapping):
        keys = {str(k): v for k, v in claim.items()}
        claim = keys[variables[0].name] if len(variables) == 1 else keys[", ".join(v.name for v in variables)]
    if isinstance(claim, str):
        known = [*derivation.source.symbols.values(), *(s for s, _ in derivation.source.definitions)]
        return _with_definitions(derivation, parse(claim, where=known))
    return as_expression(claim)


def _with_definitions(derivation: Derivation, claim: Expression) -> Expression:
    for name, value in reversed(derivation.source.definitions):
        claim = substitute(claim, {name: value})
    return claim


def _one(derivation: Derivation, what: str, variables: tuple[Any, ...], result: Expression, seed: int, method: str,
         points: int) -> CheckReport:  # fmt: skip
    expected = _expected_shape(derivation, variables)
    if _squeezed(result.shape) != _squeezed(expected) or (result.shape != expected and not isinstance(result, Action)
                                                         and 1 in result.shape):  # fmt: skip
        return _wrong_shape(result, expected, what, seed)
    symmetric = derivation._folds(variables[-1])
    if method == "sympy":
        return certify(derivation.objective, result, variables, what, symmetric)
    function = derivation.objective if len(variables) == 1 else derivation._plain_gradient(variables[0])
    return derivative_check(function, result, variables[-1], derivation.source.symbols, what, symmetric, seed, points)


def _expected_shape(derivation: Derivation, variables: tuple[Any, ...]) -> tuple[Any, ...]:
    shape = derivation.objective.shape
    for v in variables:
        shape = (*shape, *getattr(v, "shape", ()))
    return shape


def _squeezed(shape: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(d for d in shape if d != 1)


def _wrong_shape(result: Expression, expected: tuple[Any, ...], what: str, seed: int) -> CheckReport:
    found = f"the claim has shape {show_shape(result.shape)}, the {what} {show_shape(expected)}"
    try:
        turned = len(result.shape) <= 2 and result.shape != () and transpose(result).shape == expected
    except ShapeError:
        turned = False
    located = f"{found}: the claim is the transpose" if turned else found
    return CheckReport(False, verdict("wrong", reason=located), float("inf"), 0, 0, {}, seed, 0.0, what, located)


def _worst(reports: list[CheckReport]) -> CheckReport:
    for report in reports:
        if report.passed is False:
            return report
    for report in reports:
        if report.passed is None:
            return report
    return max(reports, key=lambda r: r.worst)
