"""`mle`: from a model, or a log-density, to a likelihood that is derived and can be fitted."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from types import MappingProxyType
from typing import Any

import sympy as sp

from symml.errors import DeclarationError, ShapeError
from symml.language.declarations import read_declarations
from symml.language.expressions import Expression, Symbol
from symml.language.names import unicode_name
from symml.language.operators import show_shape, symbol
from symml.language.symbols import dimension
from symml.statistics.array_model import ArrayModel, Regression
from symml.statistics.distribution import Distribution, fill, observation_symbol, support_words
from symml.statistics.elementwise import lift, peel
from symml.statistics.log_density import from_log_density
from symml.statistics.model import Model
from symml.statistics.open_model import OpenModel
from symml.statistics.sample_model import Observation, SampleModel
from symml.statistics.statement import (
    Roles,
    Statement,
    names_in,
    read_arguments,
    read_statement,
    roles_of,
    sample_dimension,
    scalar_table,
    scalar_value,
    told_names,
)
from symml.statistics.sufficient import split


def mle(model: Any = None, where: Any = None, *, logpdf: Any = None, params: Any = None, data: Any = None,
        support: Any = None, known: Any = None) -> Model:  # fmt: skip
    r"""Return the likelihood of a model: log-likelihood, score, information, estimators, fits.

    Parameters
    ----------
    model : str or sympy.stats random variable
        ``"x ~ Normal(mu, sigma)"``; positional parameters are in the order of `sympy.stats`.
    where : str, mapping or symbols
        Declarations of vectors and matrices, as in ``"X: n x d, beta: d, y: n"``, and of scalars.
    logpdf : str or SymPy expression
        Log-density of one observation, instead of `model`.
    params, data, known : mapping or list
        Names with their ranges: what is fitted, what is observed ("given" marks a covariate), and constants.
    support : tuple of str
        Ends of the range of the observation, with `logpdf`.

    Returns
    -------
    Model

    Raises
    ------
    NotationError, DeclarationError, ShapeError
        If the model cannot be read, a name is in doubt, or shapes do not fit.
    NotSupportedError
        If the family is not registered, or the support depends on a parameter.

    Examples
    --------
    >>> from symml.statistics.likelihood import mle
    >>> m = mle("x ~ Exponential(rate)")
    >>> m.estimator["rate"], m.information
    (1/x_bar, Matrix([[rate**(-2)]]))
    """
    if (model is None) == (logpdf is None):
        raise DeclarationError("mle needs a model, such as 'x ~ Normal(mu, sigma)', or logpdf=..., and not both")
    if logpdf is not None:
        return from_log_density(logpdf, params, data, support, known)
    if hasattr(model, "pspace"):
        model = _text_of(model)
    statement = read_statement(model)
    declared = read_declarations(where) if where is not None else {}
    return _from_statement(statement, declared, told_names(data), told_names(params), known)


def _text_of(variable: Any) -> str:
    """A random variable of `sympy.stats` as text."""
    law = variable.pspace.distribution
    return f"{variable.name} ~ {type(law).__name__.removesuffix('Distribution')}({', '.join(str(a) for a in law.args)})"


# -- from a statement ---------------------------------------------------------------------------------------------
def _from_statement(
    statement: Statement, declared: dict[str, Any], data: dict[str, str], params: dict[str, str], known: Any
) -> Model:
    response = declared.get(statement.response)
    names = {name for text in statement.arguments for name in names_in(text, declared)}
    if any(isinstance(declared.get(name), Symbol) for name in sorted(names)):
        return _with_arrays(statement, declared, data)
    if isinstance(response, Symbol) and len(response.shape) != 1:
        raise ShapeError(
            f"{unicode_name(statement.response)} is {show_shape(response.shape)}: observations are one column"
        )

    told = {k: v for k, v in data.items() if k != statement.response}

    def roles(columns: Container[str] | None) -> Roles:
        return roles_of(statement.arguments, {*told, *_given(declared)}, params, columns)

    def build(columns: Container[str] | None) -> Model:
        return _of_scalars(statement, declared, roles(columns), {**told, **params}, response)

    try:
        roles(None)
    except DeclarationError as doubt:
        if data or params:
            raise
        return OpenModel(statement.text, build, doubt)
    first = build(None)
    return OpenModel(statement.text, build, None, first) if first.readings else first


def _given(declared: Mapping[str, Any]) -> list[str]:
    return [name for name, s in declared.items() if "given" in getattr(s, "properties", ())]


def _of_scalars(
    statement: Statement, declared: dict[str, Any], roles: Roles, told: Mapping[str, str], response: Any
) -> Model:
    table = scalar_table(statement, roles, declared, told)
    positional, named = read_arguments(statement, table.values())
    values = _own_values(
        statement.distribution, [scalar_value(e) for e in positional], {k: scalar_value(e) for k, e in named.items()}
    )
    size = sample_dimension(response, [*table, statement.response])
    x = observation_symbol(statement.response, statement.distribution.support)
    arrays = {x: _response(statement, response, size)}
    arrays |= {table[name]: symbol(name, (size,), ("given",)) for name in roles.covariates}
    parameters = tuple(table[name] for name in roles.parameters)
    logpdf = statement.distribution.logpdf(x, *values)
    observation = Observation(
        logpdf,
        parameters,
        {x: statement.distribution.support},
        tuple(table[name] for name in roles.covariates),
        (),
        arrays,
        size,
    )
    found = split(logpdf, observation.data)
    if found is not None:
        return SampleModel(statement.text, observation, found, roles.readings)
    own = [lift(v, arrays) for v in values]
    return _regression(statement, own, parameters, arrays[x], x, size, roles.readings, tuple(values), arrays)


def _own_values(distribution: Distribution, positional: list[Any], named: dict[str, Any]) -> list[Any]:
    return [own for _, _, own in fill(distribution, positional, named).values()]


def _response(statement: Statement, response: Any, size: Any) -> Symbol:
    if isinstance(response, Symbol):
        return response
    words = support_words(statement.distribution)
    found = read_declarations({statement.response: f"{size}, {words}" if words else str(size)})[statement.response]
    assert isinstance(found, Symbol)
    return found


# -- with vectors and matrices ------------------------------------------------------------------------------------
def _with_arrays(statement: Statement, declared: dict[str, Any], data: Mapping[str, str]) -> Model:
    response = declared.get(statement.response)
    names = list(dict.fromkeys(n for text in statement.arguments for n in names_in(text, declared)))
    roles = Roles(tuple(n for n in names if n not in declared), ())
    table = scalar_table(statement, roles, declared, {})
    known = [*declared.values(), *table.values()]
    positional, named = read_arguments(statement, known)
    size = _sample_size(statement, response, [*positional, *named.values()])
    if response is None:
        response = _response(statement, None, size)
    if not (isinstance(response, Symbol) and response.shape == (size,)):
        raise ShapeError(f"{unicode_name(statement.response)} must be a vector ({size}), one entry an observation")
    everything = {**declared, **table}
    fitted = [n for n in names if n not in data and _is_parameter(everything[n], size)]
    if not fitted:
        raise DeclarationError(f"{statement.text!r} has nothing to fit: every name has the axis {size} of the data")
    own = _own_expressions(statement.distribution, positional, named)
    x = observation_symbol(statement.response, statement.distribution.support)
    return _regression(statement, own, tuple(everything[n] for n in fitted), response, x, size)


def _sample_size(statement: Statement, response: Any, arguments: Iterable[Expression]) -> Any:
    if isinstance(response, Symbol) and len(response.shape) == 1:
        return response.shape[0]
    sizes = {e.shape[0] for e in arguments if len(e.shape) == 1}
    if len(sizes) != 1:
        raise DeclarationError(f"declare the response: {statement.response}: n")
    return sizes.pop()


def _is_parameter(found: Any, size: Any) -> bool:
    words: frozenset[str] = getattr(found, "properties", frozenset())
    if "given" in words or (isinstance(found, sp.Symbol) and found == dimension(found.name)):
        return False
    return not (isinstance(found, Symbol) and size in found.shape)


def _own_expressions(
    distribution: Distribution, positional: Iterable[Expression], named: Mapping[str, Expression]
) -> list[Expression]:
    """The family's own parameters as expressions: reparametrised where an alternative was given."""
    holes: dict[sp.Symbol, Expression] = {}

    def hole(e: Expression) -> sp.Symbol:
        made = sp.Dummy(f"h{len(holes)}", positive=True)
        holes[made] = e
        return made

    values = _own_values(distribution, [hole(e) for e in positional], {k: hole(e) for k, e in named.items()})
    return [lift(v, holes) for v in values]


def _regression(
    statement: Statement,
    own: Iterable[Expression],
    parameters: tuple[Any, ...],
    response: Symbol,
    x: sp.Symbol,
    size: Any,
    readings: tuple[str, ...] = (),
    scalar_own: tuple[Any, ...] = (),
    covariates: Mapping[Any, Any] = MappingProxyType({}),
) -> ArrayModel:
    predictors: dict[sp.Symbol, Expression] = {}
    taken = {statement.response, *(str(p.name) for p in parameters)}

    def fresh(e: Expression) -> sp.Symbol:
        for z, known in predictors.items():
            if known == e:
                return z
        name = next(n for n in ("z", "eta", *(f"z{k}" for k in range(1, 9))) if n not in taken)
        taken.add(name)
        predictors[sp.Symbol(name, real=True)] = e
        return list(predictors)[-1]

    values = []
    for e in own:
        if e.shape not in ((), (size,)):
            needed = f"it must be a scalar or have one entry an observation ({size})"
            raise ShapeError(f"the parameter {e} is {show_shape(e.shape)}; {needed}")
        values.append(peel(e, fresh) if e.shape else scalar_value(e))
    logpdf = statement.distribution.logpdf(x, *values)
    regression = Regression(
        logpdf,
        {x: response, **covariates, **predictors},
        predictors,
        parameters,
        size,
        statement.distribution,
        tuple(values),
        scalar_own,
    )
    return ArrayModel(statement.text, regression, readings)
