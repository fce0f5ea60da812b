"""Random objectives over the whole vocabulary: no derivative is wrong, refusals are rare and say why."""

from __future__ import annotations

from collections import Counter

import pytest
from exact_values import CALLS, ENTRIES
from fuzzing import examine

from symml.language.function import functions

SHORT, LONG, BLOCK = 500, 10_000, 500
EVERY = 10  # of these one is also printed, read back, compiled and narrated
REFUSED = 0.01  # share of refusals


def test_the_evaluator_knows_every_function():
    known = {*CALLS, *ENTRIES}
    unknown = [name for name, f in functions().items() if f.kind != "spelling" and name not in known]
    assert not unknown, unknown


def judged(first, count):
    """Findings and the outcomes of a run of seeds."""
    outcomes, findings = Counter(), []
    for seed in range(first, first + count):
        status, found = examine(seed, deep=seed % EVERY == 0)
        outcomes[status.split(":")[0].split(" in ")[0].split(" ")[0]] += 1
        findings += map(str, found)
    return outcomes, findings


def demand(outcomes, findings):
    assert not findings, "\n".join(findings)
    total = sum(outcomes.values())
    refused = sum(outcomes[name] for name in ("MissingRuleError", "NotSupportedError", "DomainError"))
    assert refused <= REFUSED * total, outcomes
    assert outcomes["judged"] >= 0.75 * total, outcomes


@pytest.mark.parametrize("first", range(0, SHORT, 100))
def test_random_derivatives(first):
    demand(*judged(first, 100))


def test_rounding_noise_is_not_a_counterexample():
    """A saturated softmax: the second derivative is what cancellation left of zero."""
    assert examine(20011)[0] == "judged"


@pytest.mark.slow
@pytest.mark.parametrize("first", range(SHORT, LONG, BLOCK))
def test_many_random_derivatives(first):
    demand(*judged(first, BLOCK))
