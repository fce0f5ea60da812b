"""From expressions to the graph: one row for each class of expression says what it needs and how it is computed.

Only what the outputs need is translated: a product under a trace, or a norm under a square, is never computed itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp

from symml.codegen import algebra, arrays, chains, tensors
from symml.codegen.batch import loop_or_batch
from symml.codegen.chains import Orders
from symml.codegen.graph import Graph, Node, scoped
from symml.codegen.hadamards import hadamard, hadamard_needs, multiset
from symml.codegen.numpy_rows import FunctionRow
from symml.codegen.products import Product, product
from symml.codegen.structure import analyse
from symml.codegen.translation import Translation, array_shape
from symml.errors import NotSupportedError
from symml.language.expressions import (
    Action,
    Add,
    Apply,
    BoundSum,
    Call,
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
    Where,
    Zeros,
    postorder,
)  # fmt: skip
from symml.language.function import function
from symml.language.operators import rebuild, substitute
from symml.language.where import resolved

NORMS = ("norm", "sumsq")


def translate(
    graph: Graph, roots: Sequence[Expression], rows: Mapping[str, FunctionRow]
) -> tuple[list[Node], Translation]:
    """Return the nodes of the outputs and the finished translation."""
    symbols = [e for e in postorder(*roots) if isinstance(e, Symbol)]
    state = Translation(graph, Orders(chains.nominal_sizes(symbols)), rows)
    demanded = _demanded(state, roots)
    _share_products(state, demanded)
    _share_scalars(state, demanded)
    for e in _demanded(state, roots):
        state.nodes[e] = _ROWS[type(e)].build(state, e)
    return [state.nodes[r] for r in roots], state


def _demanded(state: Translation, roots: Iterable[Expression]) -> list[Expression]:
    """Every expression whose value is needed, operands first."""
    seen: set[Expression] = set()
    order: list[Expression] = []
    stack = [(r, False) for r in reversed(list(roots))]
    while stack:
        e, done = stack.pop()
        if done:
            order.append(e)
        elif e not in seen:
            seen.add(e)
            row = _ROWS.get(type(e))
            if row is None:
                raise NotSupportedError(f"{type(e).__name__} has no code yet: {e}")
            stack.append((e, True))
            stack.extend((a, False) for a in reversed(row.needs(state, e)) if a not in seen)
    return order


def _share_products(state: Translation, demanded: Sequence[Expression]) -> None:
    """Note all chains, and which elementwise products are parts of others."""
    multisets = {e: multiset(e) for e in demanded if isinstance(e, Hadamard)}
    for e in demanded:
        if isinstance(e, Mul):
            chain = product(e).chain
            if len(chain) > 1:
                state.orders.note(chain)
        elif isinstance(e, Hadamard):
            inside = [h for h, m in multisets.items() if h is not e and m <= multisets[e] and len(h.args) < len(e.args)]
            if inside:
                largest = max(inside, key=lambda h: len(h.args))
                rest = multisets[e] - multisets[largest]
                state.parts[e] = (largest, *rest.elements())


def _share_scalars(state: Translation, demanded: Sequence[Expression]) -> None:
    """Find common subexpressions of all scalars at once."""
    values = [f for e in demanded for f in e.fields if isinstance(f, sp.Expr) and not f.is_number and not f.is_Symbol]
    values = list(dict.fromkeys(values))
    if len(values) == 0 or sum(v.count_ops() for v in values) < 12:
        return
    fresh = sp.numbered_symbols("shared", cls=sp.Dummy)
    definitions, reduced = sp.cse(values, symbols=fresh, order="none" if len(values) > 50 else "canonical")
    for symbol, value in definitions:
        state.operands[symbol] = state.graph.scalar(value, state.operands)
    state.common = dict(zip(values, reduced, strict=True))


# -- rows ---------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class ExpressionRow:
    """What an expression needs, and its node."""

    build: Callable[[Translation, Any], Node]
    needs: Callable[[Translation, Any], tuple[Expression, ...]] = lambda state, e: e.args


def _symbol(state: Translation, e: Symbol) -> Node:
    return state.graph.argument(e.name, array_shape(e.shape))


def _literal(state: Translation, e: Literal) -> Node:
    symbolic = e.value.free_symbols
    operands = tuple(state.scalar(v) for v in e.value) if symbolic else ()
    return state.graph.make("literal", operands, (e.value,), array_shape(e.shape))


def _product_needs(state: Translation, e: Expression) -> tuple[Expression, ...]:
    parts = product(e)
    return (*parts.scalars, *(f.base for f in parts.chain))


def _chain(state: Translation, parts: Product, make: Callable[[], Node]) -> Node:
    g = state.graph
    out = make()
    for s in parts.scalars:
        out = arrays.scale(g, state.nodes[s], out)
    return arrays.scale(g, state.scalar(parts.coefficient), out)


def _mul(state: Translation, e: Expression) -> Node:
    parts, g = product(e), state.graph
    if not parts.chain:
        return _chain(state, parts, lambda: g.scalar(1))
    tree = chains.best(state.orders, parts.chain)[1]
    return _chain(state, parts, lambda: chains.build(g, tree, state.nodes).node)


def _add(state: Translation, e: Add) -> Node:
    return arrays.add(state.graph, [state.nodes[a] for a in e.args], array_shape(e.shape))


def _pow_needs(state: Translation, e: Pow) -> tuple[Expression, ...]:
    base = e.args[0]
    return base.args if isinstance(base, Call) and base.function == "norm" else (base,)


def _pow(state: Translation, e: Pow) -> Node:
    g, base = state.graph, e.args[0]
    if e.shape != ():
        return _matrix_power(state, e)
    if isinstance(base, Call) and base.function == "norm":
        x = state.nodes[base.args[0]]
        return arrays.power(g, algebra.dot(g, x, x), e.exponent / 2) if e.exponent != 2 else algebra.dot(g, x, x)
    return _power(state, state.nodes[base], e.exponent)


def _power(state: Translation, x: Node, exponent: sp.Expr) -> Node:
    if exponent.is_number:
        return arrays.power(state.graph, x, exponent)
    return arrays.elementwise(state.graph, "call", (x, state.scalar(exponent)), ("power",), x.shape)


def _matrix_power(state: Translation, e: Pow) -> Node:
    g, base, q = state.graph, e.args[0], int(e.exponent)
    node = state.nodes[base]
    if q < 0:
        if isinstance(base, Symbol) and "orthogonal" in base.facts:
            node = arrays.transposed(g, node)
        else:
            node = algebra.inverse(g, node, _method(base))
    if node.op == "diag":
        return arrays.diagonal_matrix(g, arrays.power(g, node.args[0], sp.Integer(abs(q))), e.shape[0])
    return node if abs(q) == 1 else g.make("matrix_power", (node,), (abs(q),), e.shape)


def _method(e: Expression) -> str:
    return "cholesky" if analyse(e)[e].kind == "positive definite" else "lu"


def _call_needs(state: Translation, e: Call) -> tuple[Expression, ...]:
    if e.function != "trace":
        return e.args
    return tuple(x for _, parts in _trace_terms(e.args[0]) for x in (*parts.scalars, *(f.base for f in parts.chain)))


def _trace_terms(e: Expression) -> list[tuple[Expression, Product]]:
    """Return the products that a trace is taken of, sums spread; a matrix that is no product is a chain of one."""
    terms = e.args if isinstance(e, Add) and not any(t.shape == () for t in e.args) else (e,)
    return [(t, product(t)) for t in terms]


def _trace(state: Translation, e: Call) -> Node:
    terms = []
    for _, parts in _trace_terms(e.args[0]):
        make = lambda chain=parts.chain: chains.trace(state.graph, state.orders, chain, state.nodes)  # noqa: E731
        terms.append(_chain(state, parts, make))
    return arrays.add(state.graph, terms, ())


def _call(state: Translation, e: Call) -> Node:
    if e.function == "trace":
        return _trace(state, e)
    g, shape = state.graph, array_shape(e.shape)
    row = state.rows.get(e.function)
    nodes = tuple(state.nodes[a] for a in e.args)
    rows_given = any(len(a.shape) == 2 and a.shape[0] == 1 for a in e.args)
    if e.args and e.args[0].shape == () and e.function in ("sum", "mean", "max", "min") and len(nodes) == 1:
        return nodes[0]
    if row is not None and not (rows_given and not row.any_axes):
        if row.expand is None:
            return arrays.elementwise(g, "call", nodes, (e.function,), shape)
        return row.expand(g, shape, *nodes, *((_method(e.args[0]),) if row.factorised else ()))
    record = function(e.function)
    if record.numpy is None:
        if record.definition is None:
            raise NotSupportedError(f"{e.function} has neither code nor a definition")
        return translate_more(state, record.definition(*e.args))
    kept = tuple(
        g.make("as_row", (n,), (), (1, *n.shape)) if n.shape != a.shape else n
        for n, a in zip(nodes, e.args, strict=True)
    )
    return g.make("function", kept, (e.function, len(shape) < len(e.shape)), shape)


def translate_more(state: Translation, e: Expression) -> Node:
    """Translate one more expression into the same graph."""
    for part in _demanded(state, [e]):
        if part not in state.nodes:
            state.nodes[part] = _ROWS[type(part)].build(state, part)
    return state.nodes[e]


def _apply(state: Translation, e: Apply) -> Node:
    (variable,) = e.function.variables
    inner = state.nodes[e.args[0]]
    body = e.function.expr
    others = tuple(sorted(body.free_symbols - {variable}, key=str))
    return arrays.elementwise(
        state.graph, "lambda", (inner, *(state.graph.scalar(s) for s in others)), (body, variable, others), inner.shape
    )


def _indicator(state: Translation, e: Indicator) -> Node:
    left, right = (state.nodes[a] for a in e.args)
    return arrays.elementwise(state.graph, "compare", (left, right), (e.relation,), array_shape(e.shape))


def _element(state: Translation, e: Element) -> Node:
    base = state.nodes[e.args[0]]
    positions = e.positions
    if len(e.args[0].shape) == 2 and e.args[0].shape[0] == 1:
        positions = positions[1:]
    indices = [_raw_index(state, i) for i in e.args[1:]]
    return state.graph.make("element", (base, *indices), (tuple(positions),), array_shape(e.shape))


def _raw_index(state: Translation, i: Expression) -> Node:
    return state.graph.make("index", (), (i,), ())


def _index(state: Translation, e: Index) -> Node:
    counter = sp.Symbol(e.name, integer=True, nonnegative=True)
    return state.graph.scalar(counter + 1, {counter: _raw_index(state, e)})


def _bound_sum(state: Translation, e: BoundSum) -> Node:
    index, body = e.args
    assert isinstance(index, Index)
    times = state.graph.scalar(index.size)
    return loop_or_batch(state.graph, _raw_index(state, index), state.nodes[body], times)


def _action(state: Translation, e: Action) -> Node:
    direction, body = (state.nodes[a] for a in e.args[-2:])
    try:
        return tensors.dense(state.graph, direction, body)
    except tensors.NotLinear:
        return scoped(state.graph, "action", direction, body, (), e.shape)


def _einstein(state: Translation, e: Einstein) -> Node:
    words, out = list(e.fields[0]), e.fields[1]
    nodes = [state.nodes[a] for a in e.args]
    if any(len(word) != node.ndim for word, node in zip(words, nodes, strict=True)):
        raise NotSupportedError(f"the index formula {e} does not fit its arrays")
    have = set("".join(words))
    spare = iter(c for c in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" if c not in have and c not in out)
    letters = ""
    for letter, dim in zip(out, e.shape, strict=True):
        if letter not in have:
            words.append(letter)
            nodes.append(state.graph.make("ones", (), (), (dim,)))
            have.add(letter)
        if letter in letters:
            twin = next(spare)
            words.append(letter + twin)
            nodes.append(arrays.diagonal_matrix(state.graph, state.graph.scalar(1), dim))
            letters += twin
        else:
            letters += letter
    return state.graph.make("einsum", tuple(nodes), (",".join(words) + "->" + letters,), e.shape)


def _constant(op: str) -> Callable[[Translation, Expression], Node]:
    return lambda state, e: state.graph.make(op, (), (), array_shape(e.shape))


_ROWS: dict[type[Expression], ExpressionRow] = {
    Symbol: ExpressionRow(_symbol),
    Scalar: ExpressionRow(lambda state, e: state.scalar(e.value)),
    Literal: ExpressionRow(_literal),
    Eye: ExpressionRow(lambda state, e: arrays.diagonal_matrix(state.graph, state.graph.scalar(1), e.shape[0])),
    Ones: ExpressionRow(_constant("ones")),
    Zeros: ExpressionRow(_constant("zeros")),
    Add: ExpressionRow(_add),
    Mul: ExpressionRow(_mul, _product_needs),
    Transpose: ExpressionRow(_mul, _product_needs),
    Hadamard: ExpressionRow(hadamard, hadamard_needs),
    ElemPow: ExpressionRow(lambda state, e: _power(state, state.nodes[e.args[0]], e.exponent)),
    Pow: ExpressionRow(_pow, _pow_needs),
    Call: ExpressionRow(_call, _call_needs),
    Apply: ExpressionRow(_apply),
    Indicator: ExpressionRow(_indicator),
    Element: ExpressionRow(_element, lambda state, e: e.args[:1]),
    Index: ExpressionRow(_index),
    BoundSum: ExpressionRow(_bound_sum),
    Action: ExpressionRow(_action),
    Einstein: ExpressionRow(_einstein),
}


def inline_names(roots: Sequence[Expression]) -> tuple[list[Expression], dict[Expression, str]]:
    """Return the expressions with named sub-expressions put in place, and the user's name of each of these."""
    done: dict[Expression, Expression] = {}
    hints: dict[Expression, str] = {}
    for e in postorder(*roots):
        children = tuple(done[a] for a in e.args)
        if isinstance(e, Where):
            values = resolved(dict(zip(e.names, children[1:], strict=True)))
            for name in e.names:
                hints.setdefault(values[name], name.name)
            done[e] = substitute(children[0], values)
        else:
            done[e] = e if children == e.args else rebuild(e, children)
    return [done[r] for r in roots], hints
