"""Bins of a parameter in words: `width >= 1.83`, `1.2 <= width < 1.4`, `material = brass or lead`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genstudy.batches.showing import visible
from genstudy.inspection.why_bins import Numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genstudy.inspection.why_columns import Counted

LONGEST = 60
Ends = tuple[float | None, float | None]


def range_of(
    name: str, counted: Counted, used: Sequence[int], bins: Sequence[int]
) -> tuple[str, Ends, tuple[str, ...]]:
    """Return the words for bins, the ends where they are a range, and the values where they are some.

    used: the column's bins that hold rows. bins: places among these; of numbers they are consecutive.
    """
    column = counted.column
    if not isinstance(column, Numbers):
        values = tuple(column.values[used[place]] for place in bins)
        return f"{shown(name)} {_any_of(values)}", (None, None), values
    first, last = used[bins[0]], used[bins[-1]]
    if first > len(column.edges):
        empty = first == len(column.edges) + 1
        return f"{shown(name)} is {'empty' if empty else 'no number'}", (None, None), ("",) if empty else ()
    if first == last and counted.alone and column.levels is not None:
        value = number(float(column.levels[first]))
        return f"{shown(name)} = {value}", (None, None), (value,)
    return _between(name, counted, used, bins)


def _between(
    name: str, counted: Counted, used: Sequence[int], bins: Sequence[int]
) -> tuple[str, Ends, tuple[str, ...]]:
    column = counted.column
    assert isinstance(column, Numbers)
    edges = column.edges
    ordinary = sum(place <= len(edges) for place in used)
    low = float(edges[used[bins[0]] - 1]) if bins[0] > 0 else None
    # Bins without rows behind the last one are in no range: the next that has rows begins elsewhere.
    high = float(edges[used[bins[-1] + 1] - 1]) if bins[-1] + 1 < ordinary else None
    if low is None:
        text = f"{shown(name)} < {number(high)}" if high is not None else f"{shown(name)} is a number"
    elif high is None:
        text = f"{shown(name)} >= {number(low)}"
    else:
        text = f"{number(low)} <= {shown(name)} < {number(high)}"
    return text, (low, high), ()


def number(value: float) -> str:
    """Return a number as short as it can be written."""
    return repr(value).removesuffix(".0") if abs(value) < 1e16 else repr(value)


def shown(text: str) -> str:
    """Return a text that cannot act on a terminal, and is not long."""
    text = visible(text).replace("\n", r"\n").replace("\t", r"\t")
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _any_of(values: Sequence[str]) -> str:
    if values == ("",):
        return "is empty"
    words = [_quoted(value) for value in values]
    return f"= {' or '.join([', '.join(words[:-1]), words[-1]] if len(words) > 1 else words)}"


def _quoted(value: str) -> str:
    plain = value.isprintable() and value and not any(mark in " ,'\"=<>" for mark in value)
    return shown(value) if plain else f"'{shown(value)}'"
