"""Whether SymPy expressions vanish identically: rational functions of kernels, exactly, without greatest common divisors.

A kernel is what is no sum, product or integer power: exp of a monomial, a root, a logarithm, tanh, the side of a kink.
Known relations between kernels (a root's power, a sign's square) reduce the numerator; a numerator that becomes zero
is a proof, one that does not proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from math import lcm
from typing import Any

import sympy as sp
from sympy.polys.rings import PolyRing

from symml.errors import NotSupportedError
from symml.language.scalar_functions import normcdf, relu, sigmoid, softplus, step

WORK = 400_000  # products of terms; about half a second
ROOT_LIMIT = 24


class side(sp.Function):  # type: ignore[misc]  # noqa: N801
    """The sign of a real number that is not zero: constant, its square is one."""

    nargs = 1

    @classmethod
    def eval(cls, x: Any) -> Any:
        """Evaluate numbers; the sign of the argument moves outside."""
        if len(x.args) < 4:  # the sign of a large sum is not looked for
            if x.is_extended_positive:
                return sp.S.One
            if x.is_extended_negative:
                return sp.S.NegativeOne
        return -cls(-x) if x.could_extract_minus_sign() else None

    def fdiff(self, argindex: int = 1) -> Any:
        """Return 0: the sign is constant between its jumps."""
        return sp.S.Zero


def smooth_pieces(value: Any) -> Any:
    """Return the value with |x|, max, step and their like in terms of `side`; equal away from kinks."""
    return _replaced(value, _KINKED)


def _replaced(root: Any, rules: Mapping[Any, Callable[..., Any]]) -> Any:
    """Return the expression with functions replaced, every shared part once."""
    done: dict[Any, Any] = {}
    for node in distinct(root):
        args = [done[a] for a in node.args]
        rule = rules.get(node.func) if args else None
        changed = any(a is not b for a, b in zip(args, node.args, strict=True))
        done[node] = rule(*args) if rule else node.func(*args) if changed else node
    return done[root]


def distinct(*roots: Any) -> list[Any]:
    """Return every distinct part of SymPy expressions, arguments first."""
    seen: set[Any] = set()
    order: list[Any] = []
    stack = [(r, False) for r in reversed(roots)]
    while stack:
        node, done = stack.pop()
        if done:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((a, False) for a in reversed(node.args))
    return order


def _extreme(sign: int) -> Callable[..., Any]:
    def rule(*args: Any) -> Any:
        found = args[0]
        for x in args[1:]:
            found = (found + x + sign * (found - x) * side(found - x)) / 2
        return found

    return rule


def _piecewise(*pieces: Any) -> Any:
    found = pieces[-1][0]
    for value, condition in reversed(pieces[:-1]):
        if not isinstance(condition, (sp.Gt, sp.Ge, sp.Lt, sp.Le)):
            raise NotSupportedError(f"a condition {condition} has no smooth pieces")
        holds = (1 + side(condition.gts - condition.lts)) / 2
        found = holds * value + (1 - holds) * found
    return found


_KINKED: dict[Any, Callable[..., Any]] = {
    relu: lambda x: x * (1 + side(x)) / 2,
    step: lambda x: (1 + side(x)) / 2,
    sp.Piecewise: _piecewise,
    sp.Max: _extreme(1),
    sp.Min: _extreme(-1),
    sp.Abs: lambda x: x * side(x),
    sp.sign: side,
    sp.Heaviside: lambda x, *_: (1 + side(x)) / 2,
    normcdf: lambda x: (1 + sp.erf(x / sp.sqrt(2))) / 2,
}
_AS_EXP: dict[Any, Callable[..., Any]] = {
    sigmoid: lambda x: 1 / (1 + sp.exp(-x)),
    softplus: lambda x: sp.log(1 + sp.exp(x)),
    sp.tanh: lambda x: 1 - 2 / (1 + sp.exp(2 * x)),
    sp.sinh: lambda x: (sp.exp(x) - sp.exp(-x)) / 2,
    sp.cosh: lambda x: (sp.exp(x) + sp.exp(-x)) / 2,
    sp.tan: lambda x: sp.sin(x) / sp.cos(x),
}


class TooLargeError(NotSupportedError):
    """The proof needs more work than allowed."""


@dataclass
class Facts:
    """What is known of symbols: a monic polynomial that vanishes on each, pairs whose product is zero."""

    values: Mapping[Any, tuple[Any, ...]] = field(default_factory=dict)
    exclusive: tuple[frozenset[Any], ...] = ()


def vanish(differences: Iterable[Any], facts: Facts) -> bool:
    """Whether every expression is proved to be zero; False means not proved."""
    found = list(differences)
    if all(d == 0 for d in found):
        return True
    try:
        if _vanish(found, facts):
            return True
        if not any(node.func in _AS_EXP for node in distinct(*found)):
            return False
        return _vanish([_replaced(d, _AS_EXP) for d in found], facts)
    except TooLargeError:
        return False


def _vanish(found: list[Any], facts: Facts) -> bool:
    kernels = _Kernels()
    rewritten = [kernels.rewrite(d) for d in found]
    field_ = _Field(kernels, rewritten, facts)
    return all(field_.is_zero(d) for d in rewritten)


# -- kernels ------------------------------------------------------------------------------------------------------
class _Kernels:
    """Expressions rewritten in generators: symbols and kernels; `roots` maps a generator to what its power is."""

    def __init__(self) -> None:
        self.names: dict[Any, Any] = {}  # kernel -> generator
        self.roots: dict[Any, Any] = {}  # generator -> base in generators
        self.squares: dict[Any, Any] = {}  # generator -> its square in generators
        self.done: dict[Any, Any] = {}

    def rewrite(self, root: Any) -> Any:
        """Return an expression of sums, products and rational powers of generators."""
        waiting = [root]
        while waiting:
            node = waiting[-1]
            missing = [a for a in node.args if a not in self.done]
            if missing:
                waiting.extend(missing)
                continue
            waiting.pop()
            if node not in self.done:
                self.done[node] = self._one(node, [self.done[a] for a in node.args])
        return self.done[root]

    def _name(self, kernel: Any) -> Any:
        if kernel not in self.names:
            self.names[kernel] = sp.Dummy(f"k{len(self.names)}")
        return self.names[kernel]

    def _one(self, node: Any, args: list[Any]) -> Any:
        if isinstance(node, (sp.Rational, sp.Symbol)):
            return node
        if isinstance(node, sp.Add):
            return sp.Add(*args)
        if isinstance(node, sp.Mul):
            return sp.Mul(*args)
        if isinstance(node, sp.exp):
            return self._exp(args[0])
        if isinstance(node, sp.Pow):
            return self._power(*args)
        if isinstance(node, side):
            name = self._name(side(_primitive(args[0])))
            self.squares[name] = sp.S.One
            return name
        if isinstance(node, (sp.sin, sp.cos)):
            return self._circular(node, sp.expand(args[0]))
        if isinstance(node, sigmoid) and sp.expand(args[0]).could_extract_minus_sign():
            return 1 - self._name(sigmoid(sp.expand(-args[0])))
        if isinstance(node, (sp.tanh, sp.sinh, sp.erf)) and sp.expand(args[0]).could_extract_minus_sign():
            return -self._name(node.func(sp.expand(-args[0])))
        if not node.args:
            return self._name(node)
        return self._name(sp.Function(type(node).__name__)(*(sp.expand(a) for a in args)))

    def _circular(self, node: Any, x: Any) -> Any:
        sign = -1 if x.could_extract_minus_sign() else 1
        sine, cosine = self._name(sp.Function("sin")(sign * x)), self._name(sp.Function("cos")(sign * x))
        self.squares[sine] = 1 - cosine**2
        return sign * sine if isinstance(node, sp.sin) else cosine

    def _exp(self, x: Any) -> Any:
        logs = {name: kernel for kernel, name in self.names.items() if type(kernel).__name__ == "log"}
        found = []
        for term in sp.Add.make_args(sp.expand(x)):
            c, m = term.as_coeff_Mul()
            if m in logs:
                found.append(self._power(logs[m].args[0], c))
            else:
                found.append(self._name(sp.exp(m, evaluate=False)) ** c)
        return sp.Mul(*found)

    def _power(self, base: Any, exponent: Any) -> Any:
        if exponent.is_Integer:
            return base**exponent
        if not exponent.is_Rational:
            return self._exp(sp.expand(exponent * self._one(sp.log(sp.Dummy()), [base])))
        content, part = sp.expand(base).primitive() if not base.is_Rational else (base, sp.S.One)
        found = sp.S.One
        for prime, k in sp.factorint(content.p).items() if content.is_Rational else ():
            found *= self._root(sp.Integer(prime), exponent * k)
        for prime, k in sp.factorint(content.q).items() if content.is_Rational else ():
            found *= self._root(sp.Integer(prime), -exponent * k)
        return found * self._root(part, exponent) if part != 1 else found

    def _root(self, base: Any, exponent: Any) -> Any:
        if exponent.is_Integer:
            return base**exponent
        name = self._name(sp.Function("root")(base))
        self.roots[name] = base
        return name**exponent


def _primitive(x: Any) -> Any:
    return sp.expand(x).primitive()[1]


# -- rational functions -------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class _Rational:
    """A polynomial over a product of powers of polynomials."""

    top: Any
    bottom: Mapping[Any, int]


class _Field:
    """Arithmetic of rational functions in the generators, denominators kept factored, within a budget of work."""

    def __init__(self, kernels: _Kernels, expressions: list[Any], facts: Facts) -> None:
        every = [*expressions, *kernels.roots.values(), *kernels.squares.values()]
        parts = distinct(*every)
        gens = sorted({s for s in parts if s.is_Symbol} | set(kernels.roots), key=str)
        self.scale = dict.fromkeys(gens, 1)
        for p in parts:
            if p.is_Pow and p.exp.is_Rational and p.base.is_Symbol:
                self.scale[p.base] = lcm(self.scale[p.base], int(p.exp.q))
        if max(self.scale.values(), default=1) > ROOT_LIMIT:
            raise TooLargeError("roots of high degree")
        self.ring = PolyRing([f"g{k}" for k in range(len(gens))], sp.ZZ, sp.lex) if gens else None
        self.gens = dict(zip(gens, self.ring.gens, strict=True)) if self.ring else {}
        self.place = {g: k for k, g in enumerate(gens)}
        self.work = WORK
        self.done: dict[Any, _Rational] = {}
        self.rules: list[tuple[int, int, Any, Any]] = []  # generator, power, what it becomes over what
        self._relations(kernels, facts)

    def _relations(self, kernels: _Kernels, facts: Facts) -> None:
        one = self.ring.one if self.ring else None
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


__all__ = ["Facts", "TooLargeError", "side", "smooth_pieces", "vanish"]
