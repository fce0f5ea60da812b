"""Sums as people write them: a positive term first, common factors taken out where that prints shorter.

No identity matrix is ever created by factoring: Σ⁻¹ − Σ⁻¹ S Σ⁻¹ stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import sympy as sp

from symml.forms.cost import cost
from symml.forms.fractions import attach
from symml.language.expressions import (
    Add,
    Call,
    Expression,
    Eye,
    Hadamard,
    Mul,
    Ones,
    Pow,
    Scalar,
    Symbol,
    Transpose,
    postorder,
)  # fmt: skip
from symml.language.operators import add, call, elementwise_product, multiply_any, ones, scalar, transpose

PARTIAL = 2  # tokens that a factor common to some terms only must save
SHORT_BRACKET = 8  # tokens of −(y − K a): too short for a name
MANY = 12  # terms; above it the first factoring that saves is taken
ENTRY_LIMIT = 8  # terms; common elementwise factors are looked for in sums no longer than this


def combine(terms: Sequence[Expression]) -> Expression:
    """Return the sum of the terms in its shortest form."""
    return _combine(tuple(terms))


@lru_cache(maxsize=512)
def _combine(terms: tuple[Expression, ...]) -> Expression:
    best = _arranged(add(*_plain_ones(terms)))
    while isinstance(best, Add):
        length = cost(best)
        shorter = ((size, o) for size, o in _factored(best) if size <= length)
        found = next(shorter, None) if len(best.args) > MANY else min(shorter, key=lambda pair: pair[0], default=None)
        if found is None:
            return best
        best = found[1]
    return best


def _factored(e: Add) -> Iterator[tuple[int, Expression]]:
    """Factorings of a sum with their lengths, a margin included.

    (A + Aᵀ) x is written so although A x + Aᵀ x is a token shorter; a common number must make the print shorter.
    """
    for rule, margin in FACTORINGS:
        for o in map(_arranged, rule(e.args)):
            partial = isinstance(o, Add) and rule in _PARTIAL and not _makes_residual(e, o)
            yield cost(o) + (PARTIAL if partial else margin), o


def _makes_residual(before: Add, after: Add) -> bool:
    """Whether a difference was made by factoring: Xᵀ (σ(X w) − y) + λ w reads better than three terms."""
    factors = [f for t in after.args if t not in before.args and isinstance(t, Mul) for f in t.args]
    return any(isinstance(f, Add) and [_negative(t) for t in f.args] == [False, True] for f in factors)


def _plain_ones(terms: Sequence[Expression]) -> list[Expression]:
    """Write c 𝟏 in a sum of arrays as the number c; a scalar symbol is not added to a square matrix that way."""
    shapes = [t.shape for t in terms if t.shape != ()]
    if not any(_ones_coefficient(t) is None for t in terms if t.shape != ()):
        return list(terms)
    square = bool(shapes) and len(shapes[0]) == 2 and shapes[0][0] == shapes[0][1]
    found = []
    for t in terms:
        value = _ones_coefficient(t)
        found.append(t if value is None or (square and value.free_symbols) else scalar(value))
    return found


def _ones_coefficient(t: Expression) -> sp.Expr | None:
    if isinstance(t, Ones):
        return sp.S.One
    return t.coefficient if isinstance(t, Mul) and len(t.args) == 1 and isinstance(t.args[0], Ones) else None


def _arranged(e: Expression) -> Expression:
    """A sum with a positive term in front, if it has one."""
    if not isinstance(e, Add):
        return e
    e = _without_brackets(e)
    if not isinstance(e, Add):
        return e
    terms = _plain_first(e.args)
    positive = [t for t in terms if not _negative(t)]
    if _negative(terms[0]) and positive:
        terms = [positive[0], *(t for t in terms if t is not positive[0])]
    return e if tuple(terms) == e.args else add(*terms)


def _without_brackets(e: Add) -> Expression:
    """Take away the brackets of a − (b − c) where they are short or terms cancel; a longer one may get a name."""
    bracket = next((t for t in e.args if _negated_sum(t)), None)
    if bracket is None:
        return e
    terms = [part for t in e.args for part in (_negated_sum(t) if t is bracket else [t])]
    flat = add(*terms)
    cancels = not isinstance(flat, Add) or len(flat.args) < len(terms)
    return flat if cancels or cost(bracket) <= SHORT_BRACKET else e


def _negated_sum(t: Expression) -> list[Expression]:
    """The terms of −(a − b): −a and b."""
    if isinstance(t, Mul) and t.coefficient == -1 and len(t.args) == 1 and isinstance(t.args[0], Add):
        return [multiply_any(-1, a) for a in t.args[0].args]
    return []


def _plain_first(terms: Sequence[Expression]) -> list[Expression]:
    """Of two terms with the same symbols the one with fewer transposes first: A before Aᵀ."""
    order = list(terms)
    for k in range(len(order) - 1):
        a, b = order[k], order[k + 1]
        if _letters(a) == _letters(b) and _transposes(b) < _transposes(a) and _negative(a) == _negative(b):
            order[k], order[k + 1] = b, a
    return order


def _letters(e: Expression) -> list[str]:
    found = e.memo.get("letters")
    if found is None:
        found = e.memo["letters"] = sorted(n.name for n in postorder(e) if isinstance(n, Symbol))
    return list(found)


def _transposes(e: Expression) -> int:
    found = e.memo.get("transposes")
    if found is None:
        found = e.memo["transposes"] = sum(isinstance(n, Transpose) for n in postorder(e))
    return int(found)


def _negative(e: Expression) -> bool:
    value = e.value if isinstance(e, Scalar) else e.coefficient if isinstance(e, Mul) else sp.S.One
    return bool(value.could_extract_minus_sign())


def parts_of(e: Expression) -> tuple[sp.Expr, list[Expression], list[Expression]]:
    """Return coefficient, scalar factors and chain of arrays of a term."""
    if isinstance(e, Scalar):
        return e.value, [], []
    if not isinstance(e, Mul):
        return sp.S.One, ([e] if e.shape == () else []), ([e] if e.shape != () else [])
    if e.shape == ():
        arrays = [a for a in e.args if a.shape != ()]  # a product such as aᵀ b is one scalar factor
        return e.coefficient, [a for a in e.args if a.shape == ()] + ([multiply_any(*arrays)] if arrays else []), []
    return e.coefficient, [a for a in e.args if a.shape == ()], [a for a in e.args if a.shape != ()]


def joined_term(value: sp.Expr, scalars: Sequence[Expression], chain: Sequence[Expression]) -> Expression:
    """Return a term from its coefficient, scalar factors and arrays; divisors stand as people write them."""
    body = multiply_any(*chain) if chain else None
    return attach([scalar(value), *scalars], body)


def _by_sides(terms: Sequence[Expression]) -> list[Expression]:
    """A B C + A D C → A (B + D) C for terms that begin or end alike."""
    parsed = [parts_of(t) for t in terms]
    options = []
    for side in (0, -1):
        groups: dict[Expression, list[int]] = {}
        for k, (_, _, chain) in enumerate(parsed):
            if len(chain) > 1 and not isinstance(chain[side], Eye):
                groups.setdefault(chain[side], []).append(k)
        for common, members in groups.items():
            if len(members) < 2:
                continue
            inner = []
            for k in members:
                value, scalars, chain = parsed[k]
                rest = chain[1:] if side == 0 else chain[:-1]
                inner.append(joined_term(value, scalars, rest))
            if len({i.shape for i in inner}) > 1:
                continue
            for total in _with_scalars_out(combine(inner)):
                options.append(_replace(terms, members, _extended(common, total, side)))
    return options


def _extended(common: Expression, total: Expression, side: int) -> Expression:
    """A factor before or behind a sum, the scalar factors of the sum in front of both."""
    value, scalars, chain = parts_of(total)
    return joined_term(value, scalars, [common, *chain] if side == 0 else [*chain, common])


def _with_scalars_out(total: Expression) -> list[Expression]:
    if isinstance(total, Add) and all(_negative(t) for t in total.args):
        total = multiply_any(-1, add(*(multiply_any(-1, t) for t in total.args)))
        return [total, *(multiply_any(-1, o) for o in _by_scalars(total.args[0].args))]
    return [total, *(_by_scalars(total.args) + _by_transposes(total.args) if isinstance(total, Add) else [])]


def _by_traces(terms: Sequence[Expression]) -> list[Expression]:
    """C tr(A) + d tr(B) → tr(c A + d B)."""
    members, inner = [], []
    for k, (value, scalars, chain) in enumerate(parts_of(t) for t in terms):
        traces = [s for s in scalars if isinstance(s, Call) and s.function == "trace"]
        if len(traces) == 1 and not chain:  # tr(A) X + tr(B) Y stays
            rest = [s for s in scalars if s is not traces[0]]
            members.append(k)
            inner.append(multiply_any(scalar(value), *rest, traces[0].args[0]))
    if len(members) < 2 or len({i.shape for i in inner}) > 1:
        return []
    options = []
    for total in _with_scalars_out(combine(inner)):
        value, scalars, chain = parts_of(total)
        trace = call("trace", multiply_any(*chain))
        options.append(_replace(terms, members, joined_term(value, [*scalars, trace], [])))
    return options


def _by_transposes(terms: Sequence[Expression]) -> list[Expression]:
    """Aᵀ + Bᵀ → (A + B)ᵀ, Aᵀ Xᵀ + Xᵀ Aᵀ → (X A + A X)ᵀ."""
    members, inner, saved = [], [], 0
    for k, (value, scalars, chain) in enumerate(parts_of(t) for t in terms):
        if chain and all(isinstance(a, Transpose) and len(a.args[0].shape) == 2 for a in chain):
            members.append(k)
            inner.append(joined_term(value, scalars, [a.args[0] for a in reversed(chain)]))
            saved += sum(not isinstance(a.args[0], Pow) for a in chain)  # Z⁻ᵀ is no longer than Z⁻¹
    return [_replace(terms, members, transpose(combine(inner)))] if len(members) > 1 and saved > 1 else []


def _by_diagonals(terms: Sequence[Expression]) -> list[Expression]:
    """diag(u) − 2 diag(v) → diag(u − 2 v)."""
    members, inner = [], []
    for k, (value, scalars, chain) in enumerate(parts_of(t) for t in terms):
        if len(chain) == 1 and len(chain[0].shape) == 2 and isinstance(chain[0], Call) and chain[0].function == "diag":
            members.append(k)
            inner.append(joined_term(value, scalars, [chain[0].args[0]]))
    if len(members) < 2:
        return []
    options = []
    for total in _with_scalars_out(combine(inner)):
        value, scalars, chain = parts_of(total)
        options.append(_replace(terms, members, joined_term(value, scalars, [call("diag", multiply_any(*chain))])))
    return options


def _by_entries(terms: Sequence[Expression]) -> list[Expression]:
    """A ⊙ B + A ⊙ C → A ⊙ (B + C)."""
    if len(terms) > ENTRY_LIMIT:
        return []
    groups: dict[Expression, list[int]] = {}
    parsed = [parts_of(t) for t in terms]
    for k, (_, _, chain) in enumerate(parsed):
        if len(chain) == 1 and isinstance(chain[0], Hadamard):
            for factor in dict.fromkeys(chain[0].args):
                groups.setdefault(factor, []).append(k)
    shared: dict[tuple[int, ...], list[Expression]] = {}
    for common, members in groups.items():
        if len(members) > 1:
            shared.setdefault(tuple(members), []).append(common)
    options = []
    for places, factors in shared.items():
        inner = []
        for k in places:
            value, scalars, chain = parsed[k]
            rest = list(chain[0].args)
            for common in factors:
                rest.remove(common)
            inner.append(elementwise_product(scalar(value), *scalars, *(rest or [ones(*chain[0].shape)])))
        total = combine(inner)
        first = parsed[places[0]][2][0].args[0] in factors
        product = elementwise_product(*factors, total) if first else elementwise_product(total, *factors)
        options.append(_replace(terms, places, product))
    return options


def _by_scalars(terms: Sequence[Expression]) -> list[Expression]:
    """2 s A − 2 s B → 2 s (A − B), for numbers and scalar factors common to all terms."""
    parsed = [parts_of(t) for t in terms]
    if any(isinstance(t, Scalar) and t.shape == () and t.value.is_number for t in terms) and len(terms) < 2:
        return []
    options: list[Expression] = []
    shared = [s for s in dict.fromkeys(parsed[0][1]) if all(s in p[1] for p in parsed)]
    for scalars in ([], shared) if shared else ([],):
        for factor in dict.fromkeys((_common_coefficient([p[0] for p in parsed]), sp.S.One)):
            if factor == 1 and not scalars:
                continue
            inner = []
            for value, own, chain in parsed:
                rest = list(own)
                for s in scalars:
                    rest.remove(s)
                inner.append(joined_term(_ratio(value, factor), rest, chain))
            options.append(joined_term(factor, scalars, [_arranged(add(*inner))]))
    return options


def _common_coefficient(values: Sequence[sp.Expr]) -> sp.Expr:
    """The first coefficient where it divides all others, else the number and the symbols common to all."""
    first = values[0]
    if first.could_extract_minus_sign():
        first = -first
    if all(_ratio(c, first).is_Integer for c in values):
        return first
    powers = [dict(c.as_powers_dict()) for c in values]
    shared = sp.Integer(sp.igcd(*(c.as_coeff_Mul()[0].p for c in values)))
    if any(c.as_coeff_Mul()[0].q != 1 for c in values):
        shared = sp.S.One
    for base in powers[0]:
        exponents = [p.get(base, sp.S.Zero) for p in powers]
        if base.is_Symbol and all(q.is_Integer and q * exponents[0] > 0 for q in exponents):
            shared *= base ** min(exponents, key=abs)
    return shared


def _ratio(a: sp.Expr, b: sp.Expr) -> sp.Expr:
    """The quotient a / b; of 1 − s and s − 1 the number −1."""
    found = a / b
    return sp.cancel(found) if found.has(sp.Add) else found


def _by_some_scalars(terms: Sequence[Expression]) -> list[Expression]:
    """Take out a scalar factor of some terms: c A + c Aᵀ + d B → c (A + Aᵀ) + d B."""
    if len(terms) < 3:
        return []
    groups: dict[Expression, list[int]] = {}
    for k, t in enumerate(terms):
        for s in dict.fromkeys(parts_of(t)[1]):
            groups.setdefault(s, []).append(k)
    return [
        _replace(terms, members, o)
        for members in dict.fromkeys(tuple(m) for m in groups.values())
        if 1 < len(members) < len(terms)
        for o in _by_scalars([terms[k] for k in members])
    ]


def _replace(terms: Sequence[Expression], members: Sequence[int], product: Expression) -> Expression:
    kept = [product if k == members[0] else t for k, t in enumerate(terms) if k == members[0] or k not in members]
    return add(*kept)


FACTORINGS = (
    (_by_sides, -1), (_by_entries, 1), (_by_diagonals, 1), (_by_traces, 1), (_by_transposes, 1), (_by_scalars, 1),
    (_by_some_scalars, 1),
)  # fmt: skip
_PARTIAL = (_by_sides, _by_some_scalars)  # rules that may leave terms out
