"""What a story of a derivation reads off: derivatives with their labels, their notes and the names in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from symml.calculus.nodes import Leaf, Node
from symml.derivation.results import direction_of, free_entries, show
from symml.derivation.story.notes import structure_note
from symml.forms.lowering import leaf_of, lower
from symml.language.expressions import Action, Expression, Symbol, Where
from symml.language.names import latex_name, unicode_name
from symml.language.operators import substitute, symbol
from symml.records import Step

if TYPE_CHECKING:
    from symml.derivation.derivation import Derivation


@dataclass(frozen=True)
class Wanted:
    """A derivative that is read off: its variable, what reverse mode gives, how it is shown and called."""

    variable: Any
    x: Leaf
    truth: Node
    final: Expression
    label: tuple[str, str]
    note: str = ""
    last: Callable[[Iterable[str]], Step] | None = None  # what follows, given the names of the story

    @property
    def dx(self) -> Symbol:
        """The direction of the variable."""
        return direction_of(self.variable, frozenset())


@dataclass(frozen=True)
class Target:
    """What is narrated: a node, the derivatives wanted of it, and the names that are taken."""

    root: Node
    wanted: tuple[Wanted, ...]
    taken: tuple[str, ...]
    tie: Any
    name: str = "f"
    checked: bool = True  # False for a story that is only compared with another one
    given: Mapping[Node, str] = field(default_factory=dict)  # names in the results, by their values


def wanted_first(derivation: Derivation, v: Any) -> Wanted:
    """Return the first derivative by a variable, with what is said when it is read off."""
    scalar_valued = derivation.objective.shape == ()
    label = ("J", "J") if not scalar_valued else ("∇f", r"\nabla f") if getattr(v, "shape", ()) else ("f′", "f'")
    if not derivation.single:
        label = (f"∂f/∂{unicode_name(v.name)}", rf"\frac{{\partial f}}{{\partial {latex_name(v.name)}}}")
    what = "gradient" if scalar_valued else "jacobian"
    truth = derivation._derivative_node(v)
    if scalar_valued and derivation._folds(v):
        final = show(truth, derivation._taken, v, "J", derivation._polish, derivation._given)
        folded = partial(_folded, derivation, v, truth, final, label)
        return Wanted(v, derivation._leaf(v), truth, final, ("G", "G"), structure_note(v), folded)
    return Wanted(v, derivation._leaf(v), truth, derivation._result(what, v), label, structure_note(v))


def _folded(derivation: Derivation, v: Any, truth: Node, entries: Expression, label: tuple[str, str],
            names: Iterable[str]) -> Step:  # fmt: skip
    """The derivative along the free entries, in the names so far: an entry off the diagonal stands at two places."""
    derivation._result("gradient", v)
    sure = derivation._checked["gradient", v].report.verdict
    known = zip(entries.names, entries.args[1:], strict=True) if isinstance(entries, Where) else ()
    given = [*derivation._given, *known]
    found = show(free_entries(truth), [*derivation._taken, *names], v, "J", derivation._polish, given)
    words = f"along the free entries of {v}: s_ij = s_ji counts twice off the diagonal, G + Gᵀ − G ⊙ I"
    return Step("free entries", words, None, found, f"{label[0]} = {found}", rf"{label[1]} &= {found.latex()}", sure)


def given_names(target: Target) -> dict[Node, str]:
    """Return the names in the results, by their values: the story gives them to nothing else."""
    found: dict[Node, str] = {}
    for final in (w.final for w in target.wanted):
        body = final.args[1] if isinstance(final, Action) else final
        if isinstance(body, Where):
            known: dict[Any, Expression] = dict(zip(body.names, body.args[1:], strict=True))
            found |= {lower(_opened(value, known)): name.name for name, value in known.items()}
    names = list(found.values())
    clear = {value: name for value, name in found.items() if names.count(name) == 1}
    return clear | {leaf_of(symbol(name, ())): name for name in names if names.count(name) > 1}


def _opened(value: Expression, known: dict[Any, Expression]) -> Expression:
    """A value without the other names in it."""
    for _ in known:
        value = substitute(value, known)
    return value
