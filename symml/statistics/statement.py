"""Reading of a model: ``y ~ Poisson(exp(X*beta))``, and which of its names are parameters and which are data."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp

from symml.errors import DeclarationError, NotationError, ShapeError
from symml.language.declarations import read_declarations
from symml.language.expressions import Expression, Scalar, Symbol
from symml.language.function import spellings
from symml.language.names import GREEK, canonical, unicode_name
from symml.language.operators import show_shape
from symml.language.symbols import dimension
from symml.notation.elaboration import SCALAR_CALLS
from symml.notation.reader import CONSTANTS, parse
from symml.notation.syntax import read
from symml.statistics.distribution import Distribution, Parameter, family

_MODEL = re.compile(r"\s*(?P<left>[^~∼]+?)\s*[~∼]\s*(?P<family>[^\W\d]\w*)\s*\((?P<inside>.*)\)\s*", re.S)
_KEYWORD = re.compile(r"\s*([^\W\d]\w*)\s*=(?!=)(.*)", re.S)
_LETTERED = re.compile(r"([A-Za-z]+?)_?(\d*)")
_BARE = re.compile(r"[^\W\d]\w*\b(?!\s*\()")
PARAMETER_LETTERS = frozenset("abckmpqrsw")
DATA_LETTERS = frozenset("xtzuv")
SIZES = ("n", "N", "n_obs")


@dataclass(frozen=True)
class Statement:
    """A model as written: the response, the family and the text of its arguments, each with its names in order."""

    text: str
    response: str
    distribution: Distribution
    positional: tuple[str, ...]
    named: Mapping[str, str]

    @property
    def arguments(self) -> tuple[str, ...]:
        """Text of every argument."""
        return (*self.positional, *self.named.values())


def read_statement(text: str) -> Statement:
    """Return the parts of ``response ~ Family(arguments)``.

    Raises
    ------
    NotationError
        If the text is not of this form.
    NotSupportedError
        If the family is not registered.
    """
    match = _MODEL.fullmatch(text)
    if match is None:
        raise NotationError(
            "a model is written response ~ Family(parameters), such as x ~ Normal(mu, sigma)", text, (0, len(text))
        )
    positional, named = [], {}
    for part in _arguments(match["inside"]):
        keyword = _KEYWORD.fullmatch(part)
        if keyword is not None:
            named[keyword[1]] = keyword[2].strip()
        elif named:
            raise NotationError("a parameter without a name stands after one with a name", text, match.span("inside"))
        elif part.strip():
            positional.append(part.strip())
    return Statement(text.strip(), canonical(match["left"]), family(match["family"]), tuple(positional), named)


def _arguments(text: str) -> list[str]:
    depth, start, found = 0, 0, []
    for place, letter in enumerate(text):
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and depth == 0:
            found.append(text[start:place])
            start = place + 1
    return [*found, text[start:]]


def names_in(text: str, known: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the canonical names in a text, without functions and constants, in order of first appearance."""
    bare = [*known, *(canonical(word) for word in _BARE.findall(text))]
    program = read(text, {*spellings(), *SCALAR_CALLS}, bare)
    found = {n.value: n.span[0] for n in reversed(program.nodes) if n.head == "name" and n.value not in CONSTANTS}
    return tuple(sorted(found, key=lambda name: found[name]))


# -- roles --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Roles:
    """Names of the parameters and of the covariates of a model of scalars, and the choices that were made."""

    parameters: tuple[str, ...]
    covariates: tuple[str, ...]
    readings: tuple[str, ...] = ()


def roles_of(arguments: Iterable[str], told_data: Container[str] = (), told_parameters: Container[str] = (),
             columns: Container[str] | None = None) -> Roles:  # fmt: skip
    """Return which names are parameters and which are covariates.

    What is told decides; then the columns of the data, if there are any; then how the name stands and looks: an
    argument with one name only is a parameter, as are Greek letters and b0, b1; words and x, t, z are covariates.

    Raises
    ------
    DeclarationError
        If a name could be either.
    """
    per_argument = [names_in(text) for text in arguments]
    alone = {names[0] for names in per_argument if len(names) == 1}
    parameters: list[str] = []
    covariates: list[str] = []
    readings: list[str] = []
    for name in dict.fromkeys(n for names in per_argument for n in names):
        role = "data" if name in told_data else "parameter" if name in told_parameters else ""
        if not role and columns is not None:
            role = "data" if name in columns else "parameter"
        if not role:
            role = "parameter" if name in alone else _by_look(name)
            if role and name not in alone:
                readings.append(f"{unicode_name(name)} is read as a {'covariate' if role == 'data' else 'parameter'}")
        if not role:
            shown = unicode_name(name)
            raise DeclarationError(
                f"{shown!r} could be a parameter or a covariate. "
                f"Write data={{{name!r}: 'given'}} or params={{{name!r}: ''}}."
            )
        (covariates if role == "data" else parameters).append(name)
    return Roles(tuple(parameters), tuple(covariates), tuple(readings))


def _by_look(name: str) -> str:
    base = name.split("_")[0].rstrip("0123456789")
    match = _LETTERED.fullmatch(base)
    if base in GREEK or base in PARAMETER_LETTERS:
        return "parameter"
    return "data" if match and (base in DATA_LETTERS or (len(base) >= 3 and base.islower())) else ""


# -- arguments ----------------------------------------------------------------------------------------------------
def scalar_table(
    statement: Statement, roles: Roles, declared: Mapping[str, Any], told: Mapping[str, Any]
) -> dict[str, sp.Symbol]:
    """Return a SymPy symbol for each name of a model of scalars; ranges that nobody declared follow from the family."""
    table: dict[str, sp.Symbol] = {}
    for name in (*roles.parameters, *roles.covariates):
        if name in told:
            table[name] = read_declarations({name: str(told[name] or "").replace("given", "").strip(" ,")})[name]
        elif isinstance(declared.get(name), sp.Symbol):
            table[name] = declared[name]
    waiting = [name for name in roles.parameters if name not in table]
    for name in roles.covariates:
        table.setdefault(name, sp.Symbol(name, real=True))
    ranges = {name: _implied(statement, name, [*table.values(), *waiting]) for name in waiting}
    for name in waiting:
        table[name] = read_declarations({name: ranges[name]})[name]
    return {name: table[name] for name in (*roles.parameters, *roles.covariates)}


def _implied(statement: Statement, name: str, known: list[Any]) -> str:
    """Range of an undeclared parameter as text: that of the family's parameter where it stands alone."""
    rows = _rows(statement)
    for text, row in rows:
        if names_in(text) == (name,) and _is_bare(text, name):
            return "" if str(row.domain) == "in R" else str(row.domain)
    for text, row in rows:
        value = _value(text, known)
        found = next((s for s in value.free_symbols if canonical(s.name) == name), None)
        if found is not None and _must_be_positive(value, found, row):
            return "> 0"
    return ""


def _rows(statement: Statement) -> list[tuple[str, Parameter]]:
    own = statement.distribution.parameters
    by_name = {p.name: p for p in (*own, *(a.parameter for a in statement.distribution.alternatives))}
    named = [(text, by_name[key]) for key, text in statement.named.items() if key in by_name]
    return [*zip(statement.positional, own, strict=False), *named]


def _is_bare(text: str, name: str) -> bool:
    try:
        return canonical(text) == name
    except NotationError:
        return False


def _value(text: str, known: list[Any]) -> sp.Expr:
    names = [s for s in known if isinstance(s, sp.Symbol)] + [
        sp.Symbol(s, real=True) for s in known if isinstance(s, str)
    ]
    found = parse(text, where=names)
    return found.value if isinstance(found, Scalar) else sp.S.Zero


def _must_be_positive(value: sp.Expr, s: sp.Symbol, row: Parameter) -> bool:
    inside_log = any(s in f.args[0].free_symbols and f.args[0].is_Symbol for f in value.atoms(sp.log))
    fractional = any(p.base == s and not p.exp.is_integer for p in value.atoms(sp.Pow))
    monomial = row.domain.positive and all(f.as_base_exp()[0].is_Symbol or f.is_number for f in sp.Mul.make_args(value))
    return bool(inside_log or fractional or monomial)


def read_arguments(statement: Statement, where: Iterable[Any]) -> tuple[tuple[Expression, ...], dict[str, Expression]]:
    """Return the values of the positional and of the named arguments.

    Raises
    ------
    NotationError, DeclarationError, ShapeError
        As `parse`.
    """
    known = list(where)
    return (
        tuple(parse(text, where=known) for text in statement.positional),
        {key: parse(text, where=known) for key, text in statement.named.items()},
    )


def told_names(given: Any) -> dict[str, str]:
    """Return names with their words, from a mapping or a list."""
    if given is None:
        return {}
    items = (
        given.items()
        if isinstance(given, Mapping)
        else ((name, "") for name in ([given] if isinstance(given, str) else given))
    )
    return {canonical(str(getattr(k, "name", k))): str(v or "") for k, v in items}


def scalar_value(e: Expression) -> sp.Expr:
    """Return the SymPy value of a scalar.

    Raises
    ------
    ShapeError
        If it is an array.
    """
    if not isinstance(e, Scalar):
        found = show_shape(e.shape) if e.shape else "not a plain scalar"
        raise ShapeError(f"the parameter {e} is {found}; declare its symbols with where=")
    return e.value


def sample_dimension(response: Any, taken: Iterable[str]) -> Any:
    """Return the number of observations as a symbol: that of the response, or one that is not taken."""
    if isinstance(response, Symbol):
        return response.shape[0]
    used = set(taken)
    return dimension(next(name for name in SIZES if name not in used))
