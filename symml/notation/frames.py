"""Open brackets and what is collected in them: how operands, powers, factors and terms become nodes."""

from __future__ import annotations

from typing import Any

from symml.errors import NotationError
from symml.notation.tokens import Token, tokens
from symml.notation.tree import Entry, Frame, Syntax

MOST_NESTED = 3000


class Brackets:
    """The state of reading: tokens, nodes made so far, open frames."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.tokens = tokens(source)
        self.nodes: list[Syntax] = []
        self.frames: list[Frame] = []
        self.position = 0

    # -- making nodes ---------------------------------------------------------------------------------------------
    def node(self, head: str, args: tuple[Syntax, ...], value: Any, start: int, end: int) -> Syntax:
        """Make a node and keep it."""
        made = Syntax(head, args, value, (start, end), len(self.nodes))
        self.nodes.append(made)
        return made

    def over(self, head: str, args: tuple[Syntax, ...], value: Any = None) -> Syntax:
        """Make a node that spans its parts."""
        return self.node(head, args, value, args[0].span[0], args[-1].span[1])

    def inverse(self, body: Syntax) -> Syntax:
        """Make the inverse of a node."""
        one = self.node("number", (), "1", *body.span)
        return self.over("power", (body, self.over("neg", (one,))), "")

    def fail(self, message: str, token: Any) -> NotationError:
        """Return an error at a token or span."""
        span = token if isinstance(token, tuple) and not isinstance(token, Token) else (token.start, token.end)
        return NotationError(message, self.source, (span[0], max(span[1], span[0] + 1)))

    def peek(self, ahead: int = 0) -> Token:
        """Return a token ahead, the end token past the last."""
        return self.tokens[min(self.position + ahead, len(self.tokens) - 1)]

    def push(self, kind: str, start: int, end: int) -> Frame:
        """Open a bracket."""
        if len(self.frames) > MOST_NESTED:
            raise self.fail(f"more than {MOST_NESTED} brackets inside one another", (start, end))
        frame = Frame(kind, start, end)
        self.frames.append(frame)
        return frame

    # -- closing what is open -------------------------------------------------------------------------------------
    def operand(self, made: Syntax) -> None:
        """Take an operand; one that is at hand goes into the chain."""
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
        """Apply the powers that wait for the operand at hand."""
        while frame.powers:
            power = frame.powers.pop()
            exponent = frame.current
            assert exponent is not None
            if power.minus:
                exponent = self.over("neg", (exponent,))
            frame.current = self.over(power.head, (power.base, exponent), power.spelling)

    def close_chain(self, frame: Frame, token: Token) -> None:
        """End a chain of juxtaposed factors; `a/b c` becomes the fraction a/b times c."""
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
        """End a product."""
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
        """End a sum and return it."""
        self.close_term(frame, token)
        terms, frame.terms = frame.terms, []
        if len(terms) == 1:
            sign, made = terms[0]
            return made if sign == 1 else self.over("neg", (made,))
        return self.over("sum", tuple(made for _, made in terms), tuple(sign for sign, _ in terms))

    def missing(self, frame: Frame, token: Token) -> NotationError:
        """Return the error of an operand that is not there."""
        if token.kind == "end" and self.position and self.tokens[self.position - 1].kind != "end":
            last = self.tokens[self.position - 1]
            return self.fail("the text ends where a name, a number or a bracket is expected", last)
        if token.kind == "end":
            return NotationError("there is nothing to read: the text is empty", self.source, (0, 0))
        return self.fail(
            f"a name, a number or a bracket is expected before {token.text.strip() or 'the end of the line'}", token
        )
