"""Linear regression: normal equations, ridge, and a fit of the Longley data to the certified digits.

Problem. Given X (n x d) and y (n), find the w that minimises 1/2 ||X w - y||^2, with and without a ridge penalty.
"""

# %% Declaration and derivation
from pathlib import Path

import numpy as np

import symml as sml

X, y, w, lam = sml.declare("X: n x d full column rank, y: n, w: d, lam > 0")
ols = sml.derive(sml.sumsq(X * w - y) / 2, wrt=w)
assert str(ols.gradient) == "Xᵀ (X w − y)"
assert sml.equal(ols.gradient, "X'X w - X'y", where=[X, y, w]).ok
assert str(ols.hessian) == "Xᵀ X"

# %% The normal equations, and their solution with a ridge penalty
ridge = sml.derive("1/2*||X w - y||^2 + lam/2*||w||^2", wrt="w", where=[X, y, w, lam])
assert sml.equal(ridge.gradient, "X'(X w - y) + lam*w", where=[X, y, w, lam]).ok
assert sml.equal(ridge.stationary().expr, "inv(X'X + lam*eye(d)) X'y", where=[X, y, w, lam]).ok
for step in ridge.steps:
    assert step.verdict.ok, step
latex = ridge.latex()
assert r"\begin{align*}" in latex

# %% A check against finite differences, and the function in NumPy
assert ridge.check(seed=0).passed
assert not ridge.check(claim="X'(X w - y)").passed  # somebody forgot the penalty
value_and_gradient = ridge.lambdify("value", "gradient")
assert "X.T @" in value_and_gradient.source

# %% The Longley data: six predictors that nearly depend on each other, certified by NIST to 15 digits
path = Path(__file__).parent / "data" / "Longley.dat"
table = np.array([[float(t) for t in line.split()] for line in path.read_text().splitlines()[60:] if line.strip()])
design = np.column_stack([np.ones(len(table)), table[:, 1:]])
certified = np.array(
    [
        -3482258.63459582,
        15.0618722713733,
        -0.358191792925910e-01,
        -2.02022980381683,
        -1.03322686717359,
        -0.511041056535807e-01,
        1829.15146461355,
    ]
)
certified_errors = np.array(
    [
        890420.383607373,
        84.9149257747669,
        0.334910077722432e-01,
        0.488399681651699,
        0.214274163161675,
        0.226073200069370,
        455.478499142212,
    ]
)
fitted = ols.fit(X=design, y=table[:, 0], covariance="least-squares")
print(fitted.summary())


def digits(found, truth):
    """Correct digits of the worst entry."""
    return -np.log10(np.max(np.abs(found - truth) / np.abs(truth)))


assert digits(fitted.params["w"], certified) > 13
assert digits(fitted.bse["w"], certified_errors) > 11

# %% Ridge on standardised columns: the estimates shrink as the penalty grows
columns = (table[:, 1:] - table[:, 1:].mean(axis=0)) / table[:, 1:].std(axis=0)
target = table[:, 0] - table[:, 0].mean()
sizes = [np.linalg.norm(ridge.fit(X=columns, y=target, lam=lam).params["w"]) for lam in (1e-6, 0.1, 1.0, 10.0)]
assert np.all(np.diff(sizes) < 0)
by_hand = np.linalg.solve(columns.T @ columns + 0.1 * np.eye(6), columns.T @ target)
np.testing.assert_allclose(ridge.fit(X=columns, y=target, lam=0.1).params["w"], by_hand, rtol=1e-9)

# %% Columns that depend on each other exactly are refused, by name
plain = sml.derive("||X w - y||^2", wrt="w", where="X: n x d, y: n, w: d")
message = ""
try:
    plain.fit(X=np.column_stack([design, 2 * design[:, 1]]), y=table[:, 0])
except sml.DataError as error:
    message = str(error)
print(message)
assert "column 8 = 2 × column 2" in message
