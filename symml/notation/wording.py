r"""Sentences of steps as LaTeX text: English stays text, what is between is set as mathematics."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from symml.errors import NotationError
from symml.language.function import spellings
from symml.language.names import FROM_SUBSCRIPT, GREEK, canonical, latex_name

_SHORT_WORDS = frozenset(
    ["an", "as", "at", "be", "by", "do", "if", "in", "is", "it", "no", "of", "on", "or", "so", "to", "up", "we"]
)
_FUNCTION_WORDS = frozenset(
    ["tr", "det", "log", "exp", "vec", "sin", "erf", "cos", "tan", "expm", "sqrtm", "logm", "diag"]
)
_ENGLISH = re.compile(r"""[("']*[A-Za-z][a-z]+(?:[-–][A-Za-z]?[a-z]+)*(?:['’]s?)?[)"',;:.]*""")
_PLAIN_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[-+]?\d+)?%?[),;:.]*")
_CODE = re.compile(r"\.\w+\([^()]*\)")
_SIGNS = {
    "⊙": r"\odot", "⊘": r"\oslash", "⊗": r"\otimes", "×": r"\times", "·": r"\cdot", "−": "-", "–": "-",
    "≥": r"\ge", "≤": r"\le", "≠": r"\ne", "⇒": r"\Rightarrow", "↦": r"\mapsto",
    "∂": r"\partial", "∇": r"\nabla", "⟨": r"\langle", "⟩": r"\rangle",
    "‖": r"\|", "∞": r"\infty", "≈": r"\approx", "→": r"\to", "∈": r"\in", "…": r"\dots",
    "≻": r"\succ", "≺": r"\prec", "⪰": r"\succeq",
    "Σ": r"\Sigma", "∑": r"\sum", "∫": r"\int", "𝟏": r"\mathbf{1}", "∘": r"\odot",
    "%": r"\%", "&": r"\&", "#": r"\#", "⁺": "^{+}",
    "′": "'", "″": "''", "{": r"\{", "}": r"\}", "<=": r"\le", ">=": r"\ge", "!=": r"\ne", "==": "=",
}  # fmt: skip
_SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻ⁿᵏᵐᵖᶻᵀ", [*"0123456789-nkmpz", r"\top"], strict=True))
_TEXT_SIGNS = {
    "&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}", "^": r"\^{}", "–": "--", "—": "---",
    "−": "$-$", "’": "'", "$": r"\$", "~": r"\~{}", "<": "$<$", ">": "$>$",
}  # fmt: skip
_RAISED = "".join(_SUPERSCRIPTS)
_PIECE = re.compile(
    r"(?P<root>√|sqrt(?=\())(?P<under>\w+|\([^()]*\))?"
    rf"|(?P<raised>[{_RAISED}]+)|(?P<lowered>[₀₁₂₃₄₅₆₇₈₉∗]+)"
    rf"|(?P<name>(?![{_RAISED}])[^\W\d_](?:(?![{_RAISED}])[^\W_])*(?:[\u0300-\u036f]|_\w+)*'?)|(?P<number>\d+(?:\.\d+)?)"
    r"|(?P<power>\^(?P<elementwise>[∘⊙]?)(?:\((?P<bracketed>[^()]*)\)|(?P<simple>-?\w+)))"
    r"|(?P<sign><=|>=|!=|==|.)",
)


_FACTOR_END = re.compile(r"[\w})\]|]$")
_SIGN_END = re.compile(r"\\(?:odot|otimes|oslash|times|log|det|mathrm\{d\}|operatorname\{\w+\})$")
_DIFFERENTIAL = re.compile(r"[-(]?\\mathrm\{d\}[^()\s,]+")
_COMMAND_END = re.compile(r"\\[A-Za-z]+$")


def words(statement: str) -> str:
    r"""Return a sentence as the content of ``\text{...}``.

    Examples
    --------
    >>> print(words("linear in w: X, y are constant"))
    linear in $w$: $X$, $y$ are constant
    >>> print(words("square: d‖r‖² = 2 rᵀ dr"))
    square: $\mathrm{d}\|r\|^{2} = 2 r^{\top} \, \mathrm{d}r$
    """
    return " ".join(parts(statement))


def parts(statement: str) -> list[str]:
    """Return the pieces of a sentence between which a line may break."""
    tokens = statement.split()
    mathematical = _classify(tokens)
    found: list[str] = []
    k = 0
    while k < len(tokens):
        if not mathematical[k]:
            found.append("".join(_TEXT_SIGNS.get(c, c) for c in tokens[k]))
            k += 1
            continue
        run = [tokens[k]]
        while _open(" ".join(run)) or not re.search(r"[,;:.]$", run[-1]):
            k += 1
            if k == len(tokens) or not (mathematical[k] or _open(" ".join(run))):
                k -= 1
                break
            run.append(tokens[k])
        k += 1
        text = " ".join(run)
        body = re.sub(r"[,;:.]+$", "", text)
        found.append(f"${formula(body)}${text[len(body) :]}")
    return found


def _open(text: str) -> bool:
    """Whether a bracket of a formula is still open."""
    return sum(text.count(c) for c in "([{⟨") > sum(text.count(c) for c in ")]}⟩")


def _classify(tokens: Sequence[str]) -> list[bool]:
    """Which tokens are mathematics: all that is neither English nor a number between English words."""
    first: list[bool | None] = []
    for k, token in enumerate(tokens):
        core = token.strip("\"'(),;:.")
        following = tokens[k + 1] if k + 1 < len(tokens) else ""
        called = following.strip("(),;:.") in _FUNCTION_WORDS or not _is_english(following)
        if core in _FUNCTION_WORDS and following and called:
            first.append(True)
        elif _is_english(token) or _CODE.fullmatch(token.strip(",;:.")) or _is_article(token, following):
            first.append(False)
        else:
            first.append(None if _PLAIN_NUMBER.fullmatch(token) else True)
    beside = [False, *(bool(f) for f in first), False]
    ended = [False, *(bool(re.search(r"[,;:.]$", t)) for t in tokens)]
    return [
        (beside[k] and not ended[k]) or (beside[k + 2] and not ended[k + 1]) if f is None else f
        for k, f in enumerate(first)
    ]


def _is_article(token: str, following: str) -> bool:
    return token == "a" and _is_english(following) and following not in ("is", "are")


def _is_english(token: str) -> bool:
    core = token.strip("\"'(),;:.’")
    if not _ENGLISH.fullmatch(token) or core.removeprefix("d") in (*GREEK, "ell"):
        return False
    return core in _SHORT_WORDS if len(core) < 3 else core.isascii() or "–" in core


def formula(text: str) -> str:
    """Return a short Unicode formula of a sentence as LaTeX."""
    if text == "d":
        return text
    out: list[str] = []
    for word in text.split(" "):
        found = ""
        for match in _PIECE.finditer(word):
            piece = _formula_piece(match)
            found += (" " if _COMMAND_END.search(found) and piece[:1].isalpha() else "") + piece
        out.append(found)
    joined = out[0]
    for left, right in itertools.pairwise(out):
        before = right.startswith(r"\mathrm{d}") and _FACTOR_END.search(left) and not _SIGN_END.search(left)
        after = _DIFFERENTIAL.fullmatch(left) and re.match(r"\w|\(", right)
        joined += (r" \, " if before or after else " ") + right
    return joined


def _formula_piece(match: re.Match[str]) -> str:
    if match["name"]:
        before, after = match.string[: match.start()][-1:], match.string[match.end() :][:1]
        return _name(match["name"], after == "(", "×" in (before, after))
    if match["raised"]:
        return "^{" + "".join(_SUPERSCRIPTS[c] for c in match["raised"]) + "}"
    if match["power"]:
        inner = formula(match["bracketed"] or match["simple"])
        return "^{" + (r"\odot " if match["elementwise"] else "") + inner + "}"
    if match["root"]:
        return rf"\sqrt{{{formula((match['under'] or '').strip('()'))}}}"
    if match["lowered"]:
        return "_{" + "".join(FROM_SUBSCRIPT.get(c, "*") for c in match["lowered"]) + "}"
    return _SIGNS.get(match[0], match[0])


def _name(name: str, called: bool, alone: bool) -> str:
    record = spellings().get(name)
    if record is not None and (called or name in _FUNCTION_WORDS or not name.isascii()):
        return record.latex or rf"\operatorname{{{name}}}"
    if called and name == "df":
        return r"\mathrm{d}f"
    if called and len(name) > 1 and name.isascii():
        return rf"\operatorname{{{name}}}"
    if name == "d":
        return "d" if alone else r"\mathrm{d}"
    if name in ("log", "tr", "det"):
        return {"log": r"\log", "det": r"\det"}.get(name, r"\operatorname{tr}")
    try:
        return latex_name(canonical(name))
    except NotationError:
        return rf"\mathrm{{{name}}}"
