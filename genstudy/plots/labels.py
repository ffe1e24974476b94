"""Texts in pictures: made harmless, measured, and shortened to the room that they have."""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate, takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from genstudy.batches.showing import visible
from genstudy.plots.style import quiet_matplotlib

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matplotlib.ft2font import FT2Font

DOTS = "…"
UNKNOWN = 1.1
"""Width of a character that the font lacks, in ems: what Chinese, Japanese and Korean ones take, and more."""

HEAD = 0.6
"""The part of the room that the beginning of a shortened text gets."""

UNIT = 100
LONGEST = 1000
"""No picture has room for more characters."""


def harmless(text: str) -> str:
    """Return a text on one line; what does not print, or turns the direction of text, stands as an escape."""
    return visible(text.replace("\n", " ").replace("\t", " "))


def text_width(text: str, size: float) -> float:
    """Return how wide a text of this size is, in the unit of the size, in the font of the pictures."""
    return size * sum(map(_advance, text))


def shortened(text: str, room: float, size: float) -> str:
    """Return a harmless text that is no wider than `room`: as it is, or with its middle left out."""
    text = harmless(text[:LONGEST])
    if text_width(text, size) <= room:
        return text
    ems = room / size - _advance(DOTS)
    if ems < 0:
        return ""
    head = text[: _fitting(text, HEAD * ems)]
    tail = _fitting(text[::-1], ems - text_width(head, 1))
    return head + DOTS + text[len(text) - tail :]


def wrapped(text: str, room: float, size: float) -> list[str]:
    """Return a harmless text as lines that are no wider than `room`, broken at blanks; a long word is cut."""
    lines: list[str] = []
    for word in harmless(text).split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size) <= room:
            lines[-1] = longer
        else:
            lines.append(shortened(word, room, size))
    return lines


def _fitting(text: Iterable[str], ems: float) -> int:
    """Return how many of the first characters fit."""
    widths = accumulate(map(_advance, text))
    return sum(1 for _ in takewhile(lambda width: width <= ems, widths))


def font_file() -> Path:
    """Return the font of the pictures, one that comes with matplotlib."""
    import matplotlib as mpl

    return Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"


@lru_cache(maxsize=1)
def _font() -> FT2Font:
    with quiet_matplotlib():
        from matplotlib.ft2font import FT2Font

    font = FT2Font(str(font_file()))
    font.set_size(UNIT, 72)
    return font


@lru_cache(maxsize=10_000)
def _advance(char: str) -> float:
    """Return the width of a character in ems."""
    font = _font()
    if not font.get_char_index(ord(char)):
        return UNKNOWN
    return float(font.load_char(ord(char)).linearHoriAdvance) / 65536 / UNIT
