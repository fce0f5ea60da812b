"""NumPy code of graph operations, one row an operation.

A row gets the node, the code of its operands and the writer (for sizes and names) and returns code with its binding.
Another back end is another table of this kind, beside another table of functions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import sympy as sp

from symml.codegen.graph import Node
from symml.codegen.numpy_rows import CODES
from symml.codegen.scalars import ATOM, COMPARISON, POWER, PRODUCT, SUM, UNARY, number, scalar_code
from symml.language.expressions import Shape


@dataclass(frozen=True)
class Code:
    """A Python expression and how tightly its outermost operation binds."""

    text: str
    binding: int = ATOM

    def at(self, binding: int) -> str:
        """Return the text, in brackets if it binds less tightly than asked."""
        return self.text if self.binding >= binding else f"({self.text})"


class Sizes(Protocol):
    """What rows may ask of the writer."""

    def shape(self, shape: Shape) -> str:
        """Return a shape as the argument of np.ones."""

    def dim(self, dim: object) -> str:
        """Return a size."""


Operands = Sequence[Code]
Row = Callable[[Node, Operands, Sizes], Code]


def _scalar(node: Node, a: Operands, sizes: Sizes) -> Code:
    return Code(*scalar_code(node.attrs[0], {s: c.at(ATOM) for s, c in zip(node.attrs[1], a, strict=True)}))


def _scale(node: Node, a: Operands, sizes: Sizes) -> Code:
    c = node.args[0]
    if c.op == "pow" and a[0].text.startswith("1 / "):
        return Code(f"{a[1].at(PRODUCT)} / {a[0].text.removeprefix('1 / ')}", PRODUCT)
    value = c.attrs[0] if c.op == "scalar" else None
    if value == -1:
        return Code(
            f"-{a[1].at(POWER if a[1].binding != PRODUCT else PRODUCT)}", UNARY if a[1].binding != PRODUCT else PRODUCT
        )
    if value is not None and value.is_Rational and abs(value.p) == 1 and "/" in number(value):
        sign = "-" if value < 0 else ""
        return Code(f"{sign}{a[1].at(PRODUCT)} / {int(value.q)}", PRODUCT)
    if value is not None and value.is_Pow and value.exp == -1 and value.base.is_Symbol and a[0].text.startswith("1/"):
        return Code(f"{a[1].at(PRODUCT)} / {a[0].text.removeprefix('1/')}", PRODUCT)
    return Code(f"{a[0].at(PRODUCT)} * {a[1].at(UNARY)}", PRODUCT)


def _add(node: Node, a: Operands, sizes: Sizes) -> Code:
    text = ""
    for sign, code in zip(node.attrs[0], a, strict=True):
        if not text:
            text = code.at(SUM) if sign > 0 else f"-{code.at(PRODUCT)}"
        elif sign > 0 and code.binding == SUM and not code.text.startswith("-"):
            text += f" + {code.text}"
        else:
            text += f" {'+' if sign > 0 else '-'} {code.at(PRODUCT)}"
    return Code(text, SUM)


def _mul(node: Node, a: Operands, sizes: Sizes) -> Code:
    text = ""
    for power, code in zip(node.attrs[0], a, strict=True):
        if not text:
            text = code.at(PRODUCT) if power > 0 else f"1 / {code.at(UNARY)}"
        else:
            text += f" {'*' if power > 0 else '/'} {code.at(UNARY)}"
    return Code(text, PRODUCT)


def _pow(node: Node, a: Operands, sizes: Sizes) -> Code:
    (x,) = a
    q = node.attrs[0]
    if q == -1:
        return Code(f"1 / {x.at(UNARY)}", PRODUCT)
    if q == sp.S.Half:
        return Code(f"np.sqrt({x.text})")
    if q == -sp.S.Half:
        return Code(f"1 / np.sqrt({x.text})", PRODUCT)
    if q == 3 and x.text.isidentifier():
        return Code(f"{x.text} * {x.text} * {x.text}", PRODUCT)
    if q == 4:
        return Code(f"np.square({x.at(ATOM)}**2)")
    exponent = number(q) if q.is_Rational else scalar_code(q, {})[0]
    return Code(f"{x.at(ATOM)}**{exponent if exponent.isdigit() else f'({exponent})'}", POWER)


def _call(node: Node, a: Operands, sizes: Sizes) -> Code:
    return Code(f"{CODES[node.attrs[0]]}({', '.join(c.text for c in a)})")


def _compare(node: Node, a: Operands, sizes: Sizes) -> Code:
    test = f"{a[0].at(SUM)} {node.attrs[0]} {a[1].at(SUM)}"
    return Code(f"({test}).astype(float)") if node.shape else Code(f"float({test})")


def _lambda(node: Node, a: Operands, sizes: Sizes) -> Code:
    body, variable, others = node.attrs
    names = {variable: a[0].at(ATOM)} | {s: c.at(ATOM) for s, c in zip(others, a[1:], strict=True)}
    text, binding = scalar_code(body, names)
    if variable not in body.free_symbols and node.shape:
        return Code(f"np.full_like({a[0].text}, {text})")
    return Code(text, binding)


def _reduce(node: Node, a: Operands, sizes: Sizes) -> Code:
    kind, axis = node.attrs
    return Code(f"{a[0].at(ATOM)}.{kind}({'' if axis is None else axis})")


def _dot(node: Node, a: Operands, sizes: Sizes) -> Code:
    x, y = node.args
    if x.ndim == 1:
        return Code(f"{a[0].at(PRODUCT)} @ {a[1].at(UNARY)}", PRODUCT)
    if (x.op == "t") != (y.op == "t"):
        first, second = (c.text.removesuffix(".T") if n.op == "t" else c.text for n, c in ((x, a[0]), (y, a[1])))
        return Code(f'np.einsum("ij,ji->", {first}, {second})')
    return Code(f"np.vdot({a[0].text}, {a[1].text})")


def _matmul(node: Node, a: Operands, sizes: Sizes) -> Code:
    return Code(f"{a[0].at(PRODUCT)} @ {a[1].at(UNARY)}", PRODUCT)


def _sums_of_product(node: Node, a: Operands, sizes: Sizes) -> Code:
    word = "ij,ij->i" if node.attrs[0] == 1 else "ij,ij->j"
    return Code(f'np.einsum("{word}", {a[0].text}, {a[1].text})')


def _diag(node: Node, a: Operands, sizes: Sizes) -> Code:
    if node.args[0].shape:
        return Code(f"np.diag({a[0].text})")
    eye = f"np.eye({sizes.dim(node.attrs[0])})"
    return Code(eye) if a[0].text == "1" else Code(f"{a[0].at(PRODUCT)} * {eye}", PRODUCT)


def _solve(node: Node, a: Operands, sizes: Sizes) -> Code:
    factor, transposed = node.args[0], node.attrs[0]
    if factor.op == "lu" and not a[0].text.isidentifier():
        matrix = Code(a[0].text.removeprefix("runtime.lu(").removesuffix(")"), SUM)
        return Code(f"np.linalg.solve({matrix.at(ATOM) + '.T' if transposed else matrix.text}, {a[1].text})")
    more = ", transposed=True" if transposed and factor.op == "lu" else ""
    return Code(f"{a[0].text}.solve({a[1].text}{more})")


def _of_factor(plain: str, method: str) -> Row:
    def row(node: Node, a: Operands, sizes: Sizes) -> Code:
        if node.args[0].op == "lu" and not a[0].text.isidentifier():
            return Code(plain.format(a[0].text.removeprefix("runtime.lu(").removesuffix(")")))
        return Code(f"{a[0].text}.{method}()")

    return row


def _element(node: Node, a: Operands, sizes: Sizes) -> Code:
    indices = iter(c.text for c in a[1:])
    keys = [":" if p is None else next(indices) if p == "index" else str(p) for p in node.attrs[0]]
    while len(keys) > 1 and keys[-1] == ":":
        keys.pop()
    return Code(f"{a[0].at(ATOM)}[{', '.join(keys)}]")


def _literal(node: Node, a: Operands, sizes: Sizes) -> Code:
    value = node.attrs[0]
    entries = iter([c.text for c in a] or [_constant(v) for v in value])
    if node.ndim == 1:
        return Code(f"np.array([{', '.join(entries)}], float)")
    rows = ["[" + ", ".join(next(entries) for _ in range(value.shape[1])) + "]" for _ in range(value.shape[0])]
    return Code(f"np.array([{', '.join(rows)}], float)")


def _einsum(node: Node, a: Operands, sizes: Sizes) -> Code:
    formula = node.attrs[0]
    words, target = formula.split("->")
    words = words.split(",")
    shared = set(words[0]).intersection(*words) - set(target)
    operands = ", ".join(c.text for c in a)
    if len(words) > 2 and shared and all(len(set(word)) == len(word) for word in words):
        return Code(f'runtime.index_sum("{formula}", {operands})')
    if len(words) == 1:
        turned = len(set(words[0])) == len(words[0]) and words[0][::-1] == target
        return Code(f"{a[0].at(ATOM)}.T.copy()" if turned else f'np.einsum("{formula}", {operands}).copy()')
    return Code(f'np.einsum("{formula}", {operands}, optimize=True)')


def _constant(value: sp.Expr) -> str:
    return scalar_code(value, {})[0]


def _function(node: Node, a: Operands, sizes: Sizes) -> Code:
    name, flat = node.attrs
    text = f'runtime.call("{name}", {", ".join(c.text for c in a)})'
    return Code(f"np.ravel({text})" if flat else text)


def _spread(column: bool) -> Row:
    def row(node: Node, a: Operands, sizes: Sizes) -> Code:
        return Code(
            f"np.broadcast_to({a[0].at(ATOM) + '[:, None]' if column else a[0].text}, {sizes.shape(node.shape)})"
        )

    return row


NUMPY_OPS: dict[str, Row] = {
    "scalar": _scalar,
    "scale": _scale,
    "add": _add,
    "mul": _mul,
    "pow": _pow,
    "call": _call,
    "compare": _compare,
    "lambda": _lambda,
    "where_nonnegative": lambda node, a, sizes: Code(f"np.where({a[0].at(SUM)} >= 0, 1.0, {a[1].text})"),
    "reduce": _reduce,
    "dot": _dot,
    "mm": _matmul,
    "outer": lambda node, a, sizes: Code(f"np.outer({a[0].text}, {a[1].text})"),
    "sums_of_product": _sums_of_product,
    "weighted_gram": lambda node, a, sizes: Code(f"runtime.weighted_gram({a[0].text}, {a[1].text})"),
    "t": lambda node, a, sizes: Code(f"{a[0].at(ATOM)}.T"),
    "column": lambda node, a, sizes: Code(f"{a[0].at(ATOM)}[:, None]"),
    "as_row": lambda node, a, sizes: Code(f"{a[0].at(ATOM)}[None, :]"),
    "rows": _spread(False),
    "cols": _spread(True),
    "ones": lambda node, a, sizes: Code(f"np.ones({sizes.shape(node.shape)})"),
    "zeros": lambda node, a, sizes: Code(f"np.zeros({sizes.shape(node.shape)})"),
    "diag": _diag,
    "diagonal": lambda node, a, sizes: Code(f"{a[0].at(ATOM)}.diagonal()"),
    "lu": lambda node, a, sizes: Code(f"runtime.lu({a[0].text})"),
    "cholesky": lambda node, a, sizes: Code(f"runtime.cholesky({a[0].text})"),
    "solve": _solve,
    "inverse": _of_factor("np.linalg.inv({})", "inverse"),
    "logdet": _of_factor("np.linalg.slogdet({})[1]", "logdet"),
    "log_det": lambda node, a, sizes: Code(f"runtime.log_det({a[0].text})"),
    "matrix_power": lambda node, a, sizes: Code(f"np.linalg.matrix_power({a[0].text}, {node.attrs[0]})"),
    "element": _element,
    "vec": lambda node, a, sizes: Code(f'{a[0].at(ATOM)}.ravel(order="F")'),
    "einsum": _einsum,
    "embed": lambda node, a, sizes: Code(f'runtime.embed("{node.attrs[0]}", {a[0].text}, {sizes.shape(node.shape)})'),
    "literal": _literal,
    "function": _function,
}
assert COMPARISON < SUM
