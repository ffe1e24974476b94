"""Lines of a file that may be huge: the first, the last, or one after the other. Blank ones do not count."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from genstudy.results.values import Missing
from genstudy.results.workspace import BLOCK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genstudy.results.workspace import Content

BOM = b"\xef\xbb\xbf"
LONG = "a line is longer than 1 MiB"


def first_lines(content: Content) -> tuple[bytes, bytes]:
    """Return the first two lines, without their ends; empty ones where there are none."""
    lines = lines_of(content)
    return next(lines, b""), next(lines, b"")


def last_line(content: Content) -> bytes:
    """Return the last line without its end. A large file is read at its end alone."""
    tail = content if isinstance(content, bytes) else content.tail()
    # A line of spaces is blank; spaces at the end of another may be cells.
    end = len(tail)
    cut = tail.rfind(b"\n", 0, end) + 1
    while cut and not tail[cut:end].strip():
        end = cut - 1
        cut = tail.rfind(b"\n", 0, end) + 1
    if cut == 0 and not isinstance(content, bytes) and content.size > len(tail):
        raise Missing(LONG)
    return tail[cut:end].rstrip(b"\r")


def lines_of(content: Content) -> Iterator[bytes]:
    """Yield the lines without their ends."""
    for block in line_blocks(content):
        for line in io.BytesIO(block):
            if line.strip():
                yield line.rstrip(b"\r\n")


def line_blocks(content: Content) -> Iterator[bytes]:
    """Yield blocks of whole lines; Missing for a line that is longer than a block."""
    if isinstance(content, bytes):
        yield content
        return
    rest = b""
    for block in content.blocks():
        cut = block.rfind(b"\n") + 1
        if cut:
            yield rest + block[:cut]
            rest = block[cut:]
        else:
            rest += block
        if len(rest) > BLOCK:
            raise Missing(LONG)
    yield rest
