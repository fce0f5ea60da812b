"""Writing expressions: one walk from the leaves up, the same for every notation.

A node becomes a piece of text with its precedence; brackets stand only where the text would be read otherwise. What is
particular to Unicode or LaTeX is in the `Style`.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import sympy as sp

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
    make,
    postorder,
)
from symml.notation.bare import needs_size
from symml.notation.products import is_inverse, product
from symml.notation.scalars import quotient, scalar_piece
from symml.notation.style import Piece, Style, shown, tight, total
from symml.notation.table import ATOM, JUXTAPOSITION, POWER, PRODUCT, SUM

LONGEST = 20_000
HALF = sp.S.Half
BRACKETS = ("norm", "norm1", "normnuc", "abs")


class Writer:
    """One expression being written.

    Attributes
    ----------
    pieces : dict
        The piece of each node.
    sized : set
        Nodes printed with their size.
    names : frozenset
        Names in use, which a function or constant of the same spelling must avoid.
    clauses : list
        Definitions of `Where` nodes below the root, to be printed at the end.
    """

    def __init__(self, style: Style, root: Expression) -> None:
        if isinstance(root, Action):  # the second pair, for directions without structure, is not printed
            root = make(Action, root.args[:2], root.fields, root.shape)
        self.order = postorder(root)
        self.names = frozenset(_names(self.order))
        self.style = replace(style, operators=style.operators | {"e": ""}) if "e" in self.names else style
        self.sized = needs_size(self.order)
        self.pieces: dict[Expression, Piece] = {}
        self.clauses: list[str] = []

    def text(self) -> str:
        """Return the whole text."""
        pieces = self.pieces
        named = _named(self.order, self.names)
        for node in self.order:
            pieces[node] = _WRITE[type(node)](self, node)
            if node in named:
                name = self.style.name(named[node])
                self.clauses.append(f"{name} = {shown(self.style, pieces[node])}")
                pieces[node] = Piece(name, ATOM)
        body = shown(self.style, pieces[self.order[-1]])
        signs = self.style.operators
        return body + (signs["where"] + signs["and"].join(self.clauses) if self.clauses else "")

    def of(self, node: Expression) -> Piece:
        """Return the piece of a child."""
        return self.pieces[node]

    def power(self, base: Expression, exponent: Any) -> Piece:
        """Return a power as it stands: base and superscript; a root of a scalar as a root."""
        if base.shape == () and exponent == HALF:
            return Piece(self.style.templates["sqrt"].format(shown(self.style, self.of(base))), ATOM)
        if self.style.operators["e"] and isinstance(base, Call) and base.function == "sqrtm" and exponent == -1:
            base, exponent = base.args[0], -HALF
        return Piece(
            self.style.power(tight(self.style, self.of(base), ATOM), scalar_piece(self.style, exponent)), POWER
        )


def write(style: Style, expression: Expression) -> str:
    """Return an expression in a notation."""
    return Writer(style, expression).text()


def _named(order: list[Expression], taken: frozenset[str]) -> dict[Expression, str]:
    """Names of the shared parts of an expression that is too long to be written out."""
    lengths: dict[Expression, int] = {}
    indexed: set[Expression] = set()  # a part under a sum that uses its index has no name outside
    for node in order:
        lengths[node] = 1 + sum(lengths[a] for a in node.args)
        if isinstance(node, Index) or not indexed.isdisjoint(node.args):
            indexed.add(node)
    if lengths[order[-1]] <= LONGEST:
        return {}
    uses = Counter(a for node in order for a in node.args)
    shared = [n for n in order[:-1] if uses[n] > 1 and lengths[n] > 3 and n not in indexed and type(n) is not Where]
    names = (f"t{k}" for k in itertools.count(1) if f"t{k}" not in taken)
    return dict(zip(shared, names, strict=False))


def _names(order: list[Expression]) -> set[str]:
    found: set[str] = set()
    for node in order:
        if isinstance(node, (Symbol, Index)):
            found.add(node.name)
        else:
            found.update(s.name for f in node.fields if isinstance(f, sp.Basic) for s in f.free_symbols)
    return found


# -- leaves -------------------------------------------------------------------------------------------------------
def _symbol(w: Writer, e: Symbol) -> Piece:
    return Piece(w.style.name(e.name), ATOM)


def _scalar(w: Writer, e: Scalar) -> Piece:
    return scalar_piece(w.style, e.value)


def _leaf(head: str, bare: bool) -> Callable[[Writer, Expression], Piece]:
    def write_leaf(w: Writer, e: Expression) -> Piece:
        hidden = (
            bare
            and e not in w.sized
            and (head != "identity" or "I" not in w.names)
            and (head == "identity" or len(e.shape) == 1)
        )
        if hidden:
            return w.style.sized(head, ())
        sizes = e.shape[:1] if head == "identity" else e.shape
        return w.style.sized(head, [shown(w.style, scalar_piece(w.style, sp.sympify(d))) for d in sizes])

    return write_leaf


def _literal(w: Writer, e: Literal) -> Piece:
    rows, columns = e.value.shape
    entries = [[shown(w.style, scalar_piece(w.style, e.value[i, j])) for j in range(columns)] for i in range(rows)]
    return Piece(w.style.matrix(entries), ATOM)


# -- sums, products, powers ---------------------------------------------------------------------------------------
def _add(w: Writer, e: Add) -> Piece:
    terms = [w.of(a) for a in e.args]
    if len(e.shape) == 2 and e.shape[0] == e.shape[1] and any(not isinstance(a, Eye) and a.shape for a in e.args):
        terms = [
            _filled(w, t, e) if isinstance(a, Scalar) and a.value.free_symbols else t
            for a, t in zip(e.args, terms, strict=True)
        ]
    return total(w.style, terms)


def _filled(w: Writer, term: Piece, e: Expression) -> Piece:
    """Spell out a scalar symbol added to every entry of a square matrix: people mean its diagonal as often."""
    filled = w.style.sized("ones", [shown(w.style, scalar_piece(w.style, sp.sympify(d))) for d in e.shape])
    front = w.style.bracket(shown(w.style, term)) if term.level == SUM else term.text
    return Piece(f"{front} {filled.text}", JUXTAPOSITION, term.minus and term.level > SUM)


def _hadamard(w: Writer, e: Hadamard) -> Piece:
    """Elementwise product; factors with a negative power divide."""
    divides = any(isinstance(a, ElemPow) and is_inverse(a.exponent) for a in e.args)
    text = ""
    for a in e.args:
        inverse = isinstance(a, ElemPow) and is_inverse(a.exponent)
        if inverse and text:
            text += f" {w.style.operators['quotient']} {_denominator(w, a)}"
            continue
        piece = w.of(a)
        part = tight(w.style, piece, POWER if divides and isinstance(a, Mul) else JUXTAPOSITION)
        text = f"{text} {w.style.operators['hadamard']} {part}" if text else part
    return Piece(text, PRODUCT)


def _denominator(w: Writer, e: Expression) -> str:
    """Text of what an elementwise inverse divides by."""
    assert isinstance(e, ElemPow)
    base = w.of(e.args[0])
    if e.exponent == -1:
        return tight(w.style, base)
    return w.style.elementwise_power(tight(w.style, base, ATOM), scalar_piece(w.style, -e.exponent))


def _elementwise_power(w: Writer, e: ElemPow) -> Piece:
    if is_inverse(e.exponent):
        return Piece(f"1 {w.style.operators['quotient']} {_denominator(w, e)}", PRODUCT)
    base = tight(w.style, w.of(e.args[0]), ATOM)
    return Piece(w.style.elementwise_power(base, scalar_piece(w.style, e.exponent)), POWER)


def _power(w: Writer, e: Pow) -> Piece:
    if e.shape == () and e.exponent.is_Rational and e.exponent < 0:
        base = w.of(e.args[0]) if e.exponent == -1 else w.power(e.args[0], -e.exponent)
        return quotient(w.style, [], [base])
    return w.power(e.args[0], e.exponent)


def _transpose(w: Writer, e: Transpose) -> Piece:
    (inner,) = e.args
    if isinstance(inner, Pow) and inner.exponent == -1:
        base = tight(w.style, w.of(inner.args[0]), ATOM)
        return Piece(w.style.templates["inverse_transpose"].format(base), POWER)
    return Piece(w.style.templates["transpose"].format(tight(w.style, w.of(inner), ATOM)), POWER)


# -- brackets and calls -------------------------------------------------------------------------------------------
def _call(w: Writer, e: Call) -> Piece:
    name = e.function
    inner = [shown(w.style, _argument(w, a)) for a in e.args]
    bars = name in BRACKETS and not (name == "abs" and len(e.args[0].shape) > 1)
    if bars and w.style.templates["nested_" + name] not in inner[0]:
        return Piece(w.style.bars(name, inner[0]), ATOM)
    if name == "step":
        return Piece(w.style.bars("indicator", f"{inner[0]} {w.style.operators['>']} 0"), ATOM)
    if w.style.operators["e"] and name in _AS_POWERS:
        found = _AS_POWERS[name](w, e)
        if found is not None:
            return found
    if name == "sum" and w.style.operators["foreign"] and isinstance(e.args[0], Symbol) and len(e.args[0].shape) == 1:
        row = w.style.templates["transpose"].format(w.style.sized("ones", ()).text)
        return Piece(w.style.beside([row, inner[0]]), JUXTAPOSITION)
    if name == "sqrt":
        return Piece(w.style.templates["sqrt"].format(inner[0]), ATOM)
    if name == "kron":
        left = w.of(e.args[0])
        first = (
            left.text
            if isinstance(e.args[0], Call) and e.args[0].function == "kron"
            else tight(w.style, left, JUXTAPOSITION)
        )
        return Piece(f"{first} {w.style.operators['kron']} {tight(w.style, w.of(e.args[1]), JUXTAPOSITION)}", PRODUCT)
    return Piece(w.style.call(w.style.head(name, name == "sigmoid" and "sigma" in w.names), inner), ATOM)


def _argument(w: Writer, a: Expression) -> Piece:
    """An argument of a call: x/2 reads better than 1/2 x where nothing stands beside it."""
    named = w.of(a).level == ATOM
    return product(w, a, True) if isinstance(a, Mul) and not named else w.of(a)


def _exponential(w: Writer, e: Call) -> Piece | None:
    """A short exponential as a power of e: entry by entry of scalars and vectors, the matrix function of matrices."""
    if (len(e.args[0].shape) == 2) is not (e.function == "expm"):
        return None
    return w.style.exponential(_argument(w, e.args[0]))


def _matrix_root(w: Writer, e: Call) -> Piece:
    return w.power(e.args[0], HALF)


_AS_POWERS: Mapping[str, Callable[[Writer, Any], Piece | None]] = {
    "exp": _exponential, "expm": _exponential, "sqrtm": _matrix_root,
}  # fmt: skip


def _indicator(w: Writer, e: Indicator) -> Piece:
    left, right = (shown(w.style, w.of(a)) for a in e.args)
    return Piece(w.style.bars("indicator", f"{left} {w.style.operators[e.relation]} {right}"), ATOM)


def _element(w: Writer, e: Element) -> Piece:
    used = iter(e.args[1:])
    positions = []
    for position in e.positions:
        if position == "index":
            positions.append(w.of(next(used)).text)
        elif position is None:
            positions.append(":")
        else:
            number = int(position)
            positions.append(str(number + 1) if number >= 0 else w.style.minus + str(-number))
    while len(positions) > 1 and positions[-1] == ":":
        positions.pop()
    return Piece(w.style.element(tight(w.style, w.of(e.args[0]), ATOM), positions), ATOM)


def _index(w: Writer, e: Index) -> Piece:
    return Piece(w.style.name(e.name), ATOM)


def _bound_sum(w: Writer, e: BoundSum) -> Piece:
    index, body = e.args
    assert isinstance(index, Index)
    size = (
        shown(w.style, scalar_piece(w.style, sp.sympify(index.size)))
        if index in w.sized or w.style.operators["index_size"]
        else ""
    )
    return w.style.bound_sum(w.of(index).text, size, w.of(body))


def _apply(w: Writer, e: Apply) -> Piece:
    (variable,) = e.function.variables
    taken = {*w.names, *(s.name for s in e.function.free_symbols)}
    name = next(n for n in ("t", "s", "u", "v", *(f"t_{k}" for k in range(1, 1000))) if n not in taken)
    body = scalar_piece(w.style, e.function.expr.xreplace({variable: sp.Symbol(name, real=True)}))
    return Piece(w.style.applied(name, shown(w.style, body), shown(w.style, w.of(e.args[0]))), ATOM)


def _einstein(w: Writer, e: Einstein) -> Piece:
    words, out = e.fields[:2]
    return w.style.formula(words, out, [w.of(a) for a in e.args])


# -- clauses ------------------------------------------------------------------------------------------------------
def _where(w: Writer, e: Where) -> Piece:
    body, *values = e.args
    clauses = [_definition(w, w.style.name(name.name), value) for name, value in zip(e.names, values, strict=True)]
    w.clauses[:0] = [c for c in clauses if c not in w.clauses]
    return w.of(body)


def _definition(w: Writer, name: str, value: Expression) -> str:
    """One definition; in LaTeX the inverse of a sum is defined by what it is the inverse of."""
    inverts = isinstance(value, Pow) and value.exponent == -1 and isinstance(value.args[0], Add)
    if inverts and w.style.operators["foreign"]:
        inverse, value = w.style.power(name, Piece("1", ATOM, True)), value.args[0]
        return f"{inverse} = {shown(w.style, w.of(value))}"
    return f"{name} = {shown(w.style, w.of(value))}"


def _action(w: Writer, e: Action) -> Piece:
    direction, body = e.args[:2]
    assert isinstance(direction, Symbol)
    return Piece(w.style.action(e.label, w.style.name(direction.name), shown(w.style, w.of(body))), 0)


def _missing(w: Writer, e: Expression) -> Piece:
    raise NotSupportedError(f"{type(e).__name__} has no printed form")


_WRITE: Mapping[type[Expression], Callable[[Writer, Any], Piece]] = {
    Symbol: _symbol, Scalar: _scalar, Literal: _literal, Eye: _leaf("identity", True), Ones: _leaf("ones", True),
    Zeros: _leaf("zeros", False), Add: _add, Mul: product, Hadamard: _hadamard, ElemPow: _elementwise_power,
    Pow: _power, Transpose: _transpose, Call: _call, Apply: _apply, Indicator: _indicator, Index: _index,
    Element: _element, BoundSum: _bound_sum, Where: _where, Action: _action, Einstein: _einstein, Expression: _missing,
}  # fmt: skip
