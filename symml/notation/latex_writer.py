r"""LaTeX without delimiters, as `e.latex()` returns it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from symml.language import hooks
from symml.language.expressions import Expression
from symml.language.function import spellings
from symml.language.names import latex_name
from symml.notation.style import Piece, Style, tight
from symml.notation.table import ATOM, JUXTAPOSITION, POWER, PRODUCT, ROWS, SCALAR_FUNCTIONS
from symml.notation.writing import write

_HEADS = {text: head for text, _, head in SCALAR_FUNCTIONS}
_ROOT = re.compile(r"\\sqrt\{((?:[^{}]|\{[^{}]*\})*)\}")
SHORT = 12  # tokens of an exponent of e
_TOKEN = re.compile(r"\\[A-Za-z]+|[^\s{}]")
_LARGE = re.compile(r"\\(?:frac|sum|begin|operatorname)|(?<![A-Za-z])e\^")
_SIMPLE_FRACTION = re.compile(r"\\frac\{((?:\w+|\\[A-Za-z]+)(?:\^\{\w+\})?)\}\{(\w+|\\[A-Za-z]+)\}$")
_FRACTION = re.compile(r"\\frac\{((?:[^{}]|\{[^{}]*\})*)\}\{((?:[^{}]|\{[^{}]*\})*)\}$")
_TALL = re.compile(r"\\(?:frac|sum|begin|left)(?![A-Za-z])")
_MOVED = re.compile(r"\\mathrm\{d\}[^\s()]*$")


def latex(expression: Expression) -> str:
    r"""Return an expression as LaTeX.

    Examples
    --------
    >>> from symml.notation.latex_writer import latex
    >>> from symml.notation.reader import parse
    >>> print(latex(parse("X'(X w - y)/n + 2*lam*w", where="X: n x d, y: n, w: d, lam > 0")))
    \frac{1}{n} X^{\top} (X w - y) + 2 \lambda w
    """
    return write(LATEX, expression)


def fitted(left: str, right: str, text: str) -> str:
    r"""Return text in brackets that grow only where it is tall: (X w), \left(\frac{a}{b}\right)."""
    if _TALL.search(text):
        return rf"\left{left}{text}\right{right}"
    return left + ("{" + text + "}" if left in ("|", r"\|") and text[:1] == "-" else text) + right


def _sign(piece: Piece) -> str:
    return "-" + piece.text if piece.minus else piece.text


def _bracket(text: str) -> str:
    return fitted("(", ")", text)


def _bars(head: str, text: str) -> str:
    left, right = ROWS[head].latex.split("{}")
    closing = right.split("_")[0]
    return fitted(left, closing, text) + right[len(closing) :].replace("{{", "{").replace("}}", "}")


def _exponential(exponent: Piece) -> Piece | None:
    text = _FRACTION.sub(_on_one_line, _sign(exponent))
    if len(_TOKEN.findall(text)) > SHORT or _LARGE.search(text):
        return None
    return Piece(_power("e", Piece(text, exponent.level)), POWER)


def _on_one_line(fraction: re.Match[str]) -> str:
    """A fraction in an exponent: x/2, (x + y)/2, x/(2 a)."""
    above, below = fraction[1], fraction[2]
    if re.search(r"\S [-+] ", above):
        above = _bracket(above)
    return f"{above}/{_bracket(below) if ' ' in below else below}"


def _power(base: str, exponent: Piece) -> str:
    raised = _SIMPLE_FRACTION.sub(r"\1/\2", _sign(exponent))
    return f"{base}^{{{raised}}}"


def _elementwise_power(base: str, exponent: Piece) -> str:
    return base + ROWS["elementwise_power"].latex.format(
        tight(LATEX, exponent, JUXTAPOSITION) if not exponent.minus else _sign(exponent)
    )


def _fraction(above: Sequence[Piece], below: Sequence[Piece]) -> Piece:
    over, under = _side_by_side(above) or "1", _side_by_side(below)
    roots = [_ROOT.fullmatch(part) for part in (over, under)]
    if all(roots):  # of positive numbers, since both roots are real
        inner = [match[1] for match in roots if match]
        return Piece(rf"\sqrt{{{ROWS['over'].latex.format(*inner)}}}", ATOM)
    return Piece(ROWS["over"].latex.format(over, under), JUXTAPOSITION)


def _side_by_side(factors: Sequence[Piece]) -> str:
    if len(factors) == 1:
        return _sign(factors[0])
    parts: list[str] = []
    for factor in factors:
        last = factor is factors[-1] and factor.open and not factor.minus
        part = factor.text if last else tight(LATEX, factor, JUXTAPOSITION)
        parts.append((r"\cdot " if parts and part[0].isdigit() else "") + part)
    return _beside(parts)


def _beside(parts: Sequence[str]) -> str:
    """Factors side by side, with a thin space on either side of a differential."""
    text = parts[0] if parts else ""
    for part in parts[1:]:
        text += (r" \, " if part.startswith(r"\mathrm{d}") or _MOVED.search(text) else " ") + part
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
    return Piece(rf"{fitted('[', ']', text)}_{{{out}}}" if out else text, ATOM if out else JUXTAPOSITION)


def _bound_sum(index: str, size: str, body: Piece) -> Piece:
    inner = body.text if body.open and not body.minus else tight(LATEX, body, JUXTAPOSITION)
    return Piece(rf"\sum_{{{index}=1}}^{{{size}}} {inner}", PRODUCT, False, True)


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
        "e": "e",
        "and": ROWS["where"].latex,
        "π": r"\pi",
        "∞": r"\infty",
    },
    beside=_beside,
    power=_power,
    elementwise_power=_elementwise_power,
    fraction=_fraction,
    head=_head,
    call=lambda head, arguments: head + _bracket(", ".join(arguments)),
    bracket=_bracket,
    differential=lambda piece: bool(_MOVED.match(piece.text)),
    bars=_bars,
    exponential=_exponential,
    sized=_sized,
    matrix=_matrix,
    element=_element,
    applied=lambda variable, body, argument: _bracket(rf"{variable} \mapsto {body}") + _bracket(argument),
    formula=_formula,
    bound_sum=_bound_sum,
    action=lambda label, direction, body: f"{label}[{direction}] = {body}",
)
hooks.provide("latex", latex)
