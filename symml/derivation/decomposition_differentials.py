r"""Differentials of the factors of a matrix: eigenvectors, singular vectors, the Cholesky and the QR factor.

Each is a record with its formula, its conditions and its source, asked for by `decomposition_differential`. The value
comes from the formula, never from differences; `check` compares the two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import scipy  # scipy.linalg is loaded by scipy itself when it is first used

from symml.derivation.mappings import ByName
from symml.errors import DataError, NotSupportedError
from symml.records import Counterexample, Verdict, verdict

GAP = 1e-10  # relative; closer eigenvalues or singular values count as equal
STEP = 1e-5
AGREEMENT = 1e-7
Factors = dict[str, Any]


@dataclass(frozen=True)
class DecompositionDifferential:
    """The differential of the factors of a decomposition.

    Attributes
    ----------
    name : str
        eigen, svd, cholesky or qr.
    decomposition : str
        What the factors are.
    formulas : tuple of (str, str)
        Each formula as text and as LaTeX.
    conditions : tuple of str
        When the factors are differentiable; `evaluate` refuses values that do not meet them.
    source : str
    """

    name: str
    decomposition: str
    formulas: tuple[tuple[str, str], ...]
    conditions: tuple[str, ...]
    source: str
    _matrix: str = field(repr=False)
    _symmetric: bool = field(repr=False)
    _factors: Callable[[Any], Factors] = field(repr=False, compare=False)
    _differential: Callable[[Any, Factors], Factors] = field(repr=False, compare=False)

    @property
    def statement(self) -> str:
        """The decomposition and the formulas in one line each."""
        return "\n".join([self.decomposition, *(text for text, _ in self.formulas)])

    def __str__(self) -> str:
        return "\n".join([self.statement, *(f"condition: {c}" for c in self.conditions)])

    def latex(self) -> str:
        r"""Return an ``align*`` environment with the formulas."""
        return "\\begin{align*}\n" + " \\\\\n".join(latex for _, latex in self.formulas) + "\n\\end{align*}"

    def _repr_latex_(self) -> str:
        return self.latex()

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return {
            "name": self.name,
            "decomposition": self.decomposition,
            "formulas": [text for text, _ in self.formulas],
            "conditions": list(self.conditions),
            "source": self.source,
        }

    def evaluate(self, mapping: Mapping[str, Any] | None = None, /, **values: Any) -> ByName:
        """Return the factors and their differentials by name, such as L and dL.

        Parameters
        ----------
        mapping, **values : array_like
            The matrix and its differential, such as S and dS; the differential of a symmetric matrix is symmetric.

        Raises
        ------
        DataError
            If a value is missing, of another shape, not symmetric where it must be, or does not meet the conditions.
        """
        given = {**(dict(mapping) if mapping else {}), **values}
        a, da = (self._array(given, name) for name in (self._matrix, f"d{self._matrix}"))
        if a.shape != da.shape:
            raise DataError(f"{self._matrix} has shape {a.shape}, d{self._matrix} {da.shape}: they must agree.")
        factors = self._factors(a)
        return ByName({**factors, **self._differential(da, factors)})

    def _array(self, given: Mapping[str, Any], name: str) -> Any:
        if name not in given:
            raise DataError(f"no value for {name}. Given: {', '.join(sorted(map(str, given))) or 'nothing'}")
        a = np.asarray(given[name], float)
        if a.ndim != 2 or not np.all(np.isfinite(a)):
            raise DataError(f"{name} must be a matrix of finite numbers; its shape is {a.shape}.")
        if self._symmetric and (
            a.shape[0] != a.shape[1] or np.max(np.abs(a - a.T), initial=0.0) > 1e-8 * max(np.max(np.abs(a)), 1e-300)
        ):
            raise DataError(f"{name} must be symmetric.")
        return a

    def check(self, seed: int = 0) -> Verdict:
        """Return whether the formulas agree with central differences at three random matrices."""
        rng = np.random.default_rng(seed)
        worst = 0.0
        for _ in range(3):
            a, da = self._drawn(rng), self._drawn(rng)
            found = self.evaluate({self._matrix: a, f"d{self._matrix}": da})
            ahead, behind = (self._factors(a + s * STEP * da) for s in (1, -1))
            for name, here in self._factors(a).items():
                high, low = (_aligned(f[name], here) for f in (ahead, behind))
                difference, value = (high - low) / (2 * STEP), found[f"d{name}"]
                error = float(np.max(np.abs(difference - value))) / max(1.0, float(np.max(np.abs(value))))
                worst = max(worst, error)
                if error > AGREEMENT:
                    example = Counterexample({self._matrix: a, f"d{self._matrix}": da}, value, difference, error, seed)
                    return verdict("wrong", counterexample=example)
        return verdict("holds", f"agrees with central differences at 3 random matrices to {worst:.0e}")

    def _drawn(self, rng: np.random.Generator) -> Any:
        a = rng.normal(size=(5, 3))
        return a.T @ a if self._symmetric else a


def decomposition_differential(name: str) -> DecompositionDifferential:
    r"""Return the differential of a decomposition.

    Parameters
    ----------
    name : {"eigen", "svd", "cholesky", "qr"}

    Raises
    ------
    NotSupportedError
        If there is no such decomposition.

    Examples
    --------
    >>> from symml.derivation.decomposition_differentials import decomposition_differential
    >>> d = decomposition_differential("cholesky")
    >>> print(d.formulas[0][0])
    dL = L Φ(L⁻¹ dS L⁻ᵀ), Φ(M) the lower triangle of M with half its diagonal
    >>> d.evaluate(S=[[4.0, 0.0], [0.0, 1.0]], dS=[[1.0, 0.0], [0.0, 0.0]])["dL"].tolist()
    [[0.25, 0.0], [0.0, 0.0]]
    """
    found = _BY_NAME.get(str(name).lower())
    if found is None:
        raise NotSupportedError(f"no differential of {name!r}; choose {', '.join(_BY_NAME)}")
    return found


def _aligned(values: Any, like: Any) -> Any:
    """Columns turned to the sign that they have in `like`."""
    if values.ndim < 2:
        return values
    signs = np.sign(np.sum(values * like, axis=0))
    return values * np.where(signs == 0, 1.0, signs)


def _apart(values: Any, what: str) -> None:
    """Refuse values of which two are equal."""
    order = np.sort(values)
    scale = max(float(np.max(np.abs(values), initial=0.0)), 1e-300)
    for low, high in pairwise(order):
        if high - low <= GAP * scale:
            raise DataError(f"two {what} are equal ({low:.6g}): their vectors are not differentiable, not even unique.")


# -- eigen --------------------------------------------------------------------------------------------------------
def _eigen_factors(s: Any) -> Factors:
    values, vectors = np.linalg.eigh(s)
    return {"lam": values, "V": vectors}


def _eigen(ds: Any, f: Factors) -> Factors:
    values, v = f["lam"], f["V"]
    _apart(values, "eigenvalues")
    inner = v.T @ ds @ v
    gaps = values[None, :] - values[:, None] + np.eye(len(values))
    return {"dlam": np.diagonal(inner).copy(), "dV": v @ (inner / gaps * (1 - np.eye(len(values))))}


# -- svd ----------------------------------------------------------------------------------------------------------
def _svd_factors(a: Any) -> Factors:
    u, s, vt = np.linalg.svd(a, full_matrices=False)
    return {"U": u, "sigma": s, "V": vt.T}


def _svd(da: Any, f: Factors) -> Factors:
    u, s, v = f["U"], f["sigma"], f["V"]
    _apart(s, "singular values")
    if s[-1] <= GAP * s[0]:
        raise DataError("a singular value is 0: its vectors are not differentiable.")
    inner = u.T @ da @ v
    eye = np.eye(len(s))
    weights = (1 - eye) / (s[None, :] ** 2 - s[:, None] ** 2 + eye)
    du = u @ (weights * (inner * s + s[:, None] * inner.T)) + (da @ v - u @ inner) / s
    dv = v @ (weights * (s[:, None] * inner + inner.T * s)) + (da.T @ u - v @ inner.T) / s
    return {"dU": du, "dsigma": np.diagonal(inner).copy(), "dV": dv}


# -- cholesky -----------------------------------------------------------------------------------------------------
def _cholesky_factors(s: Any) -> Factors:
    try:
        return {"L": np.linalg.cholesky(s)}
    except np.linalg.LinAlgError:
        raise DataError("S is not positive definite: it has no Cholesky factor.") from None


def _cholesky(ds: Any, f: Factors) -> Factors:
    lower = f["L"]
    half = scipy.linalg.solve_triangular(lower, ds, lower=True)
    inner = scipy.linalg.solve_triangular(lower, half.T, lower=True).T
    return {"dL": lower @ (np.tril(inner) - np.diag(np.diagonal(inner)) / 2)}


# -- qr -----------------------------------------------------------------------------------------------------------
def _qr_factors(a: Any) -> Factors:
    if a.shape[0] < a.shape[1]:
        raise DataError(f"A has shape {a.shape}: it must have at least as many rows as columns.")
    q, r = np.linalg.qr(a)
    signs = np.where(np.diagonal(r) < 0, -1.0, 1.0)
    if np.min(np.abs(np.diagonal(r)), initial=np.inf) <= GAP * np.max(np.abs(r), initial=0.0):
        raise DataError("A has no full column rank: its QR factors are not differentiable.")
    return {"Q": q * signs, "R": signs[:, None] * r}


def _qr(da: Any, f: Factors) -> Factors:
    q, r = f["Q"], f["R"]
    c = scipy.linalg.solve_triangular(r, da.T, trans=1, lower=False).T
    inner = q.T @ c
    skew = np.tril(inner, -1) - np.tril(inner, -1).T
    return {"dQ": q @ skew + c - q @ inner, "dR": (inner - skew) @ r}


_ROWS: Sequence[DecompositionDifferential] = (
    DecompositionDifferential(
        "eigen",
        "S v = λ v with S symmetric, vᵀ v = 1; lam holds all λ in ascending order, the columns of V all v",
        (
            ("dλ = vᵀ dS v", r"d\lambda &= v^{\top} dS\, v"),
            ("dv = (λ I − S)⁺ dS v", r"dv &= (\lambda I - S)^{+} dS\, v"),
        ),
        ("the eigenvalue λ is simple", "the sign of v is kept"),
        "J. R. Magnus (1985), On differentiating eigenvalues and eigenvectors, Econometric Theory 1, 179–191",
        "S",
        True,
        _eigen_factors,
        _eigen,
    ),
    DecompositionDifferential(
        "svd",
        "A = U Σ Vᵀ with Uᵀ U = Vᵀ V = I; the diagonal of Σ as sigma, in descending order",
        (
            ("dσ = uᵀ dA v for each pair of columns u, v", r"d\sigma &= u^{\top} dA\, v"),
            (
                "dU = U (F ⊙ (P Σ + Σ Pᵀ)) + (I − U Uᵀ) dA V Σ⁻¹, "
                "P = Uᵀ dA V, F_ij = 1/(σ_j² − σ_i²) for i ≠ j, F_ii = 0",
                r"dU &= U\,(F \odot (P\Sigma + \Sigma P^{\top})) + (I - U U^{\top})\, dA\, V \Sigma^{-1},\quad "
                r"P = U^{\top} dA\, V,\; F_{ij} = \frac{1}{\sigma_j^2 - \sigma_i^2}\ (i \neq j),\; F_{ii} = 0",
            ),
            (
                "dV = V (F ⊙ (Σ P + Pᵀ Σ)) + (I − V Vᵀ) dAᵀ U Σ⁻¹",
                r"dV &= V\,(F \odot (\Sigma P + P^{\top}\Sigma)) + (I - V V^{\top})\, dA^{\top} U \Sigma^{-1}",
            ),
        ),
        ("the singular values are distinct and positive", "the common sign of u and v is kept"),
        "J. Townsend (2016), Differentiating the singular value decomposition; M. B. Giles (2008), report NA-08/01",
        "A",
        False,
        _svd_factors,
        _svd,
    ),
    DecompositionDifferential(
        "cholesky",
        "S = L Lᵀ with L lower triangular, its diagonal positive",
        (
            (
                "dL = L Φ(L⁻¹ dS L⁻ᵀ), Φ(M) the lower triangle of M with half its diagonal",
                r"dL &= L\,\Phi(L^{-1} dS\, L^{-\top}),\quad "
                r"\Phi(M)_{ij} = M_{ij}\ (i > j),\ \tfrac12 M_{ii}\ (i = j),\ 0\ (i < j)",
            ),
        ),
        ("S is positive definite",),
        "I. Murray (2016), Differentiation of the Cholesky decomposition, arXiv:1602.07527",
        "S",
        True,
        _cholesky_factors,
        _cholesky,
    ),
    DecompositionDifferential(
        "qr",
        "A = Q R with Qᵀ Q = I and R upper triangular, its diagonal positive",
        (
            (
                "dQ = Q X + (I − Q Qᵀ) dA R⁻¹, M = Qᵀ dA R⁻¹, X skew with the strict lower triangle of M",
                r"dQ &= Q X + (I - Q Q^{\top})\, dA\, R^{-1},\quad M = Q^{\top} dA\, R^{-1},\; "
                r"X = \operatorname{low}(M) - \operatorname{low}(M)^{\top}",
            ),
            ("dR = (M − X) R", r"dR &= (M - X) R"),
        ),
        ("A has full column rank",),
        "S. F. Walter and L. Lehmann (2010), Algorithmic differentiation of linear algebra functions, arXiv:1001.1654",
        "A",
        False,
        _qr_factors,
        _qr,
    ),
)
_BY_NAME = {row.name: row for row in _ROWS}
