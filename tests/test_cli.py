"""The command line: answers, files, exit status, and what it must not import."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import symml as sml
from symml import cli
from symml.commands.command import status_of
from symml.records import verdict

RIDGE = ["||X w - y||^2 + lam*||w||^2", "--wrt", "w", "--where", "X: n x d, y: n, w: d, lam > 0"]
DATA = Path(__file__).parent.parent / "worked_examples" / "data"
HEAVY = ("sympy", "numpy", "scipy", "matplotlib")


@pytest.fixture
def symml(capsys):
    def run(*arguments):
        try:
            status = cli.main(list(arguments))
        except SystemExit as stop:
            status = stop.code
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return SimpleNamespace(status=status, out=out, err=err)

    return run


def fresh(program, *arguments):
    """Run a program in a new interpreter."""
    return subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(("form", "expected"), [
    ("latex", r"2 X^{\top} (X w - y) + 2 \lambda w"),
    ("unicode", "2 Xᵀ (X w − y) + 2 λ w"),
])  # fmt: skip
def test_derive_prints_the_gradient(symml, form, expected):
    found = symml("derive", *RIDGE, "--as", form)
    assert (found.status, found.out, found.err) == (0, expected + "\n", "")


def test_derive_steps_end_with_the_result_and_its_check(symml):
    found = symml("derive", *RIDGE, "--steps")
    assert "r = X w − y" in found.out
    assert "proved" in found.out
    assert found.out.rstrip().splitlines()[-1].startswith("gradient agrees with finite differences")
    assert symml("derive", *RIDGE, "--steps", "--as", "latex").out.startswith(r"\begin{align*}")


def test_derive_json_holds_result_steps_and_check(symml):
    content = json.loads(symml("derive", *RIDGE, "--as", "json").out)
    assert content["text"] == "2 Xᵀ (X w − y) + 2 λ w"
    assert content["check"]["passed"] is True
    assert content["steps"]
    assert "def generated" in content["numpy"]


def test_derive_numpy_is_python_source(symml):
    compile(symml("derive", *RIDGE, "--as", "numpy").out, "<answer>", "exec")


@pytest.mark.parametrize(("arguments", "expected"), [
    (["X'(X w - y)", "--wrt", "w", "--where", RIDGE[4]], "Xᵀ X"),
    ([*RIDGE, "--result", "hessian"], "2 Xᵀ X + 2 λ I"),
    (["||X w||^2 + b^2", "--wrt", "w, b", "--where", "X: n x d, w: d, b"], "w: 2 Xᵀ X w\nb: 2 b"),
])  # fmt: skip
def test_derive_other_results(symml, arguments, expected):
    assert symml("derive", *arguments).out.rstrip() == expected


def test_output_goes_to_a_file(symml, tmp_path):
    target = tmp_path / "gradient.txt"
    found = symml("derive", *RIDGE, "-o", str(target))
    assert found.out == f"wrote {target}\n"
    assert target.read_text(encoding="utf-8") == "2 Xᵀ (X w − y) + 2 λ w\n"


@pytest.mark.parametrize(("arguments", "words"), [
    (["||X w - q||^2", *RIDGE[1:]], "'q' is not declared"),
    (["||X y||^2", *RIDGE[1:]], "cannot multiply X (n×d) by y (n)"),
    (["||X w - y", *RIDGE[1:]], "^"),
    ([*RIDGE[:2], "v", *RIDGE[3:]], "'v' does not occur"),
    ([*RIDGE, "--as", "mathml"], "mathml is not supported yet"),
    ([*RIDGE, "--as", "typst"], "typst is not supported yet"),
    ([*RIDGE, "-o", "/no/such/folder/file"], "/no/such/folder/file"),
    ([*RIDGE, "--as", "pdf"], "invalid choice"),
])  # fmt: skip
def test_what_cannot_be_read_is_status_2_and_one_message(symml, arguments, words):
    found = symml("derive", *arguments)
    assert (found.status, found.out) == (2, "")
    assert words in found.err


def test_a_fault_in_symml_is_status_1_and_asks_for_a_report(symml, monkeypatch):
    def broken(*arguments, **options):
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(sml, "derive", broken)
    found = symml("derive", *RIDGE)
    assert found.status == 1
    assert "fault in symml" in found.err
    with pytest.raises(ZeroDivisionError):
        cli.main(["derive", *RIDGE, "--traceback"])


@pytest.mark.parametrize(("verdicts", "strict", "status"), [
    ([], True, 0),
    (["proved", "holds"], True, 0),
    (["proved", "unchecked"], False, 0),
    (["proved", "unchecked"], True, 3),
    (["unchecked", "wrong"], True, 1),
])  # fmt: skip
def test_exit_status_of_verdicts(verdicts, strict, status):
    assert status_of([verdict(v) for v in verdicts], strict) == status


def test_an_unchecked_derivative_is_said_and_is_status_3_with_strict(symml):
    nowhere = ["log(-(x'x) - 1)", "--wrt", "x", "--where", "x: d"]
    found = symml("derive", *nowhere)
    assert found.status == 0
    assert "unchecked" in found.err
    assert symml("derive", *nowhere, "--strict").status == 3


def test_mle_prints_estimator_and_warnings(symml):
    found = symml("mle", "x ~ Normal(mu, sigma)")
    assert found.status == 0
    assert "mu = x_bar" in found.out
    assert "unbounded" in found.out
    assert json.loads(symml("mle", "x ~ Normal(mu, sigma)", "--as", "json").out)["estimator"]["mu"] == "x_bar"
    assert symml("mle", "x ~ Nonsense(a)").status == 2


def test_fit_reads_a_csv_file(symml):
    model = "failure ~ Bernoulli(sigmoid(b0 + b1*temperature_f))"
    found = symml("fit", str(DATA / "challenger.csv"), model)
    assert found.status == 0
    assert "15.0429" in found.out
    assert "7.3786" in found.out
    assert symml("fit", "no_such_file.csv", model).status == 2


def judged(*verdicts):
    """Return a stand-in for a validation whose steps have these verdicts."""
    steps = [
        SimpleNamespace(claim=f"claim {k}", verdict=verdict(v), line=k + 3, evidence="seen",
                        diagnosis="factor: a factor 2 is missing" if v == "wrong" else None)
        for k, v in enumerate(verdicts)
    ]  # fmt: skip
    return SimpleNamespace(steps=steps, line=10, to_dict=lambda: {"steps": len(steps)}, to_html=lambda: "<p>block</p>")


@pytest.mark.parametrize(("verdicts", "strict", "status", "closing"), [
    (["proved", "holds"], False, 0, "2 of 2 claims checked: 1 proved, 1 holds"),
    (["proved", "unchecked"], False, 0, "1 of 2 claims checked: 1 proved, 1 unchecked"),
    (["proved", "unchecked"], True, 3, "1 of 2 claims checked: 1 proved, 1 unchecked"),
    (["proved", "wrong", "unchecked"], True, 1, "2 of 3 claims checked: 1 proved, 1 wrong, 1 unchecked"),
])  # fmt: skip
def test_validate_and_report_count_and_answer(symml, monkeypatch, tmp_path, verdicts, strict, status, closing):
    monkeypatch.setitem(vars(sml), "validate_file", lambda path, **options: [judged(*verdicts)])
    extra = ["--strict"] if strict else []
    found = symml("validate", "notes.md", *extra)
    assert found.status == status
    assert found.out.splitlines()[-1] == closing
    if "wrong" in verdicts:
        assert "factor: a factor 2 is missing" in found.out
        assert "line 13" in found.out
    page = tmp_path / "notes.html"
    assert symml("report", "notes.md", "-o", str(page), *extra).status == status
    assert closing in page.read_text(encoding="utf-8")
    assert "<p>block</p>" in page.read_text(encoding="utf-8")
    content = json.loads(symml("validate", "notes.md", "--as", "json", *extra).out)
    assert content["summary"] == closing


NOTES = """# Ridge
<!-- symml: X: n x d, y: n, w: d, lam > 0 -->

```symml
J := ||X w - y||^2 + lam*||w||^2
grad_w J = X'(X w - y) + 2 lam*w
```
"""


def test_validate_finds_the_wrong_line_of_a_file(symml, tmp_path):
    notes = tmp_path / "notes.md"
    notes.write_text(NOTES, encoding="utf-8")
    found = symml("validate", str(notes))
    assert found.status == 1
    line = next(line for line in found.out.splitlines() if "grad_w J" in line)
    assert line.split()[:2] == ["line", "6"]
    assert "wrong" in line
    notes.write_text(NOTES.replace("= X'", "= 2 X'"), encoding="utf-8")
    assert symml("validate", str(notes), "--strict").status == 0


def test_notes_without_claims_are_no_pass(symml, tmp_path):
    notes = tmp_path / "notes.md"
    notes.write_text("# Nothing here\n", encoding="utf-8")
    found = symml("validate", str(notes))
    assert found.status == 2
    assert "holds no claims" in found.err


def test_doctor_checks_itself(symml):
    found = symml("doctor")
    assert found.status == 0
    assert "all well: 3 of 3" in found.out


def test_demo_prints_known_answers_and_writes_latex_and_figure(symml, tmp_path):
    found = symml("demo", "--out", str(tmp_path / "new"))
    assert found.status == 0
    lines = [line.split() for line in found.out.splitlines()]
    assert ["constant", "15.0429", "7.3786", "0.041"] in lines
    assert ["temperature", "-0.2322", "0.1082", "0.032"] in lines
    digits = [float(line[-1]) for line in lines if len(line) == 4 and line[0] in ("constant", "x1", "x6")]
    assert len(digits) == 4
    assert min(digits[0], digits[1], digits[2]) >= 9
    latex = (tmp_path / "new" / "derivation.tex").read_text(encoding="utf-8")
    assert latex.count(r"\begin{align*}") == latex.count(r"\end{align*}") == 2
    assert latex.rstrip().endswith(r"\end{document}")
    assert (tmp_path / "new" / "figure.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("command", [c.name for c in cli.commands()])
def test_every_command_explains_itself(symml, command):
    found = symml(command, "--help")
    assert found.status == 0
    assert "example:" in found.out
    assert "exit status" in found.out


def test_help_imports_neither_sympy_nor_numpy():
    program = f"""
import sys
from symml.cli import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
print("heavy:", [m for m in {HEAVY} if m in sys.modules])
"""
    for arguments in (["--help"], ["derive", "--help"], ["demo", "--help"], ["--version"]):
        assert fresh(program, *arguments).stdout.rstrip().endswith("heavy: []"), arguments


def test_import_symml_imports_neither_sympy_nor_numpy():
    assert fresh(f"import sys, symml; print([m for m in {HEAVY} if m in sys.modules])").stdout == "[]\n"


def test_a_gradient_needs_no_scipy_rooms_and_no_fitting():
    """What a fresh process imports is most of the time until the first answer."""
    program = (
        "import sys, symml; print(symml.derive('||X w - y||^2', wrt='w', where='X: n x d, y: n, w: d').gradient); "
        "rooms = ('scipy.linalg', 'scipy.special', 'scipy.stats', 'scipy.optimize', 'matplotlib', 'symml.fitting'); "
        "print([m for m in rooms if m in sys.modules])"
    )
    assert fresh(program).stdout.splitlines() == ["2 Xᵀ (X w − y)", "[]"]


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="CPU time of one child needs os.wait4")
def test_help_takes_little_time():
    child = subprocess.Popen([sys.executable, "-m", "symml", "--help"], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0
    assert usage.ru_utime + usage.ru_stime <= 0.35


def test_python_dash_m_from_another_folder(tmp_path):
    program = [sys.executable, "-m", "symml", "--version"]
    found = subprocess.run(program, capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert found.stdout == f"symml {sml.__version__}\n"


def test_command_modules_have_no_heavy_imports_at_their_top():
    folder = Path(cli.__file__).parent
    heavy = tuple(f"{word} {module}" for word in ("import", "from") for module in HEAVY)
    for path in [folder / "cli.py", *sorted((folder / "commands").glob("*.py"))]:
        lines = path.read_text(encoding="utf-8").splitlines()
        assert not [line for line in lines if line.startswith(heavy)], path
