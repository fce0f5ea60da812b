"""Functions of a matrix: views move outside, a Fréchet derivative under a trace closes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from symml.calculus.nodes import Apply, Ein, Node
from symml.calculus.rewriting import Build, Rewrite, State, is_transpose, transposed

NAMES = ("expm", "logm", "sqrtm", "sinm", "cosm")


def _view(build: Build, args: Sequence[Node], op: str, param: Any) -> Node | None:
    """f(Aᵀ) = f(A)ᵀ."""
    (x,) = args
    if is_transpose(x):
        return transposed(build, build.operator(op, (x.factors[0][0],), x.shape))
    return None


def _symmetric_view(build: Build, args: Sequence[Node], op: str, param: Any) -> Node | None:
    """The largest eigenvalue and its projector see the symmetric part only."""
    (x,) = args
    if is_transpose(x):
        return build.operator(op, (x.factors[0][0],), () if op == "eigmax" else x.shape)
    return None


def _frechet_of_multiple(build: Build, args: Sequence[Node], op: str, param: Any) -> Node | None:
    """L(A, I) = f′(A), and L(t A, A) = A f′(t A)."""
    a, d = args
    if isinstance(d, Ein) and d.out == (0, 0) and not d.factors and d.coefficient == 1:
        return _slope(build, param, a)
    if _bare(build, a) is not d:
        return None
    n = a.shape[0]
    return build.ein(1, [(d, (0, 1)), (_slope(build, param, a), (1, 2))], (0, 2), dict.fromkeys(range(3), n))


def _bare(build: Build, a: Node) -> Node:
    """A matrix without its number and its factors of order 0."""
    if not isinstance(a, Ein) or a.coefficient == 0:
        return a
    rest = [f for f in a.factors if f[1] != ()]
    return build.ein(1, rest, a.out, dict(enumerate(a.sizes)))


def _frechet_of_view(build: Build, args: Sequence[Node], op: str, param: Any) -> Node | None:
    """L(Aᵀ, E) = L(A, Eᵀ)ᵀ."""
    a, d = args
    if len(d.shape) != 2 or not (is_transpose(a) or (build.is_symmetric(a) and is_transpose(d))):
        return None
    return transposed(build, build.operator(op, (transposed(build, a), transposed(build, d)), a.shape, param))


def _frechet_under_trace(build: Build, state: State, sizes: dict[int, Any]) -> State | None:
    """Tr L(A, D) = tr(f′(A) D)."""
    coefficient, factors, out = state
    for k, (f, idx) in enumerate(factors):
        if not (isinstance(f, Apply) and f.op == "frechet" and len(idx) == 2) or idx[0] != idx[1] or idx[0] in out:
            continue
        if Counter(i for _, other in factors for i in other)[idx[0]] > 2:
            continue
        a, d = f.children
        fresh = max(sizes) + 1
        sizes[fresh] = a.shape[0]
        slope = _slope(build, f.param, a)
        return coefficient, [*factors[:k], (slope, (fresh, idx[0])), (d, (idx[0], fresh)), *factors[k + 1 :]], out
    return None


def _slope(build: Build, name: str, a: Node) -> Node:
    """f′(A) of a function of a matrix."""
    axes, sizes = (0, 1), {0: a.shape[0], 1: a.shape[1]}
    if name == "logm":
        return build.operator("inv", (a,), a.shape)
    if name == "sqrtm":
        root = build.operator("sqrtm", (a,), a.shape)
        return build.ein(Fraction(1, 2), [(build.operator("inv", (root,), a.shape), axes)], axes, sizes)
    found = build.operator({"expm": "expm", "sinm": "cosm", "cosm": "sinm"}[name], (a,), a.shape)
    return build.ein(-1 if name == "cosm" else 1, [(found, axes)], axes, sizes)


RULES = (
    *(Rewrite(f"{n}_of_view", "operator", n, f"{n}(Aᵀ) = {n}(A)ᵀ", "size under the function", _view) for n in NAMES),
    *(
        Rewrite(f"{n}_of_transpose", "operator", n, f"{n}(Aᵀ) = {n}(A)", "size under the function", _symmetric_view)
        for n in ("eigmax", "eigmaxprojector")
    ),
    Rewrite(
        "frechet_along_itself", "operator", "frechet", "L(A, I) = f′(A), L(t A, A) = A f′(t A)", "Fréchet derivatives",
        _frechet_of_multiple,
    ),
    Rewrite(
        "frechet_of_view", "operator", "frechet", "L(Aᵀ, E) = L(A, Eᵀ)ᵀ", "transposes under L", _frechet_of_view
    ),
    Rewrite(
        "frechet_under_trace", "product", "", "tr L(A, D) = tr(f′(A) D)", "Fréchet derivatives", _frechet_under_trace
    ),
)
