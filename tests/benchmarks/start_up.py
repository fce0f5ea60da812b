"""How long a fresh process takes: the help, and the printed ridge gradient against the imports nobody can avoid.

    python tests/benchmarks/start_up.py [--repeat 7] [--strict]

Seconds of CPU (user and system) of a child process, the best of several runs in turn; `--strict` exits with 1 when a
bar is missed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile

RIDGE = (
    "import symml as sml; "
    "print(sml.derive('||X w - y||^2 + lam*||w||^2', wrt='w', where='X: n x d, y: n, w: d, lam > 0').gradient)"
)
PROGRAMS = {
    "imports": ["-c", "import sympy, numpy"],
    "ridge": ["-c", RIDGE],
    "help": ["-m", "symml", "--help"],
}
RIDGE_BAR = 1.6
HELP_BAR = 0.35


def cpu_seconds(arguments: list[str], cache: str) -> float:
    """Return user and system seconds of one Python process that may keep its bytecode, as an installed package does."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": cache}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    child = os.fork()
    if child == 0:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.execve(sys.executable, [sys.executable, *arguments], environment)
    _, status, usage = os.wait4(child, 0)
    if status:
        raise SystemExit(f"python {' '.join(arguments)} failed")
    return usage.ru_utime + usage.ru_stime


def measure(repeat: int) -> dict[str, float]:
    """Return the best time of each program; the runs alternate so that a busy machine is busy for all.

    The first round only fills the cache of bytecode.
    """
    with tempfile.TemporaryDirectory() as cache:
        rounds = [{name: cpu_seconds(run, cache) for name, run in PROGRAMS.items()} for _ in range(repeat + 1)]
    return {name: min(r[name] for r in rounds[1:]) for name in PROGRAMS}


def main() -> int:
    """Print the table and judge it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--strict", action="store_true")
    options = parser.parse_args()
    best = measure(options.repeat)
    ratio = best["ridge"] / best["imports"]
    print(f'python -c "import sympy, numpy"   {best["imports"]:.3f} s CPU')
    print(f"printed ridge gradient            {best['ridge']:.3f} s CPU   {ratio:.2f} of the imports (bar {RIDGE_BAR})")
    print(f"symml --help                      {best['help']:.3f} s CPU   (bar {HELP_BAR})")
    kept = ratio <= RIDGE_BAR and best["help"] <= HELP_BAR
    print("bars kept" if kept else "BAR MISSED")
    return 1 if options.strict and not kept else 0


if __name__ == "__main__":
    sys.exit(main())
