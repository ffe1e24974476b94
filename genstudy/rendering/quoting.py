"""Where in a shell script a token stands: plain, between quotes, in a here-document, in arithmetic.

A value that is quoted for the shell is one word where words are read. Between double quotes, or in the body
of a here-document, its quotes are text, and what they should protect is not. This reads as much of the
shell's grammar as it takes to tell these places apart (POSIX.1-2017, Shell Command Language, 2.2 and 2.7.4;
`$'...'` and `<<<` of bash besides).
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = re.compile(r"\$\([^\W\d][\w-]*(?:\.\w+)?\)")
HEREDOC = re.compile(r"<<(-?)[ \t]*(\\?'[^'\n]*'|\"[^\"\n]*\"|\\?[^\s;&|<>()]+)")
WORD_STARTS_AFTER = frozenset(" \t\n;&|()")


class Place(StrEnum):
    """What the text around a token is to the shell."""

    WORDS = "words"
    SINGLE_QUOTES = "single quotes"
    DOUBLE_QUOTES = "double quotes"
    HEREDOC = "a here-document"
    QUOTED_HEREDOC = "a here-document whose delimiter is quoted"
    ARITHMETIC = "arithmetic"
    BACKQUOTES = "backquotes"
    BACKSLASH = "what a backslash stands before"
    COMMENT = "a comment"


def places(text: str) -> Iterator[tuple[str, Place]]:
    """Yield every `$(TOKEN)` or `$(TOKEN.form)` of a script, with its place, in order."""
    return _Reader(text).tokens()


class _Reader:
    """Reads a script from left to right. `stack` holds what was opened and not closed yet."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.stack = ["words"]
        self.heredocs: list[tuple[str, bool, bool]] = []

    def tokens(self) -> Iterator[tuple[str, Place]]:
        while self.at < len(self.text):
            token = TOKEN.match(self.text, self.at)
            escaped = self._escaped_token()
            if token:
                yield token.group(), self._place()
                self.at = token.end()
            elif escaped:
                yield escaped.group(), Place.BACKSLASH
                self.at = escaped.end()
            elif self.text[self.at] == "\n" and self.heredocs and self.stack[-1] in {"words", "("}:
                yield from self._bodies()
            elif self._comment_begins():
                yield from self._line(self._rest_of_line(), Place.COMMENT)
            else:
                self._step()

    def _escaped_token(self) -> re.Match[str] | None:
        """Return the token behind a backslash: the backslash takes the first mark of its value."""
        if self.text[self.at] != "\\" or self.stack[-1] == "'":
            return None
        return TOKEN.match(self.text, self.at + 1)

    def _place(self) -> Place:
        if "((" in self.stack:
            return Place.ARITHMETIC
        if "`" in self.stack:
            return Place.BACKQUOTES
        top = self.stack[-1]
        if top in {"'", "$'"}:
            return Place.SINGLE_QUOTES
        return Place.DOUBLE_QUOTES if top in {'"', "{"} else Place.WORDS

    def _step(self) -> None:
        """Take one mark of the shell's, or one plain letter."""
        text, top = self.text, self.stack[-1]
        two = text[self.at : self.at + 2]
        if top == "'":
            self._take(1, close=two[0] == "'")
        elif two[0] == "\\":
            self._take(2)
        elif top == "$'":
            self._take(1, close=two[0] == "'")
        elif text.startswith("$((", self.at):
            self._take(3, opened="((")
        elif two == "$(":
            self._take(2, opened="(")
        elif two == "${":
            self._take(2, opened="{" if '"' in self.stack else "${")
        elif two[0] == "`":
            self._take(1, close=top == "`", opened=None if top == "`" else "`")
        elif two[0] == '"':
            self._take(1, close=top == '"', opened=None if top == '"' else '"')
        elif top in {"{", "${"} and two[0] == "}":
            self._take(1, close=True)
        elif top == '"':
            self._take(1)
        else:
            self._step_in_words(two)

    def _step_in_words(self, two: str) -> None:
        top = self.stack[-1]
        if top == "((":
            done = two == "))"
            self._take(2 if done else 1, close=done)
        elif two == "$'":
            self._take(2, opened="$'")
        elif two[0] == "'" and top != "{":
            self._take(1, opened="'")
        elif two == "((" and self._word_begins():
            self._take(2, opened="((")
        elif two[0] == "(":
            self._take(1, opened="(")
        elif two[0] == ")":
            self._take(1, close=top == "(")
        elif two == "<<":
            self._open_heredoc()
        else:
            self._take(1)

    def _take(self, count: int, *, opened: str | None = None, close: bool = False) -> None:
        self.at += count
        if close:
            self.stack.pop()
        if opened:
            self.stack.append(opened)

    def _word_begins(self) -> bool:
        return self.at == 0 or self.text[self.at - 1] in WORD_STARTS_AFTER

    def _comment_begins(self) -> bool:
        return self.text[self.at] == "#" and self.stack[-1] in {"words", "(", "`"} and self._word_begins()

    def _rest_of_line(self) -> str:
        end = self.text.find("\n", self.at)
        line = self.text[self.at : end if end >= 0 else len(self.text)]
        self.at += len(line)
        return line

    @staticmethod
    def _line(line: str, place: Place) -> Iterator[tuple[str, Place]]:
        for token in TOKEN.findall(line):
            yield token, place

    def _open_heredoc(self) -> None:
        found = HEREDOC.match(self.text, self.at)
        if self.text.startswith("<<<", self.at) or not found:
            self._take(3 if self.text.startswith("<<<", self.at) else 2)
            return
        word = found.group(2)
        delimiter = re.sub(r"[\\'\"]", "", word)
        self.heredocs.append((delimiter, delimiter != word, bool(found.group(1))))
        self.at = found.end()

    def _bodies(self) -> Iterator[tuple[str, Place]]:
        """Read the bodies of the here-documents that the line before named."""
        self.at += 1
        for delimiter, quoted, tabs in self.heredocs:
            place = Place.QUOTED_HEREDOC if quoted else Place.HEREDOC
            while self.at < len(self.text):
                line = self._rest_of_line()
                self.at += 1
                if (line.lstrip("\t") if tabs else line) == delimiter:
                    break
                yield from self._line(line, place)
        self.heredocs = []
        self.at -= 1
