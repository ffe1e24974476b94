"""Summaries of tables: what is counted is right, and memory does not grow with rows."""

from __future__ import annotations

import gzip
import math
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genstudy import UserError, make_table, parse_parameter
from genstudy.plots.columns import LEVELS, ColumnSummary
from genstudy.plots.sample import SAMPLE
from genstudy.plots.summary import DesignSummary, summarize, summarize_rows
from genstudy.tables.read import open_table
from tests.plots import support

NUMBERS = st.lists(
    st.floats(allow_nan=False, allow_infinity=False, width=64), min_size=1, max_size=120
) | st.lists(st.integers(-(10**6), 10**6).map(float), min_size=1, max_size=120)
TEXTS = st.lists(st.text(st.characters(exclude_categories=["C", "Z"]), max_size=6), min_size=1, max_size=60)


def column_of(values: Sequence[object], law: str | None = None) -> ColumnSummary:
    return summarize_rows(
        lambda: [(value,) for value in values], ["a"], laws={"a": law} if law else {}
    ).column("a")


@given(NUMBERS)
def test_numbers_agree_with_a_naive_count(values: list[float]) -> None:
    found = column_of(values)
    assert (found.kind, found.count, found.missing) == ("number", len(values), 0)
    assert (found.minimum, found.maximum) == (min(values), max(values))
    assert found.mean is not None
    assert found.mean == pytest.approx(
        math.fsum(value / len(values) for value in values), rel=1e-9, abs=1e-12 * max(map(abs, values))
    )
    levels = sorted(Counter(values).items())
    assert found.levels == (tuple(levels) if len(levels) <= LEVELS else None)
    if found.edges:
        assert list(found.edges) == sorted(set(found.edges))
        expected, _ = np.histogram(values, bins=np.array(found.edges))
        assert found.counts == tuple(expected)
        assert sum(found.counts) == len(values)
        assert (found.low, found.high) == (min(values), max(values))
    else:
        assert len(levels) <= 24


@given(TEXTS)
def test_texts_agree_with_a_naive_count(values: list[str]) -> None:
    found = column_of([*values, "no number"])
    missing = [value for value in values if value.lower() in {"", "nan", "+nan", "-nan"}]
    counts = Counter(value for value in values if value not in missing)
    assert (found.kind, found.missing) == ("category", len(missing))
    assert found.levels == tuple(sorted((counts + Counter(["no number"])).items()))
    assert (found.edges, found.counts, found.minimum) == ((), (), None)


CELLS = st.sampled_from(["1", "2.5", " 3 ", "", "nan", "x", 'quo"te', "a,b", "1e3", "é", "inf"])


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=40))
def test_a_table_is_summed_up_as_its_rows_are(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, ...]]
) -> None:
    table = support.make_table(tmp_path_factory.mktemp("t") / "t.csv", ("a", "b", "c"), rows)
    assert_equal(summarize(table), summarize_rows(lambda: rows, ("a", "b", "c")))


def assert_equal(one: DesignSummary, other: DesignSummary) -> None:
    assert (one.rows, one.columns) == (other.rows, other.columns)
    for name in one.names:
        np.testing.assert_array_equal(np.asarray(one.sample[name]), np.asarray(other.sample[name]))


@pytest.mark.parametrize(
    ("cells", "kind", "count", "missing"),
    [
        (["1", "2", ""], "number", 2, 1),
        ([" 1 ", "NaN", "-nan", "2"], "number", 2, 2),
        (["1", "inf"], "category", 2, 0),
        (["1", "2", "x"], "category", 3, 0),
        (["1e400", "1"], "category", 2, 0),
        (["", ""], "category", 0, 2),
        ([None, 1, 2.5, True], "category", 3, 1),
        ([None, 1, 2.5], "number", 2, 1),
        (["0x10", "1_000"], "category", 2, 0),
    ],
)
def test_what_a_number_is(cells: list[object], kind: str, count: int, missing: int) -> None:
    found = column_of(cells)
    assert (found.kind, found.count, found.missing) == (kind, count, missing)


def test_more_levels_than_the_bound_are_not_counted() -> None:
    few, many = (column_of([f"level {n}" for n in range(size)]) for size in (LEVELS, LEVELS + 1))
    assert few.levels is not None
    assert len(few.levels) == LEVELS
    assert many.levels is None


def test_laws_tell_ends_levels_order_and_logarithms() -> None:
    uniform = column_of([0.4, 0.5, 0.6], "uniform(0, 1)")
    assert (uniform.low, uniform.high, uniform.edges[0], uniform.edges[-1]) == (0, 1, 0, 1)
    assert column_of([0.5, 1.5], "uniform(0, 1)").high == 1.5
    log = column_of([1e-5, 1.0], "loguniform(1e-6, 10)")
    assert (log.log, log.low, log.high) == (True, 1e-6, 10)
    assert np.diff(np.log(log.edges)) == pytest.approx(np.diff(np.log(log.edges))[0])
    assert column_of([2, 2, 4], "int(1, 5)").law_count == 5
    words = column_of(["low", "high", "mid"], "choice(low, mid, high)").levels
    assert words == (("low", 1), ("mid", 1), ("high", 1))
    assert column_of([1.0, 2.0], "no law at all").law == "no law at all"
    assert not column_of([10**n for n in range(-9, 9)], "uniform(0, 1e9)").log


def test_numbers_that_crowd_at_the_low_end_are_shown_by_logarithms() -> None:
    assert column_of([10.0**n for n in range(-300, 300)]).log
    assert not column_of([float(n) for n in range(1, 600)]).log
    assert not column_of([-1.0, *(10.0**n for n in range(-300, 300))]).log


def test_bins_of_whole_numbers_hold_whole_numbers() -> None:
    found = column_of(list(range(101)) * 5)
    widths = np.diff(found.edges)
    assert (found.edges[0], found.edges[-1]) == (-0.5, 100.5)
    assert set(widths[:-1]) == {widths[0]}
    assert widths[0] / 2 <= widths[-1] <= 1.5 * widths[0]
    assert found.counts == tuple(5 * int(width) for width in widths)


def test_the_sample_is_the_same_each_time_and_even(tmp_path: Path) -> None:
    rows = 50_000
    table = support.make_table(tmp_path / "t.csv", ("n", "t"), ((n, f"t{n % 7}") for n in range(rows)))
    found, again = summarize(table), summarize(table)
    assert_equal(found, again)
    numbers = np.asarray(found.sample["n"], dtype=float)
    assert len(set(numbers)) == SAMPLE
    assert list(numbers) == sorted(numbers)
    assert list(found.sample["t"]) == [f"t{int(n) % 7}" for n in numbers]
    parts, _ = np.histogram(numbers, bins=10, range=(0, rows))
    assert parts.min() > 140  # 200 are expected, and 140 are 4.5 standard deviations less
    assert list(numbers) != list(np.asarray(summarize(table, seed=1).sample["n"]))


def test_a_small_sample_is_all_rows() -> None:
    found = summarize_rows(lambda: [(n, str(n)) for n in range(50)], ["a", "b"])
    assert list(found.sample["a"]) == list(range(50))
    assert found.sampled == 50


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet"])
def test_every_format_of_a_table(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"t{suffix}"
    parameters = [parse_parameter(text) for text in ("a=uniform(0, 1)", "b=choice(x, y)", "c")]
    make_table(parameters, output=path, rows=300, seed=1)
    plain = tmp_path / "plain.csv"
    make_table(parameters, output=plain, rows=300, seed=1)
    assert_equal(summarize(open_table(path)), summarize(open_table(plain)))


def test_line_ends_and_marks_do_not_matter(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbfa,b\r\n1,x\r\n\r\n2,y\r\n")
    (tmp_path / "b.csv").write_bytes(b"a,b\n1,x\n2,y")
    assert_equal(*(summarize(open_table(tmp_path / name)) for name in ("a.csv", "b.csv")))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a,b\n1,2\n3,4\n1,2\n1,2,3\n", "row 3 (line 5): the row has 3 cells, the header has 2"),
        (b'a,b\n1,2\n3,4\n1,2\n"1"\n', "row 3 (line 5): the row has 1 cells, the header has 2"),
        (b'a,b\n1,2\n3,4\n1,2\n"1,2\n', "row 3 (line 5): not a row of CSV"),
        (b"a,b\n1,2\n3,4\n1,2\n1,\xff\n", "row 3 (line 5): byte 3 of the line is not UTF-8"),
    ],
)
def test_rows_that_cannot_be_read(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        summarize(open_table(path))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["widht"], "the table has no column 'widht' (did you mean 'width'?)"),
        (["a", "a"], "the column 'a' is chosen twice"),
        (["b"], "the name 'b' is given twice"),
    ],
)
def test_columns_that_cannot_be_taken(tmp_path: Path, columns: list[str], message: str) -> None:
    table = support.make_table(tmp_path / "t.csv", ("a", "width", "b", "b"), [(1, 2, 3, 4)])
    with pytest.raises(UserError) as caught:
        summarize(table, columns)
    assert message in str(caught.value)


def test_columns_come_in_the_order_that_is_asked_for(tmp_path: Path) -> None:
    table = support.make_table(tmp_path / "t.csv", ("a", "b", "c"), [(1, 2, 3), (4, 5, 6)])
    found = summarize(table, ["c", "a"])
    assert (found.names, [column.maximum for column in found.columns]) == (("c", "a"), [6, 4])
    with pytest.raises(KeyError):
        found.column("b")


def test_progress_ends_with_all_rows(tmp_path: Path) -> None:
    path = tmp_path / "t.csv.gz"
    with gzip.open(path, "wt") as stream:
        stream.write("a\n" + "".join(f"{n / 7}\n" for n in range(400_000)))
    told: list[tuple[int, int]] = []
    summarize(open_table(path), progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (400_000, 400_000)
    assert all(done <= total for done, total in told)


def test_no_rows_at_all() -> None:
    found = summarize_rows(lambda: (), ["a"])
    assert (found.rows, found.columns) == (0, (ColumnSummary(name="a", kind="category", count=0, levels=()),))


PROGRAM = """
import resource, sys
from pathlib import Path
from genstudy.plots.summary import summarize
from genstudy.tables.read import open_table
summarize(open_table(Path(sys.argv[1])))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    peaks = []
    for rows in (100_000, 800_000):
        path = tmp_path / f"{rows}.csv"
        parameters = [parse_parameter(text) for text in ("a=uniform(0, 1)", "b=normal(0, 1)", "c", "d")]
        make_table(parameters, output=path, rows=rows, seed=1)
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(path)], capture_output=True, text=True, check=True
        )
        peaks.append(int(done.stdout))
    assert peaks[1] < 1.25 * peaks[0]
