"""The public verbs: they wire the rooms together and decide nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import symml.notation.latex_writer
import symml.notation.sympy_bridge
import symml.notation.unicode_writer  # noqa: F401
from symml.derivation.derivation import Derivation
from symml.derivation.objective import read_objective, read_variables
from symml.language import hooks
from symml.language.expressions import Expression
from symml.language.function import function
from symml.language.operators import as_expression, call
from symml.language.tables import symbol_table
from symml.notation.reader import parse
from symml.records import Verdict
from symml.registry import Later

__all__ = ["derive", "equal", "function_named"]

hooks.announce("symml.fitting.fit", "fit")
hooks.announce("symml.fitting.descent", "minimize")
hooks.announce("symml.reporting.plots", "plot_derivation", "plot_trace")
_equal = Later("symml.checking.equality").equal


def derive(objective: Any, wrt: Any, where: Any = None, layout: str = "unconstrained") -> Derivation:
    r"""Derive an objective with respect to one or more variables.

    Parameters
    ----------
    objective : expression, text, or SymPy object
        What is derived; text may be a small program, ``"z = X w; sum(exp(z))"``, whose names are kept.
    wrt : symbol, name, or list of them
        The variables.
    where : str, mapping or declared symbols, optional
        Declarations of the names in the text.
    layout : {"unconstrained", "symmetric"}
        "symmetric" gives the gradient along the free entries of a symmetric variable.

    Returns
    -------
    Derivation
        Gradient (shape of the variable), Jacobian (rows are outputs), Hessian (axes of the variable twice), steps,
        checks, code. Results are computed and checked when they are first asked for.

    Raises
    ------
    NotationError, DeclarationError, ShapeError
        If the text cannot be read, a name is not declared, or shapes do not fit.
    MissingRuleError
        If a function has no derivative rule; a missing rule is never a zero.

    Examples
    --------
    >>> import symml as sml
    >>> d = sml.derive("1/2*||X w - y||^2", wrt="w", where="X: n x d, y: n, w: d")
    >>> print(d.gradient)
    Xᵀ (X w − y)
    >>> print(d.hessian)
    Xᵀ X
    >>> d.check().passed
    True
    >>> sml.derive("X y", wrt="y", where="X: n x d, y: n")
    Traceback (most recent call last):
        ...
    symml.errors.ShapeError: ...
    """
    source = read_objective(objective, where)
    variables, single = read_variables(wrt, source)
    return Derivation(source, variables, single, layout)


def equal(a: Any, b: Any, where: Any = None, seed: int = 0) -> Verdict:
    """Judge whether two expressions are equal for all values their declarations allow.

    Returns
    -------
    Verdict
        `proved`, `holds` (at random points of several sizes), `wrong` with a counterexample, or `unchecked`.

    Examples
    --------
    >>> import symml as sml
    >>> sml.equal("tr(A B)", "tr(B A)", where="A: n x m, B: m x n")
    <Verdict.proved: 'proved'>
    >>> sml.equal("A B", "B A", where="A: n x n, B: n x n").ok
    False
    """
    if where is None:  # text beside an expression knows its declarations
        tables = [symbol_table(as_expression(e)) for e in (a, b) if not isinstance(e, str)]
        where = [symbol for table in tables for symbol in table.values()] or None
    left, right = (parse(e, where) if isinstance(e, str) else as_expression(e) for e in (a, b))
    found: Verdict = _equal(left, right, seed)
    return found


def function_named(name: str) -> Callable[..., Expression]:
    """Return the public constructor of a registered function."""
    record = function(name)

    def construct(*arguments: Any) -> Expression:
        return call(record.name, *arguments)

    construct.__name__ = construct.__qualname__ = name
    construct.__doc__ = f"{record.name} of expressions.\n\n{record.statement}" if record.statement else record.name
    return construct
