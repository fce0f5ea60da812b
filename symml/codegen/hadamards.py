"""Elementwise products: quotients, repeated factors, parts that other products share, σ(z) ⊙ (1 − σ(z))."""

from __future__ import annotations

from collections import Counter

import sympy as sp

from symml.codegen import arrays
from symml.codegen.graph import Node
from symml.codegen.numpy_rows import logistic_variance
from symml.codegen.translation import Translation, array_shape
from symml.language.expressions import Add, Call, ElemPow, Expression, Hadamard, Mul, Ones, Scalar, Symbol


def hadamard_needs(state: Translation, e: Hadamard) -> tuple[Expression, ...]:
    """Return the expressions whose values an elementwise product is made of."""
    z = _logistic_variance(e)
    if z is not None:
        return (z[0], *z[1])
    return tuple(_quotient(a)[0] for a in state.parts.get(e, e.args))


def multiset(e: Hadamard) -> Counter[Expression]:
    """Return the factors with their counts; a factor of zeros and ones counts once."""
    counts = Counter(e.args)
    return Counter({a: 1 if isinstance(a, Symbol) and "mask" in a.facts else n for a, n in counts.items()})


def _quotient(e: Expression) -> tuple[Expression, sp.Expr]:
    """Return a factor as (base, exponent), negative exponents only."""
    return (e.args[0], e.exponent) if isinstance(e, ElemPow) and e.exponent.is_negative else (e, sp.S.One)


def hadamard(state: Translation, e: Hadamard) -> Node:
    """Return the node of an elementwise product."""
    g, shape = state.graph, array_shape(e.shape)
    variance = _logistic_variance(e)
    if variance is not None:
        z, rest = variance
        first = logistic_variance(g, shape, state.nodes[z])
        return arrays.multiply(g, [(first, 1), *((state.nodes[a], 1) for a in rest)], shape)
    factors: list[tuple[Node, int]] = []
    counts = Counter(state.parts[e]) if e in state.parts else multiset(e)
    for base, count in counts.items():
        inner, exponent = _quotient(base)
        node = state.nodes[inner]
        if exponent.is_negative:
            factors.append((arrays.power(g, node, -exponent * count) if exponent * count != -1 else node, -1))
        elif count > 1:
            factors.append((arrays.power(g, node, sp.Integer(count)), 1))
        else:
            factors.append((node, 1))
    factors.sort(key=lambda f: -f[1])
    return arrays.multiply(g, factors, shape)


def _logistic_variance(e: Hadamard) -> tuple[Expression, tuple[Expression, ...]] | None:
    """Return the z of a factor pair σ(z) ⊙ (1 − σ(z)), and the other factors."""
    for s in e.args:
        if isinstance(s, Call) and s.function == "sigmoid":
            for other in e.args:
                if isinstance(other, Add) and len(other.args) == 2 and _one_minus(other, s):
                    rest = list(e.args)
                    rest.remove(s)
                    rest.remove(other)
                    return s.args[0], tuple(rest)
    return None


def _one_minus(e: Add, s: Expression) -> bool:
    ones = any((isinstance(a, Scalar) and a.value == 1) or isinstance(a, Ones) for a in e.args)
    return ones and any(isinstance(a, Mul) and a.coefficient == -1 and a.args == (s,) for a in e.args)
