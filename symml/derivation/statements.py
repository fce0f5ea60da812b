"""What else can be said of an objective: its kinks and domain, its convexity, its Newton and gradient steps."""

from __future__ import annotations

from typing import Any

from symml.language.expressions import Expression
from symml.registry import Later

_conditions = Later("symml.derivation.kinks").conditions_on
_gradient_on = Later("symml.derivation.manifolds").gradient_on
_structure = Later("symml.derivation.curvature.structure").find_structure
_convexity = Later("symml.derivation.curvature.convex").find_convexity
_newton = Later("symml.derivation.curvature.iterations").newton_step
_gradient = Later("symml.derivation.curvature.iterations").gradient_step


class Statements:
    """Statements about a derivation; each is made when it is first asked for."""

    @property
    def conditions(self) -> tuple[str, ...]:
        """Where the objective has no derivative, with the subgradient, and what its functions need.

        Examples
        --------
        >>> import symml as sml
        >>> for line in sml.derive("abs(u) + log(v)", wrt=["u", "v"]).conditions: print(line)
        abs(u) has no derivative at u = 0; the subgradient there is [-1, 1]. sign(0) is taken as 0.
        log(v) needs v > 0
        """
        found: tuple[str, ...] = _conditions(self)
        return found

    @property
    def convexity(self) -> Any:
        """Whether the objective is convex in the variables jointly: a record with `kind`, `reasons` and `verdict`.

        Examples
        --------
        >>> import symml as sml
        >>> d = sml.derive("||X w - y||^2 + lam*||w||^2", wrt="w", where="X: n x d, y: n, w: d, lam > 0")
        >>> print(d.convexity)
        strongly convex: 2 Xᵀ X is positive semidefinite (a Gram matrix); 2 λ I is positive definite because λ > 0
        """
        return _convexity(self)

    @property
    def newton_step(self) -> Any:
        """The Newton step: `text`, `latex()`, and `evaluate(...)` for the variable after it.

        Examples
        --------
        >>> import symml as sml
        >>> d = sml.derive("1/2*||X w - y||^2", wrt="w", where="X: n x d, y: n, w: d")
        >>> print(d.newton_step.text)
        w ← w − (Xᵀ X)⁻¹ Xᵀ (X w − y)
        """
        return _newton(self)

    @property
    def gradient_step(self) -> Any:
        """The gradient step with its largest stable `rate`: `text`, `latex()`, `evaluate(..., eta=0.1)`.

        Examples
        --------
        >>> import symml as sml
        >>> d = sml.derive("1/2*||X w - y||^2", wrt="w", where="X: n x d, y: n, w: d")
        >>> print(d.gradient_step)
        w ← w − η Xᵀ (X w − y)
        stable for 0 < η < 2/eigmax(Xᵀ X)
        """
        return _gradient(self)

    def gradient_on(self, manifold: str) -> Expression:
        """Return the Riemannian gradient: the Euclidean one, g or G, brought onto the tangent space.

        Parameters
        ----------
        manifold : {"sphere", "stiefel", "orthogonal", "spd"}
            (I − x xᵀ) g for x of unit norm; G − W sym(Wᵀ G) for W with orthonormal columns and (G − Q Gᵀ Q)/2 for an
            orthogonal Q, both in the Euclidean metric; S sym(G) S for S spd, in the affine-invariant metric.

        Raises
        ------
        DeclarationError
            If the variable is not declared with the property of the manifold.
        """
        found: Expression = _gradient_on(self, manifold)
        return found

    @property
    def hessian_structure(self) -> Any:
        """What the Hessian is made of: a record with `kind`, `statement`, `factors`, `apply` and `dense`."""
        return _structure(self)
