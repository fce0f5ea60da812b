"""What a new user does first: objects travel between processes, displays exist, mistakes are named."""

import pickle

import pytest

import symml as sml
from symml.errors import DeclarationError

WHERE = "X: n x d, y: n, w: d, lam > 0"


def test_a_derivation_is_pickled_with_its_results():
    d = sml.derive("||X w - y||^2", wrt="w", where=WHERE)
    assert str(d.gradient) == "2 Xᵀ (X w − y)"
    assert d.hessian_structure.kind
    twin = pickle.loads(pickle.dumps(d))
    assert twin.gradient is d.gradient
    assert twin.hessian is d.hessian
    assert twin.check().passed


MISTAKES = [
    ("tr(A' B)", "B", "A, B: m x n", """'A' is a scalar here but has a transpose. Declare it: "A: m x n"."""),
    ("w'w", "v", "w: d", "'v' does not occur in the objective. It has: w."),
    ("z = X w; sum(exp(z))", "z", "X: n x d, w: d", "z is a line of the program, X w, and no variable. It has: X, w."),
    (sml.sumsq(sml.declare("w: d")), "w", "w: n", "two symbols are called w: w: n and w: d"),
    ("||X w||^2", "w", "X n x d, w: d", "a colon stands before a shape. Write 'X: n x d'"),
]


@pytest.mark.parametrize(("objective", "wrt", "where", "message"), MISTAKES, ids=[m[3] for m in MISTAKES])
def test_mistakes_are_named(objective, wrt, where, message):
    with pytest.raises(DeclarationError) as caught:
        sml.derive(objective, wrt=wrt, where=where)
    assert message in str(caught.value)


def test_every_result_can_be_displayed():
    d = sml.derive("||X w - y||^2", wrt="w", where=WHERE)
    both = sml.derive("||X w - lam*y||^2", wrt=["w", "y"], where=WHERE)
    found = [d, d.gradient, d.steps[0], d.check(), d.stationary(), d.convexity, d.newton_step, d.gradient_step,
             both.gradient, both.hessian]  # fmt: skip
    for result in found:
        assert hasattr(result, "_repr_latex_") or hasattr(result, "_repr_html_"), type(result)
        assert result.to_html()
        assert result.to_dict()
    assert d.check(claim="(X w - y)'X").passed is False
    assert str(d.check(claim="(X w - y)'X")).endswith("the claim is the transpose")
