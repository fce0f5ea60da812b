"""The source is read: layers, circles, imports in functions, lengths, docstrings, dead rows, what lies where."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "symml"
MODULES = sorted(PACKAGE.rglob("*.py"))

# lowest first; rooms on one line stand side by side and do not know each other
LAYERS = (
    ("errors", "registry", "records", "libraries"), ("language", "calculus"), ("notation",), ("forms",), ("codegen",),
    ("checking",), ("derivation", "matrices"), ("fitting",), ("statistics",), ("validation",), ("reporting",), ("api",),
    ("demonstration",), ("commands", "cli", "__main__"),
)  # fmt: skip
RANK = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}
STRANGERS = {("language", "calculus"), ("calculus", "language"), ("calculus", "notation"), ("notation", "calculus")}
OPTIONAL = {"matplotlib", "pandas"}  # third-party back ends that may be imported when they are first needed
LONGEST_FILE, LONGEST_FUNCTION = 400, 60
LONG_FILES: dict[str, str] = {}  # file: reason


def name_of(path: Path) -> str:
    """Dotted name of a module."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room(module: str) -> str:
    """The room of a module: the part after the package name."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "api"


PATHS = {name_of(path): path for path in MODULES}
TREES = {name_of(path): ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}


@cache
def imports(module: str) -> tuple[tuple[str, str], ...]:
    """Modules imported at run time, each with the function in which the import stands, if any."""
    found: list[tuple[str, str]] = []
    waiting: list[tuple[ast.AST, str]] = [(TREES[module], "")]
    while waiting:
        node, inside = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        if isinstance(node, ast.Import):
            found += [(a.name, inside) for a in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [f"{node.module}.{a.name}" for a in node.names]
            found += [(n if n in TREES else node.module, inside) for n in names]
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            inside = node.name
        if isinstance(node, (ast.stmt, ast.Module)):
            waiting += [(child, inside) for child in ast.iter_child_nodes(node)]
    return tuple(found)


@cache
def ours(module: str) -> frozenset[str]:
    """Modules of the package that a module imports."""
    return frozenset(m for m, _ in imports(module) if m.split(".")[0] == "symml" and m in TREES)


@pytest.mark.parametrize("module", TREES)
def test_imports_point_down(module):
    here = room(module)
    assert here in RANK, f"{here} is no layer: add it to LAYERS"
    for other in sorted(ours(module)):
        there = room(other)
        assert RANK[there] <= RANK[here], f"{module} imports {other}, which stands above it"
        assert (here, there) not in STRANGERS, f"{module} imports {other}: these rooms do not know each other"


def test_no_circles():
    waiting = {module: ours(module) - {module} for module in TREES}
    while waiting:
        ready = [m for m, below in waiting.items() if not below & waiting.keys()]
        assert ready, f"a circle of imports among {sorted(waiting)}"
        for m in ready:
            del waiting[m]


@pytest.mark.parametrize("module", TREES)
def test_no_imports_inside_functions(module):
    inside = [(m, f) for m, f in imports(module) if f and m.split(".")[0] not in OPTIONAL]
    assert inside == []


@pytest.mark.parametrize("module", TREES)
def test_lengths(module):
    lines = PATHS[module].read_text(encoding="utf-8").count("\n")
    assert lines <= LONGEST_FILE or module in LONG_FILES, f"{lines} lines"
    for node in ast.walk(TREES[module]):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            length = (node.end_lineno or 0) - body[0].lineno + 1 if body else 0
            assert length <= LONGEST_FUNCTION, f"{node.name} has {length} lines"


@pytest.mark.parametrize("module", TREES)
def test_public_things_have_docstrings(module):
    tree = TREES[module]
    if PATHS[module].name != "__init__.py" or tree.body:
        assert ast.get_docstring(tree), "no docstring of the module"
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            assert ast.get_docstring(node), node.name
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for method in node.body:
                if isinstance(method, ast.FunctionDef) and not method.name.startswith("_"):
                    assert ast.get_docstring(method), f"{node.name}.{method.name}"


def test_user_text_is_never_run():
    calls = [
        (module, node.lineno)
        for module, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "eval"
    ]
    assert calls == []


def test_no_path_of_a_machine():
    pattern = re.compile(r"(?<![\w./:])/(home|root|tmp|opt|work|Users)/\w|\.\./shared")
    suffixes = (".py", ".md", ".toml", ".json", ".tex")
    texts = [p for p in ROOT.rglob("*") if p.suffix in suffixes and not _generated(p.relative_to(ROOT))]
    found = [
        f"{p.relative_to(ROOT)}:{number}"
        for p in texts
        if p != Path(__file__)
        for number, line in enumerate(p.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


def _generated(path: Path) -> bool:
    """What tools and commands leave behind: dot folders, builds, caches, the output of the demo."""
    return any(
        part.startswith(".") or part in ("build", "dist", "symml_demo", "__pycache__") or part.endswith(".egg-info")
        for part in path.parts
    )


def test_nothing_but_the_house_at_the_top():
    known = {"symml", "tests", "worked_examples", "README.md", "LICENSE", "pyproject.toml"}
    assert {p.name for p in ROOT.iterdir() if not _generated(Path(p.name))} == known


def test_no_module_is_dead():
    """Every module is imported by another one, discovered as a folder of records, or run."""
    used = {m for module in TREES for m in ours(module) if m != module}
    named = {text for tree in TREES.values() for text in strings(tree) if text.startswith("symml.")}
    folders = {m for m in named if f"{m}" in TREES}
    dead = [
        m
        for m in TREES
        if m not in used
        and m not in named
        and not any(m.startswith(f + ".") for f in folders)
        and not any(u.startswith(m + ".") for u in TREES)
        and room(m) not in ("cli", "__main__", "api")
        and TREES[m].body
        and not m.endswith("__init__")
    ]
    assert dead == []


def strings(tree: ast.Module) -> list[str]:
    """String constants of a module."""
    return [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)]


def test_every_private_function_is_used():
    """Dead rows: a private name of a module that nothing in it mentions."""
    dead = []
    elsewhere = {
        a.name for tree in TREES.values() for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) for a in n.names
    }
    for module, tree in TREES.items():
        mentioned = [n.id for n in ast.walk(tree) if isinstance(n, ast.Name)] + [
            n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)
        ]
        for node in tree.body:
            named = isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("__")
            private = named and node.name.startswith("_")
            if private and node.name not in mentioned and node.name not in elsewhere:
                dead.append(f"{module}.{node.name}")
    assert dead == []
