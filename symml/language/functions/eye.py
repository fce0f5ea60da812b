"""The identity matrix of a given size."""

from symml.language.function import Function
from symml.language.operators import eye

EYE = Function(name="eye", kind="spelling", statement="eye(n) = I", build=eye)
