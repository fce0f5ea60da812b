"""symml: derivations in the mathematics of machine learning, right and readable at once.

>>> import symml as sml
>>> X, y, w, lam = sml.declare("X: n x d, y: n, w: d, lam > 0")
>>> d = sml.derive(sml.sumsq(X*w - y) + lam*sml.sumsq(w), wrt=w)
>>> print(d.gradient)
2 Xᵀ (X w − y) + 2 λ w

Names are resolved when they are first used: importing symml imports neither SymPy nor NumPy.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_VERBS = {
    "declare": "symml.language.declarations",
    "decompose": "symml.matrices.decomposition",
    "derive": "symml.api",
    "differential_of": "symml.language.indices",
    "equal": "symml.api",
    "index": "symml.language.indices",
    "lambdify": "symml.codegen.lambdify",
    "mle": "symml.statistics.likelihood",
    "parse": "symml.notation.reader",
    "sum_over": "symml.language.indices",
    "validate": "symml.validation.validate",
    "validate_file": "symml.validation.validate",
}
_ERRORS = (
    "DataError", "DeclarationError", "DomainError", "InternalError", "MissingRuleError", "NoClosedFormError",
    "NotationError", "NotSupportedError", "ShapeError", "SymmlError",
)  # fmt: skip
_BUILTINS = ("abs", "max", "min", "sum")
_FUNCTIONS = (
    "arctan", "colsum", "cos", "cosh", "det", "diag", "digamma", "div", "dot", "eigmax", "eigmaxprojector",
    "erf", "exp", "expm", "eye", "inv", "kron", "lgamma", "log", "logdet", "loggamma", "logm", "logsumexp",
    "mean", "mul", "norm", "norm1", "norm2", "normcdf", "normnuc", "normspec", "ones", "power", "relu",
    "rowsum", "sigmoid", "sign", "sin", "sinh", "sinm", "softmax", "softplus", "sqrt", "sqrtm", "step", "sumsq",
    "tan", "tanh", "toeplitz", "tr", "trace", "vec",
)  # fmt: skip

__all__ = sorted((*_VERBS, *_ERRORS, *_FUNCTIONS, "Expression", "Verdict", "__version__"))

_PLACES = dict.fromkeys(_ERRORS, "symml.errors") | {
    **_VERBS,
    "Expression": "symml.language.expressions",
    "Verdict": "symml.records",
}


def __getattr__(name: str) -> Any:
    if name in _VERBS:
        importlib.import_module("symml.api")  # fills the methods of expressions that belong to higher rooms
    if name in _PLACES:
        found = getattr(importlib.import_module(_PLACES[name]), name)
    elif name in _FUNCTIONS or name in _BUILTINS:
        found = importlib.import_module("symml.api").function_named(name)
    else:
        raise AttributeError(f"module 'symml' has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_BUILTINS})
