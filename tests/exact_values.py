"""An independent evaluator of the matrix language to 50 digits: mpmath on object arrays, none of the code under test.

A vector is a 1-D array, a row has shape (1, d), a scalar is an mpf; the value of a node has the node's shape.
"""

from __future__ import annotations

import itertools
import math

import mpmath
import numpy as np
import sympy as sp

from symml.language import expressions as L
from symml.language.names import canonical

DIGITS = 50
mpf = mpmath.mpf


class Undefined(ArithmeticError):
    """No finite real value at this point."""


def exact(array):
    """Floats, integers or nested lists as mpf: the same numbers, no rounding."""
    a = np.asarray(array)
    if a.dtype != object:
        a = a.astype(float)
    return each(lambda x: x if isinstance(x, mpmath.mpf) else mpf(x), a) if a.shape else mpf(a.item())


def each(f, *arrays):
    """An object array of f of the entries; scalars broadcast."""
    shape = next((np.shape(a) for a in arrays if np.shape(a)), ())
    if not shape:
        return f(*arrays)
    found = np.empty(shape, object)
    for place in np.ndindex(shape):
        found[place] = f(*(a[place] if np.shape(a) else a for a in arrays))
    return found


def value(expression, values, sizes):
    """The value of an expression; values by name (mpf or object arrays), sizes by dimension name."""
    with mpmath.workdps(DIGITS):
        try:
            found = _Run(values, sizes).value(expression)
        except (ZeroDivisionError, OverflowError) as error:
            raise Undefined(str(error)) from error
        for x in np.ravel(np.asarray(found, object)):
            if isinstance(x, mpmath.mpc) or not mpmath.isfinite(x):
                raise Undefined("not a finite real number")
        return found


class _Run:
    def __init__(self, values, sizes):
        self.values, self.sizes = dict(values), sizes
        self.known = {}

    def size(self, dim):
        if isinstance(dim, int):
            return dim
        return int(dim.subs({t: self.sizes[canonical(t.name)] for t in dim.free_symbols}))

    def shape(self, node):
        return tuple(self.size(d) for d in node.shape)

    def inside(self, **bound):
        run = _Run(self.values, self.sizes)
        run.values.update(bound)
        return run

    def value(self, root):
        waiting = [root]
        while waiting:
            node = waiting[-1]
            lazy = isinstance(node, (L.BoundSum, L.Action, L.Where))
            missing = [] if lazy else [a for a in node.args if a not in self.known]
            if missing:
                waiting.extend(missing)
                continue
            waiting.pop()
            if node not in self.known:
                args = [] if lazy else [self.known[a] for a in node.args]
                found = RULES[type(node).__name__](self, node, *args)
                want = self.shape(node)
                if np.shape(found) != want:
                    assert np.size(found) == math.prod(want), (type(node).__name__, np.shape(found), want)
                    found = np.reshape(np.asarray(found, object), want)
                    found = found if want else found[()]
                self.known[node] = found
        return self.known[root]

    # -- scalars --------------------------------------------------------------------------------------------------
    def scalar(self, e, local=None):
        known = {} if local is None else dict(local)
        for node in sp.postorder_traversal(e):
            if node not in known:
                known[node] = self.one(node, known)
        return known[e]

    def one(self, node, known):
        if node.is_Symbol:
            name = canonical(node.name)
            return mpf(self.sizes[name]) if name in self.sizes else self.values[name]
        if node.is_Rational:
            return mpf(int(node.p)) / int(node.q)
        if node.is_NumberSymbol:
            return {"Pi": mpmath.pi, "Exp1": mpmath.e, "EulerGamma": mpmath.euler}[type(node).__name__] + mpf(0)
        if isinstance(node, (sp.core.relational.Relational, sp.logic.boolalg.BooleanAtom, sp.Tuple, sp.Piecewise)):
            return None
        name = type(node).__name__
        args = [known[a] for a in node.args]
        if name == "Add":
            return mpmath.fsum(args)
        if name == "Mul":
            return mpmath.fprod(args)
        if name == "Pow":
            return power(args[0], args[1])
        if name == "polygamma":
            return mpmath.psi(int(args[0]), args[1])
        if name in ("Max", "Min"):
            return {"Max": max, "Min": min}[name](args)
        return ENTRIES[name](*args)


def power(x, q):
    if x == 0 and q < 0:
        raise Undefined("division by zero")
    if x < 0 and q != int(q):
        raise Undefined("a root of a negative number")
    return x ** (int(q) if q == int(q) else q)


def _log(x):
    if x <= 0:
        raise Undefined("log of a number that is not positive")
    return mpmath.log(x)


def _positive(f):
    def g(x):
        if x <= 0:
            raise Undefined("outside the domain")
        return f(x)

    return g


def _grows(f):
    """A function whose values soon are too large for floats to follow."""

    def g(x):
        if not abs(x) < 50:
            raise Undefined("too large")
        return f(x)

    return g


def _kink(f):
    def g(x):
        if abs(x) < mpf("1e-9"):
            raise Undefined("at a kink")
        return f(x)

    return g


ENTRIES = {
    "exp": _grows(mpmath.exp), "log": _log, "sqrt": lambda x: power(x, mpf(1) / 2),
    "abs": _kink(abs), "Abs": _kink(abs),
    "sign": _kink(mpmath.sign), "sin": mpmath.sin, "cos": mpmath.cos, "tan": mpmath.tan, "sinh": _grows(mpmath.sinh),
    "cosh": _grows(mpmath.cosh), "tanh": mpmath.tanh, "arctan": mpmath.atan, "atan": mpmath.atan, "erf": mpmath.erf,
    "erfc": mpmath.erfc, "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)), "relu": _kink(lambda x: max(x, mpf(0))),
    "step": _kink(lambda x: mpf(x > 0)), "normcdf": mpmath.ncdf, "normpdf": lambda x: mpmath.npdf(x),
    "gamma": _positive(_grows(mpmath.gamma)), "loggamma": _positive(mpmath.loggamma),
    "digamma": _positive(lambda x: mpmath.psi(0, x)), "trigamma": _positive(lambda x: mpmath.psi(1, x)),
    "sec": mpmath.sec, "zeta": mpmath.zeta,
    "Heaviside": lambda x, *_: _kink(lambda t: mpf(t > 0))(x), "factorial": mpmath.factorial,
}  # fmt: skip


# -- arrays -------------------------------------------------------------------------------------------------------
def _two(a):
    return a if a.ndim == 2 else a.reshape(-1, 1)


def _matrix(a):
    return mpmath.matrix(a.tolist())


def _array(m):
    found = np.empty((m.rows, m.cols), object)
    for i, j in itertools.product(range(m.rows), range(m.cols)):
        x = m[i, j]
        if isinstance(x, mpmath.mpc):
            if abs(x.imag) > mpf(10) ** (10 - DIGITS) * (1 + abs(x.real)):
                raise Undefined("complex")
            x = x.real
        found[i, j] = x
    return found


def inverse(a):
    """Gauss-Jordan elimination with row exchanges."""
    n = len(a)
    work = np.concatenate([a, unit(n)], axis=1)
    for k in range(n):
        p = max(range(k, n), key=lambda i: abs(work[i, k]))
        if abs(work[p, k]) < mpf("1e-12"):
            raise Undefined("a singular matrix")
        work[[k, p]] = work[[p, k]]
        work[k] = work[k] / work[k, k]
        for i in range(n):
            if i != k:
                work[i] = work[i] - work[i, k] * work[k]
    return work[:, n:]


def unit(n):
    """The identity."""
    found = np.full((n, n), mpf(0), object)
    for k in range(n):
        found[k, k] = mpf(1)
    return found


def determinant(a):
    """By elimination."""
    work, n, found = a.copy(), len(a), mpf(1)
    for k in range(n):
        p = max(range(k, n), key=lambda i: abs(work[i, k]))
        if work[p, k] == 0:
            return mpf(0)
        if p != k:
            work[[k, p]] = work[[p, k]]
            found = -found
        found *= work[k, k]
        for i in range(k + 1, n):
            work[i] = work[i] - work[i, k] / work[k, k] * work[k]
    return found


def _logdet(a):
    d = determinant(a)
    if abs(d) < mpf("1e-12"):
        raise Undefined("singular")
    return mpmath.log(abs(d))


def _total(a):
    return mpmath.fsum(np.ravel(a))


def _rows(f):
    def g(a):
        return np.array([*map(f, a)], object) if a.ndim == 2 else f(a)

    return g


def _softmax(x):
    e = each(lambda t: mpmath.exp(t), x)
    return e / _total(e)


def _lse(x):
    return mpmath.log(mpmath.fsum(mpmath.exp(t) for t in x))


def _singular_values(a):
    a = a if a.shape[0] <= a.shape[1] else a.T
    with mpmath.workdps(2 * DIGITS + 10):
        return [mpmath.sqrt(abs(x)) for x in eigen(a.dot(a.T))[0]]


def eigen(a):
    """Eigenvalues and vectors of a symmetric matrix by Jacobi rotations."""
    a, n = a.copy(), len(a)
    v = unit(n)
    for _ in range(60):
        off = mpmath.fsum(a[i, j] ** 2 for i in range(n) for j in range(n) if i != j)
        if off <= mpf(10) ** (-2 * mpmath.mp.dps) * mpmath.fsum((a * a).ravel()):
            return [a[k, k] for k in range(n)], v
        for p, q in itertools.combinations(range(n), 2):
            if a[p, q] == 0:
                continue
            theta = (a[q, q] - a[p, p]) / (2 * a[p, q])
            t = (1 if theta >= 0 else -1) / (abs(theta) + mpmath.sqrt(theta * theta + 1))
            c = 1 / mpmath.sqrt(t * t + 1)
            turn = unit(n)
            turn[p, p] = turn[q, q] = c
            turn[p, q], turn[q, p] = t * c, -t * c
            a, v = turn.T.dot(a).dot(turn), v.dot(turn)
    raise Undefined("eigenvalues did not converge")


def _largest(a):
    values, vectors = eigen((a + a.T) / 2)
    k = max(range(len(values)), key=lambda i: values[i])
    if sum(abs(x - values[k]) < mpf("1e-9") for x in values) > 1:
        raise Undefined("the largest eigenvalue is not simple")
    return values[k], vectors[:, k]


def _toeplitz(c, r=None):
    r = c if r is None else r
    found = np.empty((len(c), len(r)), object)
    for i, j in np.ndindex(found.shape):
        found[i, j] = c[i - j] if i >= j else r[j - i]
    return found


def _diagsums(a):
    n = len(a)
    pairs = list(np.ndindex(n, n))
    return np.array([mpmath.fsum(a[i, j] for i, j in pairs if abs(i - j) == k) for k in range(n)], object)


def _kron(a, b):
    a, b = _two(a), _two(b)
    found = np.empty((a.shape[0] * b.shape[0], a.shape[1] * b.shape[1]), object)
    for i, j in np.ndindex(found.shape):
        found[i, j] = a[i // b.shape[0], j // b.shape[1]] * b[i % b.shape[0], j % b.shape[1]]
    return found


def _diag(a):
    if a.ndim == 2:
        return np.array([a[k, k] for k in range(len(a))], object)
    found = unit(len(a))
    for k, x in enumerate(a):
        found[k, k] = x
    return found


def _whole(f):
    def g(a):
        if not max(abs(x) for x in np.ravel(a)) < 100:
            raise Undefined("too large for a power series")
        return _array(f(_matrix(a)))

    return g


def _of_eigenvalues(f, whole):
    """A function of a matrix; by eigenvalues where it is symmetric, which always converges."""

    def g(a):
        if max(abs(x) for x in np.ravel(a - a.T)) > mpf(10) ** (20 - DIGITS):
            return _array(whole(_matrix(a)))
        with mpmath.workdps(2 * DIGITS):
            values, vectors = eigen((a + a.T) / 2)
            if min(values) < mpf("1e-12"):
                raise Undefined("not positive definite")
            return (vectors * np.array([f(x) for x in values], object)).dot(vectors.T)

    return g


def _frechet(f):
    """The upper right block of f([[A, E], [0, A]])."""

    def g(a, e):
        n = len(a)
        return f(np.block([[a, e], [0 * a, a]]))[:n, n:]

    return g


def _extreme(f):
    def g(a, b=None):
        if b is None:
            return f(list(np.ravel(a)))
        return each(lambda x, y: _apart(x, y) and f(x, y), a, b)

    return g


def _apart(x, y):
    if abs(x - y) < mpf("1e-9"):
        raise Undefined("at a kink")
    return True


CALLS = {
    "sum": _total, "mean": lambda a: _total(a) / np.size(a), "norm": lambda a: mpmath.sqrt(_total(a * a)),
    "norm1": lambda a: _total(each(ENTRIES["abs"], a)), "trace": lambda a: mpmath.fsum(a[k, k] for k in range(len(a))),
    "dot": lambda a, b: _total(a * b), "det": determinant, "logdet": _logdet, "diag": _diag, "kron": _kron,
    "vec": lambda a: a.T.reshape(-1), "rowsum": lambda a: np.array([_total(r) for r in a], object),
    "colsum": lambda a: np.array([_total(r) for r in a.T], object), "toeplitz": _toeplitz, "diagsums": _diagsums,
    "softmax": lambda a: np.array([_softmax(r) for r in a], object) if a.ndim == 2 else _softmax(a),
    "logsumexp": _rows(_lse), "max": _extreme(max), "min": _extreme(min),
    "power": lambda a, b: each(lambda x, q: power(x, q), a, b),
    "expm": _whole(mpmath.expm), "logm": _of_eigenvalues(mpmath.log, mpmath.logm),
    "sqrtm": _of_eigenvalues(mpmath.sqrt, mpmath.sqrtm),
    "sinm": _whole(mpmath.sinm), "cosm": _whole(mpmath.cosm),
    **{f"{f}_frechet": _frechet(_whole(getattr(mpmath, f))) for f in ("expm", "logm", "sqrtm", "sinm", "cosm")},
    "normnuc": lambda a: mpmath.fsum(_singular_values(a)), "normspec": lambda a: max(_singular_values(a)),
    "eigmax": lambda a: _largest(a)[0], "eigmaxprojector": lambda a: np.outer(_largest(a)[1], _largest(a)[1]),
}  # fmt: skip


# -- nodes --------------------------------------------------------------------------------------------------------
def _mul(run, node, *args):
    found = run.scalar(node.coefficient)
    chain = None
    for a, part in zip(args, node.args, strict=True):
        if part.shape == ():
            found = found * a
        else:
            a = _two(a)
            chain = a if chain is None else chain.dot(a)
    if chain is None:
        return found
    return chain * found if node.shape else chain[0, 0] * found


def _matrix_power(run, node, a):
    q = run.scalar(node.exponent)
    if node.shape == ():
        return power(a, q)
    base = inverse(a) if q < 0 else a
    found = unit(len(a))
    for _ in range(abs(int(q))):
        found = found.dot(base)
    return found


def _call(run, node, *args):
    name = node.function
    if name in CALLS:
        return CALLS[name](*args)
    return each(lambda x: ENTRIES[name](x), *args)


def _apply(run, node, a):
    (variable,) = node.function.variables
    return each(lambda x: run.scalar(node.function.expr, {variable: x}), a)


def _indicator(run, node, *args):
    a, b = args if len(args) == 2 else (args[0], mpf(0))
    test = {">": lambda x, y: x > y, ">=": lambda x, y: x >= y, "<": lambda x, y: x < y, "<=": lambda x, y: x <= y,
            "==": lambda x, y: x == y}[node.relation]  # fmt: skip
    return each(lambda x, y: _apart(x, y) and mpf(test(x, y)), a, b)


def _element(run, node, base, *indices):
    left = iter(indices)
    key = tuple(slice(None) if p is None else int(next(left)) - 1 if p == "index" else p for p in node.positions)
    return base[key]


def _bound_sum(run, node):
    index, body = node.args
    found = mpf(0)
    for k in range(1, run.size(index.size) + 1):
        found = found + run.inside(**{index.name: mpf(k)}).value(body)
    return found


def _action(run, node):
    direction, body = node.args[-2:]
    shape = run.shape(direction)
    columns = []
    for place in np.ndindex(shape):
        step = np.full(shape, mpf(0), object)
        step[place] = mpf(1)
        columns.append(np.asarray(run.inside(**{direction.name: step}).value(body), object))
    return np.stack(columns, axis=-1).reshape((*columns[0].shape, *shape))


def _where(run, node):
    body, *given = node.args
    waiting, inner = dict(zip(node.names, given, strict=True)), run
    while waiting:  # a value may use the other names, in any order
        ready = [n for n, part in waiting.items() if not any(m in waiting for m in L.postorder(part))]
        found = {n.name: inner.value(waiting.pop(n)) for n in ready}
        inner = inner.inside(**found)
    return inner.value(body)


def _einstein(run, node, *args):
    words, out = [list(w) for w in node.fields[0]], list(node.fields[1])
    sizes = {}
    fitted = []
    for word, a in zip(words, args, strict=True):
        a = np.asarray(a, object)
        a = a if a.ndim == len(word) else a.reshape(-1) if word else a.reshape(())
        fitted.append(a)
        sizes.update(zip(word, a.shape, strict=True))
    real = [d for d in run.shape(node) if d != 1] if len(node.shape) > len(out) else list(run.shape(node))
    sizes.update({c: d for c, d in zip(out, real, strict=True) if c not in sizes})
    factors = [_without_repeats(word, a) for word, a in zip(words, fitted, strict=True)]
    for c in [c for c in sizes if c not in out]:
        touching, factors = [f for f in factors if c in f[0]], [f for f in factors if c not in f[0]]
        letters = list(dict.fromkeys(x for word, _ in touching for x in word))
        summed = _aligned(touching, letters, sizes).sum(axis=letters.index(c))
        factors.append(([x for x in letters if x != c], np.asarray(summed, object)))
    letters = list(dict.fromkeys(out))
    whole = _aligned(factors, letters, sizes)
    found = np.full(tuple(sizes[c] for c in out), mpf(0), object)
    for place in np.ndindex(whole.shape):
        at = dict(zip(letters, place, strict=True))
        found[tuple(at[c] for c in out)] = whole[place]
    return found if found.shape else found[()]


def _without_repeats(word, a):
    """The diagonal along letters that occur twice."""
    while len(set(word)) < len(word):
        c = next(c for c in word if word.count(c) > 1)
        first = word.index(c)
        a = np.diagonal(a, axis1=first, axis2=word.index(c, first + 1))
        rest = word[first + 1 :]
        rest.remove(c)
        word = [*word[:first], *rest, c]
    return word, a


def _aligned(factors, letters, sizes):
    """The product of factors over all letters."""
    found = np.full(tuple(sizes[c] for c in letters), mpf(1), object)
    for word, a in factors:
        order = [word.index(c) for c in letters if c in word]
        shape = [sizes[c] if c in word else 1 for c in letters]
        found = found * np.transpose(a, order).reshape(shape)
    return found


def _add(run, node, *args):
    found = args[0]
    for a in args[1:]:
        found = found + a
    return found


def _hadamard(run, node, *args):
    found = args[0]
    for a in args[1:]:
        found = found * a
    return found


def _literal(run, node):
    return np.array([run.scalar(v) for v in node.value], object).reshape(run.shape(node))


RULES = {
    "Symbol": lambda run, node: run.values[node.name], "Scalar": lambda run, node: run.scalar(node.value),
    "Literal": _literal, "Eye": lambda run, node: unit(run.size(node.shape[0])),
    "Ones": lambda run, node: np.full(run.shape(node), mpf(1), object),
    "Zeros": lambda run, node: np.full(run.shape(node), mpf(0), object), "Add": _add, "Mul": _mul,
    "Hadamard": _hadamard, "Pow": _matrix_power,
    "ElemPow": lambda run, node, a: each(lambda x: power(x, run.scalar(node.exponent)), a),
    "Transpose": lambda run, node, a: a.reshape(1, -1) if a.ndim == 1 else a.T, "Call": _call, "Apply": _apply,
    "Indicator": _indicator, "Index": lambda run, node: run.values[node.name], "Element": _element,
    "BoundSum": _bound_sum, "Where": _where, "Action": _action, "Einstein": _einstein,
}  # fmt: skip
