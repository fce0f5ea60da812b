"""The engine of canonical rewriting: which rules exist is told by the records in `canonical/`.

A rule is sound under its stated conditions and makes a stated measure smaller; it receives the constructors as an
argument, so that rules know nothing of the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any, TypeGuard

from symml.calculus.nodes import Apply, Ein, Factor, Indices, Leaf, Node
from symml.registry import discover


@dataclass(frozen=True)
class Build:
    """The constructors a rule may use."""

    ein: Callable[..., Node]
    total: Callable[..., Node]
    power: Callable[..., Node]
    apply_map: Callable[..., Node]
    operator: Callable[..., Node]
    is_symmetric: Callable[[Node], bool]
    base_and_exponent: Callable[[Node], tuple[Node, Fraction]]


@dataclass(frozen=True)
class Rewrite:
    """One rule: `on` is map, power, operator or product; `key` the function or operator it starts from ("" for any).

    `apply` returns the simpler node (product rules: the simpler state), or None when the rule does not apply.
    """

    name: str
    on: str
    key: str
    statement: str
    smaller: str
    apply: Callable[..., Any]


def is_transpose(x: Node) -> TypeGuard[Ein]:
    """Whether a node of order 2 is the plain transpose of another one."""
    return (
        isinstance(x, Ein)
        and x.coefficient == 1
        and len(x.factors) == 1
        and x.out == (0, 1)
        and x.factors[0][1] == (1, 0)
    )


def transposed(build: Build, x: Node) -> Node:
    """Return the transpose of a node of order 2."""
    return build.ein(1, [(x, (1, 0))], (0, 1), {0: x.shape[1], 1: x.shape[0]})


@cache
def rules(on: str, key: str) -> tuple[Rewrite, ...]:
    """Return the rules that may fire at a place."""
    return tuple(r for r in discover("symml.calculus.canonical", Rewrite) if r.on == on and r.key in ("", key))


def simplify_map(build: Build, name: str, x: Node) -> Node | None:
    """Return a simpler node for an elementwise function of x, if a rule knows one."""
    return _first(rules("map", name), build, x, name)


def simplify_power(build: Build, x: Node, q: Fraction) -> Node | None:
    """Return a simpler node for x^q."""
    return _first(rules("power", ""), build, x, q)


def simplify_operator(build: Build, op: str, args: Sequence[Node], param: Any) -> Node | None:
    """Return a simpler node for a primitive."""
    return _first(rules("operator", op), build, args, op, param)


def _first(found: Sequence[Rewrite], *arguments: Any) -> Node | None:
    for rule in found:
        node = rule.apply(*arguments)
        if node is not None:
            return node  # type: ignore[no-any-return]
    return None


State = tuple[Fraction, list[Factor], Indices]


def simplify_product(
    build: Build, coefficient: Fraction, factors: list[Factor], out: Indices, sizes: dict[int, Any]
) -> State:
    """Apply the product rules until none fires; `sizes` loses the indices a rule sums away."""
    state = (coefficient, factors, out)
    fired = bool(factors)
    while fired:
        fired = False
        for rule in rules("product", ""):
            simpler = rule.apply(build, state, sizes)
            if simpler is not None:
                state, fired = simpler, True
    return state


def reduced_exponent(base: Node, q: Fraction) -> Fraction:
    """Return the exponent after what is known of the base: y in {-1,1} gives y² = 1, a mask M² = M."""
    if q.denominator != 1:
        return q
    facts = facts_of(base)
    if "sign" in facts:
        return q % 2
    if "mask" in facts and q > 0:
        return Fraction(1)
    return q


def facts_of(node: Node) -> frozenset[str]:
    """Return what is known of every entry of a node."""
    if isinstance(node, Leaf):
        return node.facts
    if isinstance(node, Apply):
        if node.op == "map":
            return MAP_FACTS.get(node.param, frozenset())
        if node.op == "pow":
            inner = facts_of(node.children[0])
            even = node.param.denominator == 1 and node.param.numerator % 2 == 0
            return frozenset({"nonnegative"}) if even and "positive" not in inner else inner & SIGNS
        if node.op == "softmax":
            return frozenset({"positive", "nonnegative", "nonzero", "rows sum to one"})
    return frozenset()


SIGNS = frozenset({"positive", "nonnegative", "nonzero"})
MAP_FACTS = {
    "exp": SIGNS, "sigmoid": SIGNS, "softplus": SIGNS, "cosh": SIGNS, "normcdf": SIGNS,
    "abs": frozenset({"nonnegative"}),
    "relu": frozenset({"nonnegative"}), "step": frozenset({"mask", "nonnegative"}), "sqrt": frozenset({"nonnegative"}),
}  # fmt: skip
_PARITY = dict.fromkeys(("sin", "tan", "sinh", "tanh", "arctan", "erf", "sign"), "odd") | dict.fromkeys(
    ("cos", "cosh", "abs"), "even"
)


def parity(name: str) -> str:
    """Return odd, even or neither for an elementwise function."""
    return _PARITY.get(name, "neither")


def keeps_symmetry(op: str) -> bool:
    """Whether an operator of a symmetric matrix is symmetric (the projector always is)."""
    return op in ("map", "pow", "inv", "expm", "logm", "sqrtm", "sinm", "cosm", "frechet", "eigmaxprojector")
