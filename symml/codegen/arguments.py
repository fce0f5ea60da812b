"""Arguments of generated code: which shapes they must have, how that is checked at entry, where sizes come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp

from symml.codegen.scalars import scalar_code
from symml.errors import DeclarationError
from symml.language.expressions import Dim, Expression, Scalar, Shape, Symbol
from symml.language.names import canonical
from symml.language.symbols import is_dimension
from symml.language.tables import symbol_table

USED_NAMES = frozenset({
    "np", "special", "runtime", "type", "float", "int", "abs", "sum", "range", "generated", "DECLARED",
})  # fmt: skip


@dataclass(frozen=True)
class Argument:
    """One argument: its Python name, and its shape; a dimension has the shape None."""

    name: str
    shape: Shape | None


@dataclass(frozen=True)
class Entry:
    """The first lines of a generated function, and what they rely on."""

    parameters: tuple[str, ...]
    keywords: tuple[str, ...]
    lines: tuple[str, ...]
    declared: tuple[tuple[str, tuple[Any, ...]], ...]


def symbols_of(outputs: Sequence[Expression]) -> dict[str, Any]:
    """Return all free symbols of the outputs by name."""
    table: dict[str, Any] = {}
    for e in outputs:
        table.update(symbol_table(e))
    return table


def read_arguments(arguments: Sequence[Any], outputs: Sequence[Expression]) -> list[Argument]:
    """Return the arguments in order.

    Raises
    ------
    DeclarationError
        If an argument is given twice, or a symbol of the outputs is missing.
    """
    table = symbols_of(outputs)
    dims = {
        s.name
        for found in table.values()
        if isinstance(found, Symbol)
        for d in found.shape
        for s in sp.sympify(d).free_symbols
    }
    read = [_argument(a, table, dims) for a in arguments]
    names = [a.name for a in read]
    reserved = sorted(USED_NAMES.intersection(names))
    if reserved:
        raise DeclarationError(f"generated code needs the name {reserved[0]} itself: rename this symbol")
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise DeclarationError(f"the argument {twice[0]} is given twice")
    known = {s.name for a in read for d in a.shape or () for s in sp.sympify(d).free_symbols}
    missing = [
        n
        for n, s in table.items()
        if n not in names and n not in known and not (isinstance(s, sp.Symbol) and is_dimension(s))
    ]
    if missing:
        raise DeclarationError(
            f"{', '.join(sorted(missing))} occurs in the outputs and is not among the arguments {', '.join(names)}"
        )
    return read


def _argument(given: Any, table: dict[str, Any], dims: set[str]) -> Argument:
    if isinstance(given, Scalar):
        given = given.value
    if isinstance(given, str):
        given = table.get(canonical(given), sp.Symbol(canonical(given)))
    if isinstance(given, Symbol):
        return Argument(given.name, given.shape)
    if not isinstance(given, sp.Symbol):
        raise DeclarationError(f"{given} is not a symbol: arguments are declared symbols or their names")
    name = canonical(given.name)
    return Argument(name, None if name in dims or is_dimension(given) else ())


def entry(arguments: Sequence[Argument], needed: set[sp.Symbol], used: set[str]) -> Entry:
    """Return the entry code: checks, then the sizes that the body needs."""
    arrays = [a for a in arguments if a.shape]
    given = [a.name for a in arguments if a.shape is None]
    optional = _optional(arguments, _sources(arrays, ()))
    given = [name for name in given if name not in optional]
    sources = _sources(arrays, given)
    missing = tuple(
        sorted(
            {s.name for s in needed}
            | {s.name for a in arrays for d in a.shape or () for s in sp.sympify(d).free_symbols} - set(sources)
        )
    )
    missing = tuple(m for m in missing if m not in sources)
    lines = [f'{name} = runtime.count("{name}", {name})' for name in (*given, *missing)]
    lines += _checks(arrays, sources, (*given, *missing))
    for a in arguments:
        if a.shape == () and a.name in used:
            x = a.name
            lines.append(f'{x} = np.float64({x}) if type({x}) in runtime.NUMBERS else runtime.number("{x}", {x})')
    wanted = {s.name for s in needed} | {s.name for a in arrays for s in _composite_symbols(a)}
    lines += [f'runtime.same_size("{name}", {name}, {sources[name]})' for name in optional]
    lines += _sizes(arrays, sorted(wanted - set(given) - set(missing)), sources)
    lines += _composite_checks(arrays)
    declared = tuple((a.name, tuple(_declared(d) for d in a.shape or ())) for a in arrays)
    positional = tuple(a.name for a in arguments if a.name not in optional)
    return Entry(positional, (*optional, *missing), tuple(lines), declared)


def _optional(arguments: Sequence[Argument], sources: dict[str, str]) -> tuple[str, ...]:
    """Return the sizes at the end of the arguments that the arrays show as well; they need not be given."""
    last = max((k for k, a in enumerate(arguments) if a.shape is not None), default=-1)
    return tuple(a.name for a in arguments[last + 1 :] if a.name in sources)


def _declared(dim: Dim) -> int | str | None:
    """Return a size as the checks compare it: a number, a name, or None for what is checked later."""
    return dim if isinstance(dim, int) else dim.name if isinstance(dim, sp.Symbol) else None


def _sources(arrays: Sequence[Argument], given: Sequence[str]) -> dict[str, str]:
    """Code of each size: the first axis that has it, or the solution of the first axis that determines it."""
    found = {name: name for name in given}
    for a in arrays:
        for k, dim in enumerate(a.shape or ()):
            if isinstance(dim, sp.Symbol):
                found.setdefault(dim.name, f"{a.name}.shape[{k}]")
    for a in arrays:
        for k, dim in enumerate(a.shape or ()):
            unknown = [s for s in sp.sympify(dim).free_symbols if s.name not in found]
            if len(unknown) == 1 and not isinstance(dim, sp.Symbol):
                axis = sp.Symbol("axis", positive=True, integer=True)
                solution = sp.solve(sp.Eq(dim, axis), unknown[0])
                if len(solution) == 1 and solution[0].is_polynomial(axis):
                    text = scalar_code(solution[0], {axis: f"{a.name}.shape[{k}]"})[0]
                    found[unknown[0].name] = (
                        f"int({text})" if "/" in text or "." in text.replace(".shape", "") else text
                    )
    return found


def _checks(arrays: Sequence[Argument], sources: dict[str, str], given: Sequence[str]) -> list[str]:
    if not arrays:
        return []
    names = [a.name for a in arrays]
    tests = [
        f"type({a.name}) is np.ndarray and {a.name}.dtype is runtime.FLOAT and {_shape_test(a, arrays[:k], sources)}"
        for k, a in enumerate(arrays)
    ]
    sizes = "".join(f", {g}={g}" for g in given)
    left = ", ".join(names) + ("," if len(names) == 1 else "")
    lines = ["if not ("]
    lines += [f"    {'and ' if k else ''}{test}" for k, test in enumerate(tests)]
    return [*lines, "):", f"    {left} = runtime.conform(DECLARED, {', '.join(names)}{sizes})"]


def _shape_test(a: Argument, earlier: Sequence[Argument], sources: dict[str, str]) -> str:
    shape = a.shape or ()
    own = [f"{a.name}.shape[{k}]" for k in range(len(shape))]
    wanted = [_size(d, sources) for d in shape]
    differing = [(o, w) for o, w in zip(own, wanted, strict=True) if w is not None and w != o]
    if len(differing) < len(shape):
        return " and ".join([f"{a.name}.ndim == {len(shape)}", *(f"{o} == {w}" for o, w in differing)])
    same = next((b.name for b in earlier if b.shape == shape), None)
    if same is not None:
        return f"{a.name}.shape == {same}.shape"
    if len(shape) == 1 and str(wanted[0]).endswith(".shape[0]"):
        return f"{a.name}.shape == {str(wanted[0]).removesuffix('[0]')}[:1]"
    return f"{a.name}.shape == ({', '.join(str(w) for w in wanted)}{',' if len(shape) == 1 else ''})"


def _size(dim: Dim, sources: dict[str, str]) -> str | None:
    if isinstance(dim, int):
        return str(dim)
    return sources.get(dim.name) if isinstance(dim, sp.Symbol) else None


def _sizes(arrays: Sequence[Argument], wanted: Sequence[str], sources: dict[str, str]) -> list[str]:
    lines, left = [], set(wanted)
    for a in arrays:
        names = [
            d.name if isinstance(d, sp.Symbol) and sources.get(d.name) == f"{a.name}.shape[{k}]" else ""
            for k, d in enumerate(a.shape or ())
        ]
        if len(names) > 1 and all(names) and set(names) <= left:
            lines.append(f"{', '.join(names)} = {a.name}.shape")
            left -= set(names)
        for k, name in enumerate(names):
            if name and name in left:
                lines.append(f"{name} = {a.name}.shape[{k}]")
                left.discard(name)
    return lines + [f"{name} = {sources[name]}" for name in sorted(left)]


def _composite_symbols(a: Argument) -> set[sp.Symbol]:
    return {s for d in a.shape or () if not isinstance(d, (int, sp.Symbol)) for s in d.free_symbols}


def _composite_checks(arrays: Sequence[Argument]) -> list[str]:
    lines = []
    for a in arrays:
        for k, d in enumerate(a.shape or ()):
            if not isinstance(d, (int, sp.Symbol)):
                shown = tuple(str(x) for x in a.shape or ())
                lines.append(f"if {a.name}.shape[{k}] != {scalar_code(d, {})[0]}:")
                lines.append(f'    raise runtime.mismatch("{a.name}", {shown!r}, {a.name}.shape)')
    return lines
