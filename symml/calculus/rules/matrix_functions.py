"""Differentials of functions of a matrix, of its singular values and of its largest eigenvalue.

The differential of f(A) is the Fréchet derivative L(A, dA). Under a trace it is tr(f′(A) dA); elsewhere it has no
matrix notation and is left as a primitive that nothing raises.
"""

from __future__ import annotations

from collections.abc import Sequence

from symml.calculus.construct import ein, operator, power, transposed
from symml.calculus.nodes import Apply, Node
from symml.calculus.rule import Rule
from symml.errors import MissingRuleError

HIGHAM = "Higham, Functions of Matrices, ch. 3"
MAGNUS = "Magnus & Neudecker, Matrix Differential Calculus, 3rd ed., ch. 9"
WATSON = "Watson, Linear Algebra Appl. 170 (1992), 33-45"


def _frechet(node: Apply, d: Sequence[Node | None]) -> Node:
    (a,), (da,) = node.children, d
    assert da is not None
    return operator("frechet", (a, da), a.shape, node.op)


def _frechet_back(node: Apply, place: int, adjoint: Node, lead: int) -> Node:
    """The adjoint of dA ↦ L(A, dA) is G ↦ L(Aᵀ, G)."""
    if lead:
        raise MissingRuleError(
            f"the Jacobian of {node.op} has no rule; take a scalar function of it, such as its trace"
        )
    return operator("frechet", (transposed(node.children[0]), adjoint), node.shape, node.op)


def _no_second(node: Apply, d: Sequence[Node | None]) -> Node:
    raise MissingRuleError(
        f"the derivative of {node.param} is known under a trace only; there is no rule for the next one"
    )


def _nuclear(node: Apply, d: Sequence[Node | None]) -> Node:
    (x,), (dx,) = node.children, d
    assert dx is not None
    n, k = x.shape
    gram = ein(1, [(x, (0, 1)), (x, (0, 2))], (1, 2), {0: n, 1: k, 2: k})
    root = operator("inv", (operator("sqrtm", (gram,), gram.shape),), gram.shape)
    return ein(1, [(x, (0, 1)), (root, (1, 2)), (dx, (0, 2))], (), {0: n, 1: k, 2: k})


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
        Rule(name, f"d_{name}", f"function of a matrix: d tr {name}(A) = tr({prime} dA)", HIGHAM, _frechet,
             _frechet_back)
        for name, prime in (("expm", "expm(A)"), ("logm", "A⁻¹"), ("sqrtm", "1/2 sqrtm(A)⁻¹"), ("sinm", "cosm(A)"),
                            ("cosm", "−sinm(A)"))
    ),
    Rule("frechet", "d_frechet", "second derivatives of functions of a matrix have no rule", HIGHAM, _no_second),
    Rule("normnuc", "d_nuclear_norm", "nuclear norm at full rank: d‖X‖∗ = tr((X (XᵀX)^(−1/2))ᵀ dX)", WATSON, _nuclear),
    Rule("normspec", "d_spectral_norm", "spectral norm, largest singular value simple: d‖X‖₂ = uᵀ dX v", MAGNUS,
         _spectral),
    Rule("eigmax", "d_largest_eigenvalue", "simple largest eigenvalue of a symmetric matrix: dλ = vᵀ dS v", MAGNUS,
         _largest),
)  # fmt: skip
