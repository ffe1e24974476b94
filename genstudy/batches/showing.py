"""Pieces of files as they can be shown: bounded, and nothing in them that acts on a terminal."""

from __future__ import annotations

import difflib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LINE_MARKS = 160


def visible(text: str) -> str:
    r"""Return a text in which every character that is not plain is written as an escape, such as \x1b.

    Line feeds and tabs stay.
    """
    if text.isprintable():
        return text
    return "".join(
        mark if mark.isprintable() or mark in "\n\t" else mark.encode("unicode_escape").decode()
        for mark in text
    )


def end_of(path: Path, nbytes: int) -> str:
    """Return the end of a file as text, without the part of a line that it would begin with."""
    with path.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - nbytes))
        data = stream.read(nbytes)
    if size > nbytes:
        data = data.partition(b"\n")[2] or data
    return data.decode("utf-8", "backslashreplace")


def difference(old: Sequence[str], new: Sequence[str], *, lines: int) -> list[str]:
    """Return the first lines of a unified diff, without its heading; no line is long."""
    found = list(difflib.unified_diff(old, new, lineterm="", n=1))[2:]
    shown = [
        visible(line if len(line) <= LINE_MARKS else line[:LINE_MARKS] + "...") for line in found[:lines]
    ]
    return shown if len(found) <= lines else [*shown[:-1], f"... and {len(found) - lines + 1} more lines"]
