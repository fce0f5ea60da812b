r"""Reading text: `parse` and `parse_program`.

Names mean what is declared; a bare `I`, `𝟏` or bound index takes the size that fits; undeclared names are inferred
where shapes and typography leave no doubt. Every choice that could have been made otherwise is kept as a reading.
"""

from __future__ import annotations

import re
import weakref
from collections.abc import Mapping
from typing import Any

import sympy as sp

from symml.errors import DeclarationError, NotationError, with_caret
from symml.language import hooks
from symml.language import operators as op
from symml.language.declarations import read_declarations
from symml.language.expressions import Action, Expression, Scalar, Symbol, Where, make
from symml.language.function import spellings
from symml.language.indices import differential_of
from symml.language.names import canonical, unicode_name
from symml.language.symbols import dimension
from symml.notation.elaboration import SCALAR_CALLS, Elaboration
from symml.notation.inference import Sizes, Unknown, find
from symml.notation.shapes import Shapes, is_transpose
from symml.notation.syntax import BINDERS, SIZED, read
from symml.notation.tree import Definition, Program, Syntax
from symml.notation.undeclared import infer

_readings: weakref.WeakKeyDictionary[Expression, tuple[str, ...]] = weakref.WeakKeyDictionary()
_SIZED_EYE = re.compile(r"I(?:_(\w+)|(\d+))")
CONSTANTS = {"pi": sp.pi}


def parse(
    text: str, where: Any = None, *, names: Mapping[str, Any] | None = None, shape: tuple[Any, ...] | None = None
) -> Expression:
    r"""Read an expression from text.

    Parameters
    ----------
    text : str
        Text as people type it, or as ``str(e)`` prints it; definitions follow after ``, where``, or stand before the
        last statement.
    where : str, mapping or symbols
        Declarations. Without them names are inferred from shapes and typography.
    names : mapping
        Expressions that names stand for.
    shape : tuple
        The shape the expression must have, where that is known: it settles the size of a lone `I` or `𝟏`.

    Returns
    -------
    Expression
        With ``.readings`` where the text could have been read otherwise.

    Raises
    ------
    NotationError
        If the text cannot be read; the caret is under the smallest guilty piece.
    ShapeError
        If the shapes do not fit.
    DeclarationError
        If a name is not declared and its shape is in doubt.

    Examples
    --------
    >>> from symml.notation.reader import parse
    >>> e = parse("1/2*||X w - y||^2 + lam/2 w'w", where="X: n x d, y: n, w: d, lam > 0")
    >>> print(e)
    1/2 ‖X w − y‖² + λ/2 wᵀ w
    >>> parse(str(e), where="X: n x d, y: n, w: d, lam > 0") == e
    True
    >>> parse("X w + z", where="X: n x d, w: d")
    Traceback (most recent call last):
        ...
    symml.errors.DeclarationError: line 1, column 7: 'z' is not declared. Known: X, w. Add "z" for a scalar or "z: n".
      X w + z
            ^
    """
    reading = _Reading(text, where, names, shape)
    definitions, body = reading.statements()
    target = reading.program.target
    if target is not None and target.head == "element":
        body = reading.action(target, body)
    elif target is not None and target.head != "name":
        reading.notes.append("the value of an equation is its right-hand side")
    if definitions:
        body = make(
            Where, (body, *(value for _, value in definitions)), (tuple(name for name, _ in definitions),), body.shape
        )
    _readings[body] = tuple(reading.notes)
    return body


def parse_program(text: str, where: Any = None) -> tuple[list[tuple[Symbol, Expression]], Expression]:
    """Read an objective with its definitions, such as ``"z = X w; L = sum(exp(z))"``.

    Returns
    -------
    definitions : list of (Symbol, Expression)
        Names in the order written; an expression may use the other names.
    objective : Expression
        The last statement, in terms of the names.
    """
    reading = _Reading(text, where, None, None)
    definitions, body = reading.statements()
    _readings[body] = tuple(reading.notes)
    return definitions, body


class _Reading:
    """One text being read: what its names mean, and the choices made."""

    def __init__(self, text: str, where: Any, names: Mapping[str, Any] | None, shape: tuple[Any, ...] | None) -> None:
        if not isinstance(text, str):
            raise NotationError(f"parse reads text, not {type(text).__name__}")
        declared = read_declarations(where) if where is not None else {}
        self.declared: dict[str, Any] = dict(declared)
        for name, value in (names or {}).items():
            self.declared[canonical(name)] = op.as_expression(value)
        self.notes: list[str] = []
        self.program: Program = read(text, _functions(), self.declared)
        self.source, self.shape = text, shape
        self.strict = where is not None or bool(names)
        self.names: dict[str, Expression | None] = {}
        self.definitions = {d.name: d for d in self.program.definitions}
        self.order = self._order()
        self.nodes = [n for d in (*self.order, self.program.last) for n in self.program.nodes[d.first : d.last]]
        self.sizes: dict[Any, Any] = {}

    # -- definitions ----------------------------------------------------------------------------------------------
    def _order(self) -> list[Definition]:
        """Definitions so that each stands after those it uses."""
        seen: dict[str, Definition] = {}
        for d in self.program.definitions:
            clash = (
                "is defined twice"
                if d.name in seen
                else "is declared and also defined"
                if d.name in self.declared
                else ""
            )
            if clash:
                raise DeclarationError(
                    with_caret(f"{unicode_name(d.name)} {clash}: rename one of them", self.source, d.span)
                )
            seen[d.name] = d
        uses = {
            name: [n.value for n in self.program.nodes[d.first : d.last] if n.head == "name" and n.value in seen]
            for name, d in seen.items()
        }
        order: list[Definition] = []
        done: set[str] = set()
        for root in seen:
            stack = [(root, False)]
            open_names: set[str] = set()
            while stack:
                name, leaving = stack.pop()
                if leaving:
                    open_names.discard(name)
                    if name not in done:
                        done.add(name)
                        order.append(seen[name])
                elif name in open_names:
                    raise NotationError(f"{unicode_name(name)} is defined by itself", self.source, seen[name].span)
                elif name not in done:
                    open_names.add(name)
                    stack.append((name, True))
                    stack.extend((u, False) for u in uses[name])
        return order

    def statements(self) -> tuple[list[tuple[Symbol, Expression]], Expression]:
        """Named definitions as written, and the last statement."""
        self._meanings()
        state = Elaboration(self.source, self._value, self._size)
        for d in self.order:
            state.run(self.program.nodes[d.first : d.last])
            self.names[d.name] = op.symbol(d.name, self._expression(state, d.body).shape)
        last = self.program.last
        state.run(self.program.nodes[last.first : last.last])
        found = [(self.names[d.name], state.values[d.body.place]) for d in self.program.definitions]
        return found, self._expression(state, last.body)  # type: ignore[return-value]

    def _expression(self, state: Elaboration, node: Syntax) -> Expression:
        value = state.values[node.place]
        if not isinstance(value, Expression):
            raise NotationError("this is not an expression", self.source, node.span)
        return value

    def action(self, target: Syntax, body: Expression) -> Expression:
        """``H[dW] = body``: a derivative by its action on a direction."""
        base, *directions = target.args
        if base.value not in ("H", "J") or len(directions) != 1 or directions[0].head != "name":
            raise NotationError("an action is written H[dW] = … or J[dx] = …", self.source, target.span)
        name = directions[0].value
        direction = self.declared[name] if name in self.declared else self._direction(name)
        if not isinstance(direction, Symbol):
            shown = self.source[directions[0].span[0] : directions[0].span[1]]
            message = f"{shown!r} is not declared, and it is not d of a declared vector or matrix"
            raise DeclarationError(with_caret(message, self.source, directions[0].span))
        return make(Action, (direction, body), (base.value,), body.shape + direction.shape)

    # -- what names mean ------------------------------------------------------------------------------------------
    def _meanings(self) -> None:
        """Give a meaning to every name and a size to every bare `I`, `𝟏` and index."""
        transposed = {n.args[1].place for n in self.nodes if n.head == "power" and is_transpose(n)}
        bases = {n.args[0].place for n in self.nodes if n.head == "power"}
        sized = {a.place for n in self.nodes if n.head in SIZED for a in self._leaves(n)}
        sized |= {n.args[0].place for n in self.nodes if n.head == "bound_sum" and len(n.args) == 2}
        open_nodes = [
            n for n in self.nodes if (n.head in ("ones", "eye") and not n.args and not n.value) or n.head == "index"
        ]
        unknown: dict[str, Syntax] = {}
        for node in self.nodes:
            name = node.value
            if node.head != "name" or name in self.names or name in self.definitions:
                continue
            if name in self.declared:
                self.names[name] = op.as_expression(self.declared[name])
            elif node.place in transposed:
                continue
            elif node.place in sized:
                self.names[name] = op.scalar(dimension(name))
            elif name == "I":
                open_nodes.append(node)
            elif (found := self._constant(node, node.place in bases)) is not None:
                self.names[name] = found
            else:
                unknown.setdefault(name, node)
        unknown = {name: node for name, node in unknown.items() if name not in self.names}
        if not unknown and not open_nodes:
            return
        if unknown:
            self.names.update(infer(self, unknown))
        shapes = self.shapes({})
        self._fit(shapes, open_nodes)

    def _leaves(self, node: Syntax) -> list[Syntax]:
        found, waiting = [], list(node.args)
        while waiting:
            part = waiting.pop()
            waiting.extend(part.args)
            found += [part] if part.head == "name" else []
        return found

    def _constant(self, node: Syntax, is_base: bool) -> Expression | None:
        """Meaning of a name that is not declared but stands for something: I_d, π, e^x, a direction dw."""
        name = node.value
        if name in CONSTANTS:
            return op.scalar(CONSTANTS[name])
        if name == "e" and is_base:
            self.notes.append("e is read as the base of the natural logarithm, because it is not declared")
            return op.scalar(sp.E)
        match = _SIZED_EYE.fullmatch(name)
        if match:
            size = int(match[2]) if match[2] else match[1]
            if isinstance(size, int) or size in self.declared or not self.strict:
                return op.eye(size)
        return self._direction(name)

    def _direction(self, name: str) -> Expression | None:
        of = self.declared.get(name[1:]) if name.startswith("d") and name not in self.declared else None
        if isinstance(of, Symbol):
            return differential_of(of)
        return op.scalar(sp.Symbol(name, real=True)) if isinstance(of, sp.Symbol) and of != dimension(of.name) else None

    def shapes(self, assumed: Mapping[str, Sizes]) -> Shapes:
        """Solve the sizes of the text under assumed shapes of undeclared names."""
        found = Shapes(lambda node: self._shape(found, node, assumed))
        for d in (*self.order, self.program.last):
            found.run(self.program.nodes[d.first : d.last])
        return found

    def _shape(self, shapes: Shapes, node: Syntax, assumed: Mapping[str, Sizes]) -> Sizes:
        if node.head != "name":
            return self._sized_shape(node)
        name = node.value
        if name in self.definitions:
            return shapes.known.get(self.definitions[name].body.place)
        if name in assumed:
            return assumed[name]
        value = self.names.get(name)
        if value is not None:
            return value.shape
        if name == "I":
            size = shapes.free.setdefault(node.place, Unknown())
            return (size, size)
        return None

    def _sized_shape(self, node: Syntax) -> Sizes:
        """Shape of `ones(n, m)`, `eye(n)`, `zeros(n)`, `𝟏ₙ` with their sizes worked out."""
        if node.value and not node.args:
            return (dimension(node.value),) if not node.value.isdigit() else (int(node.value),)
        state = Elaboration(self.source, self._value, self._size)
        parts = node.args[:1] if node.head == "bound_sum" else node.args
        nodes = [n for a in parts for n in self._below(a)]
        state.run(sorted(nodes, key=lambda n: n.place))
        sizes = [op.as_dim(state.values[a.place]) for a in parts if isinstance(state.values[a.place], Scalar)]
        return (sizes[0], sizes[0]) if node.head == "eye" else tuple(sizes)

    def _below(self, node: Syntax) -> list[Syntax]:
        found, waiting = [], [node]
        while waiting:
            part = waiting.pop()
            waiting.extend(part.args)
            found.append(part)
        return found

    def _fit(self, shapes: Shapes, open_nodes: list[Syntax]) -> None:
        """Take the sizes found; what is left takes the only dimension there is, or is in doubt."""
        found = shapes.known.get(self.program.last.body.place)
        if self.shape is not None and found is not None and len(found) == len(self.shape):
            for a, b in zip(found, self.shape, strict=True):
                shapes.equations.equal(a, b)
        dims = sorted({n for n, v in self.declared.items() if isinstance(v, sp.Symbol) and v == dimension(v.name)})
        own = self._own_dimensions(dims)
        outer = [find(s) for s in found or ()]
        for node in open_nodes:
            key = ("index", node.value) if node.head == "index" else node.place
            size = find(shapes.free[key]) if key in shapes.free else None
            if isinstance(size, Unknown):
                shown = self.source[node.span[0] : node.span[1]]
                if len(dims) == 1 and node.head != "index":
                    self.notes.append(f"{shown} is read with the size {dims[0]}, the only dimension declared")
                    size.link = size = dimension(dims[0])
                elif len(own) == 1 and any(size is s for s in outer):
                    self.notes.append(f"{shown} is read with the size {own[0]}, the only dimension beside it")
                    size.link = size = dimension(own[0])
                else:
                    size = None
            self.sizes[key] = size

    def _own_dimensions(self, declared: list[str]) -> list[str]:
        """Names of the declared dimensions that the names of the text have as sizes, or mean."""
        used = [v for n in self.nodes if n.head == "name" and (v := self.names.get(n.value)) is not None]
        sizes = {d.name for v in used for d in v.shape if isinstance(d, sp.Symbol)}
        sizes |= {d.name for v in used if isinstance(v, Scalar) for d in v.value.free_symbols}
        return [name for name in declared if name in sizes]

    def _value(self, node: Syntax) -> Any:
        name = node.value
        value = self.names.get(name)
        if value is not None:
            return value
        if name == "I":
            return op.eye(self._size(node.place, node))
        return None  # the exponent T, a transpose

    def _size(self, key: Any, node: Syntax) -> Any:
        size = self.sizes.get(key)
        if size is not None:
            return size
        shown = self.source[node.span[0] : node.span[1]]
        if node.head in ("index", "bound_sum"):
            name = node.value[0]
            message = (
                f"the size of the index {name} is not determined: use it as a position, or write sum({name}, n, …)"
            )
        else:
            example = "ones(n)" if node.head == "ones" else "eye(n)"
            message = f"the size of {shown} is not determined by what stands around it: write {example}"
        raise DeclarationError(message)


def _functions() -> set[str]:
    if not _known_functions:
        _known_functions.update(spellings(), SCALAR_CALLS, BINDERS, SIZED, ("einsum",))
        _known_functions.discard("")
    return _known_functions


_known_functions: set[str] = set()
hooks.provide("readings", lambda e: _readings.get(e, ()))
