"""The structure of a Hessian, read off the index graph before it is multiplied out: diagonal, blocks, products.

One row a structure, the most telling first. A claim is compared with the Hessian at random points before it is made.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from symml.calculus.nodes import Node
from symml.checking.derivatives import DRAWS
from symml.checking.sampling import draw
from symml.codegen.evaluate import bind, prepare
from symml.codegen.interpreter import size_of
from symml.derivation.curvature.structures.claims import Claim, Kind
from symml.derivation.curvature.structures.terms import spread, terms_of
from symml.derivation.mappings import ByName
from symml.derivation.results import directional
from symml.errors import MissingRuleError, NotSupportedError, ShapeError
from symml.forms.cost import cost
from symml.forms.lowering import leaf_of
from symml.forms.polishing.naming import name_for
from symml.forms.textbook import present
from symml.language.contexts import remember
from symml.language.expressions import Call, Expression, Eye, Ones, Scalar, Symbol, Transpose, Where, make, postorder
from symml.language.names import canonical
from symml.language.operators import show_shape, symbol
from symml.language.tables import symbol_table
from symml.language.where import expand_names
from symml.records import Verdict, verdict
from symml.registry import discover

if TYPE_CHECKING:
    from symml.derivation.derivation import Derivation

POINTS = 2
SHORT = 24  # tokens of a part that is written out
_LETTERS = {
    "c": ("c", "b"),
    "s": ("s", "q", "h"),
    "D": ("t", "q"),
    "S": ("S", "B"),
    "t": ("t", "rho"),
    "L": ("Z", "B"),
    "V": ("Z", "B"),
    "w": ("Q", "D"),
    "d": ("D", "Q"),
}
TOLERANCE = 1e-8
Array = Any


@dataclass(frozen=True)
class HessianStructure:
    """What `Derivation.hessian_structure` returns.

    Attributes
    ----------
    kind : str
        "diagonal", "diagonal plus rank one", "product through the data: Xᵀ diag(s) X", "Kronecker: I ⊗ 2 Xᵀ X",
        "block diagonal: n blocks k×k", ..., "dense". vec stacks columns.
    statement : str
        The Hessian in terms of the factors, and the factors.
    factors : mapping
        Expressions by the names the statement uses.
    verdict : Verdict
        Of the comparison with the Hessian at random points.
    """

    kind: str
    statement: str
    factors: Mapping[str, Expression]
    verdict: Verdict
    shape: tuple[Any, ...]
    _latex: str = field(repr=False)
    _parts: Mapping[str, Expression] = field(repr=False)
    _symbols: Mapping[str, Any] = field(repr=False)
    _act: Callable[[Mapping[str, Array], Array], Array] = field(repr=False)

    @property
    def factor_parts(self) -> Mapping[str, Expression]:
        """The factors by their roles: left and right of a Kronecker product, S or t of a diagonal, ..."""
        return dict(self._parts)

    @property
    def turned(self) -> bool:
        """Whether a factor acts on the transpose of the direction."""
        return self.statement.startswith("with ")

    def __str__(self) -> str:
        return f"{self.kind}\n{self.statement}" if self.statement else self.kind

    def __repr__(self) -> str:
        return str(self)

    def latex(self) -> str:
        """Return the Hessian in terms of its factors as LaTeX without delimiters."""
        return self._latex

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self._latex}$"

    def apply(self, direction: Any, mapping: Mapping[Any, Any] | None = None, /, **values: Any) -> Array:
        """Return the Hessian times a direction of the variable, by the factors, without forming the Hessian."""
        step = np.asarray(direction, float)
        if step.ndim != len(self.shape):
            raise ShapeError(f"the direction has shape {step.shape}; the variable is {show_shape(self.shape)}")
        return np.asarray(self._act(self._values(mapping, values), step), float)

    def dense(self, mapping: Mapping[Any, Any] | None = None, /, **values: Any) -> Array:
        """Return the whole Hessian, axes of the variable twice, put together from the factors."""
        found = self._values(mapping, values)
        given = {canonical(str(k)): v for k, v in {**(dict(mapping) if mapping else {}), **values}.items()}
        _, sizes = bind({name: s for name, s in self._symbols.items() if name in given}, given)
        return _columns(lambda step: self._act(found, step), [size_of(d)(sizes) for d in self.shape])

    def _values(self, mapping: Mapping[Any, Any] | None, values: Mapping[str, Any]) -> dict[str, Array]:
        given = {**(dict(mapping) if mapping else {}), **values}
        return {role: part.evaluate(given) for role, part in self._parts.items()}

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return {
            "kind": self.kind,
            "statement": self.statement,
            "factors": {k: str(v) for k, v in self.factors.items()},
            "verdict": str(self.verdict),
        }

    def to_html(self) -> str:
        """Return a fragment of HTML."""
        return f'<span class="symml">{self.kind}: \\({self._latex}\\)</span>'


def find_structure(derivation: Derivation) -> Any:
    """Return the structure of the Hessian; of the diagonal blocks, by name, for several variables."""
    derivation._scalar_objective("Hessian")
    if derivation.single:
        return _of(derivation, derivation.wrt[0])
    return ByName({v.name: _of(derivation, v) for v in derivation.wrt})


def factor_parts(derivation: Derivation) -> tuple[HessianStructure, dict[str, Expression]] | None:
    """Return the structure of the Hessian of one variable and its factors without names; None where it has no rule."""
    try:
        found: HessianStructure = derivation.hessian_structure
    except (MissingRuleError, NotSupportedError):
        return None
    return found, {role: expand_names(part) for role, part in found.factor_parts.items()}


def _of(derivation: Derivation, variable: Any) -> HessianStructure:
    if not isinstance(variable, Symbol):
        raise ShapeError(f"{variable} is a scalar: its second derivative has no structure; see .hessian")
    key = ("hessian structure", variable)
    found: dict[Any, HessianStructure] = derivation.__dict__.setdefault("_structures", {})
    if key not in found:
        hessian = derivation._result("hessian", variable, variable)
        node = derivation._derivative_node(variable, variable)
        found[key] = _first(derivation, variable, hessian, node)
    return found[key]


def _first(derivation: Derivation, variable: Symbol, hessian: Expression, node: Node) -> HessianStructure:
    terms = terms_of(node)
    opened = spread(terms)
    forms = [terms, opened] if opened != terms else [terms]
    leaf = leaf_of(variable)
    for row in sorted(discover("symml.derivation.curvature.structures", Kind), key=lambda k: k.rank):
        if row.order != len(variable.shape):
            continue
        for form in forms:
            claim = row.detect(form, leaf)
            if claim is None:
                continue
            parts = {role: _expression(derivation, part) for role, part in claim.parts.items()}
            checked = verify(hessian, variable, parts, claim.act, derivation.source.symbols)
            if checked.ok:
                return _told(derivation, variable, claim, parts, checked)
    whole = verdict("proved", certificate="nothing is claimed")
    return HessianStructure(
        "dense",
        f"H = {hessian}" if len(variable.shape) == 1 else str(hessian),
        ByName({"H": hessian}),
        whole,
        variable.shape,
        hessian.latex(),
        {"H": hessian},
        derivation.source.symbols,
        _dense_act,
    )


def _dense_act(values: Mapping[str, Array], step: Array) -> Array:
    return np.tensordot(values["H"], step, axes=step.ndim)


def _expression(derivation: Derivation, part: Node) -> Expression:
    return remember(
        present(part, derivation._taken, derivation._polish, derivation._given), derivation.source.symbols.values()
    )


def _told(
    derivation: Derivation, variable: Symbol, claim: Claim, parts: Mapping[str, Expression], checked: Verdict
) -> HessianStructure:
    taken = {*derivation._taken, *(s.name for s in postorder(*parts.values()) if isinstance(s, Symbol))}
    named: dict[Expression, Expression] = {}
    shown: dict[str, Expression] = {}
    for role, part in parts.items():
        if isinstance(part, (Symbol, Scalar, Eye, Ones)) or (role in claim.inline and _is_short(role, part)):
            shown[role] = part
            continue
        if part not in named:
            body = part.args[0] if isinstance(part, Where) else part
            name = _name(role, body, taken)
            taken.add(name.name)
            named[part] = name
        shown[role] = named[part]
    formula = claim.formula(shown)
    where = make(Where, (formula, *named), (tuple(named.values()),), formula.shape) if named else formula
    factors = {name.name: part for part, name in named.items() if isinstance(name, Symbol)}
    plain: dict[str, Expression] = {}
    for role, part in parts.items():
        if part is shown[role] and not isinstance(part, Scalar):
            side = role.startswith(("left", "right"))
            plain[part.name if isinstance(part, Symbol) and not side else role] = part
    factors = {**plain, **factors}
    title = claim.title.replace("{formula}", str(formula))
    return HessianStructure(
        title,
        claim.lead + str(where),
        ByName(factors),
        checked,
        variable.shape,
        claim.lead_latex + where.latex(),
        parts,
        derivation.source.symbols,
        claim.act,
    )


def _is_short(role: str, part: Expression) -> bool:
    """Whether a part is written out: the transpose of a symbol, or a short side of a Kronecker product."""
    if role in _LETTERS:
        return isinstance(part, Transpose) and isinstance(part.args[0], Symbol)
    return not isinstance(part, Where) and cost(part) <= SHORT


def _name(role: str, part: Expression, taken: Collection[str]) -> Symbol:
    """A name by what the part is, if it is a function, else by its role."""
    letters = next((k for k in _LETTERS.get(role, ()) if k not in taken), None)
    if letters is None or isinstance(part, Call):
        return name_for(part, taken)
    return symbol(letters, part.shape, ["symmetric"] if role == "S" and len(part.shape) == 2 else [])


# -- the check ----------------------------------------------------------------------------------------------------
def verify(
    hessian: Expression,
    variable: Symbol,
    parts: Mapping[str, Expression],
    act: Any,
    symbols: Mapping[str, Any],
    seed: int = 0,
) -> Verdict:
    """Return whether the factors act as the Hessian does on every direction, at random points."""
    table = dict(symbol_table(hessian))
    for part in parts.values():
        table.update(symbol_table(part))
    own = {name: s for name, s in table.items() if name != f"d{variable.name}"} | {variable.name: variable}
    own = {name: symbols.get(name, s) for name, s in own.items()}
    whole = directional(hessian, variable)
    values_of = {role: prepare(part) for role, part in parts.items()}
    rng = np.random.default_rng(seed)
    worst, done = 0.0, 0
    for _ in range(DRAWS):
        values, sizes = draw(own, rng)
        shape = np.shape(values[variable.name])
        try:
            with np.errstate(all="ignore"):
                known = {role: value(values, sizes) for role, value in values_of.items()}
                want = _columns(lambda step: whole(values, sizes, step), shape, "symmetric" in variable.facts)  # noqa: B023
                got = _columns(lambda step: act(known, step), shape, "symmetric" in variable.facts)  # noqa: B023
        except (np.linalg.LinAlgError, FloatingPointError, ZeroDivisionError, OverflowError):
            continue
        if not (np.all(np.isfinite(want)) and np.all(np.isfinite(got))):
            continue
        size = max(float(np.max(np.abs(want), initial=0.0)), 1e-12)
        worst = max(worst, float(np.max(np.abs(got - want), initial=0.0)) / size)
        done += 1
        if worst > TOLERANCE:
            return verdict("wrong", reason=f"relative error {worst:.1e}")
        if done == POINTS:
            return verdict("holds", certificate=f"equal to the Hessian to {worst:.1e} at {done} random points")
    return verdict("unchecked", reason="no point was found at which the Hessian is finite")


def _columns(act: Callable[[Array], Array], shape: Sequence[int], symmetric: bool = False) -> Array:
    """The action on every unit direction, stacked along the last axes; symmetric directions where these are meant."""
    found = np.zeros((*shape, *shape))
    for place in np.ndindex(*shape):
        step = np.zeros(tuple(shape))
        step[place] = 1.0
        step = (step + step.T) / 2 if symmetric else step
        found[(..., *place)] = np.reshape(act(step), tuple(shape))
    return found
