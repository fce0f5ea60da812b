"""Syntax of the text notation: tokens to an untyped tree with spans, without recursion.

A tree says how a text is bracketed and nothing about shapes. Every open bracket is a frame; a frame collects, from the
inside out, the operand at hand, its powers, a chain of juxtaposed factors, the factors between `* / .* ./ ⊗`,
and terms.
Which names are functions is decided by the caller, who knows what is declared.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Mapping

from symml.errors import NotationError
from symml.language.names import FROM_SUBSCRIPT, canonical
from symml.notation.frames import Brackets
from symml.notation.table import FRACTIONS, FROM_SUPERSCRIPT, INFIX, NORM_SUFFIXES, POWER, PRODUCT, RELATIONS
from symml.notation.tokens import Token, defined_names
from symml.notation.tree import Definition, Frame, Power, Program, Syntax, inverts_a_name

CLOSING = {")": ("(", "call"), "]": ("[", "index"), "}": ("{",)}
SIZED = ("ones", "eye", "zeros")
GREEK_CALLS = {"σ": "sigmoid", "Γ": "gamma"}
OPERANDS = ("name", "number", "ones", "open", "bar", "fraction")
BINDERS = {"sum": "bound_sum", "apply": "apply"}


def read(source: str, functions: Container[str], known: Collection[str]) -> Program:
    """Return the syntax of a text.

    Parameters
    ----------
    source : str
        The text.
    functions : container of str
        Spellings that may head a call.
    known : collection of str
        Canonical names that are declared: such a name followed by a bracket is a product.

    Raises
    ------
    NotationError
        With the span of the smallest guilty piece.
    """
    return _Reader(source, functions, known).program()


class _Reader(Brackets):
    def __init__(self, source: str, functions: Container[str], known: Collection[str]) -> None:
        super().__init__(source)
        self.functions = functions
        self.scopes: list[tuple[str, int, str]] = []
        self.serial = 0
        named = defined_names(self.tokens)
        self.known: Collection[str] = {*map(self.canonical, named), *known} if named else known

    def canonical(self, token: Token) -> str:
        try:
            return canonical(token.text)
        except NotationError as error:
            raise self.fail(error.message, token) from None

    # -- the text -------------------------------------------------------------------------------------------------
    def program(self) -> Program:
        definitions: list[Definition] = []
        statements = 0
        while True:
            target, last, clause = self.statement()
            definitions += clause
            statements += 1
            while self.peek().kind in ("semicolon", "newline"):
                self.position += 1
            if self.peek().kind == "end":
                return Program(self.source, tuple(self.nodes), tuple(definitions), last, target, statements)
            definitions.append(self.definition(target, last, "a statement before the last one"))

    def definition(self, target: Syntax | None, part: Definition, where: str) -> Definition:
        name = target.args[0] if target is not None and inverts_a_name(target) else target
        if name is None or name.head != "name":
            raise self.fail(f"{where} is a definition, name = expression", target.span if target else part.span)
        return Definition(name.value, name.span, part.body, part.first, part.last)

    def statement(self) -> tuple[Syntax | None, Definition, list[Definition]]:
        """One statement up to its end: left-hand side, body, and the definitions of its `where` clause."""
        parts: list[tuple[Syntax | None, Definition]] = []
        target, ended = None, False
        self.root()
        first = len(self.nodes)
        while not ended:
            token = self.peek()
            if len(self.frames) > 1:
                if token.kind == "end":
                    frame = self.frames[-1]
                    raise self.fail(f"{self.source[frame.start : frame.end]} is never closed", (frame.start, frame.end))
            elif token.kind == "equals":
                if target is not None:
                    raise self.fail("a second = in one statement", token)
                target = self.close_sum(self.frames[0], token)
                self.root()
                first = len(self.nodes)
                self.position += 1
                continue
            else:
                ended = token.kind in ("end", "semicolon") or (token.kind == "newline" and self.ends_line(target))
                if ended or self.separates(token, bool(parts)):
                    body = self.close_sum(self.frames[0], token)
                    body = self.inverse(body) if parts and target and inverts_a_name(target) else body
                    parts.append((target, Definition("", body.span, body, first, len(self.nodes))))
                    target, first = None, len(self.nodes)
                    self.root()
                    continue
            self.position += 1
            _STEPS[token.kind](self, token)
        (target, main), *clause = parts
        return target, main, [self.definition(t, part, "what stands after where") for t, part in clause]

    def root(self) -> None:
        self.frames = [Frame("root", self.peek().start, self.peek().end)]

    def separates(self, token: Token, in_clause: bool) -> bool:
        """Whether a `, where`, or a comma between definitions, stands here; it is skipped."""
        where = 0 if token.kind == "comma" else -1
        is_where = (
            self.peek(where + 1).kind == "name" and self.peek(where + 1).text == "where" and "where" not in self.known
        )
        if token.kind == "comma" and not is_where and not in_clause:
            raise self.fail("a comma stands between arguments, or before where", token)
        if token.kind != "comma" and not is_where:
            return False
        self.position += 2 + where if is_where else 1
        return True

    def ends_line(self, target: Syntax | None) -> bool:
        """Whether a line break ends the statement: an operand follows, and this or the next line is a definition."""
        following = self.peek(1)
        if self.frames[0].current is None or following.kind not in OPERANDS:
            return self.frames[0].current is not None and following.kind == "end"
        if following.text == "where":
            return False
        if target is not None or self.peek(2).kind == "equals":
            return True
        raise self.fail("a line break between two factors: write * for the product, ; for a new statement", following)

    # -- operands -------------------------------------------------------------------------------------------------
    def number(self, token: Token) -> None:
        frame = self.frames[-1]
        if frame.current is not None:
            raise self.fail("a number after a factor: write * for the product; the ones vector is 𝟏 or ones(n)", token)
        frame.current = self.node("number", (), FRACTIONS.get(token.text, token.text), token.start, token.end)

    def ones(self, token: Token) -> None:
        mark = token.text[1:].strip("_{}")
        size = (
            canonical("".join(FROM_SUBSCRIPT.get(c, c) for c in mark)) if mark.strip("₀₁₂₃₄₅₆₇₈₉0123456789") else mark
        )
        self.operand(self.node("ones", (), size, token.start, token.end))

    def string(self, token: Token) -> None:
        self.operand(self.node("string", (), token.text[1:-1], token.start, token.end))

    def name(self, token: Token) -> None:
        following = self.peek()
        name = self.canonical(token)
        for bound, serial, kind in reversed(self.scopes):
            if bound == name:
                self.operand(self.node(kind, (), (name, serial), token.start, token.end))
                return
        if following.text == "(" and (head := self.function_of(token, name, following)):
            self.position += 1
            frame = self.push("call", token.start, following.end)
            frame.callee = head
            self.bind(frame, head)
            return
        if name not in self.known:
            if token.text in SIZED[:2]:
                self.operand(self.node("ones" if token.text == "ones" else "eye", (), "", token.start, token.end))
                return
            if token.text in self.functions and len(token.text) > 1 and name == token.text:
                raise self.fail(f"{token.text} is a function: write {token.text}(…)", token)
        self.operand(self.node("name", (), name, token.start, token.end))

    def function_of(self, token: Token, name: str, following: Token) -> str:
        """Spelling of the function a name followed by ( stands for, or nothing when it is a product."""
        spelled = GREEK_CALLS.get(token.text, token.text if token.text in self.functions else "")
        if name not in self.known:
            return "sigmoid" if name == "sigma" else spelled
        if spelled and following.adjacent and token.text not in ("beta", "zeta"):
            shown = token.text
            raise self.fail(
                f"{shown} is declared: write {shown}*(…) for the product; it hides the function {spelled}", token
            )
        return ""

    def bind(self, frame: Frame, head: str) -> None:
        """Open the scope of the index of ``sum(i, …)`` or of the variable of ``apply(t, …, …)``."""
        first, second = self.peek(), self.peek(1)
        if head not in BINDERS or (first.kind, second.kind) != ("name", "comma"):
            return
        name = self.canonical(first)
        if name not in self.known:
            self.position += 2
            self.serial += 1
            frame.scope = name
            self.scopes.append((frame.scope, self.serial, "index" if head == "sum" else "variable"))
            frame.callee = (BINDERS[head], frame.scope, self.serial)

    # -- signs ----------------------------------------------------------------------------------------------------
    def additive(self, token: Token) -> None:
        frame = self.frames[-1]
        minus = token.kind == "minus"
        if frame.current is not None:
            self.close_term(frame, token)
            frame.sign = -1 if minus else 1
        elif frame.powers:
            frame.powers[-1].minus ^= minus
        elif frame.entries:
            frame.minus ^= minus
        elif minus:
            frame.sign = -frame.sign

    def multiplicative(self, token: Token) -> None:
        frame = self.frames[-1]
        self.close_chain(frame, token)
        frame.operator = token.kind

    def power(self, token: Token) -> None:
        frame = self.frames[-1]
        if frame.current is None:
            raise self.missing(frame, token)
        above = frame.powers[-1] if frame.powers else None
        if above and not above.minus and not (above.spelling == token.text == "**"):
            self.reduce(frame)
        frame.powers.append(Power(token.kind, token.text, frame.current, False))
        frame.current = None

    def postfix(self, token: Token) -> Syntax:
        """Operand a postfix sign applies to; a power with a number as exponent is the operand itself."""
        frame = self.frames[-1]
        if frame.current is None:
            raise self.missing(frame, token)
        transposes = token.kind == "quote" or token.text.endswith("ᵀ")
        if frame.powers and (transposes or frame.current.head == "number"):
            if token.text in ("'", "’") or not transposes:
                shown = self.source[frame.powers[-1].base.span[0] : token.start]
                raise self.fail(
                    f"{shown}{token.text} could be read in two ways: write ({shown}){token.text}, or brackets", token
                )
            self.reduce(frame)
        return frame.current

    def quote(self, token: Token) -> None:
        base = self.postfix(token)
        self.frames[-1].current = self.node("transpose", (base,), None, base.span[0], token.end)

    def superscript(self, token: Token) -> None:
        made, text = self.postfix(token), token.text.replace("⁻ᵀ", "⁻¹ᵀ")
        start, end = made.span[0], token.end
        digits = "".join(FROM_SUPERSCRIPT[c] for c in text.removesuffix("ᵀ"))
        if digits:
            plain = digits.removeprefix("-")
            if not (plain.isdigit() or (plain.isalpha() and len(plain) == 1)):
                raise self.fail(f"{text} is not an exponent", token)
            exponent = self.node("number" if plain.isdigit() else "name", (), plain, token.start, end)
            if digits != plain:
                exponent = self.over("neg", (exponent,))
            made = self.node("power", (made, exponent), "", start, end)
        if text.endswith("ᵀ"):
            made = self.node("transpose", (made,), None, start, end)
        self.frames[-1].current = made

    def relation(self, token: Token) -> None:
        frame = self.frames[-1]
        if frame.kind not in ("[", "index") or frame.relation:
            raise self.fail("a comparison stands alone in square brackets, as in [X w > 0]", token)
        frame.left, frame.relation = self.close_sum(frame, token), RELATIONS[token.text]

    def colon(self, token: Token) -> None:
        if self.frames[-1].kind != "index":
            raise self.fail("a colon stands only in an index, as in X[:, j]", token)
        self.operand(self.node("all", (), None, token.start, token.end))

    def refuse(self, token: Token) -> None:
        raise self.fail(_REFUSED[token.kind], token)

    # -- brackets -------------------------------------------------------------------------------------------------
    def opening(self, token: Token) -> None:
        frame = self.frames[-1]
        if token.text == "[" and token.adjacent and frame.current is not None:
            self.push("index", token.start, token.end).base = frame.current
        else:
            self.push(token.text, token.start, token.end)

    def closing(self, token: Token) -> None:
        frame = self.frames[-1]
        if len(self.frames) == 1:
            raise self.fail(f"{token.text} closes nothing", token)
        if frame.kind not in CLOSING[token.text]:
            opened = self.source[frame.start : frame.end]
            raise self.fail(f"{token.text} does not close {opened}", (frame.start, token.end))
        started = (
            frame.current is not None or frame.entries or frame.terms or frame.powers or frame.items or frame.sign < 0
        )
        if started or frame.kind != "call":
            frame.items.append(self.close_sum(frame, token))
        self.frames.pop()
        if frame.scope:
            self.scopes.pop()
        _CLOSED[frame.kind](self, frame, token)

    def comma(self, token: Token) -> None:
        frame = self.frames[-1]
        if frame.kind not in ("call", "index", "["):
            raise self.fail("a comma stands only between arguments", token)
        frame.items.append(self.close_sum(frame, token))

    def semicolon(self, token: Token) -> None:
        frame = self.frames[-1]
        if frame.kind != "[":
            raise self.fail("a semicolon inside a bracket separates the rows of a matrix, as in [1, 2; 3, 4]", token)
        frame.items.append(self.close_sum(frame, token))
        frame.rows.append(frame.items)
        frame.items = []

    def closed_group(self, frame: Frame, token: Token) -> None:
        self.operand(self.node("group", (frame.items[0],), None, frame.start, token.end))

    def closed_call(self, frame: Frame, token: Token) -> None:
        head, value = ("call", frame.callee) if isinstance(frame.callee, str) else (frame.callee[0], frame.callee[1:])
        if head == "call" and value in SIZED:
            head = value
        self.operand(self.node(head, tuple(frame.items), value, frame.start, token.end))

    def closed_square(self, frame: Frame, token: Token) -> None:
        if frame.relation:
            assert frame.left is not None
            if len(frame.items) != 1 or frame.rows:
                raise self.fail(
                    "a comparison stands alone in square brackets, as in [X w > 0]", (frame.start, token.end)
                )
            made = self.node("indicator", (frame.left, frame.items[0]), frame.relation, frame.start, token.end)
            self.operand(made)
            return
        if frame.base is not None:
            made = self.node("element", (frame.base, *frame.items), None, frame.base.span[0], token.end)
            self.frames[-1].current = made
            return
        rows = [*frame.rows, frame.items]
        if len({len(r) for r in rows}) != 1:
            raise self.fail("the rows of this matrix have different lengths", (frame.start, token.end))
        self.operand(self.node("literal", tuple(e for r in rows for e in r), len(rows), frame.start, token.end))

    def bar(self, token: Token) -> None:
        frame = self.frames[-1]
        double = token.text != "|"
        kind = "‖" if double else "|"
        if frame.current is not None and frame.kind == "|" and token.text == "||":
            half = token.start + 1
            self.tokens.insert(self.position, Token("bar", "|", half, token.end, True))
            token, kind = Token("bar", "|", token.start, half, token.adjacent), "|"
        if frame.current is None or frame.kind != kind:
            self.push(kind, token.start, token.end)
            return
        inner = self.close_sum(frame, token)
        self.frames.pop()
        suffix, end = "", token.end
        if kind == "‖" and self.peek().kind == "suffix" and self.peek().adjacent:
            mark = self.peek()
            suffix, end = "".join(FROM_SUBSCRIPT.get(c, c) for c in mark.text if c not in "_{}"), mark.end
            if suffix not in NORM_SUFFIXES:
                raise self.fail(f"the norm with the subscript {suffix} is not known; known: 1, 2, F, *", mark)
            self.position += 1
        head = NORM_SUFFIXES[suffix] if kind == "‖" else "bars"
        self.operand(self.node("call", (inner,), head, frame.start, end))


_REFUSED = {
    "suffix": "a subscript stands behind a name or a norm",
    "tilde": "~ belongs to a declaration or a model, not to an expression",
    "equals": "an = stands between a name and its definition; a comparison of values is ==",
}
Step = Callable[[_Reader, Token], None]
_STEPS: Mapping[str, Step] = {
    "number": _Reader.number, "fraction": _Reader.number, "ones": _Reader.ones, "name": _Reader.name,
    "string": _Reader.string, "quote": _Reader.quote, "super": _Reader.superscript, "suffix": _Reader.refuse,
    "open": _Reader.opening, "close": _Reader.closing, "bar": _Reader.bar, "comma": _Reader.comma,
    "semicolon": _Reader.semicolon, "colon": _Reader.colon, "newline": lambda reader, token: None,
    "tilde": _Reader.refuse, "equals": _Reader.refuse, "plus": _Reader.additive, "minus": _Reader.additive,
    **{row.head: _Reader.multiplicative for row in INFIX.values() if row.precedence == PRODUCT},
    **{row.head: _Reader.power for row in INFIX.values() if row.precedence == POWER},
    **dict.fromkeys(sorted(set(RELATIONS.values())), _Reader.relation),
}  # fmt: skip
_CLOSED: Mapping[str, Callable[[_Reader, Frame, Token], None]] = {
    "(": _Reader.closed_group, "{": _Reader.closed_group, "call": _Reader.closed_call,
    "[": _Reader.closed_square, "index": _Reader.closed_square,
}  # fmt: skip
