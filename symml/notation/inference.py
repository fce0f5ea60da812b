"""Unknown sizes: unification of the dimensions a formula leaves out, those of a bare `I`, `𝟏` or an undeclared name.

Shapes are tuples whose entries are sizes or unknowns. The rules here only collect equations and never refuse: a formula
whose shapes do not fit is refused, with a message, by the constructors of the language.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from symml.errors import UNREADABLE
from symml.language.expressions import Dim
from symml.language.frechet import MATRIX_FUNCTIONS, SUFFIX
from symml.language.function import spellings
from symml.language.operators import call, symbol


class Unknown:
    """A size that is not known yet; `link` is what it turned out to equal."""

    __slots__ = ("link",)

    def __init__(self) -> None:
        self.link: Any = None


Size = Dim | Unknown
Sizes = tuple[Any, ...] | None  # None: nothing is known, not even the number of axes


def find(size: Any) -> Any:
    """Return the size an unknown stands for, or the last unknown of its chain."""
    while isinstance(size, Unknown) and size.link is not None:
        size = size.link
    return size


class Equations:
    """Equations between sizes, solved as they come; `conflicts` counts those that cannot hold."""

    def __init__(self) -> None:
        self.conflicts = 0

    def equal(self, a: Any, b: Any) -> None:
        """Let two sizes be equal; an unknown is never 1."""
        a, b = find(a), find(b)
        if a is b:
            return
        if isinstance(a, Unknown) and not (isinstance(b, int) and b == 1):
            a.link = b
        elif isinstance(b, Unknown) and not (isinstance(a, int) and a == 1):
            b.link = a
        elif a != b:
            self.conflicts += 1

    def together(self, shapes: Sequence[Sizes]) -> Sizes:
        """Shape of a sum or an elementwise product: arrays have one shape, scalars broadcast."""
        found: Sizes = None if None in shapes else ()
        for shape in shapes:
            if not shape:
                continue
            if not found:
                found = shape
            elif len(found) != len(shape):
                self.conflicts += 1
            else:
                for a, b in zip(found, shape, strict=True):
                    self.equal(a, b)
        return found

    def chain(self, shapes: Sequence[Sizes]) -> Sizes:
        """Shape of a matrix product; scalars scale."""
        first: Any = None
        last: Any = None
        for shape in shapes:
            if shape is None or len(shape) > 2:
                return None
            if not shape:
                continue
            rows, columns = shape[0], 1 if len(shape) == 1 else shape[1]
            if first is None or (_one(first) and _one(last)):
                first = rows
            else:
                self.equal(last, rows)
            last = columns
        if first is None or (_one(first) and _one(last)):
            return ()
        return (first,) if _one(last) else (first, last)

    def square(self, shape: Sizes) -> Sizes:
        """Shape of a square matrix."""
        if shape and len(shape) == 2:
            self.equal(*shape)
        elif shape and len(shape) != 2:
            self.conflicts += 1
        return shape

    def transpose(self, shape: Sizes) -> Sizes:
        """Shape of a transpose; a vector becomes a row."""
        if not shape:
            return shape
        if len(shape) == 1:
            return (1, shape[0])
        return shape[::-1] if not _one(shape[0]) else (shape[1],)

    def function(self, name: str, shapes: Sequence[Sizes]) -> Sizes:
        """Shape of a function of arrays."""
        record = spellings().get(name)
        key = record.name if record else name
        if key in CALLS:
            return CALLS[key](self, shapes)
        if record is not None and record.kind == "elementwise":
            return self.together(shapes)
        solved = [None if s is None else tuple(find(d) for d in s) for s in shapes]
        if any(s is None or any(isinstance(d, Unknown) for d in s) for s in solved):
            return None
        try:
            return call(name, *(symbol(f"_{k}", s) for k, s in enumerate(solved) if s is not None)).shape
        except UNREADABLE:
            self.conflicts += 1
            return None


def _one(size: Any) -> bool:
    return isinstance(size, int) and size == 1


def _scalar(_: Equations, __: Sequence[Sizes]) -> Sizes:
    return ()


def _scalar_of_square(equations: Equations, shapes: Sequence[Sizes]) -> Sizes:
    equations.square(shapes[0])
    return ()


def _diagonal(equations: Equations, shapes: Sequence[Sizes]) -> Sizes:
    (shape,) = shapes
    if shape is None:
        return None
    return (shape[0], shape[0]) if len(shape) == 1 else (equations.square(shape) or (None,))[:1]


def _rows(axis: int) -> Callable[[Equations, Sequence[Sizes]], Sizes]:
    return lambda _, shapes: (shapes[0][axis],) if shapes[0] and len(shapes[0]) == 2 else None


def _each_row(_: Equations, shapes: Sequence[Sizes]) -> Sizes:
    return shapes[0][:-1] if shapes[0] is not None else None


def _dot(equations: Equations, shapes: Sequence[Sizes]) -> Sizes:
    equations.together(shapes)
    return ()


def _unknown_sizes(equations: Equations, shapes: Sequence[Sizes]) -> Sizes:
    a, b = shapes
    if a is None or b is None:
        return None
    return tuple(Unknown() for _ in range(max(len(a), len(b))))


def _together(equations: Equations, shapes: Sequence[Sizes]) -> Sizes:
    return equations.together(shapes)


CALLS: Mapping[str, Callable[[Equations, Sequence[Sizes]], Sizes]] = {
    **dict.fromkeys(("sum", "mean", "norm", "norm1", "norm2", "normnuc", "normspec", "sumsq"), _scalar),
    **dict.fromkeys(("trace", "det", "logdet", "eigmax"), _scalar_of_square),
    **dict.fromkeys((*MATRIX_FUNCTIONS, "inv", "eigmaxprojector"), lambda e, s: e.square(s[0])),
    **dict.fromkeys((f + SUFFIX for f in MATRIX_FUNCTIONS), lambda e, s: e.square(e.together(s))),
    **dict.fromkeys(("mul", "div", "power", "softmax", "bars"), _together),
    "diag": _diagonal,
    "rowsum": _rows(0),
    "colsum": _rows(1),
    "logsumexp": _each_row,
    "dot": _dot,
    "kron": _unknown_sizes,
}
