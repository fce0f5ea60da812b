"""What a validation returns: one step a line, each with a verdict, its evidence, and a diagnosis where it is wrong."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import Any

from symml.records import Counterexample, Verdict

KINDS = (
    "factor", "sign", "transpose", "lost term", "extra term", "wrong exponent", "wrong denominator", "product order",
    "chain-rule factor missing", "index error", "dropped n", "inverse missing", "constraint ignored", "shape", "other",
)  # fmt: skip


@dataclass(frozen=True)
class Diagnosis:
    """Why a step is wrong.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    message : str
        The cause in words, with what was observed.
    correction : str
        What should stand there, as text that reads back; empty when it is not known.
    """

    kind: str
    message: str
    correction: str = ""

    def __post_init__(self) -> None:
        assert self.kind in KINDS, self.kind

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}" + (f" Expected {self.correction}" if self.correction else "")


@dataclass(frozen=True)
class ValidatedStep:
    """One line of a derivation and what was found about it.

    Attributes
    ----------
    verdict : Verdict
    claim : str
        The line as written.
    span : tuple of int
        Where it stands in the source.
    line : int
        Its line in the source, counted from 1.
    evidence : str
        How the verdict was reached, or why there is none.
    counterexample : Counterexample or None
    diagnosis : Diagnosis or None
        Of a wrong step.
    """

    verdict: Verdict
    claim: str
    span: tuple[int, int]
    line: int
    evidence: str
    counterexample: Counterexample | None = None
    diagnosis: Diagnosis | None = None

    def __str__(self) -> str:
        told = str(self.diagnosis) if self.diagnosis else self.evidence
        return f"line {self.line:<4} {self.claim:<40} {self.verdict:<10} {told}"


@dataclass(frozen=True)
class Validation:
    """Result of `validate`.

    Attributes
    ----------
    steps : tuple of ValidatedStep
        One for each line of the block, in order from 0.
    source : str
    line : int
        Line of the file at which the block starts, counted from 1.
    """

    steps: tuple[ValidatedStep, ...]
    source: str = field(repr=False, default="")
    line: int = 1

    @property
    def verdict(self) -> Verdict:
        """Wrong if any step is, else unchecked, else holds if any is, else proved; unchecked without steps."""
        found = {s.verdict.value for s in self.steps}
        for word in ("wrong", "unchecked", "holds"):
            if word in found:
                return next(s.verdict for s in self.steps if s.verdict.value == word)
        return self.steps[0].verdict if self.steps else Verdict.unchecked

    @property
    def first_wrong(self) -> int | None:
        """Index of the first wrong step, or None."""
        return next((k for k, s in enumerate(self.steps) if s.verdict == "wrong"), None)

    def __bool__(self) -> bool:
        raise TypeError("a validation has four outcomes: use .verdict, or .first_wrong")

    def __str__(self) -> str:
        counts = [
            f"{sum(s.verdict == word for s in self.steps)} {word}" for word in ("proved", "holds", "wrong", "unchecked")
        ]
        shown = ", ".join(c for c in counts if not c.startswith("0 "))
        return "\n".join(
            [*(str(s) for s in self.steps), f"{len(self.steps)} step{'s' * (len(self.steps) != 1)}: {shown or 'none'}"]
        )

    __repr__ = __str__

    def to_dict(self) -> dict[str, Any]:
        """Return the validation as plain data."""
        rows = [
            {
                "verdict": str(s.verdict), "claim": s.claim, "span": list(s.span), "line": s.line,
                "evidence": s.evidence,
                "diagnosis": None if s.diagnosis is None else
                {"kind": s.diagnosis.kind, "message": s.diagnosis.message, "correction": s.diagnosis.correction},
            }
            for s in self.steps
        ]  # fmt: skip
        return {"verdict": str(self.verdict), "first_wrong": self.first_wrong, "line": self.line, "steps": rows}

    def to_html(self) -> str:
        """Return a table of the steps as an HTML fragment."""
        rows = "".join(
            f"<tr><td>{s.line}</td><td><code>{html.escape(s.claim)}</code></td><td>{s.verdict}</td>"
            f"<td>{html.escape(str(s.diagnosis) if s.diagnosis else s.evidence)}</td></tr>"
            for s in self.steps
        )
        return f'<table class="symml-validation">{rows}</table>'

    def _repr_html_(self) -> str:
        return self.to_html()
