"""Backpropagation: every line evaluated in turn with numbers, the gradients compared with differences; its prints."""

import numpy as np
import pytest

import symml as sml
from symml.language.names import unicode_name

N, D, H, K = 4, 3, 5, 2
SIZES = {"n": N, "d": D, "h": H, "k": K}
PROGRAMS = {
    "squares": (
        "z1 = X W1 + ones(n) b1'; a1 = relu(z1); z2 = a1 W2; 1/2*||z2 - Y||^2", ["W1", "b1", "W2"],
        "X: n x d, W1: d x h, b1: h, W2: h x k, Y: n x k",
    ),
    "cross-entropy": (
        "z1 = X W1; a1 = tanh(z1); z2 = a1 W2; P = softmax(z2); D = -sum(Y .* log(P)); R = lam/2*||W1||^2; D + R",
        ["W1", "W2"], "X: n x d, W1: d x h, W2: h x k, Y: n x k one-hot rows, lam > 0",
    ),
    "logistic": (
        "z = X w + b; p = sigmoid(z); -sum(y .* log(p) + (1 - y) .* log(1 - p))", ["w", "b"],
        "X: n x d, w: d, b, y: n in {0,1}",
    ),
    "attention": (
        "Q = X Wq; K = X Wk; V = X Wv; S = Q K'/sqrt(k); P = softmax(S); O = P V; 1/2*||O - T||^2", ["Wq", "Wk", "Wv"],
        "X: n x d, Wq: d x k, Wk: d x k, Wv: d x h, T: n x h",
    ),
    "attention with entropy": (
        "S = A B'; P = softmax(S); O = P V; ||O - T||^2 + lam*sum(P .* log(P))", ["A", "B", "V"],
        "A: n x d, B: h x d, V: h x k, T: n x k, lam > 0",
    ),
    "residual": (
        "h1 = X + relu(X W1); h2 = h1 + relu(h1 W2); 1/2*||h2 - T||^2", ["W1", "W2"],
        "X: n x d, W1: d x d, W2: d x d, T: n x d",
    ),
    "shared over time": (
        "h1 = tanh(U x1 + W h0 + b); h2 = tanh(U x2 + W h1 + b); o = V h2; 1/2*||o - y||^2", ["U", "W", "b", "V"],
        "x1: d, x2: d, h0: h, U: h x d, W: h x h, b: h, V: k x h, y: k",
    ),
    "gates": (
        "i = sigmoid(A x); g = tanh(B x); c = i .* g; s = c .* tanh(c); 1/2*||s - y||^2", ["A", "B"],
        "x: d, A: h x d, B: h x d, y: h",
    ),
    "tied": (
        "A = sigmoid(X W + ones(n) b'); R = A W' + ones(n) c'; 1/2*||R - X||^2", ["W", "b", "c"],
        "X: n x d, W: d x h, b: h, c: d",
    ),
    "normalised": (
        "u = W x; m = mean(u); c = u - m; s = sqrt(mean(c .^ 2) + eps); z = g .* c/s + b; 1/2*||z - y||^2",
        ["W", "g", "b"], "x: d, W: h x d, g: h, b: h, y: h, eps > 0",
    ),
    "numbers": (
        "z1 = w1*x + b1; a1 = tanh(z1); z2 = w2*a1 + b2; a2 = sigmoid(z2); (a2 - y)^2/2", ["w1", "b1", "w2", "b2"],
        "w1, b1, w2, b2, x, y",
    ),
    "softmax in the last line": (
        "a = relu(X W1); -sum(Y .* log(softmax(a W2)))", ["W1", "W2"],
        "X: n x d, W1: d x h, W2: h x k, Y: n x k one-hot rows",
    ),
    "softmax and squares": (
        "z = W x; p = softmax(z); 1/2*||p - y||^2", ["W"], "x: d, W: k x d, y: k",
    ),
    "inverse": (
        "C = inv(exp(t)*G + s*eye(n)); 1/2*y'C y - 1/2*logdet(C)", ["t", "s"], "G: n x n spd, s > 0, t, y: n",
    ),
    "no variable in a line": (
        "q = y'y; z = X w; q*sumsq(z)", ["w", "y"], "X: n x d, w: d, y: n",
    ),
}  # fmt: skip


def derived(name):
    """The derivation of a program."""
    text, wrt, where = PROGRAMS[name]
    return sml.derive(text, wrt=wrt, where=where)


def numbers(d, seed=0):
    """Random values of what was declared, and the sizes."""
    rng = np.random.default_rng(seed)
    found = dict(SIZES)
    for name, s in d.source.symbols.items():
        shape = tuple(SIZES[str(k)] for k in getattr(s, "shape", ()))
        facts = getattr(s, "facts", frozenset())
        if name in SIZES:
            continue
        if "one-hot rows" in facts:
            found[name] = np.eye(shape[1])[rng.integers(shape[1], size=shape[0])]
        elif "spd" in facts:
            root = rng.normal(size=shape)
            found[name] = root @ root.T + np.eye(len(root))
        elif str(getattr(s, "domain", "")) == "in {0,1}":
            found[name] = rng.integers(2, size=shape)
        else:
            found[name] = rng.normal(size=shape) if shape else float(abs(rng.normal()) + 0.3)
    return found


def differences(d, v, values, step=1e-6):
    """Central differences of the objective, entry by entry."""
    x = np.asarray(values[v], float)
    found = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        moved = np.zeros(x.shape)
        moved[place] = step
        up, down = (d.objective.evaluate({**values, v: x + sign * moved}) for sign in (1, -1))
        found[place] = (up - down) / (2 * step)
    return found


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_lines_evaluated_in_turn_give_the_gradients(name):
    d = derived(name)
    values = numbers(d)
    known = dict(values)
    for step in d.steps:
        label = step.text.partition(" = ")[0]
        found = step.after.evaluate(known)
        if step.rule == "objective":
            assert np.allclose(found, d.objective.evaluate(values))
        elif step.rule == "gradient":
            v = next(v.name for v in d.wrt if label == f"∂L/∂{unicode_name(v.name)}")
            assert np.allclose(found, differences(d, v, values), rtol=1e-4, atol=1e-6), step.text
        else:
            known[label] = found
        assert step.verdict == "proved", step.text
    assert sum(s.rule == "gradient" for s in d.steps) == len(d.wrt)


def lines(name):
    """The lines of a program from the objective on."""
    steps = derived(name).steps
    return [s.text for s in steps[next(k for k, s in enumerate(steps) if s.rule == "objective") + 1 :]]


def test_the_order_is_that_of_backpropagation():
    assert lines("squares") == [
        "δ₂ = ∂L/∂z₂ = z₂ − Y",
        "∂L/∂W₂ = a₁ᵀ δ₂",
        "δ₁ = ∂L/∂z₁ = δ₂ W₂ᵀ ⊙ [z₁ > 0]",
        "∂L/∂W₁ = Xᵀ δ₁",
        "∂L/∂b₁ = δ₁ᵀ 𝟏",
    ]


def test_each_line_says_through_what_it_goes_and_its_shape():
    told = {s.text.partition(" = ")[0]: s.statement for s in derived("squares").steps}
    assert told["δ₂"] == "square: d‖E‖² = 2 tr(Eᵀ dE); shape n×k"
    assert told["δ₁"] == "dz₂ = da₁ W₂; da₁ = [z₁ > 0] ⊙ dz₁; shape n×h"
    assert told["∂L/∂W₁"] == "dz₁ = X dW₁; shape d×h"
    assert told["∂L/∂b₁"] == "dz₁ = 𝟏 db₁ᵀ; shape h"


def test_names_of_the_program_are_used_for_what_they_stand_for():
    assert lines("attention")[:3] == [
        "δ_O = ∂L/∂O = O − T",
        "δ_P = ∂L/∂P = δ_O Vᵀ",
        "δ_S = ∂L/∂S = δ_P ⊙ P − diag((δ_P ⊙ P) 𝟏) P",
    ]
    assert "δ₁ = ∂L/∂z₁ = δ₂ W₂ᵀ ⊙ (1 − a₁^∘2)" in lines("cross-entropy")
    assert "∂L/∂t = −exp(t) tr(C δ C G)" in lines("inverse")
    assert not any(" where " in line for name in PROGRAMS for line in lines(name))


def test_softmax_and_cross_entropy_are_taken_together_and_softmax_and_squares_are_not():
    assert lines("cross-entropy")[0] == "δ₂ = ∂L/∂z₂ = P − Y"
    assert lines("softmax and squares")[0] == "δₚ = ∂L/∂p = p − y"
    assert lines("logistic") == ["δ = ∂L/∂z = p − y", "∂L/∂w = Xᵀ δ", "∂L/∂b = sum(δ)"]


def test_the_argument_of_a_function_gets_a_line():
    d = derived("shared over time")
    assert [s.text for s in d.steps[:2]] == ["z₁ = U x₁ + W h₀ + b", "h₁ = tanh(z₁)"]
    assert d.steps[0].statement == "forward: a name for the argument of tanh; shape h"
    assert "∂L/∂W = δ₂ h₁ᵀ + δ₁ h₀ᵀ" in lines("shared over time")
    shared = next(s for s in d.steps if s.text.startswith("∂L/∂W"))
    assert shared.statement == "the parts of all uses of W are added: dz₂ = dW h₁; dz₁ = dW h₀; shape h×h"


def test_what_does_not_reach_a_variable_has_no_delta():
    assert not any("∂L/∂R = " in line or "∂L/∂D = " in line for line in lines("cross-entropy"))


def test_names_that_are_taken_are_not_used():
    d = sml.derive("z = X W; delta = z + 1; sumsq(delta)", "W", where="X: n x d, W: d x k")
    assert [s.text for s in d.steps[-3:]] == ["δ_δ = ∂L/∂δ = 2 δ", "δ_z = ∂L/∂z = δ_δ", "∂L/∂W = Xᵀ δ_z"]


def test_a_deep_network():
    depth = 12
    text = "; ".join(f"z{k} = W{k} a{k - 1}; a{k} = tanh(z{k})" for k in range(1, depth + 1))
    where = "a0: s, " + ", ".join(f"W{k}: s x s" for k in range(1, depth + 1))
    d = sml.derive(f"{text}; sumsq(a{depth})", [f"W{k}" for k in range(1, depth + 1)], where=where)
    assert all(s.verdict == "proved" for s in d.steps)
    assert [s.text for s in d.steps][-2:] == ["δ₁ = ∂L/∂z₁ = W₂ᵀ δ₂ ⊙ (1 − a₁^∘2)", "∂L/∂W₁ = δ₁ a₀ᵀ"]


def test_the_rendered_program_begins_with_its_lines():
    d = derived("squares")
    assert d.to_markdown().startswith("1. $z_{1} = X W_{1}")
    assert "f =" not in d.to_html() + d.latex()
