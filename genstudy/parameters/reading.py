"""Words, marks and quoted texts: what laws, groups and designs are written in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

from genstudy.errors import UserError

_TOKEN = re.compile(
    r"""(?P<blank>\s+) | (?P<mark>[(),:=]) | (?P<bare>[^\s(),:='"]+)
      | '(?P<single>(?:[^']|'')*)' | "(?P<double>(?:[^"]|"")*)" """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A piece of a text and its place."""

    kind: str  # "mark", "bare", "quoted" or "end"
    text: str
    start: int

    def shown(self) -> str:
        """Return it as a message names it."""
        return "the end" if self.kind == "end" else f"'{self.text}'"


class Reader:
    """Reads a text token by token, from position `start` to the end; `where` names it in messages."""

    def __init__(self, text: str, start: int = 0, where: str | None = None) -> None:
        self.text = text
        self.where = where
        self.tokens = self._tokens(start)
        self.position = 0

    def fail(self, problem: str, at: int, hint: str | None = None) -> NoReturn:
        """Raise a UserError that shows the text and the place of the mistake."""
        place = f"\n    {self.text}\n    {' ' * at}^"
        raise UserError(problem + place, where=self.where, hint=hint)

    def _tokens(self, start: int) -> list[Token]:
        tokens: list[Token] = []
        while start < len(self.text):
            match = _TOKEN.match(self.text, start)
            if match is None:
                self.fail(
                    "this quote is never closed", start, "inside quotes, a doubled quote stands for one"
                )
            kind = str(match.lastgroup)
            if kind in {"single", "double"}:
                quote = "'" if kind == "single" else '"'
                inside = match[kind].replace(quote * 2, quote)
                tokens.append(Token(kind="quoted", text=inside, start=start))
            elif kind != "blank":
                tokens.append(Token(kind=kind, text=match[0], start=start))
            start = match.end()
        return [*tokens, Token(kind="end", text="", start=start)]

    @property
    def token(self) -> Token:
        """The token that comes next."""
        return self.tokens[self.position]

    def take(self) -> Token:
        """Return the next token and go on."""
        token = self.token
        self.position += token.kind != "end"
        return token

    def at_mark(self, *marks: str) -> bool:
        """Tell whether one of these marks comes next."""
        return self.token.kind == "mark" and self.token.text in marks

    def value(self) -> Token:
        """Take a word or a quoted text."""
        token = self.take()
        if token.kind not in {"bare", "quoted"}:
            self.fail(f"a value belongs here, not {token.shown()}", token.start)
        return token

    def end(self, what: str) -> None:
        """Refuse whatever comes after the whole."""
        if self.token.kind != "end":
            self.fail(f"nothing belongs after the {what}, but {self.token.shown()} does", self.token.start)
