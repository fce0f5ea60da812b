"""The public verbs: they wire the rooms together and decide nothing."""

from __future__ import annotations

from typing import Any

from symml.checking.equality import equal as _equal
from symml.codegen import lambdify as _lambdify
from symml.derivation.derivation import Derivation
from symml.derivation.objective import read_objective, read_variables
from symml.language.operators import as_expression
from symml.notation.reader import parse
from symml.records import Verdict

__all__ = ["derive", "equal", "lambdify", "parse"]

lambdify = _lambdify.lambdify


def derive(objective: Any, wrt: Any, where: Any = None, layout: str = "unconstrained") -> Derivation:
    """Derive an objective with respect to one or more variables."""
    source = read_objective(objective, where)
    variables, single = read_variables(wrt, source)
    return Derivation(source, variables, single, layout)


def equal(a: Any, b: Any, where: Any = None, seed: int = 0) -> Verdict:
    """Judge whether two expressions are equal for all values their declarations allow."""
    left, right = (parse(e, where) if isinstance(e, str) else as_expression(e) for e in (a, b))
    return _equal(left, right, seed)
