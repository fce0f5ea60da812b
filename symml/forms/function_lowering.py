"""Index forms of the functions that are no elementwise maps: sums, norms, traces, diagonals, vec, kron, softmax, ..."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from symml.calculus.construct import (
    BUILD,
    apply_map,
    dimension,
    ein,
    identity,
    operator,
    own_sizes,
    power,
    transposed,
)  # fmt: skip
from symml.calculus.fusing import fuse
from symml.errors import NotSupportedError
from symml.forms.batches import Lowered, no_batch, own_axes, product, real_axes, spread, union
from symml.language.expressions import Call
from symml.language.frechet import MATRIX_FUNCTIONS, SUFFIX


def _sum(e: Call, parts: list[Lowered]) -> Lowered:
    own, sizes = own_axes(parts[0])
    return product(parts, [own], (), sizes)


def _norm(e: Call, parts: list[Lowered]) -> Lowered:
    own, sizes = own_axes(parts[0])
    squares = product([Lowered(power(parts[0].node, 2), parts[0].batch)], [own], (), sizes)
    return Lowered(power(squares.node, Fraction(1, 2)), squares.batch)


def _norm1(e: Call, parts: list[Lowered]) -> Lowered:
    own, sizes = own_axes(parts[0])
    return product([Lowered(apply_map("abs", parts[0].node), parts[0].batch)], [own], (), sizes)


def _trace(e: Call, parts: list[Lowered]) -> Lowered:
    return product(parts, [(100, 100)], (), {100: parts[0].axes[0]})


def _diag(e: Call, parts: list[Lowered]) -> Lowered:
    size = parts[0].axes[0]
    if len(parts[0].axes) == 1:
        return product(parts, [(100,)], (100, 100), {100: size})
    return product(parts, [(100, 100)], (100,), {100: size})


def _row_sum(e: Call, parts: list[Lowered]) -> Lowered:
    own, sizes = own_axes(parts[0])
    return product(parts, [own], own[:1], sizes)


def _column_sum(e: Call, parts: list[Lowered]) -> Lowered:
    own, sizes = own_axes(parts[0])
    return product(parts, [own], own[1:], sizes)


def _dot(e: Call, parts: list[Lowered]) -> Lowered:
    own, sizes = own_axes(parts[0])
    return product(parts, [own, own], (), sizes)


def _vec(e: Call, parts: list[Lowered]) -> Lowered:
    (part,) = parts
    no_batch(part, e)
    return Lowered(fuse(BUILD, transposed(part.node), (2,)) if len(part.axes) == 2 else part.node)


def _kron(e: Call, parts: list[Lowered]) -> Lowered:
    """A_ij B_kl with axes (ik, jl); a vector has no second axis."""
    a, b = parts
    no_batch(a, e)
    no_batch(b, e)
    rows = e.args[0].shape[:1] != (1,), e.args[1].shape[:1] != (1,)
    ia, ib = tuple(range(len(a.axes))), tuple(range(10, 10 + len(b.axes)))
    sizes = dict(zip((*ia, *ib), (*a.axes, *b.axes), strict=True))
    first = [*(ia[:1] if rows[0] else ()), *(ib[:1] if rows[1] else ())]
    second = [*(ia[1:] if rows[0] else ia), *(ib[1:] if rows[1] else ib)]
    product = ein(1, [(a.node, ia), (b.node, ib)], (*first, *second), sizes)
    return Lowered(fuse(BUILD, product, [len(g) for g in (first, second) if g]))


def _mean(e: Call, parts: list[Lowered]) -> Lowered:
    own, sizes = own_axes(parts[0])
    counts = [Lowered(power(dimension(d), -1)) for d in parts[0].axes]
    return product([*parts, *counts], [own, *(() for _ in counts)], (), sizes)


def _power(e: Call, parts: list[Lowered]) -> Lowered:
    """x^y entry by entry for an exponent that is an expression: exp(y log x)."""
    batch, axes = union(parts), real_axes(e)
    x, y = (spread(p, batch, axes) for p in parts)
    ids = identity(x)
    return Lowered(apply_map("exp", ein(1, [(y, ids), (apply_map("log", x), ids)], ids, own_sizes(x))), batch)


def _last_axis(op: str, keeps: bool) -> Callable[[Call, list[Lowered]], Lowered]:
    def handler(e: Call, parts: list[Lowered]) -> Lowered:
        (part,) = parts
        return Lowered(operator(op, (part.node,), part.node.shape if keeps else part.node.shape[:-1]), part.batch)

    return handler


def _square(op: str, keeps: bool) -> Callable[[Call, list[Lowered]], Lowered]:
    def handler(e: Call, parts: list[Lowered]) -> Lowered:
        no_batch(parts[0], e)
        return Lowered(operator(op, (parts[0].node,), parts[0].node.shape if keeps else ()))

    return handler


def _toeplitz(e: Call, parts: list[Lowered]) -> Lowered:
    if len(parts) > 1:
        raise NotSupportedError(f"{e}: a Toeplitz matrix with a first row of its own has no index form yet")
    no_batch(parts[0], e)
    size = parts[0].axes[0]
    return Lowered(operator("toeplitz", (parts[0].node,), (size, size)))


def _diagsums(e: Call, parts: list[Lowered]) -> Lowered:
    no_batch(parts[0], e)
    return Lowered(operator("diagsums", (parts[0].node,), parts[0].axes[:1]))


def _frechet(e: Call, parts: list[Lowered]) -> Lowered:
    for part in parts:
        no_batch(part, e)
    a, direction = (part.node for part in parts)
    return Lowered(operator("frechet", (a, direction), a.shape, e.function.removesuffix(SUFFIX)))


CALLS: dict[str, Callable[[Call, list[Lowered]], Lowered]] = {
    "sum": _sum, "mean": _mean, "norm": _norm, "norm1": _norm1, "trace": _trace, "diag": _diag, "rowsum": _row_sum,
    "colsum": _column_sum, "dot": _dot, "vec": _vec, "kron": _kron, "toeplitz": _toeplitz, "diagsums": _diagsums,
    "power": _power, "softmax": _last_axis("softmax", True), "logsumexp": _last_axis("lse", False),
    **{name: _square(name, False) for name in ("normnuc", "normspec", "eigmax", "logdet", "det")},
    **{name: _square(name, True) for name in (*MATRIX_FUNCTIONS, "eigmaxprojector")},
    **{name + SUFFIX: _frechet for name in MATRIX_FUNCTIONS},
}  # fmt: skip
