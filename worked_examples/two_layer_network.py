"""A two-layer network: gradients of every weight from a small program, checked, and gradient descent.

Problem. Z = X W1 + 1 b1', A = tanh(Z), the prediction is A w2 + b2, the loss the mean squared error.
"""

# %% The program: the last line is the objective, its names are kept in the results
import numpy as np

import symml as sml

program = """
Z = X W1 + ones(n) b1'
A = tanh(Z)
r = A w2 + b2 - y
1/2*mean(r .^ 2)
"""
where = "X: n x d, W1: d x h, b1: h, w2: h, b2, y: n"
network = sml.derive(program, wrt=["W1", "b1", "w2", "b2"], where=where)

# %% Backpropagation, one gradient a weight
print(network.gradient)
residual = "(tanh(X W1 + ones(n) b1') w2 + b2*ones(n) - y)"
assert sml.equal(network.gradient["w2"], f"1/n tanh(X W1 + ones(n) b1')' {residual}", where=where).ok
assert sml.equal(network.gradient["b2"], f"1/n ones(n)' {residual}", where=where).ok
report = network.check(seed=1)
assert report.passed
print(report)

# %% Every gradient is asked for by name, in any spelling
assert network.gradient["W_1"] is network.gradient["W1"]
assert [str(size) for size in network.gradient["W1"].shape] == ["d", "h"]

# %% One joint function for value and gradients
step = network.lambdify("value", "gradient")
assert "tanh" in step.source

# %% Gradient descent on a curve
rng = np.random.default_rng(3)
x = np.linspace(-2, 2, 60)[:, None]
y = np.sin(2 * x[:, 0])
start = {"W1": rng.normal(size=(1, 6)), "b1": rng.normal(size=6), "w2": rng.normal(size=6) / 3, "b2": 0.0}
trace = network.minimize(X=x, y=y, start=start, method="gd", rate=0.2, steps=400)
print(trace)
assert len(trace.values) == 401
assert np.all(np.diff(trace.values) < 0)
assert trace.values[-1] < 0.2 * trace.values[0]

# %% Momentum gets further in as many steps, L-BFGS further still
momentum = network.minimize(X=x, y=y, start=start, method="momentum", rate=0.1, steps=400)
quasi_newton = network.minimize(X=x, y=y, start=start, method="lbfgs", steps=400)
assert quasi_newton.values[-1] < momentum.values[-1] < trace.values[-1]

# %% The path and the convergence can be drawn: trace.plot("convergence"), trace.plot("path")
predicted = np.tanh(x @ quasi_newton.params[-1]["W1"] + quasi_newton.params[-1]["b1"]) @ quasi_newton.params[-1]["w2"]
assert np.max(np.abs(predicted + quasi_newton.params[-1]["b2"] - y)) < 0.05
