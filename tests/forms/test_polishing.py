"""Prints: one that each rule of polishing makes, one that it must leave alone; every print is a claim that passes."""

from __future__ import annotations

import pytest

import symml as sml
from symml.forms.polishing.aligning import write_variances
from symml.forms.polishing.comparisons import compare
from symml.forms.polishing.diagonals import read_diagonals
from symml.forms.polishing.powers import gather_powers
from symml.forms.polishing.sandwiches import open_sandwiches
from symml.forms.polishing.signs import pull_signs, turn_difference

WHERE = (
    "A: n x n, B: n x n, S: n x n spd, X: n x n invertible, Z: n x d, W: d x k, Y: n x k, M: n x m, T: m x m spd, "
    "x: n, u: n, y: n, w: d, a: n positive, p: n positive, t > 0, lam > 0, nu > 0, s in R, g: k, V: k x d, z: k"
)

# rule, objective, variable, kind, print
MADE = [
    ("one denominator", "sum(a ./ (1 + a))", "a", "gradient", "1 ⊘ (1 + a)^∘2"),
    ("one denominator", "sum(x ./ sqrt(1 + x.^2))", "x", "gradient", "(1 + x^∘2)^∘(−3/2)"),
    ("scalars out of a denominator", "sum(log(1 + (Z w - y).^2/t^2))", "w", "gradient",
     "2 Zᵀ (r ⊘ (t² + r^∘2)), where r = Z w − y"),
    ("scalars out of a denominator", "log(1 + x' S x/nu)", "x", "gradient", "2/(ν + xᵀ S x) S x"),
    ("one diagonal", "sum(log(1 + (Z w - y).^2))", "w", "hessian",
     "2 Zᵀ diag((1 − r^∘2) ⊘ (1 + r^∘2)^∘2) Z, where r = Z w − y"),
    ("one diagonal", "x .* normcdf(x)", "x", "jacobian", "diag(normcdf(x) + x ⊙ normpdf(x))"),
    ("sums that vanish", "u'(x - mean(x))/||x - mean(x)||", "x", "gradient",
     "(u − mean(u) 𝟏)/‖r‖ − uᵀ r r/‖r‖³, where r = x − mean(x) 𝟏"),
    ("a residual in a longer sum", "sum(exp(Z w)) - y' Z w + lam/2*w'w", "w", "gradient", "Zᵀ (exp(Z w) − y) + λ w"),
    ("transposes around a sum", "tr(A X^2)", "X", "gradient", "(X A + A X)ᵀ"),
    ("transposes around a sum", "sum(log(sigmoid(V w - g)))", "w", "gradient", "Vᵀ σ(−(V w − g))"),
    ("scalars of some terms", "(x' A x)*(x' B x)", "x", "gradient", "(xᵀ A x (B + Bᵀ) + xᵀ B x (A + Aᵀ)) x"),
    ("opposite coefficients", "s*logdet(S) + (1 - s)*logdet(T)", "s", "derivative", "logdet(S) − logdet(T)"),
    ("brackets that cancel", "||A x - u||^2 - ||A x - y||^2", "x", "gradient", "2 Aᵀ (y − u)"),
    ("a multiple of a sum has its name", "lam*logdet(S) - tr(S A A')", "S", "symmetric",
     "2 E − E ⊙ I, where E = λ S⁻¹ − A Aᵀ"),
    ("uᵀ v is a sum of u ⊙ v", "sum(log(1 + (x - mean(x)*ones(n)).^2))", "x", "gradient",
     "2 (q − mean(q) 𝟏), where r = x − mean(x) 𝟏, q = r ⊘ (1 + r^∘2)"),
    ("a difference turned", "||A x/t - y||^2", "t", "derivative", "2/t² (y − A x/t)ᵀ A x"),
    ("comparisons", "sum(relu(1 - x))", "x", "gradient", "−[x < 1]"),
    ("comparisons", "sum(max(x, u))", "x", "gradient", "[x > u]"),
    ("𝟏 𝟏ᵀ", "||x - mean(x)*ones(n)||^2", "x", "hessian", "2 I − 2/n 𝟏 𝟏ᵀ"),
    ("one power of each base", "sum(a .* log(2*a ./ (a + p))) + sum(p .* log(2*p ./ (a + p)))", "a", "gradient",
     "log(2 a ⊘ (a + p))"),
    ("sums of quotients", "sum(x.^2 ./ (a + t))", "t", "derivative", "−sum(x^∘2 ⊘ (a + t)^∘2)"),
    ("sums of entries", "sum(A .* exp(-B/t))", "t", "derivative", "1/t² sum(B ⊙ A ⊙ exp(−B/t))"),
    ("row sums of a transpose", "||relu(Z W + ones(n) g') - Y||^2/2", "g", "gradient",
     "((relu(Z W + 𝟏 gᵀ) − Y) ⊙ [Z W + 𝟏 gᵀ > 0])ᵀ 𝟏"),
    ("powers in a trace", "tr(Z inv(Z' Z + lam*eye(d)) Z')", "lam", "derivative", "−tr(Zᵀ Z (Zᵀ Z + λ I)⁻²)"),
    ("the user's dot product", "(u' x)*(y' x)", "x", "gradient", "yᵀ x u + uᵀ x y"),
    ("a sandwich", "||A x - u||", "x", "hessian", "Aᵀ (I/‖r‖ − r rᵀ/‖r‖³) A, where r = A x − u"),
    ("two traces", "y' inv(S + t*eye(n)) y + logdet(S + t*eye(n))", "t", "hessian",
     "2 yᵀ E⁻³ y − ‖E⁻¹‖², where E = S + t I"),
    ("the variance of a label", "-sum(log(1 - sigmoid(Z w))) - u'*log(sigmoid(Z w)) + u'*log(1 - sigmoid(Z w))",
     "w", "hessian", "Zᵀ diag(σ(Z w) ⊙ (1 − σ(Z w))) Z"),
    ("the diagonal of a diagonal", "||A - diag(x)||^2", "x", "gradient", "2 (x − diag(A))"),
    ("broadcast numbers", "(x' u)*sum(y) + t*sum(y)", "y", "gradient", "(xᵀ u + t) 𝟏"),
    ("a mean of a product", "||A x - mean(A x)*ones(n)||^2", "x", "gradient", "2 Aᵀ (A x − mean(A x) 𝟏)"),
]  # fmt: skip


def derived(text, wrt, kind):
    layout = {"layout": "symmetric"} if kind == "symmetric" else {}
    d = sml.derive(text, wrt=wrt, where=WHERE, **layout)
    return d, getattr(d, "gradient" if kind == "symmetric" else kind)


@pytest.mark.parametrize(("rule", "text", "wrt", "kind", "want"), MADE)
def test_prints_made(rule, text, wrt, kind, want):
    d, result = derived(text, wrt, kind)
    assert str(result) == want, rule
    order = 2 if kind == "hessian" else 1
    assert d.check(claim=str(result), order=order).passed is True


# what a rule must leave alone
LEFT = [
    ("no identity by factoring", "tr(inv(S) A A') + logdet(S)", "S", "gradient", "S⁻¹ − S⁻¹ A Aᵀ S⁻¹"),
    ("no identity by factoring", "||Z||^2 - u' Z Z' u", "Z", "gradient", "2 Z − 2 u uᵀ Z"),
    ("the user's residual", "||y - A x||^2", "x", "gradient", "−2 Aᵀ (y − A x)"),
    ("the user's residual", "lam*w'w - sum(y .* (Z w - u).^2)", "w", "gradient", "2 λ w − 2 Zᵀ (y ⊙ (Z w − u))"),
    ("a root keeps its divisor", "sum(sqrt(1 + (x - u).^2/t^2))", "x", "gradient",
     "1/t² r ⊘ sqrt(1 + r^∘2/t²), where r = x − u"),
    ("a number in every entry of a matrix", "sum(A ./ (1 + A/t))", "A", "gradient", "1 ⊘ (1 + A/t)^∘2"),
    ("two transposes", "tr(A X B)", "X", "gradient", "Aᵀ Bᵀ"),
    ("a sum with a plus", "sum(relu(Z w + u))", "w", "gradient", "Zᵀ [Z w + u > 0]"),
    ("a difference of three", "relu(x'u - t + s)", "x", "gradient", "[xᵀ u + s − t > 0] u"),
    ("a long bracket keeps its name", "||x u' + u x' - A - S||^2", "x", "gradient",
     "2 (E + Eᵀ) u, where E = x uᵀ + u xᵀ − A − S"),
    ("Z⁻ᵀ is no longer than Z⁻¹", "-det(X)*tr(X)", "X", "gradient", "−det(X) (I + tr(X) X⁻ᵀ)"),
    ("a trace", "tr(A' B)*tr(A)", "A", "gradient", "tr(A) B + tr(Aᵀ B) I"),
    ("a quotient beside a name", "sum(u ./ (sqrt(a) + t))", "t", "derivative", "−uᵀ (1 ⊘ (sqrt(a) + t)^∘2)"),
    ("function before name", "sum(softplus(s*x))", "s", "derivative", "xᵀ σ(s x)"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "text", "wrt", "kind", "want"), LEFT)
def test_prints_left_alone(rule, text, wrt, kind, want):
    test_prints_made(rule, text, wrt, kind, want)


PASSES = [
    (turn_difference, "-1/t*(Z w - y)", "1/t (y − Z w)"),
    (turn_difference, "-1/t*x'(A u - y)", "1/t xᵀ (y − A u)"),
    (turn_difference, "-A (x - u)", "−A (x − u)"),
    (turn_difference, "-A (u - B x)", "−A (u − B x)"),
    (turn_difference, "A (B x - u)", "A (B x − u)"),
    (turn_difference, "-(A x - u)' (B x - u)", "−(A x − u)ᵀ (B x − u)"),
    (pull_signs, "x .* (-u - 2*y)", "−x ⊙ (u + 2 y)"),
    (pull_signs, "A*diag(-x - u)*(-B - S)", "A diag(x + u) (B + S)"),
    (pull_signs, "exp(-x - u)", "exp(−x − u)"),
    (pull_signs, "x .* (u - y)", "x ⊙ (u − y)"),
    (compare, "u .* step(x - y)", "u ⊙ [x > y]"),
    (compare, "step(2 - A x)", "[A x < 2]"),
    (compare, "step(-x)", "[x < 0]"),
    (compare, "step((x - y)/2)", "[x > y]"),
    (compare, "step(x)", "[x > 0]"),
    (compare, "step(x - y - u)", "[x − y − u > 0]"),
    (compare, "step(x + y)", "[x + y > 0]"),
    (compare, "A + ones(n, n)", "A + 𝟏 𝟏ᵀ"),
    (gather_powers, "x .* u ./ x", "u"),
    (gather_powers, "(x + u) .* y ./ (x + u).^2", "y ⊘ (x + u)"),
    (gather_powers, "u - x ./ x", "u − 1"),
    (gather_powers, "exp(x) .* exp(-x) .* u", "u"),
    (gather_powers, "exp(-x) .* exp(2*x - u)", "exp(x − u)"),
    (gather_powers, "exp(-x) .* exp(u)", "exp(−x) ⊙ exp(u)"),
    (gather_powers, "A A A' A'", "A A Aᵀ Aᵀ"),
    (gather_powers, "A' A' A'", "(A³)ᵀ"),
    (write_variances, "sigmoid(x) - sigmoid(x).^2", "σ(x) ⊙ (1 − σ(x))"),
    (write_variances, "2*sigmoid(x).^2 - 2*sigmoid(x) + u", "u − 2 σ(x) ⊙ (1 − σ(x))"),
    (write_variances, "sigmoid(x) - 2*sigmoid(x).^2", "σ(x) − 2 σ(x)^∘2"),
    (write_variances, "tanh(x) - tanh(x).^2", "tanh(x) − tanh(x)^∘2"),
    (open_sandwiches, "A' (A - x x' A)", "Aᵀ (I − x xᵀ) A"),
    (open_sandwiches, "(A - 2*A x x') A'", "A (I − 2 x xᵀ) Aᵀ"),
    (open_sandwiches, "A' (t*A - t*x x' A)'", "Aᵀ (t A − t x xᵀ A)ᵀ"),
    (open_sandwiches, "B (A - x x' A)", "B (A − x xᵀ A)"),
    (open_sandwiches, "A' (A - x u' A)", "Aᵀ (A − x uᵀ A)"),
    (read_diagonals, "diag(A - t*diag(x))", "diag(A) − t x"),
    (read_diagonals, "diag(diag(x) - diag(u))", "x − u"),
    (read_diagonals, "diag(A - B)", "diag(A − B)"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "text", "want"), PASSES)
def test_passes(rule, text, want):
    found = rule(sml.parse(text, WHERE))
    assert str(found) == want
    assert sml.equal(found, sml.parse(text, WHERE)).ok
    assert sml.parse(str(found), WHERE, shape=found.shape) is found
    assert rule(found) is found


def test_a_deep_sum_is_walked_without_recursion():
    e = x = sml.declare("x: n")
    for _ in range(2000):
        e = sml.tanh(e + x)
    for rule in (turn_difference, pull_signs, compare, read_diagonals, gather_powers, write_variances, open_sandwiches):
        assert rule(e) is e


if __name__ == "__main__":
    for rule, text, wrt, kind, want in MADE + LEFT:
        shown = str(derived(text, wrt, kind)[1])
        if shown != want:
            print(rule, "|", text, "|", shown)


def test_a_number_times_ones_sums_to_the_number_times_the_size():
    """The size was lost when 𝟏 + s 𝟏 became (1 + s) 𝟏."""
    d = sml.derive("norm(ones(k) + sum(x.^3))", wrt="x", where="x: n, k dimension")
    assert str(d.gradient) == "3 k ρ/‖ρ 𝟏ₖ‖ x^∘2, where ρ = 1 + sum(x^∘3)"
    assert d.check().passed is True
