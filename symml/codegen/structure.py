"""What is known of an expression from how it is built: ranges of entries, symmetry, definiteness.

Facts are three-valued ("yes", "no", "unknown") and are never used as booleans. An answer other than "unknown" holds for
every value that respects the declarations.
"""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp

from symml.codegen.entries import ENTRIES, UNKNOWN, WEAKER, Fact, Facts, Found, Kind, Known, palindrome
from symml.codegen.products import Factor, Product, flipped, product
from symml.codegen.ranges import REALS, Range, multiplied, scalar_range
from symml.language.expressions import (
    Add,
    Call,
    ElemPow,
    Expression,
    Eye,
    Hadamard,
    Literal,
    Mul,
    Ones,
    Pow,
    Symbol,
    Transpose,
    Zeros,
    postorder,
)  # fmt: skip
from symml.language.frechet import MATRIX_FUNCTIONS
from symml.language.function import functions
from symml.language.operators import scalar

# -- symmetry and definiteness ------------------------------------------------------------------------------------
FLIPPED: dict[Kind, Kind] = {
    "positive definite": "negative definite", "positive semidefinite": "negative semidefinite",
    "negative definite": "positive definite", "negative semidefinite": "positive semidefinite",
    "zero": "zero", "unknown": "unknown",
}  # fmt: skip


def _mul_kind(e: Mul, known: Known) -> Found:
    parts = product(e)
    if not _mirrored(parts.chain, known):
        return UNKNOWN
    kind, reason = palindrome(parts.chain, known)
    sign = _scale_sign(parts, known)
    if sign.nonnegative:
        return (kind if sign.positive else WEAKER.get(kind, kind)), reason
    if sign.nonpositive:
        return FLIPPED[kind if sign.negative else WEAKER.get(kind, kind)], reason
    return UNKNOWN


def _mirrored(chain: tuple[Factor, ...], known: Known) -> bool:
    """Whether a chain equals its own transpose; the factor in the middle may be any symmetric matrix."""
    turned = flipped(chain)
    if chain == turned:
        return True
    middle, odd = divmod(len(chain), 2)
    sides = (*chain[:middle], *chain[middle + 1 :])
    mirrored = (*turned[:middle], *turned[middle + 1 :])
    return bool(odd) and sides == mirrored and known[chain[middle].base].symmetric == "yes"


def _scale_sign(parts: Product, known: Known) -> Range:
    sign = scalar_range(parts.coefficient)
    for s in parts.scalars:
        sign = multiplied(sign, known[s].entries)
    return sign


def _why(e: Expression, known: Known) -> str:
    """Return the reason in words: what the matrix is, and the sign of the scalars in front."""
    reason = known[e].reason
    if not isinstance(e, Mul):
        return f"({reason})" if reason else ""
    parts = product(e)
    number = parts.coefficient.as_coeff_Mul()[0]
    scalars = [scalar(parts.coefficient / number)] if parts.coefficient.free_symbols else []
    shown = " ".join(str(s) for s in (*scalars, *parts.scalars))
    if not shown:
        return f"({reason})" if reason else ""
    sign = multiplied(_scale_sign(parts, known), scalar_range(sp.sign(number)))
    relation = next(text for text, test in _relations(sign) if test)
    because = f"because {shown} {relation} 0"
    return because if reason in ("", "the identity") else f"({reason}), {because}"


def _relations(r: Range) -> tuple[tuple[str, bool], ...]:
    return ((">", r.positive), ("<", r.negative), (">=", r.nonnegative), ("<=", r.nonpositive), ("?", True))


def _add_kind(e: Add, known: Known) -> Found:
    kinds = {known[t].kind if t.shape != () else _every_entry(known[t].entries) for t in e.args}
    kinds.discard("zero")
    for sign in ("positive", "negative"):
        if kinds and all(k.startswith(sign) for k in kinds):
            strict: Kind = "positive definite" if sign == "positive" else "negative definite"
            weak = WEAKER[strict]
            return (strict if strict in kinds else weak), f"a sum of {sign} parts"
    if _is_softmax_covariance(e):
        return "positive semidefinite", "the covariance of a one-hot vector with probabilities p"
    return UNKNOWN


def _every_entry(r: Range) -> Kind:
    """Definiteness of c 𝟏𝟏'."""
    return "positive semidefinite" if r.nonnegative else "negative semidefinite" if r.nonpositive else "unknown"


def _is_softmax_covariance(e: Add) -> bool:
    if len(e.args) != 2:
        return False
    first, second = (product(t) for t in e.args)
    if first.coefficient != 1 or second.coefficient != -1 or first.scalars or second.scalars:
        return False
    bases = [f.base for f in (*first.chain, *second.chain)]
    if len(first.chain) != 1 or len(second.chain) != 2 or not isinstance(bases[0], Call) or bases[0].function != "diag":
        return False
    p = bases[0].args[0]
    on_simplex = (isinstance(p, Call) and p.function == "softmax") or (isinstance(p, Symbol) and "simplex" in p.facts)
    return on_simplex and bases[1] is p and bases[2] is p


def _hadamard_kind(e: Hadamard, known: Known) -> Found:
    kinds = {known[a].kind for a in e.args}
    if kinds == {"positive definite"}:
        return "positive definite", "an elementwise product of positive definite matrices"
    if kinds <= {"positive definite", "positive semidefinite"}:
        return "positive semidefinite", "an elementwise product of positive semidefinite matrices"
    return UNKNOWN


def _pow_kind(e: Pow, known: Known) -> Found:
    inner, q = known[e.args[0]], e.exponent
    if q.is_even and inner.symmetric == "yes":
        strict = q.is_negative or inner.kind in ("positive definite", "negative definite")
        return ("positive definite" if strict else "positive semidefinite"), "an even power of a symmetric matrix"
    if inner.kind == "unknown":
        return UNKNOWN
    strict_kind: Kind = "positive definite" if inner.kind.startswith("positive") else "negative definite"
    return (strict_kind if q.is_negative else inner.kind), f"a power of a {inner.kind} matrix"


def _symbol_kind(e: Symbol, known: Known) -> Found:
    words = e.facts
    if "spd" in words:
        return "positive definite", "declared"
    return ("positive semidefinite", "declared") if "psd" in words else UNKNOWN


def _call_kind(e: Call, known: Known) -> Found:
    inner = known[e.args[0]] if e.args else Facts()
    if e.function == "diag":
        r, relation = inner.entries, ""
        for test, kind in (
            (r.positive, "positive definite"), (r.negative, "negative definite"),
            (r.nonnegative, "positive semidefinite"), (r.nonpositive, "negative semidefinite"),
        ):  # fmt: skip
            if test:
                relation = ">" if r.positive else "<" if r.negative else ">=" if r.nonnegative else "<="
                return kind, f"a diagonal matrix with entries {relation} 0"  # type: ignore[return-value]
        return UNKNOWN
    if e.function == "expm" and inner.symmetric == "yes":
        return "positive definite", "the exponential of a symmetric matrix"
    if e.function == "sqrtm" and inner.kind.startswith("positive"):
        return inner.kind, f"the square root of a {inner.kind} matrix"
    if e.function == "kron" and all(known[a].kind.startswith("positive") for a in e.args):
        strict = all(known[a].kind == "positive definite" for a in e.args)
        return ("positive definite" if strict else "positive semidefinite"), "a Kronecker product of such matrices"
    return UNKNOWN


_KIND: dict[type[Expression], Callable[..., Found]] = {
    Symbol: _symbol_kind,
    Eye: lambda e, known: ("positive definite", "the identity"),
    Ones: lambda e, known: ("positive semidefinite", "a Gram matrix"),
    Zeros: lambda e, known: ("zero", "zero"),
    Add: _add_kind,
    Mul: _mul_kind,
    Hadamard: _hadamard_kind,
    Pow: _pow_kind,
    Call: _call_kind,
    Transpose: lambda e, known: (known[e.args[0]].kind, known[e.args[0]].reason),
}


def _square(e: Expression) -> bool:
    return len(e.shape) == 2 and e.shape[0] == e.shape[1]


def _add_symmetric(e: Add, known: Known) -> Fact:
    keys = [(p.coefficient, p.scalars, p.chain) for p in (product(t) for t in e.args if t.shape != ())]
    mirrored = [(c, s, flipped(chain)) for c, s, chain in keys]
    rest = [k for k, t in zip(keys, (t for t in e.args if t.shape != ()), strict=True) if known[t].symmetric != "yes"]
    return "yes" if all(k in mirrored for k in rest) else "unknown"


def _mul_symmetric(e: Mul, known: Known) -> Fact:
    return "yes" if _mirrored(product(e).chain, known) else "unknown"


_SYMMETRIC: dict[type[Expression], Callable[..., Fact]] = {
    Symbol: lambda e, known: "yes" if "symmetric" in e.facts else "unknown",
    Eye: lambda e, known: "yes",
    Ones: lambda e, known: "yes",
    Zeros: lambda e, known: "yes",
    Literal: lambda e, known: "yes" if e.value == e.value.T else "no",
    Add: _add_symmetric,
    Mul: _mul_symmetric,
    Hadamard: lambda e, known: "yes" if all(known[a].symmetric == "yes" for a in e.args) else "unknown",
    Transpose: lambda e, known: known[e.args[0]].symmetric,
    ElemPow: lambda e, known: known[e.args[0]].symmetric,
    Pow: lambda e, known: known[e.args[0]].symmetric,
}
KEEPS_SYMMETRY = (*MATRIX_FUNCTIONS, "kron")


def _symmetric(e: Expression, known: Known) -> Fact:
    if not _square(e):
        return "no" if e.shape != () else "yes"
    if isinstance(e, Call):
        record = functions().get(e.function)
        if e.function == "diag":
            return "yes"
        keeps = e.function in KEEPS_SYMMETRY or (record is not None and record.kind == "elementwise")
        return "yes" if keeps and all(known[a].symmetric == "yes" for a in e.args) else "unknown"
    row = _SYMMETRIC.get(type(e))
    return row(e, known) if row else "unknown"


def analyse(*roots: Expression) -> Known:
    """Return the facts of every node below the roots."""
    known: Known = {}
    for e in postorder(*roots):
        entries_row, kind_row = ENTRIES.get(type(e)), _KIND.get(type(e))
        entries = entries_row(e, known) if entries_row else REALS
        symmetric = _symmetric(e, known)
        kind, reason = kind_row(e, known) if kind_row and _square(e) else UNKNOWN
        known[e] = Facts(entries, "yes" if kind != "unknown" else symmetric, kind, reason)
    return known


# -- questions ----------------------------------------------------------------------------------------------------
def is_nonnegative(e: Expression) -> Fact:
    """Whether every entry is at least zero."""
    found = analyse(e)[e].entries
    return "yes" if found.nonnegative else "no" if found.negative else "unknown"


def is_positive(e: Expression) -> Fact:
    """Whether every entry is above zero."""
    found = analyse(e)[e].entries
    return "yes" if found.positive else "no" if found.nonpositive else "unknown"


def is_symmetric(e: Expression) -> Fact:
    """Whether a square matrix equals its transpose."""
    return analyse(e)[e].symmetric


def is_psd(e: Expression) -> Fact:
    """Whether a matrix is positive semidefinite."""
    return _answer(e, ("positive definite", "positive semidefinite", "zero"), ("negative definite",))


def is_spd(e: Expression) -> Fact:
    """Whether a matrix is symmetric and positive definite."""
    return _answer(e, ("positive definite",), ("negative definite", "negative semidefinite", "zero"))


def _answer(e: Expression, yes: tuple[Kind, ...], no: tuple[Kind, ...]) -> Fact:
    facts = analyse(e)[e]
    if facts.kind in yes:
        return "yes"
    return "no" if facts.kind in no or facts.symmetric == "no" else "unknown"


def definiteness(e: Expression) -> tuple[Kind, list[str]]:
    """Return the definiteness of a symmetric matrix, or the sign of a scalar, and why: one reason for each term.

    Examples
    --------
    >>> from symml.language.operators import eye, scalar, symbol
    >>> from symml.language.symbols import dimension
    >>> import sympy as sp
    >>> n, d = dimension("n"), dimension("d")
    >>> X, lam = symbol("X", (n, d)), scalar(sp.Symbol("lam", positive=True))
    >>> kind, reasons = definiteness(2 * X.T * X + 2 * lam * eye(d))
    >>> kind
    'positive definite'
    >>> len(reasons)
    2
    """
    known = analyse(e)
    if e.shape == ():
        return _scalar_definiteness(e, known[e].entries)
    terms = e.args if isinstance(e, Add) and not _is_softmax_covariance(e) else (e,)
    reasons = []
    for term in terms:
        facts = known[term]
        if facts.kind == "unknown":
            reasons.append(f"nothing is known of the definiteness of {term}")
        else:
            reasons.append(f"{term} is {facts.kind} {_why(term, known)}".strip())
    return known[e].kind, reasons


def _scalar_definiteness(e: Expression, r: Range) -> tuple[Kind, list[str]]:
    for test, kind, relation in (
        (r.positive, "positive definite", ">"), (r.negative, "negative definite", "<"),
        (r.nonnegative, "positive semidefinite", ">="), (r.nonpositive, "negative semidefinite", "<="),
    ):  # fmt: skip
        if test:
            return kind, [f"{e} {relation} 0"]  # type: ignore[return-value]
    return "unknown", [f"nothing is known of the sign of {e}"]
