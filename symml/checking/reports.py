"""What a check found: passed or not, how well, where, and how to see it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape

from symml.records import Counterexample, Verdict


@dataclass(frozen=True)
class CheckReport:
    """Result of a derivative check.

    Attributes
    ----------
    passed : bool or None
        None when no valid point was found; "cannot check" is never a pass.
    verdict : Verdict
        holds, wrong or unchecked; proved for `method="sympy"`.
    worst : float
        Largest relative error over all directions and points.
    points, evaluations : int
        Random points used, and evaluations of the function at hand.
    sizes : mapping
        Sizes of the dimensions.
    seed : int
        Reproduces the points.
    """

    passed: bool | None
    verdict: Verdict
    worst: float
    points: int
    evaluations: int
    sizes: Mapping[str, int]
    seed: int
    tolerance: float
    what: str = "gradient"
    located: str = ""
    counterexample: Counterexample | None = field(default=None, compare=False)
    method: str = "finite differences"

    def __bool__(self) -> bool:
        raise TypeError("a check has three outcomes: use .passed, which is None when nothing could be checked")

    def __str__(self) -> str:
        sizes = ", ".join(f"{name} = {value}" for name, value in self.sizes.items())
        if self.passed is None:
            return f"{self.what} unchecked: {self.verdict.reason}"
        if self.verdict == "proved":
            return f"{self.what} proved entry by entry by SymPy at {sizes or 'scalar size'}"
        if not self.points and self.located:
            return f"{self.what} claimed is WRONG: {self.located}"
        outcome = "agrees with" if self.passed else "DIFFERS from"
        points = f"{self.points} point{'' if self.points == 1 else 's'}"
        text = (
            f"{self.what} {outcome} {self.method}: worst relative error {self.worst:.1e} over {points} "
            f"({sizes or 'scalars'}; {self.evaluations} evaluations, seed {self.seed})"
        )
        return text + (f"; {self.located}" if self.located else "")

    def to_dict(self) -> dict[str, object]:
        """Return the report as plain data."""
        return {
            "passed": self.passed, "verdict": str(self.verdict), "worst": self.worst, "points": self.points,
            "evaluations": self.evaluations, "sizes": dict(self.sizes), "seed": self.seed, "what": self.what,
        }  # fmt: skip

    def to_html(self) -> str:
        """Return the report as an HTML fragment."""
        return f'<span class="symml">{escape(str(self))}</span>'

    _repr_html_ = to_html
