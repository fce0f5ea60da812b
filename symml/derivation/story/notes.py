"""What a story says of declared structure: not used for the variable, and where it was used for a constant."""

from __future__ import annotations

from typing import Any

from symml.derivation.objective import untied_symbol
from symml.language.expressions import Symbol
from symml.language.names import unicode_name

INDEPENDENT = "the entries of {name} are taken as independent"
# the most telling fact first: the fact of a variable, and what is said of its unconstrained derivative
UNUSED = (
    ("diagonal", INDEPENDENT + ", those off its diagonal too"),
    ("symmetric", INDEPENDENT),
    ("lower triangular", INDEPENDENT + ", those above its diagonal too"),
    ("upper triangular", INDEPENDENT + ", those below its diagonal too"),
    ("orthogonal", INDEPENDENT + ": orthogonality is not used"),
    ("orthonormal columns", INDEPENDENT + ": that its columns are orthonormal is not used"),
    ("unit norm", INDEPENDENT + ": its norm is not used"),
    ("sums to one", INDEPENDENT + ", not as summing to one"),
    ("rows sum to one", INDEPENDENT + ", its rows not as summing to one"),
)
# a fact of a constant, and how it is written where it was used
USED = (
    ("identity", "{name} = I"),
    ("orthogonal", "{name}ᵀ {name} = I"),
    ("orthonormal columns", "{name}ᵀ {name} = I"),
    ("symmetric", "{name}ᵀ = {name}"),
    ("idempotent", "{name}² = {name}"),
    ("unit norm", "‖{name}‖ = 1"),
    ("rows sum to one", "{name} 𝟏 = 𝟏"),
    ("sums to one", "𝟏ᵀ {name} = 1"),
    ("sign", "{name} ⊙ {name} = 𝟏"),
    ("mask", "{name} ⊙ {name} = {name}"),
    ("centred", "𝟏ᵀ {name} = 0"),
)


def structure_note(variable: Any) -> str:
    """Return what is said with the derivative by a variable that has structure; "" without."""
    if not isinstance(variable, Symbol) or untied_symbol(variable) is variable:
        return ""
    facts = variable.facts
    return next((text.format(name=unicode_name(variable.name)) for fact, text in UNUSED if fact in facts), "")


def fact_note(symbol: Symbol) -> str:
    """Return how the most telling fact of a constant is written; "" if it has none that simplifies."""
    return next((text.format(name=unicode_name(symbol.name)) for fact, text in USED if fact in symbol.facts), "")
