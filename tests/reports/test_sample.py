"""Samples of rows that come a block at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genstudy.reports import sample as module
from genstudy.reports.sample import Sample

CELLS = st.lists(st.tuples(st.none() | st.integers(-5, 5), st.none() | st.sampled_from("abc")), max_size=30)


@given(st.lists(CELLS, max_size=5))
def test_few_rows_are_all_there(blocks: list[list[tuple[int | None, str | None]]]) -> None:
    sample = Sample({"n": False, "t": True})
    for block in blocks:
        sample.add(block)
    rows = [row for block in blocks for row in block]
    n, t = sample.columns(["n", "t"])
    assert sample.rows == sample.size == len(rows)
    assert [None if np.isnan(value) else int(value) for value in n.numbers] == [row[0] for row in rows]
    assert t.levels is not None
    texts = [None if np.isnan(code) else t.levels[int(code)] for code in t.numbers]
    assert texts == [row[1] for row in rows]
    assert sample.given == {
        "n": sum(row[0] is not None for row in rows),
        "t": sum(row[1] is not None for row in rows),
    }


def test_of_many_rows_each_has_the_same_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROWS", 1000)
    sample = Sample({"n": False})
    for start in range(0, 20_000, 700):
        sample.add([(number,) for number in range(start, min(start + 700, 20_000))])
    [column] = sample.columns(["n"])
    assert (sample.rows, sample.size) == (20_000, 1000)
    kept = column.numbers
    assert len(set(kept)) == 1000
    counts, _ = np.histogram(kept, bins=10, range=(0, 20_000))
    assert all(60 < count < 140 for count in counts)  # 100 on average, with a deviation of 9.5


def test_wide_tables_have_fewer_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CELLS", 500)
    sample = Sample({f"c{place}": False for place in range(50)})
    sample.add([tuple(range(50))] * 40)
    assert (sample.rows, sample.size) == (40, 10)


def test_a_column_of_too_many_texts_is_left_out() -> None:
    sample = Sample({"t": True, "n": False})
    sample.add([(f"text {number}", number) for number in range(module.LEVELS + 1)])
    sample.add([("text 0", 1), (None, None)])
    assert [column.name for column in sample.columns(["t", "n"])] == ["n"]
    assert sample.given == {"t": module.LEVELS + 2, "n": module.LEVELS + 2}
