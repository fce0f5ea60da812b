"""A transpose in text: of a declared scalar it is a declaration that was forgotten."""

from __future__ import annotations

import sympy as sp

from symml.errors import DeclarationError
from symml.language import operators as op
from symml.language.expressions import Expression, Scalar
from symml.language.names import unicode_name


def transposed(base: Expression) -> Expression:
    """Return the transpose.

    Raises
    ------
    DeclarationError
        If a scalar symbol is transposed: a shape is missing in its declaration.
    """
    if isinstance(base, Scalar) and isinstance(base.value, sp.Symbol):
        name = unicode_name(base.value.name)
        shape = "m x n" if name[:1].isupper() else "n"
        raise DeclarationError(f'{name!r} is a scalar here but has a transpose. Declare it: "{name}: {shape}".')
    return op.transpose(base)
