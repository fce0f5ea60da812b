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
POWERS = {"2": "sq"}
FONTS = "mathbf|boldsymbol|bm|mathrm|mathit|vec|mathcal|mathsf|mathbb|operatorname"


@cache
def canonical(name: str) -> str:
    r"""Return the canonical spelling of a name as typed: text, Unicode or bare LaTeX.

    Examples
    --------
    >>> [canonical(s) for s in ("λ", "lambda", r"\lambda", "W_1", "W₁", "W_{1}", "x̄", r"\hat w")]
    ['lam', 'lam', 'lam', 'W1', 'W1', 'W1', 'x_bar', 'w_hat']
    """
    text = unicodedata.normalize("NFD", name.strip())
    text = re.sub(rf"\\(?:{FONTS})(?![a-zA-Z])\s*", "", text)
    accents = re.findall(r"\\(hat|bar|tilde|dot|widehat|widetilde|overline)(?![a-zA-Z])", text)
    text = re.sub(r"\\(hat|bar|tilde|dot|widehat|widetilde|overline)(?![a-zA-Z])\s*", "", text)
    text = re.sub(r"\^\{?[(\[](\w+)[)\]]\}?", r"_\1", text.replace("²", "^2"))  # W^{(1)}, W^{[2]}: a label
    # sigma^2, declared as one name
    text = re.sub(r"\^\{?([2-9])\}?", lambda m: "_" + POWERS.get(m[1], f"pow{m[1]}"), text)
    text = text.replace("{", "").replace("}", "").replace("\\", "")
    marks = [FROM_ACCENT[c] for c in text if c in FROM_ACCENT]
    text = "".join(c for c in text if c not in FROM_ACCENT)
    marks += [{"widehat": "hat", "widetilde": "tilde", "overline": "bar"}.get(a, a) for a in accents]
    text = re.sub(f"[{''.join(FROM_SUBSCRIPT)}]+", lambda m: "_" + "".join(FROM_SUBSCRIPT[c] for c in m[0]), text)
    text = text.replace("'", "_prime").replace("*", "star").replace(",", "_").replace("+", "plus")
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
    match = re.fullmatch(r"([dD]?)([A-Za-z]+?)(\d*)", out)
    return match[1] + SPELLINGS[match[2]] + match[3] if match and match[2] in SPELLINGS else out


def _split(name: str) -> tuple[str, list[str], list[str]]:
    """Return base letter, subscripts and accents of a canonical name."""
    pieces = name.rstrip("_").split("_")
    accents = [p for p in pieces[1:] if p in ACCENTS]
    subs = [p for p in pieces[1:] if p not in ACCENTS]
    match = re.fullmatch(r"([A-Za-z]+)(\d+)", pieces[0])
    if match:
        return match[1], [match[2], *subs], accents
    return pieces[0], subs, accents


def _can_lower(sub: str) -> bool:
    return "star" not in sub and "plus" not in sub and set(sub) <= set(SUBSCRIPTS)


@cache
def unicode_name(name: str) -> str:
    """Return the printed Unicode form of a canonical name: `W₁`, `λ`, `x̄`, `dΛ`."""
    base, subs, accents = _split(name)
    shown = GREEK.get(base, "ℓ" if base == "ell" else base)
    if shown == base and len(base) > 2 and base[0] in "dD" and base[1:] in (*GREEK, "ell"):
        shown = base[0] + GREEK.get(base[1:], "ℓ")
    shown += "".join(ACCENTS[a] for a in accents)
    for sub in subs:
        if sub == "prime":
            shown += "'"
        elif sub in POWERS.values():
            shown += "²"
        elif _can_lower(sub) and shown[-1:] not in FROM_SUBSCRIPT:
            shown += "".join(SUBSCRIPTS[c] for c in sub)
        else:
            shown += "_" + GREEK.get(sub, sub.replace("star", "*"))
    return shown


@cache
def latex_name(name: str) -> str:
    r"""Return the LaTeX form of a canonical name: ``W_{1}``, ``\lambda``, ``\bar{x}``."""
    base, subs, accents = _split(name)
    prefix = ""
    if base not in GREEK and len(base) > 1 and base[0] == "d" and (base[1:] in (*GREEK, "ell") or len(base) == 2):
        prefix, base = r"\mathrm{d}", base[1:]
    greek = {"lam": r"\lambda", "ell": r"\ell", "omicron": "o"}
    shown = greek.get(base) or ("\\" + base if base in GREEK else base if len(base) == 1 else rf"\mathrm{{{base}}}")
    for accent in accents:
        shown = rf"\{accent}{{{shown}}}"
    shown += "'" * subs.count("prime")
    square = "^{2}" if "sq" in subs else ""
    subs = [s.replace("star", "*").replace("plus", "+") for s in subs if s not in ("prime", "sq")]
    if subs:
        inner = ",".join(greek.get(s) or ("\\" + s if s in GREEK else s) for s in subs)
        shown += f"_{{{inner}}}"
    shown += square
    return prefix + shown
