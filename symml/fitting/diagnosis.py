"""Why a fit did not end at a minimum, in words of the model: which column, row, parameter or step, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from symml.codegen.interpreter import prepare
from symml.errors import DataError, DomainError, SymmlError
from symml.fitting.binding import Bound
from symml.fitting.declared import inside
from symml.fitting.linear import dependence
from symml.fitting.newton import Outcome
from symml.fitting.parameters import Parameters
from symml.language.expressions import Call, ElemPow, Expression, Pow, Symbol, postorder
from symml.language.function import function
from symml.language.names import canonical, unicode_name
from symml.language.operators import scalar
from symml.language.properties import Domain
from symml.language.where import expand_names

Matrix = tuple[Symbol, Any, tuple[str, ...]]


@dataclass(frozen=True)
class Case:
    """What a diagnosis may look at."""

    objective: Expression
    parameters: Parameters
    bound: Bound
    table: Mapping[str, Any]
    outcome: Outcome

    @property
    def reached(self) -> str:
        """The last step and its gradient norm, in words."""
        point = self.outcome.point
        return f"step {self.outcome.iterations}, gradient norm {point.norm:.2g}, value {point.value:.6g}"


def failure(case: Case) -> SymmlError:
    """Return the error of an outcome that is not a minimum."""
    return _REASONS[case.outcome.status](case)


# -- where the run ended ------------------------------------------------------------------------------------------
def _start(case: Case) -> SymmlError:
    values = {**case.bound.values, **case.parameters.expand(case.outcome.point.theta)}
    found = domain_error(case.objective, values, case.bound.sizes, "at the start")
    return found or DomainError(
        f"the objective is {case.outcome.point.value:g} at the start {_shown(case)}: it or a derivative is not finite "
        "there. Give another start, or scale the data."
    )


def domain_error(
    objective: Expression, values: Mapping[str, Any], sizes: Mapping[str, int], where: str
) -> DomainError | None:
    """Return the error about the first function whose argument is outside its domain at these values, or None."""
    for argument, domain, name in guarded(objective):
        with np.errstate(all="ignore"):
            found = np.asarray(prepare(argument)(values, sizes), float)
        bad = np.argwhere(~inside(found, domain))
        if len(bad):
            place = tuple(bad[0])
            entry = f" (entry {', '.join(str(k + 1) for k in place)})" if place else ""
            return DomainError(
                f"{name}({argument}) needs {argument} {domain}; {argument} = {found[place]:g}{entry} {where}. "
                "Declare the range of the parameter, or give another start."
            )
    return None


def guarded(objective: Expression) -> Iterator[tuple[Expression, Domain, str]]:
    """Yield arguments that must lie in a range, with the range and the name of the function."""
    for node in postorder(expand_names(objective)):
        if isinstance(node, Call):
            record = function(node.function)
            if record.kind == "elementwise" and str(record.domain) != "in R":
                yield node.args[0], record.domain, record.name
        for value in (f for f in node.fields if isinstance(f, sp.Expr)):
            for part in sorted(value.atoms(sp.log), key=str):
                yield scalar(part.args[0]), Domain(low=0), "log"
        if isinstance(node, (Pow, ElemPow)) and node.exponent.is_integer is False:
            yield node.args[0], Domain(low=0, low_open=False), "power"


def _stuck(case: Case) -> SymmlError:
    return DataError(
        f"no convergence: no step along the Newton direction lowers the objective ({case.reached}). It may have a kink "
        "or a pole there. Give another start, or use d.minimize(...)."
    )


def _steps(case: Case) -> SymmlError:
    return DataError(
        f"no convergence after {case.reached}. Give a start nearer to the solution, or scale the columns of the data."
    )


def _saddle(case: Case) -> SymmlError:
    where = "the start" if case.outcome.iterations == 0 else "the point reached"
    return DataError(
        f"{where} is a saddle point, not a minimum: the gradient vanishes and the objective falls along {_along(case)} "
        f"({case.reached}). Give another start. If the objective is a log-likelihood, put a minus sign in front."
    )


def _flat(case: Case) -> SymmlError:
    message = _rank(case)
    return DataError(
        message or f"the minimum is not unique: the Hessian is singular along {_along(case)}, which the data do not "
        f"determine ({case.reached}). Drop a parameter or add a ridge term."
    )  # fmt: skip


def _unbounded(case: Case) -> SymmlError:
    return DataError(
        f"the objective falls without end along {_along(case)} ({case.reached}): it has no minimum. "
        "If it is a log-likelihood, put a minus sign in front; else add a penalty."
    )


def _boundary(case: Case) -> SymmlError:
    direction = case.outcome.direction
    labels = case.parameters.labels
    which = [f"{labels[k]} = {case.outcome.point.theta[k]:.3g}" for k in np.flatnonzero(direction)[:3]]
    return DataError(
        f"{', '.join(which)} runs to the end of its range, which is excluded ({case.reached}): the objective has no "
        "minimum inside. Check for a perfect fit, or add a prior."
    )


def _infinity(case: Case) -> SymmlError:
    message = _separation(case)
    return DataError(
        message or f"the objective has no finite minimum: it keeps falling along {_along(case)} → ∞ ({case.reached}). "
        "Add a penalty or a prior, or drop what is not determined."
    )  # fmt: skip


_REASONS: dict[str, Callable[[Case], SymmlError]] = {
    "start": _start,
    "stuck": _stuck,
    "steps": _steps,
    "saddle": _saddle,
    "flat": _flat,
    "infinity": _infinity,
    "unbounded": _unbounded,
    "boundary": _boundary,
}


# -- data ---------------------------------------------------------------------------------------------------------
def _matrices(case: Case) -> Iterator[Matrix]:
    """Yield data matrices with their column names; a column vector counts as one column."""
    fitted = {b.name for b in case.parameters.blocks}
    for name, found in case.table.items():
        if not isinstance(found, Symbol) or name in fitted or len(found.shape) > 2:
            continue
        value = np.asarray(case.bound.values[name])
        if value.ndim == 1:
            yield found, value[:, None], (unicode_name(name),)
        else:
            yield found, value, case.bound.columns.get(canonical(str(found.shape[1])), ())


def _rank(case: Case) -> str:
    dims = {d for s in case.parameters.symbols for d in getattr(s, "shape", ())}
    for found, value, labels in _matrices(case):
        if len(found.shape) == 2 and found.shape[1] in dims and found.shape[0] not in dims:
            message = dependence(value, unicode_name(found.name), [f'column "{c}"' for c in labels])
            if message:
                return message
    return ""


def _separation(case: Case) -> str:
    """Return what separates two classes, when the data have a variable with two values; empty if nothing does."""
    matrices = list(_matrices(case))
    for target, upper in _classes(matrices):
        others = [(found, value, labels) for found, value, labels in matrices if found is not target]
        others = [row for row in others if len(row[1]) == len(upper)]
        for found, value, labels in others:
            for column in range(value.shape[1]):
                cut = _cut(value[:, column], upper)
                if cut is not None:
                    return _separated(f"{_column(found, column, value, labels)} at {cut:g}")
        for margins in _margins(case, others):
            if not _cut_at_zero(margins, upper):
                continue
            if np.all(margins != 0):
                return _separated("a combination of the columns, along " + _along(case))
            return (
                f"some observations are perfectly separated along {_along(case)} and the others do not depend on it "
                "(quasi-separation): the estimate is infinite there. Add a penalty or a prior, or drop that column."
            )
    return ""


def _classes(matrices: list[Matrix]) -> Iterator[tuple[Symbol, Any]]:
    """Yield variables with two values, as booleans: vectors, and the columns of one-hot matrices."""
    for found, value, _ in matrices:
        if len(found.shape) == 1 or "mask" in found.facts:
            for column in value.T:
                levels = np.unique(column)
                if len(levels) == 2:
                    yield found, column == levels[1]


def _margins(case: Case, others: list[Matrix]) -> Iterator[Any]:
    """Yield design times direction, with and without a scalar parameter as the intercept; rounding is cut to zero."""
    direction = case.outcome.direction / np.max(np.abs(case.outcome.direction))
    scalars = [float(b.expand(direction)) for b in case.parameters.blocks if b.shape == ()]
    for block in case.parameters.blocks:
        for _, value, _ in others:
            if len(block.shape) == 1 and value.shape[1] == block.shape[0]:
                for shift in (0.0, *scalars):
                    margins = value @ block.expand(direction) + shift
                    yield np.where(np.abs(margins) < 1e-6 * np.max(np.abs(margins)), 0.0, margins)


def _cut_at_zero(margins: Any, upper: Any) -> bool:
    signs = np.where(upper, margins, -margins)
    return bool(np.any(margins != 0) and (np.all(signs >= 0) or np.all(signs <= 0)))


def _separated(by: str) -> str:
    return f"the classes are perfectly separated by {by}: the estimate is infinite. Add a penalty or a prior."


def _cut(values: Any, upper: Any) -> float | None:
    high, low = values[upper], values[~upper]
    if low.max() < high.min():
        return float(low.max() + high.min()) / 2
    return float(high.max() + low.min()) / 2 if high.max() < low.min() else None


def _column(found: Symbol, column: int, value: Any, labels: tuple[str, ...]) -> str:
    if labels:
        return labels[column] if len(found.shape) == 1 else f'column "{labels[column]}" of {unicode_name(found.name)}'
    return f"column {column + 1} of {unicode_name(found.name)}"


# -- words --------------------------------------------------------------------------------------------------------
def _along(case: Case) -> str:
    """Return the direction of the outcome by its main parameters, signs included."""
    direction = case.outcome.direction
    if direction is None or not np.any(direction):
        return "every parameter"
    scaled = direction / np.max(np.abs(direction))
    keep = [k for k in np.argsort(-np.abs(scaled), kind="stable")[:4] if abs(scaled[k]) > 1e-3]
    text = ""
    for k in sorted(keep):
        sign = "-" if scaled[k] < 0 else "+"
        size = "" if abs(abs(scaled[k]) - 1) < 1e-3 else f"{abs(scaled[k]):.3g} "
        text += f" {sign} " if text else "-" if sign == "-" else ""
        text += size + case.parameters.labels[k]
    return text


def _shown(case: Case) -> str:
    pairs = zip(case.parameters.labels, case.outcome.point.theta, strict=True)
    shown = [f"{label} = {value:.4g}" for label, value in pairs]
    return ", ".join(shown[:4]) + (", ..." if len(shown) > 4 else "")
