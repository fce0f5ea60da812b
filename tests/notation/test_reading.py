"""Reading text: precedence, spellings, inference, definitions, errors with a caret."""

import json
from pathlib import Path

import pytest
import sympy as sp

from symml.errors import DeclarationError, NotationError, ShapeError, SymmlError
from symml.language import operators as op
from symml.language.declarations import read_declarations
from symml.language.expressions import Action, BoundSum, Einstein, Mul, Where
from symml.language.indices import differential_of
from symml.notation.reader import parse, parse_program
from symml.notation.table import TABLE

CASES = json.loads((Path(__file__).parents[1] / "cases" / "notation.json").read_text(encoding="utf-8"))
WHERE = "X: n x d, y: n, w: d, u: n, v: n, A: n x n, B: n x n, C: d x d, S: n x n spd, lam > 0, tau > 0, a, b"
ROWS_WHERE = "A: n x n, B: n x n, u: n, v: n, a, b"


@pytest.mark.parametrize("case", CASES["objectives"], ids=lambda c: c["id"])
def test_objectives_are_read_and_read_back(case):
    found = parse(case["text"], case["where"])
    assert parse(str(found), case["where"]) is found


@pytest.mark.parametrize("case", CASES["prints"], ids=lambda c: c["id"])
def test_wanted_prints_are_fixed_points(case):
    assert str(parse(case["text"], case["where"])) == case["text"]


@pytest.mark.parametrize("row", TABLE, ids=lambda r: r.head)
def test_every_row_of_the_table_is_read_written_and_read_back(row):
    found = parse(row.sample, ROWS_WHERE)
    assert parse(str(found), ROWS_WHERE) is found
    assert found.latex()


@pytest.mark.parametrize(
    ("text", "bracketed"),
    [
        ("-a^2", "-(a^2)"),
        ("a - b - tau", "(a - b) - tau"),
        ("a/b*tau", "(a/b)*tau"),
        ("a/b/tau", "(a/b)/tau"),
        ("2^-a^2", "2^(-(a^2))"),
        ("a^b^2", "(a^b)^2"),
        ("a**b**2", "a**(b**2)"),
        ("u .* v ./ y", "(u .* v) ./ y"),
        ("u ./ X w", "u ./ (X w)"),
        ("u .* A v", "u .* (A*v)"),
        ("1/2 w'w", "(1/2)*(w'*w)"),
        ("lam/2 w'w", "(lam/2)*(w'*w)"),
        ("2 lam/tau A u", "2*(lam/tau)*(A*u)"),
        ("a/b/tau u", "((a/b)/tau)*u"),
        ("u'v/tau", "(u'v)/tau"),
        ("exp(a)/2 tr(A)", "(exp(a)/2)*tr(A)"),
        ("2/||u||^2 (A u - a u)", "(2/(||u||^2))*(A*u - a*u)"),
        ("1/2 u .* v", "((1/2) u) .* v"),
        ("-y .* (X w)", "(-y) .* (X*w)"),
        ("2 X'y", "2*(X')*y"),
        ("a*-b", "a*(-b)"),
        ("a - -b", "a + b"),
        ("A^T u", "A'*u"),
        ("A.T u", "A'*u"),
        ("X'X + lam I", "X'*X + lam*eye(d)"),
        ("A⁻ᵀ u", "inv(A)'*u"),
        ("A⁻¹ᵀ u", "(inv(A))'*u"),
        ("u^∘2ᵀ v", "(u.^2)'*v"),
        ("‖u‖² + ‖u‖₁", "norm(u)^2 + norm1(u)"),
        ("||u||_2 + ||u||_1 + ||A||_F", "norm(u) + norm1(u) + norm(A)"),
        ("||u|| ||v||", "norm(u)*norm(v)"),
        ("|a| |b|", "abs(a)*abs(b)"),
        ("||u||v||w||", "norm(u)*v*norm(w)"),
        ("σ(u) ⊙ v ⊘ y", "sigmoid(u) .* v ./ y"),
        ("A ⊗ 2 B", "kron(A, 2*B)"),
        ("½ a", "a/2"),
        ("a²b", "a^2*b"),
        ("a (b + tau)", "a*(b + tau)"),
        ("a(b + tau)", "a*(b + tau)"),
        ("X [w > 0]", "X*[w > 0]"),
        ("X[w > 0]", "X*[w > 0]"),
        ("λ τ", "lam*tau"),
        ("\\lambda u", "lam*u"),
        ("1.*u", "1 .* u"),
        ("0.1 u", "1/10*u"),
        ("w'w\n + tau", "w'w + tau"),
        ("A − B", "A - B"),
        ("2.5e-1 a", "a/4"),
        ("I u", "eye(n)*u"),
        ("Iₙ + A", "A*0 + eye(n) + A"),
        ("y'𝟏", "y'*ones(n)"),
        ("𝟏ₙ", "ones(n)"),
        ("X[1]", "X[1, :]"),
        ("e^a", "exp(a)"),
        ("pi*a", "π a"),
    ],
)
def test_precedence_and_spellings(text, bracketed):
    assert parse(text, WHERE) is parse(bracketed, WHERE)


def test_a_bracketed_one_by_one_product_is_one_factor():
    found = parse("u'A u v", WHERE)
    assert isinstance(found, Mul)
    assert found.args[0].shape == ()


def test_entries_count_from_one():
    table = read_declarations(WHERE)
    assert parse("X[1, 2]", WHERE) is op.element(table["X"], (0, 1))
    assert parse("X[:, 1]", WHERE) is op.element(table["X"], (slice(None), 0))
    assert parse("w[3]", WHERE) is op.element(table["w"], 2)


def test_bound_sums_take_the_size_of_what_they_index():
    found = parse("sum(i, (X[i]'w - y[i])^2)", WHERE)
    assert isinstance(found, BoundSum)
    assert found.args[0].size == sp.Symbol("n", positive=True, integer=True)
    assert str(found) == "sum(i, (X[i]ᵀ w − y[i])²)"
    assert parse("sum(i, d, i^2)", WHERE).args[0].size == sp.Symbol("d", positive=True, integer=True)


def test_definitions_may_stand_in_any_order():
    found = parse("s'r, where s = A r, r = X w − y", WHERE)
    assert isinstance(found, Where)
    assert [name.name for name in found.names] == ["s", "r"]
    assert [str(value) for value in found.args[1:]] == ["A r", "X w − y"]


def test_scalar_definitions_are_symbols_of_shape_scalar():
    found = parse("ρ y, where ρ = y'A y/‖y‖²", WHERE)
    assert found.names[0].shape == ()


def test_actions_take_the_direction_of_a_declared_variable():
    found = parse("H[dS] = A dS A", WHERE)
    assert isinstance(found, Action)
    assert found.args[0] is differential_of(read_declarations(WHERE)["S"])
    assert [str(d) for d in found.shape] == ["n", "n", "n", "n"]
    body = parse("A dS A", WHERE + ", dS: n x n symmetric")
    assert body is found.args[1]


def test_index_formulas_are_read_back():
    found = parse('einsum("ij,jk->ik", X, C)', WHERE)
    assert isinstance(found, Einstein)
    assert found.fields == (("ij", "jk"), "ik")
    assert parse(str(found), WHERE) is found


def test_programs_keep_their_names():
    definitions, objective = parse_program("z = X w; p = sigmoid(z)\nL = -sum(y .* log(p))", WHERE)
    assert [(name.name, str(value)) for name, value in definitions] == [("z", "X w"), ("p", "σ(z)")]
    assert str(objective) == "−sum(y ⊙ log(p))"
    assert isinstance(parse("z = X w; sum(z)", WHERE), Where)


def test_names_may_be_passed_along():
    r = parse("X w - y", WHERE)
    assert parse("r'r", WHERE, names={"r": r}) is parse("(X w - y)'(X w - y)", WHERE)


def test_a_known_shape_settles_a_lone_identity():
    table = read_declarations(WHERE)
    assert parse("lam I", WHERE, shape=table["C"].shape) is op.multiply_any(table["lam"], op.eye(table["C"].shape[0]))


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ("||X w - y||^2", {"X": 2, "w": 1, "y": 1}),
        ("x'A x + b'x", {"x": 1, "A": 2, "b": 1}),
        ("lam/2 w'w", {"w": 1, "lam": 0}),
        ("log(1 + exp(-y*x))", {"y": 0, "x": 0}),
        ("sum(q .* (X w - y).^2)", {"q": 1, "X": 2, "w": 1, "y": 1}),
    ],
)
def test_without_declarations_shapes_and_typography_decide(text, shapes):
    found = parse(text)
    assert {name: len(getattr(s, "shape", ())) for name, s in found.declarations.items() if name in shapes} == shapes
    assert len(found.readings) >= len(shapes)


def test_with_declarations_a_name_is_inferred_only_where_one_shape_fits():
    found = parse("||X w - y||^2", "X: n x d, y: n")
    assert [str(d) for d in found.declarations["w"].shape] == ["d"]
    with pytest.raises(DeclarationError, match="'b' is not declared"):
        parse("X w + b", "X: n x d, w: d")


@pytest.mark.parametrize(
    ("text", "error", "message", "guilty"),
    [
        ("X y", ShapeError, "cannot multiply X (n×d) by y (n): inner sizes d and n differ", "X y"),
        ("X w + w", ShapeError, "cannot add X w (n) and w (d)", "w"),
        ("u v", ShapeError, "Write dot(u, v)", "u v"),
        ("lam + A", ShapeError, "write λ*eye(n) for the diagonal or λ*ones(n,n)", "A"),
        ("|A|", ShapeError, "det(…) for the determinant", "|A|"),
        ("u^2", ShapeError, "elementwise powers", "u^2"),
        ("u/v", ShapeError, "./", "u/v"),
        (
            "X w + c",
            DeclarationError,
            "'c' is not declared. Known: X, y, w, u, v, A, B, C, S, λ, τ, a, b. Add",
            "c",
        ),
        ("Xw - y", DeclarationError, "Did you mean X w?", "Xw"),
        ("lmabda w", DeclarationError, "'lmabda' is not declared", "lmabda"),
        ("foo(w)", DeclarationError, "'foo' is not a function symml knows", "foo"),
        ("sigmiod(w)", DeclarationError, "Did you mean sigmoid(…)?", "sigmiod"),
        ("tr(I)", DeclarationError, "the size of I is not determined by what stands around it: write eye(n)", "I"),
        ("w, where w = 2", DeclarationError, "w is declared and also defined", "w"),
        ("r, where r = 2, r = 3", DeclarationError, "r is defined twice", "r"),
        ("r, where r = s, s = r", NotationError, "r is defined by itself", "r"),
        ("X' (X w - y", NotationError, "( is never closed", "("),
        ("X w - y)", NotationError, ") closes nothing", ")"),
        ("[X w)", NotationError, ") does not close [", "[X w)"),
        ("||u", NotationError, "|| is never closed", "||"),
        ("2 3", NotationError, "a number after a factor", "3"),
        ("X'1", NotationError, "the ones vector is 𝟏 or ones(n)", "1"),
        ("X w/2 y", NotationError, "w/2 stands beside another factor and is not a scalar", "w/2"),
        ("A^2'", NotationError, "could be read in two ways", "'"),
        ("log a", NotationError, "log is a function: write log(…)", "log"),
        ("X w +", NotationError, "the text ends where", "+"),
        ("* X", NotationError, "is expected before *", "*"),
        ("X w, y", NotationError, "a comma stands between arguments, or before where", ","),
        ("w > 0", NotationError, "a comparison stands alone in square brackets", ">"),
        ("a ~ b", NotationError, "~ belongs to a declaration", "~"),
        ("X # y", NotationError, "'#' (U+0023) is not part of the notation", "#"),
        ("X[0]", NotationError, "entries are counted from 1", "0"),
        ("||u||_3", NotationError, "the norm with the subscript 3 is not known", "_3"),
        ("a == b = 2", NotationError, "a comparison stands alone", "=="),
        ("10^1000000000", NotationError, "more than 5000 digits", "10^1000000000"),
        ("a\nb", NotationError, "a line break between two factors", "b"),
    ],
)
def test_errors_name_the_piece_and_what_to_do(text, error, message, guilty):
    with pytest.raises(error) as found:
        parse(text, WHERE)
    said = str(found.value)
    assert message in said
    line, caret = said.splitlines()[-2:]
    start = caret.index("^")
    assert line[start : start + caret.count("^")] == guilty


def test_a_declared_sigma_is_not_silently_a_function_or_a_factor():
    with pytest.raises(NotationError, match="σ is declared"):
        parse("σ(X w)", "X: n x d, w: d, sigma > 0")
    assert parse("σ (X w)", "X: n x d, w: d, sigma > 0") is parse("sigma*(X*w)", "X: n x d, w: d, sigma > 0")
    assert str(parse("sigma*sigmoid(X w)", "X: n x d, w: d, sigma > 0")) == "σ sigmoid(X w)"


def test_an_equation_is_its_right_hand_side_and_says_so():
    found = parse("X'X w = X'y", WHERE)
    assert str(found) == "Xᵀ y"
    assert found.readings == ("the value of an equation is its right-hand side",)


@pytest.mark.parametrize("where", ["x: n", "x: n, A: n x n"])
def test_a_lone_identity_takes_the_only_dimension(where):
    found = parse("2 I", where)
    assert [str(d) for d in found.shape] == ["n", "n"]
    assert "the only dimension" in found.readings[0]


@pytest.mark.parametrize("text", ["2 I - 2/n*𝟏 𝟏'", "(x'u + a) 𝟏", "d*I - 𝟏 𝟏'"])
def test_an_open_size_of_the_whole_is_the_only_dimension_beside_it(text):
    where = "x: n, u: n, w: d, W: d x k, a"
    found = parse(text, where)
    assert {str(d) for d in found.shape} == {"d"} if "d" in text else {"n"}
    assert "the only dimension beside it" in found.readings[0]
    assert parse(str(found), where) is found


@pytest.mark.parametrize("text", ["tr(I) w", "sum(𝟏) x", "𝟏' 𝟏", "(x'W w) 𝟏"])
def test_an_open_size_inside_the_text_is_not_guessed(text):
    with pytest.raises(DeclarationError, match="size of"):
        parse(text, "x: d, w: k, W: d x k, n dimension")


@pytest.mark.parametrize("name", ["C⁻¹", "C^-1", "C^{-1}"])
def test_a_definition_may_say_what_the_name_is_the_inverse_of(name):
    where = "A: n x n, S: n x n spd"
    found = parse(f"tr(C S) + tr(C), where {name} = A + B, B = S", where)
    assert found is parse("tr(C S) + tr(C), where C = inv(A + B), B = S", where)


@pytest.mark.parametrize("target", ["C^-2", "C'", "C S", "C(A)"])
def test_no_other_left_hand_side_defines(target):
    with pytest.raises(NotationError, match="is a definition, name = expression"):
        parse(f"tr(C S), where {target} = S", "A: n x n, S: n x n spd")


HOSTILE = {
    "brackets": "(" * 100_000,
    "closers": ")" * 1000,
    "bars": "|" * 10_000,
    "norms": "||" * 5000,
    "squares": "[" * 50_000,
    "long sum": "w'w+" * 6000 + "a",
    "long scalar product": "a*" * 15_000 + "b",
    "long chain": "A " * 8000 + "u",
    "divisions": "/".join(["lam"] * 5000),
    "tower": "lam^" * 3000 + "lam",
    "negative tower": "lam^-" * 3000 + "lam",
    "nested exponentials": "exp(" * 1500 + "lam" + ")" * 1500,
    "signs": "-" * 50_000 + "a",
    "primes": "A" + "'" * 50_000,
    "one name": "a" * 100_000,
    "one number": "1" * 100_000,
    "commas": "a," * 1000,
    "semicolons": ";" * 10_000,
    "quote": '"',
    "nested sums": "sum(i, " * 500 + "y[i]" + ")" * 500,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_ends_in_an_answer_or_an_error(text):
    try:
        said = str(parse(text, WHERE).shape)
    except SymmlError as error:
        said = str(error)
    assert len(said) < 1000


def test_deep_nesting_is_read_and_written_without_recursion():
    text = "tanh(" * 2000 + "u" + ")" * 2000
    assert str(parse(text, WHERE)) == text
