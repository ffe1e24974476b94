"""Texts of the code as Markdown, which reads the same on GitHub and in the built site."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CODE = re.compile(r"(`[^`]+`)")
MARKS = re.compile(r"([\\*_\[\]{}])")
ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;"}
UNSAFE_IN_HTML = re.compile(r"[^\w\s.,:=/()'-]|_")


def code(text: str) -> str:
    """Return a text as code; with a pipe or a backtick in it as HTML: in a table nothing else holds these."""
    if "|" in text or "`" in text:
        return f"<code>{UNSAFE_IN_HTML.sub(lambda mark: f'&#{ord(mark[0])};', text)}</code>"
    return f"`{text}`"


def prose(text: str) -> str:
    """Return a text in which nothing but its `code` is markup."""
    parts = CODE.split(text)
    return "".join(code(part[1:-1]) if CODE.fullmatch(part) else _plain(part) for part in parts)


def _plain(text: str) -> str:
    return re.sub(r"[&<>|]", lambda mark: ENTITIES[mark[0]], MARKS.sub(r"\\\1", text))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; its cells are Markdown already, and lines of a cell are joined."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(' '.join(cell.split()) for cell in line)} |" for line in lines)


def doc(thing: object, *, whole: bool = False) -> str:
    """Return the first paragraph of a docstring in one line, or all of it, as what it gives: no `Return`."""
    text = inspect.getdoc(thing) or ""
    if not text:
        raise ValueError(f"{thing} has no docstring")
    text = " ".join((text if whole else text.partition("\n\n")[0]).split())
    given = text.removeprefix("Return ")
    return text if given == text else given[:1].upper() + given[1:]


def page(title: str, about: str, *sections: str) -> str:
    """Return a page that says what it was made of. about and the sections are Markdown."""
    note = "<!-- Made by python -m docs.generator of what the code says; do not edit. -->"
    return "\n\n".join([f"# {title}", note, about, *(section.strip() for section in sections)]) + "\n"
