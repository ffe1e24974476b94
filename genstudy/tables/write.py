"""Writes frames of rows as CSV, gzipped CSV or Parquet, as they come: memory does not grow with rows."""

from __future__ import annotations

import gzip
import os
import re
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, BinaryIO, cast

import polars as pl

from genstudy.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

SUFFIXES = (".csv", ".csv.gz", ".parquet")
GZIP_LEVEL = 4
ROW_GROUP = 2**18


def suffix_of(name: str) -> str:
    """Return which of the known suffixes a table's file name ends with."""
    for suffix in SUFFIXES:
        if name.endswith(suffix) and name != suffix:
            return suffix
    raise UserError(
        "this is no name for a table", where=name, hint=f"name it with one of {', '.join(SUFFIXES)}"
    )


def write_frames(
    frames: Iterator[pl.DataFrame], stream: BinaryIO, suffix: str, *, header: bool = True
) -> None:
    """Write all frames, of one schema and at least one, to a stream in the format of a suffix.

    The same frames give the same bytes. header: whether CSV begins with the names; without them it goes on
    with what the stream holds. A stream that fails raises its OSError.
    """
    if suffix == ".parquet":
        _write_parquet(frames, stream)
    elif suffix == ".csv.gz":
        # No name and no time in the gzip header: the bytes depend on the rows alone.
        with gzip.GzipFile(
            filename="", mode="wb", compresslevel=GZIP_LEVEL, fileobj=stream, mtime=0
        ) as packed:
            _write_csv(frames, cast("IO[bytes]", packed), header=header)
    else:
        _write_csv(frames, stream, header=header)


def csv_text(frame: pl.DataFrame, *, header: bool) -> str:
    """Return a frame as CSV."""
    return frame.write_csv(include_header=header)


def _write_csv(frames: Iterator[pl.DataFrame], stream: IO[bytes], *, header: bool) -> None:
    for frame in frames:
        with _plain_os_errors():
            frame.write_csv(stream, include_header=header)
        header = False


def _write_parquet(frames: Iterator[pl.DataFrame], stream: BinaryIO) -> None:
    from polars.io.plugins import register_io_source

    first = next(frames)

    def pull(*_: object) -> Iterator[pl.DataFrame]:
        yield first
        yield from frames

    with _plain_os_errors():
        register_io_source(pull, schema=first.schema).sink_parquet(
            stream, row_group_size=ROW_GROUP, maintain_order=True
        )


@contextmanager
def _plain_os_errors() -> Iterator[None]:
    """Raise what a stream raised: polars wraps it, and only its text tells the error's number."""
    try:
        yield
    except (OSError, pl.exceptions.ComputeError) as error:
        found = re.search(r"\(os error (\d+)\)|\[Errno (\d+)\]", str(error))
        if found is None or getattr(error, "errno", None) is not None:
            raise
        number = int(found[1] or found[2])
        raise OSError(number, os.strerror(number)) from None
