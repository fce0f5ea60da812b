"""Small sizes for a certificate: 2 and 3, the sides of a matrix different, sizes used as numbers all different."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import sympy as sp

from symml.checking.sampling import LARGE
from symml.language.expressions import Call, Expression, Pow, Symbol, postorder
from symml.language.names import canonical
from symml.language.symbols import is_dimension
from symml.language.tables import symbol_table

COSTLY = ("inv", "det", "logdet")


def choose(objective: Expression, result: Expression) -> Iterator[Mapping[str, int]]:
    """Yield sizes for every dimension, smaller ones later."""
    nodes = postorder(objective, result)
    table = {**symbol_table(objective), **symbol_table(result)}
    dims = [name for name, s in table.items() if isinstance(s, sp.Symbol) and is_dimension(s)]
    small = {d for n in nodes if _is_costly(n) for d in _names(n.args[0].shape[:1])}
    beside: dict[str, set[str]] = {d: set() for d in dims}
    for s in table.values():
        names = _names(s.shape) if isinstance(s, Symbol) else []
        for a in names:
            beside[a] |= set(names) - {a}
    numbers = _as_numbers(nodes)
    order = sorted(dims, key=lambda d: (d not in small, d not in LARGE, d))
    first: dict[str, int] = {}
    for d in order:
        pool = (2, 3, 4) if d in small else (3, 2, 4)
        taken = {first[o] for o in beside[d] if o in first}
        distinct = {first[o] for o in numbers if o in first} if d in numbers else set()
        first[d] = next((k for k in pool[:2] if k not in taken | distinct), 0) or next(
            k for k in (2, 3, 4, 5, 6, 7, 8) if k not in distinct
        )
    yield dict(sorted(first.items()))
    second = dict.fromkeys(first, 2)
    if second != first and len(numbers) < 2:
        yield dict(sorted(second.items()))


def _is_costly(node: Expression) -> bool:
    if isinstance(node, Call):
        return node.function in COSTLY
    return isinstance(node, Pow) and node.shape != ()


def _names(shape: tuple[object, ...]) -> list[str]:
    return sorted({canonical(t.name) for d in shape for t in getattr(d, "free_symbols", ())})


def _as_numbers(nodes: list[Expression]) -> list[str]:
    """Dimensions that occur as numbers: in scalars, coefficients, means."""
    found: set[str] = set()
    for node in nodes:
        for value in node.fields:
            found |= {
                canonical(s.name)
                for s in getattr(value, "free_symbols", ())
                if isinstance(s, sp.Symbol) and is_dimension(s)
            }
        if isinstance(node, Call) and node.function == "mean":
            found |= set(_names(node.args[0].shape))
    return sorted(found)
