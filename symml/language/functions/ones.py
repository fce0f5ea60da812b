"""The vector or matrix of ones of given sizes."""

from symml.language.expressions import Expression
from symml.language.function import Function
from symml.language.operators import as_dim, ones, scalar, transpose


def _build(*sizes: Expression) -> Expression:
    kept = [as_dim(s) for s in sizes]
    while kept and kept[-1] == 1:
        kept.pop()
    if len(kept) == 2 and kept[0] == 1:
        return transpose(ones(kept[1]))
    return ones(*kept) if kept else scalar(1)


ONES = Function(name="ones", kind="spelling", statement="ones(n) = 𝟏", build=_build, arity=(1, 3))
