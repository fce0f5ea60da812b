"""Unicode text, as `str(e)` prints it; `parse` reads it back."""

from __future__ import annotations

from collections.abc import Sequence

from symml.language import hooks
from symml.language.expressions import Expression
from symml.language.function import functions
from symml.language.names import SUBSCRIPTS, unicode_name
from symml.notation.style import Piece, Style, tight
from symml.notation.table import ATOM, JUXTAPOSITION, PRODUCT, ROWS, SUPERSCRIPTS
from symml.notation.writing import write


def unicode(expression: Expression) -> str:
    """Return an expression as one line of Unicode text.

    Examples
    --------
    >>> from symml.notation.reader import parse
    >>> from symml.notation.unicode_writer import unicode
    >>> unicode(parse("2*X'*(X*w - y) + 2*lam*w", where="X: n x d, y: n, w: d, lam > 0"))
    '2 Xᵀ (X w − y) + 2 λ w'
    """
    return write(UNICODE, expression)


def _name(name: str) -> str:
    return unicode_name(name).replace("'", "′")


def _superscript(base: str, exponent: Piece) -> str:
    if exponent.text.isdigit() and exponent.text.isascii():
        return base + ("⁻" if exponent.minus else "") + "".join(SUPERSCRIPTS[c] for c in exponent.text)
    return f"{base}^{tight(UNICODE, exponent, ATOM)}"


def _elementwise_power(base: str, exponent: Piece) -> str:
    return base + ROWS["elementwise_power"].unicode + tight(UNICODE, exponent, ATOM)


def _head(name: str, taken: bool) -> str:
    record = functions().get(name)
    return name if record is None or taken else record.unicode or name


def _fraction(above: Sequence[Piece], below: Sequence[Piece]) -> Piece:
    top = _side_by_side(above) or "1"
    bottom = tight(UNICODE, below[0]) if len(below) == 1 else f"({_side_by_side(below)})"
    return Piece(f"{top}/{bottom}", PRODUCT)


def _side_by_side(factors: Sequence[Piece]) -> str:
    if len(factors) == 1:
        return tight(UNICODE, factors[0], JUXTAPOSITION)
    text = ""
    for factor in factors:
        part = tight(UNICODE, factor)
        text += ("*" if part[0].isdigit() and part[0].isascii() else " ") + part if text else part
    return text


def _sized(head: str, sizes: Sequence[str]) -> Piece:
    if not sizes:
        return Piece(ROWS[head].unicode, ATOM)
    if head != "zeros" and len(sizes) == 1 and sizes[0].isalnum() and sizes[0].isascii():
        (size,) = sizes
        mark = "".join(SUBSCRIPTS[c] for c in size) if set(size) <= set(SUBSCRIPTS) else f"_{size}"
        return Piece(ROWS[head].unicode + mark, ATOM)
    spelled = {"identity": "eye"}.get(head, head)
    return Piece(f"{spelled}({', '.join(sizes)})", ATOM)


def _matrix(rows: Sequence[Sequence[str]]) -> str:
    return "[" + "; ".join(", ".join(row) for row in rows) + "]"


def _formula(words: Sequence[str], out: str, factors: Sequence[Piece]) -> Piece:
    pattern = f'"{",".join(words)}->{out}"'
    return Piece(f"einsum({', '.join([pattern, *(UNICODE.minus * f.minus + f.text for f in factors)])})", ATOM)


def _bound_sum(index: str, size: str, body: Piece) -> Piece:
    return Piece(f"sum({', '.join(p for p in (index, size, UNICODE.minus * bool(body.minus) + body.text) if p)})", ATOM)


UNICODE = Style(
    name=_name,
    minus=ROWS["minus"].unicode,
    templates={
        **{head: row.unicode for head, row in ROWS.items() if row.fixity == "bracket"},
        "transpose": "{}" + ROWS["transpose"].unicode,
        "inverse_transpose": "{}" + ROWS["inverse_transpose"].unicode,
        "sqrt": "sqrt({})",
        "nested_norm": "‖",
        "nested_norm1": "‖",
        "nested_normnuc": "‖",
        "nested_abs": "|",
    },
    operators={head: row.unicode for head, row in ROWS.items() if row.fixity == "infix"}
    | {"number_times": "*", "foreign": "", "e": "", "and": ", ", "fraction_in_front": "", "index_size": ""},
    beside=" ".join,
    power=_superscript,
    elementwise_power=_elementwise_power,
    fraction=_fraction,
    head=_head,
    call=lambda name, arguments: f"{name}({', '.join(arguments)})",
    bracket=lambda text: f"({text})",
    differential=lambda piece: False,
    bars=lambda head, text: ROWS[head].unicode.format(text),
    exponential=lambda exponent: None,
    sized=_sized,
    matrix=_matrix,
    element=lambda base, positions: f"{base}[{', '.join(positions)}]",
    applied=lambda variable, body, argument: f"apply({variable}, {body}, {argument})",
    formula=_formula,
    bound_sum=_bound_sum,
    action=lambda label, direction, body: f"{label}[{direction}] = {body}",
)
hooks.provide("unicode", unicode)
