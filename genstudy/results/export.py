"""Results written to a file: CSV, Parquet or JSON lines, streamed, the whole file or none."""

from __future__ import annotations

import gzip
import io
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from genstudy.errors import GenstudyError, RunError, UserError
from genstudy.files import named_errors, whole_file
from genstudy.results.cells import as_text, csv_writer, json_object
from genstudy.results.query import Results, Rows, open_results, run_query, table_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import IO, BinaryIO

    import polars as pl

    from genstudy.results.schema import Kind

SUFFIXES = (".csv", ".csv.gz", ".parquet", ".jsonl")
GZIP_LEVEL = 4
CHANGED = "the query gave other values when it was read once more, for what its columns hold: try it again"


def export_results(
    folder: str | Path,
    output: str | Path,
    *,
    attempts: bool = False,
    query: str | None = None,
    db: str | None = None,
    table: str | None = None,
    force: bool = False,
) -> int:
    """Write the results of a campaign to a file, and return how many rows these are.

    output: its name ends in .csv, .csv.gz, .parquet or .jsonl. attempts: a row for each attempt, not only the
    last one of each combination. query: its rows instead. db, table: see open_results. force: replace a file.

    Rows are streamed. Raises UserError where there are no results, or the file cannot be written.
    """
    output = Path(output)
    suffix = next(
        (suffix for suffix in SUFFIXES if output.name.endswith(suffix) and output.name != suffix), None
    )
    if suffix is None:
        raise UserError(
            "this is no name for a file of results",
            where=str(output),
            hint=f"name it with {', '.join(SUFFIXES)}",
        )
    if attempts and query is not None:
        raise UserError("a query says itself which rows it takes", hint="query the table of attempts instead")
    with (
        open_results(folder, db=db, table=table) as results,
        named_errors(output),
        whole_file(output, force=force) as stream,
    ):
        return _write(results, stream, suffix, query, attempts=attempts)


def _write(results: Results, stream: BinaryIO, suffix: str, query: str | None, *, attempts: bool) -> int:
    kinds: Mapping[str, Kind | None] = results.columns
    if query is not None:
        kinds = {}
        if suffix == ".parquet":
            with _rows(results, query, attempts=attempts) as rows:
                kinds = _kinds_of(rows)
    with _rows(results, query, attempts=attempts) as rows:
        rows.check_names()
        if suffix == ".parquet":
            return _write_parquet(rows, kinds, stream)
        if suffix == ".jsonl":
            return _write_lines(rows, kinds, stream)
        if suffix == ".csv.gz":
            # No name and no time in the header: the bytes depend on the rows alone.
            with gzip.GzipFile("", "wb", GZIP_LEVEL, stream, mtime=0) as packed:
                return _write_csv(rows, kinds, cast("IO[bytes]", packed))
        return _write_csv(rows, kinds, stream)


@contextmanager
def _rows(results: Results, query: str | None, *, attempts: bool) -> Iterator[Rows]:
    chosen = run_query(results, query) if query is not None else table_rows(results, attempts=attempts)
    with chosen as rows:
        yield rows


def _parts(rows: Rows, kinds: Mapping[str, Kind | None]) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the rows; SQLite has no bool, so that these are made here."""
    truths = {place for place, name in enumerate(rows.columns) if kinds.get(name) == "bool"}
    for part in rows.parts():
        if not truths:
            yield part
            continue
        yield [
            tuple(bool(v) if place in truths and v is not None else v for place, v in enumerate(row))
            for row in part
        ]


def _write_csv(rows: Rows, kinds: Mapping[str, Kind | None], stream: IO[bytes]) -> int:
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=False)
    writer = csv_writer(text)
    writer.writerow(rows.columns)
    count = 0
    for part in _parts(rows, kinds):
        writer.writerows([as_text(value) for value in row] for row in part)
        count += len(part)
    text.flush()
    text.detach()
    return count


def _write_lines(rows: Rows, kinds: Mapping[str, Kind | None], stream: BinaryIO) -> int:
    count = 0
    for part in _parts(rows, kinds):
        stream.write("".join(f"{json_object(rows.columns, row)}\n" for row in part).encode())
        count += len(part)
    return count


def _write_parquet(rows: Rows, kinds: Mapping[str, Kind | None], stream: BinaryIO) -> int:
    import polars as pl

    from genstudy.tables.write import write_frames

    types: dict[Kind | None, Any] = {
        "int": pl.Int64,
        "float": pl.Float64,
        "bool": pl.Boolean,
        "time": pl.Datetime("us"),
    }
    schema = {name: types.get(kinds.get(name), pl.String) for name in rows.columns}
    count = 0
    problems: list[GenstudyError] = []

    def frames() -> Iterator[pl.DataFrame]:
        nonlocal count
        yield pl.DataFrame(schema=schema)
        try:
            for part in _parts(rows, kinds):
                yield _frame(rows.columns, part, kinds, schema)
                count += len(part)
        except GenstudyError as problem:
            problems.append(problem)
            raise

    try:
        write_frames(frames(), stream, ".parquet")
    except pl.exceptions.PolarsError:
        if problems:  # which polars made its own
            raise problems[0] from None
        raise
    return count


def _frame(
    columns: Sequence[str],
    part: Sequence[tuple[Any, ...]],
    kinds: Mapping[str, Kind | None],
    schema: Mapping[str, Any],
) -> pl.DataFrame:
    import polars as pl

    cells = zip(columns, zip(*part, strict=True), strict=True)
    try:
        return pl.DataFrame({name: _column(values, kinds.get(name)) for name, values in cells}, schema=schema)
    except (TypeError, ValueError, AttributeError, OverflowError, pl.exceptions.PolarsError) as problem:
        raise RunError(CHANGED) from problem


def _column(values: Sequence[Any], kind: Kind | None) -> Sequence[Any]:
    match kind:
        case "time":
            return list(map(_time, values))
        case "float":
            return [None if value is None else float(value) for value in values]
        case "int" | "bool":
            return values
    return [None if value is None else as_text(value) for value in values]


def _time(value: Any) -> Any:
    """Return a time without a zone: one with a zone as it is in UTC."""
    if isinstance(value, str):
        return datetime.fromisoformat(value)
    return value.astimezone(UTC).replace(tzinfo=None) if value is not None and value.tzinfo else value


def _kinds_of(rows: Rows) -> dict[str, Kind | None]:
    """Return what the columns of a query hold, by all of its rows."""
    found: list[set[type]] = [set() for _ in rows.columns]
    for part in rows.parts():
        for types, values in zip(found, zip(*part, strict=True), strict=True):
            types.update(map(type, values))
    return {name: _kind(types - {type(None)}) for name, types in zip(rows.columns, found, strict=True)}


def _kind(types: set[type]) -> Kind:
    from decimal import Decimal

    if types == {bool}:
        return "bool"
    if types == {int}:
        return "int"
    if types and types <= {int, float, Decimal}:
        return "float"
    return "time" if types == {datetime} else "text"
