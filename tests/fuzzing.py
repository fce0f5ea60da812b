"""What is demanded of the derivative of a random objective, judged by 50-digit values no code under test made."""

from __future__ import annotations

from dataclasses import dataclass
from inspect import signature

import mpmath
import numpy as np
from exact_values import Undefined, each, exact, value
from expressions import direction, random_case

import symml as sml
from symml.checking.sampling import draw
from symml.derivation.derivation import Derivation
from symml.errors import (
    DataError,
    DeclarationError,
    DomainError,
    InternalError,
    MissingRuleError,
    NotSupportedError,
    SymmlError,
)
from symml.language.expressions import Action, Symbol, postorder

mpf = mpmath.mpf
FIRST, SECOND = mpf(10) ** -14, mpf(10) ** -10  # steps
REFUSALS = (MissingRuleError, NotSupportedError, DomainError)
TRIES = 12
FLOATS = 1e-6


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: the seed, what was compared, and how."""

    seed: int
    kind: str
    text: str

    def __str__(self) -> str:
        return f"seed {self.seed}: {self.kind}: {self.text}"


class Difference(AssertionError):
    """Two values that must agree and do not."""


def tied(symbol, array):
    """A drawn array with its declared relations to 50 digits instead of 16."""
    a, facts = exact(array), getattr(symbol, "facts", frozenset())
    if not np.shape(a):
        return a
    for _ in range(3):
        if "orthonormal columns" in facts:
            a = a.dot(3 * np.diag([mpf(1)] * a.shape[1]) - a.T.dot(a)) / 2
        elif "idempotent" in facts:
            a = 3 * a.dot(a) - 2 * a.dot(a).dot(a)
    if "sums to one" in facts:
        a = a / mpmath.fsum(a.ravel())
    elif "rows sum to one" in facts:
        a = a / a.sum(axis=1, keepdims=True)
    elif "unit norm" in facts:
        a = a / mpmath.sqrt(mpmath.fsum((a * a).ravel()))
    elif "centred" in facts:
        a = a - a.sum(axis=0, keepdims=True) / a.shape[0]
    return a


def floats(values):
    """The same values as floats."""
    return {k: np.asarray(v, float) if np.shape(v) else float(v) for k, v in values.items()}


def size(*arrays):
    """The largest absolute entry."""
    return max([abs(x) for a in arrays for x in np.ravel(np.asarray(a, object))], default=mpf(0))


def same(what, got, want, tolerance, *scales):
    """Demand that two values agree."""
    got, want = (np.asarray(a, object) for a in (got, want))
    if got.size == want.size:
        got = got.reshape(want.shape)
    if got.shape != want.shape:
        raise Difference(f"{what}: shape {got.shape} against {want.shape}")
    error, scale = size(got - want), max(size(want), *map(mpf, scales), mpf("1e-15"))
    if not error <= tolerance * scale:
        raise Difference(f"{what}: {mpmath.nstr(error / scale, 3)} relative")


class Judge:
    """One random objective: a point where it is smooth, and the comparisons there."""

    def __init__(self, case):
        self.case = case
        self.variable = case.variable
        self.name = case.variable.name
        self.rng = np.random.default_rng(case.seed)
        self.table = case.objective.declarations
        self.derivation = sml.derive(case.objective, case.variable)

    def at(self, step=None):
        """The objective at the point moved by a step."""
        values = self.values if step is None else {**self.values, self.name: self.values[self.name] + step}
        return value(self.case.objective, values, self.case.sizes)

    def move(self):
        """Draw values; Undefined when there is no smooth point there."""
        drawn, _ = draw(dict(self.table), self.rng, self.case.sizes)
        with mpmath.workdps(50):
            self.values = {k: tied(self.table.get(k), v) for k, v in drawn.items()}
        shape = np.shape(self.values[self.name])
        self.u, self.v = (exact(direction(shape, self.rng)) for _ in range(2))
        self.start = self.at()
        if not size(self.start) < 1e8:
            raise Undefined("too large")
        with mpmath.workdps(50):
            h = FIRST
            self.slope = (self.at(h * self.u) - self.at(-h * self.u)) / (2 * h)
            closer = (self.at(h / 4 * self.u) - self.at(-h / 4 * self.u)) / (h / 2)
            if size(self.slope) > 1e10 or size(closer - self.slope) > 1e-18 * (size(closer) + size(self.start)):
                raise Undefined("too steep for the step")

    def curvature(self):
        """Second difference along u and v."""
        with mpmath.workdps(50):
            h, u, v = SECOND, self.u, self.v
            even, odd = self.at(h * (u + v)) + self.at(-h * (u + v)), self.at(h * (u - v)) + self.at(h * (v - u))
            return (even - odd) / (4 * h * h)

    def along(self, derivative, *steps):
        """A derivative with its last axes contracted with directions."""
        found = np.asarray(derivative, object)
        for step in reversed(steps):
            step = np.asarray(step, object)
            found = found.reshape((-1, step.size)).dot(step.ravel())
        return found

    def result(self, what, order, want, deep):
        """Compare one result, its print, its other forms and its floats."""
        shown = getattr(self.derivation, what)
        self.shown = shown
        steps = (self.u, self.v)[:order]
        whole = deep or not isinstance(shown, Action)
        got = value(shown, self.values, self.case.sizes) if whole else None
        along = self.along(got, *steps) if whole else self.acted(shown, steps)
        noise = size(self.start) * mpf("1e-3") + self.parts(along if got is None else got, steps)
        same(what, along, want, mpf("1e-13") if order == 1 else mpf("1e-9"), noise)
        numbers = [self.number(shown, wobble) for wobble in (0.0, 3e-16, -5e-16)]
        number, *others = numbers if whole else [self.along(n, *steps) for n in numbers]
        meant = got if whole else along
        spread = max(size(number - other) for other in others)  # what rounding alone does to it
        scales = (size(self.start) * mpf("1e-3"), "1e-8", self.parts(number, steps))
        if spread * 100 > FLOATS * max(map(mpf, (size(meant), *scales))):
            raise Undefined("rounding alone moves the value in floats")
        same(f"evaluate({what})", number, meant, FLOATS, *scales)
        if deep:
            self.forms(shown, what, got)

    def number(self, shown, wobble):
        """The value in floats, at the point moved by about a rounding error."""
        moved = {k: v * (1 + wobble * self.rng.choice((1, 2, 3))) for k, v in floats(self.values).items()}
        try:
            return exact(np.asarray(shown.evaluate({**moved, **self.case.sizes}), float))
        except DataError as error:
            if "ingular" in str(error):
                raise Undefined("singular in floats") from error
            raise

    def acted(self, shown, steps):
        """An action on the last direction, contracted with the others."""
        free, body = shown.args[-2:]
        found = value(body, {**self.values, free.name: np.reshape(steps[-1], self.shape_of(free))}, self.case.sizes)
        return self.along(found, *steps[:-1])

    def shape_of(self, symbol):
        """Sizes of the axes of a symbol."""
        return tuple(d if isinstance(d, int) else self.case.sizes[str(d)] for d in symbol.shape)

    def parts(self, got, steps):
        """The size of the terms of a contraction, which its rounding follows."""
        return size(got) * np.prod([size(s) for s in steps])

    def forms(self, shown, what, got):
        """The print reads back; the plain form, the generated function and the steps agree."""
        text = str(shown)
        if not any(type(n).__name__ in ("Action", "Einstein") for n in postorder(shown)):
            back = self.read(text)
        else:
            back = None
        if back is not None:
            same(f"parse(str({what}))", value(back, self.values, self.case.sizes), got, mpf("1e-12"), mpf("1e-6"))
        plain = getattr(Derivation(self.derivation.source, self.derivation.wrt, True, "unconstrained", False), what)
        same(f"{what} unpolished", value(plain, self.values, self.case.sizes), got, mpf("1e-12"), mpf("1e-6"))
        f = self.derivation.lambdify(what)
        arguments = {**self.case.sizes, **floats(self.values)}
        number = f(**{n: arguments[n] for n in signature(f).parameters})
        same(f"lambdify({what})", exact(np.asarray(number, float)), got, FLOATS, size(self.start) * mpf("1e-3"), "1e-8")

    def read(self, text):
        """The print read back; None where nothing but an identity or ones is left, whose size text does not tell."""
        try:
            return sml.parse(text, where=list(self.table.values()))
        except DeclarationError as error:
            if "is not determined by what stands around it" in str(error):
                return None
            raise

    def steps_hold(self):
        """Every step of the derivation holds."""
        for k, step in enumerate(self.derivation.steps):
            if str(step.verdict) not in ("proved", "holds", "unchecked"):
                raise Difference(f"step {k} is {step.verdict}: {step.text}")


def examine(seed, deep=True, second=True):
    """Return (status, findings): status is judged, empty, undefined, or the refusal."""
    case = random_case(seed)
    if case is None:
        return "empty", []
    stage = "derive"
    try:
        judge = Judge(case)
        for _ in range(TRIES):
            try:
                judge.move()
                break
            except Undefined:
                continue
        else:
            return "undefined", []
        scalar = case.objective.shape == ()
        stage = "gradient" if scalar else "jacobian"
        judge.result(stage, 1, judge.slope, deep)
        if scalar and second:
            stage = "hessian"
            judge.result(stage, 2, judge.curvature(), deep)
        if deep:
            stage = "steps"
            judge.steps_hold()
        return "judged", []
    except Undefined as error:
        return f"undefined {stage}: {error}", []
    except InternalError as error:
        return "wrong", [Finding(seed, f"InternalError in {stage}", f"{show(case)}: {str(error)[:300]}")]
    except REFUSALS as error:
        if stage == "hessian":
            return f"judged without a Hessian: {str(error)[:90]}", []
        return f"{type(error).__name__} in {stage}: {str(error)[:90]}", []
    except Difference as error:
        shown = str(getattr(judge, "shown", ""))
        return "wrong", [Finding(seed, "difference", f"{show(case)}: {error} | {shown[:300]}")]
    except SymmlError as error:
        return "wrong", [Finding(seed, f"{type(error).__name__} in {stage}", f"{show(case)}: {str(error)[:300]}")]
    except Exception as error:  # any other exception is a finding
        return "wrong", [Finding(seed, f"{type(error).__name__} in {stage}", f"{show(case)}: {str(error)[:300]}")]


def show(case):
    """The objective and its declarations, to paste."""
    table = "; ".join(str(case.objective.declarations).splitlines())
    return f"{case.objective} by {case.variable} where {table}"


__all__ = ["Finding", "Symbol", "each", "examine"]
