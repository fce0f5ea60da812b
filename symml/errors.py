"""The errors of symml: one root, one child for each stage of the work.

Every message says what failed, where, what was found against what was expected, and what to do.
"""

from __future__ import annotations


class SymmlError(Exception):
    """Root of every error symml raises on purpose."""


class NotationError(SymmlError):
    r"""Text that cannot be read; the message shows the line with a caret under the guilty span.

    Parameters
    ----------
    message : str
        What failed and what to do.
    source : str
        The text that was read; empty when there is none to show.
    span : tuple of int
        Start and end offset of the guilty piece in `source`.
    """

    def __init__(self, message: str, source: str = "", span: tuple[int, int] = (0, 0)) -> None:
        super().__init__(with_caret(message, source, span))
        self.message = message
        self.source = source
        self.span = span

    def __reduce__(self) -> tuple[type, tuple[str, str, tuple[int, int]]]:
        return type(self), (self.message, self.source, self.span)


class ShapeError(SymmlError):
    """Operands whose shapes do not fit; names both and what would fit."""


class DeclarationError(SymmlError):
    """A symbol that is not declared, declared twice, or declared with an unknown property."""


class DomainError(SymmlError):
    """A value or an operation outside the domain on which it is defined."""


class MissingRuleError(SymmlError):
    """A function without a derivative rule; never answered with a zero."""


class DataError(SymmlError):
    """Arrays that do not fit the declared symbols: shape, missing values, rank, separation."""


class NoClosedFormError(SymmlError):
    """An equation that has no closed-form solution; names the equation left."""


class NotSupportedError(SymmlError):
    """Something symml does not do (yet); says which."""


class InternalError(SymmlError):
    """A result that failed its own check; never shown as an answer. The message holds the seed that reproduces it."""


UNREADABLE = (NotationError, ShapeError, DeclarationError, DomainError, NotSupportedError)
"""What reading a text or building an expression raises where it is refused; never `InternalError`."""


def with_caret(message: str, source: str, span: tuple[int, int]) -> str:
    """Return the message with the guilty line of `source` and a caret line under the span."""
    if not source:
        return message
    start, end = span
    line_start = source.rfind("\n", 0, start) + 1
    line_end = source.find("\n", start)
    line = source[line_start : line_end if line_end >= 0 else len(source)]
    column = start - line_start
    left = max(0, column - 60)
    shown = line[left : left + 120]
    width = max(1, min(end - start, len(shown) - (column - left)))
    number = source.count("\n", 0, start) + 1
    return f"line {number}, column {column + 1}: {message}\n  {shown}\n  {' ' * (column - left)}{'^' * width}"

UNDEFINED = (ArithmeticError, ValueError)
"""What NumPy and SciPy raise where a value does not exist; their LinAlgError is a ValueError."""
