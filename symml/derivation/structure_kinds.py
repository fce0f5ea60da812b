"""The structures of a Hessian: one row each, with what finds it, how it is written and how it acts on a direction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symml.calculus.construct import is_zero, total
from symml.calculus.nodes import Ein, Leaf, Node
from symml.derivation.separating import is_identity, merged, split
from symml.derivation.structure_parts import (
    Outer,
    Peeled,
    constant,
    diagonal,
    flipped,
    inner_term,
    is_diagonal,
    is_one,
    outer,
    peel,
    piece,
    scalars,
)
from symml.language.expressions import Expression, Symbol
from symml.language.operators import add, call, eye, multiply_any, symbol, transpose

Array = Any
Parts = Mapping[str, Node]
Shown = Mapping[str, Expression]
Act = Callable[[Mapping[str, Array], Array], Array]


@dataclass(frozen=True)
class Claim:
    """A structure found: its parts, how it is written in them and how it acts.

    `title` may hold ``{formula}`` and ``{sizes}``; `lead` stands before the formula in the statement.
    """

    title: str
    parts: Parts
    act: Act
    formula: Callable[[Shown], Expression]
    lead: str = "H = "
    lead_latex: str = "H = "
    by_columns: bool = False


@dataclass(frozen=True)
class Kind:
    """One structure of the Hessian of a vector (order 1) or a matrix (order 2)."""

    name: str
    order: int
    detect: Callable[[Sequence[Ein], Leaf], Claim | None]
    statement: str


# -- what stands between: c I, diag(s), diag(s) + c u uᵀ, S -------------------------------------------------------
def _middle(terms: Sequence[Ein]) -> Parts | None:
    """The parts of a sum of terms of order 2: s on the diagonal, c and u of one outer product, or all of it as S."""
    straight = [t for t in terms if is_diagonal(t)]
    rest = [t for t in terms if not is_diagonal(t)]
    found: dict[str, Node] = {}
    entries = diagonal(straight, 1)
    if entries is not None:
        scalar = constant(entries)
        found["t" if scalar is not None else "s"] = scalar if scalar is not None else entries
    if not rest:
        return found
    crossed = outer(rest[0], rest[0].out[:1], rest[0].out[1:]) if len(rest) == 1 else None
    if crossed is None:
        return {"S": total([piece(t, t.coefficient, t.factors, t.out) for t in terms], terms[0].shape)}
    return {**found, **_outer_parts(crossed)}


def _outer_parts(found: Outer) -> dict[str, Node]:
    return {"c": found.scale, "u": found.vector}


def _act_middle(values: Mapping[str, Array], z: Array) -> Array:
    if "S" in values:
        return np.asarray(values["S"] @ z)
    found = values.get("t", values.get("s", 0.0)) * z
    return found + values["c"] * values["u"] * np.sum(values["u"] * z) if "u" in values else found


def _show_middle(shown: Shown, size: Any) -> list[Expression]:
    """Terms of the matrix in the middle; the identity's factor alone when it is a multiple of it."""
    if "S" in shown:
        return [shown["S"]]
    found = []
    if "t" in shown:
        found.append(multiply_any(shown["t"], eye(size)))
    if "s" in shown:
        found.append(call("diag", shown["s"]))
    if "u" in shown:
        found.append(multiply_any(shown["c"], shown["u"], transpose(shown["u"])))
    return found


# -- vectors ------------------------------------------------------------------------------------------------------
def _zero(terms: Sequence[Ein], x: Leaf) -> Claim | None:
    if not all(is_zero(t) for t in terms):
        return None
    return Claim("zero", {"O": terms[0]}, lambda values, step: 0.0 * step, lambda shown: shown["O"])


def _diagonal_vector(terms: Sequence[Ein], x: Leaf) -> Claim | None:
    if not all(is_diagonal(t) for t in terms):
        return None
    parts = _middle(terms)
    assert parts is not None
    return Claim("diagonal", parts, _act_middle, lambda shown: add(*_show_middle(shown, x.shape[0])))


def _rank_one_vector(terms: Sequence[Ein], x: Leaf) -> Claim | None:
    parts = _middle(terms)
    if parts is None or "u" not in parts:
        return None
    title = "diagonal plus rank one" if len(parts) > 2 else "rank one"
    return Claim(title, parts, _act_middle, lambda shown: add(*_show_middle(shown, x.shape[0])))


def _product_vector(terms: Sequence[Ein], x: Leaf) -> Claim | None:
    """Lᵀ M L, with what stands on the diagonal besides."""
    beside = [t for t in terms if is_diagonal(t)]
    through = [t for t in terms if not is_diagonal(t)]
    peeled = [peel(t, *t.out) for t in through]
    sides = _common(peeled)
    if sides is None:
        return None
    inner = [inner_term(t, t.coefficient, p.rest, p.inner) for t, p in zip(through, peeled, strict=True) if p is not None]
    middle = _middle(inner)
    if middle is None:
        return None
    parts = {"L": sides, **middle, **_beside(beside, 1)}

    def act(values: Mapping[str, Array], step: Array) -> Array:
        return np.asarray(values["L"].T @ _act_middle(values, values["L"] @ step) + values.get("D", 0.0) * step)

    def formula(shown: Shown) -> Expression:
        left, body = transpose(shown["L"]), _show_middle(shown, sides.shape[0])
        scalar = set(middle) == {"t"}
        whole = multiply_any(shown["t"], left, shown["L"]) if scalar else multiply_any(left, add(*body), shown["L"])
        return _with_diagonal(whole, shown, x.shape[0])

    return Claim(_through(x, sides, bool(beside)), parts, act, formula)


def _through(x: Leaf, side: Node, beside: bool) -> str:
    name = "product" if x in side.leaves else "product through the data"
    return name + (" plus a diagonal" if beside else "") + ": {formula}"


def _common(peeled: Sequence[Peeled | None]) -> Node | None:
    """The matrix that all terms are seen through."""
    first = peeled[0] if peeled else None
    if first is None or not all(p is not None and p.side.digest == first.side.digest for p in peeled):
        return None
    return first.side


def _beside(terms: Sequence[Ein], count: int) -> dict[str, Node]:
    entries = diagonal(terms, count)
    if entries is None:
        return {}
    scalar = constant(entries)
    return {"D": entries if scalar is None else scalar}


def _with_diagonal(whole: Expression, shown: Shown, size: Any) -> Expression:
    if "D" not in shown:
        return whole
    d = shown["D"]
    return add(whole, multiply_any(d, eye(size)) if d.shape == () else call("diag", d))


# -- matrices -----------------------------------------------------------------------------------------------------
def _diagonal_matrix(terms: Sequence[Ein], x: Leaf) -> Claim | None:
    if not all(is_diagonal(t) for t in terms):
        return None
    entries = diagonal(terms, 2)
    assert entries is not None
    scalar = constant(entries)
    parts: Parts = {"S": entries} if scalar is None else {"t": scalar}

    def formula(shown: Shown) -> Expression:
        if "t" in shown:
            return multiply_any(shown["t"], eye(x.shape[0] * x.shape[1]))
        return call("diag", call("vec", shown["S"]))

    return Claim("diagonal", parts, lambda values, step: np.asarray(values.get("S", values.get("t")) * step), formula)


def _rank_one_matrix(terms: Sequence[Ein], x: Leaf) -> Claim | None:
    straight = [t for t in terms if is_diagonal(t)]
    rest = [t for t in terms if not is_diagonal(t)]
    crossed = outer(rest[0], rest[0].out[:2], rest[0].out[2:]) if len(rest) == 1 else None
    if crossed is None:
        return None
    parts = {**_beside(straight, 2), **_outer_parts(crossed)}

    def act(values: Mapping[str, Array], step: Array) -> Array:
        along = values["c"] * values["u"] * np.sum(values["u"] * step)
        return np.asarray(values.get("D", 0.0) * step + along)

    def formula(shown: Shown) -> Expression:
        u = call("vec", shown["u"])
        whole = multiply_any(shown["c"], u, transpose(u))
        if "D" not in shown:
            return whole
        d = shown["D"]
        first = multiply_any(d, eye(x.shape[0] * x.shape[1])) if d.shape == () else call("diag", call("vec", d))
        return add(first, whole)

    return Claim("diagonal plus rank one" if straight else "rank one", parts, act, formula)


def _kronecker(terms: Sequence[Ein], x: Leaf) -> Claim | None:
    """Σ Q ⊗ P, from H[dX] = Σ P dX Qᵀ; a term in dXᵀ has the commutation matrix K behind it."""
    hessian = total([piece(t, t.coefficient, t.factors, t.out) for t in terms], terms[0].shape)
    found = split(hessian, "symmetric" in x.facts)
    if found is None:
        return None
    straight = merged([p for p in found if not p.flipped])
    crossed = merged([p for p in found if p.flipped])
    if len(straight) + len(crossed) > 2:
        return None
    pairs = [*((p, False) for p in straight), *((p, True) for p in crossed)]
    parts: dict[str, Node] = {}
    for number, (p, _) in enumerate(pairs):
        parts |= {f"A{number}": p.right, f"B{number}": p.left}

    def act(values: Mapping[str, Array], step: Array) -> Array:
        done = np.zeros_like(step)
        for number, (_, turned) in enumerate(pairs):
            done = done + values[f"B{number}"] @ (step.T if turned else step) @ values[f"A{number}"].T
        return np.asarray(done)

    def formula(shown: Shown) -> Expression:
        commutation = symbol("K", (x.shape[0] * x.shape[1],) * 2)
        written = []
        for number, (_, turned) in enumerate(pairs):
            product = call("kron", shown[f"A{number}"], shown[f"B{number}"])
            written.append(multiply_any(product, commutation) if turned else product)
        return add(*written)

    title = "Kronecker: {formula}" if len(pairs) == 1 else "sum of Kronecker products: {formula}"
    lead = "K vec(dX) = vec(dXᵀ), H = ".replace("dX", f"d{x.name}") if crossed else "H = "
    return Claim(title, parts, act, formula, lead)


KINDS: tuple[Kind, ...] = ()
