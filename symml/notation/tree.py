"""Records of the text reader: syntax nodes, definitions, programs, and the frames of open brackets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Syntax:
    """A node: what it is, its parts, its own value, where it stands, and its place in the order of making."""

    head: str
    args: tuple[Syntax, ...]
    value: Any
    span: tuple[int, int]
    place: int


def inverts_a_name(node: Syntax) -> bool:
    """Whether a left-hand side is C⁻¹: such a definition says what C is the inverse of."""
    if node.head != "power" or node.args[0].head != "name":
        return False
    exponent = node.args[1]
    while exponent.head == "group":
        (exponent,) = exponent.args
    return exponent.head == "neg" and exponent.args[0].value == "1"


@dataclass(frozen=True)
class Definition:
    """``name = body``; its nodes are those made from `first` on, before `last`."""

    name: str
    span: tuple[int, int]
    body: Syntax
    first: int
    last: int


@dataclass(frozen=True)
class Program:
    """A text: definitions, and the last statement, which may have a left-hand side."""

    source: str
    nodes: tuple[Syntax, ...]
    definitions: tuple[Definition, ...]
    last: Definition
    target: Syntax | None
    statements: int


@dataclass(slots=True)
class Entry:
    """Factors side by side, the sign in front of them, and whether they are negated."""

    operator: str
    chain: list[Syntax]
    minus: bool


@dataclass(slots=True)
class Power:
    """A base that waits for its exponent."""

    head: str
    spelling: str
    base: Syntax
    minus: bool


@dataclass(slots=True)
class Frame:
    """An open bracket and what has been collected in it, from terms down to the operand at hand."""

    kind: str
    start: int
    end: int
    callee: Any = None
    base: Syntax | None = None
    items: list[Syntax] = field(default_factory=list)
    rows: list[list[Syntax]] = field(default_factory=list)
    terms: list[tuple[int, Syntax]] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    chain: list[Syntax] = field(default_factory=list)
    powers: list[Power] = field(default_factory=list)
    current: Syntax | None = None
    operator: str = ""
    minus: bool = False
    sign: int = 1
    relation: str = ""
    left: Syntax | None = None
    scope: str = ""
