"""Differentials of functions of a matrix, of its singular values and of its largest eigenvalue.

The differential of f(A) is the Fréchet derivative L(A, dA); under a trace it is tr(f′(A) dA).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from symml.calculus.construct import ein, is_symmetric, operator, power, times, total, transposed
from symml.calculus.nodes import Apply, Leaf, Node
from symml.calculus.rule import Rule
from symml.errors import MissingRuleError

HIGHAM = "Higham, Functions of Matrices, ch. 3"
MAGNUS = "Magnus & Neudecker, Matrix Differential Calculus, 3rd ed., ch. 9"
WATSON = "Watson, Linear Algebra Appl. 170 (1992), 33-45"


def _function(node: Apply, d: Sequence[Node | None]) -> Node:
    (a,), (da,) = node.children, d
    assert da is not None
    return operator("frechet", (a, da), da.shape, node.op)


def _function_back(node: Apply, place: int, adjoint: Node, lead: int) -> Node:
    """The adjoint of dA ↦ L(A, dA) is G ↦ L(Aᵀ, G), on the last two axes."""
    return operator("frechet", (transposed(node.children[0]), adjoint), adjoint.shape, node.op)


def _frechet(node: Apply, d: Sequence[Node | None]) -> Node:
    (a, _), (da, de) = node.children, d
    if da is not None or de is None:
        raise _no_second(node)
    return operator("frechet", (a, de), de.shape, node.param)


def _frechet_back(node: Apply, place: int, adjoint: Node, lead: int) -> Node:
    if place == 0:
        raise _no_second(node)
    return operator("frechet", (transposed(node.children[0]), adjoint), adjoint.shape, node.param)


def _no_second(node: Apply) -> MissingRuleError:
    return MissingRuleError(
        f"the derivative of {node.param} away from a trace is its Fréchet derivative, and the derivative of that "
        "has no rule; first derivatives are available"
    )


def _projector(node: Apply, d: Sequence[Node | None]) -> Node:
    """R dS P + P dS R, with the pseudo-inverse R of λ I − S as (λ I − S + P)⁻¹ − P: this inverse exists."""
    (a,), (da,) = node.children, d
    assert da is not None
    n = a.shape[0]
    s, ds = (_symmetric_part(x) for x in (a, da))
    top = ein(1, [(operator("eigmax", (a,), ()), ())], (0, 0), {0: n})
    shifted = total([top, times(-1, s), node], node.shape)
    r = total([operator("inv", (shifted,), node.shape), times(-1, node)], node.shape)
    sizes = dict.fromkeys(range(4), n)
    one, other = ([(p, (0, 1)), (ds, (1, 2)), (q, (2, 3))] for p, q in ((r, node), (node, r)))
    return total([ein(1, one, (0, 3), sizes), ein(1, other, (0, 3), sizes)], node.shape)


def _nuclear(node: Apply, d: Sequence[Node | None]) -> Node:
    """tr(Pᵀ dX) with the polar factor P = X (XᵀX)^(−1/2), or (XXᵀ)^(−1/2) X of a matrix with more columns than rows."""
    (x,), (dx,) = node.children, d
    assert dx is not None
    n, k = x.shape
    wide = isinstance(x, Leaf) and "full row rank" in x.facts and "full column rank" not in x.facts
    if wide or (isinstance(n, int) and isinstance(k, int) and n < k):
        root = _inverse_root(ein(1, [(x, (0, 2)), (x, (1, 2))], (0, 1), {0: n, 1: n, 2: k}))
        return ein(1, [(root, (0, 1)), (x, (1, 2)), (dx, (0, 2))], (), {0: n, 1: n, 2: k})
    root = _inverse_root(ein(1, [(x, (0, 1)), (x, (0, 2))], (1, 2), {0: n, 1: k, 2: k}))
    return ein(1, [(x, (0, 1)), (root, (1, 2)), (dx, (0, 2))], (), {0: n, 1: k, 2: k})


def _inverse_root(gram: Node) -> Node:
    return operator("inv", (operator("sqrtm", (gram,), gram.shape),), gram.shape)


def _symmetric_part(x: Node) -> Node:
    return x if is_symmetric(x) else times(Fraction(1, 2), total([x, transposed(x)], x.shape))


def _spectral(node: Apply, d: Sequence[Node | None]) -> Node:
    (x,), (dx,) = node.children, d
    assert dx is not None
    n, k = x.shape
    gram = ein(1, [(x, (0, 1)), (x, (0, 2))], (1, 2), {0: n, 1: k, 2: k})
    top = operator("eigmaxprojector", (gram,), gram.shape)
    return ein(1, [(power(node, -1), ()), (x, (0, 1)), (top, (1, 2)), (dx, (0, 2))], (), {0: n, 1: k, 2: k})


def _largest(node: Apply, d: Sequence[Node | None]) -> Node:
    (a,), (da,) = node.children, d
    assert da is not None
    n = a.shape[0]
    return ein(1, [(operator("eigmaxprojector", (a,), a.shape), (0, 1)), (da, (0, 1))], (), {0: n, 1: n})


RULES = (
    *(
        Rule(name, f"d_{name}",
             f"function of a matrix: d {name}(A) = {name}_frechet(A, dA), d tr {name}(A) = tr({prime} dA)", HIGHAM,
             _function, _function_back)
        for name, prime in (("expm", "expm(A)"), ("logm", "A⁻¹"), ("sqrtm", "1/2 sqrtm(A)⁻¹"), ("sinm", "cosm(A)"),
                            ("cosm", "−sinm(A)"))
    ),
    Rule("frechet", "d_frechet", "the Fréchet derivative is linear in its direction: dL(A, E) = L(A, dE)", HIGHAM,
         _frechet, _frechet_back),
    Rule("normnuc", "d_nuclear_norm", "nuclear norm at full column rank: d‖X‖∗ = tr((X (XᵀX)^(−1/2))ᵀ dX)", WATSON,
         _nuclear),
    Rule("normspec", "d_spectral_norm", "spectral norm, largest singular value simple: d‖X‖₂ = uᵀ dX v", MAGNUS,
         _spectral),
    Rule("eigmaxprojector", "d_eigenprojector", "projector on a simple largest eigenvalue: dP = R dS P + P dS R, "
         "R = (λ I − S)⁺ = (λ I − S + P)⁻¹ − P", MAGNUS, _projector),
    Rule("eigmax", "d_largest_eigenvalue", "simple largest eigenvalue of a symmetric matrix: dλ = vᵀ dS v", MAGNUS,
         _largest),
)  # fmt: skip
