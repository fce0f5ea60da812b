r"""The notation table: one row for each sign, read and written from the same place.

A row says how a sign is spelled in text, how it prints in Unicode and LaTeX, how it binds, and gives a sample that the
tests read and print. The text reader builds its tokens from `spellings`; the writers take `unicode` and `latex`; the
column `commands` holds the LaTeX spellings for reading. Functions are not here: their records carry their own spelling.
"""

from __future__ import annotations

from dataclasses import dataclass

SUM, PRODUCT, JUXTAPOSITION, POWER, ATOM = 1, 2, 3, 4, 5


@dataclass(frozen=True)
class Notation:
    """One sign or bracket.

    Attributes
    ----------
    head : str
        What it means: the head of the syntax node.
    spellings : tuple of str
        How text may write it; an opening and a closing spelling of a bracket are separated by a space.
    unicode, latex : str
        How it prints; for brackets and postfix signs a template with ``{}``.
    commands : tuple of str
        LaTeX commands with this meaning.
    arity, fixity, precedence
        Operands, ``infix prefix postfix bracket leaf juxtaposition``, and how tightly it binds.
    sample : str
        Text that uses it, with A, B square, u, v vectors, a, b scalars.
    """

    head: str
    spellings: tuple[str, ...]
    unicode: str
    latex: str
    commands: tuple[str, ...]
    arity: int
    fixity: str
    precedence: int
    sample: str


TABLE = (
    Notation("plus", ("+",), "+", "+", ("+",), 2, "infix", SUM, "u + v"),
    Notation("minus", ("-", "−", "–"), "−", "-", ("-",), 2, "infix", SUM, "u - v"),
    Notation("times", ("*", "@", "·", "⋅"), " ", " ", (r"\cdot", r"\times"), 2, "infix", PRODUCT, "a*u"),
    Notation("over", ("/",), "/", r"\frac{{{}}}{{{}}}",
             ("/", r"\frac", r"\tfrac", r"\dfrac"), 2, "infix", PRODUCT, "u/a"),
    Notation("hadamard", (".*", "⊙", "∘"), "⊙", r"\odot", (r"\odot", r"\circ"), 2, "infix", PRODUCT, "u .* v"),
    Notation("quotient", ("./", "⊘"), "⊘", r"\oslash", (r"\oslash",), 2, "infix", PRODUCT, "u ./ v"),
    Notation("kron", ("⊗",), "⊗", r"\otimes", (r"\otimes",), 2, "infix", PRODUCT, "A ⊗ B"),
    Notation("juxtaposition", (), " ", " ", (), 2, "juxtaposition", JUXTAPOSITION, "a A u"),
    Notation("power", ("^", "**"), "^", "^{{{}}}", ("^",), 2, "infix", POWER, "A^2"),
    Notation("elementwise_power", (".^", "^∘", "^⊙"), "^∘", r"^{{\odot {}}}",
             (r"^{\odot", r"^{\circ"), 2, "infix", POWER, "u.^2"),
    Notation("transpose", ("'", "’", ".T"), "ᵀ", r"^{{\top}}",
             (r"\top", r"\intercal", r"\prime"), 1, "postfix", POWER, "A' u"),
    Notation("inverse_transpose", (), "⁻ᵀ", r"^{{-\top}}", (r"^{-\top}",), 1, "postfix", POWER, "inv(A)'"),
    Notation("bracket", ("( )",), "({})", "({})", (r"\left(", r"\bigl("), 1, "bracket", ATOM, "(u + v)"),
    Notation("norm", ("|| ||", "‖ ‖", "∥ ∥"), "‖{}‖", r"\|{}\|",
             (r"\|", r"\lVert", r"\Vert"), 1, "bracket", ATOM, "||u||"),
    Notation("norm1", ("|| ||_1", "‖ ‖₁"), "‖{}‖₁", r"\|{}\|_{{1}}", (r"\|",), 1, "bracket", ATOM, "||u||_1"),
    Notation("normnuc", ("|| ||_*", "‖ ‖_∗"), "‖{}‖_*", r"\|{}\|_{{*}}", (r"\|",), 1, "bracket", ATOM, "||A||_*"),
    Notation("abs", ("| |",), "|{}|", "|{}|", (r"|", r"\lvert", r"\vert"), 1, "bracket", ATOM, "|u|"),
    Notation("indicator", ("[ ]",), "[{}]", "[{}]",
             (r"\mathbb{1}[", r"\mathbf{1}["), 2, "bracket", ATOM, "[u > 0]"),
    Notation(">", (">",), ">", ">", (">", r"\gt"), 2, "infix", SUM, "[u > v]"),
    Notation(">=", (">=", "≥"), "≥", r"\ge", (r"\ge", r"\geq"), 2, "infix", SUM, "[u >= v]"),
    Notation("<", ("<",), "<", "<", ("<", r"\lt"), 2, "infix", SUM, "[u < v]"),
    Notation("<=", ("<=", "≤"), "≤", r"\le", (r"\le", r"\leq"), 2, "infix", SUM, "[u <= v]"),
    Notation("==", ("==",), "==", "=", ("=",), 2, "infix", SUM, "[u == v]"),
    Notation("equals", ("=", ":="), "=", "=", ("=", ":=", r"\leftarrow"), 2, "infix", 0, "r, where r = A v"),
    Notation("ones", ("𝟏", "𝟙"), "𝟏", r"\mathbf{1}",
             (r"\mathbf{1}", r"\mathbb{1}", r"\mathbf 1"), 0, "leaf", ATOM, "u + 𝟏"),
    Notation("identity", ("I",), "I", "I", ("I", r"\mathbf{I}"), 0, "leaf", ATOM, "A + I"),
    Notation("where", (", where",), ", where ", r",\quad ",
             (r"\text{where}",), 2, "infix", 0, "r' r, where r = A u"),
)  # fmt: skip

ROWS = {row.head: row for row in TABLE}
INFIX = {spelling: row for row in TABLE if row.fixity == "infix" and row.head != "where" for spelling in row.spellings}
RELATIONS = {
    spelling: row.head for row in TABLE if row.head in (">", ">=", "<", "<=", "==") for spelling in row.spellings
}
SUPERSCRIPTS = dict(zip("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻", strict=True))
FROM_SUPERSCRIPT = {v: k for k, v in SUPERSCRIPTS.items()} | {"ⁿ": "n", "ᵏ": "k", "ᵐ": "m", "ᵖ": "p"}
NORM_SUFFIXES = {"": "norm", "2": "norm", "F": "norm", "1": "norm1", "*": "normnuc", "∗": "normnuc"}
FRACTIONS = {"½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4)}

# SymPy functions of scalars that have no record of their own: text name, SymPy name, LaTeX head.
SCALAR_FUNCTIONS = (
    ("Γ", "gamma", r"\Gamma"),
    ("polygamma", "polygamma", r"\psi"),
    ("beta", "beta", r"\mathrm{B}"),
    ("factorial", "factorial", r"\operatorname{factorial}"),
    ("binomial", "binomial", r"\operatorname{binomial}"),
    ("erfc", "erfc", r"\operatorname{erfc}"),
    ("erfinv", "erfinv", r"\operatorname{erfinv}"),
    ("besseli", "besseli", r"\operatorname{besseli}"),
    ("besselk", "besselk", r"\operatorname{besselk}"),
    ("zeta", "zeta", r"\zeta"),
    ("LambertW", "LambertW", r"\operatorname{W}"),
    ("floor", "floor", r"\operatorname{floor}"),
    ("ceiling", "ceiling", r"\operatorname{ceiling}"),
    ("asin", "asin", r"\arcsin"),
    ("acos", "acos", r"\arccos"),
    ("atan2", "atan2", r"\operatorname{atan2}"),
    ("max", "Max", r"\max"),
    ("min", "Min", r"\min"),
    ("uppergamma", "uppergamma", r"\operatorname{uppergamma}"),
    ("lowergamma", "lowergamma", r"\operatorname{lowergamma}"),
    ("Heaviside", "Heaviside", r"\operatorname{Heaviside}"),
)
