"""Whole powers of negative numbers: (−c)^n = (−1)^n c^n with (−1)^n a number whose square is one.

A power with a symbol in its exponent is exp(n log x); for a whole n that is a name for xⁿ, whatever the sign of x.
For proofs only, nothing here is shown.
"""

from __future__ import annotations

from symml.calculus.construct import apply_map, ein
from symml.calculus.nodes import Apply, Const, Ein, Leaf, Node, const, leaf

SIGN_FACTS = frozenset({"sign", "nonzero", "integer"})
MINUS = "−1"


def sign(of: str, exponents: frozenset[str] = frozenset()) -> Leaf:
    """Return the number ±1 named by what it is the sign of, raised to whole exponents (n n is as even as n)."""
    name = of + "".join(f" ^{e}" for e in sorted(exponents))
    return leaf((of, exponents), name, (), SIGN_FACTS)


def whole_power(node: Apply) -> Node:
    """Return exp(k log(a b)) as exp(k log a) exp(k log b), the sign of a negative number apart, for a whole k."""
    split = _split(node.children[0])
    if split is None:
        return node
    k, factors, base = split
    if isinstance(base, Leaf) and isinstance(base.payload, tuple) and base.facts >= SIGN_FACTS:
        of, exponents = base.payload
        more = frozenset(f.name for f in factors)
        return const(1) if k % 2 == 0 else sign(of, exponents | more)
    parts: list[tuple[Node, int]]
    if isinstance(base, Const) and base.value < 0:
        parts = [(sign(MINUS), 1), (const(-base.value), 1)]
    elif isinstance(base, Ein) and not base.out and (len(base.factors) > 1 or base.coefficient != 1) and not base.sizes:
        parts = [(const(base.coefficient), 1), *((f, 1) for f, _ in base.factors)]
    elif isinstance(base, Apply) and base.op == "pow" and base.param.denominator == 1:
        parts = [(base.children[0], int(base.param))]
    else:
        return node
    return ein(1, [(_power(b, k * q, factors), ()) for b, q in parts if b is not const(1)], (), {})


def _split(x: Node) -> tuple[int, list[Leaf], Node] | None:
    """Return k, whole symbols and b of k Π symbols log b."""
    if not isinstance(x, Ein) or x.sizes or x.coefficient.denominator != 1:
        return None
    logs = [f.children[0] for f, _ in x.factors if isinstance(f, Apply) and f.op == "map" and f.param == "log"]
    whole = [f for f, _ in x.factors if isinstance(f, Leaf) and "integer" in f.facts]
    if len(logs) != 1 or not whole or len(whole) != len(x.factors) - 1:
        return None
    return int(x.coefficient), whole, logs[0]


def _power(base: Node, k: int, factors: list[Leaf]) -> Node:
    """base^(k Π factors)."""
    logarithm = apply_map("log", base)
    found = apply_map("exp", ein(k, [(logarithm, ()), *((f, ()) for f in factors)], (), {}))
    return whole_power(found) if isinstance(found, Apply) and found.op == "map" and found.param == "exp" else found
