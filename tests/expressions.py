"""Random well-typed expressions over the whole vocabulary, from a seed; all dimensions differ."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

import numpy as np

import symml as sml
from symml.language.declarations import declare
from symml.language.expressions import Indicator, Symbol, make, postorder
from symml.language.function import call
from symml.language.operators import as_expression, multiply_any
from symml.language.operators import eye as eye_of
from symml.language.operators import ones as ones_of
from symml.language.symbols import dimension

SIZES = (2, 3, 4)
NAMES = ("n", "d", "k")
LARGEST = 28  # nodes
VECTOR_WORDS = ("", "", "", "", "> 0", "in {-1,1}", "in {0,1}", "simplex", "in (0,1)", "unit norm", "centred",
                "nonnegative")  # fmt: skip
SQUARE_WORDS = ("", "", "", "symmetric", "spd", "diagonal", "orthogonal", "idempotent", "lower triangular", "psd",
                "upper triangular", "idempotent symmetric", "invertible", "> 0")  # fmt: skip
SIMPLE_WORDS = ("", "symmetric", "spd", "lower triangular", "> 0")  # the largest eigenvalue is simple
WIDE_WORDS = ("", "", "", "", "mask", "in {0,1}", "one-hot rows", "> 0", "rows sum to one", "simplex", "in {-1,1}")
SCALAR_WORDS = ("> 0", "in R", "in (0,1)", "in {-1,1}", "nonzero", "in [-1,1]")
SMOOTH = ("exp", "sin", "cos", "tanh", "arctan", "erf", "sigmoid", "softplus", "normcdf", "sinh", "cosh", "normpdf",
          "tan")  # fmt: skip
KINKED = ("abs", "relu", "step", "sign")
POSITIVE = ("log", "sqrt", "loggamma", "digamma", "gamma", "trigamma")


@dataclass
class Generator:
    """One random expression: `scalar()`, `vector(n)` and `matrix(n, m)` give one of that shape."""

    seed: int
    symbols: dict = field(default_factory=dict)

    def __post_init__(self):
        self.rng = Random(self.seed)
        sizes = list(SIZES)
        self.rng.shuffle(sizes)
        self.sizes = dict(zip(NAMES, sizes, strict=True))
        self.dims = {name: dimension(name) for name in NAMES}
        self.budget = self.rng.choice((4, 6, 8, 11))

    # -- leaves ---------------------------------------------------------------------------------------------------
    def symbol(self, *dims, words=None):
        """A declared symbol, old or new."""
        known = [s for s, d, w in self.symbols.values() if d == dims and (words is None or w in words)]
        if known and self.rng.random() < 0.6:
            return as_expression(self.rng.choice(known))
        square = len(dims) == 2 and dims[0] == dims[1]
        pool = words or (SQUARE_WORDS if square else (SCALAR_WORDS, VECTOR_WORDS, WIDE_WORDS, ("",))[len(dims)])
        word = self.rng.choice(pool) if len(dims) < 3 else ""
        stem = {0: "a", 1: "x", 2: "S" if square else "X", 3: "B"}[len(dims)]
        name = f"{stem}{len(self.symbols)}"
        found = declare({name: f"{' x '.join(dims)}{', ' if dims and word else ''}{word}".strip()})[name]
        self.symbols[name] = (found, dims, word)
        return as_expression(found)

    def other(self, *not_these):
        """A dimension."""
        return self.rng.choice([n for n in NAMES if n not in not_these])

    def any(self):
        """Any dimension."""
        return self.rng.choice(NAMES)

    def number(self):
        """A small rational number."""
        return sml.parse(self.rng.choice(("2", "3", "1/2", "-1", "-2", "2/3", "-3/2", "5")))

    def pick(self, table, *arguments):
        """A production; leaves once the budget is spent."""
        self.budget -= 1
        return self.rng.choice(table)(self, *arguments)

    def map(self, x, odd=True):
        """An elementwise function of an expression."""
        if self.rng.random() < 0.15:
            return call(self.rng.choice(KINKED), (x,))
        return call(self.rng.choice(SMOOTH), (x,))

    # -- shapes ---------------------------------------------------------------------------------------------------
    def scalar(self):
        """A scalar expression."""
        return self.pick(SCALAR) if self.budget > 0 else self.symbol()

    def vector(self, n):
        """A vector."""
        return self.pick(VECTOR, n) if self.budget > 0 else self.symbol(n)

    def matrix(self, n, m):
        """A matrix."""
        if self.budget > 0:
            return self.pick(SQUARE if n == m and self.rng.random() < 0.5 else MATRIX, n, m)
        return self.symbol(n, m)

    def positive(self, x):
        """Something positive of the shape of x."""
        kind = self.rng.randrange(6)
        if kind == 0:
            return call("exp", (x,))
        if kind == 1:
            return sml.power(x, 2) + 1 if x.shape else x**2 + 1
        if kind == 2:
            return call("softplus", (x,))
        if kind == 3:
            return call("sigmoid", (x,)) + 1
        if kind == 4:
            return call("cosh", (x,))
        return 2 + call("sin", (x,))

    def definite(self, n):
        """A positive definite matrix."""
        kind = self.rng.randrange(4)
        if kind == 0:
            return self.symbol(n, n, words=("spd",))
        if kind == 1:
            x = self.matrix(n, self.any())
            return x * x.T + eye_of(self.dims[n])
        if kind == 2:
            x = self.matrix(self.any(), n)
            return x.T * x + self.symbol(words=("> 0",)) * eye_of(self.dims[n])
        return self.symbol(n, n, words=("spd",)) + call("diag", (self.positive(self.vector(n)),))

    def variable(self):
        """A symbol that occurs."""
        plain = [s for s, _, w in self.symbols.values() if w in ("", "> 0", "in R")]
        every = [s for s, _, _ in self.symbols.values()]
        pool = plain if plain and self.rng.random() < 0.75 else every
        arrays = [s for s in pool if isinstance(s, Symbol)]
        return self.rng.choice(arrays if arrays and self.rng.random() < 0.85 else pool) if pool else None


def _indicator(g, n):
    v = g.vector(n)
    return make(Indicator, (v, as_expression(0)), (g.rng.choice((">", "<", ">=", "<=")),), v.shape)


def _rows(g):
    """Σ_i f(X[i]' w − y[i])."""
    n, d = g.any(), g.any()
    x, w, y = g.symbol(n, d), g.symbol(d), g.symbol(n)
    i = sml.index("i", g.dims[n])
    z = x[i].T * w - (y[i] if g.rng.random() < 0.7 else 0)
    shifted = call("logsumexp", (w + x[i],)) if d != n else z**2
    body = g.rng.choice((z**2, g.map(z), call("softplus", (z,)), shifted, (1 + z**2) ** -1))
    return sml.sum_over(i, y[i] * body if g.rng.random() < 0.3 else body)


def _double(g):
    """Σ_i Σ_j A[i,j] f(x[i] − y[j])."""
    n, m = g.any(), g.any()
    a, x, y = g.symbol(n, m), g.symbol(n), g.symbol(m)
    i, j = sml.index("i", g.dims[n]), sml.index("j", g.dims[m])
    z = x[i] - y[j]
    body = g.rng.choice((z**2, g.map(z), x[i] * y[j], call("exp", (-(z**2),))))
    return sml.sum_over(i, sml.sum_over(j, a[i, j] * body))


def _third(g):
    """Σ_i f(v' B[i] w), B an array of three axes."""
    n, d, k = g.rng.sample(NAMES, 3)
    b, v, w = g.symbol(n, d, k), g.symbol(d), g.symbol(k)
    i = sml.index("i", g.dims[n])
    z = v.T * b[i] * w
    return sml.sum_over(i, g.rng.choice((z**2, g.map(z))))


def _kernel(g):
    """Σ_i Σ_j exp(−‖X[i] − X[j]‖²)."""
    n, d = g.rng.sample(NAMES, 2)
    x, v = g.symbol(n, d), g.symbol(n)
    i, j = sml.index("i", g.dims[n]), sml.index("j", g.dims[n])
    z = x[i] - x[j]
    return sml.sum_over(i, sml.sum_over(j, v[i] * v[j] * call("exp", (-(z.T * z) / 2,))))


def _kronecker(g):
    n, m = g.rng.sample(NAMES, 2)
    kind = g.rng.randrange(4)
    if kind == 0:
        return call("sum", (g.map(call("kron", (g.vector(n), g.vector(m)))),))
    if kind == 1:
        a, b, x = g.matrix(n, n), g.matrix(m, m), g.matrix(m, n)
        v = call("vec", (x,))
        return v.T * call("kron", (a, b)) * v
    if kind == 2:
        return call("trace", (call("kron", (g.matrix(n, n), g.matrix(m, m))),))
    return call("sum", (g.map(call("vec", (g.matrix(n, m),))),))


def _projector(g, n):
    return call("eigmaxprojector", (g.symbol(n, n, words=SIMPLE_WORDS),)) * g.vector(n)


def _nuclear(g):
    """The nuclear norm of a matrix of full rank."""
    n, m = g.rng.sample(NAMES, 2)
    return call("normnuc", (g.symbol(n, m, words=("", "> 0") if g.sizes[n] > g.sizes[m] else ("full row rank",)),))


def _of_matrix(g, n):
    """A function of a matrix away from a trace."""
    name = g.rng.choice(("expm", "sinm", "cosm", "sqrtm", "logm"))
    return call(name, (g.definite(n) if name in ("sqrtm", "logm") else g.symbol(n, n),))


def _row(g, n):
    m = g.any()
    return g.matrix(m, n)[g.rng.randrange(2)]


def _entry(g):
    n = g.any()
    return g.vector(n)[g.rng.randrange(2)]


def _under_trace(g):
    n = g.any()
    a = g.symbol(n, n) if g.rng.random() < 0.7 else g.definite(n)
    name = g.rng.choice(("expm", "sinm", "cosm", "expm", "sqrtm", "logm"))
    if name in ("sqrtm", "logm"):
        a = g.definite(n)
    return call("trace", (call(name, (a,)),))


SCALAR = (
    lambda g: g.symbol(),
    lambda g: g.symbol() * g.scalar(),
    lambda g: g.number() * g.scalar(),
    lambda g: g.scalar() + g.scalar(),
    lambda g: g.scalar() - g.scalar(),
    lambda g: g.scalar() * g.scalar(),
    lambda g: g.scalar() / g.positive(g.scalar()),
    lambda g: g.map(g.scalar()),
    lambda g: call(g.rng.choice(POSITIVE), (g.positive(g.scalar()),)),
    lambda g: g.scalar() ** g.rng.choice((2, 3)),
    lambda g: g.positive(g.scalar()) ** g.rng.choice((-1, -2, sml.parse("1/2"), sml.parse("-3/2"))),
    lambda g: (lambda n: g.vector(n).T * g.vector(n))(g.any()),
    lambda g: (lambda n, m: g.vector(n).T * g.matrix(n, m) * g.vector(m))(g.any(), g.any()),
    lambda g: (lambda n: (lambda v: v.T * g.matrix(n, n) * v)(g.vector(n)))(g.any()),
    lambda g: (lambda n: (lambda v: v.T * (g.definite(n) ** -1) * v)(g.vector(n)))(g.any()),
    lambda g: call("sum", (g.vector(g.any()),)),
    lambda g: call("sum", (g.map(g.vector(g.any())),)),
    lambda g: call("sum", (g.matrix(g.any(), g.any()),)),
    lambda g: call("sum", (g.map(g.matrix(g.any(), g.any())),)),
    lambda g: call("mean", (g.vector(g.any()),)),
    lambda g: call("mean", (g.matrix(g.any(), g.any()),)),
    lambda g: call("norm", (g.vector(g.any()),)),
    lambda g: call("norm", (g.vector(g.any()),)) ** 2,
    lambda g: call("norm", (g.matrix(g.any(), g.any()),)) ** 2,
    lambda g: call("sumsq", (g.matrix(g.any(), g.any()),)),
    lambda g: call("sumsq", (g.vector(g.any()),)),
    lambda g: call("norm1", (g.vector(g.any()),)),
    _nuclear,
    lambda g: call("normspec", (g.symbol(*g.rng.sample(NAMES, 2), words=("", "> 0")),)),
    lambda g: (lambda n: call("eigmax", (g.symbol(n, n, words=SIMPLE_WORDS),)))(g.any()),
    lambda g: (lambda n: call("trace", (g.matrix(n, n),)))(g.any()),
    lambda g: (lambda n, m: call("trace", (g.matrix(n, m) * g.matrix(m, n),)))(g.any(), g.any()),
    lambda g: (lambda n, m: call("dot", (g.matrix(n, m), g.matrix(n, m))))(g.any(), g.any()),
    lambda g: call("logdet", (g.definite(g.any()),)),
    lambda g: (lambda n: call(g.rng.choice(("det", "logdet")), (g.matrix(n, n),)))(g.any()),
    lambda g: call("logsumexp", (g.vector(g.any()),)),
    lambda g: call(g.rng.choice(("max", "min")), (g.scalar(), g.scalar())),
    lambda g: call("sum", (call(g.rng.choice(POSITIVE), (g.positive(g.vector(g.any())),)),)),
    lambda g: (lambda n: (lambda v: v.T * g.symbol(n, n) * g.symbol(n, n) * v)(g.vector(n)))(g.any()),
    _rows, _rows, _double, _third, _kernel, _kronecker, _kronecker, _entry, _under_trace,
)  # fmt: skip
VECTOR = (
    lambda g, n: g.symbol(n),
    lambda g, n: g.symbol(n),
    lambda g, n: (lambda m: g.matrix(n, m) * g.vector(m))(g.any()),
    lambda g, n: (lambda m: g.matrix(m, n).T * g.vector(m))(g.any()),
    lambda g, n: g.vector(n) + g.vector(n),
    lambda g, n: g.vector(n) - g.vector(n),
    lambda g, n: g.vector(n) + g.scalar(),
    lambda g, n: multiply_any(g.scalar(), g.vector(n)),
    lambda g, n: sml.mul(g.vector(n), g.vector(n)),
    lambda g, n: sml.div(g.vector(n), g.positive(g.vector(n))),
    lambda g, n: g.map(g.vector(n)),
    lambda g, n: call(g.rng.choice(POSITIVE), (g.positive(g.vector(n)),)),
    lambda g, n: sml.power(g.vector(n), g.rng.choice((2, 3, 4))),
    lambda g, n: sml.power(g.positive(g.vector(n)), g.rng.choice((-1, -2, sml.parse("1/2"), sml.parse("3/2")))),
    lambda g, n: sml.power(g.positive(g.vector(n)), g.vector(n)),
    lambda g, n: sml.power(g.positive(g.vector(n)), g.symbol()),
    lambda g, n: call("softmax", (g.vector(n),)),
    lambda g, n: (g.definite(n) ** -1) * g.vector(n),
    lambda g, n: call("rowsum", (g.matrix(n, g.any()),)),
    lambda g, n: call("colsum", (g.matrix(g.any(), n),)),
    lambda g, n: call("diag", (g.matrix(n, n),)),
    lambda g, n: call("logsumexp", (g.matrix(n, g.any()),)),
    lambda g, n: call("diag", (g.vector(n),)) * g.vector(n),
    lambda g, n: call(g.rng.choice(("max", "min")), (g.vector(n), g.vector(n))),
    lambda g, n: sml.mul(_indicator(g, n), g.vector(n)),
    lambda g, n: ones_of(g.dims[n]),
    lambda g, n: call("toeplitz", (g.symbol(n),)) * g.vector(n),
    lambda g, n: (lambda s: s**2 * g.vector(n))(g.symbol(n, n)),
    lambda g, n: g.symbol(n) - call("mean", (g.symbol(n),)),
    _projector, _row, lambda g, n: _of_matrix(g, n) * g.symbol(n),
)  # fmt: skip
MATRIX = (
    lambda g, n, m: g.symbol(n, m),
    lambda g, n, m: g.symbol(n, m),
    lambda g, n, m: (lambda p: g.matrix(n, p) * g.matrix(p, m))(g.any()),
    lambda g, n, m: g.matrix(m, n).T,
    lambda g, n, m: g.matrix(n, m) + g.matrix(n, m),
    lambda g, n, m: g.matrix(n, m) - g.matrix(n, m),
    lambda g, n, m: multiply_any(g.scalar(), g.matrix(n, m)),
    lambda g, n, m: sml.mul(g.matrix(n, m), g.matrix(n, m)),
    lambda g, n, m: sml.div(g.matrix(n, m), g.positive(g.matrix(n, m))),
    lambda g, n, m: g.vector(n) * g.vector(m).T,
    lambda g, n, m: g.vector(n) * ones_of(g.dims[m]).T,
    lambda g, n, m: ones_of(g.dims[n]) * g.vector(m).T,
    lambda g, n, m: g.map(g.matrix(n, m)),
    lambda g, n, m: call("softmax", (g.matrix(n, m),)),
    lambda g, n, m: call("diag", (g.vector(n),)) * g.matrix(n, m),
    lambda g, n, m: g.matrix(n, m) * call("diag", (g.vector(m),)),
    lambda g, n, m: (g.definite(n) ** -1) * g.matrix(n, m),
    lambda g, n, m: sml.power(g.matrix(n, m), 2),
)
SQUARE = (
    lambda g, n, m: g.symbol(n, n),
    lambda g, n, m: eye_of(g.dims[n]),
    lambda g, n, m: g.definite(n),
    lambda g, n, m: g.definite(n) ** -1,
    lambda g, n, m: g.matrix(n, n) ** 2,
    lambda g, n, m: g.symbol(n, n) ** 3,
    lambda g, n, m: call("diag", (g.vector(n),)),
    lambda g, n, m: (g.symbol(n, n) + 3 * eye_of(g.dims[n])) ** -2,
    lambda g, n, m: call("toeplitz", (g.vector(n),)),
    lambda g, n, m: _of_matrix(g, n),
    lambda g, n, m: (lambda s: s + s.T)(g.matrix(n, n)),
    lambda g, n, m: call("diag", (call("diag", (g.matrix(n, n),)),)),
)


@dataclass(frozen=True)
class Case:
    """A random objective with its variable, symbols and sizes."""

    seed: int
    objective: object
    variable: object
    symbols: dict
    sizes: dict


def random_case(seed):
    """The case of a seed; None when it has no variable."""
    g = Generator(seed)
    kind = g.rng.random()
    if kind < 0.8:
        objective = g.scalar()
    elif kind < 0.95:
        g.budget = min(g.budget, 6)
        objective = g.vector(g.any())
    else:
        g.budget = min(g.budget, 4)
        objective = g.matrix(g.any(), g.any())
    occurring = set(objective.declarations)
    g.symbols = {k: v for k, v in g.symbols.items() if k in occurring}
    variable = g.variable()
    if variable is None or len(postorder(objective)) > LARGEST:
        return None
    return Case(seed, objective, variable, {k: v[0] for k, v in g.symbols.items()}, g.sizes)


def direction(shape, rng: np.random.Generator):
    """A random direction of small rational entries."""
    return rng.integers(-8, 9, shape) / 4.0
