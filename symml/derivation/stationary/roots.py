"""Scalar and entry-by-entry equations: SymPy solves them with the data as opaque symbols, roots keep the data whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from symml.calculus.construct import base_and_exponent, ein
from symml.calculus.nodes import Apply, Const, Ein, Leaf, Node, Sum, walk
from symml.codegen.structure import is_nonnegative, is_positive
from symml.derivation.stationary.separating import cleared, expand_in
from symml.errors import NotSupportedError, SymmlError
from symml.forms.lowering import leaf_of
from symml.forms.polishing.broadcasts import push_sums
from symml.forms.raising import Raising
from symml.forms.scalars import lower_scalar
from symml.language.function import function

KINKED = (sp.sign, sp.Abs, sp.Heaviside, sp.DiracDelta, sp.Piecewise, sp.Max, sp.Min, sp.floor, sp.ceiling)


@dataclass
class Reading:
    """A scalar equation as SymPy sees it: the unknowns, and the data behind each opaque symbol."""

    known: dict[Node, sp.Symbol]
    shape: tuple[Any, ...]
    opaque: dict[bytes, sp.Symbol] = field(default_factory=dict)
    data: dict[sp.Symbol, Node] = field(default_factory=dict)

    def moves(self, node: Node) -> bool:
        """Whether a node holds an unknown."""
        return any(x in node.leaves for x in self.known)

    def symbol_of(self, node: Node) -> sp.Symbol:
        """Return the symbol that stands for a part without the unknown."""
        found = self.opaque.get(node.digest)
        if found is None:
            shown = Raising().run(node)
            sign = (
                {"positive": True} if is_nonnegative(shown) == "yes" or is_positive(shown) == "yes" else {"real": True}
            )
            found = sp.Dummy(f"c{len(self.opaque)}", **sign)
            self.opaque[node.digest], self.data[found] = found, node
        return found


def read(equation: Node, x: Leaf, unknown: sp.Symbol) -> tuple[sp.Expr, Reading] | None:
    """Return the equation in SymPy; None when an entry of it depends on more than the same entry of x."""
    reading = Reading({x: unknown}, x.shape)
    value = _value(expand_in(push_sums(equation), x), reading)
    if value is None:
        again = Reading({x: unknown}, x.shape)
        value = _value(expand_in(expand_in(equation, x), x), again)
        return None if value is None else (value, again)
    return value, reading


def _value(node: Node, reading: Reading) -> sp.Expr | None:
    known: dict[Node, sp.Expr] = dict(reading.known)
    shape = reading.shape
    for part in walk(node):
        if not reading.moves(part) or part in known:
            continue
        value = _one(part, known, reading) if part.shape == shape else None
        if value is not None:
            known[part] = value
    if not reading.moves(node):
        return _without(node, reading)
    return known.get(node)


def _one(part: Node, known: Mapping[Node, sp.Expr], reading: Reading) -> sp.Expr | None:
    if isinstance(part, Sum):
        terms = [known.get(t) if reading.moves(t) else _without(t, reading) for t in part.terms]
        return None if any(t is None for t in terms) else sp.Add(*terms)
    if isinstance(part, Ein):
        return _product(part, known, reading)
    assert isinstance(part, Apply)
    inner = known.get(part.children[0])
    if inner is None:
        return None
    if part.op == "pow":
        return inner ** sp.Rational(part.param.numerator, part.param.denominator)
    if part.op != "map":
        return None
    if isinstance(part.param, sp.Lambda):
        return part.param(inner)
    record = function(part.param)
    return record.sympy(inner) if record.sympy is not None else None


def _product(part: Ein, known: Mapping[Node, sp.Expr], reading: Reading) -> sp.Expr | None:
    if len(set(part.out)) != len(part.out):
        return None
    moving = [(f, idx) for f, idx in part.factors if reading.moves(f)]
    still = [(f, idx) for f, idx in part.factors if not reading.moves(f)]
    if any(idx != part.out or f not in known for f, idx in moving):
        return None
    value = sp.Rational(part.coefficient.numerator, part.coefficient.denominator)
    for f, _ in moving:
        value = value * known[f]
    used = {i for _, idx in still for i in idx}
    out = part.out if used & set(part.out) else ()
    return value * _without(ein(1, still, out, {i: part.sizes[i] for i in used | set(out)}), reading)


def _without(node: Node, reading: Reading) -> sp.Expr:
    """A part without the unknown: numbers and scalar symbols as they are, everything else opaque."""
    if isinstance(node, Const):
        return sp.Rational(node.value.numerator, node.value.denominator)
    if isinstance(node, Sum):
        return sp.Add(*(_without(t, reading) for t in node.terms))
    base, q = base_and_exponent(node)
    if base is not node:
        return _without(base, reading) ** sp.Rational(q.numerator, q.denominator)
    if isinstance(node, Leaf) and node.shape == () and isinstance(node.payload, sp.Expr):
        return node.payload
    if not isinstance(node, Ein):
        return reading.symbol_of(node)
    value = sp.Rational(node.coefficient.numerator, node.coefficient.denominator)
    for f, idx in node.factors:
        value = value * _without(f, reading) if idx == () else value
    rest = [(f, idx) for f, idx in node.factors if idx != ()]
    if not rest:
        return value
    used = {i for _, idx in rest for i in idx} | set(node.out)
    return value * reading.symbol_of(ein(1, rest, node.out, {i: node.sizes[i] for i in used}))


# -- solving ------------------------------------------------------------------------------------------------------
def solved(value: sp.Expr, x: sp.Symbol) -> tuple[list[sp.Expr], bool]:
    """Return the roots and whether they are known to be all: those of a polynomial are."""
    if value.has(*KINKED):
        return [], False
    top = sp.numer(sp.together(value))
    algebraic = top.is_polynomial(x)
    if algebraic and sp.degree(top, x) == 1:
        slope = sp.diff(top, x)
        return [_shortest(sp.cancel(sp.together(-top.subs(x, 0) / sp.expand(slope))))], True
    pure = pure_power(top, x) if algebraic else None
    if pure is not None:
        return [pure], True
    try:
        roots = sp.solve(sp.expand(top) if algebraic else value, x)
    except NotImplementedError:
        return [], False
    found = [
        r for r in roots if isinstance(r, sp.Expr) and not r.has(x) and not r.has(sp.LambertW, sp.I, sp.zoo, sp.nan)
    ]
    return sorted(found, key=sp.default_sort_key), bool(algebraic and len(roots) > 0)


def pure_power(top: sp.Expr, x: sp.Symbol) -> sp.Expr | None:
    """Return the only real root of a xᵏ = b for an odd k, whatever the sign of b/a."""
    poly = sp.Poly(top, x)
    k = poly.degree()
    if k < 3 or k % 2 == 0 or any(m[0] not in (0, k) for m in poly.monoms()) or not top.free_symbols - {x}:
        return None
    base = sp.cancel(-poly.nth(0) / poly.LC())
    if base.is_nonnegative:
        return base ** sp.Rational(1, k)
    return -((-base) ** sp.Rational(1, k)) if base.is_nonpositive else sp.sign(base) * sp.Abs(base) ** sp.Rational(1, k)


def _shortest(root: sp.Expr) -> sp.Expr:
    """A fraction, or its whole part and the rest where that is shorter: −s − 1/ν for −(ν s + 1)/ν."""
    above, below = sp.fraction(root)
    if not below.free_symbols or len(root.free_symbols) > 4:
        return root
    found = [root]
    for s in sorted(above.free_symbols - below.free_symbols, key=str):
        if above.is_polynomial(s) and sp.degree(above, s) == 1:
            slope = sp.diff(above, s)
            found.append(sp.cancel(slope / below) * s + sp.cancel(above.subs(s, 0) / below))
    return min(found, key=lambda e: (sp.count_ops(e), sp.default_sort_key(e)))


def allowed(root: sp.Expr, x: sp.Symbol) -> bool:
    """Whether the declared range of x does not rule a root out."""
    words = ("positive", "nonnegative", "negative", "nonpositive", "nonzero", "integer")
    if any(getattr(x, f"is_{w}") is True and getattr(root, f"is_{w}") is False for w in words):
        return False
    domain = getattr(x, "domain", None)
    if domain is not None and root.is_number:
        low = domain.low is None or root > domain.low or (root == domain.low and not domain.low_open)
        high = domain.high is None or root < domain.high or (root == domain.high and not domain.high_open)
        if not (low and high) or (domain.values and root not in domain.values):
            return False
    return root.is_real is not False


def roots_of(equation: Node, x: Leaf, unknown: sp.Symbol) -> tuple[list[Node], Reading, bool, sp.Expr] | None:
    """Return the roots in x, each with its data put back, the reading, and whether they are all.

    None when the equation cannot be read entry by entry, or SymPy finds no closed root.
    """
    found = read(equation, x, unknown)
    if found is None:
        return None
    value, reading = found
    if not value.has(unknown):
        return None
    roots, complete = solved(value, unknown)
    nodes: list[Node] = []
    for root in roots:
        if allowed(root, unknown):
            node = put_back(root, reading)
            if node is None:
                return None
            nodes.append(node)
    return (nodes, reading, complete, value) if nodes else None


def linear_system(equations: Sequence[tuple[Any, Node]]) -> tuple[dict[Any, Node], list[sp.Expr], Reading] | None:
    """Return the solution of a linear system for several scalars, the equations, and their reading.

    None when it is not linear, or is singular.
    """
    reading = Reading({leaf_of(v): v for v, _ in equations}, ())
    values = []
    for _, equation in equations:
        opened = push_sums(cleared(equation))
        for _ in range(2):
            for x in list(reading.known):
                opened = push_sums(expand_in(opened, x))  # type: ignore[arg-type]
        value = _value(opened, reading)
        if value is None:
            return None
        values.append(sp.numer(sp.together(value)))
    unknowns = [v for v, _ in equations]
    if not all(e.is_polynomial(*unknowns) and sp.Poly(e, *unknowns).total_degree() <= 1 for e in values):
        return None
    found = sp.solve(values, unknowns, dict=True)
    if len(found) != 1 or set(found[0]) != set(unknowns):
        return None
    nodes: dict[Any, Node] = {}
    for v in unknowns:
        node = put_back(sp.cancel(found[0][v]), reading)
        if node is None:
            return None
        nodes[v] = node
    return nodes, values, reading


def second_derivative_sign(equation: Node, v: sp.Symbol, root: Node) -> str:
    """Return minimum, maximum or "" from the sign of the derivative of `equation` at a root.

    Nonnegative data, such as a squared norm, count as positive: the root asks for that.
    """
    found = read(equation, leaf_of(v), v)
    if found is None:
        return ""
    value, reading = found
    slope = sp.cancel(sp.together(sp.diff(value, v).subs(v, _without(root, reading))))
    return "minimum" if slope.is_positive else "maximum" if slope.is_negative else ""


def put_back(root: sp.Expr, reading: Reading) -> Node | None:
    """Return the root with its data; None for a function that has no index form."""
    env = {s: n for s, n in reading.data.items() if root.has(s)}
    try:
        node = lower_scalar(root, env)
    except (NotSupportedError, SymmlError):
        return None
    if node.shape != reading.shape:
        axes = tuple(range(len(reading.shape)))
        return ein(1, [(node, ())], axes, dict(enumerate(reading.shape))) if node.shape == () else None
    return node


def unknown_for(v: Any) -> sp.Symbol:
    """Return the SymPy symbol of the entries of a variable."""
    if isinstance(v, sp.Symbol):
        return v
    words: Sequence[str] = ("positive", "nonnegative", "negative", "nonzero")
    return sp.Dummy(v.name, real=True, **{w: True for w in words if w in v.facts})
