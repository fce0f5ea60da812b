"""Records that every room shares: verdicts, steps, counterexamples.

All are frozen dataclasses or enumerations; they hold facts and no behaviour beyond how they print.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from html import escape
from typing import Any


@dataclass(frozen=True)
class Counterexample:
    """A point at which two expressions differ: the values drawn, both sides, the seed."""

    values: Mapping[str, Any]
    left: Any
    right: Any
    relative_error: float
    seed: int = 0

    def __str__(self) -> str:
        given = ", ".join(f"{name} = {_short(value)}" for name, value in self.values.items())
        found = f"{_short(self.left)} against {_short(self.right)}"
        return f"at {given}: {found} (relative error {self.relative_error:.2g}, seed {self.seed})"


def _short(value: Any) -> str:
    text = str(value).replace("\n", "")
    return text if len(text) <= 120 else text[:117] + "..."


class Verdict(StrEnum):
    r"""Outcome of a comparison: proved, holds at random points, wrong, or unchecked.

    Attributes
    ----------
    ok : bool
        True for `proved` and `holds`. `bool(v)` raises: "unchecked" never counts as a pass.
    certificate : str
        How a `proved` or `holds` was reached.
    counterexample : Counterexample or None
        Of a `wrong`.
    reason : str
        Of an `unchecked`.

    Examples
    --------
    >>> from symml.records import Verdict
    >>> Verdict.proved.ok, Verdict("wrong").ok
    (True, False)
    """

    proved = "proved"
    holds = "holds"
    wrong = "wrong"
    unchecked = "unchecked"

    certificate: str
    counterexample: Counterexample | None
    reason: str

    @property
    def ok(self) -> bool:
        """Whether the comparison was proved or held at every random point."""
        return self.value in ("proved", "holds")

    def __bool__(self) -> bool:
        raise TypeError("a Verdict has four values: use .ok (proved or holds) or compare it explicitly")

    def __reduce_ex__(self, protocol: Any) -> Any:
        return verdict, (self.value, self.certificate, self.counterexample, self.reason)

    def __copy__(self) -> Verdict:
        return self

    def __deepcopy__(self, memo: Any) -> Verdict:
        return self


for _member in Verdict:
    _member.certificate, _member.counterexample, _member.reason = "", None, ""


def verdict(
    value: str, certificate: str = "", counterexample: Counterexample | None = None, reason: str = ""
) -> Verdict:
    """Return a Verdict that carries its evidence; it equals and hashes like the bare member."""
    member = Verdict(value)
    if not (certificate or counterexample or reason):
        return member
    found = str.__new__(Verdict, member.value)
    found._name_, found._value_ = member.name, member.value
    found.certificate, found.counterexample, found.reason = certificate, counterexample, reason
    return found


@dataclass(frozen=True, repr=False)
class Step:
    """One line of a derivation: a named rule applied at a place.

    Attributes
    ----------
    rule : str
        Name of the rule, such as ``d_inverse``.
    statement : str
        The rule in words, for a student.
    before, after : Expression or None
        What the line starts from and what it arrives at.
    text, latex : str
        The line as one-line Unicode and as LaTeX.
    verdict : Verdict
        Whether `before` and `after` agree.
    """

    rule: str
    statement: str
    before: Any
    after: Any
    text: str
    latex: str
    verdict: Verdict
    source: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.text:<60}  [{self.statement}]"

    def __repr__(self) -> str:
        return f"{self.text}  [{self.statement}; {self.verdict}]"

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex.replace('&', '')}$"

    def to_dict(self) -> dict[str, str]:
        """Return the step as plain data."""
        return {
            "rule": self.rule, "statement": self.statement, "text": self.text, "latex": self.latex,
            "verdict": str(self.verdict), "source": self.source,
        }  # fmt: skip

    def to_html(self) -> str:
        """Return the step as an HTML fragment."""
        return f'<span class="symml">\\({self.latex.replace("&", "")}\\) {escape(self.statement)}</span>'
