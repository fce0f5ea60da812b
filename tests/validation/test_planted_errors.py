"""Lines that are right are never flagged; one planted error is found at its line, with its kind."""

import pytest

import symml as sml

REGRESSION = {
    "where": "X: n x d, y: n, w: d, lambda > 0",
    "definitions": {
        "J": "1/2*||X w - y||^2 + lambda/2 w'w", "L": "sum(softplus(X w)) - dot(y, X w)", "s": "sigmoid(X w)",
        "M": "1/n*||X w - y||^2", "P": "sum(exp(X w)) - y'X w", "r": "X w - y", "K": "sum(softplus(-y .* (X w)))",
    },
}  # fmt: skip
GAUSS = {
    "where": "Sigma: d x d spd, S: d x d symmetric, n > 0, mu: d, x: d",
    "definitions": {"ll": "-n/2*(logdet(Sigma) + trace(inv(Sigma)*S))", "q": "-1/2*(x-mu)'inv(Sigma)*(x-mu)"},
}
MATRICES = {
    "where": "A: d x d, B: d x d invertible, x: d, a: d, b: d, X: n x d, sigma > 0, mu, n dimension, z: n",
    "definitions": {
        "f": "x'A x", "g": "trace(A B)", "h": "logdet(B)", "u": "log(a'x)^2", "k": "a'inv(B)*b", "e": "exp(-||x||^2/2)",
        "v": "-1/(2*sigma^2)*||z - mu*ones(n)||^2 - n*log(sigma)",
    },
}  # fmt: skip

RIGHT = [
    (REGRESSION, "grad_w J = X'(X w - y) + lambda w"),
    (REGRESSION, "grad_w J = X'X w - X'y + lambda w"),
    (REGRESSION, "hess_w J = X'X + lambda I"),
    (REGRESSION, "grad_w L = X'(s - y)"),
    (REGRESSION, "grad_w L = X'(sigmoid(X w) - y)"),
    (REGRESSION, "hess_w L = X' diag(s .* (1 - s)) X"),
    (REGRESSION, "grad_w M = 2/n X'(X w - y)"),
    (REGRESSION, "grad(M, w) = 2*X'r/n"),
    (REGRESSION, "∇_w P = X'(exp(X w) - y)"),
    (REGRESSION, "∇²_w P = X' diag(exp(X w)) X"),
    (REGRESSION, "grad_w K = -X'(y .* sigmoid(-y .* (X w)))"),
    (REGRESSION, "J = 1/2 r'r + lambda/2 ||w||^2"),
    (REGRESSION, "sum(s) = ones(n)'s"),
    (REGRESSION, "r'r = ||X w||^2 - 2 y'X w + ||y||^2"),
    (GAUSS, "grad_Sigma ll = -n/2*(inv(Sigma) - inv(Sigma) S inv(Sigma))"),
    (GAUSS, "grad_mu q = inv(Sigma)*(x - mu)"),
    (GAUSS, "hess(q, mu) = -inv(Sigma)"),
    (GAUSS, "∂q/∂x = -Sigma^-1 (x - mu)"),
    (MATRICES, "grad_x f = (A + A')x"),
    (MATRICES, "hess_x f = A + A'"),
    (MATRICES, "grad_A f = x x'"),
    (MATRICES, "grad_A g = B'"),
    (MATRICES, "grad_B h = inv(B)'"),
    (MATRICES, "grad_x u = 2*log(a'x)/(a'x) a"),
    (MATRICES, "grad_mu v = 1/sigma^2*(sum(z) - n*mu)"),
    (MATRICES, "grad_sigma v = ||z - mu*ones(n)||^2/sigma^3 - n/sigma"),
    (MATRICES, "grad_B k = -inv(B)' a b' inv(B)'"),
    (MATRICES, "grad_x e = -e x"),
    (MATRICES, "(A B)' = B'A'"),
    (MATRICES, "trace(A B) = trace(B A)"),
    (MATRICES, "inv(B)' = inv(B')"),
    (MATRICES, "x'A x = x'A'x"),
]

WRONG = [
    (REGRESSION, "factor", "grad_w J = 2 X'(X w - y) + 2 lambda w"),
    (REGRESSION, "factor", "grad_w J = X'(X w - y) + 2 lambda w"),
    (REGRESSION, "factor", "grad_w J = 2 X'(X w - y) + lambda w"),
    (REGRESSION, "factor", "grad_w M = 1/n X'(X w - y)"),
    (REGRESSION, "factor", "r'r = ||X w||^2 - y'X w + ||y||^2"),
    (REGRESSION, "sign", "grad_w J = X'(X w + y) + lambda w"),
    (REGRESSION, "sign", "grad_w J = X'(X w - y) - lambda w"),
    (REGRESSION, "sign", "grad_w J = X'(y - X w) + lambda w"),
    (REGRESSION, "sign", "grad_w L = X'(y - s)"),
    (REGRESSION, "sign", "grad_w L = X'(s + y)"),
    (REGRESSION, "sign", "hess_w L = X' diag(s .* (1 + s)) X"),
    (REGRESSION, "sign", "grad_w P = X'(exp(-X w) - y)"),
    (REGRESSION, "sign", "grad_w K = X'(y .* sigmoid(-y .* (X w)))"),
    (REGRESSION, "sign", "grad_w K = -X'(y .* sigmoid(y .* (X w)))"),
    (REGRESSION, "transpose", "grad_w J = X(X w - y) + lambda w"),
    (REGRESSION, "transpose", "grad_w J = (X w - y)'X + lambda w'"),
    (REGRESSION, "transpose", "grad_w L = X(s - y)"),
    (REGRESSION, "lost term", "grad_w J = X'(X w - y)"),
    (REGRESSION, "lost term", "grad_w J = X'X w + lambda w"),
    (REGRESSION, "lost term", "hess_w J = X'X"),
    (REGRESSION, "lost term", "grad_w L = X's"),
    (REGRESSION, "extra term", "grad_w J = X'(X w - y) + lambda w + w"),
    (REGRESSION, "wrong exponent", "grad_w J = X'(X w - y) + lambda^2 w"),
    (REGRESSION, "wrong exponent", "r'r = ||X w|| - 2 y'X w + ||y||^2"),
    (REGRESSION, "product order", "hess_w J = X X' + lambda I"),
    (REGRESSION, "product order", "grad_w J = (X w - y) X' + lambda w"),
    (REGRESSION, "chain-rule factor missing", "hess_w L = X' diag(s) X"),
    (REGRESSION, "chain-rule factor missing", "hess_w L = X' X"),
    (REGRESSION, "chain-rule factor missing", "hess_w P = X' X"),
    (REGRESSION, "chain-rule factor missing", "grad_w K = -X' sigmoid(-y .* (X w))"),
    (REGRESSION, "dropped n", "grad_w M = 2 X'(X w - y)"),
    (REGRESSION, "dropped n", "grad_w M = 2*n X'(X w - y)"),
    (REGRESSION, "wrong denominator", "grad_w M = 2/(n-1)*X'(X w - y)"),
    (GAUSS, "inverse missing", "grad_mu q = Sigma*(x - mu)"),
    (GAUSS, "inverse missing", "grad_Sigma ll = -n/2*(inv(Sigma) - S inv(Sigma))"),
    (GAUSS, "inverse missing", "grad_Sigma ll = -n/2*(inv(Sigma) - inv(Sigma) S Sigma)"),
    (GAUSS, "sign", "grad_mu q = -inv(Sigma)*(x - mu)"),
    (GAUSS, "sign", "grad_Sigma ll = -n/2*(inv(Sigma) + inv(Sigma) S inv(Sigma))"),
    (GAUSS, "lost term", "grad_Sigma ll = -n/2*inv(Sigma)"),
    (GAUSS, "factor", "grad_Sigma ll = -n*(inv(Sigma) - inv(Sigma) S inv(Sigma))"),
    (GAUSS, "factor", "hess_mu q = -1/2*inv(Sigma)"),
    (MATRICES, "factor", "grad_x e = -2*e x"),
    (MATRICES, "lost term", "grad_x f = A x"),
    (MATRICES, "lost term", "grad_sigma v = ||z - mu*ones(n)||^2/sigma^3"),
    (MATRICES, "transpose", "grad_A g = B"),
    (MATRICES, "transpose", "grad_B h = inv(B)"),
    (MATRICES, "transpose", "grad_B k = -inv(B) a b' inv(B)'"),
    (MATRICES, "inverse missing", "grad_B h = B'"),
    (MATRICES, "wrong exponent", "grad_x u = 2*log(a'x)^2/(a'x) a"),
    (MATRICES, "wrong exponent", "grad_sigma v = ||z - mu*ones(n)||/sigma^3 - n/sigma"),
    (MATRICES, "wrong denominator", "grad_mu v = 1/sigma*(sum(z) - n*mu)"),
    (MATRICES, "dropped n", "grad_mu v = 1/sigma^2*(sum(z) - mu)"),
    (MATRICES, "dropped n", "grad_sigma v = ||z - mu*ones(n)||^2/sigma^3 - 1/sigma"),
    (MATRICES, "product order", "grad_B k = -inv(B)' b a' inv(B)'"),
    (MATRICES, "product order", "(A B)' = A'B'"),
    (MATRICES, "product order", "A B = B A"),
    (MATRICES, "sign", "grad_B k = inv(B)' a b' inv(B)'"),
    (MATRICES, "sign", "grad_x e = e x"),
    (MATRICES, "chain-rule factor missing", "grad_x e = -x"),
    (MATRICES, "chain-rule factor missing", "grad_x u = 2*log(a'x) a"),
]


@pytest.mark.parametrize(("context", "claim"), RIGHT, ids=[c for _, c in RIGHT])
def test_a_right_line_is_accepted(context, claim):
    step = sml.validate(claim, **context).steps[0]
    assert step.verdict.ok, step
    assert step.diagnosis is None


@pytest.mark.parametrize(("context", "kind", "claim"), WRONG, ids=[c for *_, c in WRONG])
def test_a_planted_error_is_found_and_named(context, kind, claim):
    v = sml.validate(claim, **context)
    assert v.verdict == "wrong"
    assert v.first_wrong == 0
    assert v.steps[0].diagnosis.kind == kind, v.steps[0].diagnosis


@pytest.mark.parametrize(("context", "kind", "claim"), WRONG, ids=[c for *_, c in WRONG])
def test_the_correction_is_right(context, kind, claim):
    """What the diagnosis offers, put in place of the claim, is accepted."""
    correction = sml.validate(claim, **context).steps[0].diagnosis.correction
    repaired = f"{claim.split('=')[0]} = {correction}"
    assert sml.validate(repaired, **context).verdict.ok, repaired


@pytest.mark.parametrize("size", ["1.001", "0.999"])
def test_an_error_of_a_tenth_of_a_percent_is_rejected(size):
    v = sml.validate(f"grad_w J = {size}*X'(X w - y) + lambda w", **REGRESSION)
    assert v.verdict == "wrong"
