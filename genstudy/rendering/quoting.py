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
HEREDOC = re.compile(r"<<(-?)[ \t]*((?:\\.|'[^'\n]*'|\"[^\"\n]*\"|[^\s;&|<>()'\"\\])+)")
WORD_STARTS_AFTER = frozenset(" \t\n;&|()")

NAMED = r"\$\{[!#]?\w*(?:\[[@*\w]*\])?"
WITH_TEXT = re.compile(NAMED + r":?[-=?+]|\$\{#")
"""`${x:-` and the like: text follows, in which a single quote between double quotes is a plain mark."""
WITH_PATTERN = re.compile(NAMED + r"(?:[#%/^]|,)")
"""`${x#` and the like: a pattern follows, in which single quotes are quotes.

Behind any other mark bash computes."""

TEST_ENDS = re.compile(r"\s\]\](?![^\s;&|)])")
COMPARES = re.compile(r"\s-(?:eq|ne|lt|le|gt|ge|v|R)\s")
"""What makes bash compute the words of `[[ ]]`."""

QUOTED = r"""'[^']*'|"(?:[^"\\]|\\.)*\""""
WORD = rf"""(?:[^\s'"<>]|{QUOTED})++"""
SO_FAR = rf"""(?:[<>]&|&>|[^;&|'"]|{QUOTED})*+"""
COMMAND = (
    r"(?:^|[;&|(){}`!]|\$\{\w+:?[-+=]|\b(?:then|do|else|elif|if|while|until|time|command|builtin)\s)\s*"
    rf"(?:\w+=(?:{WORD})?\s+|\d*[<>]{{1,3}}[&|]?\s*{WORD}\s+)*+\\?"
)
DECLARES = r"(?:declare|typeset|local|readonly|export)\s"
READS_AGAIN = re.compile(
    COMMAND
    + r"(?:(?:let|eval|trap|unset|read|mapfile|readarray|getopts|compgen)\s"
    + SO_FAR
    + r"|(?:printf|test|\[|wait)\s(?:[^;&|]*\s)?-[vp]\s[^;&|]*"
    + rf"|{DECLARES}(?:[^;&|]*\s)?-\w*[in]\w*\s[^;&|]*"
    + rf"|{DECLARES}(?:[^;&|]*\s)?)$"
)
"""Commands that compute or execute their words, or take them for names, in which bash computes subscripts."""

SUBSCRIPT = re.compile(r"(?:^|[\s;&|(])(?:\w+\[(?:[^][]|\[[^][]*\])*|\[[^][\s]*)$")
"""`f[` or, in a list of values, `[`, not closed yet."""
EXTENDED_PATTERN = re.compile(r"[?*+@!~]\([^\s)]*$")
HEAD, TAIL = 400, 400
"""How much of a command is looked at: its beginning, and what comes just before a token."""

JOINED = re.compile(r"(?<!\\)(?:\\\\)*\\$")
"""The end of a line that goes on in the next one."""

COMPUTED = frozenset({"((", "a(", "$[", "${[", "[[-"})
TESTS = frozenset({"[[", "[[-"})
SUBSTITUTIONS = frozenset({"(", "`"})
BRACES = frozenset({"{", "p{", "${", "${["})


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
    DOLLAR = "what a dollar sign stands before"
    AGAIN = "what bash reads a second time"
    UNSURE = "a script that only bash can tell apart"


def places(text: str) -> Iterator[tuple[str, Place]]:
    """Yield every `$(TOKEN)` or `$(TOKEN.form)` of a script, with its place, in order."""
    return _Reader(text).tokens()


class _Reader:
    """Reads a script from left to right.

    stack: what was opened and not closed yet: `words` at the bottom; the shell's own marks; `[[-` a test that
    computes; `a(` a parenthesis in arithmetic; `${` a brace outside of double quotes, `{` and `p{` inside
    (with text, with a pattern), `${[` one that computes.
    unsure: set where only bash could tell what follows.
    command: where the simple command begins that is being read; looked: up to where it was looked at;
    again: whether bash reads its words a second time. outer: these three, of the commands around.
    mid_word: a place at which no word begins, whatever mark stands before it.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.stack = ["words"]
        self.heredocs: list[tuple[str, bool, bool]] = []
        self.unsure = False
        self.mid_word = -1
        self.command = 0
        self.looked = 0
        self.again = False
        self.outer: list[tuple[int, int, bool]] = []

    def tokens(self) -> Iterator[tuple[str, Place]]:
        while self.at < len(self.text):
            token = TOKEN.match(self.text, self.at)
            behind = TOKEN.match(self.text, self.at + 1)
            if token:
                yield token.group(), self._place()
                self._pass(token)
            elif behind and self.stack[-1] != "'" and self.text[self.at] in "\\$":
                yield behind.group(), Place.DOLLAR if self.text[self.at] == "$" else Place.BACKSLASH
                self._pass(behind)
            elif self.text[self.at] == "\n" and self.heredocs and self.stack[-1] in {"words", "("}:
                yield from self._bodies()
            elif self._comment_begins():
                yield from self._line(
                    self._rest_of_line(), Place.BACKQUOTES if "`" in self.stack else Place.COMMENT
                )
            else:
                self._step()

    def _pass(self, token: re.Match[str]) -> None:
        self.at = self.mid_word = token.end()

    def _place(self) -> Place:
        if self.unsure:
            return Place.UNSURE
        if not COMPUTED.isdisjoint(self.stack):
            return Place.ARITHMETIC
        if "`" in self.stack:
            return Place.BACKQUOTES
        top = self.stack[-1]
        if top in {"'", "$'"}:
            return Place.SINGLE_QUOTES
        if top in {'"', "{", "p{"}:
            return Place.DOUBLE_QUOTES
        return self._place_in_command()

    def _place_in_command(self) -> Place:
        if SUBSCRIPT.search(self._just_before()):
            return Place.ARITHMETIC
        self._look_at_command()
        return Place.AGAIN if self.again else Place.WORDS

    def _look_at_command(self) -> None:
        """See whether bash reads the words of this command again: by its beginning and what is new."""
        if not self.again:
            end = min(self.command + HEAD, self.at)
            new = self.text[max(end, self.looked, self.at - TAIL) : self.at]
            head = self.text[self.command : end]
            self.again = READS_AGAIN.search(f"{head}{new}".replace("\\\n", " ")) is not None
        self.looked = self.at

    def _just_before(self) -> str:
        """Return the command up to here, or its end, with lines that a backslash joins."""
        return self.text[max(self.command, self.at - TAIL) : self.at].replace("\\\n", " ")

    def _begin_command(self) -> None:
        self.command = self.looked = self.at
        self.again = False

    def _step(self) -> None:
        """Take one mark of the shell's, or one plain letter."""
        top = self.stack[-1]
        two = self.text[self.at : self.at + 2]
        if top == "'":
            self._take(1, close=two[0] == "'")
        elif two[0] == "\\":
            self._take_escaped(two)
        elif top == "$'":
            self._take(1, close=two[0] == "'")
        elif two[0] == "$" and two != "$'":
            self._step_at_dollar(two)
        elif two[0] in '`"':
            self._take(1, close=top == two[0], opened=None if top == two[0] else two[0])
        elif top in BRACES and two[0] == "}":
            self._take(1, close=True)
        elif top == '"':
            self._take(1)
        elif top in {"((", "a("} and two[0] in "()":
            self._step_in_arithmetic(two, top)
        else:
            self._step_in_words(two)

    def _take_escaped(self, two: str) -> None:
        joined = two == "\\\n" and self._word_begins()
        self._take(2)
        # Between two words a joined line is nothing; the mark behind any other backslash is part of a word.
        if not joined:
            self.mid_word = self.at

    def _step_at_dollar(self, two: str) -> None:
        if self.text.startswith("$((", self.at):
            self._take(3, opened="((")
        elif two in {"$(", "$["}:
            self._take(2, opened="(" if two == "$(" else two)
        elif two == "${":
            self._take(2, opened=self._brace())
        else:
            self._take(2 if two == "$$" else 1)

    def _brace(self) -> str:
        quoted = '"' in self.stack
        if WITH_TEXT.match(self.text, self.at):
            return "{" if quoted else "${"
        if WITH_PATTERN.match(self.text, self.at):
            return "p{" if quoted else "${"
        return "${["

    def _step_in_words(self, two: str) -> None:
        top = self.stack[-1]
        if two == "$'":
            self._take(2 if top not in {"{", "p{"} else 1, opened="$'" if top not in {"{", "p{"} else None)
        elif two[0] == "'" and top != "{":
            self._take(1, opened="'")
        elif two[0] in "[]":
            self._step_at_bracket(two, top)
        elif two == "((":
            self._take(2, opened="((")
        elif two[0] == "(":
            self._take(1, opened="(")
        elif two[0] == ")":
            self._take(1, close=top == "(")
        elif two == "<<" and top not in COMPUTED:
            self._open_heredoc()
        else:
            self._look_for_case()
            ends = self._ends_command(two)
            self._take(1)
            if ends:
                self._begin_command()

    def _ends_command(self, two: str) -> bool:
        """Tell whether a command ends here; `&` in `>&1` and `&>file` ends none."""
        if two[0] == "&":
            return two != "&>" and self.text[self.at - 1 : self.at] not in {"<", ">"}
        return two[0] in ";|\n"

    def _look_for_case(self) -> None:
        """The patterns of a `case` end in `)`, which may or may not end the substitution around it."""
        if "(" in self.stack and self.text.startswith("case", self.at) and self._word_begins():
            self.unsure = self.unsure or self.text[self.at + 4 : self.at + 5].isspace()

    def _step_at_bracket(self, two: str, top: str) -> None:
        if two[0] == "]" and top == "$[":
            self._take(1, close=True)
        elif two == "]]" and top in TESTS and self._word_begins():
            self._take(2, close=True)
        elif two == "[[" and self._word_begins() and self.text[self.at + 2 : self.at + 3].isspace():
            end = TEST_ENDS.search(self.text, self.at)
            inside = self.text[self.at : end.end() if end else len(self.text)]
            self._take(2, opened="[[-" if COMPARES.search(inside) else "[[")
        else:
            self._take(1)

    def _step_in_arithmetic(self, two: str, top: str) -> None:
        if two[0] == "(":
            self._take(1, opened="a(")
        elif top == "a(":
            self._take(1, close=True)
        elif two == "))":
            self._take(2, close=True)
        else:
            self._begin_again_as_subshells()

    def _begin_again_as_subshells(self) -> None:
        """Of `((a) | b)` the first has ended: this was no arithmetic, and `#` in it began a comment."""
        opened = self.text.rfind("((", 0, self.at)
        self.unsure = self.unsure or "#" in self.text[opened : self.at]
        self.stack[-1] = "("
        self.outer.append((self.command, self.looked, self.again))
        self._take(1)

    def _take(self, count: int, *, opened: str | None = None, close: bool = False) -> None:
        if opened in SUBSTITUTIONS:
            self._look_at_command()
        self.at += count
        if close and self.stack.pop() in SUBSTITUTIONS:
            self.command, self.looked, self.again = self.outer.pop()
        if opened:
            self.stack.append(opened)
        if opened in SUBSTITUTIONS:
            self.outer.append((self.command, self.looked, self.again))
            self._begin_command()

    def _word_begins(self) -> bool:
        if self.at == self.mid_word:
            return False
        before = self.text[self.at - 1 : self.at] if self.at else ""
        return not before or before in WORD_STARTS_AFTER or (before == "`" and self.stack[-1] == "`")

    def _comment_begins(self) -> bool:
        """Tell whether a comment begins here."""
        if self.text[self.at] != "#" or not self._word_begins():
            return False
        if not TESTS.isdisjoint(self.stack) or self._pattern_or_substitution():
            self.unsure = True
            return False
        return self.stack[-1] in {"words", "(", "`"}

    def _pattern_or_substitution(self) -> bool:
        """Tell whether `#` stands in an extended pattern, or behind what may be `$(...)`."""
        return self.text[self.at - 1 : self.at] == ")" or bool(EXTENDED_PATTERN.search(self._just_before()))

    def _rest_of_line(self) -> str:
        """Take the rest of the line; backquotes end at the next one, whatever stands around it."""
        end = self.text.find("\n", self.at)
        line = self.text[self.at : end if end >= 0 else len(self.text)]
        if "`" in self.stack:
            line = line.split("`", 1)[0]
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
        self.unsure = self.unsure or "`" in self.stack or self.stack[-1] not in {"words", "("} or "$" in word
        self.at = found.end()

    def _bodies(self) -> Iterator[tuple[str, Place]]:
        """Read the bodies of the here-documents that the line before named."""
        self.at += 1
        for delimiter, quoted, tabs in self.heredocs:
            place = Place.QUOTED_HEREDOC if quoted else Place.HEREDOC
            while self.at < len(self.text):
                line = self._body_line(joined=not quoted)
                if (line.lstrip("\t") if tabs else line) == delimiter:
                    break
                yield from self._line(line, place)
        self.heredocs = []
        self.at -= 1

    def _body_line(self, *, joined: bool) -> str:
        """Take a line of a body, and those that a backslash joins to it."""
        line = self._rest_of_line()
        self.at += 1
        while joined and JOINED.search(line) and self.at < len(self.text):
            line = line[:-1] + self._rest_of_line()
            self.at += 1
        return line
