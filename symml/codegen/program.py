"""A program of the interpreter: a flat list of calls on numbered slots, and the loop that runs it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from symml.language.expressions import Expression

Code = list[tuple[int, Callable[..., Any], Any, int]]
VALUES = 0
UNARY, MANY, STORE = -1, -2, -3


@dataclass(frozen=True)
class Program:
    """Code being built; a program inside another one shares the numbering of slots."""

    counter: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    outer: Program | None = None
    names: frozenset[str] = frozenset()
    place: dict[Expression, int] = field(default_factory=dict)
    code: Code = field(default_factory=list)

    def find(self, node: Expression) -> int | None:
        """Slot of a node that is computed already, here or outside."""
        found = self.place.get(node)
        return self.outer.find(node) if found is None and self.outer is not None else found

    def emit(self, call: Callable[..., Any], *slots: int) -> int:
        """Append one call and return the slot of its result."""
        slot = next(self.counter)
        if len(slots) == 2:
            self.code.append((slot, call, slots[0], slots[1]))
        else:
            self.code.append((slot, call, slots[0] if len(slots) == 1 else slots, UNARY if len(slots) == 1 else MANY))
        return slot

    def emit_loop(self, call: Callable[[list[Any]], Any]) -> int:
        """Append a call that takes the whole store, to run the code of a body in it."""
        slot = next(self.counter)
        self.code.append((slot, call, None, STORE))
        return slot

    def inside(self, name: str) -> Program:
        """Return the program of a body in which `name` is bound."""
        return Program(self.counter, self, frozenset({name}))


def run(code: Code, store: list[Any]) -> None:
    """Run a list of calls on a store."""
    for slot, call, a, b in code:
        if b >= 0:
            store[slot] = call(store[a], store[b])
        elif b == UNARY:
            store[slot] = call(store[a])
        elif b == STORE:
            store[slot] = call(store)
        else:
            store[slot] = call(*[store[k] for k in a])
