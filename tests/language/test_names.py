"""Names: spellings of one name agree, prints read back."""

import pytest

from symml.language.names import canonical, latex_name, unicode_name

SPELLINGS = {
    "lam": ["λ", "lambda", "lamda", r"\lambda", "lam", r"\boldsymbol\lambda"],
    "W1": ["W_1", "W₁", "W_{1}", "W1", r"\mathbf{W}^{(1)}", "W^{[1]}"],
    "w_hat": [r"\hat w", r"\hat{w}", "ŵ", "w_hat"],
    "sigma_sq": [r"\sigma^2", "σ²", r"\sigma^{2}"],
    "tau_n_sq": [r"\tau_n^2", "τₙ²"],
    "k_starstar": ["k_{**}"],
    "x_star": [r"x^\star", "x^*"],
    "x_tplus1": ["x_{t+1}"],
    "W_1_2": ["W_{1,2}"],
    "gamma_ik": [r"\gamma_{ik}", "γᵢₖ"],
    "X": [r"\mathbb{X}", r"\mathbf X"],
    "dlam": ["dλ", r"d\lambda"],
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_spellings(name):
    assert {canonical(s) for s in SPELLINGS[name]} == {name}


@pytest.mark.parametrize("name", [*SPELLINGS, "theta0", "dW1", "A12", "epsilon", "ell", "Sigma_k", "W_i_j"])
def test_prints_read_back(name):
    assert canonical(name) == name
    assert canonical(unicode_name(name)) == name
    assert canonical(latex_name(name)) == name
