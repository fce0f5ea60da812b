"""A model from a log-density of one observation: ``mle(logpdf="log(rate) - rate*x", params=..., data=...)``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sympy as sp

from symml.errors import DeclarationError, NotSupportedError
from symml.language.declarations import read_declarations
from symml.language.expressions import Expression, Symbol
from symml.language.names import canonical, unicode_name
from symml.language.operators import as_expression, show_shape
from symml.language.properties import Domain
from symml.notation.reader import parse
from symml.statistics.array_model import ArrayModel, Regression
from symml.statistics.distribution import observation_symbol
from symml.statistics.model import Model
from symml.statistics.sample_model import Observation, SampleModel
from symml.statistics.statement import names_in, sample_dimension, scalar_value, told_names
from symml.statistics.sufficient import split


def from_log_density(logpdf: Any, params: Any, data: Any, support: Any, known: Any) -> Model:
    """Return the likelihood of a log-density of scalars; see `mle`."""
    if params is None or data is None:
        raise DeclarationError("mle(logpdf=...) needs params= and data=, mappings from names to ranges")
    fitted, observed, constants = (told_names(v) for v in (params, data, known))
    table = {n: _declared(n, words) for n, words in (fitted | observed | constants).items()}
    expression = parse(logpdf, where=list(table.values())) if isinstance(logpdf, str) else _sympy(logpdf, table)
    value = scalar_value(expression)
    _check_support(support, fitted)
    given = [n for n, words in observed.items() if "given" in words]
    random = {_symbol(table[n]): _range(table[n]) for n in observed if n not in given}
    if not random:
        raise DeclarationError("every variable of data= is given: nothing is random")
    value = value.xreplace({table[n]: _symbol(table[n]) for n in observed})
    size = sample_dimension(None, table)
    arrays = {_symbol(table[n]): _array(n, observed[n], size) for n in observed}
    observation = Observation(
        value,
        tuple(table[n] for n in fitted),
        random,
        tuple(_symbol(table[n]) for n in given),
        tuple(table[n] for n in constants),
        arrays,
        size,
    )
    text = f"log f = {expression}"
    found = split(value, observation.data)
    if found is not None:
        return SampleModel(text, observation, found)
    return ArrayModel(text, Regression(value, arrays, {}, observation.parameters, size))


def _declared(name: str, words: str) -> sp.Symbol:
    found = read_declarations({name: words.replace("given", "").strip(" ,")})[name]
    if not isinstance(found, sp.Symbol):
        raise NotSupportedError(
            f"{unicode_name(name)} is {show_shape(found.shape)}: a log-density given as text is one of scalars"
        )
    return found


def _symbol(s: sp.Symbol) -> sp.Symbol:
    """A data symbol without integrality, which SymPy would use to rewrite log Γ."""
    positive, nonnegative = Domain(low=0), Domain(low=0, low_open=False)
    return observation_symbol(s.name, positive if s.is_positive else nonnegative if s.is_nonnegative else Domain())


def _range(s: sp.Symbol) -> Domain | None:
    return getattr(s, "domain", None)


def _array(name: str, words: str, size: Any) -> Symbol:
    rest = words.replace("given", "").strip(" ,")
    found = read_declarations({name: f"{size}, {rest}" if rest else str(size)})[name]
    assert isinstance(found, Symbol)
    return found


def _sympy(logpdf: Any, table: Mapping[str, sp.Symbol]) -> Expression:
    value = sp.sympify(logpdf)
    swap = {s: table[canonical(s.name)] for s in sorted(value.free_symbols, key=str) if canonical(s.name) in table}
    left = [s for s in sorted(value.free_symbols, key=str) if s not in swap]
    if left:
        raise DeclarationError(f"{left[0]} is neither in params= nor in data= nor in known=")
    return as_expression(value.xreplace(swap))


def _check_support(support: Any, fitted: Mapping[str, str]) -> None:
    for end in support or ():
        names = names_in(str(end)) if str(end) not in ("oo", "-oo", "inf", "-inf") else ()
        moving = [n for n in names if n in fitted]
        if moving:
            raise NotSupportedError(
                f"the support ends at {end}, which depends on {unicode_name(moving[0])}: not supported yet "
                "(the maximum is an order statistic)"
            )
