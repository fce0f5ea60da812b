"""What a decomposition is made of: the method's row, what it found, and the result that is handed out."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from symml.errors import NotSupportedError
from symml.matrices.exact import Matrix, same, worst
from symml.matrices.writing import latex, text, words
from symml.records import Step, Verdict

SHOWN = {"W": ("V⁻¹", "V^{-1}")}  # factors that are written in terms of another one
Side = tuple[str, ...]  # names of factors; a prime transposes, I is the identity, 0 the zero matrix
Equation = tuple[Side, Side]


@dataclass(frozen=True)
class Found:
    """Factors, facts, conditions and steps of one matrix, with the equations that the factors satisfy."""

    factors: Mapping[str, Matrix]
    equations: tuple[Equation, ...]
    steps: tuple[Step, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
    conditions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Method:
    """One way to take a matrix apart.

    Attributes
    ----------
    name : str
        What the user asks for.
    statement : str
        What comes out, in words.
    run : callable
        Exact matrix -> Found.
    """

    name: str
    statement: str
    run: Callable[[Matrix], Found]
    source: str = ""


@dataclass(frozen=True)
class Decomposition:
    """What `symml.decompose` returns: exact factors by name (`result.L`), the steps, and a check by multiplication.

    Attributes
    ----------
    method : str
    matrix : SymPy matrix
        What was decomposed, with exact entries.
    factors : mapping
        Exact matrices by name: L, U, P of "lu"; Q, R of "qr"; L of "cholesky"; V, D and W = V⁻¹ of "eigen"; U, S, V
        of "svd";
        R of "rref"; N of "nullspace". Each is an attribute as well.
    facts : mapping
        What else was found: rank, pivots, basis, eigenvalues, ... Each is an attribute as well.
    steps : tuple of Step
        Rule, statement in words, matrix before and after, verdict.
    conditions : tuple of str
        What must hold of the symbols in the entries.
    """

    method: str
    statement: str
    matrix: Matrix
    factors: Mapping[str, Matrix]
    equations: tuple[Equation, ...]
    steps: tuple[Step, ...]
    facts: Mapping[str, Any]
    conditions: tuple[str, ...] = ()
    source: str = ""

    def __getattr__(self, name: str) -> Any:
        found = {**self.__dict__.get("factors", {}), **self.__dict__.get("facts", {})}
        if name in found:
            return found[name]
        raise AttributeError(
            f"the {self.__dict__.get('method', '')} decomposition has no {name!r}; it has {', '.join(found)}"
        )

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.factors, *self.facts})

    def check(self) -> Verdict:
        """Multiply the factors out, exactly, and compare: P A = L U, QᵀQ = I, ..."""
        return worst([self._holds(e) for e in self.equations])

    def _holds(self, equation: Equation) -> Verdict:
        left, right = equation
        product = self._product(left, None)
        return same(product, self._product(right, product.shape), f"{written(equation)} by exact multiplication")

    def _product(self, side: Side, shape: tuple[int, int] | None) -> Matrix:
        known = {"A": self.matrix, **self.factors}
        if shape is not None and side == ("0",):
            return sp.zeros(*shape)
        if shape is not None and side == ("I",):
            return sp.eye(shape[0])
        found = None
        for name in side:
            matrix = known[name.rstrip("'")]
            matrix = matrix.T if name.endswith("'") else matrix
            found = matrix if found is None else found * matrix
        return found

    @property
    def equation(self) -> str:
        """The decomposition as a line of text, such as ``P A = L U``."""
        return written(self.equations[0])

    def __str__(self) -> str:
        lines = [f"{self.equation}, A = {text(self.matrix)}"]
        lines += [f"{_written_name(name)} = {text(value)}" for name, value in self.factors.items() if value.cols]
        lines += [_fact(name, value) for name, value in self.facts.items()]
        lines += [f"condition: {c}" for c in self.conditions]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def latex(self) -> str:
        r"""Return an ``align*`` environment with every step and the factors."""
        rows = [rf"A &= {latex(self.matrix)}"]
        rows += [rf"{aligned(s.latex)} && \text{{{words(s.statement)}}}" for s in self.steps]
        rows += [rf"{_latex_name(name)} &= {latex(value)}" for name, value in self.factors.items() if value.cols]
        return "\\begin{align*}\n" + " \\\\\n".join(rows) + "\n\\end{align*}"

    def _repr_latex_(self) -> str:
        return self.latex()

    def to_html(self) -> str:
        """Return an HTML fragment with the steps and the factors."""
        items = [
            rf"<li>\({html.escape(s.latex)}\) <span>{html.escape(s.statement)}</span> <em>{s.verdict}</em></li>"
            for s in self.steps
        ]
        items += [
            rf"<li>\({_latex_name(name)} = {html.escape(latex(value))}\)</li>" for name, value in self.factors.items()
        ]
        start = f"<p>\\(A = {html.escape(latex(self.matrix))}\\)</p>"
        return f'<div class="symml-decomposition">{start}<ol>{"".join(items)}</ol></div>'

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return {
            "method": self.method,
            "equation": self.equation,
            "matrix": text(self.matrix),
            "factors": {name: text(value) for name, value in self.factors.items()},
            "facts": {name: _shown(value) for name, value in self.facts.items()},
            "conditions": list(self.conditions),
            "verdict": str(self.check()),
            "steps": [
                {"rule": s.rule, "statement": s.statement, "text": s.text, "latex": s.latex, "verdict": str(s.verdict)}
                for s in self.steps
            ],
        }


def decomposition(method: Method, matrix: Matrix) -> Decomposition:
    """Return the result of a method on an exact matrix; of conditional kinds the facts say what holds."""
    found = method.run(matrix)
    return Decomposition(
        method.name,
        method.statement,
        matrix,
        found.factors,
        found.equations,
        found.steps,
        found.facts,
        found.conditions,
        method.source,
    )


def real(matrix: Matrix, what: str) -> None:
    """Refuse complex entries."""
    if matrix.has(sp.I):
        raise NotSupportedError(f"{what} of a matrix with complex entries is not supported yet")


def written(equation: Equation) -> str:
    """Return an equation between products as text."""
    return " = ".join(" ".join(_written_name(name).replace("'", "ᵀ") for name in side) for side in equation)


def _written_name(name: str) -> str:
    return SHOWN.get(name, (name, name))[0]


def _latex_name(name: str) -> str:
    return SHOWN.get(name, (name, name))[1]


def aligned(line: str) -> str:
    """Return a line of LaTeX with its first relation marked for alignment."""
    for relation in (" = ", r" \longrightarrow ", r" \implies "):
        if relation in line:
            return line.replace(relation, relation.replace(" ", " &", 1), 1)
    return "& " + line


def _fact(name: str, value: Any) -> str:
    """A line of text; columns are counted from 1, as in the steps."""
    if name in ("pivots", "free"):
        return f"{name.removesuffix('s')} columns: {', '.join(str(k + 1) for k in value) or 'none'}"
    return f"{name.replace('_', ' ')}: {_shown(value)}"


def _shown(value: Any) -> str:
    if isinstance(value, (tuple, list)):
        return ", ".join(_shown(v) for v in value) or "none"
    return text(value) if isinstance(value, (sp.Basic, sp.MatrixBase)) else str(value)
