"""Golden LaTeX: whole derivations as they are printed, reviewed text, one file a case.

After a change that is meant to be seen: ``python tests/test_golden.py`` writes the files again; read the difference.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import symml as sml

FOLDER = Path(__file__).parent / "golden"
GOLDEN = {
    "ridge": ("1/2*||X w - y||^2 + lam/2*||w||^2", "w", "X: n x d, y: n, w: d, lam > 0"),
    "logistic": ("sum(log(1 + exp(-s .* (X w))))", "w", "X: n x d, s: n in {-1,1}, w: d"),
    "softmax_regression": (
        "sum(logsumexp(X W)) - sum(Y .* (X W))", "W", "X: n x d, W: d x k, Y: n x k one-hot rows",
    ),
    "covariance": ("n/2*logdet(S) + 1/2*tr(inv(S) E' E)", "S", "S: d x d spd, E: n x d"),
    "two_layer_net": (
        "H = tanh(X W1 + ones(n) b1'); R = H V + ones(n) b2' - Y; 1/2*||R||^2", "W1",
        "X: n x d, W1: d x h, b1: h, V: h x k, b2: k, Y: n x k",
    ),
    "gaussian_process": (
        "C = inv(exp(theta)*K + s*eye(n)); 1/2*y' C y - 1/2*logdet(C)", "theta", "K: n x n spd, y: n, theta, s > 0",
    ),
    "rayleigh_quotient": ("x' A x/(x' x)", "x", "A: n x n symmetric, x: n"),
    "masked_factorisation": (
        "||M .* (R - U V')||^2 + lam*(||U||^2 + ||V||^2)", "U", "M: n x m mask, R: n x m, U: n x r, V: m x r, lam > 0",
    ),
    "attention": ("P = softmax(Q K'); tr(G' P V)", "Q", "Q: n x d, K: m x d, V: m x p, G: n x p"),
    "mahalanobis": ("(x - mu)' inv(S) (x - mu)", "S", "x: d, mu: d, S: d x d spd"),
    "logsumexp": ("logsumexp(A x)", "x", "A: m x n, x: n"),
    "poisson": ("sum(exp(X w)) - y' X w", "w", "X: n x d, y: n, w: d"),
    "inverse": ("tr(inv(Z) A)", "Z", "Z: n x n invertible, A: n x n"),
    "norm": ("||X w - y||", "w", "X: n x d, y: n, w: d"),
}  # fmt: skip


def render(name: str) -> str:
    """The derivation of a case."""
    text, wrt, where = GOLDEN[name]
    return sml.derive(text, wrt=wrt, where=where).latex() + "\n"


@pytest.mark.parametrize("name", GOLDEN)
def test_golden(name):
    assert render(name) == (FOLDER / f"{name}.tex").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", GOLDEN)
def test_every_step_of_a_golden_derivation_is_ok(name):
    text, wrt, where = GOLDEN[name]
    for step in sml.derive(text, wrt=wrt, where=where).steps:
        assert step.verdict.ok, str(step)


def test_every_golden_file_has_a_case():
    assert {p.stem for p in FOLDER.glob("*.tex")} == set(GOLDEN)


if __name__ == "__main__":
    for case in GOLDEN:
        (FOLDER / f"{case}.tex").write_text(render(case), encoding="utf-8")
