r"""Declared symbols: what each name means, from text, a mapping, symbols or expressions.

Reading of the text is in `declaration_text`; here declarations become symbols, are compared and are described.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

import sympy as sp
from sympy.core.facts import InconsistentAssumptions

from symml.errors import DeclarationError
from symml.language import hooks
from symml.language.declaration_text import Declared, read_item, read_value, split_items
from symml.language.expressions import Expression, Index, Symbol
from symml.language.names import canonical
from symml.language.operators import as_expression, show_shape, symbol
from symml.language.properties import BY_NAME, Domain, closure, domain_facts
from symml.language.symbols import ScalarSymbol, dimension, is_dimension

Declarable: TypeAlias = Any  # a Symbol, or a sympy.Symbol
_SIGNS = {"positive": "positive", "nonnegative": "nonnegative", "negative": "negative", "nonzero": "nonzero"}
_ASSUMED = ("positive", "nonnegative", "negative", "nonzero", "integer", "dimension")


def declare(where: Any) -> Any:
    r"""Declare symbols.

    Parameters
    ----------
    where : str or mapping
        Items ``name[: shape] [property...] [range]`` separated by commas, semicolons or new lines, or a mapping from
        names to what follows the name.

    Returns
    -------
    Symbol, sympy.Symbol, tuple or dict
        One item: the symbol; several: a tuple in the order written; a mapping: a dict with the same keys.

    Raises
    ------
    DeclarationError
        If an item cannot be read, a property is unknown or does not fit the shape, or a name is declared twice.

    Examples
    --------
    >>> from symml.language.declarations import declare
    >>> X, lam = declare("X: n x d, lam > 0")
    >>> X.shape, lam.is_positive
    ((n, d), True)
    >>> declare("S: n x d symmetric")
    Traceback (most recent call last):
    symml.errors.DeclarationError: 'S: n x d symmetric': symmetric needs a square matrix, S is n×d
    """
    table = read_declarations(where)
    if isinstance(where, Mapping):
        return {key: table[_key(key)] for key in where}
    names = (
        list(dict.fromkeys(item.name for item in _items(where))) if isinstance(where, str) else [_key(s) for s in where]
    )
    if not names:
        raise DeclarationError("nothing is declared. Write 'X: n x d, w: d, lam > 0'")
    return table[names[0]] if len(names) == 1 else tuple(table[name] for name in names)


def read_declarations(where: Any) -> dict[str, Declarable]:
    """Return every declared symbol by canonical name, the dimensions in their shapes included.

    Parameters
    ----------
    where : str, mapping, iterable of symbols or expressions, Expression, or None
        What is declared; an expression stands for the symbols in it.

    Raises
    ------
    DeclarationError
        If something cannot be read, or one name is declared in two ways.
    """
    table: dict[str, Declarable] = {}
    sources: dict[str, str] = {}
    bare: set[str] = set()
    for name, found, text, plain in _entries(where):
        if name in table and table[name] != found:
            found = _reconcile(name, table[name], found, sources[name], text)
        table[name], sources[name] = found, text
        if plain:
            bare.add(name)
    for name, found in list(table.items()):
        for size in found.shape if isinstance(found, Symbol) else ():
            for dim in sorted(getattr(size, "free_symbols", ()), key=str):
                _add_dimension(table, dim, sources[name], sources, bare)
    return table


def describe(found: Any) -> str:
    """Return the declaration of a symbol as text, such as ``X: n x d, symmetric``."""
    if isinstance(found, Index):
        return f"{found.name}: an index over {found.size}"
    if isinstance(found, Symbol):
        shape = " x ".join(str(d) for d in found.shape)
        parts = [p for p in (shape, *_ordered(found.properties), str(found.domain) if found.domain else "") if p]
        return f"{found.name}: {', '.join(parts)}" if parts else found.name
    name = canonical(found.name)
    if is_dimension(found):
        return f"{name} dimension"
    domain = getattr(found, "domain", None)
    words: frozenset[str] = getattr(found, "properties", frozenset())
    parts = [str(domain)] if domain else []
    if not parts:
        rows = (("is_positive", "> 0"), ("is_negative", "< 0"), ("is_nonnegative", ">= 0"), ("is_nonpositive", "<= 0"))
        parts = [text for attribute, text in rows if getattr(found, attribute)][:1]
    if found.is_nonzero and not (found.is_positive or found.is_negative):
        parts.append("nonzero")
    parts += ["integer"] if found.is_integer and not (domain and domain.values) else []
    return f"{name} {', '.join([*parts, *_ordered(words)])}".strip()


def _ordered(words: Iterable[str]) -> list[str]:
    rows = list(BY_NAME)
    return sorted(words, key=lambda w: (rows.index(w) if w in rows else len(rows), w))


def _key(name: Any) -> str:
    return canonical(name if isinstance(name, str) else name.name)


def _items(text: str) -> list[Declared]:
    return [read_item(item) for item in split_items(text)]


def _entries(where: Any) -> Iterable[tuple[str, Declarable, str, bool]]:
    """Name, symbol, text of the declaration, and whether it says nothing but the name."""
    for part in _apart(list(_parts(where))):
        yield (part.name, build(part), part.text, part.bare) if isinstance(part, Declared) else part


def _parts(where: Any) -> Iterable[Declared | tuple[str, Declarable, str, bool]]:
    if where is None:
        return
    if isinstance(where, str):
        yield from _items(where)
    elif isinstance(where, Mapping):
        yield from (_from_mapping(name, value) for name, value in where.items())
    elif isinstance(where, sp.Symbol):
        yield canonical(where.name), where, describe(where), not where._assumptions_orig
    elif isinstance(where, (Expression, sp.MatrixExpr)):
        for name, found in hooks.call("symbol_table", as_expression(where)).items():
            if not isinstance(found, Index):
                yield name, found, describe(found), isinstance(found, sp.Symbol) and not found._assumptions_orig
    elif isinstance(where, sp.Basic):
        for found in sorted(where.free_symbols, key=str):
            yield from _parts(found)
    elif isinstance(where, Iterable):
        for part in where:
            yield from _parts(part)
    else:
        raise DeclarationError(f"declarations are text, a mapping or symbols, not {type(where).__name__}")


def _apart(parts: list[Any]) -> list[Any]:
    """Rename a size h that stands beside a bold vector h: two names that differ by font."""
    items = [p for p in parts if isinstance(p, Declared)]
    bold = {p.name for p in items if p.shape and re.match(r"\\(?:mathbf|boldsymbol|bm|vec)(?![a-z])", p.text)}
    sizes = {d for p in items for d in p.shape if isinstance(d, str)}
    renamed = {d: f"{d}_size" for d in sizes & bold}
    if not renamed:
        return parts
    return [
        replace(p, shape=tuple(renamed.get(d, d) for d in p.shape)) if isinstance(p, Declared) else p  # type: ignore[arg-type]
        for p in parts
    ]


def _from_mapping(name: Any, value: Any) -> Declared | tuple[str, Declarable, str, bool]:
    key = _key(name)
    if isinstance(value, str):
        written = name if isinstance(name, str) else name.name
        return read_value(written, value, f"{written}: {value}" if value.strip() else written)
    if isinstance(value, (Symbol, sp.Symbol)):
        if _key(value) != key:
            raise DeclarationError(f"the name {name} is mapped to the declaration of {value.name}: {describe(value)}")
        return key, value, describe(value), False
    if isinstance(value, (tuple, list)):
        return read_value(str(name), "(" + ", ".join(str(v) for v in value) + ")" if value else "")
    raise DeclarationError(
        f"the declaration of {name} is text such as 'n x d, symmetric' or a symbol, not {type(value).__name__}"
    )


def build(item: Declared) -> Declarable:
    """Return the symbol of one declaration."""
    shape = tuple(d if isinstance(d, int) else dimension(d) for d in item.shape)
    for word in sorted(item.words):
        _check_word(item, word, shape)
    facts = closure(item.words | domain_facts(item.domain))
    try:
        plain = sp.Symbol(item.name, **_assumptions(facts, item.domain))
    except InconsistentAssumptions:
        raise DeclarationError(
            f"{item.text!r} contradicts itself: {', '.join(_ordered(item.words))} {item.domain or ''}"
        ) from None
    if "dimension" in item.words:
        if (
            not set(item.words) <= {"dimension", "positive", "integer", "nonnegative", "nonzero"}
            or item.domain
            or shape
        ):
            raise DeclarationError(f"{item.text!r}: a dimension is a positive integer and has no other property")
        return dimension(item.name)
    words = item.words - {w for word in item.words for w in closure(frozenset({word})) if w != word}
    if shape == ():
        kept = words - set(_ASSUMED)
        domain = None if _by_sign(item.domain) else item.domain
        return ScalarSymbol(item.name, domain, kept, **_assumptions(facts, item.domain)) if kept or domain else plain
    sign = _by_sign(item.domain).replace("nonpositive", "")
    words = (words | {sign} if sign and sign not in closure(words) else words) - (domain_facts(item.domain) - {sign})
    return symbol(item.name, shape, words, None if sign or item.domain is None else item.domain)


def _by_sign(domain: Domain | None) -> str:
    """Property word that says the same as a one-sided range at zero, or nothing."""
    if domain is None or domain.values:
        return ""
    if domain.high is None and domain.low == 0:
        return "positive" if domain.low_open else "nonnegative"
    if domain.low is None and domain.high == 0:
        return "negative" if domain.high_open else "nonpositive"
    return ""


def _assumptions(facts: frozenset[str], domain: Domain | None) -> dict[str, bool]:
    found = {"real": True} | {_SIGNS.get(w, w): True for w in sorted(facts) if w in (*_SIGNS, "integer")}
    if _by_sign(domain) == "nonpositive":
        found["nonpositive"] = True
    return found


def _check_word(item: Declared, word: str, shape: tuple[Any, ...]) -> None:
    row = BY_NAME.get(word)
    if row is None:
        return
    square = len(shape) == 2 and shape[0] == shape[1]
    fits = {"any": True, "scalar": not shape, "array": bool(shape), "matrix": len(shape) == 2, "square": square}[row.on]
    if not fits:
        needs = {
            "scalar": "a scalar",
            "array": "a vector or matrix",
            "matrix": "a matrix",
            "square": "a square matrix",
        }[row.on]
        raise DeclarationError(
            f"{item.text!r}: {word} needs {needs}, {item.name} is {show_shape(shape) if shape else 'a scalar'}"
        )


def _reconcile(name: str, known: Declarable, found: Declarable, before: str, text: str) -> Declarable:
    """One symbol out of two: equal ones, or a SymPy symbol that says less than the other."""
    if isinstance(known, sp.Symbol) and isinstance(found, sp.Symbol):
        for poor, rich in ((known, found), (found, known)):
            if type(poor) is sp.Symbol and not poor._assumptions_orig:
                return rich
    raise DeclarationError(f"{name} is declared twice, as {before!r} and as {text!r}. Keep one, or rename one of them.")


def _add_dimension(
    table: dict[str, Declarable], dim: sp.Symbol, of: str, sources: dict[str, str], bare: set[str]
) -> None:
    name = canonical(dim.name)
    known = table.setdefault(name, dim)
    sources.setdefault(name, f"{name} dimension")
    if known == dim:
        return
    if name in bare and isinstance(known, sp.Symbol):
        table[name] = dim
        return
    raise DeclarationError(
        f"{name} is both a dimension, in {of!r}, and declared as {sources[name]!r}. "
        f"Rename one of them, or write '{name} dimension'."
    )


hooks.provide("describe_symbol", describe)
