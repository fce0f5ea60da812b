"""Row blocks: when everything is a sum over rows of the data, one pass over blocks of rows computes all sums.

Values that have one entry or one row for each row of the data then never exist as a whole; sums of blocks add up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal as Choice

from symml.codegen.graph import Graph, Node, postorder
from symml.language.expressions import Dim

Place = Choice["outside", "rows", "turned", "sum", "after"]


class NotByRows(Exception):  # noqa: N818
    """Something is no sum over rows of values that belong to one row."""


def by_rows(g: Graph, roots: Sequence[Node], nominal: Callable[[Dim], float]) -> tuple[list[Node], dict[Node, Node]]:
    """Return the roots computed in one pass over blocks of rows where that is possible, and what replaced the sums."""
    order = postorder(roots)
    tall = {n.shape[0] for n in order if n.op == "argument" and n.ndim == 2 and n.shape[0] != n.shape[1]}
    for dim in sorted((d for d in tall if not isinstance(d, int)), key=lambda d: (-nominal(d), str(d))):
        try:
            places = _places(order, dim)
        except NotByRows:
            continue
        if any(places[r] in ("rows", "turned") for r in roots):
            continue
        if _worthwhile(order, places):
            return _rebuilt(g, roots, order, places)
    return list(roots), {}


def _worthwhile(order: Sequence[Node], places: Mapping[Node, Place]) -> bool:
    """Whether blocks save memory traffic: matrices with a row for each row, or functions that take several passes."""
    made = [n for n in order if places[n] == "rows" and n.op not in ("argument", "column")]
    return any(n.ndim == 2 or n.op == "call" for n in made)


# -- where each node stands -----------------------------------------------------------------------------------------
def _places(order: Sequence[Node], dim: Dim) -> dict[Node, Place]:
    places: dict[Node, Place] = {}
    for node in order:
        below = [places[a] for a in node.args]
        if node.op == "argument":
            places[node] = _argument(node, dim)
        elif all(p == "outside" for p in below):
            if dim in node.shape:
                raise NotByRows
            places[node] = "outside"
        elif all(p in ("outside", "sum", "after") for p in below):
            if dim in node.shape or node.op in ("loop", "action"):
                raise NotByRows
            places[node] = "after"
        else:
            row = _ROWS.get(node.op)
            if row is None or any(p in ("sum", "after") for p in below):
                raise NotByRows
            places[node] = row(node, below)
    return places


def _argument(node: Node, dim: Dim) -> Place:
    if dim not in node.shape:
        return "outside"
    if node.shape.count(dim) == 1 and node.shape[0] == dim:
        return "rows"
    raise NotByRows


def _only(allowed: bool, place: Place) -> Place:
    if not allowed:
        raise NotByRows
    return place


def _elementwise(node: Node, below: Sequence[Place]) -> Place:
    return _only("turned" not in below, "rows")


def _matmul(node: Node, below: Sequence[Place]) -> Place:
    if below[0] == "turned":
        return _only(below[1] == "rows", "sum")
    return _only(below == ["rows", "outside"], "rows")


def _all_rows(node: Node, below: Sequence[Place]) -> Place:
    return _only(all(p == "rows" for p in below), "sum")


def _reduce(node: Node, below: Sequence[Place]) -> Place:
    kind, axis = node.attrs
    if axis == 1:
        return _only(below == ["rows"], "rows")
    return _only(below == ["rows"] and kind == "sum", "sum")


def _sums_of_product(node: Node, below: Sequence[Place]) -> Place:
    return _only(all(p == "rows" for p in below), "rows" if node.attrs[0] == 1 else "sum")


_ROWS: dict[str, Callable[[Node, Sequence[Place]], Place]] = {
    **dict.fromkeys(("add", "mul", "pow", "call", "compare", "lambda", "where_nonnegative", "scale"), _elementwise),
    "mm": _matmul,
    "dot": _all_rows,
    "weighted_gram": _all_rows,
    "reduce": _reduce,
    "sums_of_product": _sums_of_product,
    "t": lambda node, below: _only(below == ["rows"], "turned"),
    "column": lambda node, below: _only(below == ["rows"], "rows"),
    "outer": lambda node, below: _only(below == ["rows", "outside"], "rows"),
    "element": lambda node, below: _only(below == ["rows"] and node.attrs[0][0] is None, "rows"),
}


# -- rebuilding -----------------------------------------------------------------------------------------------------
def _rebuilt(
    g: Graph, roots: Sequence[Node], order: Sequence[Node], places: Mapping[Node, Place]
) -> tuple[list[Node], dict[Node, Node]]:
    sums = tuple(n for n in order if places[n] == "sum")
    inside = {n for n in postorder(sums) if places[n] in ("rows", "turned", "sum")}
    data = tuple(n for n in postorder(sums) if n in inside and n.op == "argument")
    outside = tuple(dict.fromkeys(a for n in order if n in inside for a in n.args if a not in inside))
    whole = g.make("row_blocks", (*data, *outside), (data, sums), ())
    done: dict[Node, Node] = {s: g.make("part", (whole,), (k,), s.shape) for k, s in enumerate(sums)}
    parts = dict(done)
    for node in order:
        if node not in done and node not in inside:
            args = tuple(done[a] for a in node.args)
            done[node] = node if args == node.args else g.make(node.op, args, node.attrs, node.shape)
    return [done[r] for r in roots], parts
