r"""Names: one canonical spelling for each symbol, and how it prints.

The canonical name is a Python identifier (`lam`, `W1`, `w_hat`); fonts are not part of a name.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from functools import cache

from symml.errors import NotationError

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ", "eta": "η", "theta": "θ",
    "iota": "ι", "kappa": "κ", "lam": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "omicron": "ο", "pi": "π", "rho": "ρ",
    "sigma": "σ", "tau": "τ", "upsilon": "υ", "phi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω",
    "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ", "Upsilon": "Υ",
    "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω",
}  # fmt: skip
SPELLINGS = {"lambda": "lam", "lamda": "lam", "varepsilon": "epsilon", "eps": "epsilon", "vartheta": "theta",
             "varphi": "phi", "varrho": "rho", "varsigma": "sigma", "ell": "ell", "ϵ": "epsilon", "ϕ": "phi",
             "ϑ": "theta", "ℓ": "ell", "µ": "mu"}  # fmt: skip
FROM_GREEK = {letter: name for name, letter in GREEK.items()}
ACCENTS = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303", "dot": "\u0307"}
FROM_ACCENT = {mark: name for name, mark in ACCENTS.items()} | {"\u0305": "bar"}
SUBSCRIPTS = dict(zip("0123456789ijkrstuvxaehlmnop", "₀₁₂₃₄₅₆₇₈₉ᵢⱼₖᵣₛₜᵤᵥₓₐₑₕₗₘₙₒₚ", strict=True))
FROM_SUBSCRIPT = {v: k for k, v in SUBSCRIPTS.items()}
_PARTS = re.compile(r"(?P<base>[^\W\d_]+?|[^\W_]+)(?P<number>\d*)$")


@cache
def canonical(name: str) -> str:
    r"""Return the canonical spelling of a name as typed: text, Unicode or bare LaTeX.

    Examples
    --------
    >>> [canonical(s) for s in ("λ", "lambda", r"\lambda", "W_1", "W₁", "W_{1}", "x̄", r"\hat w")]
    ['lam', 'lam', 'lam', 'W1', 'W1', 'W1', 'x_bar', 'w_hat']
    """
    text = unicodedata.normalize("NFD", name.strip())
    text = re.sub(r"\\(?:mathbf|boldsymbol|bm|mathrm|mathit|vec|mathcal|mathsf)\s*", "", text)
    accents = re.findall(r"\\(hat|bar|tilde|dot|widehat|widetilde|overline)(?![a-zA-Z])", text)
    text = re.sub(r"\\(hat|bar|tilde|dot|widehat|widetilde|overline)(?![a-zA-Z])\s*", "", text)
    text = text.replace("{", "").replace("}", "").replace("\\", "")
    marks = [FROM_ACCENT[c] for c in text if c in FROM_ACCENT]
    text = "".join(c for c in text if c not in FROM_ACCENT)
    marks += [{"widehat": "hat", "widetilde": "tilde", "overline": "bar"}.get(a, a) for a in accents]
    text = "".join("_" + FROM_SUBSCRIPT[c] if c in FROM_SUBSCRIPT else c for c in text)
    text = re.sub(r"(_\w)_(?=\w)", r"\1", text).replace("'", "_prime").replace("*", "star").replace(",", "")
    pieces = [p for p in re.split(r"[_\s^]+", text) if p]
    pieces = [_letter(p) for p in pieces] + marks
    if not pieces:
        raise NotationError(f"{name!r} is not a name. Names are letters and digits, such as w, W1, lambda, w_hat.")
    joined = pieces[0]
    for piece in pieces[1:]:
        joined += piece if piece.isdigit() and not joined[-1].isdigit() and len(pieces) == 2 else "_" + piece
    if not joined.isidentifier():
        raise NotationError(f"{name!r} is not a name. Names are letters and digits, such as w, W1, lambda, w_hat.")
    return joined + "_" if keyword.iskeyword(joined) else joined


def _letter(piece: str) -> str:
    if piece in SPELLINGS:
        return SPELLINGS[piece]
    out = "".join(SPELLINGS.get(c, FROM_GREEK.get(c, c)) if not c.isascii() else c for c in piece)
    match = re.fullmatch(r"([A-Za-z]+)(\d+)", out)
    if match and match[1] in SPELLINGS:
        return SPELLINGS[match[1]] + match[2]
    return out


def _split(name: str) -> tuple[str, list[str], list[str]]:
    """Base letter, subscripts, accents of a canonical name."""
    pieces = name.rstrip("_").split("_")
    accents = [p for p in pieces[1:] if p in ACCENTS]
    subs = [p for p in pieces[1:] if p not in ACCENTS]
    match = re.fullmatch(r"([A-Za-z]+)(\d+)", pieces[0])
    if match:
        return match[1], [match[2], *subs], accents
    return pieces[0], subs, accents


@cache
def unicode_name(name: str) -> str:
    """Return the printed Unicode form of a canonical name: `W₁`, `λ`, `x̄`, `dΛ`."""
    base, subs, accents = _split(name)
    shown = GREEK.get(base, "ℓ" if base == "ell" else base)
    if shown == base and len(base) > 2 and base[0] in "dD" and base[1:] in GREEK:
        shown = base[0] + GREEK[base[1:]]
    shown += "".join(ACCENTS[a] for a in accents)
    for sub in subs:
        if sub == "prime":
            shown += "'"
        elif "star" not in sub and all(c in SUBSCRIPTS for c in sub):
            shown += "".join(SUBSCRIPTS[c] for c in sub)
        else:
            shown += "_" + GREEK.get(sub, sub.replace("star", "*"))
    return shown


@cache
def latex_name(name: str) -> str:
    r"""Return the LaTeX form of a canonical name: ``W_{1}``, ``\lambda``, ``\bar{x}``."""
    base, subs, accents = _split(name)
    prefix = ""
    if base not in GREEK and len(base) > 1 and base[0] == "d" and (base[1:] in GREEK or len(base) == 2):
        prefix, base = "d", base[1:]
    greek = {"lam": r"\lambda", "ell": r"\ell", "omicron": "o"}
    shown = greek.get(base) or ("\\" + base if base in GREEK else base if len(base) == 1 else rf"\mathrm{{{base}}}")
    for accent in accents:
        shown = rf"\{accent}{{{shown}}}"
    shown += "'" * subs.count("prime")
    subs = [s for s in subs if s != "prime"]
    if subs:
        inner = ",".join(("\\" + s.replace("lam", "lambda")) if s in GREEK else s.replace("star", "*") for s in subs)
        shown += f"_{{{inner}}}"
    return prefix + shown
