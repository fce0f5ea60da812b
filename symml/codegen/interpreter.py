"""The plain interpreter: an expression becomes a flat list of NumPy calls, one or a few a node.

A slot of the store holds the value of a node, slot 0 the values by name. A vector is a 1-D array, a row has shape
(1, d), a scalar is a float. The body of a sum or of an action is a second list that runs once for each index.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp

from symml.codegen.plain_products import chain, is_row
from symml.codegen.program import VALUES, Program, run
from symml.codegen.scalar_values import Values, compile_lambda, compile_scalar, key_of, power_of
from symml.errors import NotSupportedError
from symml.language.expressions import (
    Action,
    Add,
    Apply,
    BoundSum,
    Call,
    Dim,
    Einstein,
    Element,
    ElemPow,
    Expression,
    Eye,
    Hadamard,
    Index,
    Indicator,
    Literal,
    Mul,
    Ones,
    Pow,
    Scalar,
    Symbol,
    Transpose,
    Zeros,
)  # fmt: skip
from symml.language.function import function
from symml.language.tables import symbol_table
from symml.language.where import expand_names


def prepare(expression: Expression) -> Callable[[Values, Mapping[str, int]], Any]:
    """Return a fast function of values and sizes, both by canonical name; nothing is checked.

    Vectors are 1-D arrays of floats, matrices 2-D, scalars floats; the result may share memory with a value.
    """
    program = Program()
    result = compile_node(program, expand_names(expression))
    size, code = next(program.counter), program.code

    def evaluate(values: Values, sizes: Mapping[str, int]) -> Any:
        store: list[Any] = [None] * size
        store[VALUES] = {**sizes, **values}
        run(code, store)
        return store[result]

    return evaluate


def compile_node(program: Program, root: Expression) -> int:
    """Append the code of a node and of everything below it; return its slot."""
    found = program.find(root)
    if found is not None:
        return found
    waiting = [root]
    while waiting:
        node = waiting[-1]
        home = program
        while home.outer is not None and not home.names & symbol_table(node).keys():
            home = home.outer
        if home.find(node) is not None:
            waiting.pop()
            continue
        below = () if isinstance(node, (BoundSum, Action)) else node.args
        missing = [a for a in below if program.find(a) is None]
        if missing:
            waiting.extend(reversed(missing))
            continue
        waiting.pop()
        rule = _RULES.get(type(node))
        if rule is None:
            raise NotSupportedError(f"{type(node).__name__} has no value: {node}")
        home.place[node] = rule(home, node)
    slot = program.find(root)
    assert slot is not None
    return slot


def _slots(program: Program, nodes: tuple[Expression, ...] | list[Expression]) -> list[int]:
    return [compile_node(program, node) for node in nodes]


# -- leaves -------------------------------------------------------------------------------------------------------
def size_of(dim: Dim) -> Callable[[Values], int]:
    """Return the size of an axis as a function of the values."""
    if isinstance(dim, int):
        return lambda values: dim
    if isinstance(dim, sp.Symbol):
        key = key_of(dim)
        return lambda values: int(values[key])
    compiled = compile_scalar(dim)
    return lambda values: round(float(compiled(values)))


@lru_cache(maxsize=64)
def _small(kind: str, *sizes: int) -> Any:
    array: Any = np.eye(sizes[0]) if kind == "eye" else np.full(sizes, 1.0 if kind == "ones" else 0.0)
    array.setflags(write=False)
    return array


def _constant(kind: str) -> Callable[[Program, Any], int]:
    def rule(program: Program, node: Any) -> int:
        sizes = [size_of(d) for d in (node.shape[:1] if kind == "eye" else node.shape)]
        return program.emit(lambda values: _small(kind, *[s(values) for s in sizes]), VALUES)

    return rule


def _literal(program: Program, node: Literal) -> int:
    rows, columns = node.value.shape
    shape = (rows,) if columns == 1 else (rows, columns)
    entries = [compile_scalar(v) for v in node.value]
    if node.value.free_symbols:
        return program.emit(lambda values: np.array([e(values) for e in entries], float).reshape(shape), VALUES)
    array = np.array([e({}) for e in entries], float).reshape(shape)
    return program.emit(lambda values: array, VALUES)


# -- sums and products --------------------------------------------------------------------------------------------
def _fold(op: Callable[[Any, Any], Any]) -> Callable[[Program, Any], int]:
    def rule(program: Program, node: Any) -> int:
        first, *rest = _slots(program, node.args)
        for slot in rest:
            first = program.emit(op, first, slot)
        return first

    return rule


def _mul(program: Program, node: Mul) -> int:
    slots = _slots(program, node.args)
    scalars = [s for s, a in zip(slots, node.args, strict=True) if a.shape == ()]
    arrays = [(s, a.shape) for s, a in zip(slots, node.args, strict=True) if a.shape != ()]
    if node.coefficient not in (1, -1):
        scalars.insert(0, program.emit(compile_scalar(node.coefficient), VALUES))
    parts = [*scalars, *([chain(program, arrays)[0]] if arrays else [])]
    product = parts[0]
    for slot in parts[1:]:
        product = program.emit(operator.mul, product, slot)
    return program.emit(operator.neg, product) if node.coefficient == -1 else product


def _transpose(program: Program, node: Transpose) -> int:
    (slot,), shape = _slots(program, node.args), node.args[0].shape
    if len(shape) == 1:
        return program.emit(lambda x: x[None, :], slot)
    return program.emit(operator.itemgetter(0) if is_row(shape) else operator.attrgetter("T"), slot)


def _power(program: Program, node: Any) -> int:
    (slot,) = _slots(program, node.args)
    matrix = isinstance(node, Pow) and node.shape != ()
    if node.exponent.free_symbols:
        exponent = program.emit(compile_scalar(node.exponent), VALUES)
        return program.emit((lambda x, p: np.linalg.matrix_power(x, round(p))) if matrix else np.power, slot, exponent)
    if matrix:
        q = int(node.exponent)
        power = _inverse_of(node.args[0]) if q == -1 else lambda x: np.linalg.matrix_power(x, q)
        return program.emit(power, slot)
    simple = power_of(node.exponent)
    assert simple is not None
    return program.emit(simple, slot)


def _inverse_of(e: Expression) -> Callable[[Any], Any]:
    """The inverse; LAPACK gives noise for a matrix that is singular but for rounding."""

    def inverse(x: Any) -> Any:
        found = np.linalg.inv(x)
        condition = np.max(np.abs(found * x.T).sum(axis=1))  # the same whatever the units of rows and columns
        if condition * len(x) * np.finfo(float).eps > 1:
            raise np.linalg.LinAlgError(
                f"{e} ({len(x)}×{len(x)}) is singular to working precision: its condition number is {condition:.1e}"
            )
        return found

    return inverse


# -- functions ----------------------------------------------------------------------------------------------------
def _call(program: Program, node: Call) -> int:
    record = function(node.function)
    if record.numpy is None:
        if record.definition is None:
            raise NotSupportedError(f"{record.name} has neither a NumPy form nor a definition")
        return compile_node(program, record.definition(*node.args))
    numpy = record.numpy
    slots = _slots(program, node.args)
    if node.shape == () and any(is_row(a.shape) for a in node.args):
        return program.emit(lambda *x: np.reshape(numpy(*x), ())[()], *slots)
    return program.emit(numpy, *slots)


def _apply(program: Program, node: Apply) -> int:
    return program.emit(compile_lambda(node.function), *_slots(program, node.args), VALUES)


def _indicator(program: Program, node: Indicator) -> int:
    test = {">": np.greater, ">=": np.greater_equal, "<": np.less, "<=": np.less_equal, "==": np.equal}[node.relation]
    return program.emit(lambda a, b=0.0: test(a, b) * 1.0, *_slots(program, node.args))


def _element(program: Program, node: Element) -> int:
    base, *indices = _slots(program, node.args)
    positions = node.positions
    if not indices:
        key = tuple(slice(None) if p is None else p for p in positions)
        return program.emit(lambda a: a[key], base)

    def pick(a: Any, *found: Any) -> Any:
        left = iter(found)
        return a[tuple(slice(None) if p is None else int(next(left)) - 1 if p == "index" else p for p in positions)]

    return program.emit(pick, base, *indices)


def _bound_sum(program: Program, node: BoundSum) -> int:
    index, body = node.args
    assert isinstance(index, Index)
    inner = program.inside(index.name)
    place = inner.place[index] = next(program.counter)
    result = compile_node(inner, body)
    size, code = size_of(index.size), inner.code

    def total(store: list[Any]) -> Any:
        found: Any = 0.0
        for k in range(1, size(store[VALUES]) + 1):
            store[place] = np.float64(k)
            run(code, store)
            found = found + store[result]
        return found

    return program.emit_loop(total)


def _action(program: Program, node: Action) -> int:
    direction, body = node.args[-2:]
    assert isinstance(direction, Symbol)
    inner = program.inside(direction.name)
    place = inner.place[direction] = next(program.counter)
    result = compile_node(inner, body)
    sizes, code = [size_of(d) for d in direction.shape], inner.code
    squeezed = tuple(0 if d == 1 else slice(None) for d in body.shape)

    def columns(store: list[Any]) -> Any:
        shape = tuple(s(store[VALUES]) for s in sizes)
        found = []
        for k in range(math.prod(shape)):
            unit = np.zeros(shape)
            unit.flat[k] = 1.0
            store[place] = unit
            run(code, store)
            found.append(np.asarray(store[result])[squeezed])
        stacked = np.stack(found, axis=-1)
        return stacked.reshape((*stacked.shape[:-1], *shape))

    return program.emit_loop(columns)


def _einstein(program: Program, node: Einstein) -> int:
    words, out = [list(w) for w in node.fields[0]], list(node.fields[1])
    letters = {c: chr(97 + k) for k, c in enumerate(dict.fromkeys([c for w in words for c in w] + out))}
    slots = _slots(program, node.args)
    words = [[letters[c] for c in w] for w in words]
    out = [letters[c] for c in out]
    axes = [d for d in node.shape if d != 1] if len(node.shape) > len(out) else list(node.shape)
    known = {c for w in words for c in w}
    for k, c in enumerate(out):
        size = size_of(axes[k])
        if c not in known:
            words.append([c])
            slots.append(program.emit(lambda values, size=size: np.ones(size(values)), VALUES))
            known.add(c)
        elif c in out[:k]:
            fresh = chr(97 + len(letters))
            letters[fresh] = out[k] = fresh
            words.append([c, fresh])
            slots.append(program.emit(lambda values, size=size: np.eye(size(values)), VALUES))
    recipe = ",".join("".join(w) for w in words) + "->" + "".join(out)
    lengths = [len(w) for w in words]

    def contract(*arrays: Any) -> Any:
        fitted = [a if np.ndim(a) == k else np.reshape(a, -1) for a, k in zip(arrays, lengths, strict=True)]
        return np.einsum(recipe, *fitted, optimize=len(fitted) > 2)[()]

    return program.emit(contract, *slots)


_RULES: dict[type[Expression], Callable[[Program, Any], int]] = {
    Symbol: lambda program, node: program.emit(operator.itemgetter(node.name), VALUES),
    Scalar: lambda program, node: program.emit(compile_scalar(node.value), VALUES),
    Literal: _literal, Eye: _constant("eye"), Ones: _constant("ones"), Zeros: _constant("zeros"),
    Add: _fold(operator.add), Mul: _mul, Hadamard: _fold(operator.mul), ElemPow: _power, Pow: _power,
    Transpose: _transpose, Call: _call, Apply: _apply, Indicator: _indicator, Element: _element,
    BoundSum: _bound_sum, Action: _action, Einstein: _einstein,
}  # fmt: skip
