"""Python source from a plan: names, one statement a line, in-place forms, nested functions for loops."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from symml.codegen.graph import Node
from symml.codegen.numpy_ops import NUMPY_OPS, Code
from symml.codegen.numpy_rows import CODES
from symml.codegen.scalars import ATOM, PRODUCT, SUM, UNARY, scalar_code
from symml.codegen.schedule import Plan, plan
from symml.errors import NotSupportedError
from symml.language.expressions import Dim, Shape

RESERVED = frozenset({"np", "runtime", "special", *dir(builtins), *keyword.kwlist})
SCALAR_NAME, VECTOR_NAME, MATRIX_NAME = "c", "t", "T"
BY_OPERATION = {"weighted_gram": "G", "cholesky": "L", "lu": "LU", "solve": "s", "mm": "z", "inverse": "V"}


@dataclass
class Writer:
    """Code of the nodes written so far."""

    nominal: Callable[[Dim], float]
    named: Mapping[Node, str]
    taken: set[str]
    dims: dict[Dim, str]
    names: dict[Node, str] = field(default_factory=dict)
    used_dims: set[str] = field(default_factory=set)
    user_named: set[str] = field(default_factory=set)

    # -- sizes and names ------------------------------------------------------------------------------------------
    def dim(self, dim: object) -> str:
        """Return the code of a size."""
        if isinstance(dim, int):
            return str(dim)
        return scalar_code(dim, {})[0]

    def shape(self, shape: Shape) -> str:
        """Return the code of a shape."""
        return self.dim(shape[0]) if len(shape) == 1 else f"({', '.join(self.dim(d) for d in shape)})"

    def fresh(self, base: str) -> str:
        """Return a name not used yet: r, r1, r2, ..."""
        name, k = base, 0
        while name in self.taken or name in RESERVED:
            k += 1
            name = f"{base}{k}"
        self.taken.add(name)
        return name

    def name_for(self, node: Node) -> str:
        """Return a new name of a statement: the user's, else one that hints at what it is."""
        if node in self.named:
            name = self.fresh(self.named[node])
            self.user_named.add(name)
            return name
        base = BY_OPERATION.get(node.op)
        if node.op == "call" and node.attrs[0] in ("exp", "tanh"):
            base = "e" if node.attrs[0] == "exp" else "a"
        elif node.op == "add" and any(s < 0 for s in node.attrs[0]):
            base = "r"
        base = base or (SCALAR_NAME, VECTOR_NAME)[min(node.ndim, 1)]
        return self.fresh(
            base.upper() if node.ndim >= 2 and base not in ("G", "L", "LU", "V") else base if node.ndim else SCALAR_NAME
        )

    # -- expressions ----------------------------------------------------------------------------------------------
    def code(self, node: Node, variables: set[Node]) -> Code:
        """Return the code of a node; nodes that are not variables are written out."""
        if node in variables and node in self.names:
            return Code(self.names[node])
        return self.written(node, variables)

    def written(self, top: Node, variables: set[Node]) -> Code:
        """Return the code of a node itself, its operands by name where they have one."""
        done: dict[Node, Code] = {}
        stack = [top]
        while stack:
            node = stack[-1]
            if node in done:
                stack.pop()
            elif node is not top and node in variables and node in self.names:
                done[node] = Code(self.names[node])
            elif node.op in ("argument", "index"):
                done[node] = Code(self.names.get(node) or str(node.attrs[0]))
            elif any(a not in done for a in node.args):
                stack.extend(a for a in node.args if a not in done)
            else:
                row = NUMPY_OPS.get(node.op)
                if row is None:
                    raise NotSupportedError(f"{node.op} has no NumPy code")
                done[node] = row(node, [done[a] for a in node.args], self)
        return done[top]

    # -- statements -----------------------------------------------------------------------------------------------
    def block(self, roots: Sequence[Node], bound: set[Node], depth: int) -> tuple[list[str], list[Code], Plan]:
        """Return the statements that compute the roots, and the code of the roots."""
        found = plan(roots, bound, self.named, self.nominal)
        early = _early_names(found, self.named)
        lines: list[str] = []
        for node in found.statements:
            lines.extend(_STATEMENTS.get(node.op, _assign)(self, node, found, early, depth))
        return lines, [self.code(r, found.variables) for r in roots], found


def _early_names(found: Plan, named: Mapping[Node, str]) -> dict[Node, Node]:
    """Statements whose memory ends up as a named result take its name from the start."""
    early: dict[Node, Node] = {}
    for node in reversed(found.statements):
        v = found.in_place.get(node)
        if v is not None and v not in named:
            owner = early.get(node, node)
            if owner in named:
                early[v] = owner
    return early


def _new_name(writer: Writer, node: Node, early: Mapping[Node, Node]) -> str:
    if node in writer.names:
        return writer.names[node]
    owner = early.get(node, node)
    name = writer.names.get(owner) or writer.name_for(owner)
    writer.names[owner] = writer.names[node] = name
    return name


def _assign(writer: Writer, node: Node, found: Plan, early: Mapping[Node, Node], depth: int) -> list[str]:
    if node in found.in_place:
        return _overwrite(writer, node, found, early)
    code = writer.written(node, found.variables)
    return [f"{_new_name(writer, node, early)} = {code.text}"]


def _overwrite(writer: Writer, node: Node, found: Plan, early: Mapping[Node, Node]) -> list[str]:
    """Elementwise statement on an operand that is not read again: `v += x`, or `w = np.add(v, x, out=v)`."""
    v = found.in_place[node]
    old, owner = writer.names[v], early.get(node, node)
    named_before = early.get(v) is owner
    if named_before or (owner not in writer.named and old not in writer.user_named):
        target, lines = old, []
    else:
        target = _new_name(writer, node, early)
        lines = [f"{target} = {old}"]
    codes = {a: writer.code(a, found.variables) for a in node.args if a is not v}
    writer.names[node] = target
    return lines + _IN_PLACE[node.op](writer, node, v, target, codes)


def _in_place_add(writer: Writer, node: Node, v: Node, name: str, codes: Mapping[Node, Code]) -> list[str]:
    signs = dict(zip(node.args, node.attrs[0], strict=True))
    others = [a for a in node.args if a is not v]
    lines = []
    if signs[v] < 0:
        first = next((a for a in others if signs[a] > 0), None)
        if first is None:
            lines.append(f"np.negative({name}, out={name})")
        else:
            others.remove(first)
            lines.append(f"np.subtract({codes[first].text}, {name}, out={name})")
    return lines + [f"{name} {'+' if signs[a] > 0 else '-'}= {codes[a].text}" for a in others]


def _in_place_mul(writer: Writer, node: Node, v: Node, name: str, codes: Mapping[Node, Code]) -> list[str]:
    powers = dict(zip(node.args, node.attrs[0], strict=True))
    others = [a for a in node.args if a is not v]
    lines = []
    if powers[v] < 0:
        first = next((a for a in others if powers[a] > 0), None)
        if first is not None:
            others.remove(first)
        lines.append(f"np.divide({codes[first].text if first is not None else 1}, {name}, out={name})")
    return lines + [f"{name} {'*' if powers[a] > 0 else '/'}= {codes[a].text}" for a in others]


def _in_place_pow(writer: Writer, node: Node, v: Node, name: str, codes: Mapping[Node, Code]) -> list[str]:
    q = node.attrs[0]
    if q == 2:
        return [f"np.multiply({name}, {name}, out={name})"]
    if q == -1:
        return [f"np.divide(1, {name}, out={name})"]
    return [f"{name} **= {scalar_code(q, {})[0]}"]


def _in_place_call(writer: Writer, node: Node, v: Node, name: str, codes: Mapping[Node, Code]) -> list[str]:
    operands = ", ".join(name if a is v else codes[a].text for a in node.args)
    return [f"{CODES[node.attrs[0]]}({operands}, out={name})"]


def _in_place_scale(writer: Writer, node: Node, v: Node, name: str, codes: Mapping[Node, Code]) -> list[str]:
    c = node.args[0]
    if c.op == "pow" and codes[c].text.startswith("1 / "):
        return [f"{name} /= {codes[c].text.removeprefix('1 / ')}"]
    return [f"{name} *= {codes[c].text}"]


def _in_place_diagonal(writer: Writer, node: Node, v: Node, name: str, codes: Mapping[Node, Code]) -> list[str]:
    step = writer.dim(node.shape[1])
    code = codes[node.args[1]]
    return [f"{name}.flat[::{step} + 1] += {code.text}"]


_IN_PLACE: dict[str, Callable[..., list[str]]] = {
    "add": _in_place_add, "mul": _in_place_mul, "pow": _in_place_pow, "call": _in_place_call, "scale": _in_place_scale,
    "add_diagonal": _in_place_diagonal,
}  # fmt: skip
_FRESH = frozenset({"mm", "weighted_gram", "add", "mul", "scale", "pow", "call", "outer", "inverse", "solve"})


def _add_diagonal(writer: Writer, node: Node, found: Plan, early: Mapping[Node, Node], depth: int) -> list[str]:
    if node in found.in_place:
        return _overwrite(writer, node, found, early)
    matrix = node.args[0]
    code = writer.code(matrix, found.variables)
    own = matrix not in found.variables and matrix.op in _FRESH
    name = _new_name(writer, node, early)
    start = f"{name} = {code.text}" if own else f"{name} = {code.at(ATOM)}.copy()"
    value = writer.code(node.args[1], found.variables)
    return [start, *_in_place_diagonal(writer, node, matrix, name, {node.args[1]: value})]


def _nested(writer: Writer, node: Node, found: Plan, depth: int) -> tuple[str, list[str]]:
    """Return the name and the lines of the function that computes the body for one value of the variable."""
    variable, body = node.attrs[0], node.attrs[1]
    outer_names = dict(writer.names)
    stem = str(variable.attrs[0].name if variable.op == "index" else variable.attrs[0])
    argument = writer.fresh(stem)
    writer.names[variable] = argument
    name = writer.fresh("term" if node.op == "loop" else "along")
    bound = {n for n in found.variables if n in writer.names} | {variable}
    lines, (result,), _ = writer.block([body], bound, depth + 1)
    inner = [f"def {name}({argument}):", *(f"    {line}" for line in lines), f"    return {result.text}"]
    writer.names = outer_names
    return name, inner


def _loop(writer: Writer, node: Node, found: Plan, early: Mapping[Node, Node], depth: int) -> list[str]:
    name, lines = _nested(writer, node, found, depth)
    times = writer.code(node.attrs[2], found.variables).text
    return [*lines, f"{_new_name(writer, node, early)} = runtime.sum_over({name}, {times})"]


def _action(writer: Writer, node: Node, found: Plan, early: Mapping[Node, Node], depth: int) -> list[str]:
    name, lines = _nested(writer, node, found, depth)
    direction = f"({', '.join(writer.dim(d) for d in node.attrs[0].shape)},)"
    return [*lines, f"{_new_name(writer, node, early)} = runtime.dense_action({name}, {direction})"]


def _row_blocks(writer: Writer, node: Node, found: Plan, early: Mapping[Node, Node], depth: int) -> list[str]:
    """Write the function of one block of rows, and its call: the data of the block hide the whole data."""
    data, sums = node.attrs
    parts = sorted((p for p in found.statements if p.op == "part" and p.args[0] is node), key=lambda p: p.attrs[0])
    outer_names = dict(writer.names)
    name = writer.fresh("block")
    bound = {n for n in found.variables if n in writer.names} | set(data)
    lines, results, _ = writer.block(sums, bound, depth + 1)
    writer.names = outer_names
    targets = ", ".join(_new_name(writer, p, early) for p in parts)
    rows = ", ".join(str(a.attrs[0]) for a in data)
    returned = ", ".join(r.text for r in results)
    inner = [f"def {name}({rows}):", *(f"    {line}" for line in lines), f"    return {returned}"]
    return [*inner, f"{targets} = runtime.over_rows({name}, {rows})"]


_STATEMENTS: dict[str, Callable[..., list[str]]] = {
    "add_diagonal": _add_diagonal,
    "loop": _loop,
    "action": _action,
    "row_blocks": _row_blocks,
    "part": lambda writer, node, found, early, depth: [],
}
assert UNARY > PRODUCT > SUM
