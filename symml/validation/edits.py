"""Single edits of a text: a sign, a transpose, an inverse, an order, an exponent, a number, a size.

Edits are made on the syntax tree and written back by span, so that they also work where the shapes of the text do
not fit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from symml.errors import NotationError
from symml.language.function import spellings
from symml.notation.elaboration import SCALAR_CALLS
from symml.notation.syntax import read
from symml.notation.tree import Syntax

OPERATORS = {"times": " * ", "over": " / ", "hadamard": " .* ", "quotient": " ./ ", "kron": " ⊗ "}
MINUS = "-−–"
CHAINS = ("juxtaposition", "product")
ATOMS = ("name", "group", "call", "transpose", "power", "element", "elementwise_power")
ORDER = (
    "transpose",
    "sign",
    "product order",
    "inverse missing",
    "wrong exponent",
    "factor",
    "dropped n",
    "wrong denominator",
)


@dataclass(frozen=True)
class Edit:
    """A changed text: the kind of error it undoes, what was done in words, and where."""

    kind: str
    words: str
    text: str
    span: tuple[int, int]


@dataclass(frozen=True)
class _Place:
    source: str
    node: Syntax
    parent: Syntax | None
    below: bool  # in a denominator
    inner: bool  # inside a call or another place where a factor cannot be seen from outside

    def with_text(self, new: str) -> str:
        start, end = _extent(self.source, self.node)
        return self.source[:start] + new + self.source[end:]

    @property
    def text(self) -> str:
        start, end = _extent(self.source, self.node)
        return self.source[start:end]


def _extent(source: str, node: Syntax) -> tuple[int, int]:
    """The span of a node with a minus sign in front that belongs to it."""
    start, end = node.span
    if node.head == "neg" or (node.head == "sum" and node.value[0] < 0):
        before = source[:start].rstrip()
        if before and before[-1] in MINUS:
            start = len(before) - 1
    return start, end


def edits(source: str, known: Sequence[str], dimensions: Sequence[str]) -> list[Edit]:
    """Return the single edits of a text, likely ones first; nothing if the text cannot be read."""
    try:
        program = read(source, {*spellings(), *SCALAR_CALLS, "einsum"}, known)
    except NotationError:
        return []
    found: list[Edit] = []
    for place in _places(source, program.last.body):
        for rule in _RULES:
            found.extend(rule(place, dimensions))
    return sorted(dict.fromkeys(found), key=lambda e: ORDER.index(e.kind))


def _places(source: str, root: Syntax) -> Iterator[_Place]:
    stack = [_Place(source, root, None, False, False)]
    while stack:
        place = stack.pop()
        yield place
        node = place.node
        for k, child in enumerate(node.args):
            if node.head in ("power", "elementwise_power") and k == 1:
                continue
            stack.append(
                _Place(source, child, node, place.below or _is_below(node, k), place.inner or node.head == "call")
            )


def _is_below(node: Syntax, k: int) -> bool:
    if node.head == "fraction":
        return k > 0
    return node.head == "product" and k > 0 and node.value[k - 1] in ("over", "quotient")


def _piece(source: str, node: Syntax) -> str:
    """The text of a node with the minus sign or the brackets that belong to it."""
    start, end = _extent(source, node)
    text = source[start:end]
    return f"({text})" if node.head in ("sum", "product", "juxtaposition", "fraction", "neg") else text


# -- rules: a place to edits --------------------------------------------------------------------------------------
def _transposes(place: _Place, dimensions: Sequence[str]) -> Iterator[Edit]:
    node = place.node
    if node.head == "transpose":
        yield Edit("transpose", f"without the transpose of {_piece(place.source, node.args[0])}",
                   place.with_text(_piece(place.source, node.args[0])), node.span)  # fmt: skip
    elif (
        node.head in ATOMS
        and not (place.parent is not None and place.parent.head == "transpose")
        and not _is_number_name(node, dimensions)
    ):
        yield Edit("transpose", f"{place.text} transposed", place.with_text(f"({place.text})'"), node.span)


def _is_number_name(node: Syntax, dimensions: Sequence[str]) -> bool:
    return node.head == "name" and node.value in dimensions


def _signs(place: _Place, dimensions: Sequence[str]) -> Iterator[Edit]:
    node = place.node
    if node.head == "sum":
        for k in range(len(node.args)):
            signs = [-s if j == k else s for j, s in enumerate(node.value)]
            shown = _piece(place.source, node.args[k])
            yield Edit(
                "sign",
                f"the sign of {shown} flipped",
                place.with_text(_sum(place.source, node, signs)),
                node.args[k].span,
            )
    elif node.head == "neg":
        inner = place.source[node.span[0] : node.span[1]]
        yield Edit("sign", f"the sign of {inner} flipped", place.with_text(f"({inner})"), node.span)
    elif place.inner and place.parent is not None and place.parent.head == "call":
        yield Edit("sign", f"the sign of {place.text} flipped", place.with_text(f"-({place.text})"), node.span)


def _sum(source: str, node: Syntax, signs: list[int]) -> str:
    parts = [("- " if sign < 0 else "+ ") + _piece(source, a) for sign, a in zip(signs, node.args, strict=True)]
    return "(" + " ".join(parts).removeprefix("+ ") + ")"


def _swaps(place: _Place, dimensions: Sequence[str]) -> Iterator[Edit]:
    node = place.node
    if node.head not in CHAINS:
        return
    for k in range(len(node.args) - 1):
        if node.head == "product" and node.value[k] not in ("times",):
            continue
        order = list(node.args)
        order[k], order[k + 1] = order[k + 1], order[k]
        pair = f"({_piece(place.source, node.args[k])} * {_piece(place.source, node.args[k + 1])})'"
        rest = [_piece(place.source, a) for a in node.args]
        if node.head == "juxtaposition" or set(node.value) == {"times"}:
            turned = " * ".join([*rest[:k], pair, *rest[k + 2 :]])
            yield Edit("product order", f"{pair} in place of the product", place.with_text(f"({turned})"), node.span)
        names = f"{_piece(place.source, order[k])} before {_piece(place.source, order[k + 1])}"
        yield Edit("product order", names, place.with_text(_chain(place.source, node, order)), node.span)


def _chain(source: str, node: Syntax, args: list[Syntax]) -> str:
    if node.head == "juxtaposition":
        return "(" + " ".join(_piece(source, a) for a in args) + ")"
    text = _piece(source, args[0])
    for operator, a in zip(node.value, args[1:], strict=True):
        text += OPERATORS[operator] + _piece(source, a)
    return f"({text})"


def _inverses(place: _Place, dimensions: Sequence[str]) -> Iterator[Edit]:
    node = place.node
    if node.head == "call" and node.value == "inv":
        inner = place.source[node.args[0].span[0] : node.args[0].span[1]]
        yield Edit("inverse missing", f"without the inverse of {inner}", place.with_text(f"({inner})"), node.span)
    elif node.head in ("name", "group", "call", "transpose") and not _is_number_name(node, dimensions):
        yield Edit("inverse missing", f"{place.text} inverted", place.with_text(f"inv({place.text})"), node.span)


def _exponents(place: _Place, dimensions: Sequence[str]) -> Iterator[Edit]:
    node = place.node
    kind = "wrong denominator" if place.below else "wrong exponent"
    if node.head in ("power", "elementwise_power"):
        base, exponent = _piece(place.source, node.args[0]), node.args[1]
        sign = ".^" if node.head == "elementwise_power" else "^"
        if exponent.head == "name" and exponent.value == "T":
            return
        start, end = _extent(place.source, exponent)
        shown = place.source[start:end]
        for new in (f"(({shown})*2)", f"(({shown})/2)", f"(({shown})+1)", f"(({shown})-1)", f"(-({shown}))"):
            yield Edit(kind, f"another exponent of {base}", place.with_text(f"({base}){sign}{new}"), node.span)
        yield Edit(kind, f"without the exponent of {base}", place.with_text(f"({base})"), node.span)
    elif node.head in ("name", "group", "call") and not _is_number_name(node, dimensions):
        for sign in ("^", ".^"):
            for new in ("2", "3", "(1/2)"):
                yield Edit(
                    kind, f"{place.text} to another power", place.with_text(f"({place.text}){sign}{new}"), node.span
                )


def _numbers(place: _Place, dimensions: Sequence[str]) -> Iterator[Edit]:
    node = place.node
    if node.head == "number":
        for new in (
            f"(2*{place.text})",
            f"({place.text}/2)",
            f"({place.text}+1)",
            f"({place.text}-1)",
            f"(-{place.text})",
        ):
            kind = "sign" if new.startswith("(-") else "wrong denominator" if place.below else "factor"
            yield Edit(kind, f"another number for {place.text}", place.with_text(new), node.span)
    elif node.head in ("juxtaposition", "product", "name", "group", "call") and (
        place.inner or place.parent is None or place.parent.head == "sum"
    ):
        for new in (f"(2*({place.text}))", f"(1/2*({place.text}))"):
            yield Edit("factor", f"a factor at {place.text}", place.with_text(new), node.span)


def _sizes(place: _Place, dimensions: Sequence[str]) -> Iterator[Edit]:
    node = place.node
    if _is_number_name(node, dimensions):
        for new in (f"({node.value}-1)", f"({node.value}+1)"):
            kind = "wrong denominator" if place.below else "dropped n"
            yield Edit(kind, f"another number for {place.text}", place.with_text(new), node.span)
        yield Edit("dropped n", f"1 for {place.text}", place.with_text("1"), node.span)
    elif node.head in ("juxtaposition", "product", "group", "call") and (
        place.inner or place.parent is None or place.parent.head == "sum"
    ):
        for name in dimensions:
            yield Edit(
                "dropped n", f"a factor {name} at {place.text}", place.with_text(f"({name}*({place.text}))"), node.span
            )
            yield Edit(
                "dropped n",
                f"a factor 1/{name} at {place.text}",
                place.with_text(f"(1/{name}*({place.text}))"),
                node.span,
            )


def _drops(place: _Place, dimensions: Sequence[str]) -> Iterator[Edit]:
    node = place.node
    if node.head == "juxtaposition" and len(node.args) > 1:
        for k, dropped in enumerate(node.args):
            rest = " ".join(_piece(place.source, a) for j, a in enumerate(node.args) if j != k)
            yield Edit(
                "factor",
                f"without the factor {_piece(place.source, dropped)}",
                place.with_text(f"({rest})"),
                dropped.span,
            )
    elif node.head == "product":
        for k, dropped in enumerate(node.args):
            if k == 0 and node.value[0] in ("over", "quotient"):
                continue
            args = [a for j, a in enumerate(node.args) if j != k]
            operators = [o for j, o in enumerate(node.value) if j != max(k - 1, 0)]
            text = _piece(place.source, args[0]) + "".join(
                OPERATORS[o] + _piece(place.source, a) for o, a in zip(operators, args[1:], strict=True)
            )
            kind = "wrong denominator" if k > 0 and node.value[k - 1] in ("over", "quotient") else "factor"
            yield Edit(
                kind, f"without the factor {_piece(place.source, dropped)}", place.with_text(f"({text})"), dropped.span
            )


Rule = Callable[[_Place, Any], Iterator[Edit]]
_RULES: tuple[Rule, ...] = (_transposes, _signs, _swaps, _inverses, _exponents, _numbers, _sizes, _drops)
