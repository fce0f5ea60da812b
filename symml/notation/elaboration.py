"""From syntax to expressions: one builder a head, through the constructors of the language.

A constructor that refuses raises its own error; the caret under the smallest guilty piece is added here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sympy as sp

from symml.errors import (
    DeclarationError,
    DomainError,
    NotationError,
    NotSupportedError,
    ShapeError,
    SymmlError,
    with_caret,
)
from symml.language import operators as op
from symml.language.expressions import Einstein, Expression, Index, Indicator, Scalar, Shape, make
from symml.language.function import spellings
from symml.language.indices import index, sum_over
from symml.notation.table import SCALAR_FUNCTIONS
from symml.notation.transposes import transposed
from symml.notation.tree import Syntax

ALL = slice(None)
MOST_DIGITS = 5000
DEEPEST_SCALAR = 100
SCALAR_CALLS = {text: getattr(sp, name) for text, name, _ in SCALAR_FUNCTIONS} | {
    name: getattr(sp, name) for _, name, _ in SCALAR_FUNCTIONS
}
_CAUGHT = (ShapeError, DomainError, DeclarationError, NotSupportedError)


class Elaboration:
    """The expressions of the nodes of one text.

    Attributes
    ----------
    values : dict
        Expression of each node by place; of a position in an index an int, a slice or an `Index`.
    resolve : callable
        Expression of a name, given its node.
    size_of : callable
        Size of a bare `I` or `𝟏` by place, or of a bound index by number.
    """

    def __init__(
        self, source: str, resolve: Callable[[Syntax], Expression], size_of: Callable[[Any, Syntax], Any]
    ) -> None:
        self.source, self.resolve, self.size_of = source, resolve, size_of
        self.values: dict[int, Any] = {}
        self.depths: dict[int, int] = {}

    def run(self, nodes: Sequence[Syntax]) -> None:
        """Build the expression of each node; parts come before wholes."""
        values = self.values
        for node in nodes:
            self.measure(node)
            try:
                values[node.place] = _BUILD[node.head](self, node, [values[a.place] for a in node.args])
            except _CAUGHT as error:
                raise type(error)(with_caret(str(error), self.source, self.guilty(node, error))) from None

    def measure(self, node: Syntax) -> None:
        """Refuse scalars nested deeper than SymPy can work with in reasonable time."""
        below = [self.depths.get(a.place, 0) for a in node.args if isinstance(self.values[a.place], Scalar)]
        depth = max(below, default=0) + (node.head != "group")
        if depth > DEEPEST_SCALAR:
            raise self.fail(f"scalars nest more than {DEEPEST_SCALAR} deep here; name a part of them", node)
        self.depths[node.place] = depth

    def fail(self, message: str, node: Syntax) -> NotationError:
        """Return a NotationError at a node."""
        return NotationError(message, self.source, node.span)

    def guilty(self, node: Syntax, error: SymmlError) -> tuple[int, int]:
        """Span of the first operands that a sum or a product refuses, or of the whole node."""
        if node.head not in ("sum", "juxtaposition", "product") or len(node.args) > 200:
            return node.span
        for k in range(2, len(node.args) + 1):
            value = node.value[: k - (node.head == "product")] if node.value else None
            part = Syntax(node.head, node.args[:k], value, node.span, node.place)
            try:
                _BUILD[node.head](self, part, [self.values[a.place] for a in part.args])
            except type(error):
                first = k - 1 if node.head == "sum" else k - 2
                return node.args[first].span[0], node.args[k - 1].span[1]
        return node.span


Build = Callable[[Elaboration, Syntax, list[Any]], Any]


# -- leaves -------------------------------------------------------------------------------------------------------
def _number(state: Elaboration, node: Syntax, _: list[Any]) -> Expression:
    text = node.value
    if isinstance(text, tuple):
        return op.scalar(sp.Rational(*text))
    exponent = text.lower().partition("e")[2]
    if exponent and abs(int(exponent)) > 400:
        raise state.fail("this number is beyond 1e400", node)
    return op.scalar(sp.Integer(text) if text.lstrip("-").isdigit() else sp.Rational(text))


def _name(state: Elaboration, node: Syntax, _: list[Any]) -> Expression:
    return state.resolve(node)


def _ones(state: Elaboration, node: Syntax, args: list[Any]) -> Expression:
    if args:
        return op.call("ones", *_sizes(state, node, args))
    size = int(node.value) if node.value.isdigit() else node.value
    return op.ones(size or state.size_of(node.place, node))


def _eye(state: Elaboration, node: Syntax, args: list[Any]) -> Expression:
    if not args:
        return op.eye(node.value or state.size_of(node.place, node))
    sizes = _sizes(state, node, args)
    if len(set(sizes)) != 1:
        raise state.fail("eye takes one size: the identity is square", node)
    return op.eye(sizes[0])


def _zeros(state: Elaboration, node: Syntax, args: list[Any]) -> Expression:
    return op.zeros(*_sizes(state, node, args))


def _sizes(state: Elaboration, node: Syntax, args: list[Any]) -> list[Expression]:
    for a in args:
        if not isinstance(a, Scalar):
            raise state.fail(
                f"{a} is not a size: sizes are positive integers, dimension names and their products", node
            )
    return args


def _index(state: Elaboration, node: Syntax, _: list[Any]) -> Index:
    name, serial = node.value
    return index(name, state.size_of(("index", (name, serial)), node))


# -- sums and products --------------------------------------------------------------------------------------------
def _sum(_: Elaboration, node: Syntax, args: list[Any]) -> Expression:
    terms: list[Expression] = []
    numbers: list[sp.Expr] = []
    place = 0
    for sign, term in zip(node.value, args, strict=True):
        if isinstance(term, Scalar):
            place = place if numbers else len(terms)
            numbers.append(term.value if sign > 0 else -term.value)
        else:
            terms.append(term if sign > 0 else op.multiply_any(-1, term))
    if numbers:
        terms.insert(place, op.scalar(numbers[0] if len(numbers) == 1 else sp.Add(*numbers)))
        op.check_scalar_plus_square(terms)
    return terms[0] if len(terms) == 1 else op.add(*terms)


def _multiply(factors: Sequence[Expression]) -> Expression:
    """Matrix product with all scalars in one SymPy product."""
    numbers = [f.value for f in factors if isinstance(f, Scalar)]
    if len(numbers) < 2:
        return op.multiply_any(*factors)
    total = op.scalar(sp.Mul(*numbers))
    rest = [f for f in factors if not isinstance(f, Scalar)]
    return op.multiply_any(total, *rest) if rest else total


def _juxtaposition(state: Elaboration, node: Syntax, args: list[Any]) -> Expression:
    return _multiply([f for n, a in zip(node.args, args, strict=True) for f in _factors(state, n, a)])


def _factors(state: Elaboration, node: Syntax, value: Expression) -> list[Expression]:
    """Factors of a scalar as they are written: SymPy multiplies them at once, so that a number is not distributed."""
    if not isinstance(value, Scalar) or node.head not in ("juxtaposition", "fraction"):
        return [value]
    first, *rest = node.args
    found = [state.values[first.place]]
    for part in rest:
        below = state.values[part.place]
        found += _inverses(state, part, below) if node.head == "fraction" else _factors(state, part, below)
    return found


def _inverses(state: Elaboration, node: Syntax, value: Expression) -> list[Expression]:
    """Factors by which a division multiplies: one for each scalar factor of the denominator."""
    inner = node.args[0] if node.head == "group" else node
    flat = inner.head == "juxtaposition" or (inner.head == "product" and set(inner.value) == {"times"})
    parts = [state.values[a.place] for a in inner.args] if flat else [value]
    if not all(p.shape == () for p in parts):
        parts = [value]
    return [op.divide(1, p) for p in parts]


def _fraction(state: Elaboration, node: Syntax, args: list[Any]) -> Expression:
    """`a/b` in front of a juxtaposed factor: a scalar, or its reading is in doubt."""
    if any(a.shape != () for a in args):
        above, below = (state.source[n.span[0] : n.span[1]] for n in (node.args[0], node.args[-1]))
        raise state.fail(
            f"{above}/{below} stands beside another factor and is not a scalar: "
            f"write ({above})/({below} …) or (… {above}/{below}) …",
            node,
        )
    below_all = [f for n, a in zip(node.args[1:], args[1:], strict=True) for f in _inverses(state, n, a)]
    return _multiply([args[0], *below_all])


def _product(state: Elaboration, node: Syntax, args: list[Any]) -> Expression:
    """Factors between operators, from the left; runs of one operator are built at once."""
    run: list[Expression] = _factors(state, node.args[0], args[0])
    kind, above = "times", True
    for operator, part, value in zip(node.value, node.args[1:], args[1:], strict=True):
        if operator == "over":
            if value.shape != ():
                op.divide(_finish(kind, run), value)
            if kind != "times" or (above and not all(isinstance(f, Scalar) for f in run)):
                run = [_finish(kind, run)]
            kind, above = "times", False
            run += _inverses(state, part, value)
            continue
        if operator == "quotient":
            if kind != "hadamard":
                run, kind = [_finish(kind, run)], "hadamard"
            if value.shape == () or run[0].shape not in ((), value.shape):
                run = [op.elementwise_division(_finish(kind, run), value)]
            else:
                run.append(op.elementwise_power(value, -1))
            above = True
            continue
        if operator != kind:
            run, kind = [_finish(kind, run)], operator
        run.append(value)
        above = True
    return _finish(kind, run)


def _finish(kind: str, run: list[Expression]) -> Expression:
    if len(run) == 1:
        return run[0]
    if kind == "times":
        return _multiply(run)
    if kind == "hadamard":
        return op.elementwise_product(*run)
    found = run[0]
    for factor in run[1:]:
        found = op.call(kind, found, factor)
    return found


def _power(state: Elaboration, node: Syntax, args: list[Any]) -> Expression:
    base, exponent = args
    if exponent is None:
        return transposed(base)
    _check_digits(state, node, base, exponent)
    return op.power(base, exponent)


def _elementwise_power(state: Elaboration, node: Syntax, args: list[Any]) -> Expression:
    _check_digits(state, node, *args)
    return op.elementwise_power(*args)


def _check_digits(state: Elaboration, node: Syntax, base: Any, exponent: Any) -> None:
    if not (isinstance(exponent, Scalar) and exponent.value.is_Rational):
        return
    if isinstance(base, Scalar) and base.value.is_Rational:
        digits = max(abs(base.value.p), base.value.q).bit_length() * 0.302 * abs(exponent.value)
        if digits > MOST_DIGITS:
            raise state.fail(f"this power has more than {MOST_DIGITS} digits", node)
    elif abs(exponent.value.p) > 10**6:
        raise state.fail("this exponent is beyond a million", node)


# -- brackets and calls -------------------------------------------------------------------------------------------
def _call(state: Elaboration, node: Syntax, args: list[Any]) -> Expression:
    name = node.value
    if name == "bars":
        if len(args[0].shape) == 2:
            raise ShapeError(f"|{args[0]}| of a matrix: write abs(…) for the entries, det(…) for the determinant")
        name = "abs"
    if name == "einsum":
        return _einsum(state, node, args)
    if not args:
        raise state.fail(f"{name} takes an argument", node)
    if any(not isinstance(a, Expression) for a in args):
        raise state.fail(f"{name} takes expressions", node)
    if all(isinstance(a, Scalar) for a in args):
        for a in args:
            if a.value.is_Rational and abs(a.value) > 10_000 and name not in ("abs", "exp", "log", "sqrt", "sign"):
                raise state.fail(f"{name} of a number beyond 10000 is not worked out", node)
        record = spellings().get(name)
        if name in SCALAR_CALLS and (record is None or len(args) > record.arity[1]):
            return _scalar_call(state, node, name, args)
    return op.call(name, *args)


def _scalar_call(state: Elaboration, node: Syntax, name: str, args: list[Scalar]) -> Expression:
    try:
        return op.scalar(op.exact(SCALAR_CALLS[name](*(a.value for a in args))))
    except (TypeError, ValueError):
        raise state.fail(
            f"{name} does not take {len(args)} argument{'s' * (len(args) != 1)} of this kind", node
        ) from None


def _einsum(state: Elaboration, node: Syntax, args: list[Any]) -> Expression:
    """`einsum("ij,jk->ik", A, B)`: an index formula as it is printed."""
    pattern, factors = node.args[0].value if node.args and node.args[0].head == "string" else "", args[1:]
    left, arrow, out = pattern.replace(" ", "").partition("->")
    words = tuple(left.split(","))
    if (
        not arrow
        or len(words) != len(factors)
        or any(len(w) != len(f.shape) for w, f in zip(words, factors, strict=True))
    ):
        raise state.fail('einsum takes a pattern such as "ij,jk->ik" and one array for each of its words', node)
    sizes: dict[str, Any] = {}
    for word, factor in zip(words, factors, strict=True):
        for letter, size in zip(word, factor.shape, strict=True):
            if sizes.setdefault(letter, size) != size:
                raise ShapeError(f"the index {letter} runs over {sizes[letter]} and over {size}")
    if not set(out) <= set(sizes):
        raise state.fail("an index of the result is on no factor", node)
    return make(Einstein, tuple(factors), (words, out), tuple(sizes[letter] for letter in out))


def _indicator(state: Elaboration, node: Syntax, args: list[Any]) -> Expression:
    left, right = args
    shape: Shape = left.shape or right.shape
    if right.shape not in ((), shape) or left.shape not in ((), shape):
        raise ShapeError(f"cannot compare {op.name_of(left)} and {op.name_of(right)}: the shapes differ")
    if node.value == ">" and isinstance(right, Scalar) and right.value == 0:
        return op.call("step", left)
    return make(Indicator, (left, right), (node.value,), shape)


def _element(state: Elaboration, node: Syntax, args: list[Any]) -> Expression:
    base, *positions = args
    keys: list[Any] = []
    for part, value in zip(node.args[1:], positions, strict=True):
        if isinstance(value, Scalar) and value.value.is_Integer:
            if value.value == 0:
                raise state.fail("entries are counted from 1 in text", part)
            position = int(value.value)
            keys.append(position - 1 if position > 0 else position)
        elif value is ALL or isinstance(value, Index):
            keys.append(value)
        else:
            raise state.fail("an index is a number counted from 1, a colon, or the index of a sum", part)
    return op.element(base, tuple(keys))


def _literal(state: Elaboration, node: Syntax, args: list[Any]) -> Expression:
    if not all(isinstance(a, Scalar) for a in args):
        raise state.fail("a matrix in square brackets has scalars for entries; a comparison is written [a > b]", node)
    return op.literal(sp.Matrix(node.value, len(args) // node.value, [a.value for a in args]))


def _bound_sum(state: Elaboration, node: Syntax, args: list[Any]) -> Expression:
    name, serial = node.value
    if len(args) not in (1, 2):
        raise state.fail("a sum over an index is written sum(i, body), or sum(i, size, body)", node)
    if len(args) == 2 and not isinstance(args[0], Scalar):
        raise state.fail("the size of the index is a dimension or a number", node.args[0])
    size = op.as_dim(args[0]) if len(args) == 2 else state.size_of(("index", (name, serial)), node)
    return sum_over(index(name, size), args[-1])


def _apply(state: Elaboration, node: Syntax, args: list[Any]) -> Expression:
    if len(args) != 2 or not isinstance(args[0], Scalar):
        raise state.fail("an elementwise function is written apply(t, scalar of t, argument)", node)
    return op.apply_lambda(sp.Lambda(bound_variable(node.value[0]), args[0].value), args[1])


def bound_variable(name: str) -> sp.Symbol:
    """Return the variable of an elementwise function written in place."""
    return sp.Symbol(name, real=True)


_BUILD: Mapping[str, Build] = {
    "number": _number, "name": _name, "ones": _ones, "eye": _eye, "zeros": _zeros, "index": _index,
    "variable": lambda s, n, a: op.scalar(bound_variable(n.value[0])),
    "string": lambda s, n, a: n.value, "all": lambda s, n, a: ALL, "group": lambda s, n, a: a[0],
    "neg": lambda s, n, a: op.multiply_any(-1, a[0]),
    "sum": _sum, "juxtaposition": _juxtaposition, "fraction": _fraction, "product": _product, "power": _power,
    "elementwise_power": _elementwise_power, "transpose": lambda s, n, a: transposed(a[0]), "call": _call,
    "indicator": _indicator, "element": _element, "literal": _literal, "bound_sum": _bound_sum, "apply": _apply,
}  # fmt: skip
