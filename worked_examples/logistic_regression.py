"""Logistic regression: score, Hessian, and the Challenger O-rings.

Problem. y_i is 1 with probability sigmoid(x_i'w). The negative log-likelihood is sum softplus(X w) - y'X w.
"""

# %% Declaration and derivation
from pathlib import Path

import numpy as np

import symml as sml

where = "X: n x d, y: n in {0,1}, w: d"
loss = sml.derive("sum(softplus(X w)) - dot(y, X w)", wrt="w", where=where)
assert sml.equal(loss.gradient, "X'(sigmoid(X w) - y)", where=where).ok
assert sml.equal(loss.hessian, "X' diag(sigmoid(X w) .* (1 - sigmoid(X w))) X", where=where).ok
assert loss.check(seed=0).passed
assert not loss.check(claim="X' diag(sigmoid(X w)) X", order=2).passed  # the factor (1 - s) is missing

# %% The same loss as it is often written, with probabilities
program = "p = sigmoid(X w); -sum(y .* log(p)) - sum((1 - y) .* log(1 - p))"
written_out = sml.derive(program, wrt="w", where=where)
assert sml.equal(written_out.gradient, loss.gradient).ok

# %% 23 flights before the accident: O-ring failure against temperature
path = Path(__file__).parent / "data" / "challenger.csv"
temperature, failure = np.loadtxt(path, delimiter=",", skiprows=1).T
design = np.column_stack([np.ones_like(temperature), temperature])
fitted = loss.fit(X=design, y=failure, covariance="loglike")
print(fitted.summary())
np.testing.assert_allclose(fitted.params["w"], [15.0429, -0.2322], atol=5e-5)
np.testing.assert_allclose(fitted.bse["w"], [7.3786, 0.1082], atol=5e-5)
assert abs(-fitted.value + 10.158) < 5e-4
assert fitted.gradient_norm < 1e-10

# %% The probability of failure at 31 degrees Fahrenheit, the temperature of the launch
logit = fitted.params["w"] @ [1.0, 31.0]
assert 0.999 < 1 / (1 + np.exp(-logit)) < 1

# %% Standard errors need a stated assumption, and separated classes are refused
message = ""
try:
    print(loss.fit(X=design, y=failure).bse)
except sml.NotSupportedError as error:
    message = str(error)
print(message)
assert "covariance=" in message
try:
    loss.fit(X=design, y=(temperature > 64.5).astype(float))
except sml.DataError as error:
    message = str(error)
print(message)
assert "perfectly separated by column 2 of X at 64.5" in message

# %% A Poisson rate beside it: deaths by horse kicks in 200 corps-years
deaths, years = np.loadtxt(path.with_name("horse_kicks.csv"), delimiter=",", skiprows=1).T
poisson = sml.derive("n*rate - sum(k)*log(rate)", wrt="rate", where="k: n, rate > 0, n dimension")
counts = np.repeat(deaths, years.astype(int))
kicks = poisson.fit(k=counts, covariance="loglike")
assert abs(kicks.params["rate"] - 0.61) < 1e-14
assert abs(kicks.bse["rate"] - np.sqrt(0.61 / 200)) < 1e-12
