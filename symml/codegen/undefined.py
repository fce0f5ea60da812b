"""Why a value is not a number: the smallest piece that is undefined though its own arguments are not.

Looked for only after a result turned out to be undefined; evaluation itself pays nothing for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp

from symml.codegen.interpreter import compile_node, size_of
from symml.codegen.program import VALUES, Program, run
from symml.codegen.scalar_values import Values, compile_scalar
from symml.errors import UNDEFINED
from symml.language.expressions import BoundSum, Call, ElemPow, Expression, Index, Pow, Scalar, Symbol, postorder
from symml.language.function import Function, function, functions
from symml.language.operators import scalar
from symml.language.rebuilding import substitute
from symml.language.symbols import is_dimension
from symml.language.tables import symbol_table
from symml.language.where import expand_names

SHOWN = 60  # characters of a piece
FAILURES = (*UNDEFINED, KeyError)


def why_undefined(expression: Expression, values: Values, sizes: Mapping[str, int]) -> str:
    """Return what is not a number in the value of an expression, where, and what it needs."""
    store_values = {**sizes, **values}
    piece, found = _smallest(expand_names(expression), store_values)
    if isinstance(piece, Scalar):
        return _of_scalar(piece.value, store_values)
    place = tuple(int(k) for k in np.argwhere(np.isnan(found[piece]))[0])
    what = _short(piece)
    if place:
        what = f"entry {_entry(place)} of {what}"
    arguments = [a for a in piece.args if a in found and not isinstance(a, Index)]
    told = [t for a in arguments if (t := _told(a, found[a], place))]
    needed = _needed(piece)
    there = " and ".join(told)
    clause = "; there " if place and told else ": " if told else ""
    reason = f"{clause}{there}" + (f", and {needed}" if needed and told else "")
    return f"{what} is not a real number{reason}. {_advice(piece)}"


def _smallest(root: Expression, values: Values) -> tuple[Expression, dict[Expression, Any]]:
    """The first undefined node, arguments first, and the values around it; of a sum, one of its terms."""
    while True:
        found = _values(root, values)
        piece = next((n for n in postorder(root) if n in found and np.any(np.isnan(found[n]))), root)
        if not isinstance(piece, BoundSum):
            return piece, found
        index, body = piece.args
        assert isinstance(index, Index)
        terms = (substitute(body, {index: scalar(k)}) for k in range(1, size_of(index.size)(values) + 1))
        guilty = next((t for t in terms if np.any(np.isnan(_values(t, values).get(t, 0.0)))), None)
        if guilty is None:
            return piece, found
        root = guilty


def _values(root: Expression, values: Values) -> dict[Expression, Any]:
    """Values of the nodes of an expression, as floats, as far as they can be computed."""
    program = Program()
    compile_node(program, root)
    store: list[Any] = [None] * next(program.counter)
    store[VALUES] = values
    try:
        with np.errstate(all="ignore"):
            run(program.code, store)
    except FAILURES:
        pass
    kept = {node: store[slot] for node, slot in program.place.items() if store[slot] is not None}
    return {node: np.asarray(value, float) for node, value in kept.items()}


def _told(e: Expression, value: Any, place: Sequence[int]) -> str:
    """One argument with its value, at the guilty entry when it has one."""
    if e.shape == ():
        return f"{_short(e)} is {_number(value)}"
    if place and value.ndim == len(place) and all(k < n for k, n in zip(place, value.shape, strict=True)):
        return f"{_short(e)} is {_number(value[tuple(place)])}"
    return ""


def _needed(piece: Expression) -> str:
    if isinstance(piece, Call):
        return _domain_of(function(piece.function))
    if isinstance(piece, (ElemPow, Pow)):
        return _of_power(piece.exponent)
    return ""


def _of_power(exponent: Any) -> str:
    return "" if exponent.is_integer else f"the power {exponent} needs a base >= 0"


def _domain_of(record: Function) -> str:
    plain = str(record.domain) == "in R"
    return "" if plain else f"{record.name} needs an argument {record.domain}"


def _of_scalar(value: Any, values: Values) -> str:
    """The same for an expression of scalars only."""
    with np.errstate(all="ignore"):
        parts = [p for p in sp.postorder_traversal(value) if isinstance(p, sp.Expr)]
        piece = next((p for p in dict.fromkeys(parts) if np.any(np.isnan(compile_scalar(p)(values)))), value)
        told = [f"{scalar(a)} is {_number(compile_scalar(a)(values))}" for a in piece.args if a.free_symbols]
    needed = ""
    if piece.is_Pow:
        needed = _of_power(piece.exp)
    record = next((f for f in functions().values() if f.sympy is piece.func), None)
    if record is not None:
        needed = _domain_of(record)
    reason = (f": {' and '.join(told)}" + (f", and {needed}" if needed else "")) if told else ""
    return f"{_short(scalar(piece))} is not a real number{reason}. {_advice(scalar(piece))}"


def _advice(piece: Expression) -> str:
    names = sorted(n for n, s in symbol_table(piece).items() if isinstance(s, Symbol) or not is_dimension(s))
    return f"Check the value{'s' if len(names) > 1 else ''} of {', '.join(names)}." if names else ""


def _entry(place: Sequence[int]) -> str:
    return str(place[0] + 1) if len(place) == 1 else f"({', '.join(str(k + 1) for k in place)})"


def _number(value: Any) -> str:
    return f"{float(value):.6g}"


def _short(e: Expression) -> str:
    text = str(e)
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."
