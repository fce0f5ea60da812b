"""The polygamma function of integer order, spelled by digamma and trigamma where they are meant."""

import sympy as sp

from symml.errors import NotSupportedError
from symml.language.expressions import Expression, Scalar
from symml.language.function import Function
from symml.language.operators import apply_lambda, call

_Z = sp.Symbol("z", positive=True)


def _build(order: Expression, x: Expression) -> Expression:
    m = order.value if isinstance(order, Scalar) else None
    if m is None or not m.is_Integer or m < 0:
        raise NotSupportedError(f"polygamma needs an order that is a number 0, 1, 2, ...; found {order}")
    if m <= 1:
        return call("digamma" if m == 0 else "trigamma", x)
    return apply_lambda(sp.Lambda(_Z, sp.polygamma(m, _Z)), x)


POLYGAMMA = Function(
    name="polygamma",
    kind="spelling",
    statement="polygamma(m, x) is the derivative of order m of digamma(x)",
    source="Abramowitz & Stegun, Handbook of Mathematical Functions, 6.4.1",
    build=_build,
    arity=(2, 2),
)
