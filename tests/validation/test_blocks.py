"""Blocks of several lines: chains, definitions, equations, what cannot be checked, files."""

import pytest

import symml as sml

WHERE = "X: n x d full column rank, y: n, w: d, lambda > 0"


def verdicts(v):
    return [str(s.verdict) for s in v.steps]


def test_a_chain_with_definitions_is_proved_line_by_line():
    v = sml.validate(
        """
        J = ||X w - y||^2
          = (X w - y)'(X w - y)
          = w'X'X w - 2 y'X w + y'y
        grad_w J = 2 X'X w - 2 X'y
          = 2 X'(X w - y)
        """,
        where=WHERE,
    )
    assert verdicts(v) == ["proved"] * 5
    assert v.verdict == "proved"
    assert v.first_wrong is None


def test_the_first_wrong_line_is_located_and_later_lines_are_judged_by_themselves():
    v = sml.validate(
        "||X w - y||^2\n = (X w - y)'(X w - y)\n = w'X'X w - y'X w + y'y\n = w'X'X w - 2 y'X w + y'y", where=WHERE
    )
    assert verdicts(v) == ["proved", "proved", "wrong", "proved"]
    assert v.first_wrong == 2
    assert v.steps[2].diagnosis.kind == "factor"
    assert "agrees with the head" in v.steps[3].evidence


def test_a_line_that_follows_from_a_wrong_one_says_so():
    v = sml.validate("r := X w - y\ngrad_w (1/2 r'r) = X'X w + X'y\n = X'(X w + y)", where=WHERE)
    assert v.first_wrong == 1
    assert v.steps[1].diagnosis.kind == "sign"
    assert v.steps[2].verdict.ok
    assert "follows from the line before, which is wrong" in v.steps[2].evidence


def test_spans_point_into_the_source():
    source = "J := ||w||^2\n\n  so grad_w J = 2 w,\n"
    v = sml.validate(source, where="w: d")
    assert [source[slice(*s.span)] for s in v.steps] == ["J := ||w||^2", "grad_w J = 2 w"]
    assert [s.line for s in v.steps] == [1, 3]


def test_equations_follow_from_a_gradient_set_to_zero():
    v = sml.validate(
        "grad_w J = 2 X'(X w - y) + 2 lambda w = 0\n(X'X + lambda I) w = X'y\nŵ = inv(X'X + lambda I) X'y",
        where=WHERE, definitions="J := ||X w - y||^2 + lambda ||w||^2",
    )  # fmt: skip
    assert verdicts(v) == ["proved", "holds", "holds"]


def test_a_wrong_estimator_does_not_follow():
    v = sml.validate(
        "grad_w J = 2 X'(X w - y) = 0\nX'X w = X'y\nw = inv(X'X) X'X y'y",
        where=WHERE,
        definitions={"J": "||X w - y||^2"},
    )
    assert v.first_wrong == 2


def test_an_equation_for_a_free_symbol_is_not_called_wrong():
    v = sml.validate("w = inv(X'X) X'y", where=WHERE)
    assert v.verdict == "unchecked"
    assert "not an identity" in v.steps[0].evidence


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("KL >= 0", "inequality"),
        ("w ≈ y", "approximation"),
        ("grad_w J = 2 q'(X w - y)", "not declared"),
        ("grad_w J = 2 X'(X w -", "never closed"),
        ("∇J = 2 X'(X w - y)", "name the variable"),
    ],
)
def test_what_cannot_be_checked_is_never_a_pass(line, words):
    v = sml.validate(f"{line}\ngrad_w J = 2 X'(X w - y)", where=WHERE, definitions={"J": "||X w - y||^2"})
    assert v.steps[0].verdict == "unchecked"
    assert words in v.steps[0].evidence
    assert v.steps[1].verdict == "proved"
    assert v.verdict == "unchecked"


def test_the_transcript_of_a_wrong_gradient():
    v = sml.validate(
        "grad_w J = X'(X w - y) + lambda w", where="X: n x d, y: n, w: d, lambda > 0",
        definitions={"J": "||X w - y||^2 + lambda ||w||^2"},
    )  # fmt: skip
    found = v.steps[0].diagnosis
    assert (str(v.verdict), v.first_wrong, found.kind) == ("wrong", 0, "factor")
    assert found.message.startswith("the claim is 1/2 of the truth in every entry at ")
    assert "random points: a factor 2 is missing" in found.message
    assert found.correction == "2 Xᵀ (X w − y) + 2 λ w"
    assert "at X =" in v.steps[0].evidence
    assert v.steps[0].counterexample is not None
    assert max(abs(float(e)) for e in v.steps[0].counterexample.values["w"]) < 10


def test_a_transposed_claim_is_named():
    v = sml.validate("grad_w J = 2 (X w - y)'X", where=WHERE, definitions={"J": "||X w - y||^2"})
    assert v.steps[0].diagnosis.message == "your answer is the transpose: the gradient has the shape d, yours is 1×d."


def test_an_identity_takes_its_size_from_the_other_side():
    v = sml.validate("hess_w f = 2 I", where="X: n x d, w: d", definitions={"f": "w'w"})
    assert v.verdict == "proved"


def test_a_domain_is_part_of_the_evidence():
    v = sml.validate("log(a b) = log(a) + log(b)", where="a, b")
    assert v.verdict == "holds"
    assert "not finite where the other side is" in v.steps[0].evidence


def test_dimensions_are_told_apart():
    assert sml.validate("trace(X'X) = sum(X .* X)", where=WHERE).verdict.ok
    assert sml.validate("trace(eye(d)) = d", where=WHERE).verdict.ok
    assert sml.validate("trace(eye(d)) = n", where=WHERE).verdict == "wrong"


def test_declarations_inside_a_block():
    v = sml.validate("X: n x d, y: n, w: d\nJ := 1/2*||X w - y||^2\ngrad_w J = X'(X w - y)")
    assert verdicts(v) == ["proved"] * 3


def test_latex_is_refused_with_a_way_out():
    with pytest.raises(sml.NotSupportedError, match="text only for now"):
        sml.validate(r"\nabla_w J = 2 X^\top (X w - y)", where=WHERE)


def test_a_validation_has_no_truth_value_and_plain_data():
    v = sml.validate("w'w = ||w||^2", where="w: d")
    with pytest.raises(TypeError):
        bool(v)
    assert v.to_dict()["verdict"] == "proved"
    assert "<table" in v.to_html()
    assert "1 step: 1 proved" in str(v)


def test_files_of_markdown(tmp_path):
    path = tmp_path / "notes.md"
    path.write_text(
        "# Notes\n<!-- symml: X: n x d, y: n, w: d -->\n\n```symml\nJ := ||X w - y||^2\ngrad_w J = X'(X w - y)\n```\n"
        "text\n```symml\n(X w)' = w'X'\n```\n", encoding="utf-8",
    )  # fmt: skip
    first, second = sml.validate_file(path)
    assert (first.line, second.line) == (5, 10)
    assert first.first_wrong == 1
    assert second.verdict == "proved"


def test_files_that_are_not_read(tmp_path):
    with pytest.raises(sml.NotSupportedError):
        sml.validate_file(tmp_path / "a.tex")
    with pytest.raises(sml.DataError):
        sml.validate_file(tmp_path / "missing.md")
