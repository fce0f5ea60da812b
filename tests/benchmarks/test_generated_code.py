"""Generated functions keep up with hand-written NumPy, with a margin for busy machines."""

import importlib.util
import sys
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location("generated_code", Path(__file__).with_name("generated_code.py"))
generated_code = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = generated_code
_spec.loader.exec_module(generated_code)

MARGIN = 1.5


@pytest.mark.slow
@pytest.mark.parametrize("make", generated_code.PROBLEMS, ids=lambda make: make.__name__)
def test_generated_code_is_about_as_fast_as_hand_written(make):
    problem = make()
    _, best, _ = generated_code.ratios(problem, problem.sizes[-1], rounds=5)
    assert best <= MARGIN * problem.bar


@pytest.mark.slow
@pytest.mark.parametrize("make", generated_code.PROBLEMS, ids=lambda make: make.__name__)
def test_small_inputs_cost_a_few_microseconds_more_at_most(make):
    problem = make()
    _, best, hand = generated_code.ratios(problem, problem.sizes[0])
    assert best <= MARGIN * (1 + 5e-3 / hand)
