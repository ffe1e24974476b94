"""What rows that failed for the same reason print alike: their last lines, without what is a row's own."""

from __future__ import annotations

import re

LAST = 3
"""The last lines that are compared; blank ones, and those that only point at a place above, do not count."""

POINTER = re.compile(r"[\s^~]*")
WORD = re.compile(r"""[^\s'"`()\[\]{}<>,;=|]*/[^\s'"`()\[\]{}<>,;=|]*""")
"""A word with a slash in it, which may be a path."""

TEMPORARY = (["", "tmp"], ["", "var", "tmp"], ["", "dev", "shm"])
CLOCK = r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?"
TIME = re.compile(
    rf"(?<![\w.:])(?:\d{{4}}-\d\d-\d\d(?:[T ]{CLOCK}(?:Z|[+-]\d\d:?\d\d)?)?|{CLOCK})(?![\w:])", re.ASCII
)
HEX = re.compile(
    r"0x[0-9a-f]+|(?<!\w)(?=[0-9a-f-]*\d)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?!\w)"
    r"|(?<!\w)(?<!\d\.)(?!\d+e[-+]?\d+(?!\w))(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,}(?!\w)",
    re.ASCII | re.IGNORECASE,
)
NUMBER = re.compile(
    r"""(?<![\w.])(?<!", line )(?<!: line )"""
    r"""[-+]?(?:(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)*|\.\d+)(?:e[-+]?\d+(?!\w))?""",
    re.ASCII | re.IGNORECASE,
)
"""A number; a unit may follow. The numbers of lines in Python's and the shell's messages are no row's own."""

LIST = re.compile(r"<n>(?:[ ,;]+<n>)+")


def last_lines(text: str) -> str:
    """Return the last lines that tell something."""
    lines = [line.rstrip() for line in text.split("\n") if not POINTER.fullmatch(line)]
    return "\n".join(lines[-LAST:])


def likeness(text: str, *, row_id: str, study: str) -> str:
    """Return a text with placeholders for a row's own: numbers, addresses, times, its id, its paths."""
    text = WORD.sub(lambda found: _path(found[0], row_id, study), text)
    own = re.escape(row_id)
    text = re.sub(rf"(?<![\w<])row_{own}(?![\w>])", "row_<id>", text)
    if len(row_id) >= LAST and not row_id.isdigit():
        text = re.sub(rf"(?<![\w<]){own}(?![\w>])", "<id>", text)
    text = HEX.sub("<hex>", TIME.sub("<time>", text))
    return LIST.sub("<n> ...", NUMBER.sub("<n>", text))


def _path(word: str, row_id: str, study: str) -> str:
    """Return a path without the folders that lead to the row's workspace, its study, or a temporary file."""
    parts = word.split("/")
    names = [part.rstrip(":.") for part in parts]
    for name, placeholder in ((f"row_{row_id}", "<workspace>"), (study, "<study>")):
        if name in names:
            place = len(names) - 1 - names[::-1].index(name)
            return "/".join([placeholder + parts[place][len(name) :], *parts[place + 1 :]])
    for folder in TEMPORARY:
        if parts[: len(folder)] == folder and any(parts[len(folder) :]):
            return "/".join([*folder, "<name>"])
    return word
