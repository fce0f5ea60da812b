"""How the calculus behaves as a program: memory, threads, processes, hash seeds."""

from __future__ import annotations

import copy
import functools
import gc
import multiprocessing
import os
import pickle
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest

import symml as sml
from symml.calculus import nodes
from symml.language import base

WHERE = (
    "X: n x d, y: n, w: d, lam > 0, S: n x n spd, A: n x n, W: d x k, Y: n x k one-hot rows, s: n in {-1,1}, V: n x k, "
    "M: n x d mask, U: d x k"
)
OBJECTIVES = [
    ("1/2*||X w - y||^2 + lam/2*||w||^2", "w"), ("sum(log(1 + exp(-s .* (X w))))", "w"), ("logsumexp(X w)", "w"),
    ("y' inv(S) y + logdet(S)", "S"), ("y' A y/(y' S y)", "y"), ("sum(logsumexp(X W)) - sum(Y .* (X W))", "W"),
    ("norm(M .* (X - V U'))^2", "U"), ("tr(A' A A)", "A"),
]  # fmt: skip


def prints(position: int) -> tuple[str, ...]:
    """What one derivation prints: gradient, LaTeX, steps."""
    text, wrt = OBJECTIVES[position]
    d = sml.derive(text, wrt=wrt, where=WHERE)
    return str(d.gradient), d.gradient.latex(), *(str(s) for s in d.steps), d.latex()


def interned() -> int:
    """Nodes that are alive; bounded caches are emptied first."""
    for o in gc.get_objects():
        if isinstance(o, functools._lru_cache_wrapper) and o.__module__.startswith("symml.forms"):
            o.cache_clear()
    gc.collect()
    return len(nodes._table) + len(base._table)


WARM = 30


@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_memory_is_flat(count):
    def work(k: int) -> None:
        text, _ = OBJECTIVES[k % 3]
        where = WHERE.replace("w: d", f"w{k}: d")
        assert (
            sml.derive(text.replace(" w", f" w{k}").replace("||w|", f"||w{k}|"), wrt=f"w{k}", where=where).gradient
            is not None
        )

    for k in range(WARM):
        work(k)
    before = interned()
    for k in range(WARM, WARM + count):
        work(k)
    assert interned() < before + 60


def test_eight_threads_print_the_same():
    alone = [prints(k) for k in range(len(OBJECTIVES))]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(prints, [k % len(OBJECTIVES) for k in range(3 * len(OBJECTIVES))]))
    assert together == alone * 3


def test_spawned_process_reads_an_expression():
    e = sml.parse("1/2*||X w - y||^2 + tr(inv(S) A)", where=WHERE)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert pool.submit(str, e).result() == str(e)
        assert pool.submit(copy.copy, e).result() is e


def test_pickle_and_copy_give_the_same_object():
    e = sml.derive(*OBJECTIVES[0], where=WHERE).gradient
    assert pickle.loads(pickle.dumps(e)) is e
    assert copy.deepcopy(e) is e


SCRIPT = f"""
import sys
sys.path.insert(0, {os.path.dirname(__file__)!r})
from test_conduct import OBJECTIVES, prints
for k in range(len(OBJECTIVES)):
    print(*prints(k), sep="\\n")
"""


def test_two_hash_seeds_print_the_same():
    found = []
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"}
        run = subprocess.run(
            [sys.executable, "-c", SCRIPT], capture_output=True, env=environment, timeout=120, check=False
        )
        assert run.returncode == 0, run.stderr.decode()[-2000:]
        found.append(run.stdout.decode())
    assert found[0] == found[1]
    assert "Xᵀ" in found[0]
