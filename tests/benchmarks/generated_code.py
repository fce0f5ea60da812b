"""Time generated NumPy functions beside hand-written NumPy, interleaved in one process.

Run as a script for a table; each line is the median over rounds of the ratio of the two times, and the ratio of the
best times, which is the steadier one on a busy machine. Below 1 the generated function is faster.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from symml.codegen.lambdify import lambdify
from symml.language.declarations import declare
from symml.language.operators import call, elementwise_power, elementwise_product, ones

Arrays = tuple[Any, ...]


@dataclass(frozen=True)
class Problem:
    """One comparison: the generated function, the hand-written one, and how data of a given size are made."""

    name: str
    generated: Callable[..., Arrays]
    hand: Callable[..., Arrays]
    data: Callable[..., Arrays]
    sizes: tuple[tuple[int, ...], ...]
    bar: float


def logistic() -> Problem:
    """Value, gradient and Hessian of the logistic loss."""
    X, y, w = declare("X: n x d, y: n, w: d")
    z = X * w
    s = call("sigmoid", z)
    value = call("sum", call("softplus", z) - elementwise_product(y, z))
    hessian = X.T * call("diag", elementwise_product(s, 1 - s)) * X
    generated = lambdify([X, y, w], value, X.T * (s - y), hessian, names=["value", "gradient", "hessian"])

    def hand(X: Any, y: Any, w: Any) -> Arrays:
        z = X @ w
        e = np.exp(-np.abs(z))
        q = 1 / (1 + e)
        value = np.sum(np.maximum(z, 0) + np.log1p(e)) - y @ z
        return value, X.T @ (np.where(z >= 0, q, e * q) - y), X.T @ (X * (e * q * q)[:, None])

    def data(n: int, d: int) -> Arrays:
        rng = np.random.default_rng(0)
        return rng.standard_normal((n, d)), (rng.random(n) < 0.5).astype(float), rng.standard_normal(d) / d**0.5

    return Problem("logistic", generated, hand, data, ((100, 5), (1000, 10), (100_000, 50)), 1.2)


def factorisation() -> Problem:
    """Value and both gradients of a masked matrix factorisation."""
    M, R, U, V, lam = declare("M: n x m mask, R: n x m, U: n x r, V: m x r, lam > 0")
    residual = elementwise_product(M, R - U * V.T)
    value = call("norm", residual) ** 2 + lam * (call("norm", U) ** 2 + call("norm", V) ** 2)
    outputs = (value, -2 * residual * V + 2 * lam * U, -2 * residual.T * U + 2 * lam * V)
    generated = lambdify([M, R, U, V, lam], *outputs, names=["value", "gradient_U", "gradient_V"])

    def hand(M: Any, T: Any, U: Any, V: Any, lam: float) -> Arrays:
        R = U @ V.T
        R -= T
        R *= M
        value = np.vdot(R, R) + lam * (np.vdot(U, U) + np.vdot(V, V))
        return value, 2 * (R @ V) + 2 * lam * U, 2 * (R.T @ U) + 2 * lam * V

    def data(n: int, m: int, r: int) -> Arrays:
        rng = np.random.default_rng(0)
        mask = (rng.random((n, m)) < 0.5).astype(float)
        return mask, rng.standard_normal((n, m)), rng.standard_normal((n, r)), rng.standard_normal((m, r)), 0.5

    return Problem("factorisation", generated, hand, data, ((50, 40, 5), (500, 400, 10), (3000, 2000, 20)), 1.3)


def network() -> Problem:
    """Value and all gradients of a network of two layers."""
    X, W1, b1, V, b2, Y = declare("X: n x d, W1: d x h, b1: h, V: h x k, b2: k, Y: n x k")
    n = X.shape[0]
    A = call("tanh", X * W1 + ones(n) * b1.T)
    R = A * V + ones(n) * b2.T - Y
    D = elementwise_product(R * V.T, 1 - elementwise_power(A, 2))
    value = sp.Rational(1, 2) * call("norm", R) ** 2
    outputs = (value, X.T * D, D.T * ones(n), A.T * R, R.T * ones(n))
    generated = lambdify([X, W1, b1, V, b2, Y], *outputs, names=["value", "of_W1", "of_b1", "of_V", "of_b2"])

    def hand(X: Any, W1: Any, b1: Any, V: Any, b2: Any, Y: Any) -> Arrays:
        A = X @ W1
        A += b1
        np.tanh(A, out=A)
        R = A @ V
        R += b2
        R -= Y
        of_V = A.T @ R
        np.multiply(A, A, out=A)
        np.subtract(1, A, out=A)
        A *= R @ V.T
        return 0.5 * np.vdot(R, R), X.T @ A, A.sum(0), of_V, R.sum(0)

    def data(n: int, d: int, h: int, k: int) -> Arrays:
        rng = np.random.default_rng(0)
        shapes = ((n, d), (d, h), (h,), (h, k), (k,), (n, k))
        return tuple(
            rng.standard_normal(s) / s[0] ** 0.5 if k in (1, 3) else rng.standard_normal(s)
            for k, s in enumerate(shapes)
        )

    return Problem(
        "network", generated, hand, data, ((100, 10, 20, 3), (10_000, 50, 100, 1), (20_000, 100, 200, 5)), 1.3
    )


PROBLEMS = (logistic, factorisation, network)


def ratios(problem: Problem, size: tuple[int, ...], rounds: int = 9) -> tuple[float, float, float]:
    """Return the median ratio, the ratio of the best times, and the best hand-written time in milliseconds."""
    values = problem.data(*size)
    for found, expected in zip(problem.generated(*values), problem.hand(*values), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-8)
    start = time.perf_counter()
    problem.hand(*values)
    repeats = max(1, min(300, int(0.02 / (time.perf_counter() - start))))
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for function, seen in zip((problem.generated, problem.hand), times, strict=True):
            start = time.perf_counter()
            for _ in range(repeats):
                function(*values)
            seen.append((time.perf_counter() - start) / repeats)
    paired = [a / b for a, b in zip(*times, strict=True)]
    return statistics.median(paired), min(times[0]) / min(times[1]), 1e3 * min(times[1])


def main() -> None:
    """Print the table."""
    print(f"{'problem':<15}{'size':<24}{'hand, ms':>10}{'ratio':>8}{'best':>8}{'bar':>6}")
    for make in PROBLEMS:
        problem = make()
        for size in problem.sizes:
            median, best, hand = ratios(problem, size)
            shown = " x ".join(map(str, size))
            print(f"{problem.name:<15}{shown:<24}{hand:>10.3f}{median:>8.2f}{best:>8.2f}{problem.bar:>6}")


if __name__ == "__main__":
    main()
