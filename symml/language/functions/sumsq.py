"""The sum of squares: the squared Euclidean or Frobenius norm."""

from symml.language.expressions import Expression
from symml.language.function import Function
from symml.language.operators import call, power


def _build(x: Expression) -> Expression:
    return power(call("norm", x), 2) if x.shape else power(x, 2)


SUMSQ = Function(name="sumsq", kind="spelling", statement="sumsq(x) = ‖x‖²", build=_build)
