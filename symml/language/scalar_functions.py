"""SymPy counterparts of functions SymPy lacks: sigmoid, softplus, relu, step, normcdf.

Each is a `sympy.Function` with a derivative, real assumptions, a definition in SymPy's own functions (`rewrite`,
`evalf`) and a form for SymPy's code printers. Only pure scalars become one of these.
"""

from __future__ import annotations

from typing import Any, ClassVar

import sympy as sp
from mpmath.libmp import prec_to_dps


class ScalarFunction(sp.Function):  # type: ignore[misc]
    """A real function of one real variable with a definition in SymPy's own functions."""

    nargs = 1
    latex_head: ClassVar[str] = ""

    def definition(self) -> Any:
        """Return the definition in SymPy's own functions."""
        raise NotImplementedError

    def _eval_is_extended_real(self) -> bool | None:
        return True if self.args[0].is_extended_real else None

    def _eval_is_finite(self) -> bool | None:
        return True if self.args[0].is_real else None

    def _eval_evalf(self, prec: int) -> Any:
        value = self.args[0]._eval_evalf(prec + 10)
        return self.func(value, evaluate=False).definition().evalf(prec_to_dps(prec)) if value is not None else None

    def _eval_rewrite(self, rule: Any, args: Any, **hints: Any) -> Any:
        return self.func(*args, evaluate=False).definition()

    def doit(self, **hints: Any) -> Any:
        """Return the same function of evaluated arguments."""
        return self.func(*(a.doit(**hints) for a in self.args))

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        head = self.latex_head or rf"\operatorname{{{type(self).__name__}}}"
        power = f"^{{{exp}}}" if exp else ""
        return rf"{head}{power}{{\left({printer._print(self.args[0])} \right)}}"

    def _pythoncode(self, printer: Any, **_: Any) -> str:
        return f"({printer._print(self._stable())})"

    _mpmathcode = _numpycode = _scipycode = _jaxcode = _cupycode = _pythoncode

    def _stable(self) -> Any:
        return self.definition()


class sigmoid(ScalarFunction):  # noqa: N801
    """1/(1 + exp(-x))."""

    latex_head = r"\sigma"

    @classmethod
    def eval(cls, x: Any) -> Any:
        """Evaluate at zero and at infinity."""
        values = {sp.S.Zero: sp.S.Half, sp.S.Infinity: sp.S.One, sp.S.NegativeInfinity: sp.S.Zero}
        return values.get(x)

    def definition(self) -> Any:
        """Return 1/(1 + exp(-x))."""
        return 1 / (1 + sp.exp(-self.args[0]))

    def fdiff(self, argindex: int = 1) -> Any:
        """Return σ(1 − σ)."""
        return self * (1 - self)

    def _eval_is_positive(self) -> bool | None:
        return True if self.args[0].is_real else None


class softplus(ScalarFunction):  # noqa: N801
    """log(1 + exp(x))."""

    @classmethod
    def eval(cls, x: Any) -> Any:
        """Evaluate at zero."""
        return sp.log(2) if x == 0 else None

    def definition(self) -> Any:
        """Return log(1 + exp(x))."""
        return sp.log(1 + sp.exp(self.args[0]))

    def fdiff(self, argindex: int = 1) -> Any:
        """Return σ(x)."""
        return sigmoid(self.args[0])

    def _eval_is_positive(self) -> bool | None:
        return True if self.args[0].is_real else None

    def _stable(self) -> Any:
        x = self.args[0]
        return sp.Max(x, 0) + sp.log(1 + sp.exp(-sp.Abs(x)))


class step(ScalarFunction):  # noqa: N801
    """1 where x > 0, else 0."""

    @classmethod
    def eval(cls, x: Any) -> Any:
        """Evaluate where the sign is known."""
        if x.is_extended_positive:
            return sp.S.One
        return sp.S.Zero if x.is_extended_nonpositive else None

    def definition(self) -> Any:
        """Return the piecewise function."""
        return sp.Piecewise((1, self.args[0] > 0), (0, True))

    def fdiff(self, argindex: int = 1) -> Any:
        """Return 0: the derivative everywhere but at the jump."""
        return sp.S.Zero

    def _eval_is_nonnegative(self) -> bool | None:
        return True if self.args[0].is_real else None

    def _eval_is_integer(self) -> bool | None:
        return True if self.args[0].is_real else None


class relu(ScalarFunction):  # noqa: N801
    """max(x, 0)."""

    @classmethod
    def eval(cls, x: Any) -> Any:
        """Evaluate where the sign is known."""
        if x.is_extended_nonnegative:
            return x
        return sp.S.Zero if x.is_extended_nonpositive else None

    def definition(self) -> Any:
        """Return max(x, 0)."""
        return sp.Max(self.args[0], 0)

    def fdiff(self, argindex: int = 1) -> Any:
        """Return the step function."""
        return step(self.args[0])

    def _eval_is_nonnegative(self) -> bool | None:
        return True if self.args[0].is_real else None


class normcdf(ScalarFunction):  # noqa: N801
    """The standard normal distribution function."""

    latex_head = r"\Phi"

    @classmethod
    def eval(cls, x: Any) -> Any:
        """Evaluate at zero and at infinity."""
        values = {sp.S.Zero: sp.S.Half, sp.S.Infinity: sp.S.One, sp.S.NegativeInfinity: sp.S.Zero}
        return values.get(x)

    def definition(self) -> Any:
        """Return erfc(−x/√2)/2, which keeps its digits in the lower tail."""
        return sp.erfc(-self.args[0] / sp.sqrt(2), evaluate=False) / 2

    def fdiff(self, argindex: int = 1) -> Any:
        """Return the standard normal density."""
        return sp.exp(-(self.args[0] ** 2) / 2) / sp.sqrt(2 * sp.pi)

    def _eval_is_positive(self) -> bool | None:
        return True if self.args[0].is_real else None
