"""The multivariate Gaussian: score in mean and covariance, and the estimates.

Problem. Rows x_i of X (n x d) are independent N(mu, Sigma). Find the mu and Sigma of highest likelihood.
"""

# %% Declaration: the negative log-likelihood, up to the constant nd/2 log(2 pi)
import numpy as np

import symml as sml

where = "X: n x d, mu: d, Sigma: d x d spd, n dimension"
text = "n/2*logdet(Sigma) + 1/2*sum(i, (X[i] - mu)' inv(Sigma) (X[i] - mu))"
both = sml.derive(text, wrt=["mu", "Sigma"], where=where)

# %% The score in mu, and in Sigma (entries of Sigma taken as independent)
assert sml.equal(both.gradient["mu"], "n inv(Sigma) mu - inv(Sigma) X' ones(n)", where=where).ok
centred = "(X - ones(n) mu')"
expected = f"n/2 inv(Sigma) - 1/2 inv(Sigma) {centred}' {centred} inv(Sigma)"
assert sml.equal(both.gradient["Sigma"], expected, where=where).ok
assert both.check(seed=0).passed

# %% With sufficient statistics only: the covariance estimate is S
cov = {"Sigma": "d x d, spd", "S": "d x d, symmetric"}
profile = sml.derive("logdet(Sigma) + trace(inv(Sigma)*S)", wrt="Sigma", where=cov)
assert str(profile.stationary().expr) == "S"

# %% Estimates from data: both closed forms at once
rng = np.random.default_rng(7)
data = rng.multivariate_normal([1.0, -2.0], [[2.0, 0.6], [0.6, 1.0]], size=400)
fitted = both.fit(X=data, covariance="loglike")
print(fitted.summary())
np.testing.assert_allclose(fitted.params["mu"], data.mean(axis=0), rtol=1e-12)
np.testing.assert_allclose(fitted.params["Sigma"], np.cov(data.T, bias=True), rtol=1e-12)

# %% The standard error of the mean is sqrt(Sigma_jj / n), whatever the rest of Sigma is
errors = np.sqrt(np.diag(fitted.params["Sigma"]) / len(data))
np.testing.assert_allclose(fitted.bse["mu"], errors, rtol=1e-9)
low, high = fitted.conf_int()["mu"].T
assert np.all((low < fitted.params["mu"]) & (fitted.params["mu"] < high))
