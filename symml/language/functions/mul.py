"""The elementwise product."""

from symml.language.function import Function
from symml.language.operators import elementwise_product

MUL = Function(name="mul", kind="spelling", statement="mul(x, y) = x ⊙ y", build=elementwise_product, arity=(2, 99))
