"""Syntax of the text notation: tokens to an untyped tree with spans, without recursion.

A tree says how a text is bracketed and nothing about shapes. Every open bracket is a frame; a frame collects, from the
inside out, the operand at hand, its powers, a chain of juxtaposed factors, the factors between `* / .* ./ ⊗`, and terms.
Which names are functions is decided by the caller, who knows what is declared.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from typing import Any

from symml.errors import NotationError
from symml.language.names import FROM_SUBSCRIPT, canonical
from symml.notation.table import FRACTIONS, FROM_SUPERSCRIPT, INFIX, NORM_SUFFIXES, POWER, PRODUCT, RELATIONS, ROWS
from symml.notation.tokens import Token, tokens
from symml.notation.tree import Definition, Entry, Frame, Power, Program, Syntax

MOST_NESTED = 3000
CLOSING = {")": ("(", "call"), "]": ("[", "index"), "}": ("{",)}
SIZED = ("ones", "eye", "zeros")
BINDERS = {"sum": "bound_sum", "apply": "apply"}


def read(source: str, functions: Container[str], known: Container[str]) -> Program:
    """Return the syntax of a text.

    Parameters
    ----------
    source : str
        The text.
    functions : container of str
        Spellings that may head a call.
    known : container of str
        Canonical names that are declared: such a name followed by a bracket is a product.

    Raises
    ------
    NotationError
        With the span of the smallest guilty piece.
    """
    return _Reader(source, functions, known).program()


class _Reader:
    def __init__(self, source: str, functions: Container[str], known: Container[str]) -> None:
        self.source, self.functions = source, functions
        self.tokens = tokens(source)
        named = {canonical(t.text) for t, n in zip(self.tokens, self.tokens[1:], strict=False) if (t.kind, n.kind) == ("name", "equals")}
        self.known: Container[str] = {*named, *known} if named else known  # type: ignore[misc]
        self.nodes: list[Syntax] = []
        self.frames: list[Frame] = []
        self.scopes: list[tuple[str, int, str]] = []
        self.position = self.serial = 0

    # -- making nodes ---------------------------------------------------------------------------------------------
    def node(self, head: str, args: tuple[Syntax, ...], value: Any, start: int, end: int) -> Syntax:
        made = Syntax(head, args, value, (start, end), len(self.nodes))
        self.nodes.append(made)
        return made

    def over(self, head: str, args: tuple[Syntax, ...], value: Any = None) -> Syntax:
        return self.node(head, args, value, args[0].span[0], args[-1].span[1])

    def fail(self, message: str, token: Any) -> NotationError:
        span = token if isinstance(token, tuple) and not isinstance(token, Token) else (token.start, token.end)
        return NotationError(message, self.source, (span[0], max(span[1], span[0] + 1)))

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
        if target is None or target.head != "name":
            raise self.fail(f"{where} is a definition, name = expression", part.span)
        return Definition(target.value, target.span, part.body, part.first, part.last)

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
        is_where = self.peek(where + 1).kind == "name" and self.peek(where + 1).text == "where" and "where" not in self.known
        if token.kind == "comma" and not is_where and not in_clause:
            raise self.fail("a comma stands between arguments, or before where", token)
        if token.kind != "comma" and not is_where:
            return False
        self.position += 2 + where if is_where else 1
        return True

    def peek(self, ahead: int = 0) -> Token:
        return self.tokens[min(self.position + ahead, len(self.tokens) - 1)]

    def ends_line(self, target: Syntax | None) -> bool:
        """Whether a line break ends the statement: an operand follows, and this or the next line is a definition."""
        following = self.peek(1)
        if self.frames[0].current is None or following.kind not in ("name", "number", "ones", "open", "bar", "end", "fraction"):
            return following.kind == "end"
        if following.text == "where":
            return False
        if target is not None or self.peek(2).kind == "equals":
            return True
        raise self.fail("a line break between two factors: write * for the product, or ; to end the statement", following)

    # -- closing what is open -------------------------------------------------------------------------------------
    def operand(self, made: Syntax) -> None:
        frame = self.frames[-1]
        if frame.current is not None:
            self.settle(frame)
        frame.current = made

    def settle(self, frame: Frame) -> None:
        """Finish the operand at hand, with its powers, and put it into the chain."""
        self.reduce(frame)
        assert frame.current is not None
        frame.chain.append(frame.current)
        frame.current = None

    def reduce(self, frame: Frame) -> None:
        while frame.powers:
            power = frame.powers.pop()
            exponent = frame.current
            assert exponent is not None
            if power.minus:
                exponent = self.over("neg", (exponent,))
            frame.current = self.over(power.head, (power.base, exponent), power.spelling)

    def close_chain(self, frame: Frame, token: Token) -> None:
        if frame.current is None:
            raise self.missing(frame, token)
        self.settle(frame)
        chain, entries = frame.chain, frame.entries
        if frame.operator == "over" and len(chain) > 1:
            k = len(entries) - 1
            while entries[k].operator == "over" and len(entries[k].chain) == 1:
                k -= 1
            left = entries[k]
            below = [e.chain[0] for e in entries[k + 1 :]] + [chain[0]]
            fraction = self.over("fraction", (left.chain[-1], *below))
            left.chain[-1:] = [fraction, *chain[1:]]
            left.minus ^= sum(e.minus for e in entries[k + 1 :]) % 2 == 1
            left.minus ^= frame.minus
            del entries[k + 1 :]
        else:
            entries.append(Entry(frame.operator, chain, frame.minus))
        frame.chain, frame.operator, frame.minus = [], "", False

    def close_term(self, frame: Frame, token: Token) -> None:
        self.close_chain(frame, token)
        factors = []
        for entry in frame.entries:
            made = entry.chain[0] if len(entry.chain) == 1 else self.over("juxtaposition", tuple(entry.chain))
            factors.append(self.over("neg", (made,)) if entry.minus else made)
        operators = tuple(e.operator for e in frame.entries[1:])
        made = factors[0] if len(factors) == 1 else self.over("product", tuple(factors), operators)
        frame.terms.append((frame.sign, made))
        frame.entries, frame.sign = [], 1

    def close_sum(self, frame: Frame, token: Token) -> Syntax:
        self.close_term(frame, token)
        terms, frame.terms = frame.terms, []
        if len(terms) == 1:
            sign, made = terms[0]
            return made if sign == 1 else self.over("neg", (made,))
        return self.over("sum", tuple(made for _, made in terms), tuple(sign for sign, _ in terms))

    def missing(self, frame: Frame, token: Token) -> NotationError:
        if token.kind == "end" and self.position and self.tokens[self.position - 1].kind != "end":
            last = self.tokens[self.position - 1]
            return self.fail("the text ends where a name, a number or a bracket is expected", last)
        if token.kind == "end":
            return NotationError("there is nothing to read: the text is empty", self.source, (0, 0))
        return self.fail(f"a name, a number or a bracket is expected before {token.text.strip() or 'the end of the line'}", token)

    # -- operands -------------------------------------------------------------------------------------------------
    def number(self, token: Token) -> None:
        frame = self.frames[-1]
        if frame.current is not None:
            raise self.fail("a number after a factor: write * for the product; the ones vector is 𝟏 or ones(n)", token)
        frame.current = self.node("number", (), FRACTIONS.get(token.text, token.text), token.start, token.end)

    def ones(self, token: Token) -> None:
        size = canonical("x_" + token.text[1:].lstrip("_").strip("{}")).removeprefix("x").removeprefix("_") if token.text[1:] else ""
        self.operand(self.node("ones", (), size, token.start, token.end))

    def string(self, token: Token) -> None:
        self.operand(self.node("string", (), token.text[1:-1], token.start, token.end))

    def name(self, token: Token) -> None:
        following = self.peek()
        try:
            name = canonical(token.text)
        except NotationError as error:
            raise self.fail(error.message, token) from None
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
        if name in self.known:
            if token.text == "σ" and following.adjacent:
                raise self.fail("σ is declared: write σ (…) for the product, sigmoid(…) for the function", token)
            return ""
        if name == "sigma":
            return "sigmoid"
        return token.text if token.text in self.functions or token.text in BINDERS or token.text in (*SIZED, "einsum") else ""

    def bind(self, frame: Frame, head: str) -> None:
        """Open the scope of the index of ``sum(i, …)`` or of the variable of ``apply(t, …, …)``."""
        first, second = self.peek(), self.peek(1)
        if head in BINDERS and first.kind == "name" and second.kind == "comma" and canonical(first.text) not in self.known:
            self.position += 2
            self.serial += 1
            frame.scope = canonical(first.text)
            self.scopes.append((frame.scope, self.serial, "index" if head == "sum" else "variable"))
            frame.callee = (BINDERS[head], frame.scope, self.serial)

    def push(self, kind: str, start: int, end: int) -> Frame:
        if len(self.frames) > MOST_NESTED:
            raise self.fail(f"more than {MOST_NESTED} brackets inside one another", (start, end))
        frame = Frame(kind, start, end)
        self.frames.append(frame)
        return frame

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
        if frame.powers and frame.current.head == "number":
            if token.kind == "quote" and token.text != ".T":
                shown = self.source[frame.powers[-1].base.span[0] : token.start]
                raise self.fail(f"{shown}' could be ({shown})' or the power of a transpose: write the brackets", token)
            self.reduce(frame)
        return frame.current

    def quote(self, token: Token) -> None:
        base = self.postfix(token)
        self.frames[-1].current = self.node("transpose", (base,), None, base.span[0], token.end)

    def superscript(self, token: Token) -> None:
        base, text = self.postfix(token), token.text
        start, end = base.span[0], token.end
        if text == "ᵀ":
            made = self.node("transpose", (base,), None, start, end)
        elif text == "⁻ᵀ":
            exponent = self.node("number", (), "-1", token.start, token.end)
            made = self.node("transpose", (self.node("power", (base, exponent), "", start, end),), None, start, end)
        else:
            digits = "".join(FROM_SUPERSCRIPT[c] for c in text)
            plain = digits.removeprefix("-")
            if not (plain.isdigit() or (plain.isalpha() and len(plain) == 1)):
                raise self.fail(f"{text} is not an exponent", token)
            head, value = ("number", digits) if plain.isdigit() else ("name", plain)
            exponent = self.node(head, (), value, token.start, token.end)
            if head == "name" and digits != plain:
                exponent = self.over("neg", (exponent,))
            made = self.node("power", (base, exponent), "", start, end)
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

    def suffix(self, token: Token) -> None:
        raise self.fail(f"the subscript {token.text} has no name or norm in front of it", token)

    def newline(self, token: Token) -> None:
        """Nothing: a line break inside an expression is a space."""

    def tilde(self, token: Token) -> None:
        raise self.fail("~ belongs to a declaration or a model, not to an expression", token)

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
        started = frame.current is not None or frame.entries or frame.terms or frame.powers or frame.items or frame.sign < 0
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
                raise self.fail("a comparison stands alone in square brackets, as in [X w > 0]", (frame.start, token.end))
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


Step = Callable[[_Reader, Token], None]
_STEPS: Mapping[str, Step] = {
    "number": _Reader.number, "fraction": _Reader.number, "ones": _Reader.ones, "name": _Reader.name,
    "string": _Reader.string, "quote": _Reader.quote, "super": _Reader.superscript, "suffix": _Reader.suffix,
    "open": _Reader.opening, "close": _Reader.closing, "bar": _Reader.bar, "comma": _Reader.comma,
    "semicolon": _Reader.semicolon, "colon": _Reader.colon, "newline": _Reader.newline, "tilde": _Reader.tilde,
    "equals": lambda reader, token: _misplaced(reader, token),
    "plus": _Reader.additive, "minus": _Reader.additive,
    **{row.head: _Reader.multiplicative for row in INFIX.values() if row.precedence == PRODUCT},
    **{row.head: _Reader.power for row in INFIX.values() if row.precedence == POWER},
    **dict.fromkeys(sorted(set(RELATIONS.values())), _Reader.relation),
}  # fmt: skip
_CLOSED: Mapping[str, Callable[[_Reader, Frame, Token], None]] = {
    "(": _Reader.closed_group, "{": _Reader.closed_group, "call": _Reader.closed_call,
    "[": _Reader.closed_square, "index": _Reader.closed_square,
}  # fmt: skip
assert all(spelling in ROWS[head].spellings for spelling, head in RELATIONS.items())


def _misplaced(reader: _Reader, token: Token) -> None:
    raise reader.fail("an = stands between a name and its definition; a comparison of values is ==", token)
