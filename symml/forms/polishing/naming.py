"""Names for repeated parts, r for a residual, p for a softmax, C for an inverse, where the print gets shorter."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from symml.forms.cost import cost
from symml.forms.flipping import flip, is_symmetric
from symml.forms.fractions import attach
from symml.forms.polishing.sums import combine
from symml.language.expressions import (
    Add,
    Call,
    ElemPow,
    Expression,
    Hadamard,
    Index,
    Mul,
    Pow,
    Scalar,
    Symbol,
    Transpose,
    Where,
    make,
    postorder,
)  # fmt: skip
from symml.language.operators import (
    add,
    call,
    elementwise_product,
    multiply_any,
    rebuild,
    scalar,
    split_coefficient,
    symbol,
)  # fmt: skip

CLAUSE = 3  # tokens of ", r ="
ROUNDS, FEW = 64, 12  # names at most, in a print of readable length and in a longer one
HUGE = 2000  # tokens
TRIES = 6
Hidden = Callable[[Expression, Sequence[Expression]], Expression]
LONG = 400  # tokens; above it the first candidate that saves is taken

_BY_FUNCTION = {
    "softmax": ("p", "P"), "sigmoid": ("s", "S"), "tanh": ("h", "H"), "relu": ("h", "H"), "exp": ("u", "K"),
    "eigmaxprojector": ("p", "P"), "sin": ("h", "H"), "cos": ("h", "H"), "softplus": ("h", "H"), "diag": ("q", "D"),
}  # fmt: skip
_FALLBACK = {0: ("rho", "c", "u", "t", "kappa"), 1: ("u", "q", "v", "t", "m"), 2: ("M", "D", "B", "T", "F", "G")}


def name_repeats(
    body: Expression, taken: Collection[str], symmetric: Collection[Expression],
    given: Sequence[tuple[Symbol, Expression]] = (),
) -> Expression:  # fmt: skip
    """Return the expression with names for its repeated parts, as a `Where`, if that prints shorter.

    Names that were `given` are used wherever their values occur.
    """
    state = _given(body, taken, frozenset(symmetric), given)
    for _ in range(ROUNDS if state.length <= HUGE else FEW):
        better = _improve(state)
        if better is None:
            break
        state = better
    if not state.definitions:
        return state.body
    ordered = _in_order(state.definitions)
    return make(Where, (state.body, *(v for _, v in ordered)), (tuple(s for s, _ in ordered),), state.body.shape)


def _in_order(definitions: Sequence[tuple[Symbol, Expression]]) -> list[tuple[Symbol, Expression]]:
    """Definitions in an order in which each uses only names before it."""
    waiting = list(reversed(definitions))
    ordered: list[tuple[Symbol, Expression]] = []
    while waiting:
        open_names = {s for s, _ in waiting}
        ready = next(d for d in waiting if not open_names & set(postorder(d[1])))
        ordered.append(ready)
        waiting.remove(ready)
    return ordered


def _given(
    body: Expression, taken: Collection[str], symmetric: frozenset[Expression],
    given: Sequence[tuple[Symbol, Expression]],
) -> _State:  # fmt: skip
    definitions: tuple[tuple[Symbol, Expression], ...] = ()
    for name, value in given:
        done: dict[Expression, Expression] = {}
        roots = [body, *(v for _, v in definitions)]
        changed = [_replace(r, value, name, symmetric, done) for r in roots]
        if any(c is not r for c, r in zip(changed, roots, strict=True)):
            body = changed[0]
            definitions = ((name, value), *((s, v) for (s, _), v in zip(definitions, changed[1:], strict=True)))
    reachable = set(postorder(body, *(v for _, v in definitions)))
    definitions = tuple(d for d in definitions if d[0] in reachable)
    return _State(body, definitions, frozenset(taken) | {s.name for s, _ in given}, symmetric)


@dataclass
class _State:
    body: Expression
    definitions: tuple[tuple[Symbol, Expression], ...]
    taken: frozenset[str]
    symmetric: frozenset[Expression]

    @property
    def length(self) -> int:
        return cost(self.body) + sum(cost(v) + CLAUSE for _, v in self.definitions) + bool(self.definitions)


def _improve(state: _State) -> _State | None:
    roots = [state.body, *(v for _, v in state.definitions)]
    best, length = None, state.length
    for part in _candidates(roots)[:TRIES]:
        if best is not None and state.length > LONG:
            break
        name = name_for(part, state.taken, state.symmetric)
        done: dict[Expression, Expression] = {}
        changed = [_replace(r, part, name, state.symmetric, done) for r in roots]
        definitions = ((name, part), *((s, v) for (s, _), v in zip(state.definitions, changed[1:], strict=True)))
        trial = _State(changed[0], definitions, state.taken | {name.name}, state.symmetric)
        if trial.length < length:
            best, length = trial, trial.length
    return best


def _candidates(roots: list[Expression]) -> list[Expression]:
    """Parts that occur more than once, largest saving first."""
    times: dict[Expression, int] = dict.fromkeys(roots, 1)
    order = postorder(*roots)
    for node in reversed(order):
        for child in node.args:
            times[child] = times.get(child, 0) + times.get(node, 0)
    for node in order:
        for piece in _pieces(node):
            times[piece] = times.get(piece, 0) + times.get(node, 0)
    products = [n for n in order if isinstance(n, Mul) and n.shape == () and len(n.args) == 2]
    holders: dict[type[Expression], Sequence[Expression]] = {
        Add: [n for n in order if isinstance(n, Add)],
        Hadamard: products,
    }
    found = []
    for part, count in times.items():
        if isinstance(part, (Transpose, Symbol, Scalar)) or part in roots or _moves_with_index(part) or _divides(part):
            continue
        if len(part.shape) == 2 and part.shape[0] == 1:  # a row: name its column
            part = flip(part)
            if isinstance(part, Transpose) or part in times:
                continue
        mirrored = times.get(flip(part), 0) if len(part.shape) == 2 and flip(part) is not part else 0
        size = cost(part)
        count += sum(times.get(n, 0) * _hides(n, part) for n in holders.get(type(part), ()))
        saving = (count + mirrored - 1) * (size - 1) - CLAUSE
        if count + mirrored > 1 and size >= 3 and saving > -CLAUSE and not _sign_only(part):
            found.append((saving, part))
    found.sort(key=lambda f: -f[0])
    return [part for _, part in found]


def _moves_with_index(part: Expression) -> bool:
    """Whether a part holds a bound index: a name for it would stand outside its sum."""
    found = part.memo.get("indexed")
    if found is None:
        found = part.memo["indexed"] = any(isinstance(n, Index) for n in postorder(part))
    return bool(found)


def _divides(part: Expression) -> bool:
    """Whether a part is 1/x of a scalar: the name is for x."""
    return isinstance(part, Pow) and part.shape == () and part.exponent.is_negative is True


def _hides(node: Expression, part: Expression) -> int:
    """How often a node holds a part that is none of its arguments: a multiple of a sum, uᵀ v for u ⊙ v."""
    rule = _HIDDEN.get(type(part))
    return sum(rule(node, p) is not None for p in _faces(part)) if rule is not None and node is not part else 0


def _faces(part: Expression) -> list[Expression]:
    """A part and, of a square sum, its mirror image."""
    if not isinstance(part, Add) or len(part.shape) != 2 or part.shape[0] != part.shape[1]:
        return [part]
    return [part, add(*map(flip, part.args))]


def _uncovered(node: Expression, children: Sequence[Expression], part: Expression, name: Symbol) -> Expression | None:
    """A node with the parts it hides replaced; None where it hides none."""
    rule = _HIDDEN.get(type(part))
    found = None
    for face, new in zip(_faces(part), (name, flip(name)), strict=False) if rule and node is not part else ():
        hidden = rule(node, face)  # type: ignore[misc]
        if hidden is not None:
            found = node = hidden(new, children)
            children = node.args
    return combine(found.args) if isinstance(found, Add) else found


def _hidden_sum(node: Expression, part: Expression) -> Hidden | None:
    """2 a − 2 b + c holds the sum a − b twice."""
    if not isinstance(node, Add) or len(part.args) >= len(node.args) or node.shape != part.shape:
        return None
    places: list[int] = []
    factor: Any = None
    known = {rest: (k, value) for k, (value, rest) in enumerate(map(split_coefficient, node.args))}
    for value, rest in map(split_coefficient, part.args):
        if rest not in known:
            return None
        k, own = known[rest]
        factor = own / value if factor is None else factor
        if own != factor * value:
            return None
        places.append(k)
    return lambda name, children: add(
        multiply_any(factor, name), *(c for k, c in enumerate(children) if k not in places)
    )


def _hidden_product(node: Expression, part: Expression) -> Hidden | None:
    """The scalar uᵀ v is the sum of u ⊙ v."""
    if not (isinstance(node, Mul) and node.shape == () and len(part.args) == len(node.args) == 2):
        return None
    row, column = node.args
    if not isinstance(row, Transpose) or {row.args[0], column} != set(part.args):
        return None
    return lambda name, children: multiply_any(node.coefficient, call("sum", name))


_HIDDEN: Mapping[type[Expression], Callable[[Expression, Expression], Hidden | None]] = {
    Add: _hidden_sum, Hadamard: _hidden_product,
}  # fmt: skip


def _sign_only(part: Expression) -> bool:
    return isinstance(part, Mul) and part.coefficient != 1


def _pieces(node: Expression) -> Iterator[Expression]:
    """Shorter runs of factors inside a product."""
    if isinstance(node, Mul):
        chain = [a for a in node.args if a.shape != ()]
        if node.coefficient != 1 or len(chain) < len(node.args):
            yield from _runs(chain, len(chain) + 1, multiply_any)
        else:
            yield from _runs(chain, len(chain), multiply_any)
    elif isinstance(node, Hadamard):
        yield from _runs(list(node.args), len(node.args), elementwise_product)


def _runs(chain: list[Expression], stop: int, build) -> Iterator[Expression]:  # type: ignore[no-untyped-def]
    if len(chain) > 6:
        return
    for size in range(2, min(stop, len(chain) + 1)):
        for start in range(len(chain) - size + 1):
            yield build(*chain[start : start + size])


def _replace(
    e: Expression, part: Expression, name: Symbol, symmetric: frozenset[Expression], done: dict[Expression, Expression]
) -> Expression:
    done.setdefault(part, name)
    mirrored = flip(part, symmetric)
    if mirrored is not part and not isinstance(mirrored, Transpose):
        done.setdefault(mirrored, flip(name, symmetric))
    for node in postorder(e):
        if node in done:
            continue
        children = tuple(done[a] for a in node.args)
        new = _shorter(node, children, part, name, symmetric)
        if isinstance(new, Transpose) and is_symmetric(new.args[0], symmetric):
            new = new.args[0]
        done[node] = new
    return done[e]


def _shorter(
    node: Expression, children: tuple[Expression, ...], part: Expression, name: Symbol, symmetric: frozenset[Expression]
) -> Expression:
    """Rebuild a node, a run of its factors replaced."""
    uncovered = _uncovered(node, children, part, name)
    if uncovered is not None:
        return uncovered
    run = part.args if isinstance(part, type(node)) and isinstance(part, (Mul, Hadamard)) else ()
    if run and len(run) <= len(node.args):
        mirrored = tuple(flip(a, symmetric) for a in reversed(run)) if isinstance(part, Mul) else ()
        for k in range(len(node.args) - len(run) + 1):
            window = node.args[k : k + len(run)]
            if window == run or (mirrored and window == mirrored):
                middle = name if window == run else flip(name, symmetric)
                rest = (*children[:k], middle, *children[k + len(run) :])
                if isinstance(node, Mul):
                    return multiply_any(scalar(node.coefficient), *rest)
                return elementwise_product(*rest)
    if children == node.args:
        return node
    new = rebuild(node, children)
    return _regrouped(new, name) if isinstance(part, Hadamard) else new


def _regrouped(e: Expression, name: Symbol) -> Expression:
    """2 v − 2/n sum(v) 𝟏 → 2 (v − mean(v) 𝟏) once v has a name."""
    if isinstance(e, Mul) and call("sum", name) in e.args:
        chain = [a for a in e.args if a.shape != ()]
        scalars = [a for a in e.args if a.shape == ()]
        return attach([scalar(e.coefficient), *scalars], multiply_any(*chain) if chain else None)
    if isinstance(e, Add) and any(call("mean", name) in t.args for t in e.args):
        return combine(e.args)
    return e


def name_for(part: Expression, taken: Collection[str], symmetric: Collection[Expression] = ()) -> Symbol:
    """Return a symbol for a part, named by its role: r a residual, p a softmax, C an inverse."""
    order = len([d for d in part.shape if d != 1])
    options = (*_roles(part, order), *_FALLBACK[order])
    letters = next((o for o in options if o not in taken), None)
    k = 1
    while letters is None:
        letters = next((f"{o}{k}" for o in options if f"{o}{k}" not in taken), None)
        k += 1
    properties = ["symmetric"] if order == 2 and is_symmetric(part, frozenset(symmetric)) else []
    return symbol(letters, part.shape, properties)


def _roles(part: Expression, order: int) -> tuple[str, ...]:
    if order == 0:
        return ()
    if isinstance(part, Call) and part.function in _BY_FUNCTION:
        return (_BY_FUNCTION[part.function][order - 1],)
    if isinstance(part, Pow) and part.exponent == -1:
        return ("C", "K", "A")
    if isinstance(part, Add):
        return ("r", "z", "e")[:3] if order == 1 else ("E", "R", "Z")
    if isinstance(part, Mul):
        if any(isinstance(a, Pow) or (isinstance(a, Symbol) and a.name in "CK") for a in part.args) and order == 1:
            return ("alpha", "a")
        return ("z", "m") if order == 1 else ("Z", "M")
    if isinstance(part, Hadamard):
        return ("m", "q") if order == 1 else ("M", "D")
    return ("q",) if isinstance(part, ElemPow) and order == 1 else ()
