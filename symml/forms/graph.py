"""Graph reduction of one product: indices are vertices, order-2 factors edges, order-1 factors weights.

Row or column is decided by the graph, never guessed; a graph that does not reduce is given back as None.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from symml.forms.contractions import chain_of, dot, hadamard, total, traces
from symml.forms.cost import cost
from symml.forms.flipping import flip
from symml.forms.fractions import attach
from symml.forms.polishing.powers import gather_powers
from symml.language.expressions import (
    Call,
    Expression,
    Hadamard,
    Mul,
    Ones,
    Symbol,
    Transpose,
    postorder,
)  # fmt: skip
from symml.language.operators import (
    call,
    elementwise_product,
    eye,
    multiply_any,
    ones,
    power,
    scalar,
    transpose,
)  # fmt: skip

DIAGONAL_EXTRA = 4  # diag(A B) is written for a quadratic form; else the row sums of A ⊙ Bᵀ


@dataclass
class Edge:
    """A matrix between two vertices, and where its first factor stood."""

    value: Expression
    tail: int
    head: int
    place: int


@dataclass
class Graph:
    """The state of a reduction."""

    sizes: Sequence[Any]
    out: tuple[int, ...]
    symmetric: set[Expression]
    scalars: list[Expression] = field(default_factory=list)
    weights: dict[int, list[tuple[int, Expression]]] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)

    def add_weight(self, vertex: int, place: int, value: Expression) -> None:
        """Attach a vector to a vertex."""
        self.weights.setdefault(vertex, []).append((place, value))

    def add_edge(self, value: Expression, tail: int, head: int, place: int) -> None:
        """Join two vertices by a matrix."""
        self.edges.append(Edge(value, tail, head, place))

    def weight(self, vertex: int) -> Expression | None:
        """All weights of a vertex as one vector; None when there is none."""
        found = self.weights.get(vertex)
        return hadamard(found) if found else None

    def at(self, vertex: int) -> list[Edge]:
        """Edges that touch a vertex."""
        return [e for e in self.edges if vertex in (e.tail, e.head)]

    def oriented(self, edge: Edge, start: int) -> Expression:
        """The matrix of an edge read from a vertex."""
        return edge.value if edge.tail == start else flip(edge.value, self.symmetric)


def reduce(graph: Graph) -> Expression | None:
    """Reduce until only the out vertices are left; None when a vertex of degree three or more remains."""
    inner = [v for v in range(len(graph.sizes)) if v not in graph.out]
    while inner:
        vertex = _step(graph, inner)
        if vertex is None:
            return None
        inner = [v for v in inner if v != vertex]
    for _ in range(len(graph.edges)):
        if not _merge_parallel(graph, inner):
            break
    return _finish(graph)


def _step(graph: Graph, inner: list[int]) -> int | None:
    """Remove one summed vertex; returns it."""
    for v in inner:  # a vertex on its own: a sum or a dot product
        if not graph.at(v):
            graph.scalars.append(_closed(graph, v))
            return v
    for v in inner:  # a matrix on its own
        found = _lonely(graph, v, inner)
        if found is not None:
            return found
    for v in inner:  # a leaf
        touching = graph.at(v)
        if len(touching) == 1:
            _absorb(graph, v, touching[0])
            return v
    if _merge_parallel(graph, inner):
        return _step(graph, inner)
    _spread_weights(graph, inner)
    chain = [(v, _transposes(graph, v)) for v in inner if _is_link(graph, v)]
    if chain:
        v = min(chain, key=lambda c: c[1])[0]
        _link(graph, v)
        return v
    for v in inner:
        touching = graph.at(v)
        if len(touching) == 2:
            return _close_cycle(graph, v, touching, inner)
    return None


def _spread_weights(graph: Graph, inner: list[int]) -> None:
    """diag(a) M diag(b) between a summed vertex and an out vertex is a bᵀ ⊙ M, where that is shorter."""
    for edge in graph.edges:
        for v, u in ((edge.tail, edge.head), (edge.head, edge.tail)):
            if v not in inner or u not in graph.out or graph.out.count(u) > 1 or not _is_link(graph, v):
                continue
            left, right = graph.weight(v), graph.weight(u)
            if left is None or right is None or left is right:
                continue
            matrix = graph.oriented(edge, v)
            edge.value = elementwise_product(multiply_any(left, flip(right, graph.symmetric)), matrix)
            edge.tail, edge.head = v, u
            graph.weights.pop(v)
            graph.weights.pop(u)
            break


def _closed(graph: Graph, v: int) -> Expression:
    """Σ of the weights of an isolated vertex."""
    parts = sorted(graph.weights.get(v, []), key=lambda p: p[0])
    if not parts:
        return scalar(graph.sizes[v])
    if len(parts) == 1:
        return total(parts[0][1])
    if len(parts) == 2 and parts[0][1] is parts[1][1]:
        return power(call("norm", parts[0][1]), 2)
    options = []
    for k in range(len(parts)):
        one, rest = parts[k][1], hadamard(parts[:k] + parts[k + 1 :])
        pair = [dot(rest, one, graph.symmetric), dot(one, rest, graph.symmetric)]
        if len(parts) > 2 and rest in postorder(one):  # Σ m f(m), m a product: keep m together, it gets a name
            return dot(rest, one, set()) if not isinstance(rest, Hadamard) else multiply_any(transpose(rest), one)
        options += pair
    if len(parts) > 2:
        return min(options[2:] + options[:2], key=cost)
    whole = [] if any(isinstance(p, Symbol) for _, p in parts) else [total(hadamard(parts))]
    return min((options[2], options[0], *whole), key=lambda o: (cost(o), not _begins_with_name(o)))


def _begins_with_name(product: Expression) -> bool:
    """Whether xᵀ v begins with a name: xᵀ σ(x) is written, not σ(x)ᵀ x."""
    first = product.args[0] if isinstance(product, Mul) else product
    return isinstance(first, Transpose) and isinstance(first.args[0], Symbol)


def _lonely(graph: Graph, v: int, inner: list[int]) -> int | None:
    """An edge between two summed vertices that carry nothing else: the sum of the matrix."""
    touching = graph.at(v)
    if len(touching) != 1 or graph.weights.get(v):
        return None
    edge = touching[0]
    u = edge.head if edge.tail == v else edge.tail
    if u not in inner or len(graph.at(u)) != 1 or graph.weights.get(u):
        return None
    graph.edges.remove(edge)
    graph.scalars.append(total(edge.value))
    inner.remove(u)
    return v


def _absorb(graph: Graph, v: int, edge: Edge) -> None:
    u = edge.head if edge.tail == v else edge.tail
    weight = graph.weight(v)
    graph.edges.remove(edge)
    matrix = graph.oriented(edge, u)
    vector = weight if weight is not None else ones(graph.sizes[v])
    graph.add_weight(u, edge.place, multiply_any(matrix, vector))


def _is_link(graph: Graph, v: int) -> bool:
    touching = graph.at(v)
    return len(touching) == 2 and {touching[0].tail, touching[0].head} != {touching[1].tail, touching[1].head}


def _ends(v: int, edge: Edge) -> int:
    return edge.head if edge.tail == v else edge.tail


def _transposes(graph: Graph, v: int) -> int:
    """How many transposes the product through v needs."""
    a, b = graph.at(v)
    one = cost(graph.oriented(a, _ends(v, a))) + cost(graph.oriented(b, v))
    two = cost(graph.oriented(b, _ends(v, b))) + cost(graph.oriented(a, v))
    return min(one, two)


def _link(graph: Graph, v: int) -> None:
    a, b = sorted(graph.at(v), key=lambda e: e.place)
    weight = graph.weight(v)
    middle = [] if weight is None else [call("diag", weight)]
    options = []
    for first, second in ((a, b), (b, a)):
        u, w = _ends(v, first), _ends(v, second)
        value = multiply_any(graph.oriented(first, u), *middle, graph.oriented(second, v))
        options.append(Edge(value, u, w, a.place))
    best = min(options, key=lambda e: (cost(e.value), _backwards(graph, e)))
    if best.value in graph.symmetric or _mirror(a, b, graph):
        graph.symmetric.add(best.value)
    graph.edges = [e for e in graph.edges if e is not a and e is not b] + [best]


def _mirror(a: Edge, b: Edge, graph: Graph) -> bool:
    return a.value is b.value and (a.tail == b.tail or a.head == b.head)


def _backwards(graph: Graph, edge: Edge) -> bool:
    return edge.head in graph.out and (
        edge.tail not in graph.out or graph.out.index(edge.head) < graph.out.index(edge.tail)
    )


def _merge_parallel(graph: Graph, inner: list[int]) -> bool:
    """Merge two edges between one pair of vertices, unless they close a cycle that a trace writes better."""
    for k, a in enumerate(graph.edges):
        for b in graph.edges[k + 1 :]:
            if {a.tail, a.head} != {b.tail, b.head}:
                continue
            if _closes(graph, a, b, inner):
                continue
            options = []
            for start in (a.tail, a.head):
                parts = [(e.place, graph.oriented(e, start)) for e in (a, b)]
                options.append(Edge(hadamard(parts), start, a.head if start == a.tail else a.tail, a.place))
            best = min(options, key=lambda e: (cost(e.value), _backwards(graph, e)))
            graph.edges = [e for e in graph.edges if e is not a and e is not b] + [best]
            return True
    return False


def _closes(graph: Graph, a: Edge, b: Edge, inner: list[int]) -> bool:
    """Whether one end of the pair is summed, unweighted and touched by nothing else."""
    for v in (a.tail, a.head):
        if v in inner and not graph.weights.get(v) and len(graph.at(v)) == 2:
            other = a.head if v == a.tail else a.tail
            return len(graph.at(other)) == 2
    return False


def _close_cycle(graph: Graph, v: int, touching: list[Edge], inner: list[int]) -> int:
    """Two edges between v and u: a trace when u is summed too, else the diagonal or a row sum."""
    a, b = sorted(touching, key=lambda e: e.place)
    u = _ends(v, a)
    graph.edges = [e for e in graph.edges if e is not a and e is not b]
    there, back = graph.oriented(a, u), graph.oriented(b, v)
    mine = graph.weight(v)
    turn = [] if mine is None else [call("diag", mine)]
    if u in inner and not graph.at(u):
        weight = graph.weight(u)
        middle = [] if weight is None else [call("diag", weight)]
        options = [*traces(multiply_any(*middle, there, *turn, back), graph.symmetric)]
        if weight is None and mine is None:
            options += [total(hadamard([(e.place, graph.oriented(e, start)) for e in (a, b)])) for start in (u, v)]
            if there is graph.oriented(b, u):
                options.insert(0, power(call("norm", there), 2))
        graph.scalars.append(min(options, key=lambda o: cost(gather_powers(o))))
        inner.remove(u)
        return v
    vector = ones(graph.sizes[v]) if mine is None else mine
    across = hadamard([(e.place, graph.oriented(e, v)) for e in (a, b)])
    row_sum = multiply_any(hadamard([(a.place, there), (b.place, graph.oriented(b, u))]), vector)
    row_sum = min((row_sum, multiply_any(transpose(across), vector)), key=cost)
    diagonal = call("diag", multiply_any(there, *turn, back))
    quadratic = there in chain_of(graph.oriented(b, u)) or graph.oriented(b, u) in chain_of(there)
    as_diagonal = cost(diagonal) <= cost(row_sum) if quadratic else cost(diagonal) + DIAGONAL_EXTRA < cost(row_sum)
    as_diagonal = as_diagonal or (graph.out.count(u) > 1 and cost(gather_powers(diagonal)) <= cost(row_sum))  # A ⊙ I
    graph.add_weight(u, a.place, diagonal if as_diagonal else row_sum)
    return v


def _finish(graph: Graph) -> Expression | None:
    """Assemble what is left at the out vertices."""
    out = graph.out
    if len(out) > 2:
        return None
    body: Expression | None = None
    if len(set(out)) == 1:
        weight = graph.weight(out[0])
        size = graph.sizes[out[0]]
        if len(out) == 1:
            body = weight if weight is not None else ones(size)
        else:
            body = _diagonal(weight) if weight is not None else eye(size)
    elif len(out) == 2:
        body = _matrix(graph, *out)
    return attach(graph.scalars, body)


def _diagonal(weight: Expression) -> Expression:
    """diag(v); the diagonal matrix of a matrix's own diagonal is A ⊙ I."""
    if isinstance(weight, Ones):
        return eye(weight.shape[0])
    if isinstance(weight, Call) and weight.function == "diag":
        matrix = weight.args[0]
        return elementwise_product(matrix, eye(matrix.shape[0]))
    return call("diag", weight)


def _matrix(graph: Graph, i: int, j: int) -> Expression:
    left, right = graph.weight(i), graph.weight(j)
    if graph.edges:
        (edge,) = graph.edges
        matrix = graph.oriented(edge, i)
        if left is not None and right is not None and left is not right:
            spread = multiply_any(left, flip(right, graph.symmetric))
            return elementwise_product(spread, matrix)
        parts = [] if left is None else [call("diag", left)]
        return multiply_any(*parts, matrix, *([] if right is None else [call("diag", right)]))
    if left is None and right is None:
        return ones(graph.sizes[i], graph.sizes[j])
    column = left if left is not None else ones(graph.sizes[i])
    row = right if right is not None else ones(graph.sizes[j])
    return multiply_any(column, flip(row, graph.symmetric))
