"""The choice among forms: a node is raised as it is, with sums pushed in and expanded; the shortest print wins."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from symml.calculus.expand import expand
from symml.calculus.nodes import Node, walk
from symml.errors import NotSupportedError
from symml.forms.cost import cost
from symml.forms.polishing.aligning import align_sigmoids, write_variances
from symml.forms.polishing.broadcasts import drop_zero_sums, push_sums
from symml.forms.polishing.comparisons import compare
from symml.forms.polishing.diagonals import read_diagonals
from symml.forms.polishing.naming import name_repeats
from symml.forms.polishing.powers import gather_powers
from symml.forms.polishing.quotients import join_quotients
from symml.forms.polishing.sandwiches import open_sandwiches
from symml.forms.polishing.signs import pull_signs, turn_difference
from symml.forms.raising import Raising
from symml.language.expressions import Add, Call, Expression, Eye, Mul, Symbol, Where, postorder
from symml.language.operators import rebuild

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
    best: Expression | None = None
    for candidate, limit in _forms(node):
        raising = Raising()
        try:
            plain = _rearranged(raising.run(candidate))
        except NotSupportedError:
            if candidate is node:
                raise
            continue
        shown = _finished(name_repeats(plain, taken, raising.symmetric, given))
        if best is None or cost(shown) < limit(best):
            best = shown
    assert best is not None
    return best


def _forms(node: Node) -> Iterator[tuple[Node, Callable[[Expression], float]]]:
    """Forms of a node, and how short each must be beside the shortest before it."""
    yield node, cost
    joined = join_quotients(node)
    if joined is not node:
        yield joined, cost
    centred = drop_zero_sums(node)
    if centred is not node:
        yield centred, cost
    pushed = push_sums(node)
    if pushed is not node:
        yield pushed, lambda best: cost(best) + PUSHED_EXTRA
    size = sum(1 for _ in walk(node))
    if size <= EXPAND_LIMIT:
        spread = expand(align_sigmoids(node))
        if spread.digest != node.digest and sum(1 for _ in walk(spread)) <= EXPANDED_GROWTH * size:
            yield spread, lambda best: cost(best) * (1 if _factors_an_identity(best) else EXPANDED_MARGIN)


def _factors_an_identity(e: Expression) -> bool:
    """Whether a trace holds I − A as a factor: two traces read better than tr((I − A) B)."""
    factors = [
        f
        for node in postorder(e)
        if isinstance(node, Call) and node.function == "trace" and isinstance(node.args[0], Mul)
        for f in node.args[0].args
    ]
    return any(isinstance(f, Add) and any(isinstance(t, Eye) for t in f.args) for f in factors)


def _rearranged(e: Expression) -> Expression:
    """The expression before its parts have names."""
    for rule in (gather_powers, open_sandwiches, read_diagonals, write_variances, pull_signs):
        e = rule(e)
    return e


def _finished(e: Expression) -> Expression:
    """The expression after its parts have names: a difference turned, comparisons, 𝟏 𝟏ᵀ."""
    if isinstance(e, Where):
        return rebuild(e, [_finished(e.args[0]), *map(compare, e.args[1:])])
    return compare(turn_difference(e))
