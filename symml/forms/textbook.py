"""The choice among forms: a node is raised as it is, with sums pushed in and expanded; the shortest print wins."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from symml.calculus.expand import expand
from symml.calculus.nodes import Node, walk
from symml.errors import NotSupportedError
from symml.forms.cost import cost
from symml.forms.polishing.aligning import align_sigmoids
from symml.forms.polishing.broadcasts import push_sums
from symml.forms.polishing.naming import name_repeats
from symml.forms.polishing.powers import gather_powers
from symml.forms.raising import Raising
from symml.language.expressions import Expression, Symbol

EXPANDED_GROWTH = 2
EXPANDED_MARGIN = 0.75
PUSHED_EXTRA = 2  # Xᵀ 1 − n μ is what people write, even where it is a token longer
EXPAND_LIMIT = 60  # nodes; larger results are not tried in expanded form


def present(
    node: Node, taken: Collection[str] = (), polish: bool = True, given: Sequence[tuple[Symbol, Expression]] = ()
) -> Expression:
    """Return the textbook form of a node of order at most 2.

    Parameters
    ----------
    node : Node
        What is to be shown.
    taken : collection of str
        Names that must not be given to sub-expressions.
    given : sequence of (Symbol, Expression)
        Names the user gave; they are used where their values occur.
    polish : bool
        False gives the plain raised form, of the same value.
    """
    if not polish:
        return Raising(False).run(node)
    candidates: list[Node] = [node]
    spread: Node | None = None
    pushed = push_sums(node)
    if pushed is not node:
        candidates.append(pushed)
    size = sum(1 for _ in walk(node))
    if size <= EXPAND_LIMIT:
        spread = expand(align_sigmoids(node))
        if spread.digest != node.digest and sum(1 for _ in walk(spread)) <= EXPANDED_GROWTH * size:
            candidates.append(spread)
    best: Expression | None = None
    for candidate in candidates:
        raising = Raising()
        try:
            shown = name_repeats(gather_powers(raising.run(candidate)), taken, raising.symmetric, given)
        except NotSupportedError:
            if candidate is node:
                raise
            continue
        # factored forms read better: an expanded one must be clearly shorter
        limit = EXPANDED_MARGIN * cost(best) if candidate is spread and best is not None else 0
        limit = cost(best) + PUSHED_EXTRA if candidate is pushed and best is not None else limit
        if best is None or cost(shown) < limit:
            best = shown
    assert best is not None
    return best
