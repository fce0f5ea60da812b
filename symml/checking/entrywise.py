"""Proof that an index form is zero entry by entry, as an exact identity of functions of numbers.

An entry of a symbol, or of anything that is no elementwise operation, is a number of which nothing is known but its
declared sign and values; softmax and logsumexp are written by exponentials and their sum.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp

from symml.calculus.construct import apply_map, ein, identity, is_symmetric, total
from symml.calculus.nodes import Apply, Const, Ein, Factor, Indices, Leaf, Node, Sum, walk
from symml.calculus.related import positive
from symml.calculus.rewriting import facts_of
from symml.checking.kernels import smooth_pieces
from symml.checking.vanishing import Facts, vanish
from symml.errors import NotSupportedError
from symml.language.function import functions
from symml.language.scalar_functions import step

SIZE_LIMIT = 250  # nodes
WORK = 40_000
JUMPS = (sp.sign, sp.Heaviside, sp.Piecewise, step)  # |x| = x s, s² = 1 holds at 0 too; sign x = s does not
FUNCTIONS = ("map", "pow", "softmax", "lse")


def zero_entrywise(node: Node) -> bool:
    """Whether every entry of a node is proved to be zero. False means: not proved."""
    for view in (node, *_summand(node)):
        parts = list(walk(view))
        if len(parts) > SIZE_LIMIT or not any(isinstance(p, Apply) and p.op in FUNCTIONS for p in parts):
            continue
        entries = _Entries()
        try:
            value = entries.of(view, identity(view))
            if not value.has(*JUMPS) and vanish([smooth_pieces(value)], entries.facts, WORK):
                return True
        except (NotSupportedError, ZeroDivisionError):
            continue
    return False


def _summand(node: Node) -> list[Node]:
    """Of a scalar Σ_i f_i + Σ_i g_i + n c the vector f + g + c: if that is zero, so is the sum."""
    if node.shape or not isinstance(node, Sum):
        return []
    summed = [t.sizes[i] for t in node.terms if isinstance(t, Ein) for i in range(len(t.sizes))]
    for size in dict.fromkeys(summed):
        terms = [_opened(t, size) for t in node.terms]
        if all(t is not None for t in terms):
            return [total([t for t in terms if t is not None], (size,))]
    return []


def _opened(term: Node, size: Any) -> Node | None:
    """A term without its sum over an axis of this size; a factor n is such a sum of ones."""
    coefficient, factors, sizes = (
        (term.coefficient, term.factors, dict(enumerate(term.sizes)))
        if isinstance(term, Ein)
        else (1, ((term, ()),), {})
    )
    axes = [i for i, s in sizes.items() if s == size]
    if len(axes) == 1:
        return ein(coefficient, list(factors), tuple(axes), sizes)
    left = None if axes else _without_count(factors, size)
    fresh = len(sizes)
    return None if left is None else ein(coefficient, left, (fresh,), sizes | {fresh: size})


def _without_count(factors: tuple[Factor, ...], size: Any) -> list[Factor] | None:
    for k, (f, _) in enumerate(factors):
        if isinstance(f, Leaf) and f.payload == size:
            return [*factors[:k], *factors[k + 1 :]]
    return None


Place = tuple[Node, Indices]


class _Entries:
    """SymPy expressions of the entries of nodes at labelled indices."""

    def __init__(self) -> None:
        self.facts = Facts({})
        self.atoms: dict[tuple[bytes, Indices], Any] = {}
        self.done: dict[Place, Any] = {}

    def of(self, node: Node, labels: Indices) -> Any:
        """Return the entry of a node."""
        waiting: list[Place] = [(node, labels)]
        while waiting:
            place = waiting[-1]
            below, join = self._parts(*place)
            missing = [p for p in below if p not in self.done]
            if missing:
                waiting.extend(missing)
                continue
            waiting.pop()
            if place not in self.done:
                self.done[place] = join([self.done[p] for p in below])
        return self.done[node, labels]

    def _parts(self, node: Node, labels: Indices) -> tuple[list[Place], Callable[[list[Any]], Any]]:
        """The entries an entry is made of, and how."""
        if isinstance(node, Const):
            value = sp.Rational(node.value.numerator, node.value.denominator)
            return [], lambda found: value
        if isinstance(node, Sum):
            return [(t, labels) for t in node.terms], lambda found: sp.Add(*found)
        if isinstance(node, Ein):
            return self._product(node, labels)
        if isinstance(node, Apply):
            rule = _RULES.get(node.op)
            if rule is not None:
                return rule(node, labels)
        return [], lambda found: self._atom(node, labels)

    def _product(self, node: Ein, labels: Indices) -> tuple[list[Place], Callable[[list[Any]], Any]]:
        names = dict(zip(node.out, labels, strict=True))
        if len(names) < len(node.out) and any(names[o] != k for o, k in zip(node.out, labels, strict=True)):
            return [], lambda found: self._atom(node, labels)
        coefficient = sp.Rational(node.coefficient.numerator, node.coefficient.denominator)
        plain = [(f, tuple(names[i] for i in idx)) for f, idx in node.factors if set(idx) <= set(names)]
        summed = [(f, idx) for f, idx in node.factors if not set(idx) <= set(names)]
        for group in _connected(summed, set(names)):
            used = dict.fromkeys(i for _, idx in group for i in idx)
            out = tuple(o for o in dict.fromkeys(node.out) if o in used)
            if coefficient == 1 and len(group) == len(node.factors) and out == node.out:
                return [], lambda found: self._atom(node, labels)
            inner = ein(1, group, out, {i: node.sizes[i] for i in used})
            plain.append((inner, tuple(names[i] for i in out)))
        return plain, lambda found: sp.Mul(coefficient, *found)

    def _atom(self, node: Node, labels: Indices) -> Any:
        if len(labels) == 2 and is_symmetric(node):
            labels = tuple(sorted(labels))
        sign = node.sign if not isinstance(node, Ein) else 1
        key = (node.unsigned if sign != 1 else node.digest, labels)
        if key not in self.atoms:
            facts = facts_of(node)
            assumed = {w: True for w in ("positive", "nonnegative", "negative", "nonzero") if w in facts}
            if isinstance(node, Ein) and positive(node):
                assumed = {"positive": True}
            found = sp.Symbol(f"a{len(self.atoms)}", real=True, **(assumed if sign == 1 else {}))
            values = (-1, 1) if "sign" in facts else (0, 1) if "mask" in facts else ()
            if values and sign == 1:
                self.facts = Facts({**self.facts.values, found: values})
            self.atoms[key] = found
        return sign * self.atoms[key]


def _connected(factors: list[Factor], fixed: set[int]) -> list[list[Factor]]:
    """Factors in groups that share summed indices."""
    groups: list[tuple[set[int], list[Factor]]] = []
    for f, idx in factors:
        own, members = set(idx) - fixed, [(f, idx)]
        apart = []
        for other, inside in groups:
            if other & own:
                own, members = own | other, inside + members
            else:
                apart.append((other, inside))
        groups = [*apart, (own, members)]
    return [members for _, members in groups]


# -- operators ----------------------------------------------------------------------------------------------------
def _map(node: Apply, labels: Indices) -> tuple[list[Place], Callable[[list[Any]], Any]]:
    if isinstance(node.param, sp.Lambda):
        return [(node.children[0], labels)], lambda found: node.param(*found)
    record = functions().get(node.param)
    if record is None or record.sympy is None:
        raise NotSupportedError(f"SymPy has no entries of {node.param}")
    scalar = record.sympy
    return [(node.children[0], labels)], lambda found: scalar(*found)


def _power(node: Apply, labels: Indices) -> tuple[list[Place], Callable[[list[Any]], Any]]:
    exponent = sp.Rational(node.param.numerator, node.param.denominator)
    return [(node.children[0], labels)], lambda found: found[0] ** exponent


def _exponentials(z: Node) -> Node:
    axes = identity(z)
    return ein(1, [(apply_map("exp", z), axes)], axes[:-1], dict(enumerate(z.shape)))


def _softmax(node: Apply, labels: Indices) -> tuple[list[Place], Callable[[list[Any]], Any]]:
    z = node.children[0]
    return [(z, labels), (_exponentials(z), labels[:-1])], lambda found: sp.exp(found[0]) / found[1]


def _lse(node: Apply, labels: Indices) -> tuple[list[Place], Callable[[list[Any]], Any]]:
    return [(_exponentials(node.children[0]), labels)], lambda found: sp.log(found[0])


_RULES: dict[str, Callable[[Apply, Indices], tuple[list[Place], Callable[[list[Any]], Any]]]] = {
    "map": _map, "pow": _power, "softmax": _softmax, "lse": _lse,
}  # fmt: skip
