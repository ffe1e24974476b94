"""Parquet files as CSV."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genstudy.errors import UserError
from genstudy.tables.as_csv import AsCsv, csv_lines

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 1 << 16


class ParquetAsCsv(AsCsv):
    """The CSV text of a Parquet file."""

    def __init__(self, path: Path) -> None:
        """Open the file; a UserError if it is none, or holds what is no value."""
        import polars as pl

        super().__init__()
        self._path = path
        self._frame = pl.scan_parquet(path, glob=False)
        self._next_row = 0
        try:
            schema = self._frame.collect_schema()
        except (pl.exceptions.PolarsError, OSError) as problem:
            raise UserError(f"not a Parquet file: {problem}", where=str(path)) from None
        # In a lone column a null would be an empty line, which is no row.
        self._null = '""' if len(schema) == 1 else ""
        nested = [
            name
            for name, kind in schema.items()
            if kind.is_nested() or kind.base_type() in {pl.Binary, pl.Duration}
        ]
        if nested:
            raise UserError(f"column '{nested[0]}' holds {schema[nested[0]]}, not a value", where=str(path))
        self._pending = csv_lines([schema.names()]).encode()

    def next_text(self) -> bytes:
        """Return the lines of the next rows."""
        import polars as pl

        try:
            frame = self._frame.slice(self._next_row, ROWS).collect()
        except (pl.exceptions.PolarsError, OSError) as problem:
            raise UserError(f"the Parquet file is damaged: {problem}", where=str(self._path)) from None
        self._next_row += frame.height
        return frame.write_csv(include_header=False, null_value=self._null).encode() if frame.height else b""
