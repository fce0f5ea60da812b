"""Constructors of graph nodes: scaling, views, arrays of rank one, elementwise operations.

Scaling is pulled outwards, transposes are views, and nothing of rank one or diagonal is written out as a full matrix
where an elementwise operation can broadcast it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import sympy as sp

from symml.codegen.graph import Graph, Node
from symml.language.expressions import Shape

BROADCAST = ("rows", "cols")


# -- scalars and scaling ------------------------------------------------------------------------------------------
def size(g: Graph, shape: Shape) -> Node:
    """Return the number of entries of an array of this shape."""
    return g.scalar(prod(shape, start=sp.S.One))


def value_of(x: Node) -> sp.Expr | None:
    """Return the SymPy expression of a scalar node, None of any other."""
    return x.attrs[0] if x.op == "scalar" else None


def scale(g: Graph, c: Node, x: Node) -> Node:
    """Return c * x for a scalar c."""
    if x.op == "scale":
        return scale(g, scale(g, c, x.args[0]), x.args[1])
    if value_of(c) == 1:
        return x
    if value_of(x) == 1:
        return c
    if c.op in ("scalar", "argument") and x.op in ("scalar", "argument") and x.shape == ():
        return _merged(g, c, x)
    if x.shape == () and c.op not in ("scalar", "argument") and x.op in ("scalar", "argument"):
        c, x = x, c
    if x.op == "diag":
        return diagonal_matrix(g, scale(g, c, x.args[0]), x.shape[0])
    if x.op in BROADCAST:
        return g.make(x.op, (scale(g, c, x.args[0]),), x.attrs, x.shape)
    return g.make("scale", (c, x), (), x.shape)


def _merged(g: Graph, a: Node, b: Node) -> Node:
    operands: dict[sp.Symbol, Node] = {}
    parts: list[sp.Expr] = []
    for node in (a, b):
        value, symbols = node.attrs if node.op == "scalar" else (sp.Symbol(node.attrs[0]), ())
        operands.update(zip(symbols, node.args, strict=True))
        parts.append(value)
    return g.scalar(parts[0] * parts[1], operands)


def split(x: Node) -> tuple[Node | None, Node]:
    """Return the scalar in front of a node, None when there is none, and the rest."""
    return (x.args[0], x.args[1]) if x.op == "scale" else (None, x)


def unscaled(g: Graph, build: Callable[..., Node], *operands: Node) -> Node:
    """Return a multilinear operation of the unscaled operands, scaled afterwards."""
    parts = [split(x) for x in operands]
    out = build(g, *(rest for _, rest in parts))
    for c, _ in parts:
        out = out if c is None else scale(g, c, out)
    return out


def sign_of(g: Graph, x: Node) -> tuple[int, Node]:
    """Return the sign of a term and the term without it."""
    value = value_of(x) if x.shape == () else None
    if value is not None and value.could_extract_minus_sign():
        return -1, g.scalar(-value, dict(zip(x.attrs[1], x.args, strict=True)))
    if x.op == "scale":
        sign, c = sign_of(g, x.args[0])
        return (sign, scale(g, c, x.args[1])) if sign < 0 else (1, x)
    return 1, x


# -- views and rank one -------------------------------------------------------------------------------------------
def transposed(g: Graph, x: Node) -> Node:
    """Return the transpose, a view."""
    if x.ndim < 2 or x.op in ("diag", "weighted_gram"):
        return x
    if x.op == "t":
        return x.args[0]
    if x.op == "scale":
        return scale(g, x.args[0], transposed(g, x.args[1]))
    if x.op in BROADCAST:
        return g.make("cols" if x.op == "rows" else "rows", x.args, (), x.shape[::-1])
    if x.op == "outer":
        return outer(g, x.args[1], x.args[0])
    if x.op == "structured":
        return g.make("structured", tuple(transposed(g, t) for t in x.args), x.attrs, x.shape)
    if x.op == "mm" and x.args[0] is transposed(g, x.args[1]):
        return x
    if x.op == "inverse" and x.attrs[0] == "cholesky":
        return x
    if x.op in ("ones", "zeros"):
        return g.make(x.op, (), (), x.shape[::-1])
    return g.make("t", (x,), (), x.shape[::-1])


def outer(g: Graph, u: Node, v: Node) -> Node:
    """Return u v' for vectors; with ones it is a repeated row or column."""
    if "scale" in (u.op, v.op):
        return unscaled(g, outer, u, v)
    shape = (u.shape[0], v.shape[0])
    if u.op == v.op == "ones":
        return g.make("ones", (), (), shape)
    if u.op == "ones":
        return g.make("rows", (v,), (), shape)
    if v.op == "ones":
        return g.make("cols", (u,), (), shape)
    return g.make("outer", (u, v), (), shape)


def diagonal_matrix(g: Graph, v: Node, n: object) -> Node:
    """Return diag(v); a scalar v is v times the identity."""
    return g.make("diag", (v,), (n,), (n, n))


def column(g: Graph, v: Node) -> Node:
    """Return v[:, None]."""
    return g.make("column", (v,), (), (v.shape[0], 1))


# -- elementwise --------------------------------------------------------------------------------------------------
def elementwise(g: Graph, op: str, args: Sequence[Node], attrs: tuple[object, ...], shape: Shape) -> Node:
    """Return an elementwise operation; repeated rows, repeated columns and transposes are pulled outwards."""
    if len(shape) == 2:
        arrays = [a for a in args if a.shape != ()]
        for kind in BROADCAST:
            if arrays and all(a.op == kind for a in arrays):
                inner = [a.args[0] if a.op == kind else a for a in args]
                axis = 1 if kind == "rows" else 0
                return g.make(kind, (elementwise(g, op, inner, attrs, (shape[axis],)),), (), shape)
        mirrored = _mirrored(g, op, args, attrs)
        if mirrored is not None:
            return transposed(g, g.make(op, mirrored, attrs, shape[::-1]))
        args = _spread(g, args)
    return g.make(op, tuple(args), attrs, shape)


def _spread(g: Graph, args: Sequence[Node]) -> tuple[Node, ...]:
    """Operands that NumPy broadcasts by itself: a row as a vector, a column as v[:, None]."""
    full = any(a.ndim == 2 and a.op not in BROADCAST for a in args) or {a.op for a in args} >= set(BROADCAST)
    if not full:
        return tuple(args)
    return tuple(a.args[0] if a.op == "rows" else column(g, a.args[0]) if a.op == "cols" else a for a in args)


def _mirror(g: Graph, a: Node) -> Node:
    """The transpose of an operand; a vector stands for a row that NumPy repeats."""
    if a.ndim == 1:
        return column(g, a)
    return a.args[0] if a.op == "column" else transposed(g, a)


def _mirrored(g: Graph, op: str, args: Sequence[Node], attrs: tuple[object, ...]) -> tuple[Node, ...] | None:
    """Operands of the transposed operation, when that one exists or every operand is better read that way."""
    full = [a for a in args if a.ndim == 2 and a.op not in BROADCAST]
    flipped = _spread(g, [_mirror(g, a) for a in args])
    shape = next(a.shape for a in full) if full else None
    if shape and g.find(op, flipped, attrs, shape[::-1]) and not g.find(op, _spread(g, args), attrs, shape):
        return flipped
    if any(a.op == "t" for a in full) and all(a.op in ("t", "mm") for a in full):
        return _spread(g, [_turned(g, a) for a in args])
    return None


def add(g: Graph, terms: Sequence[Node], shape: Shape) -> Node:
    """Return the sum; one that is diagonal plus rank one stays in parts."""
    if len(terms) > 1 and len(shape) == 2 and shape[0] == shape[1] and _structured(terms):
        signed = [sign_of(g, t) for t in terms]
        return g.make("structured", tuple(t for _, t in signed), (tuple(s for s, _ in signed),), shape)
    return dense_sum(g, terms, shape)


def _structured(terms: Sequence[Node]) -> bool:
    """Whether a sum is diagonal plus rank one, which products need never write out."""
    ops = {split(t)[1].op for t in terms}
    return "diag" in ops and len(ops) > 1 and ops <= {"diag", "outer", "rows", "cols", "ones"}


def parts(g: Graph, x: Node, build: Callable[[Graph, Node], Node]) -> list[Node]:
    """Return a linear operation of each term of a sum, with its sign."""
    built = [build(g, t) for t in x.args]
    return [b if s > 0 else scale(g, g.scalar(-1), b) for b, s in zip(built, x.attrs[0], strict=True)]


def dense_sum(g: Graph, terms: Sequence[Node], shape: Shape) -> Node:
    """Return the sum as an array; diagonal terms are added to the diagonal of the rest."""
    diagonal = [t for t in terms if t.op == "diag"]
    dense = [t for t in terms if t.op not in ("diag", "zeros") and value_of(t) != 0]
    if diagonal:
        n = shape[0]
        values = [t.args[0] for t in diagonal]
        inner: Shape = (n,) if any(v.shape for v in values) else ()
        entries = values[0] if len(values) == 1 else add(g, values, inner)
        if not dense:
            return diagonal_matrix(g, entries, n)
        if any(t.shape for t in dense):
            return g.make("add_diagonal", (add(g, dense, shape), entries), (), shape)
        dense = [*dense, diagonal_matrix(g, entries, n)]
    if len(dense) == 1 and dense[0].shape == shape:
        return dense[0]
    if not dense:
        return g.make("zeros", (), (), shape) if shape else g.scalar(0)
    signed = [sign_of(g, t) for t in dense]
    if signed[0][0] < 0 and any(s > 0 for s, _ in signed):
        first = next(k for k, (s, _) in enumerate(signed) if s > 0)
        signed = [signed[first], *signed[:first], *signed[first + 1 :]]
    return elementwise(g, "add", [t for _, t in signed], (tuple(s for s, _ in signed),), shape)


def multiply(g: Graph, factors: Sequence[tuple[Node, int]], shape: Shape) -> Node:
    """Return the elementwise product; each factor comes with 1 (times) or -1 (divided by)."""
    coefficients: list[Node] = []
    rest: list[tuple[Node, int]] = []
    for factor, power in factors:
        c, x = split(factor)
        if c is not None:
            coefficients.append(c if power > 0 else reciprocal(g, c))
        if x.op == "outer":
            rest.extend(
                [(g.make("cols", (x.args[0],), (), shape), power), (g.make("rows", (x.args[1],), (), shape), power)]
            )
        elif x.op != "ones":
            rest.append((x, power))
    masks = [x for x, power in rest if x.op == "diag" and power > 0]
    if masks:
        others = [(diagonal(g, x), power) for x, power in rest if x is not masks[0]]
        out = diagonal_matrix(g, multiply(g, [(masks[0].args[0], 1), *others], shape[:1]), shape[0])
    elif not rest:
        out = g.make("ones", (), (), shape)
    elif len(rest) == 1 and rest[0][1] > 0:
        out = rest[0][0]
    else:
        out = elementwise(g, "mul", [x for x, _ in rest], (tuple(p for _, p in rest),), shape)
    for c in coefficients:
        out = scale(g, c, out)
    return out


def reciprocal(g: Graph, x: Node) -> Node:
    """Return 1 / x."""
    value = value_of(x)
    if value is not None:
        return g.scalar(1 / value, dict(zip(x.attrs[1], x.args, strict=True)))
    if x.op == "argument":
        symbol = sp.Symbol(x.attrs[0])
        return g.scalar(1 / symbol, {symbol: x})
    return power(g, x, sp.S.NegativeOne)


def power(g: Graph, x: Node, exponent: sp.Expr) -> Node:
    """Return the elementwise power with a scalar exponent."""
    if x.op == "scale" and exponent.is_Integer:
        return scale(g, power(g, x.args[0], exponent), power(g, x.args[1], exponent))
    if x.op == "scalar" and exponent.is_Integer:
        return g.scalar(x.attrs[0] ** exponent, dict(zip(x.attrs[1], x.args, strict=True)))
    if exponent.is_number:
        return elementwise(g, "pow", (x,), (exponent,), x.shape)
    return elementwise(g, "call", (x, g.scalar(exponent)), ("power",), x.shape)


def diagonal(g: Graph, x: Node) -> Node:
    """Return the diagonal of a square matrix as a vector."""
    if x.op == "diag":
        return x.args[0] if x.args[0].shape else scale(g, x.args[0], g.make("ones", (), (), x.shape[:1]))
    if x.op == "scale":
        return scale(g, x.args[0], diagonal(g, x.args[1]))
    if x.op == "t":
        return diagonal(g, x.args[0])
    if x.op == "outer":
        return multiply(g, [(x.args[0], 1), (x.args[1], 1)], x.shape[:1])
    if x.op == "structured":
        return add(g, parts(g, x, diagonal), x.shape[:1])
    if x.op in BROADCAST:
        return x.args[0]
    if x.op == "mm":
        a, b = x.args
        return g.make("sums_of_product", (a, transposed(g, b)), (1,), x.shape[:1])
    return g.make("diagonal", (x,), (), x.shape[:1])


def _turned(g: Graph, a: Node) -> Node:
    if a.op != "mm":
        return _mirror(g, a)
    return g.make("mm", tuple(transposed(g, b) for b in a.args[::-1]), (), a.shape[::-1])
