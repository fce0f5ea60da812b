"""The elementwise quotient."""

from symml.language.function import Function
from symml.language.operators import elementwise_division

DIV = Function(name="div", kind="spelling", statement="div(x, y) = x ⊘ y", build=elementwise_division, arity=(2, 2))
