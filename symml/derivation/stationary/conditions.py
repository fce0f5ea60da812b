"""Conditions of a solution in words: which matrix must be invertible or definite, and why it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from symml.calculus.nodes import Apply, Const, Node, walk
from symml.calculus.rewriting import facts_of
from symml.codegen.structure import definiteness, is_nonnegative, is_positive
from symml.derivation.curvature.definiteness import shown
from symml.language.expressions import Add, Call, Expression, Index, Mul, Pow, Symbol, Transpose
from symml.language.operators import as_expression, multiply_any, scalar, transpose
from symml.language.tables import symbol_table


def of_roots(roots: Sequence[Node], v: Any) -> list[str]:
    """Return what must hold for a solution to exist: of each matrix inverted and each divisor."""
    found: list[str] = []
    for root in roots:
        for node in walk(root):
            if isinstance(node, Apply) and node.op == "inv":
                found.append(of_inverse(shown(node.children[0])))
            elif isinstance(node, Apply) and node.op == "pow":
                found.extend(of_divisor(node.children[0]) if node.param < 0 else [])
                found.extend(_of_even_root(node.children[0]) if node.param.denominator % 2 == 0 else [])
    return list(dict.fromkeys([*found, *of_declaration(roots, v)]))


def of_inverse(m: Expression) -> str:
    """Return why a matrix is invertible, or that it must be."""
    if isinstance(m, Symbol):
        if "spd" in m.facts:
            return f"{m} is positive definite (declared)"
        return f"{m} is invertible (declared)" if "invertible" in m.facts else f"{m} must be invertible"
    kind, reasons = definiteness(m)
    strict = kind in ("positive definite", "negative definite")
    rank = _rank_condition(m, strict)
    if rank and (strict or kind.endswith("semidefinite")):
        return rank
    if strict:
        return f"{m} is {kind} {_because(m, kind, reasons)}".strip()
    if kind.endswith("semidefinite"):
        return _no_common_null(m) or f"{m} must be {kind.replace('semi', '')} ({'; '.join(reasons)})"
    return f"{m} must be invertible"


def _no_common_null(m: Expression) -> str:
    """For Xᵀ X + λ Gᵀ G: no vector but zero that both X and G send to zero; empty for anything else."""
    grams = [_gram(_core(t)) for t in m.args] if isinstance(m, Add) else []
    factors = [g[0] for g in grams if g is not None and g[1] == "column" and g[2] is None]
    if not factors or len(factors) != len(grams):
        return ""
    names = f"{', '.join(map(str, factors[:-1]))} and {factors[-1]}"
    return f"{names} must send no vector but 0 to 0 together (then {m} is invertible)"


def of_definite(m: Expression) -> str:
    """Return why a matrix is positive definite, or that it must be."""
    m = _core(m)
    told = of_inverse(m) if definiteness(m)[0].startswith("positive") else ""
    return told.replace("is invertible)", "is positive definite)") or f"{m} must be positive definite"


def _because(m: Expression, kind: str, reasons: Sequence[str]) -> str:
    """The part that makes a sum definite: because λ > 0."""
    decisive = [r for r in reasons if f" is {kind}" in r]
    if not decisive:
        return ""
    first = decisive[0]
    if " because " in first:
        return "because " + first.split(" because ", 1)[1]
    if isinstance(m, Add):
        rank = next((_rank_condition(t, True) for t in m.args if str(t) == first.split(" is ")[0]), "")
        return "because " + (rank.split(" because ", 1)[1] if " because " in rank else first)
    told = first.split(f" is {kind}", 1)[1]
    return told[told.index("(") :] if "(" in told else ""


def _rank_condition(m: Expression, strict: bool) -> str:
    """Full rank of X for Xᵀ X, Xᵀ D X and X Xᵀ; empty for anything else."""
    found = _gram(m)
    if found is None:
        return ""
    factor, rank, weights = found
    if strict:
        declared = " (declared)" if isinstance(factor, Symbol) else ""
        return f"{m} is positive definite because {factor} has full {rank} rank{declared}"
    return f"{_weighted(factor, rank, weights)} must have full {rank} rank (then {m} is invertible)"


def _weighted(factor: Expression, rank: str, weights: Expression | None) -> str:
    """The rows that count: all of X in Xᵀ D X, unless entries of D may be 0."""
    lines = "rows" if rank == "column" else "columns"
    return str(factor) if weights is None else f"the {lines} of {factor} at which {weights} is not 0"


def _gram(m: Expression) -> tuple[Expression, str, Expression | None] | None:
    """X of Xᵀ D X, its rank, and the weights of D = diag(weights) where D is only semidefinite."""
    arrays = [a for a in m.args if a.shape != ()] if isinstance(m, Mul) else []
    for middle in (len(arrays) // 2, (len(arrays) + 1) // 2):
        half = arrays[middle:] if len(arrays) > 1 else []
        if not half or len(arrays) - len(half) < len(half):
            continue
        right = multiply_any(*half)
        left = [transpose(a) for a in reversed(half)]
        if arrays[: len(half)] == left and len(right.shape) == 2 and 1 not in right.shape:
            between = multiply_any(*arrays[len(half) : middle]) if middle > len(half) else None
            weights = None
            if between is not None and not definiteness(between)[0].endswith(" definite"):
                if not (isinstance(between, Call) and between.function == "diag"):
                    return None
                weights = between.args[0]
            wide = len(half) == 1 and isinstance(half[0], Transpose)
            return (transpose(right), "row", weights) if wide else (right, "column", weights)
    return None


def of_divisor(base: Node) -> list[str]:
    """Return that a divisor must not be 0, unless it cannot be."""
    if isinstance(base, Const) or facts_of(base) & {"positive", "negative", "nonzero"}:
        return []
    value = shown(base)
    while isinstance(value, Pow) and value.shape == ():
        value = value.args[0]
    if is_positive(value) == "yes" or is_positive(multiply_any(-1, value)) == "yes" or _sum_of_definite(value):
        return []
    many = "no entry of " if base.shape else ""
    return [f"{many}{value} may be 0" if many else f"{value} must not be 0"]


def _of_even_root(base: Node) -> list[str]:
    if isinstance(base, Const) or facts_of(base) & {"positive", "nonnegative"}:
        return []
    value = shown(base)
    return [] if is_nonnegative(value) == "yes" else [f"{value} must be >= 0"]


def _sum_of_definite(value: Expression) -> bool:
    """𝟏ᵀ M 𝟏 with M definite."""
    return isinstance(value, Call) and value.function == "sum" and definiteness(value.args[0])[0].endswith(" definite")


def of_declaration(roots: Sequence[Node], v: Any) -> list[str]:
    """Return what the declaration of the variable asks of the solution and is not plain to see."""
    found: list[str] = []
    for root in roots:
        value = shown(root)
        if isinstance(v, Symbol) and v.facts & {"spd", "psd"}:
            found.extend(_definite(value, v))
        elif not _in_range(value, v):
            found.append(
                f"{value} must be {_range(v)}, as {as_expression(v)} is declared"
                if len(roots) == 1
                else f"the solution must be {_range(v)}, as {as_expression(v)} is declared"
            )
    return list(dict.fromkeys(found))


def _definite(value: Expression, v: Symbol) -> list[str]:
    kind, _ = definiteness(value)
    if kind == "positive definite" or ("spd" not in v.facts and kind.startswith("positive")):
        return []
    word = "positive definite" if "spd" in v.facts else "positive semidefinite"
    core = _core(value)
    inverse = isinstance(core, Pow)
    core = _core(core.args[0]) if inverse else core
    if definiteness(core)[0].startswith("positive") and inverse:
        return []
    gram = _gram(core)
    if gram is not None:
        factor, rank, weights = gram
        return [f"{_weighted(factor, rank, weights)} must have full {rank} rank (then {core} is {word})"]
    return [f"{core} must be {word}"]


def _core(value: Expression) -> Expression:
    """A matrix without its positive scalar factors."""
    if not isinstance(value, Mul) or any(a.shape == () and is_positive(a) != "yes" for a in value.args):
        return value
    arrays = [a for a in value.args if a.shape != ()]
    return multiply_any(*arrays) if is_positive(scalar(value.coefficient)) == "yes" else value


def _in_range(value: Expression, v: Any) -> bool:
    words = [w for w in ("positive", "nonnegative", "negative") if w in _facts(v)]
    domain = getattr(v, "domain", None)
    bounded = domain is not None and not (domain.high is None and domain.low == 0) and domain.values == ()
    if domain is not None and bounded and (domain.low is not None or domain.high is not None):
        return False
    if not words:
        return True
    sign = value if words[0] != "negative" else multiply_any(-1, value)
    return is_positive(sign) == "yes"


def _facts(v: Any) -> frozenset[str]:
    if isinstance(v, Symbol):
        return v.facts
    return frozenset(w for w in ("positive", "nonnegative", "negative") if getattr(v, f"is_{w}", None) is True)


def _range(v: Any) -> str:
    domain = getattr(v, "domain", None)
    if domain is not None and str(domain) != "in R":
        return str(domain)
    words = _facts(v)
    return "> 0" if "positive" in words else ">= 0" if "nonnegative" in words else "< 0"


def of_linear(method: str, parts: Sequence[Expression], v: Any) -> str:
    """Return when a linear equation for a matrix that no formula solves has exactly one solution."""
    return _UNIQUE[method](parts, v)


def _of_vec(parts: Sequence[Expression], v: Any) -> str:
    kind, reasons = definiteness(parts[0])
    if kind == "positive definite":
        return f"a unique solution exists: {parts[0]} is positive definite {_because(parts[0], kind, reasons)}".strip()
    exactly = "" if isinstance(v, Symbol) and "symmetric" in v.facts else "exactly "
    return f"a unique solution exists {exactly}when {parts[0]} is invertible"


def _of_sylvester(parts: Sequence[Expression], v: Any) -> str:
    a, b = parts
    kinds = [definiteness(m)[0] for m in parts]
    if kinds[0] == "positive definite" and kinds[1].startswith("positive"):
        why = f"{a} is positive definite and {b} is {kinds[1]}"
        return f"a unique solution exists: {why}, so no eigenvalue of {a} is minus one of {b}"
    return f"a unique solution exists exactly when {a} and −{b} have no common eigenvalue"


def _of_lyapunov(parts: Sequence[Expression], v: Any) -> str:
    if definiteness(parts[0])[0] == "positive definite":
        return _of_sylvester(parts, v)
    if definiteness(parts[0])[0] == "positive semidefinite":
        return f"{of_inverse(parts[0])}; a unique solution exists exactly then"
    return f"a unique solution exists exactly when no two eigenvalues of {parts[0]} add up to zero"


def _of_lines(parts: Sequence[Expression], v: Any, line: str) -> str:
    (index,) = (s for s in symbol_table(parts[0]).values() if isinstance(s, Index))
    told = of_inverse(parts[0])
    if " must " not in told:
        return told
    gram = _gram(parts[0])
    if gram is not None and gram[2] is None:
        return told
    if gram is not None:
        told = f"{_weighted(*gram)} must have full {gram[1]} rank"
    return f"{told}, for every {index}; else {line} {index} of {v} is not unique"


_UNIQUE: dict[str, Callable[[Sequence[Expression], Any], str]] = {
    "kronecker": _of_vec,
    "mixed": _of_vec,
    "sylvester": _of_sylvester,
    "lyapunov": _of_lyapunov,
    "rows": lambda parts, v: _of_lines(parts, v, "row"),
    "columns": lambda parts, v: _of_lines(parts, v, "column"),
    "linear": lambda parts, v: f"a unique solution exists exactly when the linear system for {v} is not singular",
}
