"""Lines to claims to steps: names are defined, derivatives computed, sides compared, wrong ones diagnosed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from symml.errors import (
    UNREADABLE,
    DeclarationError,
    MissingRuleError,
    NoClosedFormError,
    NotationError,
    ShapeError,
    SymmlError,
)  # fmt: skip
from symml.language.declarations import read_declarations
from symml.language.expressions import Expression, Scalar, Symbol
from symml.language.function import spellings
from symml.language.names import canonical, unicode_name
from symml.language.operators import is_zero
from symml.language.tables import symbol_table
from symml.notation.reader import parse
from symml.records import Verdict, verdict
from symml.validation.case import Case
from symml.validation.derivatives import Taken, take_derivatives
from symml.validation.diagnosis import diagnose
from symml.validation.equations import follows
from symml.validation.judge import Comparison, compare
from symml.validation.lines import Line, split_lines
from symml.validation.records import Diagnosis, ValidatedStep

LIKE = "symml_like"
_SIZED = re.compile(r"\b(?:I|eye|ones)\b|𝟏")
_VALUE = re.compile(r"([^\W\d]\w*)\s*\(\s*[^\W\d]\w*(?:\s*[,;]\s*[^\W\d]\w*)*\s*\)")
DEFINITION = verdict("proved", certificate="a definition")
STARTS = verdict("proved", certificate="the start of a chain: it asserts nothing")


@dataclass(frozen=True)
class Side:
    """One side of an equation: its text, the expression (None if its shapes do not fit), and what it derives."""

    text: str
    offset: int
    expression: Expression | None
    taken: Taken
    error: SymmlError | None = None

    @property
    def derived(self) -> str:
        """Whether the side is a derivative that was computed here."""
        return "result" if self.taken.names and self.taken.text.strip() in self.taken.names else ""


class Reader:
    """State of one block: declared symbols, definitions, the chain at hand, the equation at hand."""

    def __init__(self, source: str, where: Any) -> None:
        self.source = source
        self.declared = dict(read_declarations(where)) if where is not None else {}
        self.inferred: dict[str, Any] = {}
        self.names: dict[str, Expression] = {}
        self.head: Side | None = None
        self.last: Side | None = None
        self.broken = False
        self.equation: tuple[Expression, str] | None = None

    # -- names --------------------------------------------------------------------------------------------------
    def define(self, definitions: Any) -> None:
        """Read definitions: a mapping, or lines ``name := text``."""
        if definitions is None:
            return
        if isinstance(definitions, str):
            rows = [(left, right) for left, right in (_definition(line) for line in split_lines(definitions))]
        else:
            rows = list(definitions.items())
        for name, value in rows:
            self._define(name, self._parse(value, 0) if isinstance(value, str) else value)

    def _define(self, name: str, value: Expression) -> None:
        key = canonical(name)
        if key in self.declared:
            raise DeclarationError(f"{unicode_name(key)} is declared and also defined: rename one of them")
        self.names[key] = value

    @property
    def table(self) -> dict[str, Any]:
        """All symbols known so far."""
        return {**self.inferred, **self.declared}

    def _parse(self, text: str, offset: int, extra: Mapping[str, Expression] | None = None) -> Expression:
        known = list(self.table.values())
        names = {**self.names, **(extra or {})}
        found = parse(text, where=known or None, names=names or None)
        for name, symbol in symbol_table(found).items():
            if name not in self.declared:
                self.inferred.setdefault(name, symbol)
        return found

    def _side(self, text: str, offset: int, like: Expression | None = None) -> Side:
        """Read one side; a bare `I` or `𝟏` of open size takes the shape of the side before, `like`."""
        taken = take_derivatives(text, offset, self._parse, {**self.table, **self.names})
        try:
            return Side(text, offset, self._parse(taken.text, offset, taken.names), taken)
        except ShapeError as error:
            return Side(text, offset, None, taken, error)
        except DeclarationError as unsized:
            if like is None or not _SIZED.search(taken.text):
                raise
            try:
                found = self._parse(f"{LIKE} - {LIKE} + ({taken.text})", offset, {**taken.names, LIKE: like})
            except UNREADABLE:
                raise unsized from None
            return Side(text, offset, found, taken)

    # -- steps --------------------------------------------------------------------------------------------------
    def steps(self) -> tuple[ValidatedStep, ...]:
        """Return one step for each line."""
        return tuple(self._step(line) for line in split_lines(self.source))

    def _step(self, line: Line) -> ValidatedStep:
        try:
            return _KINDS[line.kind](self, line)
        except (*UNREADABLE, MissingRuleError, NoClosedFormError) as error:
            self.last = None if line.kind == "continued" else self.last
            if line.kind in ("claim", "expression"):
                self.head = self.last = None
            return _made(line, verdict("unchecked", reason=str(error)), f"not read: {error}")

    def _declaration(self, line: Line) -> ValidatedStep:
        text = line.parts[0][0]
        if "=" in text.replace(">=", "").replace("<=", ""):
            left, right = text.split("=", 1)
            self._define(left.strip(), self._parse(right, line.parts[0][1]))
            return _made(line, DEFINITION, "a definition")
        for name, found in read_declarations(text).items():
            if self.declared.setdefault(name, found) != found:
                raise DeclarationError(f"{unicode_name(name)} is declared twice, differently")
        return _made(line, verdict("proved", certificate="a declaration"), "a declaration")

    def _definition(self, line: Line) -> ValidatedStep:
        (left, _), (right, at) = line.parts
        self._define(left, self._parse(right, at))
        return _made(line, DEFINITION, "a definition")

    def _expression(self, line: Line) -> ValidatedStep:
        self.head = self.last = self._side(*line.parts[0])
        self.broken = False
        if self.head.error is not None:
            return _shape_step(line, self.head)
        return _made(line, STARTS, "the start of a chain")

    def _other(self, line: Line) -> ValidatedStep:
        return _made(line, verdict("unchecked", reason=line.parts[0][0]), line.parts[0][0])

    def _claim(self, line: Line) -> ValidatedStep:
        left = line.parts[0][0].strip()
        value = _VALUE.fullmatch(left)
        left = value[1] if value is not None and self._is_new_name(value[1]) and value[1] not in spellings() else left
        estimated = self._estimated(left)
        if estimated is not None:
            self.head = self.last = self._side(estimated, line.parts[0][1])
            return self._sides(line, line.parts[1:], estimated, None, "")
        if self._is_new_name(left):
            first = self._side(*line.parts[1])
            if first.expression is None:
                return _shape_step(line, first)
            self._define(left, first.expression)
            self.head = self.last = first
            self.broken = False
            return self._sides(line, line.parts[2:], None, DEFINITION, f"{left} is defined by this line")
        self.head = self.last = self._side(*line.parts[0])
        self.broken = False
        return self._sides(line, line.parts[1:], left, None, "")

    def _estimated(self, text: str) -> str | None:
        """The variable of the equation at hand, when the text is its estimate: w_hat for w."""
        if self.equation is None or not self._is_new_name(text):
            return None
        name = canonical(text)
        return self.equation[1] if name in {f"{self.equation[1]}_{mark}" for mark in ("hat", "star", "opt")} else None

    def _is_new_name(self, text: str) -> bool:
        try:
            name = canonical(text)
        except NotationError:
            return False
        return (
            name not in self.table
            and name not in self.names
            and "(" not in text
            and " " not in text
            and "'" not in text
        )

    def _continued(self, line: Line) -> ValidatedStep:
        if self.head is None:
            reason = "the line continues one that was not read"
            return _made(line, verdict("unchecked", reason=reason), reason)
        return self._sides(line, line.parts, None, None, "")

    def _sides(
        self, line: Line, parts: tuple[tuple[str, int], ...], left: str | None, found: Verdict | None, note: str
    ) -> ValidatedStep:
        """Judge the sides of a line one after another; the first that is not right decides."""
        outcome = _made(line, found, note) if found is not None else None
        for text, at in parts:
            side = self._side(text, at, self.head.expression if self.head is not None else None)
            step = self._link(line, side, left)
            if outcome is None or _worse(step.verdict, outcome.verdict):
                outcome = step
            if side.expression is not None and not _sets_zero(side):
                self.last = side
        assert outcome is not None
        return outcome

    def _link(self, line: Line, side: Side, left: str | None) -> ValidatedStep:
        head, last = self.head, self.last
        if head is None or last is None or head.expression is None:
            if head is not None and head.error is not None:
                return _shape_step(line, head)
            reason = "there is nothing to compare with: the line before was not read"
            return _made(line, verdict("unchecked", reason=reason), reason)
        if side.expression is not None and _sets_zero(side) and head.taken.names:
            self._set_equation(last)
            return _made(line, STARTS, "an equation: it is what the lines after it start from")
        if (
            self.equation is not None
            and not head.taken.names
            and side.expression is not None
            and head.expression is not None
        ):
            solved = self._by_equation(line, head, side)
            if solved is not None:
                return solved
        if left is not None and side.expression is not None and self._is_equation(head):
            reason = (
                f"{left} is a declared symbol: this is an equation, not an identity, and nothing before it fixes {left}"
            )
            compared = (
                compare(head.expression, side.expression, table=self.table)
                if head.expression.shape == side.expression.shape
                else None
            )
            if compared is None or compared.verdict == "wrong":
                return _made(line, verdict("unchecked", reason=reason), reason)
        return self._judged(line, head, last, side)

    def _is_equation(self, head: Side) -> bool:
        e = head.expression
        return isinstance(e, Symbol) or (isinstance(e, Scalar) and isinstance(e.value, sp.Symbol))

    def _judged(self, line: Line, head: Side, last: Side, side: Side) -> ValidatedStep:
        assert head.expression is not None
        if side.expression is None:
            self.broken = True
            return self._wrong(line, head, last, side, None)
        against = last if last.expression is not None else head
        assert against.expression is not None
        link = compare(against.expression, side.expression, table=self.table)
        if link.verdict == "wrong" and against is not head:
            truth = compare(head.expression, side.expression, table=self.table)
            if truth.verdict.ok:
                return _made(
                    line,
                    truth.verdict,
                    f"agrees with the head of the chain, not with the line before; {truth.evidence}",
                )
        if link.verdict == "wrong":
            self.broken = True
            return self._wrong(line, head, against, side, link)
        note = link.evidence + ("; follows from the line before, which is wrong" if self.broken else "")
        return _made(line, link.verdict, note)

    def _wrong(self, line: Line, head: Side, against: Side, side: Side, link: Comparison | None) -> ValidatedStep:
        truth = head if head.derived else against if against.expression is not None else head
        assert truth.expression is not None
        extra = side.taken.names

        def read(text: str) -> Expression:
            return parse(text, where=list(self.table.values()) or None, names={**self.names, **extra} or None)

        known = frozenset({*self.table, *self.names, *extra})
        symbols = {
            **symbol_table(truth.expression),
            **(symbol_table(side.expression) if side.expression is not None else {}),
        }
        what = _what(head) if truth is head and head.derived else ""
        case = Case(truth.expression, side.expression, side.taken.text.strip(), read, symbols, what, known)
        reason = str(side.error) if side.error is not None else ""
        found = link.verdict if link is not None else verdict("wrong", reason=reason)
        evidence = link.evidence if link is not None else f"the shapes do not fit: {reason.splitlines()[0]}"
        return replace(_made(line, found, evidence), counterexample=found.counterexample, diagnosis=diagnose(case))

    # -- equations ----------------------------------------------------------------------------------------------
    def _set_equation(self, side: Side) -> None:
        head = self.head
        if head is not None and side.expression is not None:
            variable = _variable_of(head.text)
            if variable in self.table:
                self.equation = (side.expression, variable)

    def _by_equation(self, line: Line, left: Side, right: Side) -> ValidatedStep | None:
        assert self.equation is not None
        assert left.expression is not None
        assert right.expression is not None
        expression, variable = self.equation
        if variable not in symbol_table(left.expression) and variable not in symbol_table(right.expression):
            return None
        found = follows(expression, variable, left.expression, right.expression, self.table)
        if found.verdict == "wrong":
            reason = diagnosis_of_equation(found)
            return replace(
                _made(line, found.verdict, found.evidence),
                counterexample=found.verdict.counterexample,
                diagnosis=reason,
            )
        return _made(line, found.verdict, found.evidence)


def diagnosis_of_equation(found: Comparison) -> Diagnosis:
    """Return what can be said of an equation that does not follow."""
    return Diagnosis("other", f"the equation does not follow from the one before: {found.evidence}")


def _variable_of(text: str) -> str:
    for mark in ("grad_", "∇_"):
        if mark in text:
            rest = text.split(mark, 1)[1].lstrip("{")
            return canonical("".join(_leading_word(rest)))
    inside = text.rsplit(",", 1)
    return canonical(inside[1].strip(" )")) if len(inside) == 2 else ""


def _leading_word(text: str) -> list[str]:
    found = []
    for letter in text:
        if not (letter.isalnum() or letter == "_"):
            break
        found.append(letter)
    return found


def _what(side: Side) -> str:
    return "Hessian" if "hess" in side.text or "²" in side.text else "Jacobian" if "jac" in side.text else "gradient"


def _sets_zero(side: Side) -> bool:
    return side.expression is not None and is_zero(side.expression) and side.text.strip() == "0"


def _worse(a: Verdict, b: Verdict) -> bool:
    order = ("proved", "holds", "unchecked", "wrong")
    return order.index(a.value) > order.index(b.value)


def _definition(line: Line) -> tuple[str, str]:
    if line.kind not in ("definition", "claim") or len(line.parts) != 2:
        raise NotationError("a definition is written name := expression", line.text, (0, len(line.text)))
    return line.parts[0][0].strip(), line.parts[1][0]


def _made(line: Line, found: Verdict, evidence: str) -> ValidatedStep:
    return ValidatedStep(found, line.text, line.span, line.number, evidence, found.counterexample)


def _shape_step(line: Line, side: Side) -> ValidatedStep:
    message = str(side.error).splitlines()[0]
    return replace(_made(line, verdict("wrong", reason=message), message), diagnosis=Diagnosis("shape", message))


_KINDS = {
    "declaration": Reader._declaration,
    "definition": Reader._definition,
    "expression": Reader._expression,
    "other": Reader._other,
    "claim": Reader._claim,
    "continued": Reader._continued,
}
