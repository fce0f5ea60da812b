"""One generated function of several results of a derivation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from symml.codegen.lambdify import lambdify
from symml.errors import NotSupportedError
from symml.language.expressions import Expression, Symbol
from symml.language.symbols import is_dimension

if TYPE_CHECKING:
    from symml.derivation.derivation import Derivation

OUTPUTS = ("value", "gradient", "hessian", "jacobian", "derivative")


def joint_function(derivation: Derivation, outputs: Sequence[str]) -> Any:
    """Return one NumPy function of the named outputs; see `Derivation.lambdify`."""
    found: list[Expression] = []
    for name in outputs:
        found.extend(_results(derivation, name))
    occurring = {s for e in (derivation.objective, *found) for s in e.free_symbols}
    known = [s for s in derivation.source.symbols.values() if s in occurring]
    arguments = [s for s in known if isinstance(s, Symbol) or not is_dimension(s)]
    return lambdify(arguments, *found, names=outputs if len(found) == len(outputs) else None)


def _results(derivation: Derivation, name: str) -> list[Expression]:
    if name not in OUTPUTS:
        raise NotSupportedError(f"{name!r} is not an output; choose {', '.join(OUTPUTS)}")
    if name == "value":
        return [derivation.objective]
    if derivation.single:
        return [getattr(derivation, name)]
    if name == "hessian":
        return [derivation._result("hessian", a, b) for a in derivation.wrt for b in derivation.wrt]
    return [derivation._result(name, v) for v in derivation.wrt]
