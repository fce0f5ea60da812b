"""Which nodes become statements, in which order, and which of them may reuse the memory of an operand.

A node used once is written inside its user; a node used twice, named by the user or too long becomes a statement.
Statements are ordered so that large arrays die early, and an elementwise operation on an array that nothing reads
afterwards is done in place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

from symml.codegen.graph import Node, postorder
from symml.language.expressions import Dim

FREE = frozenset({
    "argument", "index", "t", "column", "element", "diagonal", "as_row", "rows", "cols", "vec", "ones", "zeros", "diag",
})  # fmt: skip
ALIASES = frozenset({"t", "column", "element", "diagonal", "as_row", "rows", "cols", "vec", "argument", "function"})
STATEMENTS = frozenset({"add_diagonal", "cholesky", "loop", "action", "row_blocks", "part"})
SCOPES = frozenset({"loop", "action", "row_blocks"})
ELEMENTWISE = frozenset({"add", "mul", "pow", "call", "scale", "add_diagonal"})
NAMED_OPERANDS = frozenset({"scalar", "lambda"})
LARGE = 50_000.0
LONGEST_EXPRESSION = 78
DEEPEST = 8
LONGEST_SCHEDULE = 400


@dataclass
class Plan:
    """Statements in order, who reads what, and which operand each statement overwrites."""

    statements: list[Node]
    variables: set[Node]
    roots: tuple[Node, ...]
    in_place: dict[Node, Node] = field(default_factory=dict)


def plan(roots: Sequence[Node], bound: set[Node], named: Mapping[Node, str], nominal: Callable[[Dim], float]) -> Plan:
    """Return the plan of one scope; `bound` are variables of the enclosing scope."""
    order = [n for n in _below(roots, bound) if n not in bound]
    uses = _uses(order, roots)
    variables = _variables(order, uses, roots, named)
    reads = {n: _reads(n, variables, bound) for n in order if n in variables}
    result = _reads_of(roots, variables, bound)
    sequence = _sequence([n for n in order if n in variables], reads, result, nominal)
    found = Plan(sequence, variables | bound, tuple(roots))
    pinned = _reads_of([a for n in order if n.op == "function" for a in n.args], variables, bound)
    _choose_in_place(found, reads, result, pinned)
    return found


def _below(roots: Sequence[Node], bound: set[Node]) -> list[Node]:
    if not bound:
        return postorder(roots)
    seen: set[Node] = set()
    order: list[Node] = []
    stack = [(r, False) for r in reversed(list(roots))]
    while stack:
        node, done = stack.pop()
        if done:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            if node not in bound:
                stack.extend((a, False) for a in reversed(node.args))
    return order


def is_free(node: Node) -> bool:
    """Whether a node costs nothing to write again: an argument, a view, a plain number."""
    if node.op == "scalar":
        value = node.attrs[0]
        plain = value.count_ops() <= 1 and not value.is_Pow and not value.is_Function
        return not node.args or (plain and all(a.op == "argument" for a in node.args))
    return node.op in FREE


def _uses(order: Sequence[Node], roots: Sequence[Node]) -> dict[Node, int]:
    """How often each node is read; uses of a view are uses of what it shows."""
    uses = dict.fromkeys(order, 0)
    for root in roots:
        uses[root] += 1
    for node in reversed(order):
        weight = max(1, uses[node]) if is_free(node) else 2 if node.op in SCOPES else 1
        for a in node.args:
            if a in uses:
                uses[a] += weight
    return uses


def _variables(
    order: Sequence[Node], uses: Mapping[Node, int], roots: Sequence[Node], named: Mapping[Node, str]
) -> set[Node]:
    chosen: set[Node] = set()
    length: dict[Node, int] = {}
    depth: dict[Node, int] = {}
    several = len(roots) > 1
    needs_name = {a for n in order if n.op in NAMED_OPERANDS for a in n.args if not is_free(a)}
    needs_name |= _worth_naming(order, uses, needs_name | set(named))
    for node in order:
        length[node] = sum(4 if a in chosen else length.get(a, 4) for a in node.args) + 6
        depth[node] = max((0 if a in chosen else depth.get(a, 0) for a in node.args), default=0) + 1
        if is_free(node):
            continue
        is_output = several and node in roots and not (node.ndim == 0 and uses[node] == 1)
        lone_factor = node.op == "lu" and uses[node] == 1
        long = (length[node] > LONGEST_EXPRESSION or depth[node] > DEEPEST) and node not in roots
        if (
            uses[node] > 1 or node in named or node.op in STATEMENTS or is_output or node in needs_name or long
        ) and not lone_factor:
            chosen.add(node)
    return chosen


def _worth_naming(order: Sequence[Node], uses: Mapping[Node, int], named: set[Node]) -> set[Node]:
    """Matrix operands that an elementwise operation can write over once they are statements.

    NumPy reuses a temporary on the left of any operator, and on the right of + and *, by itself.
    """
    found: set[Node] = set()
    for node in order:
        if node.ndim != 2 or node.op not in ELEMENTWISE:
            continue
        own = [a for a in node.args if a.shape == node.shape and not is_free(a) and a.op not in ALIASES]
        kept = [a for a in own if _reused_by_numpy(node, a)]
        if own and not kept:
            found.add(own[0])
        for a in own:
            if a.op in ELEMENTWISE and any(_lasts(v, a, uses, named | found) for v in a.args):
                found.add(a)
    return found


def _lasts(v: Node, user: Node, uses: Mapping[Node, int], named: set[Node]) -> bool:
    return v.shape == user.shape and not is_free(v) and v.op not in ALIASES and (uses.get(v, 0) > 1 or v in named)


def _reused_by_numpy(node: Node, operand: Node) -> bool:
    if node.op in ("add", "mul"):
        return bool(node.attrs[0][node.args.index(operand)] > 0)
    return node.op in ("scale", "add_diagonal")


def _reads(node: Node, variables: set[Node], bound: set[Node]) -> set[Node]:
    return _reads_of(node.args, variables, bound)


def _reads_of(nodes: Sequence[Node], variables: set[Node], bound: set[Node]) -> set[Node]:
    found: set[Node] = set()
    stack, seen = list(nodes), set()
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        if node in variables:
            found.add(node)
        elif node not in bound:
            stack.extend(node.args)
    return found


def _sequence(
    order: Sequence[Node], reads: Mapping[Node, set[Node]], result: set[Node], nominal: Callable[[Dim], float]
) -> list[Node]:
    """Order the statements: the ready one that frees most memory first, else as they were made."""
    if len(order) > LONGEST_SCHEDULE:
        return list(order)
    sizes = {n: prod((nominal(d) for d in n.shape), start=1.0) for n in order}
    readers = {n: sum(n in reads[m] for m in order) + (n in result) for n in order}
    missing = {n: len(reads[n]) for n in order}
    waiting, done = list(order), []
    while waiting:
        ready = [n for n in waiting if missing[n] == 0]

        def memory(n: Node) -> float:
            freed = sum(sizes[v] for v in reads[n] if readers[v] == 1)
            change = sizes[n] - freed
            return round(change / LARGE)

        chosen = min(ready, key=lambda n: (memory(n), order.index(n)))
        waiting.remove(chosen)
        done.append(chosen)
        for v in reads[chosen]:
            readers[v] -= 1
        for n in waiting:
            missing[n] -= chosen in reads[n]
    return done


def _choose_in_place(found: Plan, reads: Mapping[Node, set[Node]], result: set[Node], pinned: set[Node]) -> None:
    """Let elementwise statements overwrite an operand that is their own and is read for the last time.

    `pinned` are arrays that a function of unknown making may still hold.
    """
    last: dict[Node, int] = {}
    for k, node in enumerate(found.statements):
        for v in reads[node]:
            last[v] = k
    for k, node in enumerate(found.statements):
        if node.op not in ELEMENTWISE or node.ndim != 2:
            continue
        for v in node.args:
            own = v in reads and v.shape == node.shape and v.op not in ALIASES and v not in pinned
            if own and v not in result and last.get(v) == k and _once(node, v, found.variables):
                found.in_place[node] = v
                break


def _once(node: Node, v: Node, variables: set[Node]) -> bool:
    """Whether `v` is an operand itself and no other operand is computed from it."""
    others = [a for a in node.args if a is not v]
    return v not in _reads_of(others, variables, set())
