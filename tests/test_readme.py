"""The README's two commands: exactly two, the ones the fresh-clone script runs, and true."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def quick_start():
    """Return the lines that begin with ``$ `` in the only console block under the heading Quick start."""
    section = re.search(r"^#+ Quick start\n(.*?)(?=^#)", README, re.MULTILINE | re.DOTALL).group(1)
    blocks = re.findall(r"^```console\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 1
    return [line[2:] for line in blocks[0].splitlines() if line.startswith("$ ")]


def test_two_commands_install_and_run_the_demo_then_the_tests():
    first, second = quick_start()
    assert first.startswith("python3 -m venv")
    assert "pip install ." in first
    assert first.endswith("symml demo")
    assert "pip install '.[test]'" in second
    assert "pytest" in second


@pytest.mark.skipif(shutil.which("bash") is None, reason="the script is for bash")
def test_the_fresh_clone_script_runs_these_commands():
    script = ROOT / ".ci" / "fresh_clone"
    assert os.access(script, os.X_OK)
    found = subprocess.run([script, "--show"], capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout.splitlines() == quick_start()


def test_pictures_and_links_exist():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("http") or (ROOT / target).exists(), target


def test_blocks_of_python_are_transcripts_that_the_tests_run():
    blocks = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert blocks
    assert all(block.startswith(">>> ") and block.endswith("\n\n") for block in blocks)
