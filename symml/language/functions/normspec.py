"""The spectral norm: the largest singular value."""

import numpy as np

from symml.language.expressions import Expression
from symml.language.function import Function, node
from symml.language.function_shapes import matrix
from symml.language.operators import call

_shape = matrix("normspec", lambda rows, columns: ())


def _build(x: Expression) -> Expression:
    return node("normspec", _shape, x) if len(x.shape) > 1 else call("norm", x)


NORMSPEC = Function(
    name="normspec",
    kind="array",
    statement="d ‖X‖₂ = u₁ᵀ dX v₁ where the largest singular value is simple",
    source="Watson, Linear Algebra Appl. 170 (1992), 33-45, doi:10.1016/0024-3795(92)90407-2",
    shape=_shape,
    build=_build,
    numpy=lambda x: np.linalg.norm(x, 2),
    subgradient="normspec({x}) has no derivative where its largest singular value is repeated; "
    "the subgradient there is the convex hull of u vᵀ over the leading singular pairs.",
    latex=r"\operatorname{normspec}",
    properties=frozenset({"nonnegative"}),
)
