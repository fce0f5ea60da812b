"""Cases of matrix calculus as data: declarations, values drawn from shapes and properties, expected values.

`expected_numpy`, `value_numpy` are expressions of our own data files, evaluated in a fixed namespace.
"""

from __future__ import annotations

import json
import re
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import scipy.linalg as sla
import scipy.special as sp

import symml as sml

FOLDER = Path(__file__).parent / "cases"
SIZES = {"n": 6, "m": 4, "p": 5, "d": 3, "k": 2, "h": 7, "q": 8}
WORDS = {
    "positive definite": "spd", "labels +-1": "in {-1,1}", "labels 0/1": "in {0,1}", "mask 0/1": "mask",
    "probability vector": "simplex", "counts": "nonnegative, integer", "large positive entries": "positive",
    "small entries": "", "squared distances": "nonnegative",
}  # fmt: skip


@cache
def cases() -> dict[str, dict[str, Any]]:
    """Every case by id: objective, declarations, variable, kind, expected value, layout."""
    found = {}
    for c in json.loads((FOLDER / "matrix_calculus.json").read_text(encoding="utf-8")):
        where = {name: _declaration(s["shape"], s["props"]) for name, s in c["symbols"].items()}
        found[c["id"]] = {
            "text": c["f_text"], "where": where, "wrt": c["wrt"], "kind": c["kind"], "value": c["expected_numpy"],
            "layout": c.get("structure", "unconstrained"), "hints": {n: s["props"] for n, s in c["symbols"].items()},
        }  # fmt: skip
    for c in json.loads((FOLDER / "reading.json").read_text(encoding="utf-8")):
        found[f"reading_{c['id']}"] = {
            "text": c["text"], "where": c["where"], "wrt": c["wrt"], "kind": c["kind"], "value": c["value_numpy"],
            "layout": "unconstrained", "hints": {},
        }  # fmt: skip
    return found


def _declaration(shape: list[str], words: list[str]) -> str:
    named = [WORDS.get(w, w) for w in words]
    named = [w for w in named if w and not (w == "symmetric" and "spd" in named)]
    return ", ".join([*([" x ".join(shape)] if shape else []), *dict.fromkeys(named)]) or "in R"


@cache
def derived(name: str) -> tuple[Any, Any]:
    """The derivation of a case and its result."""
    c = cases()[name]
    d = sml.derive(c["text"], wrt=c["wrt"], where=c["where"], layout=c["layout"])
    return d, getattr(d, c["kind"])


def values(name: str) -> tuple[dict[str, Any], dict[str, int]]:
    """Values of the symbols of a case and sizes of its dimensions."""
    c = cases()[name]
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    table = sml.parse("0", where=c["where"])  # declarations are read, nothing is evaluated
    assert str(table) == "0"
    found: dict[str, Any] = {}
    sizes: dict[str, int] = {}
    for symbol, declared in c["where"].items():
        words = {w.strip() for w in re.split(r",\s*(?![^{]*})", declared)} | set(c["hints"].get(symbol, ()))
        if "dimension" in words:
            sizes[symbol] = SIZES[symbol]
            continue
        shape = _shape(declared)
        sizes |= {d: SIZES[d] for d in shape if not d.isdigit()}
        found[symbol] = _draw(rng, tuple(int(d) if d.isdigit() else SIZES[d] for d in shape), words)
    return found, sizes


def _shape(declared: str) -> tuple[str, ...]:
    first = declared.split(",")[0].strip()
    if not re.fullmatch(r"\w+( x \w+)*", first) or first in ("positive", "negative", "nonnegative"):
        return ()
    return tuple(first.split(" x "))


def _draw(rng: np.random.Generator, shape: tuple[int, ...], words: set[str]) -> Any:
    v = 0.7 * rng.standard_normal(shape)
    if words & {"spd", "positive definite", "psd"}:
        return v @ v.T + 0.7 * np.eye(shape[0])
    if "squared distances" in words:
        z = rng.standard_normal((shape[0], 2))
        return ((z[:, None] - z[None]) ** 2).sum(2)
    if "symmetric" in words:
        return (v + v.T) / 2
    if "invertible" in words:
        return np.eye(shape[0]) + 0.3 * v
    rules = {
        "large positive entries": lambda: rng.uniform(3, 5, shape), "small entries": lambda: 0.2 * v,
        "positive": lambda: rng.uniform(0.5, 2, shape), "> 0": lambda: rng.uniform(0.5, 2, shape),
        "in (0,1)": lambda: rng.uniform(0.15, 0.85, shape), "in {-1,1}": lambda: rng.choice([-1.0, 1.0], shape),
        "in {0,1}": lambda: rng.choice([0.0, 1.0], shape), "counts": lambda: rng.poisson(2.0, shape).astype(float),
        "mask": lambda: rng.choice([0.0, 1.0], shape),
        "one-hot rows": lambda: np.eye(shape[1])[rng.integers(shape[1], size=shape[0])],
        "simplex": lambda: sp.softmax(v),
    }  # fmt: skip
    found = next((draw() for word, draw in rules.items() if word in words), v)
    return found if shape else float(found)


def expected(name: str, given: dict[str, Any], sizes: dict[str, int]) -> Any:
    """Value of the derivative, by the NumPy expression of the case."""
    return np.asarray(eval(cases()[name]["value"], {"np": np, "sp": sp, "sla": sla, **sizes, **given}), float)


def close(got: Any, want: Any, tolerance: float = 1e-7) -> bool:
    """Whether two arrays agree relative to the largest entry, axes of size 1 aside."""
    got, want = np.squeeze(np.asarray(got, float)), np.squeeze(np.asarray(want, float))
    return got.shape == want.shape and bool(
        np.max(np.abs(got - want), initial=0) <= tolerance * (np.max(np.abs(want), initial=0) or 1)
    )
