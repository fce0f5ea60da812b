"""What is known of an expression from how it is built: ranges of entries, symmetry, definiteness.

Facts are three-valued ("yes", "no", "unknown") and are never used as booleans. An answer other than "unknown" holds for
every value that respects the declarations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal as Choice

import sympy as sp

from symml.codegen.products import Factor, flipped, product
from symml.codegen.ranges import (
    NONNEGATIVE, OPEN_UNIT, POSITIVE, REALS, SIGNED_UNIT, UNIT, Range, added, domain_range, multiplied, negated, raised,
    scalar_range,
)  # fmt: skip
from symml.language.expressions import (
    Add, Call, ElemPow, Element, Expression, Eye, Hadamard, Indicator, Literal, Mul, Ones, Pow, Scalar, Symbol, Transpose,
    Zeros, postorder,
)  # fmt: skip
from symml.language.function import functions
from symml.language.operators import scalar

Fact = Choice["yes", "no", "unknown"]
Kind = Choice[
    "positive definite", "positive semidefinite", "negative definite", "negative semidefinite", "zero", "unknown"
]

BOUNDED = {
    "sigmoid": OPEN_UNIT, "normcdf": OPEN_UNIT, "softmax": replace(UNIT, low_open=True), "step": UNIT, "sin": SIGNED_UNIT, "cos": SIGNED_UNIT,
    "tanh": Range(Fraction(-1), Fraction(1), True, True), "erf": Range(Fraction(-1), Fraction(1), True, True),
    "sign": SIGNED_UNIT, "exp": POSITIVE, "softplus": POSITIVE, "cosh": Range(Fraction(1)), "relu": NONNEGATIVE,
    "abs": NONNEGATIVE, "sqrt": NONNEGATIVE, "norm": NONNEGATIVE, "norm1": NONNEGATIVE, "norm2": NONNEGATIVE,
    "sumsq": NONNEGATIVE, "normnuc": NONNEGATIVE, "normspec": NONNEGATIVE,
}  # fmt: skip
KEEPS_RANGE = ("mean", "vec", "max", "min")
SUMS = ("sum", "rowsum", "colsum", "trace")


@dataclass(frozen=True)
class Facts:
    """What is known of one node: range of entries, symmetry, definiteness and why."""

    entries: Range = REALS
    symmetric: Fact = "unknown"
    kind: Kind = "unknown"
    reason: str = ""


Known = dict[Expression, Facts]


# -- ranges of entries --------------------------------------------------------------------------------------------
def _symbol_entries(e: Symbol, known: Known) -> Range:
    found = domain_range(e.domain)
    facts = e.facts
    if facts & {"mask", "simplex", "one-hot rows"}:
        return UNIT
    if found != REALS:
        return found
    if "positive" in facts:
        return POSITIVE
    if "nonnegative" in facts:
        return NONNEGATIVE
    return negated(POSITIVE) if "negative" in facts else REALS


def _add_entries(e: Add, known: Known) -> Range:
    total = known[e.args[0]].entries
    for term in e.args[1:]:
        total = added(total, known[term].entries)
    return total


def _hadamard_entries(e: Hadamard, known: Known) -> Range:
    total = Range(Fraction(1), Fraction(1))
    for factor in dict.fromkeys(e.args):
        total = multiplied(total, raised(known[factor].entries, sp.Integer(e.args.count(factor))))
    return total


def _mul_entries(e: Mul, known: Known) -> Range:
    total = scalar_range(e.coefficient)
    arrays = [known[a].entries for a in e.args if a.shape != ()]
    for factor in e.args:
        if factor.shape == ():
            total = multiplied(total, known[factor].entries)
    if len(arrays) == 1:
        return multiplied(total, arrays[0])
    if not arrays:
        return total
    if e.shape == ():
        chain = product(e).chain
        if chain == flipped(chain):
            inner = _palindrome(chain, known)[0]
            return multiplied(total, _of_kind(inner))
    if all(r.nonnegative for r in arrays):
        return multiplied(total, POSITIVE if all(r.positive for r in arrays) else NONNEGATIVE)
    return REALS


def _of_kind(kind: Kind) -> Range:
    """Range of x'Ax for an A of this kind; x may be zero."""
    if kind.startswith("positive"):
        return NONNEGATIVE
    return negated(NONNEGATIVE) if kind.startswith("negative") else REALS


def _call_entries(e: Call, known: Known) -> Range:
    name, inner = e.function, known[e.args[0]].entries if e.args else REALS
    if name == "sqrt" and inner.positive:
        return POSITIVE
    if name in BOUNDED:
        return BOUNDED[name]
    if len(e.args) == 1 and name in KEEPS_RANGE:
        return inner
    if len(e.args) == 1 and name in SUMS:
        lower = Range(inner.low, None, inner.low_open) if inner.nonnegative else REALS
        return Range(None, inner.high, False, inner.high_open) if inner.nonpositive else lower
    if name == "diag":
        return _with_zero(inner) if len(e.shape) == 2 else inner
    record = functions().get(name)
    words = record.properties if record else frozenset()
    return POSITIVE if "positive" in words else NONNEGATIVE if "nonnegative" in words else REALS


def _with_zero(r: Range) -> Range:
    low = r.low if r.low is None or r.low < 0 else Fraction(0)
    high = r.high if r.high is None or r.high > 0 else Fraction(0)
    return Range(low, high, r.low_open and low != 0, r.high_open and high != 0)


def _literal_entries(e: Literal, known: Known) -> Range:
    entries = [scalar_range(v) for v in e.value]
    lows, highs = [r.low for r in entries], [r.high for r in entries]
    return Range(
        None if None in lows else min(lows),  # type: ignore[type-var]
        None if None in highs else max(highs),  # type: ignore[type-var]
        all(r.low_open for r in entries),
        all(r.high_open for r in entries),
    )


_ENTRIES: dict[type[Expression], Callable[..., Range]] = {
    Symbol: _symbol_entries,
    Scalar: lambda e, known: scalar_range(e.value),
    Literal: _literal_entries,
    Ones: lambda e, known: Range(Fraction(1), Fraction(1)),
    Zeros: lambda e, known: Range(Fraction(0), Fraction(0)),
    Eye: lambda e, known: UNIT,
    Indicator: lambda e, known: UNIT,
    Add: _add_entries,
    Hadamard: _hadamard_entries,
    Mul: _mul_entries,
    Call: _call_entries,
    ElemPow: lambda e, known: raised(known[e.args[0]].entries, e.exponent),
    Pow: lambda e, known: raised(known[e.args[0]].entries, e.exponent) if e.shape == () else REALS,
    Transpose: lambda e, known: known[e.args[0]].entries,
    Element: lambda e, known: known[e.args[0]].entries,
}


# -- symmetry and definiteness ------------------------------------------------------------------------------------
FLIPPED: dict[Kind, Kind] = {
    "positive definite": "negative definite", "positive semidefinite": "negative semidefinite",
    "negative definite": "positive definite", "negative semidefinite": "positive semidefinite",
    "zero": "zero", "unknown": "unknown",
}  # fmt: skip
WEAKER: dict[Kind, Kind] = {
    "positive definite": "positive semidefinite", "negative definite": "negative semidefinite"
}  # fmt: skip
Found = tuple[Kind, str]
UNKNOWN: Found = ("unknown", "")


def _palindrome(chain: tuple[Factor, ...], known: Known) -> Found:
    """Definiteness of a chain that equals its own transpose."""
    middle, odd = divmod(len(chain), 2)
    right = chain[middle + odd :]
    if odd and not right:
        facts = known[chain[0].base]
        return facts.kind, facts.reason
    if odd:
        centre = known[chain[middle].base]
        if centre.kind == "unknown" or len(chain[middle].base.shape) != 2:
            return UNKNOWN
        inner = centre.kind if _full_rank(right) else WEAKER.get(centre.kind, centre.kind)
        return inner, f"A'SA with S {centre.kind}"
    if _full_rank(right):
        return "positive definite", "a Gram matrix of full column rank"
    return "positive semidefinite", "a Gram matrix"


def _full_rank(chain: tuple[Factor, ...]) -> bool:
    return all(_full_column_rank(f) for f in chain)


def _full_column_rank(factor: Factor) -> bool:
    base = factor.base
    facts = base.facts if isinstance(base, Symbol) else frozenset()
    if isinstance(base, Pow):
        return len(base.shape) == 2 and bool(base.exponent.is_negative)
    return bool(facts & {"invertible", "full row rank" if factor.transposed else "full column rank"})


def _mul_kind(e: Mul, known: Known) -> Found:
    parts = product(e)
    if parts.chain != flipped(parts.chain):
        return UNKNOWN
    kind, reason = _palindrome(parts.chain, known)
    sign = scalar_range(parts.coefficient)
    symbols = scalar(parts.coefficient / parts.coefficient.as_coeff_Mul()[0])
    shown = [str(symbols)] if parts.coefficient.free_symbols else []
    for s in parts.scalars:
        sign = multiplied(sign, known[s].entries)
        shown.append(str(s))
    if shown and (sign.nonnegative or sign.nonpositive):
        relation = ">" if sign.positive else "<" if sign.negative else ">=" if sign.nonnegative else "<="
        because = f"{' '.join(shown)} {relation} 0"
        plain = reason in ("", "the identity")
        reason = f"because {because}" if plain else f"{reason}, {because}"
    if sign.positive or sign.nonnegative:
        return (kind if sign.positive else WEAKER.get(kind, kind)), reason
    if sign.negative or sign.nonpositive:
        return FLIPPED[kind if sign.negative else WEAKER.get(kind, kind)], reason
    return UNKNOWN


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
    chain = product(e).chain
    if chain != flipped(chain):
        middle = chain[len(chain) // 2]
        same = tuple(f for k, f in enumerate(chain) if k != len(chain) // 2 or len(chain) % 2 == 0)
        if len(chain) % 2 == 0 or same != flipped(same) or known[middle.base].symmetric != "yes":
            return "unknown"
    return "yes"


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
KEEPS_SYMMETRY = ("expm", "logm", "sqrtm", "sinm", "kron")


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
        entries_row, kind_row = _ENTRIES.get(type(e)), _KIND.get(type(e))
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
            why = facts.reason if facts.reason.startswith("because") or not facts.reason else f"({facts.reason})"
            reasons.append(f"{term} is {facts.kind} {why}".strip())
    return known[e].kind, reasons


def _scalar_definiteness(e: Expression, r: Range) -> tuple[Kind, list[str]]:
    for test, kind, relation in (
        (r.positive, "positive definite", ">"), (r.negative, "negative definite", "<"),
        (r.nonnegative, "positive semidefinite", ">="), (r.nonpositive, "negative semidefinite", "<="),
    ):  # fmt: skip
        if test:
            return kind, [f"{e} {relation} 0"]  # type: ignore[return-value]
    return "unknown", [f"nothing is known of the sign of {e}"]
