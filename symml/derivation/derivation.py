"""A derivation: gradient, Jacobian, Hessian, differential of an objective, each checked when it is first asked for.

Layout, stated once: the gradient has the shape of its variable; Jacobian rows are outputs, columns the variable; the
Hessian has the variable's axes twice, never vec'd. The gradient by a symmetric (spd, orthogonal, ...) variable treats
its entries as independent; `layout="symmetric"` gives the derivative along the free entries.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from symml.calculus.nodes import Node
from symml.calculus.reverse import derivative as differentiate
from symml.calculus.transform import substitute
from symml.checking.reports import CheckReport
from symml.derivation.mappings import ByName, LazyPairs
from symml.derivation.objective import Objective, Variable, untied, untied_symbol
from symml.derivation.results import (
    Checked,
    confirm,
    derivative_check,
    direction_of,
    free_entries,
    inner,
    show,
    sympy_matrix,
)  # fmt: skip
from symml.derivation.statements import Statements
from symml.errors import NotSupportedError, ShapeError
from symml.forms.lowering import leaf_of, lower
from symml.forms.scalars import differentiated, tidy
from symml.forms.textbook import present
from symml.language import hooks
from symml.language.contexts import remember
from symml.language.expressions import Expression, Scalar, Symbol
from symml.language.operators import add, name_of, scalar, show_shape
from symml.language.operators import substitute as substitute_expression
from symml.records import Step
from symml.registry import Later

_check = Later("symml.derivation.claims").check
_narrate = Later("symml.derivation.story.steps").narrate
_align = Later("symml.derivation.story.rendering").align
_markdown = Later("symml.derivation.story.rendering").markdown
_html = Later("symml.derivation.story.rendering").html
_plain = Later("symml.derivation.story.rendering").plain
_joint = Later("symml.derivation.joint").joint_function
_find_stationary = Later("symml.derivation.stationary.stationary").find_stationary
_manifold_steps = Later("symml.derivation.manifolds").steps


class Derivation(Statements):
    """What `symml.derive` returns. Results are computed and checked at first access.

    Attributes
    ----------
    objective : Expression
    wrt : tuple of symbols
    gradient : Expression
        Shape of the variable; a mapping by name for a list of variables; a SymPy Matrix if all entries are numbers.
    hessian : Expression
        Axes of the variable twice; of order 4 it prints its action on a direction.
    jacobian : Expression
        Axes of the objective, then of the variable.
    derivative : Expression
        Of a scalar variable: shape of the objective.
    differential : Expression
    steps : tuple of Step
    convexity, newton_step, gradient_step, conditions
        See `Statements`.
    """

    def __init__(self, objective: Objective, variables: Sequence[Variable], single: bool,
                 layout: str = "unconstrained", polish: bool = True) -> None:  # fmt: skip
        if layout not in ("unconstrained", "symmetric"):
            raise NotSupportedError(f"layout {layout!r} is not known; choose 'unconstrained' or 'symmetric'")
        self.source = objective
        self.objective = objective.expression
        self.wrt = tuple(variables)
        self.single = single
        self.layout = layout
        self._polish = polish
        self._checked: dict[Any, Checked] = {}
        self._plain: dict[Any, Expression] = {}
        if layout == "symmetric" and not any(self._folds(v) for v in variables):
            raise ShapeError(_no_symmetric(variables))

    def __repr__(self) -> str:
        names = ", ".join(str(v) for v in self.wrt)
        return f"derivation of {self.objective} with respect to {names}"

    def __getstate__(self) -> dict[str, Any]:
        kept = ("source", "objective", "wrt", "single", "layout", "_polish", "_checked", "_plain")
        return {k: self.__dict__[k] for k in kept}

    def _folds(self, v: Variable) -> bool:
        """Whether the derivative by v is along its free entries, on and above the diagonal."""
        facts = v.facts if isinstance(v, Symbol) else frozenset()
        return self.layout == "symmetric" and "symmetric" in facts and "diagonal" not in facts

    # -- the index form ---------------------------------------------------------------------------------------
    @cached_property
    def _free(self) -> Expression:
        """The objective with variables untied from facts about their entries."""
        return untied(self.objective, self.wrt)

    @cached_property
    def _node(self) -> Node:
        return lower(self._free)

    def _leaf(self, v: Variable) -> Any:
        return leaf_of(untied_symbol(v))

    def _derivative_node(self, *variables: Variable) -> Node:
        """Derivative by the variables in order, in the index form, with declared facts put back."""
        node = self._node
        for v in variables:
            node = differentiate(node, self._leaf(v))
        return self._tied(node)

    def _tied(self, node: Node) -> Node:
        swap = {self._leaf(v): leaf_of(v) for v in self.wrt if untied_symbol(v) is not v}
        return substitute(node, swap) if swap else node

    @cached_property
    def _taken(self) -> list[str]:
        return sorted({*self.source.symbols, *(s.name for s, _ in self.source.definitions)})

    @cached_property
    def _given(self) -> list[tuple[Symbol, Expression]]:
        """Names of the objective's program, with their values in raised form."""
        return [(s, present(lower(v), self._taken)) for s, v in self.source.definitions]

    def _result(self, what: str, *variables: Variable) -> Expression:
        key = (what, *variables)
        if key not in self._checked:
            self._checked[key] = self._compute(what, variables)
        return self._checked[key].expression

    def _compute(self, what: str, variables: tuple[Variable, ...]) -> Checked:
        if isinstance(self.objective, Scalar):
            shown: Expression = scalar(tidy(differentiated(self.objective.value, *variables)))
            function = self.objective if len(variables) == 1 else self._result("gradient", variables[0])
            return self._confirmed(function, shown, variables[-1], what)
        node = self._derivative_node(*variables)
        last = variables[-1]
        if any(self._folds(v) for v in variables):
            if what != "gradient":
                raise NotSupportedError(
                    f"layout='symmetric' gives gradients; the {what} is offered in the default layout"
                )
            node = free_entries(node)
        label = "H" if what == "hessian" else "J"
        shown = show(node, self._taken, last, label, self._polish, self._given)
        function = self.objective if len(variables) == 1 else self._plain_gradient(variables[0])
        return self._confirmed(function, shown, last, what)

    def _confirmed(self, function: Expression, shown: Expression, variable: Variable, what: str) -> Checked:
        report = derivative_check(function, shown, variable, self.source.symbols, what, self._folds(variable))
        confirm(report, shown)
        remember(shown, self.source.symbols.values())
        return Checked(shown, report)

    def _plain_gradient(self, v: Variable) -> Expression:
        """The gradient in plain raised form, with no declared relation between the entries of v used."""
        found = self._plain.get(v)
        if found is None:
            found = show(differentiate(self._node, self._leaf(v)), self._taken, v, "J", False)
            found = substitute_expression(found, {untied_symbol(v): v}) if isinstance(v, Symbol) else found
            self._plain[v] = found
        return found

    # -- results ----------------------------------------------------------------------------------------------
    def _scalar_objective(self, what: str) -> None:
        if self.objective.shape != ():
            raise ShapeError(
                f"the objective {name_of(self.objective)} is not a scalar, so it has no {what}. "
                "Use .jacobian, or take sum() or sumsq() first."
            )

    def _all_scalars(self, results: Iterable[Expression]) -> bool:
        """Whether results of several scalars are SymPy's, so that they fit into one of its matrices."""
        return not any(isinstance(v, Symbol) for v in self.wrt) and all(isinstance(e, Scalar) for e in results)

    @property
    def gradient(self) -> Any:
        """The gradient, of the shape of the variable."""
        self._scalar_objective("gradient")
        if self.single:
            return self._result("gradient", self.wrt[0])
        found = {v.name: self._result("gradient", v) for v in self.wrt}
        if self._all_scalars(found.values()):
            return sympy_matrix([[e] for e in found.values()])
        return ByName(found)

    @property
    def hessian(self) -> Any:
        """The Hessian: the variable's axes twice."""
        self._scalar_objective("Hessian")
        if self.single:
            return self._result("hessian", self.wrt[0], self.wrt[0])
        if not any(isinstance(v, Symbol) for v in self.wrt):
            rows = [[self._result("hessian", a, b) for b in self.wrt] for a in self.wrt]
            if self._all_scalars(e for row in rows for e in row):
                return sympy_matrix(rows)
        pairs = {(a.name, b.name): (a, b) for a in self.wrt for b in self.wrt}
        return LazyPairs(pairs, lambda a, b: self._result("hessian", a, b))

    @property
    def jacobian(self) -> Any:
        """The Jacobian: axes of the objective, then axes of the variable."""
        if self.single:
            return self._result("jacobian", self.wrt[0])
        return ByName({v.name: self._result("jacobian", v) for v in self.wrt})

    @property
    def derivative(self) -> Any:
        """The derivative by a scalar variable, of the shape of the objective."""
        vectors = [v for v in self.wrt if isinstance(v, Symbol)]
        if vectors:
            raise ShapeError(
                f"{vectors[0]} ({show_shape(vectors[0].shape)}) is not a scalar: use .gradient or .jacobian"
            )
        if self.single:
            return self._result("derivative", self.wrt[0])
        return ByName({v.name: self._result("derivative", v) for v in self.wrt})

    @property
    def differential(self) -> Any:
        """The differential; its direction is `symml.differential_of` the variable."""
        terms = []
        for v in self.wrt:
            direction = direction_of(v, frozenset())
            if self.objective.shape != ():
                raise ShapeError(
                    f"the objective {name_of(self.objective)} is not a scalar: its differential is .jacobian"
                )
            gradient = self._result("gradient", v)
            terms.append(inner(gradient, direction))
        return add(*terms)

    # -- evidence ---------------------------------------------------------------------------------------------
    def check(self, claim: Any = None, order: int = 1, seed: int = 0, method: str = "differences",
              points: int = 3) -> CheckReport:  # fmt: skip
        """Check the result, or somebody's claim of it, against the objective.

        Parameters
        ----------
        claim : expression, text, or mapping of these by variable name
            What is to be checked; the derived result by default.
        order : {1, 2}
            1 the gradient or Jacobian, 2 the Hessian.
        seed : int
            Of the random points.
        method : {"differences", "sympy"}
            Finite differences at random points, or SymPy entry by entry at small explicit sizes, exactly.
        """
        report: CheckReport = _check(self, claim, order, seed, method, points)
        return report

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The derivation line by line, each with its rule, in words and LaTeX, and its verdict."""
        return tuple(_narrate(self))

    def steps_of(self, what: str) -> tuple[Step, ...]:
        """Return the steps of the "gradient" (the same as `steps`), the "hessian" or, say, the "gradient on sphere"."""
        if what.startswith("gradient on "):
            return tuple(_manifold_steps(self, what.removeprefix("gradient on ")))
        if what not in ("gradient", "jacobian", "hessian"):
            raise NotSupportedError(f"steps of {what!r} are not told; choose gradient, jacobian or hessian")
        return self.steps if what != "hessian" else tuple(_narrate(self, what))

    def latex(self, steps: str = "full", of: str = "gradient") -> str:
        r"""Return an ``align*`` environment with every step of the "gradient" or the "hessian"."""
        return str(_align(self, steps, of))

    def _repr_latex_(self) -> str:
        return self.latex()

    def to_markdown(self, steps: str = "full") -> str:
        """Return the derivation as Markdown with displayed LaTeX."""
        return str(_markdown(self, steps))

    def to_html(self) -> str:
        """Return the derivation as an HTML fragment."""
        return str(_html(self))

    def to_dict(self) -> dict[str, Any]:
        """Return objective, result and steps as plain data."""
        return dict(_plain(self))

    # -- what follows -----------------------------------------------------------------------------------------
    def lambdify(self, *outputs: str) -> Any:
        """Return one joint NumPy function of "value", "gradient", "hessian", ...; a tuple in that order."""
        return _joint(self, outputs or ("gradient",))

    def fit(self, mapping: Mapping[Any, Any] | None = None, /, *, start: Any = None, covariance: str | None = None,
            **values: Any) -> Any:  # fmt: skip
        """Fit the variables to data: the minimum of the objective.

        Parameters
        ----------
        mapping, **values : array_like
            Data by name, or a data frame whose columns are names. Vectors may be 1-D or of shape (n, 1).
        start : mapping or array, optional
            First guess; by default zeros, ones where a parameter is positive, the identity where it is definite.
        covariance : {None, "loglike", "least-squares"}
            The assumption under which standard errors are wanted: the objective is the negative log-likelihood of the
            whole sample, or a sum of squares with independent errors of one variance.

        Returns
        -------
        FitResult
            `params` by name, `value`, `gradient_norm`, `method`, `summary()`; with `covariance` also `bse`,
            `cov_params()`, `conf_int()`, `pvalues`.

        Raises
        ------
        DataError
            If data do not fit the declarations or each other, values are missing, columns are dependent, classes are
            separated, or Newton's method does not converge; the message says which column, row or step.
        DomainError
            If a value is outside its declared range, or the objective is not defined at the start.

        Examples
        --------
        >>> import symml as sml
        >>> d = sml.derive("||X w - y||^2", wrt="w", where="X: n x d, y: n, w: d")
        >>> r = d.fit(X=[[1, 0], [1, 1], [1, 2]], y=[1, 3, 5])
        >>> r.params["w"], r.method
        (array([1., 2.]), 'least squares by pivoted QR')
        >>> d.fit(X=[[1, 0], [1, 0], [1, 0]], y=[1, 3, 5])
        Traceback (most recent call last):
            ...
        symml.errors.DataError: X has rank 1 of 2: column 2 is zero in every row. Drop it or add a ridge term.
        """
        return hooks.call("fit", self, mapping, values, start, covariance)

    def minimize(self, mapping: Mapping[Any, Any] | None = None, /, *, start: Any = None, method: str = "gd",
                 rate: float | None = None, steps: int | None = None, batch: int | None = None, seed: int = 0,
                 **values: Any) -> Any:  # fmt: skip
        """Minimise the objective by a plain method and keep the whole path.

        Parameters
        ----------
        mapping, **values : array_like
            Data by name.
        start : mapping or array, optional
            First guess, as for `fit`.
        method : {"gd", "sgd", "momentum", "newton", "lbfgs"}
            Gradient descent, the same on random batches of rows, with momentum, damped Newton, SciPy's L-BFGS.
        rate : float, optional
            Step size; by default 1 over the largest eigenvalue of the Hessian at the start, and on an objective with
            kinks one that falls with the square root of the steps.
        steps : int, optional
            Number of steps; 100 by default, fewer if a method converges.
        batch : int, optional
            Rows in a batch of ``sgd``; 32 by default.
        seed : int
            Of the batches.

        Returns
        -------
        Trace
            `params` and `values`, `gradient_norms` of every step, `warnings`, `plot()`.
        """
        return hooks.call("minimize", self, mapping, values, start, method, rate, steps, batch, seed)

    def plot(self, kind: str | None = None, ax: Any = None, seed: int = 0) -> Any:
        """Draw the error of central differences against the gradient over step sizes (the V) and return the Axes."""
        return hooks.call("plot_derivation", self, kind, ax, seed)

    def stationary(self, subject_to: Any = None) -> Any:
        """Return the stationary points: the equation, its solution, its kind and the conditions.

        Raises
        ------
        NoClosedFormError
            If the equation has no closed form; names the equation that is left.
        """
        return _find_stationary(self, subject_to)


def _no_symmetric(variables: Sequence[Variable]) -> str:
    diagonal = next((v for v in variables if isinstance(v, Symbol) and "diagonal" in v.facts), None)
    if diagonal is not None:
        return f"{diagonal} is diagonal: for the derivative by its free entries write diag(d), with a vector d"
    names, are = ", ".join(str(v) for v in variables), "is" if len(variables) == 1 else "are"
    return f"layout='symmetric' needs a symmetric variable; {names} {are} not declared symmetric"
