"""Groups of parameters that a design varies together: `zip(a, b)`, `zip(a, product(b, c))`.

    group  = "zip" "(" member "," member { "," member } ")"
           | "product" "(" member "," member { "," member } ")"
    member = NAME | group

In a zip all members move together: row by row the first level of each, then the second. A product goes
through all combinations of its members, the last one fastest, and counts as one thing in the zip around it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from genstudy.errors import near
from genstudy.parameters.reading import Reader

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

KINDS = ("zip", "product")


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Members that a design varies as one: names of parameters, and groups."""

    kind: Literal["zip", "product"]
    members: tuple[str | Group, ...]

    @property
    def text(self) -> str:
        """The canonical spelling, which `parse_groups` reads back as an equal group."""
        return f"{self.kind}({', '.join(m if isinstance(m, str) else m.text for m in self.members)})"

    def names(self) -> Iterator[str]:
        """Yield the names of all parameters in it, in order."""
        for member in self.members:
            if isinstance(member, str):
                yield member
            else:
                yield from member.names()


def parse_groups(texts: Sequence[str], names: Collection[str]) -> list[Group]:
    """Read groups of these parameters, none of which may be named twice. UserError with the place."""
    taken: set[str] = set()
    return [_GroupReader(text, names, taken).whole() for text in texts]


class _GroupReader(Reader):
    def __init__(self, text: str, names: Collection[str], taken: set[str]) -> None:
        super().__init__(text, where="--group")
        self.names, self.taken = names, taken

    def whole(self) -> Group:
        group = self._member()
        if isinstance(group, str):
            self.fail("this is one parameter, and no group", 0, "such as: zip(a, b)")
        self.end("group")
        return group

    def _member(self) -> str | Group:
        word = self.take()
        if word.kind not in {"bare", "quoted"}:
            self.fail(f"a parameter or a group belongs here, not {word.shown()}", word.start)
        if self.at_mark("(") and word.kind == "bare":
            return self._group(word.text, word.start)
        if word.text not in self.names:
            self.fail(f"there is no parameter '{word.text}'{near(word.text, self.names)}", word.start)
        if word.text in self.taken:
            self.fail(
                f"the parameter {word.text} is in a group already", word.start, "each is in one group at most"
            )
        self.taken.add(word.text)
        return word.text

    def _group(self, kind: str, start: int) -> Group:
        if kind not in KINDS:
            self.fail(f"there is no group '{kind}'{near(kind, KINDS)}", start, "groups: zip, product")
        members: list[str | Group] = []
        while not members or self.at_mark(","):
            self.take()
            members.append(self._member())
        if not self.at_mark(")"):
            self.fail(
                f"a comma or a closing bracket belongs here, not {self.token.shown()}", self.token.start
            )
        self.take()
        if len(members) < 2:
            self.fail(f"a {kind} has two members or more", start)
        return Group(kind="zip" if kind == "zip" else "product", members=tuple(members))
