"""Tables for property tests: every text that a cell may hold, written in every way that is accepted."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

from hypothesis import strategies as st

NASTY = st.one_of(
    st.text(st.sampled_from("ab01,;\"'\\ $()`&|<>*?~#!{}[].%=/-μ🙂\u00a0"), max_size=8),
    st.text(
        st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029\ufeff"), max_size=6
    ),
    st.sampled_from(["$(rm -rf /)", "$(A)", "a b", "'", '"', '""', "nano", "1e-07", "010", "no", "~", "\\n"]),
    st.integers().map(str),
    st.floats(allow_nan=False).map(repr),
)
PLAIN = st.text(st.sampled_from("ab01_@%+=:./^-"), max_size=4)


@dataclass(frozen=True)
class Sample:
    """A table's cells and one of the ways to write them."""

    columns: list[str]
    rows: list[list[str]]
    data: bytes


@st.composite
def samples(draw: st.DrawFn, *, cells: st.SearchStrategy[str] = NASTY, blank_lines: bool = True) -> Sample:
    """Draw a table of 1 to 12 rows; in a single column, a blank line would not be accepted."""
    width = draw(st.integers(1, 5))
    columns = [f"p{number}" for number in range(width)]
    rows = draw(st.lists(st.lists(cells, min_size=width, max_size=width), min_size=1, max_size=12))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    pad = draw(st.sampled_from(["", " "]))
    lines = [_line([pad + name + pad for name in columns], end)]
    for row in rows:
        if blank_lines and width > 1 and draw(st.integers(0, 5)) == 0:
            lines.append(end)
        lines.append(_line(row, end))
    text = "".join(lines)
    if draw(st.booleans()):
        text = text.removesuffix(end)
    bom = b"\xef\xbb\xbf" if draw(st.booleans()) else b""
    return Sample(columns, rows, bom + text.encode())


def _line(cells: list[str], end: str) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator=end).writerow(cells)
    return line.getvalue()
