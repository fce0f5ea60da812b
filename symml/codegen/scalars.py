"""SymPy scalars as Python code on NumPy floats."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sympy as sp
from sympy.printing.numpy import SciPyPrinter
from sympy.printing.precedence import PRECEDENCE

from symml.errors import NotSupportedError
from symml.language.names import canonical

ATOM, POWER, UNARY, PRODUCT, SUM, COMPARISON = 5, 4, 3, 2, 1, 0


class _Printer(SciPyPrinter):  # type: ignore[misc]
    """NumPy and scipy.special functions, under the names generated code imports them by."""

    def __init__(self, names: Mapping[Any, str]) -> None:
        super().__init__({"fully_qualified_modules": True, "allow_unknown_functions": False})
        self.names = names

    def _module_format(self, fqn: str, register: bool = True) -> str:
        for module, alias in (("numpy.", "np."), ("scipy.special.", "special."), ("builtins.", "")):
            if fqn.startswith(module):
                return alias + fqn.removeprefix(module)
        if "." in fqn:
            raise NotSupportedError(f"{fqn} is not available to generated code")
        return fqn

    def parenthesize(self, item: Any, level: int, strict: bool = False) -> str:
        """Return the code of an operand, in brackets where Python needs them."""
        plain = isinstance(item, sp.Rational) and item >= 0 and "/" not in number(item)
        return number(item) if plain else str(super().parenthesize(item, level, strict))

    def _print_Symbol(self, expr: Any) -> str:
        return self.names.get(expr) or canonical(expr.name)

    def _print_Dummy(self, expr: Any) -> str:
        return self._print_Symbol(expr)

    def _print_Rational(self, expr: Any) -> str:
        return number(expr)

    def _print_Half(self, expr: Any) -> str:
        return number(expr)

    def _print_Pi(self, expr: Any) -> str:
        return "np.pi"

    def _print_Exp1(self, expr: Any) -> str:
        return "np.e"

    def _print_Pow(self, expr: Any, rational: bool = False) -> str:
        base, exponent = expr.args
        if abs(exponent) == sp.S.Half:
            root = f"np.sqrt({self._print(base)})"
            return root if exponent.is_positive else f"1/{root}"
        text = self.parenthesize(base, PRECEDENCE["Pow"], strict=True)
        if exponent == -1:
            return f"1/{text}"
        shown = self._print(exponent)
        return f"{text}**{shown if shown.isalnum() else f'({shown})'}"

    def _print_LambertW(self, expr: Any) -> str:
        return f"special.lambertw({', '.join(self._print(a) for a in expr.args)}).real"

    def _print_zeta(self, expr: Any) -> str:
        return f"special.zeta({', '.join(self._print(a) for a in expr.args)})"

    def _print_expint(self, expr: Any) -> str:
        order, x = expr.args
        if not (order.is_Integer and order >= 0):
            raise NotSupportedError(f"{expr} has no NumPy code: its order must be a number 0, 1, 2, ...")
        return f"special.expn({order}, {self._print(x)})"

    def _print_Sum(self, expr: Any) -> str:
        return str(super()._print_Sum(expr)).replace("builtins.", "")

    def _nested(self, function: str, expr: Any) -> str:
        first, *rest = (self._print(a) for a in expr.args)
        for other in rest:
            first = f"{function}({first}, {other})"
        return str(first)

    def _print_Max(self, expr: Any) -> str:
        return self._nested("np.maximum", expr)

    def _print_Min(self, expr: Any) -> str:
        return self._nested("np.minimum", expr)

    def _print_polygamma(self, expr: Any) -> str:
        order, x = expr.args
        if order == 0:
            return f"special.digamma({self._print(x)})"
        return f"special.polygamma({self._print(order)}, {self._print(x)})"

    _print_digamma = lambda self, expr: f"special.digamma({self._print(expr.args[0])})"  # noqa: E731
    _print_trigamma = lambda self, expr: f"special.polygamma(1, {self._print(expr.args[0])})"  # noqa: E731


def number(value: sp.Expr) -> str:
    """Return a rational number as Python: an integer, a short decimal that is exact, else a quotient."""
    if value.is_Integer:
        return str(int(value))
    q = int(value.q)
    while q % 2 == 0:
        q //= 2
    exact = q == 1 and int(value.q) <= 1024
    return repr(int(value.p) / int(value.q)) if exact else f"{int(value.p)}/{int(value.q)}"


def scalar_code(value: sp.Expr, names: Mapping[Any, str]) -> tuple[str, int]:
    """Return Python code of a SymPy scalar and how tightly its outermost operation binds.

    Raises
    ------
    NotSupportedError
        If SymPy's printers have no NumPy form of a function in it.
    """
    try:
        text = _Printer(names).doprint(value)
    except (NotImplementedError, TypeError, ValueError, AttributeError) as error:  # what SymPy's printers raise
        raise NotSupportedError(f"{value} has no NumPy code: {error}") from error
    if "Not supported" in text:
        raise NotSupportedError(f"{value} has no NumPy code")
    return text.replace("\n", " "), _binding(value, text)


def _binding(value: sp.Expr, text: str) -> int:
    if value.is_Add:
        return SUM
    if text.startswith("-"):
        return PRODUCT if value.is_Mul else UNARY
    if value.is_Mul or (value.is_Rational and "/" in text):
        return PRODUCT
    if value.is_Pow:
        return PRODUCT if "/" in text or value.exp.is_negative else POWER if "**" in text else ATOM
    return (
        ATOM
        if value.is_Symbol or value.is_Number or (text.endswith(")") and text.split("(")[0].replace(".", "").isalnum())
        else COMPARISON
    )
