"""Undeclared names: what shapes and typography say about them, and the error when they leave a doubt."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Mapping
from typing import Any, Protocol

import sympy as sp

from symml.errors import DeclarationError, NotationError, with_caret
from symml.language import operators as op
from symml.language.declarations import read_declarations
from symml.language.expressions import Expression
from symml.language.function import functions
from symml.language.names import GREEK, canonical, unicode_name
from symml.language.symbols import dimension
from symml.notation.inference import Sizes, Unknown, find
from symml.notation.shapes import Shapes
from symml.notation.tree import Syntax

MOST_TRIED = 6
FRESH = ("n", "d", "k", "m", "p", "q", "r", "h", "s", "t")
ARRAY_CALLS = ("norm", "norm1", "norm2", "softmax", "logsumexp", "sum", "mean", "dot", "sumsq", "diag")


class Text(Protocol):
    """What inference needs to know about the text being read."""

    source: str
    nodes: list[Syntax]
    notes: list[str]
    strict: bool
    declared: dict[str, Any]

    def shapes(self, assumed: Mapping[str, Sizes]) -> Shapes:
        """Solve the sizes of the text under assumed shapes."""
        ...


def infer(text: Text, unknown: Mapping[str, Syntax]) -> dict[str, Expression]:
    """Return what undeclared names stand for.

    With declarations, only if exactly one choice of vectors and scalars fits; without, by typography: upper case a
    matrix, a lower-case Latin letter a vector where it stands as one, all else a scalar.

    Raises
    ------
    DeclarationError
        If there is a doubt; names the symbol, what is known and what to add.
    """
    for name, node in unknown.items():
        if text.source[node.span[1] : node.span[1] + 1] == "(":
            raise _not_a_function(text, name, node)
    lower = [name for name in unknown if not name[0].isupper()]
    long = {name: node for name, node in unknown.items() if len(name.rstrip("0123456789")) > 1 and name not in GREEK}
    if text.strict and long:
        raise _undeclared(text, long, [])
    if text.strict and len(lower) > MOST_TRIED:
        raise _undeclared(text, unknown, [])
    likely = _likely_vectors(text, set(lower)) if not text.strict else set()
    choices = (
        itertools.product(*((False, True) for _ in lower)) if text.strict else [tuple(name in likely for name in lower)]
    )
    found = []
    for choice in choices:
        assumed: dict[str, Sizes] = {name: (Unknown(), Unknown()) for name in unknown if name not in lower}
        assumed |= {name: (Unknown(),) if vector else () for name, vector in zip(lower, choice, strict=True)}
        shapes = text.shapes(assumed)
        if not shapes.equations.conflicts:
            found.append({name: _solved(assumed[name]) for name in unknown})
    if text.strict:
        if len(found) != 1 or any(isinstance(d, Unknown) for s in found[0].values() for d in s):
            raise _undeclared(text, unknown, found)
    elif not found:
        raise _undeclared(text, unknown, [])
    return _named(text, found[0])


def _not_a_function(text: Text, name: str, node: Syntax) -> DeclarationError:
    shown = text.source[node.span[0] : node.span[1]]
    close = difflib.get_close_matches(name, sorted(functions()), 1, 0.6)
    hint = f"Did you mean {close[0]}(…)?" if close else f"For a product declare it, and write {shown}*(…)."
    return DeclarationError(
        with_caret(f"{shown!r} is not a function symml knows, and not declared. {hint}", text.source, node.span)
    )


def _solved(shape: Sizes) -> tuple[Any, ...]:
    return tuple(find(d) for d in shape or ())


def _likely_vectors(text: Text, names: set[str]) -> set[str]:
    """Lower-case names that stand where vectors stand."""
    found: set[str] = set()
    for node in text.nodes:
        if node.head == "transpose" or (node.head == "call" and node.value in ARRAY_CALLS) or node.head == "element":
            found |= _plain(node.args[:1], names)
        elif node.head == "product" and {"hadamard", "quotient"} & set(node.value):
            found |= {n for n in _plain(node.args, names) if n not in GREEK}
        elif node.head == "juxtaposition" or (node.head == "product" and set(node.value) == {"times"}):
            for left, right in itertools.pairwise(node.args):
                if left.head == "transpose" or (left.head == "name" and left.value[0].isupper()):
                    found |= {n for n in _plain((right,), names) if n not in GREEK}
    for _ in range(2):
        for node in text.nodes:
            if node.head == "sum" and any(_ends_in_vector(a, found) for a in node.args):
                found |= {n for n in _plain(node.args, names) if n not in GREEK}
    return found


def _plain(nodes: tuple[Syntax, ...], names: set[str]) -> set[str]:
    return {n.value for n in nodes if n.head == "name" and n.value in names}


def _ends_in_vector(node: Syntax, vectors: set[str]) -> bool:
    if node.head == "juxtaposition" and node.args[0].head != "transpose":
        node = node.args[-1]
    return node.head == "name" and node.value in vectors


def _named(text: Text, shapes: Mapping[str, tuple[Any, ...]]) -> dict[str, Expression]:
    """Symbols of the inferred shapes; sizes that nothing fixes get names of their own."""
    taken = {*text.declared, *(n.value for n in text.nodes if n.head == "name")}
    fresh = (name for name in itertools.chain(FRESH, (f"n{k}" for k in itertools.count(1))) if name not in taken)
    found: dict[str, Expression] = {}
    for name, shape in shapes.items():
        for size in shape:
            last = find(size)
            if isinstance(last, Unknown):
                last.link = dimension(next(fresh))
        sizes = tuple(find(d) for d in shape)
        found[name] = op.symbol(name, sizes) if sizes else op.as_expression(read_declarations({name: ""})[name])
        text.notes.append(f"{unicode_name(name)} is read as {_kind(sizes)}, because it is not declared")
    return found


def _kind(sizes: tuple[Any, ...]) -> str:
    return ("a scalar", "a vector", "a matrix")[len(sizes)] + (f" of shape {op.show_shape(sizes)}" if sizes else "")


def _undeclared(text: Text, unknown: Mapping[str, Syntax], found: list[dict[str, tuple[Any, ...]]]) -> DeclarationError:
    name, node = next(
        (
            (n, s)
            for n, s in unknown.items()
            if len({f[n] for f in found}) != 1 or any(isinstance(d, Unknown) for d in found[0][n])
        ),
        next(iter(unknown.items())),
    )
    shown = text.source[node.span[0] : node.span[1]]
    known = [n for n, v in text.declared.items() if not (isinstance(v, sp.Symbol) and v == dimension(v.name))]
    listed = f" Known: {', '.join(unicode_name(n) for n in known)}." if known else ""
    message = f"{shown!r} is not declared.{listed} {_advice(name, shown, known, found)}"
    return DeclarationError(with_caret(message, text.source, node.span))


def _advice(name: str, shown: str, known: list[str], found: list[dict[str, tuple[Any, ...]]]) -> str:
    pieces = _pieces(shown, known)
    if pieces:
        return f"Did you mean {pieces}?"
    close = difflib.get_close_matches(name, known, 1, 0.75) if len(name) > 2 else []
    if close:
        return f"Did you mean {unicode_name(close[0])}?"
    shapes = list(dict.fromkeys(f[name] for f in found))
    ready = [s for s in shapes if not any(isinstance(d, Unknown) for d in s)]
    texts = [f'"{shown}: {" x ".join(str(d) for d in s)}"' if s else f'"{shown}" for a scalar' for s in ready]
    if texts:
        return f"Add {' or '.join(texts)}."
    return f'Add its declaration, such as "{shown}: n" for a vector or "{shown}: n x d" for a matrix.'


def _pieces(shown: str, known: list[str]) -> str:
    """`Xw` as `X w`, when these are declared."""
    for cut in range(1, len(shown)):
        try:
            if canonical(shown[:cut]) in known and canonical(shown[cut:]) in known:
                return f"{shown[:cut]} {shown[cut:]}"
        except NotationError:
            continue
    return ""
