"""Derivatives in claims: ``grad(f, w)``, ``grad_w f``, ``∇_w f``, ``hess(f, w)``, ``∂f/∂w``.

Each is cut out of the text, computed by the matrix calculus, and stands in the text as a name of its own, so that spans
stay where they were.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from symml.derivation.derivation import Derivation
from symml.derivation.objective import read_objective, read_variables
from symml.errors import NotationError
from symml.language.expressions import Expression

_CALLED = re.compile(r"\b(grad|gradient|hess|hessian|jac|jacobian)\s*\(")
_PREFIXED = re.compile(
    r"(?:(?P<nabla>∇)(?P<early>²|\^2)?|\b(?P<word>grad|hess|jac))\s*_\s*(?:\{(?P<braced>[^{}]+)\}|(?P<name>[^\W\d_]\w*?))(?P<late>²|\^2)?"
    r"(?=\s|\(|\[|\|)\s*"
)
_FRACTION = re.compile(r"∂\s*(?P<f>[^\W\d]\w*)\s*/\s*∂\s*(?P<x>[^\W\d]\w*)")
_NAME = re.compile(r"[^\W\d]\w*'?")
WHAT = {
    "grad": "gradient",
    "gradient": "gradient",
    "hess": "hessian",
    "hessian": "hessian",
    "jac": "jacobian",
    "jacobian": "jacobian",
}

Read = Callable[[str, int], Expression]


@dataclass(frozen=True)
class Taken:
    """A text whose derivatives were replaced by names, and the expressions of these names."""

    text: str
    names: Mapping[str, Expression]


def take_derivatives(text: str, offset: int, read: Read, taken: Mapping[str, Any]) -> Taken:
    """Return the text with every derivative computed.

    Parameters
    ----------
    read : callable
        Text and its offset in the source to an expression.
    taken : mapping
        Names that may not be used.

    Raises
    ------
    SymmlError
        If an operand cannot be read or has no derivative.
    """
    names: dict[str, Expression] = {}
    while True:
        found = _first(text)
        if found is None:
            return Taken(text, names)
        what, operand, place, variable, span = found
        function = read(operand, offset + place)
        name = next(f"g{k}" for k in range(len(names), 10_000) if f"g{k}" not in taken and f"g{k}" not in names)
        names[name] = derivative(function, variable, what)
        text = text[: span[0]] + name.ljust(span[1] - span[0]) + text[span[1] :]


def derivative(function: Expression, variable: str, what: str) -> Expression:
    """Return a gradient, Hessian or Jacobian of an expression by the name of a variable."""
    source = read_objective(function)
    variables, single = read_variables(variable, source)
    derivation = Derivation(source, variables, single)
    if what == "gradient" and (function.shape != () or not hasattr(variables[0], "facts")):
        what = "derivative" if not hasattr(variables[0], "facts") else "jacobian"
    found: Expression = getattr(derivation, what)
    return found


def _first(text: str) -> tuple[str, str, int, str, tuple[int, int]] | None:
    """The innermost-last derivative of a text: what, operand, its place, variable, span of the whole."""
    candidates = []
    for finder, build in ((_CALLED, _called), (_PREFIXED, _prefixed), (_FRACTION, _fraction)):
        for match in finder.finditer(text):
            candidates.append((match.start(), build, match))
    if not candidates:
        if "∇" in text or "∂" in text:
            place = max(text.find("∇"), text.find("∂"))
            raise NotationError("name the variable of the derivative: grad_w f or grad(f, w)", text, (place, place + 1))
        return None
    _, build, match = max(candidates, key=lambda row: row[0])
    return build(text, match)


def _called(text: str, match: re.Match[str]) -> tuple[str, str, int, str, tuple[int, int]]:
    end = _closing(text, match.end() - 1)
    inside = text[match.end() : end]
    comma = _last_comma(inside)
    if comma < 0:
        raise NotationError(f"{match[1]} takes a function and a variable: {match[1]}(f, w)", text, match.span())
    return WHAT[match[1]], inside[:comma], match.end(), inside[comma + 1 :].strip(), (match.start(), end + 1)


def _prefixed(text: str, match: re.Match[str]) -> tuple[str, str, int, str, tuple[int, int]]:
    what = WHAT[match["word"]] if match["word"] else "gradient"
    if match["early"] or match["late"]:
        what = "hessian"
    start = match.end()
    if text[start : start + 1] in ("(", "["):
        end = _closing(text, start) + 1
    elif text[start : start + 2] == "||" and (close := text.find("||", start + 2)) > 0:
        end = close + 2
        end += 2 if text[end : end + 2] == "^2" else 0
    else:
        name = _NAME.match(text, start)
        if name is None:
            raise NotationError(
                "a derivative stands before a name or a bracket: grad_w f, grad_w (w'w)", text, match.span()
            )
        end = name.end()
        if text[end : end + 1] == "(":
            end = _closing(text, end) + 1
    return what, text[start:end], start, (match["braced"] or match["name"]).strip(), (match.start(), end)


def _fraction(text: str, match: re.Match[str]) -> tuple[str, str, int, str, tuple[int, int]]:
    return "gradient", match["f"], match.start("f"), match["x"], match.span()


def _closing(text: str, start: int) -> int:
    depth = 0
    for place in range(start, len(text)):
        depth += (text[place] in "([{") - (text[place] in ")]}")
        if depth == 0:
            return place
    raise NotationError("this bracket is never closed", text, (start, start + 1))


def _last_comma(text: str) -> int:
    depth, found = 0, -1
    for place, letter in enumerate(text):
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and depth == 0:
            found = place
    return found
