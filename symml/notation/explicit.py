"""Entries: an expression at given sizes as a SymPy scalar or Matrix, every function expanded by its definition.

Entry (i, j) of X is the real symbol ``X_i_j``, counted from 0; what a declaration says of the entries (symmetric,
diagonal, triangular, positive, integer) is kept.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from symml.errors import DataError, NotSupportedError
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
    Shape,
    Symbol,
    Transpose,
    Zeros,
)  # fmt: skip
from symml.language.function import function
from symml.language.names import canonical
from symml.language.symbols import is_dimension
from symml.language.tables import symbol_table
from symml.language.where import expand_names


@dataclass(frozen=True)
class Sizes:
    """Sizes by dimension name, values of bound indices and directions, and what has been expanded."""

    sizes: Mapping[str, int]
    bound: Mapping[Expression, Any] = field(default_factory=dict)
    done: dict[Expression, Any] = field(default_factory=dict)

    def size(self, dim: Dim) -> int:
        """Value of one size."""
        return int(dim if isinstance(dim, int) else self.number(dim))

    def number(self, value: Any) -> Any:
        """Value of a SymPy scalar, with the sizes put in."""
        known = {s: self.sizes[canonical(s.name)] for s in value.free_symbols if self._is_size(s)}
        return value.xreplace({s: sp.Integer(v) for s, v in known.items()}).doit()

    def _is_size(self, s: Any) -> bool:
        return (
            isinstance(s, sp.Symbol)
            and not isinstance(s, sp.Dummy)
            and is_dimension(s)
            and canonical(s.name) in self.sizes
        )

    def axes(self, shape: Shape) -> tuple[int, int]:
        """Rows and columns of the matrix of entries."""
        rows, columns = (*shape, 1, 1)[:2] if len(shape) < 2 else shape
        return self.size(rows), self.size(columns)


def as_explicit(expression: Expression, sizes: Mapping[str, int]) -> Any:
    """Return a SymPy scalar, or the Matrix of entries; a vector is one column. An action gives a SymPy Array.

    Raises
    ------
    DataError
        If the size of a dimension is missing; it is named.
    NotSupportedError
        If a function has no expansion into entries.
    """
    given = {canonical(name): int(size) for name, size in sizes.items()}
    root = expand_names(expression)
    dims = [name for name, s in symbol_table(root).items() if isinstance(s, sp.Symbol) and is_dimension(s)]
    missing = sorted(set(dims) - set(given))
    if missing:
        raise DataError(f"no size for {', '.join(missing)}; write as_explicit({', '.join(f'{m}=3' for m in missing)})")
    return expand(root, Sizes(given))


def expand(root: Expression, at: Sizes) -> Any:
    """Return the entries of an expression and of everything below it."""
    waiting = [root]
    while waiting:
        node = waiting[-1]
        below = () if isinstance(node, (BoundSum, Action)) or node in at.bound else node.args
        missing = [a for a in below if a not in at.done]
        if missing:
            waiting.extend(missing)
            continue
        waiting.pop()
        if node in at.done:
            continue
        if node in at.bound:
            at.done[node] = at.bound[node]
            continue
        rule = _RULES.get(type(node))
        if rule is None:
            raise NotSupportedError(f"{type(node).__name__} has no expansion into entries: {node}")
        at.done[node] = rule(node, [at.done[a] for a in below], at)
    return at.done[root]


def _symbol(node: Symbol, _: list[Any], at: Sizes) -> Any:
    if len(node.shape) not in (1, 2):
        raise NotSupportedError(f"{node} has {len(node.shape)} axes and no matrix of entries")
    assumptions = {w: True for w in ("positive", "nonnegative", "negative", "nonzero", "integer") if w in node.facts}

    def entry(*position: int) -> Any:
        if len(position) == 2:
            i, j = position
            if ("lower triangular" in node.facts and j > i) or ("upper triangular" in node.facts and j < i):
                return sp.S.Zero
            if "identity" in node.facts:
                return sp.S.One
            position = tuple(sorted(position)) if "symmetric" in node.facts else position
        return sp.Symbol("_".join([node.name, *map(str, position)]), real=True, **assumptions)

    rows, columns = at.axes(node.shape)
    return sp.Matrix(rows, columns, (lambda i, j: entry(i)) if len(node.shape) == 1 else (lambda i, j: entry(i, j)))


def _add(node: Add, args: list[Any], at: Sizes) -> Any:
    if node.shape == ():
        return sp.Add(*args)
    total = sp.zeros(*at.axes(node.shape))
    for value, part in zip(args, node.args, strict=True):
        total += value if part.shape else value * sp.ones(*at.axes(node.shape))
    return total


def _mul(node: Mul, args: list[Any], at: Sizes) -> Any:
    product = at.number(node.coefficient)
    for value, part in zip(args, node.args, strict=True):
        if part.shape == ():
            product = product * value
    arrays = [value for value, part in zip(args, node.args, strict=True) if part.shape != ()]
    if not arrays:
        return product
    found = arrays[0]
    for value in arrays[1:]:
        found = found * value
    return product * (found[0, 0] if node.shape == () else found)


def _hadamard(node: Hadamard, args: list[Any], at: Sizes) -> Any:
    found = args[0]
    for value in args[1:]:
        found = found.multiply_elementwise(value)
    return found


def _power(node: Any, args: list[Any], at: Sizes) -> Any:
    exponent = at.number(node.exponent)
    if node.shape == ():
        return args[0] ** exponent
    if isinstance(node, ElemPow):
        return args[0].applyfunc(lambda x: x**exponent)
    return _matrix_power(args[0], int(exponent))


def _matrix_power(matrix: Any, exponent: int) -> Any:
    """The power as a plain product; SymPy's own would simplify on the way."""
    base = matrix if exponent > 0 else _inverse(matrix)
    found = base if exponent else sp.eye(matrix.rows)
    for _ in range(abs(exponent) - 1):
        found = found * base
    return found


def _inverse(matrix: Any) -> Any:
    if matrix.rows > 4:
        return matrix.inv()
    method = "berkowitz"  # free of division: nothing is simplified on the way
    return matrix.adjugate(method) / matrix.det(method)


def _apply(node: Apply, args: list[Any], at: Sizes) -> Any:
    (variable,) = node.function.variables
    body = at.number(node.function.expr)
    return args[0].applyfunc(lambda x: body.xreplace({variable: x}))


def _call(node: Call, args: list[Any], at: Sizes) -> Any:
    record = function(node.function)
    rule = _CALLS.get(record.name)
    if rule is not None:
        return rule(node, args)
    if record.kind == "elementwise" and record.sympy is not None:
        return record.sympy(args[0]) if node.shape == () else args[0].applyfunc(record.sympy)
    if record.definition is not None:
        return expand(expand_names(record.definition(*node.args)), at)
    raise NotSupportedError(f"{record.name} has no expansion into entries: {node}")


def _extreme(head: Any) -> Callable[[Call, list[Any]], Any]:
    def rule(node: Call, args: list[Any]) -> Any:
        if len(args) == 1:
            return head(*args[0])
        shape = next((a.shape for a in args if isinstance(a, sp.MatrixBase)), None)
        if shape is None:
            return head(*args)
        a, b = (x if isinstance(x, sp.MatrixBase) else x * sp.ones(*shape) for x in args)
        return sp.Matrix(*shape, lambda i, j: head(a[i, j], b[i, j]))

    return rule


def _diag(node: Call, args: list[Any]) -> Any:
    return sp.diag(*args[0]) if len(node.shape) == 2 else sp.Matrix([args[0][i, i] for i in range(args[0].rows)])


def _expm(node: Call, args: list[Any]) -> Any:
    if args[0].free_symbols and args[0].rows > 2:
        raise NotSupportedError(f"the exponential of a symbolic matrix has no usable entries beyond 2×2: {node}")
    return args[0].exp()


def _toeplitz(node: Call, args: list[Any]) -> Any:
    column, row = list(args[0]), list(args[-1])
    return sp.Matrix(len(column), len(row), lambda i, j: column[i - j] if i >= j else row[j - i])


def _indicator(node: Indicator, args: list[Any], at: Sizes) -> Any:
    relation = {">": sp.Gt, ">=": sp.Ge, "<": sp.Lt, "<=": sp.Le, "==": sp.Eq}[node.relation]
    left, right = (*args, sp.S.Zero)[:2]
    rows, columns = at.axes(node.shape)

    def entry(i: int, j: int) -> Any:
        a, b = (x[i, j] if isinstance(x, sp.MatrixBase) else x for x in (left, right))
        return sp.Piecewise((1, relation(a, b)), (0, True))

    found = sp.Matrix(rows, columns, entry)
    return found if node.shape else found[0, 0]


def _element(node: Element, args: list[Any], at: Sizes) -> Any:
    base, indices = args[0], iter(args[1:])
    sizes = [at.size(d) for d in node.args[0].shape]
    spots = [int(next(indices)) - 1 if p == "index" else p for p in node.positions]
    row, column = (*spots, 0) if len(spots) == 1 else spots
    row, column = (
        p + s if isinstance(p, int) and p < 0 else p for p, s in zip((row, column), (*sizes, 1), strict=False)
    )
    if row is not None and column is not None:
        return base[row, column]
    return base[:, column] if row is None else base[row, :].T


def _bound_sum(node: BoundSum, _: list[Any], at: Sizes) -> Any:
    index, body = node.args
    assert isinstance(index, Index)
    parts = [
        expand(body, Sizes(at.sizes, {**at.bound, index: sp.Integer(k)})) for k in range(1, at.size(index.size) + 1)
    ]
    return sp.Add(*parts) if node.shape == () else sum(parts[1:], parts[0])


def _action(node: Action, _: list[Any], at: Sizes) -> Any:
    direction, body = node.args
    rows, columns = at.axes(direction.shape)
    results = []
    for i, j in itertools.product(range(rows), range(columns)):
        unit = sp.Matrix(rows, columns, lambda r, c, i=i, j=j: int((r, c) == (i, j)))
        results.append(expand(body, Sizes(at.sizes, {**at.bound, direction: unit})))
    lead = [at.size(d) for d in body.shape if d != 1]
    flat = [list(r) if isinstance(r, sp.MatrixBase) else [r] for r in results]
    tail = [at.size(d) for d in direction.shape]
    return sp.Array([column[k] for k in range(len(flat[0])) for column in flat], (*lead, *tail))


def _einstein(node: Einstein, args: list[Any], at: Sizes) -> Any:
    words, out = [list(w) for w in node.fields[0]], list(node.fields[1])
    lengths = dict(zip(out, [at.size(d) for d in node.shape if d != 1 or len(node.shape) <= len(out)], strict=True))
    for word, part in zip(words, node.args, strict=True):
        axes = [d for d in part.shape if d != 1] if len(part.shape) > len(word) else list(part.shape)
        lengths.update(zip(word, [at.size(d) for d in axes], strict=True))
    summed = [c for c in lengths if c not in out]

    def entry(position: Mapping[str, int]) -> Any:
        total = []
        for rest in itertools.product(*(range(lengths[c]) for c in summed)):
            spot = {**position, **dict(zip(summed, rest, strict=True))}
            total.append(sp.Mul(*(_at(a, [spot[c] for c in w]) for a, w in zip(args, words, strict=True))))
        return sp.Add(*total)

    spots = list(itertools.product(*(range(lengths[c]) for c in out)))
    consistent = [all(s[k] == s[out.index(c)] for k, c in enumerate(out)) for s in spots]
    entries = [
        entry(dict(zip(out, s, strict=True))) if ok else sp.S.Zero for s, ok in zip(spots, consistent, strict=True)
    ]
    if len(out) > 2:
        return sp.Array(entries, tuple(lengths[c] for c in out))
    return sp.Matrix(*at.axes(node.shape), entries) if out else entries[0]


def _at(value: Any, position: list[int]) -> Any:
    if not position:
        return value
    return value[tuple(position)] if len(position) == 2 else value[position[0]]


_CALLS: dict[str, Callable[[Call, list[Any]], Any]] = {
    "sum": lambda node, args: sp.Add(*args[0]),
    "norm": lambda node, args: sp.sqrt(sp.Add(*(x**2 for x in args[0]))),
    "trace": lambda node, args: args[0].trace(),
    "det": lambda node, args: args[0].det(),
    "logdet": lambda node, args: sp.log(sp.Abs(args[0].det())),
    "kron": lambda node, args: sp.Matrix(sp.kronecker_product(*args)),
    "vec": lambda node, args: args[0].vec(),
    "diag": _diag,
    "toeplitz": _toeplitz,
    "expm": _expm,
    "max": _extreme(sp.Max),
    "min": _extreme(sp.Min),
}
_RULES: dict[type[Expression], Callable[[Any, list[Any], Sizes], Any]] = {
    Symbol: _symbol,
    Scalar: lambda node, _, at: at.number(node.value),
    Literal: lambda node, _, at: sp.Matrix(node.value.applyfunc(at.number)),
    Eye: lambda node, _, at: sp.eye(at.axes(node.shape)[0]),
    Ones: lambda node, _, at: sp.ones(*at.axes(node.shape)),
    Zeros: lambda node, _, at: sp.zeros(*at.axes(node.shape)),
    Add: _add, Mul: _mul, Hadamard: _hadamard, Pow: _power, ElemPow: _power,
    Transpose: lambda node, args, at: args[0].T,
    Apply: _apply, Call: _call, Indicator: _indicator, Element: _element, BoundSum: _bound_sum, Action: _action,
    Einstein: _einstein,
}  # fmt: skip
