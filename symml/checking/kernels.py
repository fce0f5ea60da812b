"""Kernels: what a SymPy expression is made of besides sums, products and integer powers, named one by one.

A kernel is exp of a monomial, a root, a logarithm, tanh, the side of a kink. Kinked functions become smooth pieces
times sides, so that away from kinks everything can be differentiated and compared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import sympy as sp

from symml.errors import NotSupportedError
from symml.language.scalar_functions import normcdf, relu, sigmoid, softplus, step

MULTIPLES = 6  # of an angle
SHIFTS = 12
TERMS = 1500  # of an argument that is multiplied out


class side(sp.Function):  # type: ignore[misc]  # noqa: N801
    """The sign of a real number that is not zero: constant, its square is one."""

    nargs = 1

    @classmethod
    def eval(cls, x: Any) -> Any:
        """Evaluate numbers; the sign of the argument moves outside, a product's is that of its factors."""
        if x.is_Mul or (x.is_Pow and x.exp.is_Integer):
            pairs = [(a.base, a.exp) if a.is_Pow and a.exp.is_Integer else (a, 1) for a in sp.Mul.make_args(x)]
            if all(a is not x for a, _ in pairs):
                return sp.Mul(*(cls(a) for a, k in pairs if k % 2))
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
    return replaced(value, _KINKED)


def replaced(root: Any, rules: Mapping[Any, Callable[..., Any]]) -> Any:
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


def _angle(part: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """The sine or the cosine of a sum and of small multiples by those of its terms."""

    def rule(x: Any) -> Any:
        sine, cosine = sp.S.Zero, sp.S.One
        for term in sp.Add.make_args(expanded(x)):
            c, m = term.as_coeff_Mul()
            times = abs(int(c)) if c.is_Integer and abs(c) <= MULTIPLES else 1
            s, t = (sp.sin(m), sp.cos(m)) if times == abs(c) else (sp.sin(term), sp.cos(term))
            s = -s if times == -c else s
            for _ in range(times):
                sine, cosine = sine * t + cosine * s, cosine * t - sine * s
        return part(sine, cosine)

    return rule


def _shifted(function: Any) -> Callable[..., Any]:
    """Γ(x + 1) = x Γ(x) and what follows from it, for small whole shifts."""

    def rule(*args: Any) -> Any:
        shift = args[-1].as_coeff_Add()[0]
        found = function(*args)
        return sp.expand_func(found) if abs(shift) <= SHIFTS else found

    return rule


def _log_gamma(x: Any) -> Any:
    shift, rest = x.as_coeff_Add()
    if not shift.is_Integer or abs(shift) > SHIFTS:
        return sp.loggamma(x)
    steps = [sp.log(rest + k) for k in range(int(shift))] + [-sp.log(rest + k) for k in range(int(shift), 0)]
    return sp.loggamma(rest) + sp.Add(*steps)


def _log_quotient(x: Any) -> Any:
    """Log of a quotient: what is positive in it apart."""
    if not (x.is_Add or x.is_Mul) or x.count_ops() > 60:
        return sp.log(x)
    above, below = sp.together(x).as_numer_denom()
    parts = [(f, k) for side_, k in ((above, 1), (below, -1)) for f in sp.Mul.make_args(side_)]
    apart = [(f, k) for f, k in parts if f.is_positive]
    rest = sp.Mul(*(f**k for f, k in parts if not f.is_positive))
    return sp.Add(*(k * sp.log(f) for f, k in apart)) + (sp.log(rest) if rest != 1 else 0)


AS_EXP: dict[Any, Callable[..., Any]] = {
    sigmoid: lambda x: 1 / (1 + sp.exp(-x)),
    softplus: lambda x: sp.log(1 + sp.exp(x)),
    sp.tanh: lambda x: 1 - 2 / (1 + sp.exp(2 * x)),
    sp.sinh: lambda x: (sp.exp(x) - sp.exp(-x)) / 2,
    sp.cosh: lambda x: (sp.exp(x) + sp.exp(-x)) / 2,
    sp.sin: _angle(lambda sine, cosine: sine),
    sp.cos: _angle(lambda sine, cosine: cosine),
    sp.tan: lambda x: _angle(lambda sine, cosine: sine / cosine)(x),
    sp.factorial: lambda x: _shifted(sp.gamma)(x + 1),
    sp.gamma: _shifted(sp.gamma),
    sp.loggamma: _log_gamma,
    sp.log: _log_quotient,
    sp.digamma: lambda x: _shifted(sp.polygamma)(sp.S.Zero, x),
    sp.polygamma: _shifted(sp.polygamma),
}


# -- kernels ------------------------------------------------------------------------------------------------------
class TooLargeError(NotSupportedError):
    """The proof needs more work than allowed."""


def expanded(value: Any) -> Any:
    """Return the expression multiplied out, if that leaves no more than TERMS terms."""
    terms: dict[Any, int] = {}
    for node in distinct(value):
        below = [terms[a] for a in node.args]
        if isinstance(node, sp.Add):
            terms[node] = sum(below)
        elif isinstance(node, sp.Mul):
            terms[node] = prod(below)
        elif isinstance(node, sp.Pow) and node.exp.is_Integer and node.exp > 0:
            terms[node] = below[0] ** min(int(node.exp), 64)
        else:
            terms[node] = 1
        if terms[node] > TERMS:
            raise TooLargeError("an argument is too large to be multiplied out")
    return sp.expand(value)


class Kernels:
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
            return self._circular(node, expanded(args[0]))
        if isinstance(node, sigmoid) and expanded(args[0]).could_extract_minus_sign():
            return 1 - self._name(sigmoid(expanded(-args[0])))
        if isinstance(node, (sp.tanh, sp.sinh, sp.erf)) and expanded(args[0]).could_extract_minus_sign():
            return -self._name(node.func(expanded(-args[0])))
        if not node.args:
            return self._name(node)
        return self._name(sp.Function(type(node).__name__)(*(expanded(a) for a in args)))

    def _circular(self, node: Any, x: Any) -> Any:
        sign = -1 if x.could_extract_minus_sign() else 1
        sine, cosine = self._name(sp.Function("sin")(sign * x)), self._name(sp.Function("cos")(sign * x))
        self.squares[sine] = 1 - cosine**2
        return sign * sine if isinstance(node, sp.sin) else cosine

    def _exp(self, x: Any) -> Any:
        logs = {name: kernel for kernel, name in self.names.items() if type(kernel).__name__ == "log"}
        found = []
        for term in sp.Add.make_args(expanded(x)):
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
            return self._exp(expanded(exponent * self._one(sp.log(sp.Dummy()), [base])))
        content, part = expanded(base).primitive() if not base.is_Rational else (base, sp.S.One)
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
    return expanded(x).primitive()[1]
