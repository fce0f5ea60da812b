"""Whether SymPy expressions vanish identically: exact rational functions of kernels.

No greatest common divisor is computed: denominators stay factored, only the numerator is looked at.

Known relations between kernels (a root's power, a sign's square) reduce the numerator; a numerator that becomes zero
is a proof, one that does not proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import lcm
from typing import Any

import sympy as sp
from sympy.polys.rings import PolyRing

from symml.checking.kernels import AS_EXP, Kernels, TooLargeError, distinct, replaced

WORK = 400_000  # products of terms; about half a second
ROOT_LIMIT = 24


@dataclass
class Facts:
    """What is known of symbols: a monic polynomial that vanishes on each, pairs whose product is zero."""

    values: Mapping[Any, tuple[Any, ...]] = field(default_factory=dict)
    exclusive: tuple[frozenset[Any], ...] = ()


def vanish(differences: Iterable[Any], facts: Facts, work: int = WORK) -> bool:
    """Whether every expression is proved to be zero by that many products of terms; False means not proved."""
    found = list(differences)
    if all(d == 0 for d in found):
        return True
    try:
        if _vanish(found, facts, work):
            return True
        if not any(node.func in AS_EXP for node in distinct(*found)):
            return False
        return _vanish([replaced(d, AS_EXP) for d in found], facts, work)
    except TooLargeError:
        return False


def _vanish(found: list[Any], facts: Facts, work: int) -> bool:
    kernels = Kernels()
    rewritten = [kernels.rewrite(d) for d in found]
    field_ = _Field(kernels, rewritten, facts, work)
    return all(field_.is_zero(d) for d in rewritten)


# -- rational functions -------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class _Rational:
    """A polynomial over a product of powers of polynomials."""

    top: Any
    bottom: Mapping[Any, int]


class _Field:
    """Arithmetic of rational functions in the generators, denominators kept factored, within a budget of work."""

    def __init__(self, kernels: Kernels, expressions: list[Any], facts: Facts, work: int) -> None:
        every = [*expressions, *kernels.roots.values(), *kernels.squares.values()]
        parts = distinct(*every)
        gens = sorted({s for s in parts if s.is_Symbol} | set(kernels.roots), key=str)
        self.scale = dict.fromkeys(gens, 1)
        for p in parts:
            if p.is_Pow and p.exp.is_Rational and p.base.is_Symbol:
                self.scale[p.base] = lcm(self.scale[p.base], int(p.exp.q))
        if max(self.scale.values(), default=1) > ROOT_LIMIT:
            raise TooLargeError("roots of high degree")
        self.ring: Any = PolyRing([f"g{k}" for k in range(len(gens))], sp.ZZ, sp.lex) if gens else None
        self.gens = dict(zip(gens, self.ring.gens, strict=True)) if self.ring else {}
        self.place = {g: k for k, g in enumerate(gens)}
        self.work = work
        self.done: dict[Any, _Rational] = {}
        self.rules: list[tuple[int, int, Any, Any]] = []  # generator, power, what it becomes over what
        self._relations(kernels, facts)

    def _relations(self, kernels: Kernels, facts: Facts) -> None:
        one: Any = self.ring.one if self.ring else None
        for name, base in kernels.roots.items():
            found = self.value(base)
            self.rules.append((self.place[name], self.scale[name], found.top, self._expanded(found.bottom)))
        for name, square in kernels.squares.items():
            if name in self.place:
                self.rules.append((self.place[name], 2 * self.scale[name], self.value(square).top, one))
        for name, values in facts.values.items():
            if name in self.place and self.scale[name] == 1 and all(int(v) == v for v in values):
                g = self.gens[name]
                whole = one
                for v in values:
                    whole *= g - int(v) * one
                self.rules.append((self.place[name], len(values), g ** len(values) - whole, one))
        self.pairs = [
            tuple(sorted(self.place[s] for s in pair)) for pair in facts.exclusive if all(s in self.place for s in pair)
        ]

    def is_zero(self, expression: Any) -> bool:
        """Whether the numerator reduces to zero."""
        if self.ring is None:
            return bool(expression == 0)
        return not self._reduced(self.value(expression).top)

    def value(self, root: Any) -> _Rational:
        """Return the rational function of an expression in generators."""
        waiting = [root]
        while waiting:
            node = waiting[-1]
            below = node.args if isinstance(node, (sp.Add, sp.Mul)) else node.args[:1] if node.is_Pow else ()
            missing = [a for a in below if a not in self.done]
            if missing:
                waiting.extend(missing)
                continue
            waiting.pop()
            if node not in self.done:
                self.done[node] = self._one(node, [self.done[a] for a in below])
        return self.done[root]

    def _one(self, node: Any, args: list[_Rational]) -> _Rational:
        if node.is_Rational:
            return _Rational(self.ring.one * int(node.p), self._number(int(node.q)))
        if node.is_Symbol:
            return _Rational(self.gens[node] ** self.scale[node], {})
        if isinstance(node, sp.Add):
            return self._sum(args)
        if isinstance(node, sp.Mul):
            found = args[0]
            for a in args[1:]:
                found = self._times(found, a)
            return found
        exponent = node.exp * (self.scale[node.base] if node.base.is_Symbol else 1)
        base = _Rational(self.gens[node.base], {}) if node.base.is_Symbol else args[0]
        base = base if exponent > 0 else self._inverted(base)
        return self._raised(base, abs(int(exponent)))

    def _spend(self, amount: int) -> None:
        self.work -= amount
        if self.work < 0:
            raise TooLargeError("the numerator is too large")

    def _product(self, a: Any, b: Any) -> Any:
        self._spend(len(a) * len(b) + 1)
        return a * b

    def _times(self, a: _Rational, b: _Rational) -> _Rational:
        bottom = dict(a.bottom)
        for factor, k in b.bottom.items():
            bottom[factor] = bottom.get(factor, 0) + k
        top_a, top_b = self._cancelled(a.top, bottom), self._cancelled(b.top, bottom)
        return _Rational(self._product(top_a, top_b), bottom)

    def _cancelled(self, top: Any, bottom: dict[Any, int]) -> Any:
        """Return a numerator with the denominator factor it is equal to, up to a number, removed."""
        if top and bottom:
            content, part = top.primitive()
            if part.LC < 0:
                content, part = -content, -part
            if bottom.get(part):
                bottom[part] -= 1
                if not bottom[part]:
                    del bottom[part]
                return self.ring.one * content
        return top

    def _raised(self, a: _Rational, k: int) -> _Rational:
        top = self.ring.one
        for _ in range(k):
            top = self._product(top, a.top)
        return _Rational(top, {factor: m * k for factor, m in a.bottom.items()})

    def _inverted(self, a: _Rational) -> _Rational:
        if not a.top:
            raise ZeroDivisionError("a denominator is zero")
        content, part = a.top.primitive()
        if part.LC < 0:
            content, part = -content, -part
        top = self._expanded(a.bottom) * (1 if content > 0 else -1)
        bottom = self._number(abs(int(content)))
        if len(part) == 1:
            (powers,) = part
            return _Rational(top, bottom | {self.ring.gens[k]: m for k, m in enumerate(powers) if m})
        return _Rational(top, bottom | {part: 1})

    def _number(self, q: int) -> dict[Any, int]:
        return {self.ring.one * p: k for p, k in sp.factorint(q).items()} if q != 1 else {}

    def _expanded(self, bottom: Mapping[Any, int]) -> Any:
        found = self.ring.one
        for factor, k in bottom.items():
            for _ in range(k):
                found = self._product(found, factor)
        return found

    def _sum(self, args: list[_Rational]) -> _Rational:
        groups: dict[frozenset[Any], Any] = {}
        for a in args:
            key = frozenset(a.bottom.items())
            groups[key] = groups[key] + a.top if key in groups else a.top
            self._spend(len(a.top))
        if len(groups) == 1:
            ((key, top),) = groups.items()
            return _Rational(top, dict(key) if top else {})
        common: dict[Any, int] = {}
        for key in groups:
            for factor, k in key:
                common[factor] = max(common.get(factor, 0), k)
        total = self.ring.zero
        for key, top in groups.items():
            have = dict(key)
            missing = {f: k - have.get(f, 0) for f, k in common.items() if k > have.get(f, 0)}
            total += self._product(top, self._expanded(missing))
        return _Rational(total, common if total else {})

    # -- relations ------------------------------------------------------------------------------------------------
    def _reduced(self, top: Any) -> Any:
        for _ in range(12):
            before = top
            if self.pairs:
                top = self._without(top)
            for place, power, becomes, over in self.rules:
                top = self._replaced(top, place, power, becomes, over)
            if not top or top == before:
                return top
        return top

    def _without(self, top: Any) -> Any:
        kept = {m: c for m, c in top.items() if not any(all(m[k] for k in pair) for pair in self.pairs)}
        return self.ring.from_dict(kept)

    def _replaced(self, top: Any, place: int, power: int, becomes: Any, over: Any) -> Any:
        """Return top · over^k with g^power replaced by becomes/over."""
        highest = max((m[place] // power for m in top), default=0)
        if not highest:
            return top
        groups: dict[int, dict[Any, Any]] = {}
        for m, c in top.items():
            k, rest = divmod(m[place], power)
            groups.setdefault(k, {})[(*m[:place], rest, *m[place + 1 :])] = c
        total = self.ring.zero
        for k, part in groups.items():
            piece = self.ring.from_dict(part)
            for _ in range(k):
                piece = self._product(piece, becomes)
            for _ in range(highest - k if over != 1 else 0):
                piece = self._product(piece, over)
            total += piece
        return total
