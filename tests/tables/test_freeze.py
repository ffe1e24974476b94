"""A frozen table: every row in one slice, cell for cell, whatever the sizes of blocks and batches."""

from __future__ import annotations

import csv
import hashlib
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genstudy.errors import UserError
from genstudy.tables import streams
from genstudy.tables.checks import CellCheck
from genstudy.tables.freeze import Frozen, freeze
from genstudy.tables.read import open_table
from tests.tables.strategies import Sample, samples

pytestmark = pytest.mark.usefixtures("in_tmp")


def freeze_file(
    path: Path,
    *,
    size: int = 4,
    start: int = 0,
    stop: int | None = None,
    index: str | None = None,
    verbatim: bool = False,
) -> tuple[Frozen, bytes]:
    """Freeze a table in batches of `size` and return what was found and written."""
    table = open_table(path)
    target = io.BytesIO()
    frozen = freeze(
        table,
        target,
        check=CellCheck(table, allow_missing=True),
        index=index,
        start=start,
        stop=stop,
        size_of=lambda _: size,
        verbatim=verbatim,
    )
    return frozen, target.getvalue()


def parse(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8"), newline=""), strict=True))


@pytest.mark.parametrize("block_bytes", [1, 7, 64, 1 << 22])
@given(
    sample=samples(), size=st.integers(1, 5), start=st.integers(0, 12), rows=st.none() | st.integers(1, 12)
)
def test_slices_cover_every_row_once_cell_for_cell(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    block_bytes: int,
    sample: Sample,
    size: int,
    start: int,
    rows: int | None,
) -> None:
    monkeypatch.setattr(streams, "BLOCK_BYTES", block_bytes)
    path = tmp_path / "t.csv"
    path.write_bytes(sample.data)
    frozen, data = freeze_file(path, size=size, start=start, stop=None if rows is None else start + rows)
    wanted = sample.rows[start : None if rows is None else start + rows]

    assert parse(data) == [sample.columns, *sample.rows]
    assert (frozen.rows, frozen.nbytes) == (len(sample.rows), len(data))
    assert frozen.sha256 == hashlib.sha256(data).hexdigest()
    check_slices(frozen, data, wanted, size, start)


def check_slices(frozen: Frozen, data: bytes, wanted: list[list[str]], size: int, start: int) -> None:
    """Read every slice by its bytes alone, as the pgen does."""
    header = data[: data.index(b"\n") + 1]
    found: list[list[str]] = []
    for cut in frozen.slices:
        text = data[cut.offset : cut.offset + cut.nbytes]
        assert cut.start == start + len(found)
        assert cut.sha256 == hashlib.sha256(header + text).hexdigest()
        rows = parse(text)
        assert len(rows) == cut.nrows
        assert cut is frozen.slices[-1] or cut.nrows == size
        found += rows
    assert found == wanted


@pytest.mark.parametrize("block_bytes", [1, 7, 1 << 22])
@given(sample=samples(blank_lines=False), size=st.integers(1, 5), start=st.integers(0, 5))
def test_slices_of_a_table_left_where_it_is(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    block_bytes: int,
    sample: Sample,
    size: int,
    start: int,
) -> None:
    monkeypatch.setattr(streams, "BLOCK_BYTES", block_bytes)
    path = tmp_path / "t.csv"
    path.write_bytes(sample.data)
    frozen, data = freeze_file(path, size=size, start=start, verbatim=True)
    assert data == sample.data
    assert frozen.sha256 == hashlib.sha256(sample.data).hexdigest()
    check_slices(frozen, data, sample.rows[start:], size, start)


@pytest.mark.parametrize(
    ("data", "line"), [(b"a,b\n1,1\n\n2,2\n", 3), (b"a,b\n\n1,1\n", 2), (b"a,b\r\n1,1\r\n\r\n\r\n2,2\r\n", 4)]
)
def test_a_table_left_where_it_is_has_no_blank_line(data: bytes, line: int) -> None:
    Path("t.csv").write_bytes(data)
    with pytest.raises(UserError) as caught:
        freeze_file(Path("t.csv"), verbatim=True)
    assert caught.value.message == "a blank line"
    assert f"(line {line})" in str(caught.value)


def test_what_is_written_is_plain() -> None:
    Path("t.csv").write_bytes(b'\xef\xbb\xbf a ,"b"\r\n1,"x, y"\r\n\r\n2,\xc2\xb5')
    _, data = freeze_file(Path("t.csv"))
    assert data == 'a,b\n1,"x, y"\n2,µ\n'.encode()


def test_the_longest_row_id() -> None:
    Path("t.csv").write_text("id,a\n" + "".join(f"{'x' * (number % 7)}r{number},1\n" for number in range(11)))
    assert freeze_file(Path("t.csv"))[0].longest_id == 2
    assert freeze_file(Path("t.csv"), index="id")[0].longest_id == 8


def test_batches_of_different_sizes() -> None:
    Path("t.csv").write_text("a\n" + "".join(f"{number}\n" for number in range(10)))
    table = open_table(Path("t.csv"))
    done: list[tuple[int, int]] = []
    frozen = freeze(
        table,
        None,
        check=CellCheck(table),
        index=None,
        start=1,
        stop=9,
        size_of=[3, 3, 2, 99].__getitem__,
        progress=lambda rows, total: done.append((rows, total)),
    )
    assert [(cut.start, cut.nrows) for cut in frozen.slices] == [(1, 3), (4, 3), (7, 2)]
    assert done == [(10, 10)]
