"""Where a story gives names: the sums, function arguments and function values that a lecturer would name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from symml.calculus.construct import ein, total
from symml.calculus.nodes import Apply, Const, Ein, Leaf, Node, Sum, walk
from symml.calculus.reverse import derivative

RECURRING = ("exp", "sigmoid", "tanh")  # functions whose derivative is written with their value
TWICE = ("sigmoid", "tanh")


def distributed(root: Node) -> Node:
    """Return a number with its factors multiplied into the sums that only it scales: a (u + v) is a u + a v."""
    return _spread(root, _scaled_sum) if root.shape == () else root


def opened(df: Node, directions: Collection[Leaf]) -> Node:
    """Return the differential of a number with the sums of changes multiplied out: each term has one direction."""
    moving = frozenset(directions)

    def place(node: Node) -> int | None:
        factors = node.factors if isinstance(node, Ein) else ()
        return next((k for k, (f, _) in enumerate(factors) if isinstance(f, Sum) and f.leaves & moving), None)

    return _spread(df, place) if df.shape == () else df


def absorbed(root: Node, name: Leaf, body: Node) -> Node:
    """Return a number with a named product used inside longer ones: yᵀ X w is yᵀ z where z = X w."""
    if root.shape != () or not isinstance(body, Ein):
        return root
    terms = [_absorbed(t, name, body) for t in (root.terms if isinstance(root, Sum) else (root,))]
    return total(terms, ()) if len(terms) > 1 else terms[0]


def _absorbed(term: Node, name: Leaf, body: Ein) -> Node:
    if not isinstance(term, Ein) or len(term.factors) <= len(body.factors):
        return term
    found = _match(term, body)
    if found is None:
        return term
    places, axes = found
    inner = {axes[i] for _, idx in body.factors for i in idx if i not in body.out}
    kept = [factor for k, factor in enumerate(term.factors) if k not in places]
    if inner & {i for _, idx in kept for i in idx} or inner & set(term.out) or any(i not in axes for i in body.out):
        return term
    whole = (*kept, (name, tuple(axes[i] for i in body.out)))
    used = {i for _, idx in whole for i in idx} | set(term.out)
    return ein(term.coefficient / body.coefficient, list(whole), term.out, {i: term.sizes[i] for i in used})


def _match(term: Ein, body: Ein) -> tuple[list[int], dict[int, int]] | None:
    """Places in a product of the factors of another one, and its indices there."""
    waiting: list[tuple[list[int], dict[int, int]]] = [([], {})]
    while waiting:
        places, axes = waiting.pop()
        if len(places) == len(body.factors):
            return places, axes
        factor, idx = body.factors[len(places)]
        for k, (other, jdx) in enumerate(term.factors):
            pairs = dict(axes) | dict(zip(idx, jdx, strict=False))
            fits = (
                other is factor and k not in places and all(axes.get(i, j) == j for i, j in zip(idx, jdx, strict=True))
            )
            if fits and len(set(pairs.values())) == len(pairs):
                waiting.append(([*places, k], pairs))
    return None


def gathered(df: Node, directions: Collection[Leaf]) -> Node:
    """Return the differential of a number with the terms of one direction in one: (p − y)ᵀ dz for pᵀ dz − yᵀ dz."""
    if df.shape != () or not isinstance(df, Sum):
        return df
    terms = list(df.terms)
    for d in directions:
        own = [t for t in terms if d in t.leaves]
        if len(own) > 1:
            axes = tuple(range(len(d.shape)))
            whole = ein(1, [(derivative(total(own, ()), d), axes), (d, axes)], (), dict(enumerate(d.shape)))
            place = terms.index(own[0])
            terms = [whole if k == place else t for k, t in enumerate(terms) if k == place or t not in own]
    return total(terms, ()) if len(terms) > 1 else terms[0]


def _spread(root: Node, place_of: Callable[[Node], int | None]) -> Node:
    terms: list[Node] = []
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Sum):
            waiting.extend(reversed(node.terms))
            continue
        place = place_of(node)
        if place is None:
            terms.append(node)
            continue
        assert isinstance(node, Ein)
        inner, sizes = node.factors[place][0], dict(enumerate(node.sizes))
        assert isinstance(inner, Sum)
        for term in reversed(inner.terms):
            factors = [(term if k == place else f, idx) for k, (f, idx) in enumerate(node.factors)]
            waiting.append(ein(node.coefficient, factors, node.out, sizes))
    return total(terms, root.shape) if len(terms) > 1 else terms[0]


def _scaled_sum(node: Node) -> int | None:
    """The place of a sum of numbers among factors that are constants and symbols."""
    if not isinstance(node, Ein):
        return None
    sums = [k for k, (f, _) in enumerate(node.factors) if isinstance(f, Sum) and f.shape == ()]
    others = [f for k, (f, _) in enumerate(node.factors) if k not in sums]
    return sums[0] if len(sums) == 1 and all(f.shape == () and _is_plain(f) for f in others) else None


def _is_plain(node: Node) -> bool:
    """Whether a node is a symbol, or a power of one."""
    return isinstance(node, Leaf) or (isinstance(node, Apply) and node.op == "pow" and _is_plain(node.children[0]))


def cut_points(root: Node, moving: Collection[Leaf]) -> set[Node]:
    """Return the parts that get a name: what moves and is used by more than a sum."""
    moved = frozenset(moving)
    parents: dict[Node, list[Node]] = {}
    for node in walk(root):
        for child in node.children:
            parents.setdefault(child, []).append(node)
    found = set()
    for node, above in parents.items():
        if node.leaves & moved and not isinstance(node, (Leaf, Const)) and _CHOOSE[type(node)](node, above, moved):
            found.add(unsigned(node))
    return found


def _sum(node: Node, above: Sequence[Node], moving: frozenset[Leaf]) -> bool:
    """A sum that a function takes, or that meets another factor that moves."""
    return any(not isinstance(p, Sum) and not _is_linear_in(p, node, moving) for p in above)


def _product(node: Node, above: Sequence[Node], moving: frozenset[Leaf]) -> bool:
    """The argument of a function, unless it is a symbol times a number."""
    assert isinstance(node, Ein)
    arrays = [f for f, idx in node.factors if idx or node.shape == ()]
    scaled = len(arrays) == 1 and isinstance(arrays[0], Leaf)
    return bool(node.children) and not scaled and any(isinstance(p, Apply) and p.op != "pow" for p in above)


def _function(node: Node, above: Sequence[Node], moving: frozenset[Leaf]) -> bool:
    """A value that recurs in the derivative, or is used by more than one linear term."""
    assert isinstance(node, Apply)
    if node.op not in NAMED or not any(isinstance(p, (Ein, Apply)) for p in above):
        return False
    if node.op != "map":
        return True
    if isinstance(node.children[0], Leaf) and len(above) == 1:
        return False
    linear = all(isinstance(p, Sum) or _is_linear_in(p, node, moving) for p in above)
    return node.param in TWICE or not linear or (len(above) > 1 and node.param in RECURRING)


def _is_linear_in(parent: Node, node: Node, moving: frozenset[Leaf]) -> bool:
    return isinstance(parent, Ein) and all(f is node or not f.leaves & moving for f, _ in parent.factors)


NAMED = ("map", "softmax", "inv", "eigmaxprojector")  # functions whose value recurs in their derivative
_CHOOSE = {Sum: _sum, Ein: _product, Apply: _function}


def unsigned(node: Node) -> Node:
    """Return a product without its sign: −X w is named through X w."""
    if not isinstance(node, Ein) or node.coefficient != -1:
        return node
    return ein(1, list(node.factors), node.out, dict(enumerate(node.sizes)))
