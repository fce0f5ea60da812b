"""NumPy code of functions, one row a function: the name of a ufunc, or how it is put together from other operations.

A function without a row is called through its record, so every function has code. No loops over graphs here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sympy as sp

from symml.codegen import algebra, arrays
from symml.codegen.graph import Graph, Node
from symml.language.expressions import Shape


@dataclass(frozen=True)
class FunctionRow:
    """Code of one function.

    Attributes
    ----------
    name : str
        Name of the function record.
    code : str
        A NumPy or SciPy ufunc, called on arrays; it takes ``out=``.
    expand : callable
        ``(graph, shape, *arguments)`` to a node; used instead of `code`.
    any_axes : bool
        Whether a row given as a vector means the same as a row.
    factorised : bool
        Whether `expand` takes the way to factorise its matrix as last argument.
    """

    name: str
    code: str = ""
    expand: Callable[..., Node] | None = None
    any_axes: bool = True
    factorised: bool = False


def _call(g: Graph, name: str, shape: Shape, *args: Node) -> Node:
    return arrays.elementwise(g, "call", args, (name,), shape)


def _decay(g: Graph, shape: Shape, z: Node) -> Node:
    """exp(-|z|), which never overflows; softplus, sigmoid and its derivative share it."""
    return _call(g, "exp", shape, arrays.scale(g, g.scalar(-1), _call(g, "abs", shape, z)))


def _softplus(g: Graph, shape: Shape, z: Node) -> Node:
    top = _call(g, "maximum", shape, z, g.scalar(0))
    return arrays.add(g, [top, _call(g, "log1p", shape, _decay(g, shape, z))], shape)


def _one_plus(g: Graph, shape: Shape, e: Node) -> Node:
    return arrays.elementwise(g, "add", (g.scalar(1), e), ((1, 1),), shape)


def _sigmoid(g: Graph, shape: Shape, z: Node) -> Node:
    e = _decay(g, shape, z)
    top = arrays.elementwise(g, "where_nonnegative", (z, e), (), shape)
    return arrays.multiply(g, [(top, 1), (_one_plus(g, shape, e), -1)], shape)


def logistic_variance(g: Graph, shape: Shape, z: Node) -> Node:
    """Return σ(z) (1 − σ(z)) as e / (1 + e)² with e = exp(-|z|)."""
    e = _decay(g, shape, z)
    square = arrays.power(g, _one_plus(g, shape, e), sp.Integer(2))
    return arrays.multiply(g, [(e, 1), (square, -1)], shape)


def _shifted(g: Graph, z: Node) -> tuple[Node, Node, Node]:
    """Largest entry of each row, exp of the rest, and its sums."""
    lead = z.shape[:-1]
    axis = None if z.ndim == 1 else 1
    top = g.make("reduce", (z,), ("max", axis), lead)
    spread = top if z.ndim == 1 else g.make("cols", (top,), (), z.shape)
    difference = arrays.elementwise(g, "add", (z, spread), ((1, -1),), z.shape)
    e = _call(g, "exp", z.shape, difference)
    sums = algebra.total(g, e) if z.ndim == 1 else algebra.sums(g, e, 1)
    return top, e, sums


def _softmax(g: Graph, shape: Shape, z: Node) -> Node:
    _, e, sums = _shifted(g, z)
    below = sums if z.ndim == 1 else g.make("cols", (sums,), (), z.shape)
    return arrays.multiply(g, [(e, 1), (below, -1)], shape)


def _logsumexp(g: Graph, shape: Shape, z: Node) -> Node:
    top, _, sums = _shifted(g, z)
    return arrays.add(g, [top, _call(g, "log", shape, sums)], shape)


def _norm(g: Graph, shape: Shape, x: Node) -> Node:
    return _call(g, "sqrt", (), algebra.dot(g, x, x))


def _mean(g: Graph, shape: Shape, x: Node) -> Node:
    return arrays.scale(g, arrays.reciprocal(g, arrays.size(g, x.shape)), algebra.total(g, x))


def _diag(g: Graph, shape: Shape, x: Node) -> Node:
    return arrays.diagonal_matrix(g, x, shape[0]) if x.ndim == 1 else arrays.diagonal(g, x)


def _logdet(g: Graph, shape: Shape, a: Node, method: str) -> Node:
    if a.op == "diag":
        return algebra.total(g, _call(g, "log", a.shape[:1], _call(g, "abs", a.shape[:1], arrays.diagonal(g, a))))
    return g.make("logdet", (algebra.factorised(g, a, method),), (), ())


def _log(g: Graph, shape: Shape, x: Node) -> Node:
    """Return log(x); of a softmax, a sigmoid, a sum of exponentials or a determinant without over- or underflow."""
    for rule in (_log_quotient, _log_sum, _log_one_plus, _log_det):
        found = rule(g, shape, x)
        if found is not None:
            return found
    return _call(g, "log", shape, x)


def _log_quotient(g: Graph, shape: Shape, x: Node) -> Node | None:
    if x.op != "mul" or x.attrs[0] != (1, -1):
        return None
    above, below = x.args
    if above.op == "where_nonnegative":
        return _log_sigmoid(g, shape, above.args[0], g.scalar(1))
    if above.op != "call" or above.attrs[0] != "exp":
        return None
    if below.op == "column":
        below = g.make("cols", below.args, (), shape)
    logarithm = arrays.elementwise(g, "call", (below,), ("log",), below.shape)
    return arrays.elementwise(g, "add", (above.args[0], logarithm), ((1, -1),), shape)


def _log_sigmoid(g: Graph, shape: Shape, z: Node, sign: Node) -> Node:
    lowest = _call(g, "minimum", shape, arrays.scale(g, sign, z), g.scalar(0))
    rest = _call(g, "log1p", shape, _decay(g, shape, z))
    return arrays.elementwise(g, "add", (lowest, rest), ((1, -1),), shape)


def _log_sum(g: Graph, shape: Shape, x: Node) -> Node | None:
    if x.op != "reduce" or x.attrs[0] != "sum" or x.attrs[1] == 0:
        return None
    inner = x.args[0]
    if inner.op != "call" or inner.attrs[0] != "exp" or inner.ndim != (2 if x.attrs[1] == 1 else 1):
        return None
    return _logsumexp(g, shape, inner.args[0])


def _log_one_plus(g: Graph, shape: Shape, x: Node) -> Node | None:
    if x.op != "add" or len(x.args) != 2 or not any(a.op == "scalar" and a.attrs[0] == 1 for a in x.args):
        return None
    k = 1 if x.args[0].op == "scalar" and x.args[0].attrs[0] == 1 else 0
    rest, sign = x.args[k], x.attrs[0][k]
    if x.attrs[0][1 - k] < 0:
        return None
    if sign > 0 and rest.op == "call" and rest.attrs[0] == "exp":
        return _softplus(g, shape, rest.args[0])
    if sign < 0 and rest.op == "mul" and rest.args[0].op == "where_nonnegative":
        return _log_sigmoid(g, shape, rest.args[0].args[0], g.scalar(-1))
    return _call(g, "log1p", shape, rest if sign > 0 else arrays.scale(g, g.scalar(-1), rest))


def _log_det(g: Graph, shape: Shape, x: Node) -> Node | None:
    return g.make("log_det", x.args, (), ()) if x.op == "function" and x.attrs[0] == "det" else None


def _extreme(name: str) -> Callable[..., Node]:
    def expand(g: Graph, shape: Shape, x: Node, y: Node | None = None) -> Node:
        if y is None:
            return g.make("reduce", (x,), (name, None), ())
        return _call(g, f"{name}imum", shape, x, y)

    return expand


def _vec(g: Graph, shape: Shape, x: Node) -> Node:
    return g.make("vec", (x,), (), shape)


UFUNCS = (
    "exp", "log", "sqrt", "abs", "sign", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arctan", "log1p", "maximum",
    "minimum", "power",
)  # fmt: skip
ROWS = (
    *(FunctionRow(name, code=f"np.{name}") for name in UFUNCS),
    FunctionRow("log", expand=_log),
    FunctionRow("loggamma", code="special.gammaln"),
    FunctionRow("digamma", code="special.digamma"),
    FunctionRow("normcdf", code="special.ndtr"),
    FunctionRow("erf", code="special.erf"),
    FunctionRow("relu", expand=lambda g, shape, x: _call(g, "maximum", shape, x, g.scalar(0))),
    FunctionRow("step", expand=lambda g, shape, x: arrays.elementwise(g, "compare", (x, g.scalar(0)), (">",), shape)),
    FunctionRow("softplus", expand=_softplus),
    FunctionRow("sigmoid", expand=_sigmoid),
    FunctionRow("softmax", expand=_softmax),
    FunctionRow("logsumexp", expand=_logsumexp, any_axes=False),
    FunctionRow("sum", expand=lambda g, shape, x: algebra.total(g, x)),
    FunctionRow("mean", expand=_mean),
    FunctionRow("norm", expand=_norm),
    FunctionRow("norm1", expand=lambda g, shape, x: algebra.total(g, _call(g, "abs", x.shape, x))),
    FunctionRow("dot", expand=lambda g, shape, x, y: algebra.dot(g, x, y)),
    FunctionRow("rowsum", expand=lambda g, shape, x: algebra.sums(g, x, 1), any_axes=False),
    FunctionRow("colsum", expand=lambda g, shape, x: algebra.sums(g, x, 0), any_axes=False),
    FunctionRow("diag", expand=_diag),
    FunctionRow("max", expand=_extreme("max")),
    FunctionRow("min", expand=_extreme("min")),
    FunctionRow("vec", expand=_vec),
    FunctionRow("logdet", expand=_logdet, factorised=True),
)
NUMPY_ROWS = {row.name: row for row in ROWS}
CODES = {row.name: row.code for row in ROWS if row.code}
