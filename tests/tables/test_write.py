"""Streams that fail while frames are written to them."""

import io
import os
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from genstudy.tables.write import csv_text, suffix_of, write_frames

SUFFIXES = (".csv", ".csv.gz", ".parquet")


def frames(count: int = 3, rows: int = 50_000) -> Iterator[pl.DataFrame]:
    for number in range(count):
        yield pl.DataFrame({"a": range(number * rows, (number + 1) * rows)})


class Failing(io.RawIOBase):
    """A stream that takes some bytes and then fails."""

    def __init__(self, error: OSError) -> None:
        self.error = error

    def writable(self) -> bool:
        return True

    def write(self, _: object) -> int:
        raise self.error


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_full_disk_is_its_own_error(suffix: str) -> None:
    with (
        Path("/dev/full").open("wb", buffering=0) as stream,
        pytest.raises(OSError, match="No space") as caught,
    ):
        write_frames(frames(), stream, suffix)
    assert caught.value.errno == 28


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_failing_python_stream_is_its_own_error(suffix: str) -> None:
    with pytest.raises(OSError, match="File too large") as caught:
        write_frames(frames(), Failing(OSError(27, "File too large")), suffix)  # type: ignore[arg-type]
    assert caught.value.errno == 27


def test_a_closed_pipe_is_a_broken_pipe() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb", buffering=0) as stream, pytest.raises(BrokenPipeError):
        write_frames(frames(), stream, ".csv")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_errors_of_the_frames_pass_through(suffix: str) -> None:
    def broken() -> Iterator[pl.DataFrame]:
        yield from frames(1)
        raise LookupError("here")

    with pytest.raises(LookupError, match="here"):
        write_frames(broken(), io.BytesIO(), suffix)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_unknown_error_of_polars_passes_through(suffix: str) -> None:
    def broken() -> Iterator[pl.DataFrame]:
        yield from frames(1)
        raise pl.exceptions.ComputeError("of another kind")

    with pytest.raises(pl.exceptions.ComputeError, match="of another kind"):
        write_frames(broken(), io.BytesIO(), suffix)


def test_frames_become_one_table(tmp_path: Path) -> None:
    for suffix in SUFFIXES:
        with (tmp_path / f"t{suffix}").open("wb") as stream:
            write_frames(frames(), stream, suffix)
    one = pl.concat(frames())
    assert pl.read_csv(tmp_path / "t.csv").equals(one)
    assert pl.read_csv(tmp_path / "t.csv.gz").equals(one)
    assert pl.read_parquet(tmp_path / "t.parquet").equals(one)


def test_suffixes_and_text() -> None:
    assert [suffix_of(f"x{suffix}") for suffix in SUFFIXES] == list(SUFFIXES)
    assert csv_text(pl.DataFrame({"a": ["x,y", 'q"', ""]}), header=True) == 'a\n"x,y"\n"q"""\n""\n'
