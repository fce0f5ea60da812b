r"""LaTeX without delimiters, as `e.latex()` returns it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from symml.language import hooks
from symml.language.expressions import Expression
from symml.language.function import spellings
from symml.language.names import latex_name
from symml.notation.style import Piece, Style, tight
from symml.notation.table import ATOM, JUXTAPOSITION, ROWS, SCALAR_FUNCTIONS, SUM
from symml.notation.writing import write

_HEADS = {text: head for text, _, head in SCALAR_FUNCTIONS}
_PLAIN = re.compile(r"[A-Za-z0-9]|\\[A-Za-z]+")


def latex(expression: Expression) -> str:
    r"""Return an expression as LaTeX.

    Examples
    --------
    >>> from symml.notation.latex_writer import latex
    >>> from symml.notation.reader import parse
    >>> print(latex(parse("X'(X w - y)/n + 2*lam*w", where="X: n x d, y: n, w: d, lam > 0")))
    \frac{1}{n} X^{\top} \left(X w - y\right) + 2 \lambda w
    """
    return write(LATEX, expression)


def _sign(piece: Piece) -> str:
    return "-" + piece.text if piece.minus else piece.text


def _bracket(text: str) -> str:
    return f"({text})" if _PLAIN.fullmatch(text) else rf"\left({text}\right)"


def _power(base: str, exponent: Piece) -> str:
    return f"{base}^{{{_sign(exponent)}}}"


def _elementwise_power(base: str, exponent: Piece) -> str:
    return base + ROWS["elementwise_power"].latex.format(
        tight(LATEX, exponent, JUXTAPOSITION) if not exponent.minus else _sign(exponent)
    )


def _fraction(above: Sequence[Piece], below: Sequence[Piece]) -> Piece:
    return Piece(ROWS["over"].latex.format(_side_by_side(above) or "1", _side_by_side(below)), JUXTAPOSITION)


def _side_by_side(factors: Sequence[Piece]) -> str:
    if len(factors) == 1:
        return _sign(factors[0])
    text = ""
    for factor in factors:
        part = tight(LATEX, factor, JUXTAPOSITION)
        text += (r" \cdot " if part[0].isdigit() else " ") + part if text else part
    return text


def _head(name: str, taken: bool) -> str:
    record = spellings().get(name)
    known = "" if taken else _HEADS.get(name) or (record.latex if record is not None else "")
    return known or rf"\operatorname{{{name}}}"


def _sized(head: str, sizes: Sequence[str]) -> Piece:
    if head == "zeros":
        size = r" \times ".join(sizes)
        return Piece(r"\mathbf{0}" + (f"_{{{size}}}" if sizes else ""), ATOM)
    if len(sizes) == 2:
        return Piece(rf"\mathbf{{1}}_{{{sizes[0]}}} \mathbf{{1}}_{{{sizes[1]}}}^{{\top}}", JUXTAPOSITION)
    return Piece(ROWS[head].latex + (f"_{{{sizes[0]}}}" if sizes else ""), ATOM)


def _matrix(rows: Sequence[Sequence[str]]) -> str:
    return r"\begin{pmatrix}" + r" \\ ".join(" & ".join(row) for row in rows) + r"\end{pmatrix}"


def _formula(words: Sequence[str], out: str, factors: Sequence[Piece]) -> Piece:
    summed = sorted(set("".join(words)) - set(out))
    parts = [tight(LATEX, f, ATOM) + (f"_{{{word}}}" if word else "") for f, word in zip(factors, words, strict=True)]
    body = " ".join(parts)
    text = rf"\sum_{{{' '.join(summed)}}} {body}" if summed else body
    return Piece(rf"\left[{text}\right]_{{{out}}}" if out else text, ATOM if out else JUXTAPOSITION)


def _bound_sum(index: str, size: str, body: Piece) -> Piece:
    return Piece(rf"\sum_{{{index}=1}}^{{{size}}} {tight(LATEX, body, JUXTAPOSITION)}", SUM)


def _element(base: str, positions: Sequence[str]) -> str:
    return f"{base}_{{{','.join(positions)}}}"


LATEX = Style(
    name=latex_name,
    minus="-",
    templates={
        **{head: row.latex for head, row in ROWS.items() if row.fixity == "bracket"},
        "transpose": "{}" + ROWS["transpose"].latex,
        "inverse_transpose": "{}" + ROWS["inverse_transpose"].latex,
        "sqrt": r"\sqrt{{{}}}",
        "nested_norm": r"\|",
        "nested_norm1": r"\|",
        "nested_normnuc": r"\|",
        "nested_abs": "|",
    },
    operators={head: row.latex for head, row in ROWS.items() if row.fixity == "infix"}
    | {
        "number_times": r" \cdot ",
        "foreign": "yes",
        "fraction_in_front": "yes",
        "index_size": "yes",
        "π": r"\pi",
        "∞": r"\infty",
    },
    power=_power,
    elementwise_power=_elementwise_power,
    fraction=_fraction,
    head=_head,
    call=lambda head, arguments: head + _bracket(", ".join(arguments)),
    bracket=_bracket,
    sized=_sized,
    matrix=_matrix,
    element=_element,
    applied=lambda variable, body, argument: rf"\left({variable} \mapsto {body}\right){_bracket(argument)}",
    formula=_formula,
    bound_sum=_bound_sum,
    action=lambda label, direction, body: rf"{label}\left[{direction}\right] = {body}",
)
hooks.provide("latex", latex)
