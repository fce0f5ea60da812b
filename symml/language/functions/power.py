"""The elementwise power; a `Call` node only where the exponent is not a pure scalar."""

import numpy as np

from symml.errors import ShapeError
from symml.language.expressions import Expression, Scalar, Shape
from symml.language.function import Function, node
from symml.language.operators import call, elementwise_power, elementwise_product, show_shape
from symml.language.properties import Domain


def _shape(base: Shape, exponent: Shape) -> Shape:
    if base and exponent and base != exponent:
        raise ShapeError(f"power needs arrays of one shape, found {show_shape(base)} and {show_shape(exponent)}")
    return base or exponent


def _build(base: Expression, exponent: Expression) -> Expression:
    return elementwise_power(base, exponent) if isinstance(exponent, Scalar) else node("power", _shape, base, exponent)


POWER = Function(
    name="power",
    kind="array",
    statement="d (x^y) = x^y ⊙ (dy ⊙ log(x) + y ⊙ dx ⊘ x), x > 0",
    source="Magnus & Neudecker, Matrix Differential Calculus, 3rd ed., ch. 5",
    shape=_shape,
    build=_build,
    definition=lambda base, exponent: call("exp", elementwise_product(exponent, call("log", base))),
    numpy=np.power,
    domain=Domain(low=0),
    typical=(0.3, 2.0),
    arity=(2, 2),
    latex=r"\operatorname{power}",
)
