"""The nuclear norm: the sum of the singular values."""

import numpy as np

from symml.language.expressions import Expression
from symml.language.function import Function, node
from symml.language.function_shapes import matrix
from symml.language.operators import call

_shape = matrix("normnuc", lambda rows, columns: ())


def _build(x: Expression) -> Expression:
    return node("normnuc", _shape, x) if len(x.shape) > 1 else call("norm", x)


NORMNUC = Function(
    name="normnuc",
    kind="array",
    statement="d ‖X‖∗ = ⟨U Vᵀ, dX⟩, X = U S Vᵀ, where X has full rank",
    source="Watson, Linear Algebra Appl. 170 (1992), 33-45, doi:10.1016/0024-3795(92)90407-2",
    shape=_shape,
    build=_build,
    numpy=lambda x: np.sum(np.linalg.svd(x, compute_uv=False)),
    subgradient="normnuc({x}) has no derivative where {x} has not full rank; the subgradient there is U Vᵀ + M, "
    "Uᵀ M = 0, M V = 0, normspec(M) <= 1.",
    latex=r"\operatorname{normnuc}",
    properties=frozenset({"nonnegative"}),
)
