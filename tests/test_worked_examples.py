"""Every worked example runs to its closing assertions."""

import runpy
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "worked_examples"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda p: p.stem)
def test_example(path, capsys):
    runpy.run_path(str(path))
