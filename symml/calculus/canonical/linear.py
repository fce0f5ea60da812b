"""Linear rearrangements of entries: scalar factors move outside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symml.calculus.nodes import Ein, Node
from symml.calculus.rewriting import Build, Rewrite


def _scalars_out(build: Build, args: Sequence[Node], op: str, param: Any) -> Node | None:
    (x,) = args
    if not isinstance(x, Ein) or x.coefficient == 0:
        return None
    scalars = [(f, idx) for f, idx in x.factors if idx == ()]
    if x.coefficient == 1 and not scalars:
        return None
    rest = build.ein(1, [f for f in x.factors if f[1] != ()], x.out, dict(enumerate(x.sizes)))
    size = x.shape[0]
    shape = (size, size) if op == "toeplitz" else (size,)
    axes = tuple(range(len(shape)))
    return build.ein(
        x.coefficient, [*scalars, (build.operator(op, (rest,), shape), axes)], axes, dict(enumerate(shape))
    )


RULES = tuple(
    Rewrite(f"{op}_of_multiple", "operator", op, f"{op}(c x) = c {op}(x)", "size under the operator", _scalars_out)
    for op in ("toeplitz", "diagsums")
)
