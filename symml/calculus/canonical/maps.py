"""Elementwise functions: views move outside, stable forms are recognised so that derivatives inherit them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from symml.calculus.nodes import Apply, Const, Ein, Node, Sum
from symml.calculus.rewriting import Build, Rewrite, facts_of, transposed


def _view(build: Build, x: Node, name: str) -> Node | None:
    """F of a transposed or broadcast array is the transposed or broadcast f."""
    if not isinstance(x, Ein) or not x.out or len(set(x.out)) != len(x.out):
        return None
    sizes = {o: x.sizes[o] for o in x.out}
    if not x.factors:
        inner = build.ein(x.coefficient, [], (), {})
        return build.ein(1, [(build.apply_map(name, inner), ())], x.out, sizes)
    if x.coefficient != 1 or len(x.factors) != 1:
        if all(idx == () for _, idx in x.factors):
            inner = build.ein(x.coefficient, list(x.factors), (), {})
            return build.ein(1, [(build.apply_map(name, inner), ())], x.out, sizes)
        return None
    ((inner, idx),) = x.factors
    if any(i not in x.out for i in idx) or len(set(idx)) != len(idx):
        return None
    return build.ein(1, [(build.apply_map(name, inner), idx)], x.out, sizes)


def _own(x: Node) -> tuple[tuple[int, ...], dict[int, Any]]:
    return tuple(range(len(x.shape))), dict(enumerate(x.shape))


def _split_one(x: Node) -> tuple[Node | None, list[Node]]:
    """Return (the constant 1 among the terms of a sum, the other terms)."""
    if not isinstance(x, Sum):
        return None, []
    one = [t for t in x.terms if _constant(t) == 1]
    return (one[0] if one else None), [t for t in x.terms if _constant(t) != 1]


def _constant(t: Node) -> Any:
    if isinstance(t, Const):
        return t.value
    return t.coefficient if isinstance(t, Ein) and not t.factors and len(set(t.out)) == len(t.out) else None


def _is_map(x: Node, name: str) -> bool:
    return isinstance(x, Apply) and x.op == "map" and x.param == name


def _log(build: Build, x: Node, name: str) -> Node | None:
    if _is_map(x, "exp"):
        return x.children[0]
    axes, sizes = _own(x)
    if _is_map(x, "sigmoid"):
        z = build.ein(-1, [(x.children[0], axes)], axes, sizes)
        return build.ein(-1, [(build.apply_map("softplus", z), axes)], axes, sizes)
    if isinstance(x, Apply) and x.op == "pow" and "positive" in facts_of(x.children[0]):
        q = x.param
        return build.ein(q, [(build.apply_map("log", x.children[0]), axes)], axes, sizes)
    if isinstance(x, Apply) and x.op == "softmax":
        z = x.children[0]
        level = build.operator("lse", (z,), z.shape[:-1])
        return build.total([z, build.ein(-1, [(level, axes[:-1])], axes, sizes)], z.shape)
    one, rest = _split_one(x)
    if one is not None and len(rest) == 1:
        exponent = _exponent(build, rest[0])
        if exponent is not None:
            return build.apply_map("softplus", exponent)
        logit = _minus_sigmoid(rest[0])
        if logit is not None:
            return build.ein(-1, [(build.apply_map("softplus", logit), axes)], axes, sizes)
    return _log_sum_exp(build, x)


def _log_sum_exp(build: Build, x: Node) -> Node | None:
    """Log Σ_j exp(z_ij) over the last axis, or over the first axis of a matrix."""
    if not isinstance(x, Ein) or x.coefficient != 1 or len(x.factors) != 1:
        return None
    ((inner, idx),) = x.factors
    if _is_map(inner, "exp") and idx[:-1] == x.out and len(idx) == len(x.out) + 1 and len(set(idx)) == len(idx):
        return build.operator("lse", (inner.children[0],), x.shape)
    if _is_map(inner, "exp") and len(idx) == 2 and idx[1:] == x.out and idx[0] != idx[1]:
        return build.operator("lse", (transposed(build, inner.children[0]),), x.shape)
    return None


def _exponent(build: Build, t: Node) -> Node | None:
    """Return z when t = exp(z), a view of one included."""
    if _is_map(t, "exp"):
        return t.children[0]
    if isinstance(t, Apply) and t.op == "pow" and _is_map(t.children[0], "exp"):
        z = t.children[0].children[0]
        axes, sizes = _own(z)
        return build.ein(t.param, [(z, axes)], axes, sizes)
    if isinstance(t, Ein) and t.coefficient == 1 and len(t.factors) == 1:
        inner, idx = t.factors[0]
        exponent = _exponent(build, inner)
        if exponent is not None and all(i in t.out for i in idx) and len(set(t.out)) == len(t.out):
            return build.ein(1, [(exponent, idx)], t.out, {o: t.sizes[o] for o in t.out})
    return None


def _minus_sigmoid(t: Node) -> Node | None:
    """Return z when t = −σ(z)."""
    if not isinstance(t, Ein) or t.coefficient != -1 or len(t.factors) != 1 or t.factors[0][1] != t.out:
        return None
    inner = t.factors[0][0]
    return inner.children[0] if _is_map(inner, "sigmoid") else None


def _exp(build: Build, x: Node, name: str) -> Node | None:
    if _is_map(x, "log"):
        return x.children[0]
    return None


def _sqrt(build: Build, x: Node, name: str) -> Node | None:
    return build.power(x, Fraction(1, 2))


def _abs(build: Build, x: Node, name: str) -> Node | None:
    if "nonnegative" in facts_of(x):
        return x
    return None


def _logistic(build: Build, x: Node, q: Any) -> Node | None:
    """1/(1 + exp(-z)) = σ(z)."""
    if q != -1:
        return None
    one, rest = _split_one(x)
    if one is None or len(rest) != 1:
        return None
    z = _exponent(build, rest[0])
    if z is None:
        return None
    axes, sizes = _own(z)
    return build.apply_map("sigmoid", build.ein(-1, [(z, axes)], axes, sizes))


RULES = (
    Rewrite("map_of_view", "map", "", "f(Aᵀ) = f(A)ᵀ, f(1 bᵀ) = 1 f(b)ᵀ", "size under the function", _view),
    Rewrite("stable_log", "map", "log", "log(1 + eᶻ) = softplus(z), log Σ eᶻ = logsumexp(z), "
            "log σ(z) = −softplus(−z), log eᶻ = z", "nodes", _log),
    Rewrite("exp_of_log", "map", "exp", "exp(log x) = x", "nodes", _exp),
    Rewrite("sqrt_as_power", "map", "sqrt", "√x = x^(1/2)", "functions", _sqrt),
    Rewrite("abs_of_nonnegative", "map", "abs", "|x| = x for x >= 0", "nodes", _abs),
    Rewrite("logistic_function", "power", "", "1/(1 + e⁻ᶻ) = σ(z)", "nodes", _logistic),
)  # fmt: skip
